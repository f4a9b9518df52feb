//! Arm's GICv3: distributor, redistributors and CPU interfaces in one chip, with LPIs and an ITS on request.
//!
//! ```text
//!   inputs ──► distributor (SPIs) ──┐
//!   inputs ──► redistributor (SGIs, PPIs, LPIs), one a vCPU ──► CPU interface ──► IRQ, FIQ
//!   messages ─► ITS ──► LPIs        ┘                            ▲ ICC_* system registers
//! ```
//! Input n is SPI n (interrupt 32+n); PPIs are inputs by [`own_input`](crate::fabric::own_input).
//! Each vCPU has six outputs in a row: *irq*, group 1; *fiq*, group 0; virtual IRQ; virtual FIQ; and for two security
//! states (`secure=on`) in place of irq *sirq*, Secure group 1, and *nirq*, Non-secure group 1: which exception these
//! cause depends on the state that the vCPU is in, so it is the vCPU that decides. At most one of irq, fiq, sirq and
//! nirq is high.
//! A vCPU's affinity is `cpu / 16` at level 1 and `cpu % 16` at level 0. Register banks are the distributor, all
//! redistributors, and with `its=on` the ITS.
//!
//! Affinity routing is always on, in both security states. Five bits of priority, preemption, split EOI, GICD_CTLR.DS.
//! Leaves out: the virtualization registers (`ICH_*`, `ICV_*`), so the virtual outputs stay low; 1-of-N distribution,
//! NSACR, message-based SPIs, the extended ranges, GICv4.
//!
//! Document: Arm IHI 0069, GIC architecture version 3 and version 4.

mod distributor;
mod interface;
mod its;
mod lpi;
mod redistributor;
#[cfg(test)]
mod tests;

use super::gic_block::{Block, PRIORITY_MASK, SGIS, each_bit, from_non_secure, interrupt_of, specifier};
use crate::base::{Result, bits};
use crate::fabric::{CpuInterface, Device, Dma, Io, IrqLine, Message, RegisterAccess, State, TreeNode, Width};
use crate::hw::{Built, Inputs, PartType, Wiring};
use crate::{fail, guest_error};
use interface::Interface;
use its::Its;
use lpi::Lpis;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard};

/// Catalogue entry.
pub static GICV3: PartType = PartType {
    name: "gicv3",
    summary: "Arm generic interrupt controller, version 3",
    bus: None,
    props: &[
        ("spis", "number of shared interrupts (default: 256)"),
        ("secure", "two security states (default: off)"),
        ("its", "LPIs and an interrupt translation service (default: off)"),
    ],
    build,
};

const BANK_DISTRIBUTOR: u8 = 0;
const BANK_REDISTRIBUTORS: u8 = 1;
const BANK_ITS: u8 = 2;

/// What each vCPU is driven by; the virtual outputs, 2 and 3, stay low.
const OUTPUTS: usize = 6;

/// Bytes of a redistributor's two frames.
const REDISTRIBUTOR: u64 = 0x2_0000;
/// What lies between the redistributors' base and the next chip's on the boards that have them.
const REDISTRIBUTORS: u64 = 0xf6_0000;

/// Groups as indices.
const GROUP_0: usize = 0;
const GROUP_1_SECURE: usize = 1;
const GROUP_1: usize = 2;

/// GICD_CTLR as the Secure state sees it.
const CTLR_GRP0: u32 = 1 << 0;
const CTLR_GRP1_NS: u32 = 1 << 1;
const CTLR_GRP1_S: u32 = 1 << 2;
const CTLR_ARE_S: u32 = 1 << 4;
const CTLR_ARE_NS: u32 = 1 << 5;
const CTLR_DS: u32 = 1 << 6;

/// What identification registers say: the GIC-500's parts, architecture version 3.
fn identification(part: u32, index: u64) -> u32 {
    let ids = [0x44, 0, 0, 0, part, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1];
    ids.get(index as usize).copied().unwrap_or(0)
}

/// A redistributor and the CPU interface behind it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Redistributor {
    /// ProcessorSleep of GICR_WAKER.
    asleep: bool,
    block: Block,
    lpis: Lpis,
    interface: Interface,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regs {
    ctlr: u32,
    shared: Vec<Block>,
    /// GICD_IROUTER of each SPI.
    routes: Vec<u64>,
    redistributors: Vec<Redistributor>,
    its: Its,
}

/// A pending interrupt that is to be signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Highest {
    intid: u32,
    priority: u8,
    group: usize,
}

struct Gic {
    /// irq, fiq, sirq and nirq of each vCPU.
    lines: Vec<[IrqLine; 4]>,
    two_states: bool,
    has_its: bool,
    dma: Dma,
    regs: Regs,
}

/// The chip as the board holds it, and as the vCPUs do: two ways to the one lock.
struct GicV3(Arc<Mutex<Gic>>);

fn build(wiring: &mut Wiring) -> Result<Built> {
    let name = wiring.part.name().to_owned();
    let spis = wiring.props.number("spis")?.unwrap_or(256);
    if !(32..=960).contains(&spis) || !spis.is_multiple_of(32) {
        fail!("'{name}': spis={spis} is not a multiple of 32 from 32 to 960");
    }
    let most = REDISTRIBUTORS / REDISTRIBUTOR;
    if u64::from(wiring.cpus) > most {
        fail!("'{name}' serves {most} CPUs at most, not {}", wiring.cpus);
    }
    let two_states = wiring.props.switch("secure")?.unwrap_or(false);
    let has_its = wiring.props.switch("its")?.unwrap_or(false);
    let cpus = wiring.cpus as usize;
    let mut gic = Gic {
        lines: (0..cpus).map(|cpu| [0, 1, 4, 5].map(|output| wiring.irq(OUTPUTS * cpu + output))).collect(),
        two_states,
        has_its,
        dma: wiring.dma.clone(),
        regs: Regs {
            ctlr: 0,
            shared: vec![Block::default(); spis as usize / 32],
            routes: vec![0; spis as usize],
            redistributors: vec![Redistributor::default(); cpus],
            its: Its::default(),
        },
    };
    gic.renew();
    let mut tree = TreeNode::new("intc")
        .cells("#redistributor-regions", &[1])
        .strings("compatible", &["arm,gic-v3"])
        .flag("ranges")
        .cells("#size-cells", &[2])
        .cells("#address-cells", &[2])
        .flag("interrupt-controller")
        .cells("#interrupt-cells", &[3]);
    let mut banks = vec![0x1_0000, REDISTRIBUTORS];
    if has_its {
        banks.push(its::SIZE);
        let node = TreeNode::new("its")
            .cells("#msi-cells", &[1])
            .flag("msi-controller")
            .strings("compatible", &["arm,gic-v3-its"]);
        tree.children.push(TreeNode { bank: Some(BANK_ITS.into()), ..node });
    }
    let gic = Arc::new(Mutex::new(gic));
    let device = Box::new(GicV3(gic.clone()));
    let cpu_interface: Arc<dyn CpuInterface> = Arc::new(GicV3(gic));
    let built = Built::with_banks(device, &banks).with_tree(tree);
    let inputs = Inputs { shared: 0..spis as u32, own: 16 };
    Ok(Built { specifier: specifier(0), inputs, cpu_interface: Some(cpu_interface), ..built })
}

impl Gic {
    fn cpus(&self) -> usize {
        self.lines.len()
    }

    fn renew(&mut self) {
        // Affinity routing is all there is; with one security state, that one.
        self.regs.ctlr = CTLR_ARE_S | CTLR_ARE_NS | if self.two_states { 0 } else { CTLR_DS };
        self.regs.shared.iter_mut().for_each(Block::reset);
        self.regs.routes.fill(0);
        for redistributor in &mut self.regs.redistributors {
            let mut block = std::mem::take(&mut redistributor.block);
            block.reset();
            block.edge = SGIS;
            *redistributor = Redistributor { asleep: true, block, ..Redistributor::default() };
        }
        self.regs.its = Its::default();
    }

    /// There is one security state: none was built in, or software has given it up.
    fn single(&self) -> bool {
        self.regs.ctlr & CTLR_DS != 0
    }

    /// The bits of a block that an access may see and change.
    fn visible(&self, secure: bool, block: &Block) -> u32 {
        if secure || self.single() { u32::MAX } else { block.group }
    }

    fn group(&self, block: &Block, bit: u32) -> usize {
        let bit_of = |word: u32| word >> bit & 1 != 0;
        match (bit_of(block.group), bit_of(block.modifier)) {
            (true, _) => GROUP_1,
            (false, true) if !self.single() => GROUP_1_SECURE,
            _ => GROUP_0,
        }
    }

    fn group_enabled(&self, group: usize) -> bool {
        self.regs.ctlr & [CTLR_GRP0, CTLR_GRP1_S, CTLR_GRP1_NS][group] != 0
    }

    /// The vCPU with an affinity as IROUTER and the SGI registers give it, level 3 on top.
    fn by_affinity(&self, affinity: u32) -> Option<usize> {
        let cpu = (affinity >> 8 << 4 | affinity & 0xff) as usize;
        (affinity & 0xff < 16 && affinity >> 8 < 0x1_0000 && cpu < self.cpus()).then_some(cpu)
    }

    /// The affinity of a vCPU.
    fn affinity(cpu: usize) -> u32 {
        ((cpu as u32 / 16) << 8) | (cpu as u32 % 16)
    }

    /// The vCPU that an SPI goes to.
    fn owner(&self, spi: usize) -> Option<usize> {
        let route = self.regs.routes[spi];
        self.by_affinity((bits::bits(route, 39, 32) << 24 | bits::bits(route, 23, 0)) as u32)
    }

    /// The interrupt's block as `cpu` sees it, and its bit; LPIs are in none.
    fn find(&mut self, cpu: usize, intid: u32) -> Option<(&mut Block, u32)> {
        let block = match intid / 32 {
            0 => self.regs.redistributors.get_mut(cpu).map(|redistributor| &mut redistributor.block),
            index => self.regs.shared.get_mut(index as usize - 1),
        };
        block.map(|block| (block, intid % 32))
    }

    /// Takes what may be signalled in `block` into account: the highest priority wins, the lowest number among equals.
    fn consider(&self, best: &mut Option<Highest>, cpu: usize, block: &Block, bit: u32, intid: u32) {
        let group = self.group(block, bit);
        self.offer(best, cpu, Highest { intid, priority: block.priority[bit as usize], group });
    }

    fn offer(&self, best: &mut Option<Highest>, cpu: usize, new: Highest) {
        let forwarded = self.group_enabled(new.group) && self.regs.redistributors[cpu].interface.enabled[new.group];
        if forwarded && best.is_none_or(|best| new.priority < best.priority) {
            *best = Some(new);
        }
    }

    fn offer_private(&self, best: &mut Option<Highest>, cpu: usize) {
        let redistributor = &self.regs.redistributors[cpu];
        for bit in each_bit(redistributor.block.candidates()) {
            self.consider(best, cpu, &redistributor.block, bit, bit);
        }
    }

    fn offer_lpi(&self, best: &mut Option<Highest>, cpu: usize) {
        if let Some((priority, intid)) = self.regs.redistributors[cpu].lpis.highest() {
            let priority = if self.single() { priority & PRIORITY_MASK } else { from_non_secure(priority) };
            self.offer(best, cpu, Highest { intid, priority, group: GROUP_1 });
        }
    }

    fn each_shared(&self, mut f: impl FnMut(usize, &Block, u32, u32)) {
        for (index, block) in self.regs.shared.iter().enumerate() {
            for bit in each_bit(block.candidates()) {
                let spi = 32 * index + bit as usize;
                if let Some(cpu) = self.owner(spi) {
                    f(cpu, block, bit, 32 + spi as u32);
                }
            }
        }
    }

    /// The pending interrupt of the highest priority for `cpu` in the groups that are enabled.
    fn best(&self, cpu: usize) -> Option<Highest> {
        let mut best = None;
        self.offer_private(&mut best, cpu);
        self.each_shared(|owner, block, bit, intid| {
            if owner == cpu {
                self.consider(&mut best, cpu, block, bit, intid);
            }
        });
        self.offer_lpi(&mut best, cpu);
        best
    }

    /// Recomputes the lines of all vCPUs, looking at the shared interrupts once.
    fn update(&mut self) {
        let mut best = vec![None; self.cpus()];
        for (cpu, best) in best.iter_mut().enumerate() {
            self.offer_private(best, cpu);
        }
        self.each_shared(|cpu, block, bit, intid| self.consider(&mut best[cpu], cpu, block, bit, intid));
        for (cpu, mut best) in best.into_iter().enumerate() {
            self.offer_lpi(&mut best, cpu);
            self.drive(cpu, best);
        }
    }

    /// Recomputes the lines of one vCPU.
    fn update_cpu(&mut self, cpu: usize) {
        let best = self.best(cpu);
        self.drive(cpu, best);
    }

    fn drive(&self, cpu: usize, best: Option<Highest>) {
        let group = best.filter(|best| self.preempts(cpu, *best)).map(|best| best.group);
        let high = group.map(|group| match group {
            GROUP_0 => 1,
            GROUP_1_SECURE => 2,
            _ if self.single() => 0,
            _ => 3,
        });
        // Lowered before another is raised: a vCPU never sees two.
        let lines = || self.lines[cpu].iter().enumerate();
        lines().filter(|(n, _)| high != Some(*n)).for_each(|(_, line)| line.set(false));
        lines().filter(|(n, _)| high == Some(*n)).for_each(|(_, line)| line.set(true));
    }

    fn same_shape(&self, regs: &Regs) -> bool {
        let Regs { ctlr, shared, routes, redistributors, its } = regs;
        (self.two_states || ctlr & CTLR_DS != 0)
            && its.is_valid()
            && shared.len() == self.regs.shared.len()
            && routes.len() == self.regs.routes.len()
            && redistributors.len() == self.cpus()
            && redistributors.iter().all(|redistributor| redistributor.interface.is_valid())
    }
}

impl GicV3 {
    fn lock(&self) -> MutexGuard<'_, Gic> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Device for GicV3 {
    fn read(&mut self, io: Io) -> u64 {
        let mut gic = self.lock();
        let secure = io.is_secure() && gic.two_states;
        let offset = io.offset & !3;
        let word = match io.bank {
            BANK_DISTRIBUTOR => gic.read_distributor(secure, offset),
            BANK_REDISTRIBUTORS => gic.read_redistributor(secure, offset),
            BANK_ITS if gic.has_its => gic.read_its(offset),
            _ => 0,
        };
        u64::from(word) >> (8 * (io.offset & 3))
    }

    fn write(&mut self, io: Io, value: u64) {
        let mut gic = self.lock();
        let secure = io.is_secure() && gic.two_states;
        let shift = 8 * (io.offset & 3);
        let mask = (bits::mask(8 * u32::from(io.size)) << shift) as u32;
        let (offset, value) = (io.offset & !3, (value << shift) as u32 & mask);
        match io.bank {
            BANK_DISTRIBUTOR => gic.write_distributor(secure, offset, value, mask),
            BANK_REDISTRIBUTORS => gic.write_redistributor(secure, offset, value, mask),
            BANK_ITS if gic.has_its => gic.write_its(offset, value, mask),
            _ => {}
        }
        gic.update();
    }

    fn reset(&mut self) {
        let mut gic = self.lock();
        gic.renew();
        gic.update();
    }

    fn skip_firmware(&mut self) {
        let mut gic = self.lock();
        if gic.two_states {
            let Regs { shared, redistributors, .. } = &mut gic.regs;
            let private = redistributors.iter_mut().map(|redistributor| &mut redistributor.block);
            private.chain(shared).for_each(Block::give_away);
        }
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut gic = self.lock();
        let mut regs = gic.regs.clone();
        s.item("regs", &mut regs)?;
        if !gic.same_shape(&regs) {
            fail!("saved state is of a gicv3 with other interrupts or CPUs");
        }
        gic.regs = regs;
        if s.is_loading() {
            gic.regs.redistributors.iter_mut().for_each(|redistributor| redistributor.lpis.sort());
            gic.update();
        }
        Ok(())
    }

    fn input(&mut self, input: u32, level: bool) {
        let mut gic = self.lock();
        let Some((private, intid)) = interrupt_of(input) else { return };
        let Some((block, bit)) = gic.find(private.unwrap_or(0), intid) else { return };
        block.input(bit, level);
        let cpu = private.or_else(|| gic.owner(intid as usize - 32));
        if let Some(cpu) = cpu {
            gic.update_cpu(cpu);
        }
    }

    fn message(&mut self, message: Message) {
        let mut gic = self.lock();
        if gic.has_its {
            gic.translate(message.device, message.data);
            gic.update();
        } else {
            guest_error!("gicv3: a message, and there is no ITS");
        }
    }

    fn width(&self) -> Width {
        Width { min: 1, max: 4 }
    }

    fn describe(&self) -> Vec<(String, String)> {
        let gic = self.lock();
        vec![
            ("num-irq".into(), (32 * (1 + gic.regs.shared.len())).to_string()),
            ("num-cpu".into(), gic.cpus().to_string()),
            ("has-security-extensions".into(), gic.two_states.to_string()),
            ("has-lpi".into(), gic.has_its.to_string()),
        ]
    }
}

impl CpuInterface for GicV3 {
    fn read(&self, access: RegisterAccess) -> Option<u64> {
        let mut gic = self.lock();
        if access.cpu as usize >= gic.cpus() { None } else { gic.read_interface(access) }
    }

    fn write(&self, access: RegisterAccess, value: u64) -> bool {
        let mut gic = self.lock();
        (access.cpu as usize) < gic.cpus() && gic.write_interface(access, value)
    }
}
