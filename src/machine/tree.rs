//! The device tree, generated from the parts: what each says of itself, and what only the board knows (addresses,
//! interrupts, phandles, the CPUs, memory, `/chosen`).
//!
//! Guests number disks, consoles and interfaces in the order of the nodes, so that the order is the board's, too: the
//! page's `tree.order` has the names of nodes. Of nodes with one name, those of a part that is later on the page stand
//! first, as in QEMU's trees.

use super::page::{Page, Seed};
use super::seed::RandomBytes;
use super::wires::{self, End};
use crate::base::Result;
use crate::boot::Chosen;
use crate::boot::fdt::Node;
use crate::fabric::{NodeProp, TreeNode};
use crate::hw::{Specifier, Trigger};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A part as the tree needs it.
pub struct Placed {
    /// Its name on the board.
    pub name: String,
    /// The number of its line on the page.
    pub line: usize,
    /// The node that its own stands in.
    pub inside: String,
    /// Guest-physical address and size of each register bank.
    pub banks: Vec<(u64, u64)>,
    /// What its interrupt outputs drive.
    pub ends: Vec<End>,
    /// Its outside end, such as `serial0`.
    pub host: Option<String>,
    /// Its own node.
    pub tree: Option<TreeNode>,
    /// Nodes at the root that go with it.
    pub nodes: Vec<TreeNode>,
    /// How software is to treat its interrupts.
    pub trigger: Trigger,
    /// Whether users plug devices into it.
    pub has_bus: bool,
    /// What its interrupt inputs are called in a tree.
    pub specifier: Specifier,
}

/// A CPU's node as its instruction set describes it.
#[derive(Clone, Debug)]
pub struct CpuNode {
    /// The node, without `reg` and phandle.
    pub node: Node,
    /// The controller inside it that its pins are inputs of, where pins are so described.
    pub controller: Option<Node>,
    /// `reg` of the CPU with a number.
    pub unit: fn(u32) -> u32,
    /// `timebase-frequency`, where CPUs say it.
    pub frequency: Option<u64>,
    /// Nodes at the root of what CPUs have inside, with the lines out of a CPU that are their interrupts.
    pub inner: Vec<(TreeNode, Vec<&'static str>)>,
    /// The node of the built-in firmware.
    pub firmware: Option<TreeNode>,
}

impl CpuNode {
    /// The node and its controller from what an instruction set says of them; they refer to no part.
    pub fn new(node: &TreeNode, controller: Option<&TreeNode>) -> CpuNode {
        let (node, controller) = (plain(node), controller.map(plain));
        CpuNode { node, controller, unit: |number| number, frequency: None, inner: Vec::new(), firmware: None }
    }
}

/// Everything that a tree is made from.
pub struct Board<'a> {
    /// The page.
    pub page: &'a Page,
    /// Its parts.
    pub parts: &'a [Placed],
    /// How many CPUs.
    pub cpus: u32,
    /// One of them.
    pub cpu: CpuNode,
    /// Bytes of main memory.
    pub ram: u64,
}

/// Phandles: those of CPU n and its controller, then those of parts.
struct Phandles {
    parts: BTreeMap<String, u32>,
}

impl Phandles {
    fn new(board: &Board<'_>) -> Phandles {
        let mut wanted: Vec<&str> = Vec::new();
        for part in board.parts {
            let mut nodes: Vec<&TreeNode> = part.tree.iter().chain(&part.nodes).collect();
            while let Some(node) = nodes.pop() {
                nodes.extend(&node.children);
                for (name, prop) in &node.props {
                    match prop {
                        NodeProp::Phandle(of) => wanted.push(of),
                        NodeProp::References(to) => wanted.extend(to.iter().map(|(of, _)| of.as_str())),
                        NodeProp::Empty if name == "interrupt-controller" => wanted.push(&part.name),
                        _ => {}
                    }
                }
            }
        }
        let mut parts = BTreeMap::new();
        for name in wanted {
            let next = 2 * board.cpus + 1 + parts.len() as u32;
            parts.entry(name.to_string()).or_insert(next);
        }
        Phandles { parts }
    }

    fn cpu(cpu: u32) -> u32 {
        2 * cpu + 1
    }

    fn controller(cpu: u32) -> u32 {
        2 * cpu + 2
    }

    fn part(&self, name: &str) -> u32 {
        // A name that is no part's was refused when its line was made.
        self.parts.get(name).copied().unwrap_or(0)
    }
}

/// Makes the tree.
///
/// # Errors
/// When a part describes itself in a way that no tree can express.
pub fn generate(board: &Board<'_>) -> Result<Node> {
    let phandles = Phandles::new(board);
    let mut root = Node::new("");
    root.set_cells("#address-cells", &[2]).set_cells("#size-cells", &[2]);
    root.set_strings("compatible", &board.page.tree.compatible);
    root.set_strings("model", &[&board.page.tree.model]);
    if board.page.tree.coherent {
        root.set("dma-coherent", []);
    }
    root.child("chosen");
    root.child("aliases");
    let memory = root.child(&format!("memory@{:x}", board.page.ram_at.value));
    memory.set_strings("device_type", &["memory"]).set("reg", reg(&[(board.page.ram_at.value, board.ram)]));
    for memory in board.page.memory.iter().filter(|memory| memory.secure) {
        let node = root.child(&format!("{}@{:x}", memory.name, memory.at));
        node.set_strings("device_type", &["memory"]).set("reg", reg(&[(memory.at, memory.size)]));
        node.set_strings("status", &["disabled"]).set_strings("secure-status", &["okay"]);
    }
    cpus(root.child("cpus"), board);
    if let Some(parent) = parent(board) {
        root.set_cells("interrupt-parent", &[phandles.part(parent)]);
    }
    root.children.extend(board.cpu.firmware.iter().map(plain));
    for (own, lines) in &board.cpu.inner {
        root.children.extend(inner(own, lines, board, &phandles)?);
    }
    if board.parts.iter().any(|part| part.tree.is_some() && part.inside.trim_start_matches('/') == "soc") {
        root.child("soc").set_cells("#address-cells", &[2]).set_cells("#size-cells", &[2]);
        root.child("soc").set_strings("compatible", &["simple-bus"]).set("ranges", []);
    }
    let mut nodes: Vec<(usize, &str, Node)> = Vec::new();
    for (n, part) in board.parts.iter().enumerate() {
        for own in &part.nodes {
            if own.shared && board.parts[..n].iter().any(|other| other.nodes.contains(own)) {
                continue;
            }
            let mut node = convert(own, own.name.clone(), &phandles);
            if let Some(phandle) = phandles.parts.get(&own.name) {
                node.set_cells("phandle", &[*phandle]);
            }
            nodes.push((part.line, "", node));
        }
        let Some(tree) = &part.tree else { continue };
        let same = |other: &&Placed| other.tree.as_ref() == Some(tree) && tree.shared;
        if board.parts[..n].iter().any(|other| same(&other)) {
            continue;
        }
        let apart = |bank: usize| tree.children.iter().any(|child| child.bank == Some(bank));
        let own = part.banks.iter().enumerate().filter(|(bank, _)| !apart(*bank));
        let mut banks: Vec<(u64, u64)> = own.map(|(_, place)| *place).collect();
        banks.extend(board.parts[n + 1..].iter().filter(same).flat_map(|other| other.banks.iter().copied()));
        // The lowest address is the unit's, whatever the order of its banks.
        let Some(unit) = banks.iter().map(|(at, _)| *at).min() else { continue };
        let mut node = convert(tree, format!("{}@{unit:x}", tree.name), &phandles);
        node.set("reg", reg(&banks));
        for (child, own) in node.children.iter_mut().zip(&tree.children) {
            let Some(&(at, size)) = own.bank.and_then(|bank| part.banks.get(bank)) else { continue };
            child.name = format!("{}@{at:x}", own.name);
            child.set("reg", reg(&[(at, size)]));
            if let Some(phandle) = phandles.parts.get(&format!("{}/{}", part.name, own.name)) {
                child.set_cells("phandle", &[*phandle]);
            }
        }
        interrupts(&mut node, part, board, &phandles);
        if let Some(phandle) = phandles.parts.get(&part.name) {
            node.set_cells("phandle", &[*phandle]);
        }
        let parent = part.inside.trim_start_matches('/');
        let path = if parent.is_empty() { format!("/{}", node.name) } else { format!("/{parent}/{}", node.name) };
        if let Some(host) = part.host.as_deref().filter(|host| host.starts_with("serial")) {
            root.child("aliases").set_strings(host, &[&path]);
            if host == "serial0" {
                root.child("chosen").set_strings("stdout-path", &[&path]);
            } else if node.get("secure-status").is_some() {
                root.child(SECURE_CHOSEN).set_strings("stdout-path", &[&path]);
            }
        }
        if part.has_bus && board.page.tree.coherent {
            node.set("dma-coherent", []);
        }
        nodes.push((part.line, parent, node));
    }
    nodes.sort_by_key(|(line, ..)| Reverse(*line));
    for (_, parent, node) in nodes {
        if parent.is_empty() { root.children.push(node) } else { root.child(parent).children.push(node) }
    }
    arrange(&mut root, &board.page.tree.order);
    Ok(root)
}

/// Puts the nodes inside `node`, and those inside them, in the order of their names in `order`; others come last.
fn arrange(node: &mut Node, order: &[String]) {
    node.children.sort_by_key(|child| {
        let place = |name: &str| order.iter().position(|known| known == name);
        let bare = || child.name.split('@').next().and_then(place);
        place(&child.name).or_else(bare).unwrap_or(order.len())
    });
    node.children.iter_mut().for_each(|child| arrange(child, order));
}

/// What `/chosen` is to firmware in the Secure world.
const SECURE_CHOSEN: &str = "secure-chosen";

/// The controller that the root names for all nodes: the one at the top, where CPUs have none of their own.
fn parent<'a>(board: &'a Board<'_>) -> Option<&'a str> {
    let top = |part: &&Placed| part.ends.iter().any(|end| matches!(end, End::Pin { .. }));
    let top = board.parts.iter().find(top).filter(|_| board.cpu.controller.is_none());
    top.map(|part| part.name.as_str())
}

/// Puts random bytes into the nodes that tell software about the start.
pub fn set_seeds(root: &mut Node, seeds: &[(Seed, RandomBytes)]) {
    for node in root.children.iter_mut().filter(|node| ["chosen", SECURE_CHOSEN].contains(&node.name.as_str())) {
        for (seed, bytes) in seeds {
            let name = match seed {
                Seed::Rng => "rng-seed",
                Seed::Kaslr => "kaslr-seed",
            };
            node.set(name, bytes.bytes());
        }
    }
}

/// Puts what the boot protocol decided into a tree.
pub fn set_chosen(root: &mut Node, chosen: &Chosen) {
    let node = root.child("chosen");
    if let Some(bootargs) = &chosen.bootargs {
        node.set_strings("bootargs", &[bootargs]);
    }
    if let Some((start, end)) = chosen.initrd {
        let cells = |address: u64| [(address >> 32) as u32, address as u32];
        node.set_cells("linux,initrd-start", &cells(start)).set_cells("linux,initrd-end", &cells(end));
    }
    for module in &chosen.modules {
        let mut own = Node::new(format!("module@{:#010x}", module.at));
        own.set("reg", reg(&[(module.at, module.size)]));
        own.set_strings("compatible", &["multiboot,module", module.compatible]);
        if let Some(bootargs) = &module.bootargs {
            own.set_strings("bootargs", &[bootargs]);
        }
        node.children.insert(0, own);
    }
}

fn cpus(node: &mut Node, board: &Board<'_>) {
    node.set_cells("#address-cells", &[1]).set_cells("#size-cells", &[0]);
    if let Some(hz) = board.cpu.frequency {
        node.set_cells("timebase-frequency", &[hz as u32]);
    }
    for number in 0..board.cpus {
        let mut cpu = board.cpu.node.clone();
        let unit = (board.cpu.unit)(number);
        cpu.name = format!("cpu@{unit:x}");
        cpu.set_cells("reg", &[unit]).set_cells("phandle", &[Phandles::cpu(number)]);
        if let Some(mut controller) = board.cpu.controller.clone() {
            controller.set_cells("phandle", &[Phandles::controller(number)]);
            cpu.children.push(controller);
        }
        node.children.push(cpu);
    }
    if !board.page.tree.cpu_map {
        return;
    }
    let map = node.child("cpu-map");
    // Arm's boards name the socket, too.
    let map = if board.cpu.controller.is_none() { map.child("socket0") } else { map };
    let cluster = map.child("cluster0");
    for number in 0..board.cpus {
        cluster.child(&format!("core{number}")).set_cells("cpu", &[Phandles::cpu(number)]);
    }
}

/// The node of something inside the CPUs, when the board connects its lines; they go to one controller.
fn inner(own: &TreeNode, lines: &[&str], board: &Board<'_>, phandles: &Phandles) -> Result<Option<Node>> {
    let ends: Vec<End> = lines
        .iter()
        .filter_map(|name| board.page.cpu_lines.get(*name))
        .map(|said| wires::out_of_cpu(said, 0))
        .collect::<Result<_>>()?;
    if ends.len() < lines.len() {
        return Ok(None);
    }
    let mut node = convert(own, own.name.clone(), phandles);
    to_inputs(&mut node, &ends, Trigger::Level, board, phandles);
    Ok(Some(node))
}

/// Says to which inputs of a controller something's outputs go.
fn to_inputs(node: &mut Node, ends: &[End], trigger: Trigger, board: &Board<'_>, phandles: &Phandles) {
    let inputs: Vec<(&str, u32)> = ends
        .iter()
        .filter_map(|end| match end {
            End::Input { part, input } => Some((part.as_str(), *input)),
            End::Pin { .. } => None,
        })
        .collect();
    if let Some((controller, _)) = inputs.first() {
        let specifier = board.parts.iter().find(|other| other.name == *controller).map(|other| &other.specifier);
        let cells = |input: u32| specifier.map_or(vec![input], |specifier| specifier(input, trigger));
        node.set_cells("interrupts", &inputs.iter().flat_map(|(_, input)| cells(*input)).collect::<Vec<u32>>());
        if parent(board) != Some(*controller) {
            node.set_cells("interrupt-parent", &[phandles.part(controller)]);
        }
    }
}

fn interrupts(node: &mut Node, part: &Placed, board: &Board<'_>, phandles: &Phandles) {
    to_inputs(node, &part.ends, part.trigger, board, phandles);
    let pins: Vec<u32> = part
        .ends
        .iter()
        .filter_map(|end| match end {
            End::Pin { cpu, pin } => Some([Phandles::controller(*cpu), *pin]),
            End::Input { .. } => None,
        })
        .flatten()
        .collect();
    // Where CPUs have no controllers of their own, what drives their pins is at the top and has no parent.
    if !pins.is_empty() && board.cpu.controller.is_some() {
        node.set_cells("interrupts-extended", &pins);
    }
}

/// A node that refers to no part.
fn plain(tree: &TreeNode) -> Node {
    convert(tree, tree.name.clone(), &Phandles { parts: BTreeMap::new() })
}

fn convert(tree: &TreeNode, name: String, phandles: &Phandles) -> Node {
    let mut node = Node::new(name);
    for (name, prop) in &tree.props {
        match prop {
            NodeProp::Empty => node.set(name, []),
            NodeProp::Cells(cells) => node.set_cells(name, cells),
            NodeProp::Strings(strings) => node.set_strings(name, strings),
            NodeProp::Bytes(bytes) => node.set(name, bytes.clone()),
            NodeProp::Phandle(part) => node.set_cells(name, &[phandles.part(part)]),
            NodeProp::References(to) => {
                let cells =
                    to.iter().flat_map(|(part, cells)| std::iter::once(phandles.part(part)).chain(cells.clone()));
                node.set_cells(name, &cells.collect::<Vec<u32>>())
            }
        };
    }
    node.children = tree.children.iter().map(|child| convert(child, child.name.clone(), phandles)).collect();
    node
}

/// Addresses and sizes, two cells each.
fn reg(banks: &[(u64, u64)]) -> Vec<u8> {
    banks.iter().flat_map(|(at, size)| [at.to_be_bytes(), size.to_be_bytes()].concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::page::Source;

    fn placed(name: &str, banks: &[(u64, u64)], tree: TreeNode) -> Placed {
        Placed {
            name: name.into(),
            line: 0,
            inside: "/".into(),
            banks: banks.to_vec(),
            ends: Vec::new(),
            host: None,
            tree: Some(tree),
            nodes: Vec::new(),
            trigger: Trigger::Level,
            has_bus: false,
            specifier: Box::new(|input, _| vec![0, input, 4]),
        }
    }

    fn cells(node: &Node, name: &str) -> Vec<u32> {
        let bytes = node.get(name).unwrap_or_else(|| panic!("{} has no {name}", node.name));
        bytes.chunks(4).map(|cell| u32::from_be_bytes(cell.try_into().unwrap())).collect()
    }

    #[test]
    fn a_gic_a_frame_inside_it_and_a_shared_clock_are_put_together() {
        let page = Page::read(&Source::text("x.toml", "extends = \"riscv64-virt\"\n"), &[], &[]).unwrap();
        let mut frame = TreeNode::new("its").flag("msi-controller");
        frame.bank = Some(1);
        let mut gic = TreeNode::new("intc").flag("interrupt-controller");
        gic.children.push(frame);
        let mut gic = placed("gic", &[(0x1000, 0x100), (0x2000, 0x200)], gic);
        gic.ends = vec![End::Pin { cpu: 0, pin: 1 }];
        let clock = TreeNode { shared: true, ..TreeNode::new("clock") };
        let uart = |name: &str, at: u64| {
            let tree = TreeNode::new("uart").references("clocks", &[("clock", &[]), ("clock", &[7])]);
            let ends = vec![End::Input { part: "gic".into(), input: 5 }];
            Placed { ends, nodes: vec![clock.clone()], ..placed(name, &[(at, 0x10)], tree) }
        };
        let msi = placed("pcie", &[(0x9000, 0x10)], TreeNode::new("pcie").phandle("msi-parent", "gic/its"));
        let parts = [gic, uart("uart0", 0x5000), uart("uart1", 0x6000), msi];
        let board =
            Board { page: &page, parts: &parts, cpus: 1, cpu: CpuNode::new(&TreeNode::new("cpu"), None), ram: 1 << 20 };
        let mut root = generate(&board).unwrap();
        let parent = cells(&root, "interrupt-parent");
        assert_eq!(root.children.iter().filter(|node| node.name == "clock").count(), 1);
        let (gic, clock) = (cells(root.child("intc@1000"), "phandle"), cells(root.child("clock"), "phandle"));
        assert_eq!(parent, gic);
        let node = root.child("intc@1000");
        assert_eq!(cells(node, "reg"), [0, 0x1000, 0, 0x100]);
        assert!(node.get("interrupts-extended").is_none());
        let its = node.child("its@2000");
        assert_eq!(cells(its, "reg"), [0, 0x2000, 0, 0x200]);
        let its = cells(its, "phandle");
        assert_eq!(cells(root.child("pcie@9000"), "msi-parent"), its);
        let uart = root.child("uart@6000");
        assert_eq!(cells(uart, "interrupts"), [0, 5, 4]);
        assert!(uart.get("interrupt-parent").is_none());
        assert_eq!(cells(uart, "clocks"), [clock[0], clock[0], 7]);
    }
}
