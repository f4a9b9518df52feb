//! The contract of a chip, and the part that holds one on a board.

use super::State;
use crate::base::Result;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

/// One access to a device's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Io {
    /// Which of the device's register banks (a device with one bank ignores this).
    pub bank: u8,
    /// Byte offset in the bank.
    pub offset: u64,
    /// Access width in bytes: 1, 2, 4 or 8, within what [`Device::width`] says.
    pub size: u8,
    /// Number of the vCPU that asks; 0 for the debugger and for DMA. [`Io::SECURE`] is added for a Secure access.
    pub cpu: u32,
}

impl Io {
    /// Added to `cpu` (also where a [`Bus`](super::Bus) takes it) by a vCPU with a Secure world for its accesses.
    pub const SECURE: u32 = 1 << 31;

    /// Number of the vCPU alone.
    pub fn requester(&self) -> u32 {
        self.cpu & !Io::SECURE
    }

    /// Whether the access is Secure.
    pub fn is_secure(&self) -> bool {
        self.cpu & Io::SECURE != 0
    }
}

/// The access widths in bytes that a device's registers take; the bus splits wider accesses, low part first,
/// and widens narrower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Width {
    /// The narrowest access the device decodes.
    pub min: u8,
    /// The widest access the device decodes.
    pub max: u8,
}

/// Something that happened outside the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The device's timer with this number has reached its deadline.
    Timer(u32),
    /// The device's host end with this number has input, or has room for output again.
    Ready(u32),
}

/// A message-signalled interrupt on its way to an interrupt controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who sends it: a PCI requester ID.
    pub device: u32,
    /// Where the guest has told the sender to write.
    pub address: u64,
    /// What the guest has told it to write there.
    pub data: u32,
}

/// A chip: a plain state machine.
///
/// Every method is called with the part's lock held, never blocks, and calls only down the drawing in
/// [the room sign](super). Guest-visible state lives in one `Regs` struct that `state` walks and `reset` renews.
pub trait Device: Send {
    /// Reads a register. Unknown offsets read as the document says (mostly zero) and are a `guest_error!`.
    fn read(&mut self, io: Io) -> u64;

    /// Writes a register; bits of `value` above `io.size` are zero.
    fn write(&mut self, io: Io, value: u64);

    /// Puts the device into its power-on state and recomputes its lines.
    fn reset(&mut self);

    /// Behind a reset: no firmware of the guest's will run before a kernel does, so what it would have had to set up for
    /// the kernel is there already.
    fn skip_firmware(&mut self) {}

    /// Saves or loads all guest-visible state in one walk. Restoring a level is not an edge.
    ///
    /// # Errors
    /// On load, when the saved state does not fit this device.
    fn state(&mut self, s: &mut State) -> Result<()>;

    /// The device's timer fired or its host end has something.
    fn event(&mut self, _event: Event) {}

    /// Interrupt input `input` has changed to `level`: interrupt controllers and GPIO-like inputs only. Inputs that a
    /// controller has once for each vCPU are numbered by [`own_input`](super::own_input).
    fn input(&mut self, _input: u32, _level: bool) {}

    /// Interrupt input `input`, which is high, was driven high once more: there is a new cause. Only a controller that
    /// latches what it hears instead of looking at levels wants to know.
    fn input_again(&mut self, _input: u32) {}

    /// A device signals an interrupt by a message: interrupt controllers with such inputs only.
    fn message(&mut self, _message: Message) {}

    /// Widths that the registers decode.
    fn width(&self) -> Width {
        Width { min: 1, max: 8 }
    }

    /// A few lines for the monitor's `info qtree` and friends: `name = value` pairs.
    fn describe(&self) -> Vec<(String, String)> {
        Vec::new()
    }
}

/// A device on a board: its name, its lock. Made empty so that lines and timers can point at it before it exists.
pub struct Part {
    name: String,
    device: Mutex<Option<Box<dyn Device>>>,
    /// How often a vCPU has come to a register and gone again: odd while one is there.
    steps: AtomicU64,
    /// The vCPU that came last.
    cpu: AtomicU32,
}

/// A vCPU at a device's register.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stay {
    /// The vCPU.
    pub cpu: u32,
    /// The same only for the same access.
    access: u64,
}

impl Part {
    /// An empty place called `name` (the board page's `[part.NAME]`).
    pub fn new(name: impl Into<String>) -> Arc<Part> {
        Arc::new(Part { name: name.into(), device: Mutex::new(None), steps: AtomicU64::new(0), cpu: AtomicU32::new(0) })
    }

    /// Puts the device in its place; done once, before the machine runs.
    pub fn install(&self, device: Box<dyn Device>) {
        *self.lock() = Some(device);
    }

    /// The part's name on the board page.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls `f` with the device, its lock held. An empty part answers with the default.
    pub fn with<T: Default>(&self, f: impl FnOnce(&mut dyn Device) -> T) -> T {
        match &mut *self.lock() {
            Some(device) => f(device.as_mut()),
            None => T::default(),
        }
    }

    /// As [`with`](Part::with), for an access of vCPU `cpu`, which [`stay`](Part::stay) tells of meanwhile.
    pub(super) fn access<T: Default>(&self, cpu: u32, f: impl FnOnce(&mut dyn Device) -> T) -> T {
        self.with(|device| {
            // Only who holds the lock changes it.
            let steps = self.steps.load(Ordering::Relaxed);
            self.cpu.store(cpu, Ordering::Relaxed);
            self.steps.store(steps | 1, Ordering::Relaxed);
            let answer = f(device);
            self.steps.store((steps | 1).wrapping_add(1), Ordering::Relaxed);
            answer
        })
    }

    /// The vCPU that is at one of the device's registers now.
    pub fn stay(&self) -> Option<Stay> {
        let access = self.steps.load(Ordering::Relaxed);
        (access & 1 == 1).then(|| Stay { cpu: self.cpu.load(Ordering::Relaxed), access })
    }

    /// As [`with`](Part::with), but gives up, with `None`, when somebody holds the device for longer than `limit`.
    pub fn try_with<T: Default>(&self, limit: Duration, f: impl FnOnce(&mut dyn Device) -> T) -> Option<T> {
        let end = Instant::now() + limit;
        loop {
            match self.device.try_lock() {
                Ok(mut device) => return Some(device.as_mut().map_or_else(T::default, |device| f(device.as_mut()))),
                Err(TryLockError::Poisoned(_)) => return Some(self.with(f)),
                Err(TryLockError::WouldBlock) if Instant::now() >= end => return None,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<dyn Device>>> {
        self.device.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A value of a device-tree property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeProp {
    /// No value: present or not.
    Empty,
    /// 32-bit cells.
    Cells(Vec<u32>),
    /// Strings, each NUL-terminated.
    Strings(Vec<String>),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// The phandle of the part with this name, which the board numbers.
    Phandle(String),
    /// Phandles, each with the cells of its specifier behind it: clocks, GPIO pins.
    References(Vec<(String, Vec<u32>)>),
}

/// A device-tree node as a part describes itself; the board adds the address, the interrupt and phandles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeNode {
    /// Node name without its unit address, such as `serial`.
    pub name: String,
    /// Properties in the order in which they are written.
    pub props: Vec<(String, NodeProp)>,
    /// Nodes inside this one.
    pub children: Vec<TreeNode>,
    /// Parts whose nodes are equal share one, with the `reg` of all of them (the banks of a flash memory).
    pub shared: bool,
    /// A node inside another that describes this register bank of the part (an MSI frame); the outer one leaves the
    /// bank out.
    pub bank: Option<usize>,
}

impl TreeNode {
    /// An empty node.
    pub fn new(name: impl Into<String>) -> TreeNode {
        TreeNode { name: name.into(), ..TreeNode::default() }
    }

    /// Adds a property of 32-bit cells.
    #[must_use]
    pub fn cells(mut self, name: &str, cells: &[u32]) -> TreeNode {
        self.props.push((name.into(), NodeProp::Cells(cells.to_vec())));
        self
    }

    /// Adds a property of strings.
    #[must_use]
    pub fn strings(mut self, name: &str, strings: &[&str]) -> TreeNode {
        let strings = strings.iter().map(|s| s.to_string()).collect();
        self.props.push((name.into(), NodeProp::Strings(strings)));
        self
    }

    /// Adds a property that refers to a part.
    #[must_use]
    pub fn phandle(mut self, name: &str, part: &str) -> TreeNode {
        self.props.push((name.into(), NodeProp::Phandle(part.into())));
        self
    }

    /// Adds a property that refers to parts, each with a specifier.
    #[must_use]
    pub fn references(mut self, name: &str, to: &[(&str, &[u32])]) -> TreeNode {
        let to = to.iter().map(|(part, cells)| (part.to_string(), cells.to_vec())).collect();
        self.props.push((name.into(), NodeProp::References(to)));
        self
    }

    /// Adds a property without a value.
    #[must_use]
    pub fn flag(mut self, name: &str) -> TreeNode {
        self.props.push((name.into(), NodeProp::Empty));
        self
    }
}
