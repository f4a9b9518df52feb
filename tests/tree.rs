//! The generated device trees against QEMU's: `tests/data/BOARD.tree` holds, a line a node in the order of the tree, what
//! QEMU's has by way of addresses, compatibles and interrupts. The lines of what Mimus does not have yet are marked with
//! `-`.
//!
//! `MIMUS_TREE=FILE.dtb cargo test --test tree -- --nocapture` prints the lines of a tree that QEMU has dumped.

use mimus::boot::fdt::Node;
use mimus::machine::page::{Page, find};
use mimus::machine::{self, Setup};

/// A line for each node with an address or an interrupt, or of a kind.
fn facts(root: &Node) -> Vec<String> {
    let mut phandles = Vec::new();
    each(root, "", &mut |path, node| {
        if let Some(phandle) = cells(node, "phandle").first() {
            phandles.push((*phandle, path.to_string()));
        }
    });
    let name = |phandle: u32| {
        phandles.iter().find(|(known, _)| *known == phandle).map_or("?".to_string(), |(_, path)| path.clone())
    };
    let mut lines = Vec::new();
    each(root, "", &mut |path, node| {
        let mut line = if path.is_empty() { "/".to_string() } else { path.to_string() };
        let strings = |prop: &str| {
            let bytes = node.get(prop)?;
            Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').replace('\0', ","))
        };
        for prop in [
            "compatible",
            "model",
            "device_type",
            "serial0",
            "stdout-path",
            "status",
            "secure-status",
            "enable-method",
            "method",
            "clock-names",
        ] {
            if let Some(text) = strings(prop) {
                line += &format!(" {prop}={text}");
            }
        }
        for prop in [
            "reg",
            "interrupts",
            "value",
            "offset",
            "riscv,ndev",
            "bank-width",
            "timebase-frequency",
            "clock-frequency",
            "#interrupt-cells",
            "#redistributor-regions",
            "linux,code",
        ] {
            if node.get(prop).is_some() {
                let cells: Vec<String> = cells(node, prop).iter().map(|cell| format!("{cell:x}")).collect();
                line += &format!(" {prop}={}", cells.join(":"));
            }
        }
        for prop in ["interrupt-parent", "regmap", "cpu"] {
            if let Some(phandle) = cells(node, prop).first() {
                line += &format!(" {prop}={}", name(*phandle));
            }
        }
        for pair in cells(node, "interrupts-extended").chunks(2) {
            line += &format!(" {}:{:x}", name(pair[0]), pair[1]);
        }
        for prop in ["interrupt-controller", "msi-controller", "gpio-controller", "always-on", "dma-coherent", "ranges"]
        {
            if node.get(prop) == Some(&[]) {
                line += &format!(" {prop}");
            }
        }
        lines.push(line);
    });
    lines
}

fn each(node: &Node, path: &str, f: &mut dyn FnMut(&str, &Node)) {
    f(path, node);
    for child in &node.children {
        each(child, &format!("{path}/{}", child.name), f);
    }
}

fn cells(node: &Node, prop: &str) -> Vec<u32> {
    let bytes = node.get(prop).unwrap_or_default();
    bytes.chunks_exact(4).map(|cell| u32::from_be_bytes(cell.try_into().unwrap())).collect()
}

fn tree(board: &str, isa: &str, props: &[(&str, &str)], cpus: u32, ram: u64) -> Node {
    let props: Vec<(String, String)> = props.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let page = Page::read(&find(board, Some(isa)).unwrap(), &props, &[]).unwrap();
    let setup = Setup { cpus: Some(cpus), ram: Some(ram), ..Setup::default() };
    Node::parse(&machine::build(page, setup).unwrap().dtb).unwrap()
}

fn compare(ours: &Node, theirs: &str) {
    let ours = facts(ours);
    let theirs: Vec<&str> = theirs.lines().filter(|line| !line.starts_with('-')).collect();
    let missing: Vec<&&str> = theirs.iter().filter(|line| !ours.iter().any(|own| own == *line)).collect();
    let extra: Vec<&String> = ours.iter().filter(|line| !theirs.contains(&line.as_str())).collect();
    assert!(missing.is_empty() && extra.is_empty(), "only QEMU has {missing:#?}, only Mimus has {extra:#?}");
    let moved = ours.iter().zip(theirs).find(|(own, their)| own != their);
    assert!(moved.is_none(), "the order is another one: {moved:?}");
}

#[test]
fn riscv64_virt_has_what_qemus_has() {
    compare(&tree("virt", "riscv64", &[], 2, 1 << 30), include_str!("data/riscv64-virt.tree"));
}

#[test]
fn riscv64_virt_with_aclint_has_what_qemus_has() {
    let ours = tree("virt", "riscv64", &[("aclint", "on")], 2, 1 << 30);
    compare(&ours, include_str!("data/riscv64-virt-aclint.tree"));
}

#[test]
fn aarch64_virt_has_what_qemus_has() {
    compare(&tree("virt", "aarch64", &[], 2, 1 << 30), include_str!("data/aarch64-virt.tree"));
}

#[test]
fn aarch64_virt_with_a_gicv3_and_two_worlds_has_what_qemus_has() {
    let props = [("gic-version", "3"), ("secure", "on")];
    compare(&tree("virt", "aarch64", &props, 2, 1 << 30), include_str!("data/aarch64-virt-secure.tree"));
}

#[test]
fn older_versions_of_a_board_lack_what_qemus_lack() {
    let props = [("gic-version", "3"), ("secure", "on")];
    let lines = |board: &str| facts(&tree(board, "aarch64", &props, 1, 1 << 30));
    let has = |board: &str, what: &str| lines(board).iter().any(|line| line.contains(what));
    for (newer, older, what) in [
        ("virt-6.2", "virt-6.1", "arm,gic-v3-its"),
        ("virt-6.2", "virt-6.1", "/cpus/cpu-map"),
        ("virt-6.0", "virt-5.2", "pl061@90b0000"),
    ] {
        assert!(has(newer, what) && !has(older, what), "{older} {what}");
    }
    assert_eq!(lines("virt"), lines("virt-10.0"));
}

#[test]
fn print_the_lines_of_a_dump() {
    if let Some(path) = std::env::var_os("MIMUS_TREE") {
        let tree = Node::parse(&std::fs::read(path).unwrap()).unwrap();
        println!("{}", facts(&tree).join("\n"));
    }
}
