//! Tells about emitted code: `-d out_asm`.

use crate::base::dlog::{self, Item};
use crate::cpu::Cpu;
use crate::ir::Block;

/// A block was emitted at a host address.
pub fn emitted(cpu: &Cpu, block: &Block, address: u64, code: &[u8]) {
    if dlog::on(Item::OutAsm) {
        let text = disassemble(address, code);
        dlog::write(format_args!(
            "OUT: {:#x}, {} guest instructions, {} bytes\n{text}\n",
            cpu.pc,
            block.insns,
            code.len()
        ));
    }
}

fn disassemble(address: u64, code: &[u8]) -> String {
    use capstone::prelude::*;
    let reader = Capstone::new().x86().mode(arch::x86::ArchMode::Mode64).build();
    let Ok(reader) = reader else { return String::new() };
    let Ok(lines) = reader.disasm_all(code, address) else { return String::new() };
    lines.iter().map(|line| format!("{line}\n")).collect()
}
