//! A disk with a FAT16 file system, for firmware that starts what it finds on one.
//!
//! Document: Microsoft Extensible Firmware Initiative FAT32 File System Specification, 1.03.

const SECTOR: usize = 512;
/// Sectors of a cluster: 8 KiB, so that 65524 of them, as many as FAT16 has, are 512 MiB.
const PER_CLUSTER: usize = 16;
const CLUSTER: usize = SECTOR * PER_CLUSTER;
const RESERVED: usize = 1;
const ROOT_ENTRIES: usize = 512;
/// The fewest clusters that make it FAT16 and not FAT12.
const FEWEST: usize = 4096;
const END_OF_CHAIN: u16 = 0xffff;

/// A disk with these files in its root; names are as FAT has them, `NAME.EXT` in capitals.
///
/// # Panics
/// When a name is too long, or the files are too large.
pub fn disk(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let clusters_of = |bytes: &[u8]| bytes.len().div_ceil(CLUSTER);
    let clusters = files.iter().map(|(_, bytes)| clusters_of(bytes)).sum::<usize>().max(FEWEST) + 16;
    assert!(clusters < 65525 && files.len() <= ROOT_ENTRIES, "too much for FAT16");
    // The first two entries of the table stand for no cluster.
    let table_sectors = (2 * (clusters + 2)).div_ceil(SECTOR);
    let root_at = (RESERVED + table_sectors) * SECTOR;
    let data_at = root_at + ROOT_ENTRIES * 32;
    let mut disk = vec![0; data_at + clusters * CLUSTER];

    let mut boot = Vec::from(*b"\xeb\x3c\x90MIMUS   ");
    boot.extend((SECTOR as u16).to_le_bytes());
    boot.push(PER_CLUSTER as u8);
    boot.extend((RESERVED as u16).to_le_bytes());
    boot.push(1);
    boot.extend((ROOT_ENTRIES as u16).to_le_bytes());
    boot.extend([0, 0, 0xf8]);
    boot.extend((table_sectors as u16).to_le_bytes());
    boot.extend([63, 0, 16, 0]);
    boot.extend(0u32.to_le_bytes());
    boot.extend(((disk.len() / SECTOR) as u32).to_le_bytes());
    boot.extend([0x80, 0, 0x29]);
    boot.extend(*b"\x01\x02\x03\x04MIMUS      FAT16   ");
    disk[..boot.len()].copy_from_slice(&boot);
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);

    let mut table = vec![0xfff8, END_OF_CHAIN];
    for (n, (name, bytes)) in files.iter().enumerate() {
        let first = table.len();
        let count = clusters_of(bytes);
        table.extend((first + 1..first + count).map(|next| next as u16).chain((count > 0).then_some(END_OF_CHAIN)));
        let data = data_at + (first - 2) * CLUSTER;
        disk[data..data + bytes.len()].copy_from_slice(bytes);
        let entry = &mut disk[root_at + 32 * n..root_at + 32 * (n + 1)];
        entry[..11].fill(b' ');
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        assert!(stem.len() <= 8 && extension.len() <= 3, "'{name}' is no name for FAT");
        entry[..stem.len()].copy_from_slice(stem.as_bytes());
        entry[8..8 + extension.len()].copy_from_slice(extension.as_bytes());
        // The first day that there is.
        entry[24..26].copy_from_slice(&0x21u16.to_le_bytes());
        entry[26..28].copy_from_slice(&(if count == 0 { 0 } else { first as u16 }).to_le_bytes());
        entry[28..32].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
    }
    for (n, entry) in table.iter().enumerate() {
        let at = RESERVED * SECTOR + 2 * n;
        disk[at..at + 2].copy_from_slice(&entry.to_le_bytes());
    }
    disk
}
