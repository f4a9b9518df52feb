//! The virtio console device, with its ports.
//!
//! `virtio-serial-device` is the device; `virtconsole` and `virtserialport` are ports that plug into it. Port 0 is
//! for a console alone, as old drivers know only that one. Output that the outside does not take stays in its chain;
//! input stays outside until the guest has a buffer and has opened the port. Leaves out: console sizes (nobody outside
//! tells one), hot-plugged ports, and telling the outside that the guest has closed a port.
//!
//! Document: VIRTIO 1.2, section 5.3.

use super::device::{Driver, RING_PROPS, VirtioDevice, ring_features};
use super::queue::Chain;
use crate::base::Result;
use crate::fabric::{Event, State};
use crate::host::CharEnd;
use crate::hw::{Built, PartType, Wiring};
use crate::{fail, guest_error};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Catalogue entry.
pub static VIRTIO_SERIAL: PartType = PartType {
    name: "virtio-serial-device",
    summary: "virtio console device: a bus for ports",
    bus: Some("virtio"),
    props: &[
        ("max_ports", "highest number of ports (default: 31)"),
        ("emergency-write", "offer output without queues (default: on)"),
        RING_PROPS[0],
        RING_PROPS[1],
        RING_PROPS[2],
        RING_PROPS[3],
    ],
    build: build_device,
};

const PORT_PROPS: &[(&str, &str)] =
    &[("nr", "number of the port (default: the first free one)"), ("name", "name by which the guest finds the port")];

/// Catalogue entry.
pub static VIRTCONSOLE: PartType = PartType {
    name: "virtconsole",
    summary: "console port of a virtio-serial device",
    bus: Some("virtio-serial"),
    props: PORT_PROPS,
    build: |wiring| build_port(wiring, true),
};

/// Catalogue entry.
pub static VIRTSERIALPORT: PartType = PartType {
    name: "virtserialport",
    summary: "named port of a virtio-serial device",
    bus: Some("virtio-serial"),
    props: PORT_PROPS,
    build: |wiring| build_port(wiring, false),
};

const DEVICE_ID: u32 = 3;

const F_MULTIPORT: u64 = 1 << 1;
const F_EMERG_WRITE: u64 = 1 << 2;

/// Where the emergency output is in the configuration space.
const CONFIG_EMERG_WR: u64 = 8;

const DEVICE_READY: u16 = 0;
const PORT_ADD: u16 = 1;
const PORT_READY: u16 = 3;
const CONSOLE_PORT: u16 = 4;
const PORT_OPEN: u16 = 6;
const PORT_NAME: u16 = 7;

const QUEUE_SIZE: u16 = 128;
const CONTROL_SIZE: u16 = 32;
const CONTROL_RX: usize = 2;
const CONTROL_TX: usize = 3;
/// The most that is moved between outside and guest at once.
const PIECE: usize = 4096;
/// Control messages that may wait for a buffer. While so many do, the guest's own messages stay in their queue.
const MAX_WAITING: usize = 256;

/// A port on its way into the device.
pub struct Port {
    /// The number that was asked for.
    nr: Option<u32>,
    name: String,
    console: bool,
    end: Box<dyn CharEnd>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct PortRegs {
    guest_ready: bool,
    guest_open: bool,
    /// What the guest was last told of the outside.
    told_open: bool,
    /// Output that the outside has not taken all of.
    sending: Option<Chain>,
    /// A buffer for input that has not come yet.
    receiving: Option<Chain>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Message {
    id: u32,
    event: u16,
    value: u16,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Regs {
    ports: Vec<PortRegs>,
    /// Control messages for the guest.
    waiting: VecDeque<Message>,
}

struct Console {
    features: u64,
    max_ports: u32,
    /// Ports by number; a gap has none.
    ports: Vec<Option<Port>>,
    regs: Regs,
}

fn build_port(wiring: &mut Wiring, console: bool) -> Result<Built> {
    // QEMU's own "no number was given".
    let nr = wiring.props.number("nr")?.filter(|&nr| nr != u64::from(u32::MAX));
    let nr = nr.map(|nr| u32::try_from(nr).unwrap_or(u32::MAX));
    let name = wiring.props.text("name").unwrap_or_default();
    let end = wiring.take_char_unwired()?;
    Ok(Built::port(Port { nr, name, console, end }))
}

fn build_device(wiring: &mut Wiring) -> Result<Built> {
    let max_ports = wiring.props.number("max_ports")?.unwrap_or(31);
    if !(1..=511).contains(&max_ports) {
        fail!("'max_ports={max_ports}' is not between 1 and 511");
    }
    let mut features = ring_features(&mut wiring.props)? | F_MULTIPORT;
    if wiring.props.switch("emergency-write")?.unwrap_or(true) {
        features |= F_EMERG_WRITE;
    }
    let mut ports: Vec<Option<Port>> = Vec::new();
    for built in std::mem::take(&mut wiring.plugged) {
        let Some(mut port) = built.port else { fail!("'{}' takes ports only", wiring.part.name()) };
        // Port 0 is left to consoles.
        let first = if port.console { 0 } else { 1 };
        let free = (first..).find(|&nr| !matches!(ports.get(nr), Some(Some(_)))).unwrap_or(first);
        let nr = port.nr.map_or(free, |nr| nr as usize);
        if nr >= max_ports as usize {
            fail!("port {nr} is too many for 'max_ports={max_ports}'");
        }
        if nr < first {
            fail!("port 0 of '{}' is for a virtconsole", wiring.part.name());
        }
        if ports.len() <= nr {
            ports.resize_with(nr + 1, || None);
        }
        if ports[nr].is_some() {
            fail!("two ports have the number {nr}");
        }
        wiring.wire_char(port.end.as_mut(), nr as u32);
        ports[nr] = Some(port);
    }
    let regs = Console::fresh(&ports);
    Ok(Built::virtio(Box::new(Console { features, max_ports: max_ports as u32, ports, regs })))
}

/// The queue that a port receives from; the one that it sends to follows.
fn rx_queue(port: usize) -> usize {
    // The control queues are between those of port 0 and the others'.
    if port == 0 { 0 } else { 2 * port + 2 }
}

impl Console {
    fn fresh(ports: &[Option<Port>]) -> Regs {
        Regs { ports: vec![PortRegs::default(); ports.len()], waiting: VecDeque::new() }
    }

    /// What the guest should know of the outside: a console is always there.
    fn is_open(port: &Port) -> bool {
        port.console || port.end.is_open()
    }

    fn tell(&mut self, id: usize, event: u16, value: u16) {
        self.regs.waiting.push_back(Message { id: id as u32, event, value });
    }

    /// Moves waiting control messages into the guest's buffers.
    fn deliver(&mut self, driver: &mut Driver) {
        while let Some(message) = self.regs.waiting.front().copied() {
            let Some(mut chain) = driver.pop(CONTROL_RX) else { return };
            self.regs.waiting.pop_front();
            let mut bytes = message.id.to_le_bytes().to_vec();
            bytes.extend(message.event.to_le_bytes());
            bytes.extend(message.value.to_le_bytes());
            if message.event == PORT_NAME
                && let Some(Some(port)) = self.ports.get(message.id as usize)
            {
                bytes.extend(port.name.as_bytes());
            }
            driver.write(&mut chain, &bytes);
            driver.push(CONTROL_RX, chain);
        }
    }

    /// Takes control messages from the guest.
    fn control(&mut self, driver: &mut Driver) {
        while self.regs.waiting.len() < MAX_WAITING {
            let Some(mut chain) = driver.pop(CONTROL_TX) else { break };
            let mut bytes = [0; 8];
            if driver.read(&mut chain, &mut bytes) == bytes.len() {
                let word = u64::from_le_bytes(bytes);
                self.message(Message { id: word as u32, event: (word >> 32) as u16, value: (word >> 48) as u16 });
            } else {
                guest_error!("virtio-console: a control message is too short");
            }
            driver.push(CONTROL_TX, chain);
        }
        self.deliver(driver);
    }

    fn message(&mut self, message: Message) {
        let id = message.id as usize;
        if message.event == DEVICE_READY {
            if message.value == 1 {
                let there: Vec<usize> = (0..self.ports.len()).filter(|&id| self.ports[id].is_some()).collect();
                there.into_iter().for_each(|id| self.tell(id, PORT_ADD, 1));
            }
            return;
        }
        let Some(Some(port)) = self.ports.get(id) else {
            guest_error!("virtio-console: control message {} for port {id}, which is not there", message.event);
            return;
        };
        match message.event {
            PORT_READY => {
                let (console, named, open) = (port.console, !port.name.is_empty(), Console::is_open(port));
                self.regs.ports[id].guest_ready = message.value == 1;
                if message.value != 1 {
                    return;
                }
                if console {
                    self.tell(id, CONSOLE_PORT, 1);
                }
                if named {
                    self.tell(id, PORT_NAME, 1);
                }
                self.regs.ports[id].told_open = open;
                if open {
                    self.tell(id, PORT_OPEN, 1);
                }
            }
            PORT_OPEN => self.regs.ports[id].guest_open = message.value == 1,
            other => guest_error!("virtio-console: control message {other}"),
        }
    }

    /// Sends what the guest has put into a port's queue, as far as the outside takes it.
    fn send(&mut self, id: usize, driver: &mut Driver) {
        let (Some(Some(port)), Some(regs)) = (self.ports.get_mut(id), self.regs.ports.get_mut(id)) else {
            return;
        };
        let queue = rx_queue(id) + 1;
        let mut piece = [0; PIECE];
        while let Some(mut chain) = regs.sending.take().or_else(|| driver.pop(queue)) {
            while chain.readable() != 0 {
                if !driver.may_go_on(queue) {
                    regs.sending = Some(chain);
                    return;
                }
                let length = driver.read(&mut chain, &mut piece);
                let taken = port.end.write(&piece[..length]).min(length);
                if taken < length {
                    chain.unread(length - taken);
                    regs.sending = Some(chain);
                    return;
                }
            }
            driver.push(queue, chain);
        }
    }

    /// Gives the guest what has come for a port from outside.
    fn receive(&mut self, id: usize, driver: &mut Driver) {
        let (Some(Some(port)), Some(regs)) = (self.ports.get_mut(id), self.regs.ports.get_mut(id)) else {
            return;
        };
        let queue = rx_queue(id);
        if driver.has(F_MULTIPORT) && !regs.guest_open || !driver.is_running() {
            return;
        }
        // Nothing is taken from outside before there is a buffer for it; a buffer that then gets nothing stays ours.
        while let Some(mut chain) = regs.receiving.take().or_else(|| driver.pop(queue)) {
            let mut piece = [0; PIECE];
            let room = chain.writable().min(PIECE as u64) as usize;
            let got = port.end.read(&mut piece[..room]).min(room);
            if got == 0 && room != 0 {
                regs.receiving = Some(chain);
                return;
            }
            driver.write(&mut chain, &piece[..got]);
            driver.push(queue, chain);
        }
    }
}

impl VirtioDevice for Console {
    fn device_id(&self) -> u32 {
        DEVICE_ID
    }

    fn features(&self) -> u64 {
        self.features
    }

    fn queue_sizes(&self) -> Vec<u16> {
        let mut sizes = vec![QUEUE_SIZE; 2 * self.max_ports as usize + 2];
        sizes[CONTROL_RX] = CONTROL_SIZE;
        sizes[CONTROL_TX] = CONTROL_SIZE;
        sizes
    }

    fn config(&self) -> Vec<u8> {
        // Columns, rows, max_nr_ports, emerg_wr.
        [[0; 4], self.max_ports.to_le_bytes(), [0; 4]].concat()
    }

    fn write_config(&mut self, offset: u64, from: &[u8], _driver: &mut Driver) {
        match (offset, from, self.ports.first_mut()) {
            (CONFIG_EMERG_WR, [byte, ..], Some(Some(port))) if self.features & F_EMERG_WRITE != 0 => {
                // It is for panics: what the outside does not take is lost.
                port.end.write(&[*byte]);
            }
            (CONFIG_EMERG_WR, ..) => {}
            _ => guest_error!("virtio-console: write to configuration at {offset:#x}"),
        }
    }

    fn notify(&mut self, queue: usize, driver: &mut Driver) {
        match queue {
            CONTROL_RX | CONTROL_TX if !driver.has(F_MULTIPORT) => {}
            CONTROL_RX | CONTROL_TX => self.control(driver),
            0 => self.receive(0, driver),
            1 => self.send(0, driver),
            _ if queue.is_multiple_of(2) => self.receive(queue / 2 - 1, driver),
            _ => self.send(queue / 2 - 1, driver),
        }
        if queue == CONTROL_TX {
            // The guest may have opened a port for which something waits.
            (0..self.ports.len()).for_each(|id| self.receive(id, driver));
        }
    }

    fn event(&mut self, event: Event, driver: &mut Driver) {
        let Event::Ready(id) = event else { return };
        let id = id as usize;
        let (Some(Some(port)), Some(regs)) = (self.ports.get(id), self.regs.ports.get_mut(id)) else { return };
        let open = Console::is_open(port);
        if regs.guest_ready && regs.told_open != open && self.regs.waiting.len() < MAX_WAITING {
            regs.told_open = open;
            self.tell(id, PORT_OPEN, open.into());
            self.deliver(driver);
        }
        self.send(id, driver);
        self.receive(id, driver);
    }

    fn reset(&mut self) {
        self.regs = Console::fresh(&self.ports);
    }

    fn state(&mut self, s: &mut State) -> Result<()> {
        let mut regs = self.regs.clone();
        s.item("device", &mut regs)?;
        if regs.ports.len() != self.ports.len() {
            fail!("saved state is of a virtio-serial device with other ports");
        }
        self.regs = regs;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hw::virtio::bench::{Desc, Front};
    use crate::hw::virtio::link::PAUSE;

    /// A console and a port that is called "agent", both with a character end.
    fn console() -> Front {
        Front::ports("virtio-serial-device", &[("virtconsole", &[]), ("virtserialport", &[("name", "agent")])])
    }

    fn say(front: &mut Front, id: u32, event: u16, value: u16) {
        let bytes = [id.to_le_bytes().to_vec(), event.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat();
        front.fill(0x200, &bytes);
        front.offer(CONTROL_TX, &[Desc::read(0x200, 8)]);
        front.notify(CONTROL_TX);
    }

    /// Offers a control buffer and returns what comes in it.
    fn hear(front: &mut Front) -> Option<Vec<u8>> {
        let before = front.used_count(CONTROL_RX);
        front.offer(CONTROL_RX, &[Desc::write(0x300, 64)]);
        front.notify(CONTROL_RX);
        (front.used_count(CONTROL_RX) != before).then(|| {
            let length = front.last_used(CONTROL_RX).1;
            front.bytes(0x300, length as usize)
        })
    }

    #[test]
    fn ports_introduce_themselves() {
        let mut front = console();
        say(&mut front, u32::MAX, DEVICE_READY, 1);
        assert_eq!(hear(&mut front).unwrap(), [0, 0, 0, 0, 1, 0, 1, 0]);
        assert_eq!(hear(&mut front).unwrap(), [1, 0, 0, 0, 1, 0, 1, 0]);
        say(&mut front, 0, PORT_READY, 1);
        assert_eq!(hear(&mut front).unwrap(), [0, 0, 0, 0, 4, 0, 1, 0]);
        assert_eq!(hear(&mut front).unwrap(), [0, 0, 0, 0, 6, 0, 1, 0]);
        say(&mut front, 1, PORT_READY, 1);
        assert_eq!(hear(&mut front).unwrap(), b"\x01\0\0\0\x07\0\x01\0agent");
        assert_eq!(hear(&mut front).unwrap(), [1, 0, 0, 0, 6, 0, 1, 0]);
    }

    #[test]
    fn output_waits_in_its_chain_for_a_slow_reader() {
        let mut front = console();
        front.fill(0x100, b"hello");
        front.outside_takes(0, 2);
        front.offer(1, &[Desc::read(0x100, 3), Desc::read(0x103, 2)]);
        front.notify(1);
        assert_eq!((front.sent(0), front.used_count(1)), (b"he".to_vec(), 0));
        front.outside_takes(0, 100);
        front.ready(0);
        assert_eq!((front.sent(0), front.used_count(1)), (b"hello".to_vec(), 1));
    }

    #[test]
    fn input_waits_outside_until_the_guest_opens_the_port() {
        let mut front = console();
        front.offer(4, &[Desc::write(0x100, 16)]);
        front.notify(4);
        front.receive(1, b"ping");
        assert_eq!(front.used_count(4), 0);
        say(&mut front, 1, PORT_OPEN, 1);
        assert_eq!(front.last_used(4), (0, 4));
        assert_eq!(front.bytes(0x100, 4), b"ping");
        front.receive(1, b"more");
        assert_eq!(front.used_count(4), 1, "no buffer");
        front.offer(4, &[Desc::write(0x100, 2)]);
        front.notify(4);
        assert_eq!(front.bytes(0x100, 2), b"mo");
    }

    #[test]
    fn a_guest_that_talks_and_never_listens_is_held_back() {
        let mut front = console();
        for said in 1..=1000 {
            say(&mut front, 0, PORT_READY, 1);
            if front.used_count(CONTROL_TX) < said {
                break;
            }
        }
        assert!(front.used_count(CONTROL_TX) < 1000);
        let mut heard = 0;
        while hear(&mut front).is_some() {
            heard += 1;
            assert!(heard <= 2000);
        }
    }

    #[test]
    fn endless_output_is_sent_in_turns() {
        let mut front = console();
        (0..4).for_each(|_| front.offer(1, &[Desc::read(0x100, 0x1_f000); 15]));
        front.notify(1);
        let first = front.sent(0).len();
        assert!(first < 5 << 20, "{first}");
        while front.used_count(1) != 4 {
            front.pass(PAUSE);
        }
        assert_eq!(front.sent(0).len(), 60 * 0x1_f000);
    }

    #[test]
    fn emergency_output_needs_no_queue() {
        let mut front = console();
        front.write_config(8, 4, b'!'.into());
        assert_eq!(front.sent(0), b"!");
    }
}
