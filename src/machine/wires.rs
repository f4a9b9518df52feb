//! Interrupt lines: from what a page says (`plic:10`, `cpu*.mei`) to what an output drives. Where several outputs drive
//! one thing, their levels are ORed.

use super::page::{Origin, Page, PartLine, Said};
use crate::base::{Errors, Result, nearest};
use crate::fabric::{IrqLine, Joint, Part, Pins, own_input, own_input_of};
use crate::hw::Inputs;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What stands at the lower end of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
/// Each name that means nothing, with its line.
pub fn ends(line: &PartLine, index: u32, cpus: u32, pins: PinNames) -> Result<Vec<End>> {
    let (mut ends, mut errors) = (Vec::new(), Errors::default());
    let mut rest = line.irq.as_slice();
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|said| said.value.starts_with("cpu*.")).count();
        if run == 0 {
            ends.extend(errors.keep(one(first, index, cpus, pins)));
            rest = &rest[1..];
            continue;
        }
        let all = rest[..run].iter().map(|said| pin(said, &said.value["cpu*.".len()..], pins));
        let numbers: Vec<u32> = all.filter_map(|pin| errors.keep(pin)).collect();
        ends.extend((0..cpus).flat_map(|cpu| numbers.iter().map(move |&pin| End::Pin { cpu, pin })));
        rest = &rest[run..];
    }
    errors.finish().map(|()| ends)
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

fn pin(said: &Said<String>, name: &str, pins: PinNames) -> Result<u32> {
    pins.iter().find(|(known, _)| *known == name).map(|(_, number)| *number).ok_or_else(|| {
        let names: Vec<&str> = pins.iter().map(|(name, _)| *name).collect();
        said.origin.error(format!("a CPU of this board has no pin '{name}', only {}", names.join(", ")))
    })
}

/// What the outputs of a board can drive.
pub struct Lines {
    parts: BTreeMap<String, Arc<Part>>,
    pins: Vec<Arc<Pins>>,
    /// Where several lines end at one thing.
    joints: BTreeMap<End, Arc<Joint>>,
}

impl Lines {
    /// Looks at all lines of a page, for those that meet.
    ///
    /// # Errors
    /// Every line that means nothing or ends at a part that is not on the board.
    pub fn new(
        page: &Page,
        parts: BTreeMap<String, Arc<Part>>,
        pins: Vec<Arc<Pins>>,
        names: PinNames,
    ) -> Result<Lines> {
        let mut errors = Errors::default();
        let mut counts: BTreeMap<End, u32> = BTreeMap::new();
        for (origin, end) in all(page, pins.len() as u32, names, &mut errors) {
            match &end {
                End::Input { part, .. } if !parts.contains_key(part) => {
                    let near = nearest(part, parts.keys().map(String::as_str));
                    errors.add(origin.error(format!("the board has no part '{part}'{near}")));
                }
                _ => *counts.entry(end).or_default() += 1,
            }
        }
        errors.finish()?;
        let mut lines = Lines { parts, pins, joints: BTreeMap::new() };
        for (end, _) in counts.into_iter().filter(|(_, count)| *count > 1) {
            let joint = Joint::new(lines.alone(&end));
            lines.joints.insert(end, joint);
        }
        Ok(lines)
    }

    /// One more line to `end`.
    pub fn to(&self, end: &End) -> IrqLine {
        match self.joints.get(end) {
            Some(joint) => IrqLine::to_joint(joint.clone()),
            None => self.alone(end),
        }
    }

    fn alone(&self, end: &End) -> IrqLine {
        match end {
            End::Input { part, input } => match self.parts.get(part) {
                Some(part) => IrqLine::to_part(part.clone(), *input),
                None => IrqLine::unconnected(),
            },
            End::Pin { cpu, pin } => IrqLine::to_pin(self.pins[*cpu as usize].clone(), *pin),
        }
    }
}

/// Every end of a line on a page, and where the page says so.
fn all<'a>(page: &'a Page, cpus: u32, names: PinNames, errors: &mut Errors) -> Vec<(&'a Origin, End)> {
    let mut found = Vec::new();
    for (line, n) in page.parts.iter().flat_map(|line| (0..line.count).map(move |n| (line, n))) {
        let ends = errors.keep(ends(line, n, cpus, names)).unwrap_or_default();
        found.extend(ends.into_iter().map(|end| (origin(line, n, &end), end)));
    }
    for (said, cpu) in page.cpu_lines.values().flat_map(|said| (0..cpus).map(move |cpu| (said, cpu))) {
        found.extend(errors.keep(out_of_cpu(said, cpu)).map(|end| (&said.origin, end)));
    }
    found
}

/// Where a page says that the `index`-th chip of a line ends there.
fn origin<'a>(line: &'a PartLine, index: u32, end: &End) -> &'a Origin {
    let said = line.irq.iter().find(|said| match end {
        End::Input { part, input } => said.value == format!("{part}:{}", input.wrapping_sub(index)),
        End::Pin { .. } => false,
    });
    said.map_or(&line.origin, |said| &said.origin)
}

/// Looks whether the parts have the inputs that lines end at.
///
/// # Errors
/// Every line that ends at none.
pub fn check(page: &Page, cpus: u32, names: PinNames, inputs: &BTreeMap<String, Inputs>) -> Result<()> {
    let mut errors = Errors::default();
    for (origin, end) in all(page, cpus, names, &mut Errors::default()) {
        let End::Input { part, input } = end else { continue };
        let Some(has) = inputs.get(&part) else { continue };
        let wrong = match own_input_of(input) {
            Some((_, own)) if own < has.own => continue,
            Some((_, own)) if has.own > 0 => {
                format!("'{part}' has the inputs own0 to own{} for each CPU, not own{own}", has.own - 1)
            }
            Some(_) => format!("'{part}' has no inputs of its own for each CPU"),
            None if has.shared.contains(&input) => continue,
            None if has.shared.is_empty() => format!("'{part}' has no interrupt inputs"),
            None => format!("'{part}' has the inputs {} to {}, not {input}", has.shared.start, has.shared.end - 1),
        };
        errors.add(origin.error(wrong));
    }
    errors.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::page::{Page, Source};

    const PINS: PinNames = &[("mei", 11), ("sei", 9)];
    const PINS_OF_VIRT: PinNames = &[("mei", 11), ("sei", 9), ("msi", 3), ("mti", 7), ("ssi", 1)];

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
    }

    #[test]
    fn lines_to_one_end_meet_and_mistakes_are_all_told() {
        let text = "extends = \"riscv64-virt\"\n[part.a]\ntype = \"x\"\nirq = [\"plic:7\", \"cpu0.mei\"]\n";
        let page = |irq: &str| {
            let text = format!("{text}[part.b]\ntype = \"x\"\nirq = {irq}\n");
            Page::read(&Source::text("x.toml", &text), &[], &[]).unwrap()
        };
        let names = ["plic", "a", "b"].map(|name| (name.to_string(), Part::new(name)));
        let lines = |irq| Lines::new(&page(irq), names.clone().into(), vec![Pins::new()], PINS_OF_VIRT);
        let met = lines("\"plic:7\"").unwrap();
        let end = |input| End::Input { part: "plic".into(), input };
        assert!(met.joints.contains_key(&end(7)) && met.joints.contains_key(&End::Pin { cpu: 0, pin: 11 }));
        assert!(!met.joints.contains_key(&end(10)));
        let error = lines("[\"plic:7\", \"y\", \"cpu9.mei\"]").err().unwrap();
        let told: Vec<String> = error.to_string().lines().map(String::from).collect();
        assert!(told[0].starts_with("x.toml:7: 'y' is no line") && told[1].starts_with("x.toml:7: there is no cpu9"));
        assert_eq!(told.len(), 2, "{told:?}");
        let error = lines("\"plicc:7\"").err().unwrap().to_string();
        assert_eq!(error, "x.toml:7: the board has no part 'plicc'; is 'plic' meant?");
        let inputs = [("plic".to_string(), Inputs { shared: 1..96, own: 0 }), ("a".into(), Inputs::default())];
        let error = check(&page("[\"plic:96\", \"a:0\"]"), 1, PINS_OF_VIRT, &inputs.into()).unwrap_err().to_string();
        assert_eq!(error, "x.toml:7: 'plic' has the inputs 1 to 95, not 96\nx.toml:7: 'a' has no interrupt inputs");
    }
}
