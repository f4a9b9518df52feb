//! Intel HEX files: bytes at addresses and, often, an entry, as text.
//!
//! Document: Intel, Hexadecimal Object File Format Specification, revision A.

use super::elf::{Program, Segment};
use crate::base::Result;
use crate::{error, fail};
use ihex::{Reader, Record};

/// Whether a file looks like one: text that begins with a record.
pub fn is_hex(bytes: &[u8]) -> bool {
    bytes.starts_with(b":") && bytes.is_ascii()
}

/// Reads a file. The program begins where a record says, else at its first byte.
///
/// # Errors
/// The first record that is damaged.
pub fn parse(bytes: &[u8]) -> Result<Program> {
    let text = std::str::from_utf8(bytes).map_err(|_| error!("the Intel HEX file is no text"))?;
    let mut segments: Vec<(u64, Vec<u8>)> = Vec::new();
    let (mut base, mut entry) = (0, None);
    for (number, record) in Reader::new(text).enumerate() {
        let record = record.map_err(|e| error!("record {} of the Intel HEX file is damaged: {e}", number + 1))?;
        match record {
            Record::Data { offset, value } => {
                let at = base + u64::from(offset);
                match segments.last_mut().filter(|(start, bytes)| start + bytes.len() as u64 == at) {
                    Some((_, bytes)) => bytes.extend(value),
                    None => segments.push((at, value)),
                }
            }
            Record::EndOfFile => break,
            Record::ExtendedSegmentAddress(segment) => base = u64::from(segment) << 4,
            Record::ExtendedLinearAddress(upper) => base = u64::from(upper) << 16,
            Record::StartSegmentAddress { cs, ip } => entry = Some((u64::from(cs) << 4) + u64::from(ip)),
            Record::StartLinearAddress(address) => entry = Some(u64::from(address)),
        }
    }
    let Some((first, _)) = segments.first() else { fail!("the Intel HEX file has nothing to load") };
    Ok(Program {
        isa: None,
        machine: "any machine",
        entry: entry.unwrap_or(*first),
        segments: segments.into_iter().map(|(at, bytes)| Segment::plain(at, bytes)).collect(),
        symbols: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_segments_and_an_entry() {
        let text = ":0200000480007A\n:04000000010203 04F2\n".replace(' ', "")
            + ":02000400AABB95\r\n:0100100055 9A\n".replace(' ', "").as_str()
            + ":04000005800000047 3\n:00000001FF\n".replace(' ', "").as_str();
        assert!(is_hex(text.as_bytes()));
        let program = parse(text.as_bytes()).unwrap();
        assert_eq!(program.entry, 0x8000_0004);
        let found: Vec<(u64, Vec<u8>)> = program.segments.iter().map(|s| (s.at, s.bytes.to_vec())).collect();
        assert_eq!(found, [(0x8000_0000, vec![1, 2, 3, 4, 0xaa, 0xbb]), (0x8000_0010, vec![0x55])]);
    }

    #[test]
    fn damage_names_the_record() {
        let error = parse(b":00000001FF\n").unwrap_err().to_string();
        assert!(error.contains("nothing to load"), "{error}");
        let error = parse(b":020000048000FA\n").unwrap_err().to_string();
        assert!(error.starts_with("record 1 of the Intel HEX file is damaged"), "{error}");
    }
}
