//! Mimus, a machine emulator with QEMU's command line.

fn main() {}
