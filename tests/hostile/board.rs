//! The boards that are attacked, with everything plugged in that there is.

use crate::random::Random;
use mimus::boot::{Firmware, Request};
use mimus::cpu::Cpu;
use mimus::engine::Kind;
use mimus::fabric::{Bus, Io};
use mimus::host::{Block, CharEnd};
use mimus::machine::page::{Page, find};
use mimus::machine::{self, Actions, Control, CpuChoice, Disk, Interface, Plug, Setup};
use std::io;
use std::sync::Arc;

/// A board to attack.
pub struct Board {
    /// What the trials call it.
    pub name: &'static str,
    /// Its ISA.
    pub isa: &'static str,
    /// `-M` properties.
    props: &'static [(&'static str, &'static str)],
    /// Where its RAM starts.
    pub ram: u64,
    /// Where a raw kernel goes.
    pub kernel: u64,
}

const fn riscv64(name: &'static str, props: &'static [(&'static str, &'static str)]) -> Board {
    Board { name, isa: "riscv64", props, ram: 0x8000_0000, kernel: 0x8020_0000 }
}

const fn aarch64(name: &'static str, props: &'static [(&'static str, &'static str)]) -> Board {
    Board { name, isa: "aarch64", props, ram: 0x4000_0000, kernel: 0x4008_0000 }
}

/// Every board, with what changes its parts.
pub const BOARDS: &[Board] = &[
    riscv64("riscv64", &[]),
    riscv64("riscv64-aclint", &[("aclint", "on")]),
    aarch64("aarch64-gicv2", &[("gic-version", "2")]),
    aarch64("aarch64-gicv3", &[("gic-version", "3")]),
    aarch64("aarch64-secure", &[("gic-version", "3"), ("secure", "on"), ("virtualization", "on")]),
    aarch64("aarch64-secure-gicv2", &[("gic-version", "2"), ("secure", "on")]),
];

/// Bytes of RAM.
pub const RAM: u64 = 64 << 20;
/// How many vCPUs.
pub const CPUS: u32 = 2;
/// Bytes of the part of RAM that attacks are laid out in, and where it starts behind RAM's start.
pub const ARENA: u64 = 1 << 18;
pub const ARENA_AT: u64 = 16 << 20;

impl Board {
    /// The machine, paused. With a kernel its built-in firmware is there, too.
    pub fn build(&self, engine: Kind, random: &mut Random, kernel: Option<&[u8]>) -> Arc<Control> {
        let props: Vec<(String, String)> = self.props.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let page = Page::read(&find("virt", Some(self.isa)).unwrap(), &props, &[]).unwrap();
        let mut boot = Request { firmware: Firmware::None, ..Request::default() };
        if let Some(code) = kernel {
            let path = std::env::temp_dir().join(format!("mimus-hostile-{}", std::process::id()));
            std::fs::write(&path, code).unwrap();
            boot = Request { kernel: Some(path), ..Request::default() };
        }
        let plug = |driver: &str, props: &[(&str, &str)]| Plug {
            driver: driver.into(),
            props: props.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect(),
            ..Plug::default()
        };
        let legacy = random.one_of(&["on", "off"]);
        let path = boot.kernel.clone();
        let setup = Setup {
            cpu: Some(CpuChoice { model: "max".into(), ..CpuChoice::default() }),
            cpus: Some(CPUS),
            ram: Some(RAM),
            engine,
            boot,
            plugs: vec![
                plug("virtio-rng-device", &[]),
                plug("virtio-serial-device", &[]),
                plug("virtconsole", &[("chardev", "a")]),
                plug("virtserialport", &[("chardev", "b"), ("name", "port")]),
            ],
            disks: vec![Disk {
                id: None,
                interface: Interface::Usual,
                index: None,
                image: Some(Box::new(Memory(vec![0; 1 << 20]))),
                given: "-drive".into(),
            }],
            serials: vec![Some(Box::new(Fickle(random.next() | 1)))],
            chardevs: Box::new(|_| Ok(Box::new(Fickle(0x1234_5678_9abc_def1)))),
            globals: vec![("virtio-mmio".into(), "force-legacy".into(), legacy.into())],
            ..Setup::default()
        };
        let control = Control::start(machine::build(page, setup).unwrap(), Actions::default()).unwrap();
        if let Some(path) = path {
            let _ = std::fs::remove_file(path);
        }
        control
    }

    /// The first address of the arena.
    pub fn arena(&self) -> u64 {
        self.ram + ARENA_AT
    }

    /// An address in the arena, mostly aligned.
    pub fn place(&self, random: &mut Random) -> u64 {
        let at = self.arena() + random.next() % ARENA;
        at & !random.one_of(&[0, 7, 63, 0xfff, 0xfff, 0xffff])
    }

    /// A value as an attacker writes it: special numbers, addresses of the arena, of other RAM and of chips, or anything.
    pub fn value(&self, random: &mut Random) -> u64 {
        match random.below(8) {
            0 => 0,
            1 => random.below(32) as u64,
            2 | 3 => self.place(random),
            4 => self.ram + random.next() % (RAM + 0x2000),
            5 => random.next() & 0x1fff_ffff,
            _ => random.integer(),
        }
    }

    /// Writes words at an address of RAM.
    pub fn poke(&self, bus: &Bus, at: u64, words: &[u64]) {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let _ = bus.poke(at, &bytes);
    }

    /// Fills the arena with values.
    pub fn strew(&self, bus: &Bus, random: &mut Random) {
        let words: Vec<u64> = (0..ARENA / 8).map(|_| self.value(random)).collect();
        self.poke(bus, self.arena(), &words);
    }

    /// Who asks a chip: a vCPU, in either world.
    pub fn asker(&self, random: &mut Random) -> u32 {
        random.below(CPUS as usize) as u32 | if random.below(4) == 0 { Io::SECURE } else { 0 }
    }
}

/// Does something with a vCPU of a machine that is paused.
pub fn with_cpu<T>(control: &Control, index: u32, f: impl FnOnce(&mut Cpu) -> T) -> T {
    control.with_cpu(index, f).expect("a vCPU")
}

/// A disk in memory, which fails now and then.
struct Memory(Vec<u8>);

impl Memory {
    fn range(&mut self, offset: u64, length: u64) -> io::Result<&mut [u8]> {
        let end = offset.checked_add(length).filter(|end| *end <= self.0.len() as u64);
        let end = end.ok_or_else(|| io::Error::other("past the end"))?;
        if offset % (1 << 16) == 512 {
            return Err(io::Error::other("a bad sector"));
        }
        Ok(&mut self.0[offset as usize..end as usize])
    }
}

impl Block for Memory {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_only(&self) -> bool {
        false
    }

    fn read(&mut self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        into.copy_from_slice(self.range(offset, into.len() as u64)?);
        Ok(())
    }

    fn write(&mut self, offset: u64, from: &[u8]) -> io::Result<()> {
        self.range(offset, from.len() as u64)?.copy_from_slice(from);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.write_zeroes(offset, length)
    }

    fn write_zeroes(&mut self, offset: u64, length: u64) -> io::Result<()> {
        self.range(offset, length)?.fill(0);
        Ok(())
    }
}

/// An outside that takes and gives bytes as it likes.
struct Fickle(u64);

impl CharEnd for Fickle {
    fn write(&mut self, bytes: &[u8]) -> usize {
        let mut random = Random(self.0);
        let taken = if random.below(4) == 0 { random.below(bytes.len() + 1) } else { bytes.len() };
        self.0 = random.0;
        taken
    }

    fn read(&mut self, into: &mut [u8]) -> usize {
        let mut random = Random(self.0);
        let count = if random.below(16) == 0 { random.below(into.len() + 1) } else { 0 };
        into[..count].fill(random.next() as u8);
        self.0 = random.0;
        count
    }

    fn on_ready(&mut self, _notify: Box<dyn Fn() + Send + Sync>) {}
}
