//! How a hart is told to software: the ISA string and its node in the device tree.

use super::Riscv64;
use super::counters::event;
use super::extensions::Extensions;
use super::helpers::CACHE_BLOCK;
use crate::fabric::TreeNode;

const A: Extensions = Extensions::A;
const S: Extensions = Extensions::S;

/// Names of the ISA string, in the order that the manual and QEMU have them, after the single letters.
const NAMES: &[(&str, Extensions)] = &[
    ("zic64b", Extensions::I),
    ("zicbom", Extensions::ZICBOM),
    ("zicbop", Extensions::ZICBOP),
    ("zicboz", Extensions::ZICBOZ),
    ("ziccamoa", A),
    ("ziccif", Extensions::I),
    ("zicclsm", Extensions::I),
    ("ziccrse", A),
    ("zicond", Extensions::ZICOND),
    ("zicntr", Extensions::ZICNTR),
    ("zicsr", Extensions::ZICSR),
    ("zifencei", Extensions::ZIFENCEI),
    ("zihintntl", Extensions::ZIHINTNTL),
    ("zihintpause", Extensions::ZIHINTPAUSE),
    ("zihpm", Extensions::ZIHPM),
    ("zimop", Extensions::ZIMOP),
    ("zmmul", Extensions::M),
    ("za64rs", A),
    ("zaamo", A),
    ("zabha", Extensions::ZABHA),
    ("zacas", Extensions::ZACAS),
    ("zalrsc", A),
    ("zawrs", Extensions::ZAWRS),
    ("zfa", Extensions::ZFA),
    ("zfh", Extensions::ZFH),
    ("zfhmin", Extensions::ZFHMIN),
    ("zca", Extensions::C),
    ("zcb", Extensions::ZCB),
    ("zcd", Extensions::C.with(Extensions::D)),
    ("zcmop", Extensions::ZCMOP),
    ("zba", Extensions::ZBA),
    ("zbb", Extensions::ZBB),
    ("zbc", Extensions::ZBC),
    ("zbkb", Extensions::ZBKB),
    ("zbkc", Extensions::ZBKC),
    ("zbkx", Extensions::ZBKX),
    ("zbs", Extensions::ZBS),
    ("ssccptr", S),
    ("sscofpmf", Extensions::SSCOFPMF),
    ("sscounterenw", S),
    ("sstc", Extensions::SSTC),
    ("sstvala", S),
    ("sstvecd", S),
    ("ssu64xl", S),
    ("svade", Extensions::SVADE),
    ("svadu", Extensions::SVADU),
    ("svinval", Extensions::SVINVAL),
    ("svnapot", Extensions::SVNAPOT),
    ("svpbmt", Extensions::SVPBMT),
    ("svvptc", Extensions::SVVPTC),
    ("xtheadcmo", Extensions::XTHEADCMO),
    ("xtheadsync", Extensions::XTHEADSYNC),
];

/// Names that version 1.11 of the privileged architecture brought.
const SINCE_1_11: &[&str] = &["ziccamoa", "ziccif", "zicclsm", "ziccrse", "ssccptr"];
/// Names that version 1.12 brought for what was there before.
const SINCE_1_12: &[&str] =
    &["zic64b", "zmmul", "za64rs", "zaamo", "zalrsc", "zca", "zcd", "sscounterenw", "sstvala", "sstvecd", "ssu64xl"];

/// The single letters, in the manual's order.
const LETTERS: &[(&str, Extensions)] = &[
    ("i", Extensions::I),
    ("m", Extensions::M),
    ("a", Extensions::A),
    ("f", Extensions::F),
    ("d", Extensions::D),
    ("c", Extensions::C),
    ("b", Extensions::B),
];

impl Riscv64 {
    /// The names of `riscv,isa-extensions`.
    pub fn isa_extensions(&self) -> Vec<&'static str> {
        let letters = LETTERS.iter().filter(|(_, extension)| self.ext.has(*extension)).map(|(name, _)| *name);
        let known = |name: &str| {
            let since = if SINCE_1_12.contains(&name) { 12 } else { 10 + u32::from(SINCE_1_11.contains(&name)) };
            self.privileged >= since
        };
        let names = NAMES.iter().filter(|(name, extension)| self.ext.has(*extension) && known(name));
        let names = names.map(|(name, _)| *name);
        letters.chain(names).collect()
    }

    /// The string of `riscv,isa`.
    pub fn isa_string(&self) -> String {
        let (letters, names): (Vec<&str>, Vec<&str>) = self.isa_extensions().into_iter().partition(|n| n.len() == 1);
        let mut text = format!("rv64{}", letters.concat());
        if !self.short_isa {
            names.iter().for_each(|name| text = format!("{text}_{name}"));
        }
        text
    }

    /// The node of a hart, without `reg`, phandle and the interrupt controller inside it.
    pub fn tree(&self) -> TreeNode {
        let mut node = TreeNode::new("cpu").strings("device_type", &["cpu"]);
        node = node.strings("status", &["okay"]).strings("compatible", &["riscv"]);
        for (extension, name) in [
            (Extensions::ZICBOP, "riscv,cbop-block-size"),
            (Extensions::ZICBOZ, "riscv,cboz-block-size"),
            (Extensions::ZICBOM, "riscv,cbom-block-size"),
        ] {
            if self.ext.has(extension) {
                node = node.cells(name, &[CACHE_BLOCK as u32]);
            }
        }
        node = node.strings("riscv,isa-extensions", &self.isa_extensions());
        node = node.strings("riscv,isa-base", &["rv64i"]).strings("riscv,isa", &[&self.isa_string()]);
        let mmu = match self.levels {
            0 => "riscv,none",
            3 => "riscv,sv39",
            4 => "riscv,sv48",
            _ => "riscv,sv57",
        };
        node.strings("mmu-type", &[mmu])
    }

    /// The node of the programmable counters, for firmware: which events each of them can count.
    pub fn counters_tree(&self) -> Option<TreeNode> {
        let programmable = self.counters;
        let each = event::ALL.into_iter().flat_map(|event| {
            let fixed = match event {
                event::CYCLES => 1 << 0,
                event::INSTRUCTIONS => 1 << 2,
                _ => 0,
            };
            [event as u32, event as u32, programmable | fixed]
        });
        let node = TreeNode::new("pmu").strings("compatible", &["riscv,pmu"]);
        let node = node.cells("riscv,event-to-mhpmcounters", &each.collect::<Vec<u32>>());
        (programmable != 0).then_some(node)
    }

    /// The controller in a hart's node that its pins are inputs of.
    pub fn controller_tree() -> TreeNode {
        TreeNode::new("interrupt-controller")
            .cells("#interrupt-cells", &[1])
            .flag("interrupt-controller")
            .strings("compatible", &["riscv,cpu-intc"])
    }
}

/// The names of a hart's pins for boards, with the number of each.
pub const PINS: &[(&str, u32)] = &[("ssi", 1), ("msi", 3), ("sti", 5), ("mti", 7), ("sei", 9), ("mei", 11)];
