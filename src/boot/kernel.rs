//! What boot protocols have in common: programs, the initial RAM disk, and files for firmware.

use super::elf::Program;
use super::layout::human;
use super::uboot;
use super::{Handed, Place, Plan, Request};
use crate::base::{Result, symbols};
use crate::fail;

/// Lays the initial RAM disk at `usual`, or wherever there is room behind the kernel with `kept` bytes to spare; returns
/// the address behind both.
pub fn initrd(
    request: &Request,
    place: &Place,
    plan: &mut Plan,
    usual: u64,
    kernel_end: u64,
    kept: u64,
) -> Result<u64> {
    const PAGE: u64 = 4096;
    let Some(path) = &request.initrd else { return Ok(kernel_end) };
    let bytes = super::read("initial ram disk", path)?;
    let bytes =
        uboot::ramdisk(bytes).map_err(|e| e.within(format!("could not load initial ram disk '{}'", path.display())))?;
    let size = bytes.len() as u64;
    // The device tree needs a little at the end of RAM.
    let limit = place.ram.end().saturating_sub(kept);
    let usual = usual.max(kernel_end).next_multiple_of(PAGE);
    let lowest = kernel_end.next_multiple_of(PAGE);
    let fits = |at: u64| at.checked_add(size).is_some_and(|end| end <= limit);
    let at = match (fits(usual), fits(lowest)) {
        (true, _) => usual,
        (false, true) => (limit - size) / PAGE * PAGE,
        (false, false) => fail!(
            "RAM is too small for initial ram disk '{}': it needs {} between {lowest:#x} and {limit:#x}; add -m with more",
            path.display(),
            human(size)
        ),
    };
    plan.layout.add(&place.memory, &path.display().to_string(), at, bytes, 0)?;
    plan.chosen.initrd = Some((at, at + size));
    Ok(kernel_end.max(at + size))
}

/// Lays down what `-device loader` and `-device guest-loader` give: last, on top of all else.
pub fn loaders(request: &Request, place: &Place, plan: &mut Plan) -> Result<()> {
    for loader in &request.loaders {
        plan.pcs.extend(loader.load(&mut plan.layout, &place.memory)?);
    }
    request.modules.iter().try_for_each(|module| module.load(plan, &place.memory))
}

/// The files for firmware in flash, which loads the kernel itself.
pub fn hand_over(request: &Request) -> Result<Handed> {
    let kernel = request.kernel.as_deref().map(|path| super::read("kernel", path)).transpose()?;
    let initrd = request.initrd.as_deref().map(|path| super::read("initial ram disk", path)).transpose()?;
    Ok(Handed { kernel: kernel.map(Into::into), initrd: initrd.map(Into::into), cmdline: request.append.clone() })
}

/// That a program is for the instruction set `isa`.
pub fn check_program(isa: &str, name: &str, program: &Program) -> Result<()> {
    match program.isa {
        Some(its) if its == isa => Ok(()),
        _ => fail!("'{name}' is an ELF file for {}, not one for {isa}", program.machine),
    }
}

/// Lays a program down.
pub fn add_program(plan: &mut Plan, place: &Place, name: &str, program: &Program) -> Result<()> {
    symbols::add(program.symbols.clone());
    plan.layout.add_program(&place.memory, name, program)
}
