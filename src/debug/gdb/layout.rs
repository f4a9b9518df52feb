//! The registers as gdb is told of them: a target description made from the ISA's register table.

use crate::cpu::{Cpu, Group, Isa, RegDef};
use std::fmt::Write;

/// How gdb names an instruction set, and the features that its registers belong to.
struct Names {
    isa: &'static str,
    architecture: &'static str,
    /// The register of the first feature that the pc comes behind.
    before_pc: &'static str,
    /// gdb's or QEMU's name of a register, with ours.
    renamed: &'static [(&'static str, &'static str)],
    /// QEMU's second name of a register, with ours: scripts written for it use these. They belong to the last feature.
    aliases: &'static [(&'static str, &'static str)],
    /// In the order in which registers are numbered. The first has the pc, and is what `g` transfers.
    features: &'static [Feature],
}

struct Feature {
    name: &'static str,
    has: fn(&RegDef) -> bool,
    /// Declarations, as XML.
    types: &'static str,
    kind: fn(&RegDef) -> &'static str,
}

/// gdb's names for instruction sets. One that is not here gets one feature with everything.
const NAMES: &[Names] = &[
    Names {
        isa: "riscv64",
        architecture: "riscv:rv64",
        before_pc: "t6",
        renamed: &[],
        aliases: &[],
        features: &[
            Feature {
                name: "org.gnu.gdb.riscv.cpu",
                has: |reg| reg.group == Group::General,
                types: "",
                kind: |reg| match reg.name {
                    "ra" => "code_ptr",
                    "sp" | "gp" | "tp" | "s0" => "data_ptr",
                    _ => "int",
                },
            },
            Feature {
                name: "org.gnu.gdb.riscv.fpu",
                has: |reg| reg.group == Group::Float || riscv_float_csr(reg),
                types: "  <union id=\"riscv_double\">\n    <field name=\"float\" type=\"ieee_single\"/>\n    \
                        <field name=\"double\" type=\"ieee_double\"/>\n  </union>\n",
                kind: |reg| if reg.group == Group::Float { "riscv_double" } else { "int" },
            },
            Feature {
                name: "org.gnu.gdb.riscv.csr",
                has: |reg| reg.group == Group::System && !riscv_float_csr(reg) && reg.name != "priv",
                types: "",
                kind: |_| "int",
            },
            Feature { name: "org.gnu.gdb.riscv.virtual", has: |reg| reg.name == "priv", types: "", kind: |_| "int" },
        ],
    },
    Names {
        isa: "aarch64",
        architecture: "aarch64",
        before_pc: "sp",
        renamed: &[("fpcr", "FPCR"), ("fpsr", "FPSR")],
        aliases: AARCH64_ALIASES,
        features: &[
            Feature {
                name: "org.gnu.gdb.aarch64.core",
                has: |reg| reg.group == Group::General,
                types: "",
                kind: |reg| if reg.name == "sp" { "data_ptr" } else { "int" },
            },
            Feature {
                name: "org.gnu.gdb.aarch64.fpu",
                has: |reg| reg.group == Group::Vector || aarch64_float_control(reg),
                types: include_str!("aarch64_vectors.xml"),
                kind: |reg| if reg.group == Group::Vector { "aarch64v" } else { "int" },
            },
            Feature {
                name: "org.qemu.gdb.arm.sys.regs",
                has: |reg| reg.group == Group::System && !aarch64_float_control(reg),
                types: "",
                kind: |_| "int",
            },
        ],
    },
];

/// QEMU names a register that both of Arm's execution states have as AArch32 does, and some in capitals.
#[rustfmt::skip]
const AARCH64_ALIASES: &[(&str, &str)] = &[
    ("SCTLR", "SCTLR_EL1"), ("CPACR", "CPACR_EL1"), ("VBAR", "VBAR_EL1"), ("AMAIR0", "AMAIR_EL1"),
    ("CNTKCTL", "CNTKCTL_EL1"), ("CLIDR", "CLIDR_EL1"), ("CSSELR", "CSSELR_EL1"), ("AIDR", "AIDR_EL1"),
    ("SPSR_IRQ", "SPSR_irq"), ("SPSR_ABT", "SPSR_abt"), ("SPSR_UND", "SPSR_und"), ("SPSR_FIQ", "SPSR_fiq"),
    ("APIAKEYLO_EL1", "APIAKeyLo_EL1"), ("APIAKEYHI_EL1", "APIAKeyHi_EL1"),
    ("APIBKEYLO_EL1", "APIBKeyLo_EL1"), ("APIBKEYHI_EL1", "APIBKeyHi_EL1"),
    ("APDAKEYLO_EL1", "APDAKeyLo_EL1"), ("APDAKEYHI_EL1", "APDAKeyHi_EL1"),
    ("APDBKEYLO_EL1", "APDBKeyLo_EL1"), ("APDBKEYHI_EL1", "APDBKeyHi_EL1"),
    ("APGAKEYLO_EL1", "APGAKeyLo_EL1"), ("APGAKEYHI_EL1", "APGAKeyHi_EL1"),
];

fn riscv_float_csr(reg: &RegDef) -> bool {
    ["fflags", "frm", "fcsr"].contains(&reg.name)
}

fn aarch64_float_control(reg: &RegDef) -> bool {
    ["FPCR", "FPSR"].contains(&reg.name)
}

const ANY: Names = Names {
    isa: "",
    architecture: "",
    before_pc: "",
    renamed: &[],
    aliases: &[],
    features: &[Feature { name: "org.mimus.any", has: |_| true, types: "", kind: kind_by_width }],
};

fn kind_by_width(reg: &RegDef) -> &'static str {
    if reg.group == Group::Vector { "uint128" } else { "int" }
}

#[derive(Clone, Copy)]
enum Place {
    Pc,
    /// The lines of a register, lowest bits first.
    Reg(&'static [RegDef]),
}

/// The registers of an instruction set by gdb's numbers.
pub struct Layout {
    /// The target description.
    pub xml: String,
    places: Vec<Place>,
    /// How many of them a `g` packet has.
    core: usize,
}

impl Layout {
    /// The layout of `isa`.
    pub fn of(isa: &dyn Isa) -> Layout {
        let names = NAMES.iter().find(|names| names.isa == isa.name()).unwrap_or(&ANY);
        let mut layout = Layout { xml: String::new(), places: Vec::new(), core: 0 };
        layout.xml +=
            "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n";
        if !names.architecture.is_empty() {
            layout.line(format_args!("  <architecture>{}</architecture>", names.architecture));
        }
        for (index, feature) in names.features.iter().enumerate() {
            layout.line(format_args!("  <feature name=\"{}\">", feature.name));
            layout.xml += feature.types;
            let shown = |reg: &&[RegDef]| reg[0].group != Group::Hidden && (feature.has)(&reg[0]);
            let mut has_pc = index > 0;
            for reg in isa.registers().chunk_by(|low, high| high.continues(low)).filter(shown) {
                let name =
                    names.renamed.iter().find(|(_, own)| *own == reg[0].name).map_or(reg[0].name, |(name, _)| name);
                layout.add(Place::Reg(reg), name, (feature.kind)(&reg[0]));
                if !has_pc && reg[0].name == names.before_pc {
                    layout.add(Place::Pc, "pc", "code_ptr");
                    has_pc = true;
                }
            }
            if !has_pc {
                layout.add(Place::Pc, "pc", "code_ptr");
            }
            if index + 1 == names.features.len() {
                for (alias, own) in names.aliases {
                    if let Some(reg) = isa.registers().iter().find(|reg| reg.name == *own) {
                        layout.add(Place::Reg(std::slice::from_ref(reg)), alias, (feature.kind)(reg));
                    }
                }
            }
            if index == 0 {
                layout.core = layout.places.len();
            }
            layout.line(format_args!("  </feature>"));
        }
        layout.line(format_args!("</target>"));
        layout
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.xml, "{text}");
    }

    fn add(&mut self, place: Place, name: &str, kind: &str) {
        let number = self.places.len();
        let bits = 8 * place.bytes();
        self.line(format_args!("  <reg name=\"{name}\" bitsize=\"{bits}\" regnum=\"{number}\" type=\"{kind}\"/>"));
        self.places.push(place);
    }

    /// Reads a register, lowest byte first; `None` when there is none of this number.
    pub fn read(&self, cpu: &mut Cpu, number: usize) -> Option<Vec<u8>> {
        Some(match *self.places.get(number)? {
            Place::Pc => cpu.pc.to_le_bytes().to_vec(),
            Place::Reg(parts) => {
                let isa = cpu.isa.clone();
                let mut part = |reg: &RegDef| isa.read_register(cpu, reg).to_le_bytes()[..reg.bytes()].to_vec();
                parts.iter().flat_map(&mut part).collect()
            }
        })
    }

    /// Writes a register; false when there is none of this number or the width is another.
    pub fn write(&self, cpu: &mut Cpu, number: usize, bytes: &[u8]) -> bool {
        let Some(place) = self.places.get(number).filter(|place| place.bytes() == bytes.len()) else { return false };
        let value = |bytes: &[u8]| {
            let mut word = [0; 8];
            word[..bytes.len()].copy_from_slice(bytes);
            u64::from_le_bytes(word)
        };
        match place {
            Place::Pc => cpu.pc = value(bytes),
            Place::Reg(parts) => {
                let isa = cpu.isa.clone();
                let mut rest = bytes;
                for reg in *parts {
                    let (own, more) = rest.split_at(reg.bytes());
                    isa.write_register(cpu, reg, value(own));
                    rest = more;
                }
            }
        }
        true
    }

    /// The registers of a `g` packet.
    pub fn read_core(&self, cpu: &mut Cpu) -> Vec<u8> {
        (0..self.core).filter_map(|number| self.read(cpu, number)).flatten().collect()
    }

    /// Writes the registers of a `G` packet, as many as it has.
    pub fn write_core(&self, cpu: &mut Cpu, mut bytes: &[u8]) {
        for (number, place) in self.places[..self.core].iter().enumerate() {
            let Some((own, rest)) = bytes.split_at_checked(place.bytes()) else { return };
            self.write(cpu, number, own);
            bytes = rest;
        }
    }
}

impl Place {
    fn bytes(self) -> usize {
        match self {
            Place::Pc => 8,
            Place::Reg(parts) => parts.iter().map(RegDef::bytes).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::page::{Page, find};
    use crate::machine::{Actions, Control, Setup, build};

    #[test]
    fn wide_and_narrow_registers_are_described_as_qemu_does() {
        let page = Page::read(&find("virt", Some("aarch64")).unwrap(), &[], &[]).unwrap();
        let machine = build(page, Setup { ram: Some(16 << 20), ..Setup::default() }).unwrap();
        let control = Control::start(machine, Actions::default()).unwrap();
        let layout = Layout::of(control.machine().isa.as_ref());
        for line in [
            "<architecture>aarch64</architecture>",
            "<reg name=\"x30\" bitsize=\"64\" regnum=\"30\" type=\"int\"/>",
            "<reg name=\"sp\" bitsize=\"64\" regnum=\"31\" type=\"data_ptr\"/>",
            "<reg name=\"pc\" bitsize=\"64\" regnum=\"32\" type=\"code_ptr\"/>",
            "<reg name=\"cpsr\" bitsize=\"32\" regnum=\"33\" type=\"int\"/>",
            "<union id=\"aarch64v\">",
            "<reg name=\"v0\" bitsize=\"128\" regnum=\"34\" type=\"aarch64v\"/>",
            "<reg name=\"v31\" bitsize=\"128\" regnum=\"65\" type=\"aarch64v\"/>",
            "<reg name=\"fpcr\" bitsize=\"32\"",
            "<reg name=\"fpsr\" bitsize=\"32\"",
            "<reg name=\"SCTLR_EL1\" bitsize=\"64\"",
        ] {
            assert!(layout.xml.contains(line), "no {line} in\n{}", layout.xml);
        }
        assert_eq!(layout.core, 34);
        assert_eq!(layout.xml.matches("name=\"v0h\"").count(), 0, "a part is no register");
        let tried = control.with_cpu(0, |cpu| {
            let value: Vec<u8> = (1..=16).collect();
            assert!(layout.write(cpu, 34 + 5, &value) && !layout.write(cpu, 34 + 5, &value[..8]));
            assert_eq!(layout.read(cpu, 34 + 5), Some(value));
            assert!(layout.read(cpu, 34 + 4).unwrap().iter().all(|byte| *byte == 0));
            assert_eq!(layout.read_core(cpu).len(), 33 * 8 + 4);
        });
        assert!(tried.is_ok());
        // QEMU's second names: another number for the same register.
        let number = |name: &str| {
            let line = layout.xml.lines().find(|line| line.contains(&format!("name=\"{name}\"")));
            let number = line.and_then(|line| line.split("regnum=\"").nth(1)?.split('"').next()?.parse().ok());
            number.unwrap_or_else(|| panic!("there is no {name}"))
        };
        for (alias, own) in AARCH64_ALIASES {
            let value = control
                .with_cpu(0, |cpu| {
                    layout.write(cpu, number(own), &[0xf0, 0xff, 0xff, 0x0f, 0, 0, 0, 0]);
                    assert_eq!(layout.read(cpu, number(alias)), layout.read(cpu, number(own)), "{alias}");
                    layout.read(cpu, number(alias))
                })
                .unwrap();
            assert!(value.is_some_and(|bytes| bytes.len() == 8), "{alias}");
        }
        control.quit(0);
    }
}
