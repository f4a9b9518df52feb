//! Board pages: what a board consists of, as its TOML says.
//!
//! ```text
//!   file or embedded text ─► extends ─► options (-M x,prop=value) ─► edits (-set) ─► Page
//! ```
//! A page is only read here; that the types and the other ends of lines exist is for `build` to find out.

mod item;
mod library;

pub use item::{Item, Origin, Table, Value};
pub use library::{Source, find, machines_help};

use crate::base::{Errors, Result, nearest};
use crate::fabric::PAGE_SIZE;
use crate::hw::Trigger;
use std::collections::BTreeMap;

/// Something that a page says, with the place where it says so.
#[derive(Clone, Debug, PartialEq)]
pub struct Said<T> {
    /// What.
    pub value: T,
    /// Where.
    pub origin: Origin,
}

/// A board.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The name that `-M` takes, without the instruction set.
    pub name: String,
    /// One line for `-M help`.
    pub summary: String,
    /// The instruction set.
    pub isa: Said<String>,
    /// How what it boots is started.
    pub boot: Said<String>,
    /// The CPU model unless `-cpu` says another.
    pub cpu: String,
    /// How many CPUs unless `-smp` says so.
    pub cpus: u32,
    /// How many CPUs there can be.
    pub most_cpus: u32,
    /// Properties of the CPU model, before those that `-cpu` gives.
    pub cpu_props: Vec<(String, String)>,
    /// What the lines out of each CPU drive, by their names.
    pub cpu_lines: BTreeMap<String, Said<String>>,
    /// Guest-physical address of main memory.
    pub ram_at: Said<u64>,
    /// Bytes of main memory unless `-m` says so.
    pub ram_size: u64,
    /// Bytes of main memory that the board has room for.
    pub ram_most: u64,
    /// Ticks a second of the counter that the CPUs' time registers show.
    pub timebase: u64,
    /// Other memory.
    pub memory: Vec<Memory>,
    /// The name of the memory that a reset starts in.
    pub reset: Option<Said<String>>,
    /// The device tree's own `compatible` and `model`.
    pub tree: Tree,
    /// The chips.
    pub parts: Vec<PartLine>,
}

/// Memory beside main memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Its name.
    pub name: String,
    /// Guest-physical address.
    pub at: u64,
    /// Bytes.
    pub size: u64,
    /// Whether guests cannot write to it.
    pub rom: bool,
    /// Whether the device tree keeps it for the Secure world.
    pub secure: bool,
    /// Where the page says so.
    pub origin: Origin,
}

/// What the root of the device tree says of the board.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// `compatible`.
    pub compatible: Vec<String>,
    /// `model`.
    pub model: String,
    /// `dma-coherent`: devices see what caches hold.
    pub coherent: bool,
    /// Whether `/cpus` has a map of them.
    pub cpu_map: bool,
    /// Properties of `/chosen` with random bytes for the guest.
    pub seeds: Vec<Seed>,
    /// The names of nodes, with addresses or without, in the order in which they stand.
    pub order: Vec<String>,
}

/// Random bytes in `/chosen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// `rng-seed`: for the guest's generator.
    Rng,
    /// `kaslr-seed`: for the address that a kernel moves itself to.
    Kaslr,
}

/// A chip, or several equal ones.
#[derive(Clone, Debug, PartialEq)]
pub struct PartLine {
    /// Its name; with a number behind it where there are several.
    pub name: String,
    /// The catalogue entry.
    pub kind: Said<String>,
    /// Guest-physical address of each register bank.
    pub at: Said<Vec<u64>>,
    /// What its interrupt outputs drive, in order: `plic:10`, `cpu*.mei`.
    pub irq: Vec<Said<String>>,
    /// How software is to treat those interrupts.
    pub trigger: Trigger,
    /// The outside end that it is bound to: `serial0`, `pflash0`.
    pub host: Option<Said<String>>,
    /// How many there are.
    pub count: u32,
    /// From the address of one to that of the next; the interrupt number goes up by one.
    pub step: u64,
    /// Whether their nodes stand highest address first.
    pub descending: bool,
    /// The bus that it offers to `-device`.
    pub bus: Option<BusLine>,
    /// The device-tree node that its own stands in: `/soc` or `/`.
    pub node: String,
    /// Everything else: the chip's own properties.
    pub props: BTreeMap<String, Said<String>>,
    /// Where the page says so.
    pub origin: Origin,
}

impl PartLine {
    /// The name of the `index`-th chip.
    pub fn name_of(&self, index: u32) -> String {
        if self.count == 1 { self.name.clone() } else { format!("{}{index}", self.name) }
    }

    /// The numbers of its chips in the order in which guests find them in the device tree.
    pub fn order(&self) -> Vec<u32> {
        if self.descending { (0..self.count).rev().collect() } else { (0..self.count).collect() }
    }
}

/// A bus that a part offers.
#[derive(Clone, Debug, PartialEq)]
pub struct BusLine {
    /// The kind: a catalogue entry's `bus`.
    pub kind: String,
    /// The name that `bus=NAME.N` uses.
    pub name: String,
}

/// A machine property: what `-M board,name=value` takes.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionLine {
    /// Its name.
    pub name: String,
    /// One line of help.
    pub help: String,
    /// The values that it takes.
    pub values: Vec<String>,
    /// Why other values are not possible yet; `*` stands for all others.
    pub refused: Vec<(String, String)>,
    /// The value when nobody says one.
    pub default: String,
    /// The value with more CPUs than this when nobody says one.
    pub beyond: Option<(u32, String)>,
    /// What a value changes on the page.
    when: Table,
    origin: Origin,
}

/// `-set PART.KEY=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The part.
    pub part: String,
    /// The key.
    pub key: String,
    /// The new value.
    pub value: String,
    /// The words of the command line.
    pub given: String,
}

impl Page {
    /// Reads a page with the properties and edits of a command line.
    ///
    /// # Errors
    /// What is wrong with the page, with file and line, or with a property.
    pub fn read(source: &Source, props: &[(String, String)], edits: &[Edit]) -> Result<Page> {
        Page::read_for(source, props, edits, None)
    }

    /// Reads a page for a machine with so many CPUs: some options have other defaults with many.
    ///
    /// # Errors
    /// As [`read`](Page::read).
    pub fn read_for(source: &Source, props: &[(String, String)], edits: &[Edit], cpus: Option<u32>) -> Result<Page> {
        let mut table = source.table()?;
        let options = take_options(&mut table)?;
        let chosen = choose(source, &options, props, cpus)?;
        // In the order of the page, so that a later option can build on an earlier one.
        for option in &options {
            apply(&mut table, option, &chosen)?;
        }
        for edit in edits {
            let origin = Origin::flag(&edit.given);
            let part = table.get_mut("part").and_then(|parts| match &mut parts.value {
                Value::Table(parts) => parts.get_mut(&edit.part),
                _ => None,
            });
            let Some(Item { value: Value::Table(part), .. }) = part else {
                let near = table.get("part").map(|parts| match &parts.value {
                    Value::Table(parts) => nearest(&edit.part, parts.keys()),
                    _ => String::new(),
                });
                let near = near.unwrap_or_default();
                return Err(origin.error(format!("the board has no part '{}'{near}", edit.part)));
            };
            part.set(&edit.key, Item::of_flag(&origin, &edit.value));
        }
        page(table, &source.origin())
    }

    /// The properties that `-M` takes for a page.
    ///
    /// # Errors
    /// What is wrong with the page.
    pub fn options(source: &Source) -> Result<Vec<OptionLine>> {
        take_options(&mut source.table()?)
    }
}

fn take_options(table: &mut Table) -> Result<Vec<OptionLine>> {
    let (mut options, mut errors) = (Vec::new(), Errors::default());
    for (name, item) in table.take_table("option")? {
        let origin = item.origin.clone();
        let mut line = item.table()?;
        let values = match line.take("values") {
            Some(values) => texts(&values)?,
            None => vec!["on".into(), "off".into()],
        };
        options.push(OptionLine {
            help: text(&mut line, "help", &origin)?,
            default: text(&mut line, "default", &origin)?,
            beyond: line.take("beyond").map(beyond).transpose()?,
            refused: line.take_table("refused")?.into_iter().map(prop).collect::<Result<_>>()?,
            when: line.take_table("when")?,
            values,
            name: name.clone(),
            origin,
        });
        let keys = ["help", "values", "default", "beyond", "when", "refused"];
        line.finish(&format!("[option.{name}]"), &keys, &mut errors);
    }
    errors.finish().map(|()| options)
}

fn beyond(item: Item) -> Result<(u32, String)> {
    let origin = item.origin.clone();
    let mut line = item.table()?;
    let cpus = need(&mut line, "cpus", &origin)?;
    let beyond = (small(Some(&cpus), 1)?, text(&mut line, "default", &origin)?);
    let mut errors = Errors::default();
    line.finish("'beyond'", &["cpus", "default"], &mut errors);
    errors.finish().map(|()| beyond)
}

/// The value of every option: what `props` say, the last one of several, or what the page does.
fn choose<'a>(
    source: &Source,
    options: &'a [OptionLine],
    props: &'a [(String, String)],
    cpus: Option<u32>,
) -> Result<BTreeMap<&'a str, &'a str>> {
    let default = |option: &'a OptionLine| match &option.beyond {
        Some((most, value)) if cpus.is_some_and(|cpus| cpus > *most) => value.as_str(),
        _ => option.default.as_str(),
    };
    let mut chosen: BTreeMap<&str, &str> =
        options.iter().map(|option| (option.name.as_str(), default(option))).collect();
    for (name, value) in props {
        let Some(option) = options.iter().find(|option| option.name == *name) else {
            let near = nearest(name, options.iter().map(|option| option.name.as_str()));
            crate::fail!("Property '{}-machine.{name}' not found{near}", source.name());
        };
        let value = match value.as_str() {
            "yes" | "true" | "y" => "on",
            "no" | "false" | "n" => "off",
            value => value,
        };
        if !option.values.iter().any(|known| known == value) {
            let why = option.refused.iter().find(|(known, _)| known == value || known == "*");
            let why = why.map_or(String::new(), |(_, why)| format!(" ({why})"));
            crate::fail!(
                "'{name}={value}' is not possible on board '{}': {name} takes {}{why}",
                source.name(),
                option.values.join(", ")
            );
        }
        chosen.insert(name, value);
    }
    Ok(chosen)
}

/// Changes the page as the option's value has it, where what `only` says of other options holds.
fn apply(table: &mut Table, option: &OptionLine, chosen: &BTreeMap<&str, &str>) -> Result<()> {
    let Some(change) = chosen.get(option.name.as_str()).and_then(|value| option.when.get(value)) else { return Ok(()) };
    let mut change = change.clone().table()?;
    for (other, item) in change.take_table("only")? {
        let Some(value) = chosen.get(other.as_str()) else {
            return Err(item.origin.error(format!("there is no option '{other}'")));
        };
        if !texts(&item)?.iter().any(|known| known == value) {
            return Ok(());
        }
    }
    if let Some(without) = change.take("without") {
        leave_out(table, &without)?;
    }
    table.merge(change);
    Ok(())
}

/// Takes parts and memory off a page, or whatever a path of keys leads to (`option.usb`); all names that it does not have
/// are told.
fn leave_out(table: &mut Table, without: &Item) -> Result<()> {
    let mut errors = Errors::default();
    for name in errors.keep(texts(without)).unwrap_or_default() {
        let taken = match name.rsplit_once('.') {
            Some((path, key)) => table.inside(path).and_then(|table| table.take(key)),
            None => ["part", "memory"].iter().find_map(|group| table.inside(group).and_then(|table| table.take(&name))),
        };
        if taken.is_none() {
            let parts = match table.get("part").map(|parts| &parts.value) {
                Some(Value::Table(parts)) => parts.keys().collect(),
                _ => Vec::new(),
            };
            let near = nearest(&name, parts);
            errors.add(without.origin.error(format!("there is no part '{name}' to leave out{near}")));
        }
    }
    errors.finish()
}

/// The keys of a `[part.NAME]` that are the board's and not the chip's.
pub const PART_KEYS: &[&str] = &["type", "at", "irq", "trigger", "host", "count", "step", "descending", "bus", "node"];

/// Reads the table of a page; all mistakes are told at once.
fn page(mut table: Table, origin: &Origin) -> Result<Page> {
    let e = &mut Errors::default();
    let mut ram = e.keep(need(&mut table, "ram", origin).and_then(Item::table)).unwrap_or_default();
    let mut cpus = e.keep(table.take_table("cpus")).unwrap_or_default();
    let mut tree = e.keep(table.take_table("tree")).unwrap_or_default();
    let nowhere = || Said { value: 0, origin: origin.clone() };
    let nothing = || Said { value: String::new(), origin: origin.clone() };
    let cpu_props = e.keep(cpus.take_table("props")).unwrap_or_default();
    let cpu_lines = e.keep(cpus.take_table("lines")).unwrap_or_default();
    let memory_lines = e.keep(table.take_table("memory")).unwrap_or_default();
    let part_lines = e.keep(table.take_table("part")).unwrap_or_default();
    let page = Page {
        name: e.keep(text(&mut table, "name", origin)).unwrap_or_default(),
        summary: e.keep(text(&mut table, "summary", origin)).unwrap_or_default(),
        isa: e.keep(need(&mut table, "isa", origin).and_then(|isa| said(&isa))).unwrap_or_else(nothing),
        boot: e.keep(need(&mut table, "boot", origin).and_then(|boot| said(&boot))).unwrap_or_else(nothing),
        cpu: e.keep(text(&mut table, "cpu", origin)).unwrap_or_default(),
        cpus: e.keep(small(cpus.take("default").as_ref(), 1)).unwrap_or(1),
        most_cpus: e.keep(small(cpus.take("most").as_ref(), 1)).unwrap_or(1),
        cpu_props: cpu_props.into_iter().filter_map(|line| e.keep(prop(line))).collect(),
        cpu_lines: cpu_lines
            .into_iter()
            .filter_map(|(name, item)| e.keep(said(&item)).map(|said| (name, said)))
            .collect(),
        ram_at: e.keep(need(&mut ram, "at", origin).and_then(|at| address(&at))).unwrap_or_else(nowhere),
        ram_size: e.keep(need(&mut ram, "size", origin).and_then(|size| size.number())).unwrap_or_default(),
        ram_most: e.keep(ram.take("most").map_or(Ok(u64::MAX), |most| most.number())).unwrap_or_default(),
        timebase: e.keep(need(&mut table, "timebase", origin).and_then(|hz| hz.number())).unwrap_or_default(),
        reset: e.keep(table.take("reset").as_ref().map(said).transpose()).flatten(),
        tree: Tree {
            compatible: e.keep(tree.take("compatible").as_ref().map_or(Ok(Vec::new()), texts)).unwrap_or_default(),
            model: e.keep(tree.take("model").map_or(Ok(String::new()), |item| item.text())).unwrap_or_default(),
            coherent: e.keep(switch(tree.take("coherent").as_ref(), false)).unwrap_or_default(),
            cpu_map: e.keep(switch(tree.take("cpu-map").as_ref(), true)).unwrap_or_default(),
            seeds: match tree.take("seeds") {
                None => vec![Seed::Rng],
                Some(seeds) => e.keep(seeds.list().iter().map(seed).collect()).unwrap_or_default(),
            },
            order: e.keep(tree.take("order").as_ref().map_or(Ok(Vec::new()), texts)).unwrap_or_default(),
        },
        memory: memory_lines.into_iter().filter_map(|line| e.keep(memory(line))).collect(),
        parts: part_lines.into_iter().filter_map(|line| e.keep(part(line))).collect(),
    };
    ram.finish("'ram'", &["at", "size", "most"], e);
    cpus.finish("'cpus'", &["default", "most", "props", "lines"], e);
    tree.finish("'tree'", &["compatible", "model", "coherent", "cpu-map", "seeds", "order"], e);
    table.finish("a board page", PAGE_KEYS, e);
    std::mem::take(e).finish().map(|()| page)
}

/// The keys of a page.
const PAGE_KEYS: &[&str] = &[
    "extends", "without", "isa", "name", "summary", "boot", "cpu", "cpus", "ram", "reset", "timebase", "tree",
    "memory", "part", "option", "version",
];

fn memory((name, item): (String, Item)) -> Result<Memory> {
    let origin = item.origin.clone();
    let mut line = item.table()?;
    let e = &mut Errors::default();
    let memory = Memory {
        at: e.keep(need(&mut line, "at", &origin).and_then(|at| address(&at))).map_or(0, |at| at.value),
        size: e.keep(need(&mut line, "size", &origin).and_then(|size| size.number())).unwrap_or_default(),
        rom: e.keep(switch(line.take("rom").as_ref(), false)).unwrap_or_default(),
        secure: e.keep(switch(line.take("secure").as_ref(), false)).unwrap_or_default(),
        name: name.clone(),
        origin,
    };
    line.finish(&format!("[memory.{name}]"), &["at", "size", "rom", "secure"], e);
    std::mem::take(e).finish().map(|()| memory)
}

fn bus(item: Item) -> Result<BusLine> {
    let origin = item.origin.clone();
    let mut bus = item.table()?;
    let e = &mut Errors::default();
    let (kind, name) = (e.keep(text(&mut bus, "kind", &origin)), e.keep(text(&mut bus, "name", &origin)));
    bus.finish("'bus'", &["kind", "name"], e);
    std::mem::take(e).finish()?;
    Ok(BusLine { kind: kind.unwrap_or_default(), name: name.unwrap_or_default() })
}

fn part((name, item): (String, Item)) -> Result<PartLine> {
    let origin = item.origin.clone();
    let mut line = item.table()?;
    let e = &mut Errors::default();
    let kind = e.keep(need(&mut line, "type", &origin).and_then(|kind| said(&kind)));
    let numbers = |item: Item| {
        let value = item.list().iter().map(Item::number).collect::<Result<_>>()?;
        Ok(Said { value, origin: item.origin })
    };
    let part = PartLine {
        kind: kind.unwrap_or_else(|| Said { value: String::new(), origin: origin.clone() }),
        at: e
            .keep(line.take("at").map(numbers).transpose())
            .flatten()
            .unwrap_or_else(|| Said { value: Vec::new(), origin: origin.clone() }),
        irq: line.take("irq").map_or(Vec::new(), |irq| irq.list().iter().filter_map(|one| e.keep(said(one))).collect()),
        trigger: e.keep(line.take("trigger").as_ref().map_or(Ok(Trigger::Level), trigger)).unwrap_or_default(),
        host: e.keep(line.take("host").as_ref().map(said).transpose()).flatten(),
        count: e.keep(small(line.take("count").as_ref(), 1)).unwrap_or(1),
        step: e.keep(line.take("step").map_or(Ok(0), |step| step.number())).unwrap_or_default(),
        descending: e.keep(switch(line.take("descending").as_ref(), false)).unwrap_or_default(),
        bus: e.keep(line.take("bus").map(bus).transpose()).flatten(),
        node: e.keep(line.take("node").map_or(Ok("/soc".into()), |node| place(&node))).unwrap_or_default(),
        // What is left is for the chip to take or to refuse.
        props: line
            .into_iter()
            .filter_map(|(key, item)| {
                let value = e.keep(item.as_property())?;
                Some((key, Said { value, origin: item.origin }))
            })
            .collect(),
        name,
        origin,
    };
    std::mem::take(e).finish().map(|()| part)
}

/// The node that a part's own is in.
fn place(item: &Item) -> Result<String> {
    match item.text()?.as_str() {
        node @ ("/" | "/soc") => Ok(node.into()),
        _ => Err(item.origin.error("/ or /soc is expected here")),
    }
}

fn prop((key, item): (String, Item)) -> Result<(String, String)> {
    Ok((key, item.as_property()?))
}

fn need(table: &mut Table, key: &str, origin: &Origin) -> Result<Item> {
    table.take(key).ok_or_else(|| origin.error(format!("the key '{key}' is missing")))
}

fn text(table: &mut Table, key: &str, origin: &Origin) -> Result<String> {
    need(table, key, origin)?.text()
}

fn texts(item: &Item) -> Result<Vec<String>> {
    item.list().iter().map(Item::text).collect()
}

fn said(item: &Item) -> Result<Said<String>> {
    Ok(Said { value: item.text()?, origin: item.origin.clone() })
}

fn seed(item: &Item) -> Result<Seed> {
    match item.text()?.as_str() {
        "rng" => Ok(Seed::Rng),
        "kaslr" => Ok(Seed::Kaslr),
        _ => Err(item.origin.error("rng or kaslr is expected here")),
    }
}

fn trigger(item: &Item) -> Result<Trigger> {
    match item.text()?.as_str() {
        "level" => Ok(Trigger::Level),
        "edge" => Ok(Trigger::Edge),
        _ => Err(item.origin.error("level or edge is expected here")),
    }
}

/// The address of memory.
fn address(item: &Item) -> Result<Said<u64>> {
    let value = item.number()?;
    if value % PAGE_SIZE != 0 {
        return Err(item.origin.error("memory stands on a boundary of 4 KiB"));
    }
    Ok(Said { value, origin: item.origin.clone() })
}

fn small(item: Option<&Item>, default: u32) -> Result<u32> {
    let Some(item) = item else { return Ok(default) };
    match u32::try_from(item.number()?) {
        Ok(number @ 1..=4096) => Ok(number),
        _ => Err(item.origin.error("a number from 1 to 4096 is expected here")),
    }
}

fn switch(item: Option<&Item>, default: bool) -> Result<bool> {
    match item {
        None => Ok(default),
        Some(Item { value: Value::Switch(on), .. }) => Ok(*on),
        Some(item) => Err(item.origin.error("true or false is expected here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn virt(props: &[(&str, &str)], edits: &[Edit]) -> Result<Page> {
        let props: Vec<(String, String)> = props.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        Page::read(&find("virt", Some("riscv64")).unwrap(), &props, edits)
    }

    fn edit(part: &str, key: &str, value: &str) -> Edit {
        let given = format!("-set {part}.{key}={value}");
        Edit { part: part.into(), key: key.into(), value: value.into(), given }
    }

    #[test]
    fn every_embedded_page_reads() {
        for source in library::embedded() {
            Page::read(&source, &[], &[]).unwrap();
        }
    }

    #[test]
    fn an_option_changes_the_parts() {
        let has = |page: &Page, name: &str| page.parts.iter().any(|part| part.name == name);
        let page = virt(&[], &[]).unwrap();
        assert!(has(&page, "clint") && !has(&page, "mswi"));
        let page = virt(&[("aclint", "yes")], &[]).unwrap();
        assert!(!has(&page, "clint") && has(&page, "mswi") && has(&page, "sswi"));
    }

    #[test]
    fn options_count_in_the_order_of_the_page_and_may_depend_on_others() {
        let kind = |props: &[(&str, &str)], cpus| {
            let props: Vec<(String, String)> = props.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            let page = Page::read_for(&find("virt", Some("aarch64")).unwrap(), &props, &[], cpus).unwrap();
            let gic = page.parts.into_iter().find(|part| part.name == "gic").unwrap();
            (gic.kind.value.clone(), gic.at.value.len(), gic.props.get("its").map(|its| its.value.clone()))
        };
        let (v2, v3) =
            (("gicv2".to_string(), 3, None), |its: &str, banks| ("gicv3".to_string(), banks, Some(its.into())));
        assert_eq!(kind(&[], None), v2);
        assert_eq!(kind(&[("its", "off")], Some(8)), v2);
        assert_eq!(kind(&[], Some(9)), v3("on", 3));
        assert_eq!(kind(&[("gic-version", "2")], Some(9)), v2);
        assert_eq!(kind(&[("its", "off"), ("gic-version", "3")], None), v3("off", 2));
        assert_eq!(kind(&[("gic-version", "max"), ("its", "off")], None), v3("off", 2));
    }

    #[test]
    fn an_unknown_property_or_value_is_an_error() {
        let error = virt(&[("colour", "red")], &[]).unwrap_err();
        assert_eq!(error.to_string(), "Property 'virt-machine.colour' not found");
        let error = virt(&[("aia", "aplic")], &[]).unwrap_err();
        assert_eq!(error.to_string(), "'aia=aplic' is not possible on board 'virt': aia takes none");
    }

    #[test]
    fn an_edit_reaches_the_part() {
        let page = virt(&[], &[edit("uart0", "at", "0x1000_2000"), edit("plic", "ndev", "31")]).unwrap();
        let part = |name: &str| page.parts.iter().find(|part| part.name == name).unwrap();
        assert_eq!(part("uart0").at.value, [0x1000_2000]);
        assert_eq!(part("plic").props["ndev"].value, "31");
        let error = virt(&[], &[edit("uart9", "at", "1")]).unwrap_err();
        assert_eq!(error.to_string(), "-set uart9.at=1: the board has no part 'uart9'; is 'uart0' meant?");
    }

    #[test]
    fn a_page_extends_another_and_errors_name_the_line() {
        let text = "extends = \"riscv64-virt\"\nname = \"mine\"\n[part.uart0]\nat = 0x1000_9000\n";
        let page = Page::read(&Source::text("mine.toml", text), &[], &[]).unwrap();
        assert_eq!((page.name.as_str(), page.parts.len()), ("mine", virt(&[], &[]).unwrap().parts.len()));
        let broken = Source::text("mine.toml", &format!("{text}irq = 7\n"));
        let error = Page::read(&broken, &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "mine.toml:5: a text in quotes is expected here");
        let broken = Source::text("mine.toml", "extends = \"riscv64-virt\"\ncolour = 1\n");
        let error = Page::read(&broken, &[], &[]).unwrap_err();
        assert_eq!(error.to_string(), "mine.toml:2: a board page has no key 'colour'");
    }
}
