//! ELF files for guests that are written here.

/// A static ELF file at address `base`: one segment, all of it writable and executable, `memory` bytes long in memory.
/// The machine is its number, the flags that it wants, and whether its data is big-endian.
pub fn elf(machine: (u16, u32, bool), base: u64, image: &[u8], memory: u64) -> Vec<u8> {
    let (machine, flags, big_endian) = machine;
    let mut elf = vec![];
    elf.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    elf.extend([2, machine].map(u16::to_le_bytes).concat()); // an executable
    elf.extend(1u32.to_le_bytes());
    elf.extend([base, 64, 0].map(u64::to_le_bytes).concat());
    elf.extend(flags.to_le_bytes());
    elf.extend([64u16, 56, 1, 64, 0, 0].map(u16::to_le_bytes).concat());
    elf.extend([1u32, 7].map(u32::to_le_bytes).concat());
    elf.extend([0x1000, base, base, image.len() as u64, memory, 0x1000].map(u64::to_le_bytes).concat());
    if big_endian {
        turn(&mut elf);
    }
    elf.resize(0x1000, 0);
    elf.extend(image);
    elf
}

/// Turns each field of little-endian headers round.
fn turn(elf: &mut [u8]) {
    elf[5] = 2;
    // Type, machine, version, three addresses, flags, six numbers; of the segment: type, flags, six numbers.
    let sizes = [&[2, 2, 4, 8, 8, 8, 4][..], &[2; 6], &[4, 4], &[8; 6]].concat();
    let mut at = 16;
    for size in sizes {
        elf[at..at + size].reverse();
        at += size;
    }
}
