//! Arm's PL061 general-purpose I/O: eight pins.
//!
//! Inputs 0 to 7 drive the pins from outside. Outputs: 0 is the interrupt, 1 to 8 are the pins that are configured
//! as outputs. With `power-key=N` the chip stands for a board's power button at pin N: raising input
//! [`BUTTON`] presses it for a tenth of a second, and the device tree has a `gpio-keys` node for it. With
//! `power-control=on`, raising pin 0 as an output switches the machine off and pin 1 restarts it.
//! Leaves out: pull-ups (an input that nothing drives is low), hardware control by AFSEL beyond the register.
//!
//! Document: Arm DDI 0190, PrimeCell General Purpose Input/Output (PL061) Technical Reference Manual.

use crate::base::Result;
use crate::fabric::{Device, Event, Io, IrqLine, Power, PowerRequest, State, Timer, TreeNode, Width};
use crate::hw::{Built, Inputs, PartType, Wiring, primecell};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Catalogue entry.
pub static PL061: PartType = PartType {
    name: "pl061",
    summary: "Arm PL061 general-purpose I/O",
    bus: None,
    props: &[
        ("power-key", "the pin of the power button (default: there is none)"),
        ("power-control", "outputs 0 and 1 switch the machine off and restart it (default: off)"),
        ("secure", "the device tree keeps it for the Secure world (default: off)"),
    ],
    build,
};

/// The input that presses the power button.
pub const BUTTON: u32 = 0x100;

/// How long the button stays down: longer than drivers wait for a bouncing contact.
const PRESS_NS: u64 = 100_000_000;

const DIR: u64 = 0x400;
const IS: u64 = 0x404;
const IBE: u64 = 0x408;
const IEV: u64 = 0x40c;
const IE: u64 = 0x410;
const RIS: u64 = 0x414;
const MIS: u64 = 0x418;
const IC: u64 = 0x41c;
const AFSEL: u64 = 0x420;
const PERIPHERAL: [u8; 4] = [0x61, 0x10, 0x04, 0x00];

/// `KEY_POWER` of Linux's input event codes.
const KEY_POWER: u32 = 116;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Regs {
    /// What was written for pins that are outputs.
    data: u8,
    dir: u8,
    is: u8,
    ibe: u8,
    iev: u8,
    ie: u8,
    afsel: u8,
    /// Edges seen and not cleared.
    edges: u8,
}

struct Pl061 {
    irq: IrqLine,
    pins: [IrqLine; 8],
    power: Option<Arc<Power>>,
    key: Option<u32>,
    timer: Timer,
    /// What the outside drives, and the button. Not reset.
    inputs: u8,
    regs: Regs,
}

fn build(wiring: &mut Wiring) -> Result<Built> {
    let key = wiring.props.number("power-key")?;
    if let Some(pin @ 8..) = key {
        fail!("'{}': power-key={pin} is not a pin, 0 to 7", wiring.part.name());
    }
    let key = key.map(|pin| pin as u32);
    let control = wiring.props.switch("power-control")?.unwrap_or(false);
    let (mut tree, mut nodes) = primecell::describe(wiring, "pl061", &["apb_pclk"])?;
    tree = tree.flag("gpio-controller").cells("#gpio-cells", &[2]);
    let name = wiring.part.name();
    if let Some(pin) = key {
        let button = TreeNode::new("poweroff")
            .references("gpios", &[(name, &[pin, 0])])
            .cells("linux,code", &[KEY_POWER])
            .strings("label", &["GPIO Key Poweroff"]);
        let keys = TreeNode::new("gpio-keys").strings("compatible", &["gpio-keys"]);
        nodes.push(TreeNode { children: vec![button], ..keys });
    }
    if control {
        for (pin, what) in [(0, "gpio-poweroff"), (1, "gpio-restart")] {
            let node = TreeNode::new(what).references("gpios", &[(name, &[pin, 0])]).strings("compatible", &[what]);
            nodes.push(node.strings("status", &["disabled"]).strings("secure-status", &["okay"]));
        }
    }
    let device = Pl061 {
        irq: wiring.irq(0),
        pins: std::array::from_fn(|pin| wiring.irq(pin + 1)),
        power: control.then(|| wiring.power.clone()),
        key,
        timer: wiring.timer(0),
        inputs: 0,
        regs: Regs::default(),
    };
    let power_button = key.map(|_| BUTTON);
    let inputs = Inputs { shared: 0..8, own: 0 };
    Ok(Built { nodes, power_button, inputs, ..Built::new(Box::new(device), 0x1000).with_tree(tree) })
}

impl Pl061 {
    fn levels(&self) -> u8 {
        self.inputs & !self.regs.dir | self.regs.data & self.regs.dir
    }

    fn ris(&self) -> u8 {
        let regs = &self.regs;
        regs.edges & !regs.is | !(self.levels() ^ regs.iev) & regs.is
    }

    /// Changes what the outside drives, and notes the edges that are looked for.
    fn drive(&mut self, inputs: u8) {
        let regs = &mut self.regs;
        let changed = (self.inputs ^ inputs) & !regs.dir & !regs.is;
        regs.edges |= changed & (regs.ibe | !(inputs ^ regs.iev));
        self.inputs = inputs;
        self.update();
    }

    fn set_pin(&mut self, pin: u32, level: bool) {
        let bit = 1 << pin;
        self.drive(if level { self.inputs | bit } else { self.inputs & !bit });
    }

    /// Changes DATA or DIR; the power lines act on outputs that rise.
    fn set_outputs(&mut self, data: u8, dir: u8) {
        let high = |regs: &Regs| regs.data & regs.dir;
        let before = high(&self.regs);
        (self.regs.data, self.regs.dir) = (data, dir);
        let rising = high(&self.regs) & !before;
        if let Some(power) = &self.power {
            match rising & 3 {
                0 => {}
                2 => power.request(PowerRequest::Reset),
                _ => power.request(PowerRequest::Off(0)),
            }
        }
    }

    fn update(&mut self) {
        for (pin, line) in self.pins.iter().enumerate() {
            line.set((self.regs.data & self.regs.dir) >> pin & 1 != 0);
        }
        self.irq.set(self.ris() & self.regs.ie != 0);
    }
}

impl Device for Pl061 {
    fn read(&mut self, io: Io) -> u64 {
        let value = match io.offset {
            // Address bits 9 to 2 are a mask of the pins.
            offset @ 0..DIR => self.levels() & (offset >> 2) as u8,
            DIR => self.regs.dir,
            IS => self.regs.is,
            IBE => self.regs.ibe,
            IEV => self.regs.iev,
            IE => self.regs.ie,
            RIS => self.ris(),
            MIS => self.ris() & self.regs.ie,
            AFSEL => self.regs.afsel,
            offset => {
                return primecell::id(PERIPHERAL, offset).unwrap_or_else(|| {
                    guest_error!("pl061: read at {offset:#x}");
                    0
                });
            }
        };
        value.into()
    }

    fn write(&mut self, io: Io, value: u64) {
        let value = value as u8;
        match io.offset {
            offset @ 0..DIR => {
                let mask = (offset >> 2) as u8;
                self.set_outputs(self.regs.data & !mask | value & mask, self.regs.dir);
            }
            DIR => self.set_outputs(self.regs.data, value),
            IS => self.regs.is = value,
            IBE => self.regs.ibe = value,
            IEV => self.regs.iev = value,
            IE => self.regs.ie = value,
            IC => self.regs.edges &= !value,
            AFSEL => self.regs.afsel = value,
            offset => guest_error!("pl061: write at {offset:#x}"),
        }
        self.update();
    }

    fn reset(&mut self) {
        self.regs = Regs::default();
        self.update();
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        s.item("regs", &mut self.regs)?;
        s.item("inputs", &mut self.inputs)?;
        if s.is_loading() {
            // A button that was held down when the state was saved is let go.
            if self.key.is_some_and(|pin| self.inputs >> pin & 1 != 0) {
                self.timer.arm(self.timer.now().saturating_add(PRESS_NS));
            }
            self.update();
        }
        Ok(())
    }

    fn event(&mut self, _event: Event) {
        if let Some(pin) = self.key {
            self.set_pin(pin, false);
        }
    }

    fn input(&mut self, input: u32, level: bool) {
        match (input, self.key) {
            (BUTTON, Some(pin)) if level => {
                self.set_pin(pin, true);
                self.timer.arm(self.timer.now().saturating_add(PRESS_NS));
            }
            (0..8, _) => self.set_pin(input, level),
            _ => {}
        }
    }

    fn width(&self) -> Width {
        Width { min: 4, max: 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::tests::Rig;

    const DATA: u64 = 0x3fc;

    #[test]
    fn the_address_masks_the_pins() {
        let mut gpio = Rig::new("pl061").build();
        gpio.write(DIR, 4, 0x0f);
        gpio.write(DATA, 4, 0xff);
        assert_eq!(gpio.read(DATA, 4), 0x0f);
        gpio.write(0x5 << 2, 4, 0);
        assert_eq!(gpio.read(DATA, 4), 0x0a);
        assert_eq!(gpio.read(0x3 << 2, 4), 0x02);
        assert_eq!(gpio.lines(9), [false, false, true, false, true, false, false, false, false]);
    }

    #[test]
    fn edges_are_latched_and_levels_are_not() {
        let mut gpio = Rig::new("pl061").build();
        gpio.write(IEV, 4, 0x3);
        gpio.write(IS, 4, 0x2);
        gpio.write(IE, 4, 0x3);
        gpio.input(0, true);
        gpio.input(0, false);
        assert_eq!(gpio.read(MIS, 4), 1);
        gpio.write(IC, 4, 1);
        assert!(!gpio.line(0));
        gpio.input(1, true);
        gpio.write(IC, 4, 0xff);
        assert_eq!(gpio.read(MIS, 4), 2);
        gpio.input(1, false);
        assert!(!gpio.line(0));
    }

    #[test]
    fn both_edges_count_when_asked_for() {
        let mut gpio = Rig::new("pl061").build();
        gpio.write(IBE, 4, 0x10);
        gpio.write(IE, 4, 0x10);
        for level in [true, false] {
            gpio.input(4, level);
            assert!(gpio.line(0));
            gpio.write(IC, 4, 0x10);
            assert!(!gpio.line(0));
        }
    }

    #[test]
    fn the_power_button_is_held_for_a_while_and_let_go() {
        let mut gpio = Rig::new("pl061").props(&[("power-key", "3")]).build();
        gpio.write(IBE, 4, 8);
        gpio.write(IE, 4, 8);
        gpio.input(BUTTON, true);
        gpio.input(BUTTON, false);
        assert_eq!((gpio.read(DATA, 4), gpio.line(0)), (8, true));
        gpio.write(IC, 4, 8);
        gpio.pass(PRESS_NS);
        assert_eq!((gpio.read(DATA, 4), gpio.line(0)), (0, true));
    }

    #[test]
    fn outputs_0_and_1_are_the_power_lines_of_a_board_that_has_them() {
        let mut gpio = Rig::new("pl061").props(&[("power-control", "on")]).build();
        gpio.write(DATA, 4, 2);
        assert_eq!(gpio.power.take(), None);
        gpio.write(DIR, 4, 3);
        assert_eq!(gpio.power.take(), Some(PowerRequest::Reset));
        gpio.write(DATA, 4, 3);
        assert_eq!(gpio.power.take(), Some(PowerRequest::Off(0)));
    }
}
