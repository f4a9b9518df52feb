//! Arm's GICv2: distributor and CPU interfaces in one chip, for up to eight vCPUs.
//!
//! Input n is SPI n (interrupt 32+n); PPIs are inputs by [`own_input`](crate::fabric::own_input).
//! Each vCPU has four outputs in a row: IRQ, FIQ, virtual IRQ, virtual FIQ. Both groups, preemption, split EOI; with
//! `secure=on` the Security Extensions with their banked registers. With `msi-count` a v2m frame makes SPIs of messages.
//!
//! Priorities and their mask have eight bits, as in QEMU's chip, for there is software that masks by the lowest of them;
//! five decide about preemption. With `strict=on` there are five alone, as in a GIC-400.
//! Leaves out: the virtualization registers (GICH, GICV), so the virtual outputs stay low; NSACR; bypass.
//!
//! Documents: Arm IHI 0048B.b, GIC architecture version 2.0; Arm DDI 0471, GIC-400; Server Base System Architecture,
//! appendix on GICv2m.

mod distributor;
mod interface;
#[cfg(test)]
mod tests;

use super::gic_block::{
    Block, PRIORITY_MASK, SGIS, each_bit, from_non_secure, group_priority, interrupt_of, running, specifier,
};
use crate::base::{Result, bits};
use crate::fabric::{Device, Io, IrqLine, Message, State, TreeNode, Width};
use crate::hw::{Built, Inputs, PartType, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};

/// Catalogue entry.
pub static GICV2: PartType = PartType {
    name: "gicv2",
    summary: "Arm generic interrupt controller, version 2",
    bus: None,
    props: &[
        ("spis", "number of shared interrupts (default: 256)"),
        ("secure", "the Security Extensions (default: off)"),
        ("msi-base", "the first SPI of the v2m frame (default: 48)"),
        ("msi-count", "how many SPIs the v2m frame has (default: 0, there is no frame)"),
        ("strict", "five bits of priority, as in a GIC-400, and not eight, as in QEMU (default: off)"),
    ],
    build,
};

const BANK_DISTRIBUTOR: u8 = 0;
const BANK_INTERFACE: u8 = 1;
const BANK_V2M: u8 = 2;

const OUTPUTS: usize = 4;

const CTLR_GRP0: u32 = 1 << 0;
const CTLR_GRP1: u32 = 1 << 1;
const CTLR_ACK: u32 = 1 << 2;
const CTLR_FIQ: u32 = 1 << 3;
const CTLR_CBPR: u32 = 1 << 4;
const CTLR_EOI_S: u32 = 1 << 9;
const CTLR_EOI_NS: u32 = 1 << 10;
/// Enable and bypass bits of group 1, and its EOI mode: where Non-secure code sees them, they are one (two) lower.
const CTLR_NS: u32 = CTLR_GRP1 | 3 << 7 | CTLR_EOI_NS;

/// The smallest binary point: five bits of a priority decide about preemption.
const MIN_BPR: u8 = 2;

const V2M_TYPER: u64 = 0x008;
const V2M_SETSPI: u64 = 0x040;
const V2M_IIDR: u64 = 0xfcc;

/// One CPU interface.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Interface {
    ctlr: u32,
    pmr: u8,
    bpr: u8,
    abpr: u8,
    /// Active priorities of group 0 and of group 1.
    active: [u32; 2],
    /// For each SGI, the vCPUs that have sent it.
    sgi: [u8; 16],
}

impl Default for Interface {
    fn default() -> Interface {
        Interface { ctlr: 0, pmr: 0, bpr: MIN_BPR, abpr: MIN_BPR + 1, active: [0; 2], sgi: [0; 16] }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regs {
    ctlr: u32,
    /// Interrupts 0 to 31 of each vCPU.
    private: Vec<Block>,
    shared: Vec<Block>,
    /// Target vCPUs of each SPI.
    targets: Vec<u8>,
    interfaces: Vec<Interface>,
}

struct GicV2 {
    irq: Vec<IrqLine>,
    fiq: Vec<IrqLine>,
    secure: bool,
    /// The bits of a priority that there are.
    priority_mask: u8,
    /// First interrupt and number of the v2m frame's.
    msi: (u32, u32),
    regs: Regs,
}

/// Who asks: which vCPU, and whether it sees everything.
#[derive(Clone, Copy)]
struct Who {
    cpu: usize,
    secure: bool,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let name = wiring.part.name().to_owned();
    let spis = wiring.props.number("spis")?.unwrap_or(256);
    if !(32..=960).contains(&spis) || !spis.is_multiple_of(32) {
        fail!("'{name}': spis={spis} is not a multiple of 32 from 32 to 960");
    }
    if wiring.cpus > 8 {
        fail!("'{name}' serves 8 CPUs at most, not {}", wiring.cpus);
    }
    let secure = wiring.props.switch("secure")?.unwrap_or(false);
    let strict = wiring.props.switch("strict")?.unwrap_or(false);
    let msi_base = wiring.props.number("msi-base")?.unwrap_or(48);
    let msi_count = wiring.props.number("msi-count")?.unwrap_or(0);
    if msi_base.checked_add(msi_count).is_none_or(|end| end > spis) {
        fail!("'{name}': the v2m frame's SPIs do not all exist");
    }
    let (cpus, blocks) = (wiring.cpus as usize, spis as usize / 32);
    let mut device = GicV2 {
        irq: (0..cpus).map(|cpu| wiring.irq(OUTPUTS * cpu)).collect(),
        fiq: (0..cpus).map(|cpu| wiring.irq(OUTPUTS * cpu + 1)).collect(),
        secure,
        priority_mask: if strict { PRIORITY_MASK } else { u8::MAX },
        msi: (32 + msi_base as u32, msi_count as u32),
        regs: Regs {
            ctlr: 0,
            private: vec![Block::default(); cpus],
            shared: vec![Block::default(); blocks],
            targets: vec![0; spis as usize],
            interfaces: vec![Interface::default(); cpus],
        },
    };
    device.renew();
    let mut tree = TreeNode::new("intc")
        .strings("compatible", &["arm,cortex-a15-gic"])
        .flag("ranges")
        .cells("#size-cells", &[2])
        .cells("#address-cells", &[2])
        .flag("interrupt-controller")
        .cells("#interrupt-cells", &[3]);
    let mut banks = vec![0x1_0000, 0x1_0000];
    if msi_count != 0 {
        banks.push(0x1000);
        let frame = TreeNode::new("v2m").flag("msi-controller").strings("compatible", &["arm,gic-v2m-frame"]);
        tree.children.push(TreeNode { bank: Some(BANK_V2M.into()), ..frame });
    }
    let built = Built::with_banks(Box::new(device), &banks).with_tree(tree);
    Ok(Built { specifier: specifier(cpus as u32), inputs: Inputs { shared: 0..spis as u32, own: 16 }, ..built })
}

impl GicV2 {
    fn cpus(&self) -> usize {
        self.irq.len()
    }

    fn renew(&mut self) {
        self.regs.ctlr = 0;
        self.regs.private.iter_mut().chain(&mut self.regs.shared).for_each(Block::reset);
        for block in &mut self.regs.private {
            block.enabled = SGIS;
            block.edge = SGIS;
        }
        // With one vCPU the targets are no registers.
        let targets = if self.cpus() == 1 { 1 } else { 0 };
        self.regs.targets.fill(targets);
        self.regs.interfaces.fill(Interface::default());
    }

    fn block(&mut self, cpu: usize, index: usize) -> Option<&mut Block> {
        match index {
            0 => self.regs.private.get_mut(cpu),
            _ => self.regs.shared.get_mut(index - 1),
        }
    }

    /// The interrupt's block, as `cpu` sees it, and its bit.
    fn find(&mut self, cpu: usize, intid: u32) -> Option<(&mut Block, u32)> {
        self.block(cpu, intid as usize / 32).map(|block| (block, intid % 32))
    }

    /// The bits of a block that `who` may see and change.
    fn visible(&self, who: Who, block: &Block) -> u32 {
        if who.secure { u32::MAX } else { block.group }
    }

    /// The pending interrupt of the highest priority for `cpu` in the groups that the distributor forwards and `groups`
    /// has, the lowest number first: its number, priority and group.
    fn best(&self, cpu: usize, groups: u32) -> Option<(u32, u8, usize)> {
        let enabled = self.regs.ctlr & groups;
        let mut best: Option<(u32, u8, usize)> = None;
        let private = std::iter::once(&self.regs.private[cpu]);
        for (index, block) in private.chain(&self.regs.shared).enumerate() {
            for bit in each_bit(block.candidates()) {
                let group = (block.group >> bit & 1) as usize;
                let intid = 32 * index as u32 + bit;
                let mine = index == 0 || self.regs.targets[intid as usize - 32] >> cpu & 1 != 0;
                let priority = block.priority[bit as usize];
                if mine && enabled >> group & 1 != 0 && best.is_none_or(|(_, other, _)| priority < other) {
                    best = Some((intid, priority, group));
                }
            }
        }
        best
    }

    fn group_priority(&self, cpu: usize, priority: u8, group: usize) -> u8 {
        let interface = &self.regs.interfaces[cpu];
        if group == 1 && interface.ctlr & CTLR_CBPR == 0 {
            // Group 1's binary point stands for one bit more.
            group_priority(priority, interface.abpr - 1)
        } else {
            group_priority(priority, interface.bpr)
        }
    }

    fn running(&self, cpu: usize) -> u8 {
        let active = self.regs.interfaces[cpu].active;
        running(active[0] | active[1])
    }

    /// The interrupt that `cpu` is asked to take now: number, priority, group.
    fn signalled(&self, cpu: usize) -> Option<(u32, u8, usize)> {
        let interface = &self.regs.interfaces[cpu];
        let best = self.best(cpu, interface.ctlr)?;
        let preempts = best.1 < interface.pmr && self.group_priority(cpu, best.1, best.2) < self.running(cpu);
        preempts.then_some(best)
    }

    fn update(&mut self) {
        for cpu in 0..self.cpus() {
            let group = self.signalled(cpu).map(|(_, _, group)| group);
            let fiq = group == Some(0) && self.regs.interfaces[cpu].ctlr & CTLR_FIQ != 0;
            self.fiq[cpu].set(fiq);
            self.irq[cpu].set(group.is_some() && !fiq);
        }
    }

    /// A message for interrupt `intid` of the v2m frame.
    fn message_spi(&mut self, intid: u32) {
        let (first, count) = self.msi;
        if !(first..first + count).contains(&intid) {
            return guest_error!("gicv2: a message for interrupt {intid}, which the v2m frame does not have");
        }
        if let Some((block, bit)) = self.find(0, intid) {
            block.latched |= 1 << bit & block.edge;
        }
        self.update();
    }

    fn who(&self, io: Io) -> Option<Who> {
        let cpu = io.requester() as usize;
        (cpu < self.cpus()).then_some(Who { cpu, secure: !self.secure || io.is_secure() })
    }
}

impl Device for GicV2 {
    fn read(&mut self, io: Io) -> u64 {
        let Some(who) = self.who(io) else { return 0 };
        let offset = io.offset & !3;
        let word = match io.bank {
            BANK_DISTRIBUTOR => self.read_distributor(who, offset),
            BANK_INTERFACE => self.read_interface(who, offset),
            _ => match offset {
                V2M_TYPER => self.msi.0 << 16 | self.msi.1,
                V2M_IIDR => 0,
                _ => 0,
            },
        };
        u64::from(word) >> (8 * (io.offset & 3))
    }

    fn write(&mut self, io: Io, value: u64) {
        let Some(who) = self.who(io) else { return };
        let shift = 8 * (io.offset & 3);
        let mask = (bits::mask(8 * u32::from(io.size)) << shift) as u32;
        let (offset, value) = (io.offset & !3, (value << shift) as u32 & mask);
        match io.bank {
            BANK_DISTRIBUTOR => self.write_distributor(who, offset, value, mask),
            BANK_INTERFACE => self.write_interface(who, offset, value, mask),
            _ if offset == V2M_SETSPI => self.message_spi(value),
            _ => guest_error!("gicv2: write of the v2m frame at {offset:#x}"),
        }
    }

    fn reset(&mut self) {
        self.renew();
        self.update();
    }

    fn skip_firmware(&mut self) {
        if self.secure {
            self.regs.private.iter_mut().chain(&mut self.regs.shared).for_each(Block::give_away);
            // Non-secure code cannot move the mask out of the Secure half.
            self.regs.interfaces.iter_mut().for_each(|interface| interface.pmr = from_non_secure(0));
        }
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("regs", &mut regs)?;
        let Regs { ctlr: _, private, shared, targets, interfaces } = &regs;
        if private.len() != self.cpus()
            || shared.len() != self.regs.shared.len()
            || targets.len() != self.regs.targets.len()
            || interfaces.len() != self.cpus()
            || interfaces.iter().any(|interface| !(MIN_BPR + 1..8).contains(&interface.abpr))
        {
            fail!("saved state is of a gicv2 with other interrupts or CPUs");
        }
        self.regs = regs;
        if s.is_loading() {
            self.update();
        }
        Ok(())
    }

    fn input(&mut self, input: u32, level: bool) {
        let found = interrupt_of(input).and_then(|(cpu, intid)| self.find(cpu.unwrap_or(0), intid));
        if let Some((block, bit)) = found {
            block.input(bit, level);
            self.update();
        }
    }

    fn message(&mut self, message: Message) {
        self.message_spi(message.data);
    }

    fn width(&self) -> Width {
        Width { min: 1, max: 4 }
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![
            ("num-irq".into(), (32 * (1 + self.regs.shared.len())).to_string()),
            ("num-cpu".into(), self.cpus().to_string()),
            ("has-security-extensions".into(), self.secure.to_string()),
        ]
    }
}
