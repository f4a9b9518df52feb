//! The registers as gdb is told of them: a target description made from the ISA's register table.

use crate::cpu::{Cpu, Group, Isa, RegDef};
use std::fmt::Write;

/// How gdb names an instruction set, and the features that its registers belong to.
struct Names {
    isa: &'static str,
    architecture: &'static str,
    /// In the order in which registers are numbered. The first has the pc at its end, and is what `g` transfers.
    features: &'static [Feature],
}

struct Feature {
    name: &'static str,
    has: fn(&RegDef) -> bool,
    types: &'static str,
    kind: fn(&RegDef) -> &'static str,
}

/// gdb's names for instruction sets. One that is not here gets one feature with everything.
const NAMES: &[Names] = &[Names {
    isa: "riscv64",
    architecture: "riscv:rv64",
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
}];

fn riscv_float_csr(reg: &RegDef) -> bool {
    ["fflags", "frm", "fcsr"].contains(&reg.name)
}

const ANY: Names = Names {
    isa: "",
    architecture: "",
    features: &[Feature { name: "org.mimus.any", has: |_| true, types: "", kind: |_| "int" }],
};

#[derive(Clone, Copy)]
enum Place {
    Pc,
    Reg(&'static RegDef),
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
            let shown = |reg: &&RegDef| reg.group != Group::Hidden && (feature.has)(reg);
            for reg in isa.registers().iter().filter(shown) {
                layout.add(Place::Reg(reg), reg.name, (feature.kind)(reg));
            }
            if index == 0 {
                layout.add(Place::Pc, "pc", "code_ptr");
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

    /// Reads a register, in the guest's byte order; `None` when there is none of this number.
    pub fn read(&self, cpu: &mut Cpu, number: usize) -> Option<Vec<u8>> {
        let place = *self.places.get(number)?;
        let value = match place {
            Place::Pc => cpu.pc,
            Place::Reg(reg) => cpu.isa.clone().read_register(cpu, reg),
        };
        Some(value.to_le_bytes()[..place.bytes()].to_vec())
    }

    /// Writes a register; false when there is none of this number or the width is another.
    pub fn write(&self, cpu: &mut Cpu, number: usize, bytes: &[u8]) -> bool {
        let Some(place) = self.places.get(number).filter(|place| place.bytes() == bytes.len()) else { return false };
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let value = u64::from_le_bytes(word);
        match place {
            Place::Pc => cpu.pc = value,
            Place::Reg(reg) => cpu.isa.clone().write_register(cpu, reg, value),
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
            Place::Reg(reg) => usize::from(reg.bits).div_ceil(8).next_power_of_two(),
        }
    }
}
