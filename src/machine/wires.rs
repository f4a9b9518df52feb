//! Interrupt lines: from what a page says (`plic:10`, `cpu*.mei`) to what an output drives.

use super::page::{PartLine, Said};
use crate::base::Result;
use crate::fabric::{IrqLine, Part, Pins, own_input};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What stands at the lower end of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// An interrupt input of a part.
    Input {
        /// The part's name.
        part: String,
        /// The input's number.
        input: u32,
    },
    /// A pin of a CPU.
    Pin {
        /// The CPU's number.
        cpu: u32,
        /// The pin's number, which is the interrupt's in the CPU's own controller.
        pin: u32,
    },
}

/// The names of a CPU's pins.
pub type PinNames = &'static [(&'static str, u32)];

/// What the outputs of the `index`-th chip of `line` drive, in order.
///
/// Neighbouring `cpu*` entries are taken for all of CPU 0, then for all of CPU 1, and so on: the order of a PLIC's
/// contexts and of a CLINT's outputs.
///
/// # Errors
/// A name that means nothing, with its line.
pub fn ends(line: &PartLine, index: u32, cpus: u32, pins: PinNames) -> Result<Vec<End>> {
    let mut ends = Vec::new();
    let mut rest = line.irq.as_slice();
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|said| said.value.starts_with("cpu*.")).count();
        if run == 0 {
            ends.push(one(first, index, cpus, pins)?);
            rest = &rest[1..];
            continue;
        }
        let numbers: Vec<u32> =
            rest[..run].iter().map(|said| pin(said, &said.value["cpu*.".len()..], pins)).collect::<Result<_>>()?;
        ends.extend((0..cpus).flat_map(|cpu| numbers.iter().map(move |&pin| End::Pin { cpu, pin })));
        rest = &rest[run..];
    }
    Ok(ends)
}

fn one(said: &Said<String>, index: u32, cpus: u32, pins: PinNames) -> Result<End> {
    let expected = || said.origin.error(format!("'{}' is no line: PART:INPUT, cpuN.PIN or cpu*.PIN is", said.value));
    if let Some((part, input)) = said.value.split_once(':') {
        let input: u32 = input.parse().map_err(|_| expected())?;
        let input = input.checked_add(index).ok_or_else(expected)?;
        return Ok(End::Input { part: part.into(), input });
    }
    let (cpu, name) = said.value.strip_prefix("cpu").and_then(|rest| rest.split_once('.')).ok_or_else(expected)?;
    let cpu: u32 = cpu.parse().map_err(|_| expected())?;
    if cpu >= cpus {
        return Err(said.origin.error(format!("there is no cpu{cpu}: the machine has {cpus}")));
    }
    Ok(End::Pin { cpu, pin: pin(said, name, pins)? })
}

/// What a line out of CPU `cpu` drives: `PART:ownN` is the N-th of the inputs that the part has for each CPU.
///
/// # Errors
/// A name that means nothing, with its line.
pub fn out_of_cpu(said: &Said<String>, cpu: u32) -> Result<End> {
    let own = said.value.split_once(":own").and_then(|(part, input)| Some((part, input.parse::<u32>().ok()?)));
    match own {
        Some((part, input @ 0..32)) => Ok(End::Input { part: part.into(), input: own_input(cpu, input) }),
        _ => Err(said.origin.error(format!("'{}' is no line out of a CPU: PART:ownN is, with N up to 31", said.value))),
    }
}

/// The line itself.
///
/// # Errors
/// When the part that it should drive is not on the board.
pub fn line_out_of_cpu(said: &Said<String>, cpu: u32, parts: &BTreeMap<String, Arc<Part>>) -> Result<IrqLine> {
    match out_of_cpu(said, cpu)? {
        End::Input { part, input } => match parts.get(&part) {
            Some(part) => Ok(IrqLine::to_part(part.clone(), input)),
            None => Err(said.origin.error(format!("the board has no part '{part}'"))),
        },
        End::Pin { .. } => Ok(IrqLine::unconnected()),
    }
}

fn pin(said: &Said<String>, name: &str, pins: PinNames) -> Result<u32> {
    pins.iter().find(|(known, _)| *known == name).map(|(_, number)| *number).ok_or_else(|| {
        let names: Vec<&str> = pins.iter().map(|(name, _)| *name).collect();
        said.origin.error(format!("a CPU of this board has no pin '{name}', only {}", names.join(", ")))
    })
}

/// The lines themselves.
///
/// # Errors
/// When a part that a line should drive is not on the board.
pub fn lines(
    line: &PartLine,
    ends: &[End],
    parts: &BTreeMap<String, Arc<Part>>,
    pins: &[Arc<Pins>],
) -> Result<Vec<IrqLine>> {
    let mut lines = Vec::new();
    for end in ends {
        lines.push(match end {
            End::Input { part, input } => match parts.get(part) {
                Some(part) => IrqLine::to_part(part.clone(), *input),
                None => {
                    let said = line.irq.iter().find(|said| said.value.starts_with(&format!("{part}:")));
                    let origin = said.map_or(&line.origin, |said| &said.origin);
                    return Err(origin.error(format!("the board has no part '{part}'")));
                }
            },
            End::Pin { cpu, pin } => IrqLine::to_pin(pins[*cpu as usize].clone(), *pin),
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::page::{Page, Source};

    const PINS: PinNames = &[("mei", 11), ("sei", 9)];

    fn line(irq: &str) -> PartLine {
        let text = format!("extends = \"riscv64-virt\"\n[part.x]\ntype = \"x\"\nirq = {irq}\n");
        let page = Page::read(&Source::text("x.toml", &text), &[], &[]).unwrap();
        page.parts.into_iter().find(|part| part.name == "x").unwrap()
    }

    #[test]
    fn cpus_are_told_apart_first() {
        let ends = ends(&line("[\"cpu*.mei\", \"cpu*.sei\", \"plic:3\"]"), 2, 2, PINS).unwrap();
        let pin = |cpu, pin| End::Pin { cpu, pin };
        assert_eq!(ends, [pin(0, 11), pin(0, 9), pin(1, 11), pin(1, 9), End::Input { part: "plic".into(), input: 5 }]);
    }

    #[test]
    fn nonsense_names_the_line() {
        let error = |irq: &str| ends(&line(irq), 0, 1, PINS).unwrap_err().to_string();
        assert_eq!(error("\"cpu*.nmi\""), "x.toml:4: a CPU of this board has no pin 'nmi', only mei, sei");
        assert_eq!(error("\"cpu4.mei\""), "x.toml:4: there is no cpu4: the machine has 1");
        assert_eq!(error("\"plic\""), "x.toml:4: 'plic' is no line: PART:INPUT, cpuN.PIN or cpu*.PIN is");
        let error = lines(&line("\"gic:1\""), &[End::Input { part: "gic".into(), input: 1 }], &BTreeMap::new(), &[]);
        assert_eq!(error.err().unwrap().to_string(), "x.toml:4: the board has no part 'gic'");
    }
}
