//! What an architecture is to the rest of Mimus.

use super::{AddressSpace, Cpu};
use crate::float::Rules;
use crate::ir::{Builder, Effects, Slot};

/// An exception or interrupt on its way to the guest; the numbers are the ISA's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Trap {
    /// The cause, as the ISA encodes it.
    pub cause: u64,
    /// The value that goes with it: an address, an instruction.
    pub value: u64,
}

/// Why memory is accessed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// An instruction fetch.
    Fetch,
    /// A load.
    Load,
    /// A store, or an atomic that also loads.
    Store,
}

/// What a page walk found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapping {
    /// Physical address of the byte that was asked for.
    pub physical: u64,
    /// Size in bytes of the page or block that maps it. Below 4096 it says how many bytes from that one on the answer
    /// holds for, at least 1: the translation is not kept, and a longer access fails.
    pub size: u64,
    /// Whether loads are allowed in this context.
    pub read: bool,
    /// Whether stores are allowed in this context and need no more bookkeeping (the page is marked dirty).
    pub write: bool,
    /// Whether devices are told that the access is Secure.
    pub secure: bool,
    /// Whether each access is to be shown to [`Isa::check`]: engines do not make it by themselves then.
    pub checked: bool,
    /// Whether all address spaces with the same [`AddressSpace::globals`] and `bits` have this page.
    pub global: bool,
    /// Of a fetch, what the page adds to [`Mode::code`] as bits 31:24, which are clear there.
    pub code: u8,
}

/// What an entry of a page table maps, for the monitor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mapped {
    /// First virtual address.
    pub address: u64,
    /// Where it leads.
    pub physical: u64,
    /// Bytes.
    pub size: u64,
    /// A bit a letter of [`PageTables::Told`], the first letter in bit 0.
    pub attributes: u32,
}

/// How [`Isa::page_tables`] went.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PageTables {
    /// The architecture does not tell.
    Untold,
    /// Addresses are not translated now.
    Off,
    /// All was told; these are the letters of [`Mapped::attributes`].
    Told(&'static str),
}

impl PageTables {
    /// How many tables are looked at: a guest may have made them go in circles.
    pub const MOST: u32 = 1 << 15;
}

/// What decides the meaning of code and addresses now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    /// The bits beside the code's bytes that a lifted block depends on: privilege, enabled units, rounding mode.
    pub code: u32,
    /// What translates data accesses.
    pub data: AddressSpace,
    /// What translates fetches; its `bits` must tell apart whatever `code` tells apart.
    pub fetch: AddressSpace,
}

/// What lifting one instruction came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifted {
    /// It took this many bytes.
    Done(u8),
    /// It needs more bytes than there are on its page; nothing was emitted.
    NeedsMore,
}

/// A group of registers, as gdb and the monitor show them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Group {
    /// General registers.
    General,
    /// Floating-point registers.
    Float,
    /// Vector registers. Each line has up to 64 bits; see [`RegDef::continues`].
    Vector,
    /// System registers.
    System,
    /// State of Mimus's own (reservations and the like), not shown.
    Hidden,
}

impl Group {
    /// All that debuggers show, in the order in which monitors do.
    pub const SHOWN: [Group; 4] = [Group::General, Group::System, Group::Float, Group::Vector];
}

/// A line of a register table.
#[derive(Clone, Copy, Debug)]
pub struct RegDef {
    /// The name, as the manual and gdb have it.
    pub name: &'static str,
    /// Where it is.
    pub slot: Slot,
    /// Its width in bits, up to 64.
    pub bits: u8,
    /// Where it belongs.
    pub group: Group,
}

impl RegDef {
    /// Whether this line is the next higher part of the register that the line `before` is of: the lines of a wide
    /// register stand together, lowest bits first, and the name of each has one `h` more than the one before it.
    pub fn continues(&self, before: &RegDef) -> bool {
        self.group == Group::Vector && before.group == Group::Vector && self.name.strip_suffix('h') == Some(before.name)
    }

    /// Its width in whole bytes: 1, 2, 4 or 8.
    pub fn bytes(&self) -> usize {
        usize::from(self.bits).div_ceil(8).next_power_of_two()
    }
}

/// A function that lifted code calls.
pub struct Helper {
    /// Its name, for the text form and disassembly.
    pub name: &'static str,
    /// What it does beside computing its result.
    pub effects: Effects,
    /// The function. On `Err` the trap is raised at the calling instruction.
    pub call: fn(&mut Cpu, [u64; 3]) -> Result<u64, Trap>,
}

/// An architecture, configured as one CPU model.
pub trait Isa: std::any::Any + Send + Sync {
    /// Its name, such as `riscv64`.
    fn name(&self) -> &'static str;

    /// The register table.
    fn registers(&self) -> &'static [RegDef];

    /// How many slots it uses.
    fn slots(&self) -> usize;

    /// The functions that its lifted code calls, by `HelperId`.
    fn helpers(&self) -> &'static [Helper];

    /// Binary logarithm of the alignment of instructions.
    fn grain(&self) -> u32;

    /// Sets the power-on state; slots are zero before.
    fn reset(&self, cpu: &mut Cpu);

    /// The mode that the registers say.
    fn mode(&self, cpu: &Cpu) -> Mode;

    /// The float rules in a mode ([`Mode::code`]).
    fn float_rules(&self, mode: u32) -> &'static Rules;

    /// The rounding direction that most float code of a mode uses: hosts are set to it.
    fn rounding(&self, mode: u32) -> crate::float::Round;

    /// Whether code in a mode finds, more often than not, the address space again that it last ran in: programs and
    /// firmware do, kernels do not. Engines remember pages for each access then.
    fn keeps_space(&self, mode: u32) -> bool;

    /// Lifts the instruction at the start of `code` into `b`, which has not been told of it yet
    /// ([`Builder::insn`] is the lifter's first call). `code` reaches to the end of the page, or, for the second
    /// try of an instruction that crosses pages, further. The bytes may be anything.
    fn lift(&self, b: &mut Builder, code: &[u8], mode: u32) -> Lifted;

    /// Walks the page tables for `address`, setting accessed and dirty bits as the architecture does.
    ///
    /// # Errors
    /// The page fault, access fault or other trap.
    fn translate(&self, cpu: &mut Cpu, address: u64, access: Access) -> Result<Mapping, Trap>;

    /// As [`translate`](Isa::translate), for a debugger: no permission checks, nothing set. `None`: not mapped.
    fn translate_debug(&self, cpu: &Cpu, address: u64) -> Option<u64>;

    /// Tells of everything that the page tables in use map, in the order of the tables, until `each` answers false.
    /// At most [`PageTables::MOST`] tables are looked at.
    fn page_tables(&self, _cpu: &Cpu, _each: &mut dyn FnMut(Mapped) -> bool) -> PageTables {
        PageTables::Untold
    }

    /// Whether an access that the translation allows may be made, which is asked where [`Mapping::checked`] says so.
    ///
    /// # Errors
    /// The trap that it is instead.
    fn check(&self, _cpu: &mut Cpu, _address: u64, _size: u8, _access: Access) -> Result<(), Trap> {
        Ok(())
    }

    /// The trap of a misaligned access.
    fn misaligned(&self, address: u64, access: Access) -> Trap;

    /// The trap of an access to a physical address where nothing answers.
    fn bus_fault(&self, address: u64, access: Access) -> Trap;

    /// The interrupt that is due now, if any.
    fn pending(&self, cpu: &mut Cpu) -> Option<Trap>;

    /// Whether a waiting vCPU should go on.
    fn wakes(&self, cpu: &mut Cpu) -> bool;

    /// Enters the handler of `trap`: saves the pc, switches privilege, sets the new pc. The caller calls
    /// [`Cpu::mode_changed`] after.
    fn enter(&self, cpu: &mut Cpu, trap: Trap);

    /// Describes a trap for `-d int`.
    fn describe_trap(&self, trap: Trap) -> String;

    /// The instruction at the start of `code` as text, and its length.
    fn disassemble(&self, code: &[u8], address: u64) -> (String, usize);

    /// The instruction at the start of `code`, which is not empty, as a listing has it: its bytes, highest first, and
    /// its text; and its length.
    fn list(&self, code: &[u8], address: u64) -> (String, usize) {
        let (text, length) = self.disassemble(code, address);
        let length = length.clamp(1, code.len());
        let bytes: String = code[..length].iter().rev().map(|byte| format!("{byte:02x}")).collect();
        (format!("{bytes:<16}  {text}"), length)
    }

    /// Reads a register as a debugger sees it, when that is not simply its slot.
    fn read_register(&self, cpu: &mut Cpu, reg: &RegDef) -> u64 {
        cpu.get(reg.slot)
    }

    /// Writes a register as a debugger does, with whatever that entails.
    fn write_register(&self, cpu: &mut Cpu, reg: &RegDef, value: u64) {
        cpu.set(reg.slot, value);
        cpu.mode_changed();
    }

    /// The privilege level as a debugger shows it.
    fn privilege(&self, cpu: &Cpu) -> u64;
}
