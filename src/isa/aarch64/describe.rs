//! How CPUs are told to software: their nodes in the device tree.

use super::cores::LINES;
use super::features::Features;
use super::fields::pin;
use super::psci;
use super::{Aarch64, mpidr};
use crate::fabric::TreeNode;

/// The names of a CPU's input pins for boards, with the number of each.
pub const PINS: &[(&str, u32)] = &[
    ("irq", pin::IRQ),
    ("fiq", pin::FIQ),
    ("virq", pin::VIRQ),
    ("vfiq", pin::VFIQ),
    ("sirq", pin::SIRQ),
    ("nirq", pin::NIRQ),
];

impl Aarch64 {
    /// The node of a CPU, without `reg` and phandle.
    pub fn tree(&self) -> TreeNode {
        let node = TreeNode::new("cpu").strings("device_type", &["cpu"]).strings("compatible", &[self.compatible]);
        if psci::method(self.conduit).is_some() { node.strings("enable-method", &["psci"]) } else { node }
    }

    /// `reg` of a CPU's node.
    pub fn unit(index: u32) -> u32 {
        mpidr(index) as u32
    }

    /// The node of the built-in firmware.
    pub fn firmware_tree(&self) -> Option<TreeNode> {
        let method = psci::method(self.conduit)?;
        let node = TreeNode::new("psci").strings("compatible", &["arm,psci-1.0", "arm,psci-0.2", "arm,psci"]);
        let node = node.strings("method", &[method]).cells("cpu_suspend", &[0xc400_0001]);
        Some(node.cells("cpu_off", &[0x8400_0002]).cells("cpu_on", &[0xc400_0003]).cells("migrate", &[0xc400_0005]))
    }

    /// Nodes of what the CPUs have inside, with the lines ([`LINES`]) that interrupt.
    pub fn inner_trees(&self) -> Vec<(TreeNode, Vec<&'static str>)> {
        let timer = TreeNode::new("timer").strings("compatible", &["arm,armv8-timer", "arm,armv7-timer"]);
        let [phys, virt, hyp, hyp_virt, sec, pmu] = std::array::from_fn(|n| LINES[n]);
        let mut timers = vec![sec, phys, virt, hyp];
        if self.has_el2() && self.features.has(Features::VHE) {
            timers.push(hyp_virt);
        }
        let mut nodes = vec![(timer.flag("always-on"), timers)];
        if self.features.has(Features::PMUV3) {
            nodes.push((TreeNode::new("pmu").strings("compatible", &["arm,armv8-pmuv3"]), vec![pmu]));
        }
        nodes
    }
}
