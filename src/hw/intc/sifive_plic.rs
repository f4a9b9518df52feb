//! The RISC-V platform-level interrupt controller as SiFive lays it out.
//!
//! Sources 1 to `ndev` come in as inputs of the same number; contexts are M and S of hart 0, M and S of hart 1, and so
//! on, and so are the outputs. A request stays pending when its input falls before the claim.
//!
//! Three things are as in QEMU 10 and not as in the specification, for there is software that knows no other PLIC.
//! A source's gateway latches a request each time its chip raises the line or has a new cause, also between claim and
//! completion, and a level that is merely still high at the completion is no new request: a handler that does not
//! silence its chip goes on. Whoever completes a source opens its gateway, whether it has enabled the source or not. A
//! claim gives only what is above the threshold. With `strict=on` all three are as specified: a gateway for a level
//! forwards again at the completion if its input is still high, a completion of what the context has not enabled is
//! ignored, and a claim ignores the threshold. Leaves out: edge gateways.
//!
//! Document: RISC-V Platform-Level Interrupt Controller specification 1.0.0; SiFive FU540-C000 manual, chapter 10.

use crate::base::Result;
use crate::fabric::{Device, Io, IrqLine, State, TreeNode, Width};
use crate::hw::{Built, Inputs, PartType, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};

/// Catalogue entry.
pub static SIFIVE_PLIC: PartType = PartType {
    name: "sifive-plic",
    summary: "RISC-V platform-level interrupt controller",
    bus: None,
    props: &[
        ("ndev", "number of interrupt sources (default: 95)"),
        ("strict", "levels, completions and claims as specified and not as in QEMU (default: off)"),
    ],
    build,
};

const PRIORITY: u64 = 0;
const PENDING: u64 = 0x1000;
const ENABLE: u64 = 0x2000;
const ENABLE_STRIDE: u64 = 0x80;
const CONTEXT: u64 = 0x20_0000;
const CONTEXT_STRIDE: u64 = 0x1000;
const SIZE: u64 = 0x60_0000;
/// Contexts for which the bank has room.
const MAX_CONTEXTS: u64 = (SIZE - CONTEXT) / CONTEXT_STRIDE;

/// The priorities that exist: three bits.
const PRIORITY_MASK: u32 = 7;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Context {
    threshold: u32,
    enable: Vec<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Regs {
    priority: Vec<u32>,
    pending: Vec<u32>,
    /// Claimed and not completed: nothing of it is signalled.
    claimed: Vec<u32>,
    /// Levels of the inputs.
    level: Vec<u32>,
    contexts: Vec<Context>,
}

impl Regs {
    fn new(sources: usize, contexts: usize) -> Regs {
        let words = vec![0; sources.div_ceil(32)];
        Regs {
            priority: vec![0; sources],
            pending: words.clone(),
            claimed: words.clone(),
            level: words.clone(),
            contexts: vec![Context { threshold: 0, enable: words }; contexts],
        }
    }

    fn same_shape(&self, other: &Regs) -> bool {
        let words = self.pending.len();
        self.priority.len() == other.priority.len()
            && [&other.pending, &other.claimed, &other.level].iter().all(|bits| bits.len() == words)
            && self.contexts.len() == other.contexts.len()
            && other.contexts.iter().all(|context| context.enable.len() == words)
    }

    /// The enabled source of the highest priority that is pending and not claimed, the lowest number first; 0 when
    /// there is none.
    fn best(&self, context: &Context) -> (u32, u32) {
        let mut best = (0, 0);
        let states = self.pending.iter().zip(&self.claimed).zip(&context.enable);
        for (word, ((pending, claimed), enable)) in states.enumerate() {
            let mut bits = pending & !claimed & enable;
            while bits != 0 {
                let source = 32 * word as u32 + bits.trailing_zeros();
                bits &= bits - 1;
                let priority = self.priority[source as usize];
                if priority > best.1 {
                    best = (source, priority);
                }
            }
        }
        best
    }
}

fn get(bits: &[u32], source: usize) -> bool {
    bits[source / 32] >> (source % 32) & 1 != 0
}

fn put(bits: &mut [u32], source: usize, value: bool) {
    let bit = 1 << (source % 32);
    if value {
        bits[source / 32] |= bit;
    } else {
        bits[source / 32] &= !bit;
    }
}

struct Plic {
    /// Including source 0, which does not exist.
    sources: usize,
    /// As specified, where QEMU is not.
    strict: bool,
    irq: Vec<IrqLine>,
    regs: Regs,
}

/// Where an offset leads.
enum Register {
    Priority(usize),
    Pending(usize),
    Enable { context: usize, word: usize },
    Threshold(usize),
    Claim(usize),
    None,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let ndev = wiring.props.number("ndev")?.unwrap_or(95);
    if !(1..=1023).contains(&ndev) {
        fail!("'{}': ndev={ndev} is not between 1 and 1023", wiring.part.name());
    }
    let strict = wiring.props.switch("strict")?.unwrap_or(false);
    let contexts = 2 * u64::from(wiring.cpus);
    if contexts > MAX_CONTEXTS {
        fail!("'{}' serves {} harts at most, not {}", wiring.part.name(), MAX_CONTEXTS / 2, wiring.cpus);
    }
    let (sources, contexts) = (ndev as usize + 1, contexts as usize);
    let irq = (0..contexts).map(|context| wiring.irq(context)).collect();
    let tree = TreeNode::new("plic")
        .cells("riscv,ndev", &[ndev as u32])
        .flag("interrupt-controller")
        .strings("compatible", &["sifive,plic-1.0.0", "riscv,plic0"])
        .cells("#address-cells", &[0])
        .cells("#interrupt-cells", &[1]);
    let device = Plic { sources, strict, irq, regs: Regs::new(sources, contexts) };
    let inputs = Inputs { shared: 1..sources as u32, own: 0 };
    Ok(Built { inputs, ..Built::new(Box::new(device), SIZE).with_tree(tree) })
}

impl Plic {
    fn register(&self, offset: u64) -> Register {
        let words = self.regs.pending.len();
        let word = (offset / 4) as usize;
        match offset {
            _ if !offset.is_multiple_of(4) => Register::None,
            PRIORITY..PENDING if word < self.sources => Register::Priority(word),
            PENDING..ENABLE => {
                let word = ((offset - PENDING) / 4) as usize;
                if word < words { Register::Pending(word) } else { Register::None }
            }
            ENABLE..CONTEXT => {
                let context = ((offset - ENABLE) / ENABLE_STRIDE) as usize;
                let word = ((offset - ENABLE) % ENABLE_STRIDE / 4) as usize;
                if context < self.irq.len() && word < words {
                    Register::Enable { context, word }
                } else {
                    Register::None
                }
            }
            CONTEXT.. => {
                let context = ((offset - CONTEXT) / CONTEXT_STRIDE) as usize;
                match (offset - CONTEXT) % CONTEXT_STRIDE {
                    0 if context < self.irq.len() => Register::Threshold(context),
                    4 if context < self.irq.len() => Register::Claim(context),
                    _ => Register::None,
                }
            }
            _ => Register::None,
        }
    }

    fn update(&mut self) {
        for (context, irq) in self.regs.contexts.iter().zip(&self.irq) {
            irq.set(self.regs.best(context).1 > context.threshold);
        }
    }

    fn claim(&mut self, context: usize) -> u32 {
        let context = &self.regs.contexts[context];
        let (source, priority) = self.regs.best(context);
        if !self.strict && priority <= context.threshold {
            return 0;
        }
        if source != 0 {
            put(&mut self.regs.pending, source as usize, false);
            put(&mut self.regs.claimed, source as usize, true);
            self.update();
        }
        source
    }

    /// A source has a request. A gateway for a level has none while it is shut.
    fn request(&mut self, source: usize) {
        if !self.strict || !get(&self.regs.claimed, source) {
            put(&mut self.regs.pending, source, true);
            self.update();
        }
    }

    fn complete(&mut self, context: usize, source: u64) {
        let known = usize::try_from(source).ok().filter(|&source| source < self.sources);
        let enabled = known.is_some_and(|source| get(&self.regs.contexts[context].enable, source));
        if !enabled {
            guest_error!("plic: context {context} completes source {source}, which it has not enabled");
        }
        let Some(source) = known.filter(|_| enabled || !self.strict) else { return };
        put(&mut self.regs.claimed, source, false);
        if self.strict && get(&self.regs.level, source) {
            put(&mut self.regs.pending, source, true);
        }
        self.update();
    }
}

impl Device for Plic {
    fn read(&mut self, io: Io) -> u64 {
        let value = match self.register(io.offset) {
            Register::Priority(source) => self.regs.priority[source],
            Register::Pending(word) => self.regs.pending[word],
            Register::Enable { context, word } => self.regs.contexts[context].enable[word],
            Register::Threshold(context) => self.regs.contexts[context].threshold,
            Register::Claim(context) => self.claim(context),
            Register::None => {
                guest_error!("plic: read at {:#x}", io.offset);
                0
            }
        };
        value.into()
    }

    fn write(&mut self, io: Io, value: u64) {
        let word_value = value as u32;
        match self.register(io.offset) {
            // Source 0 does not exist: its priority and its enable bits are zero for ever.
            Register::Priority(0) => {}
            Register::Priority(source) => {
                self.regs.priority[source] = word_value & PRIORITY_MASK;
                self.update();
            }
            Register::Enable { context, word } => {
                let missing = if word == 0 { 1 } else { 0 };
                let past = self.sources.saturating_sub(32 * word);
                let present = if past >= 32 { u32::MAX } else { (1 << past) - 1 };
                self.regs.contexts[context].enable[word] = word_value & present & !missing;
                self.update();
            }
            Register::Threshold(context) => {
                self.regs.contexts[context].threshold = word_value & PRIORITY_MASK;
                self.update();
            }
            Register::Claim(context) => self.complete(context, value),
            Register::Pending(_) => guest_error!("plic: write to the read-only pending bits"),
            Register::None => guest_error!("plic: write at {:#x}", io.offset),
        }
    }

    fn reset(&mut self) {
        // Inputs are what the devices drive, not state of ours: their levels outlive the reset.
        let level = std::mem::take(&mut self.regs.level);
        self.regs = Regs::new(self.sources, self.irq.len());
        self.regs.pending.copy_from_slice(&level);
        self.regs.level = level;
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("regs", &mut regs)?;
        if !self.regs.same_shape(&regs) {
            fail!("saved state is of a plic with other sources or contexts");
        }
        self.regs = regs;
        if s.is_loading() {
            self.update();
        }
        Ok(())
    }

    fn input(&mut self, input: u32, level: bool) {
        let source = input as usize;
        if source == 0 || source >= self.sources {
            return;
        }
        put(&mut self.regs.level, source, level);
        if level {
            self.request(source);
        }
    }

    fn input_again(&mut self, input: u32) {
        let source = input as usize;
        if !self.strict && source != 0 && source < self.sources {
            self.request(source);
        }
    }

    fn width(&self) -> Width {
        Width { min: 4, max: 4 }
    }

    fn describe(&self) -> Vec<(String, String)> {
        vec![("num-sources".into(), self.sources.to_string()), ("num-contexts".into(), self.irq.len().to_string())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    const CLAIM: u64 = CONTEXT + 4;
    const S0: u64 = CONTEXT_STRIDE;

    fn plic() -> Rig {
        plic_that_is("off")
    }

    fn plic_that_is(strict: &str) -> Rig {
        let mut plic = Rig::new("sifive-plic").props(&[("strict", strict)]).cpus(2).build();
        for source in 1..=40 {
            plic.write(4 * source, 4, 1);
        }
        plic.write(ENABLE, 4, 0xffff_ffff);
        plic.write(ENABLE + 4, 4, 0xffff_ffff);
        plic
    }

    #[test]
    fn claim_clears_pending() {
        let mut plic = plic();
        plic.input(10, true);
        assert_eq!(plic.read(PENDING, 4), 1 << 10);
        assert_eq!(plic.lines(4), [true, false, false, false]);
        assert_eq!(plic.read(CLAIM, 4), 10);
        assert_eq!(plic.read(PENDING, 4), 0);
        assert!(!plic.line(0));
        assert_eq!(plic.read(CLAIM, 4), 0);
    }

    #[test]
    fn a_level_that_is_still_high_at_the_completion_is_no_new_request() {
        let mut plic = plic();
        plic.input(33, true);
        assert_eq!(plic.read(CLAIM, 4), 33);
        plic.write(CLAIM, 4, 33);
        assert!(!plic.line(0), "its chip has said nothing new");
        plic.input_again(33);
        assert!(plic.line(0), "a new cause while the line is high");
        assert_eq!(plic.read(CLAIM, 4), 33);
        plic.input_again(33);
        assert!(!plic.line(0), "nothing is signalled between claim and completion");
        assert_eq!(plic.read(PENDING + 4, 4), 1 << 1);
        plic.write(CLAIM, 4, 33);
        assert!(plic.line(0), "and nothing is lost there");
    }

    #[test]
    fn strictly_a_level_still_high_is_pending_again_after_completion() {
        let mut plic = plic_that_is("on");
        plic.input(33, true);
        assert_eq!(plic.read(CLAIM, 4), 33);
        plic.input(33, false);
        plic.input(33, true);
        assert!(!plic.line(0), "the gateway is shut until the completion");
        plic.write(CLAIM, 4, 33);
        assert!(plic.line(0));
        assert_eq!(plic.read(CLAIM, 4), 33);
        plic.input(33, false);
        plic.write(CLAIM, 4, 33);
        assert!(!plic.line(0));
    }

    #[test]
    fn priority_wins_and_then_the_lower_number() {
        let mut plic = plic();
        [7, 9, 35].iter().for_each(|&source| plic.input(source, true));
        plic.write(4 * 35, 4, 0xff);
        assert_eq!(plic.read(4 * 35, 4), 7);
        let claims: Vec<u64> = (0..4).map(|_| plic.read(CLAIM, 4)).collect();
        assert_eq!(claims, [35, 7, 9, 0]);
    }

    #[test]
    fn the_threshold_masks_the_line_and_the_claim_unless_strictly() {
        for (strict, claimed) in [("off", 0), ("on", 3)] {
            let mut plic = plic_that_is(strict);
            plic.write(CONTEXT, 4, 1);
            plic.input(3, true);
            assert!(!plic.line(0));
            assert_eq!(plic.read(CLAIM, 4), claimed);
        }
    }

    #[test]
    fn whoever_completes_a_source_opens_its_gateway_unless_strictly() {
        for (strict, signalled) in [("off", true), ("on", false)] {
            let mut plic = plic_that_is(strict);
            plic.input(7, true);
            assert_eq!(plic.read(CLAIM, 4), 7);
            plic.input(7, false);
            // A kernel masks the source while it handles it, and completes it then.
            plic.write(ENABLE, 4, 0);
            plic.write(CLAIM, 4, 7);
            plic.write(ENABLE, 4, 1 << 7);
            plic.input(7, true);
            assert_eq!(plic.line(0), signalled);
        }
    }

    #[test]
    fn contexts_are_apart() {
        let mut plic = plic();
        plic.write(ENABLE + 3 * ENABLE_STRIDE, 4, 1 << 5);
        plic.input(5, true);
        assert_eq!(plic.lines(4), [true, false, false, true]);
        assert_eq!(plic.read(CLAIM + 3 * S0, 4), 5);
        assert_eq!(plic.lines(4), [false; 4]);
        plic.write(CLAIM, 4, 5);
        plic.input_again(5);
        assert_eq!(plic.lines(4), [true, false, false, true]);
    }

    #[test]
    fn source_0_and_those_past_ndev_do_not_exist() {
        let mut plic = plic();
        plic.write(0, 4, 7);
        assert_eq!(plic.read(0, 4), 0);
        assert_eq!(plic.read(ENABLE, 4), 0xffff_fffe);
        plic.input(0, true);
        plic.input(96, true);
        plic.input(u32::MAX, true);
        assert_eq!(plic.read(CLAIM, 4), 0);
        plic.write(4 * 96, 4, 7);
        assert_eq!(plic.read(4 * 96, 4), 0);
        plic.write(CLAIM, 4, 96);
    }
}
