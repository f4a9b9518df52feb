//! A scripted client against a small machine, on both engines.

use super::wire::packet;
use crate::debug::bench::{Bench, CODE, COUNT, Client, DATA, pair};
use crate::engine::Kind;

const ENGINES: [Kind; 2] = [Kind::Interp, Kind::Jit];

/// Numbers of registers in the target description.
const SP: usize = 2;
const T0: usize = 5;
const PC: usize = 32;

/// A client that has connected.
struct Gdb {
    client: Client,
}

impl Gdb {
    fn attach(bench: &Bench) -> Gdb {
        let (client, end) = pair();
        bench.desk.serve_gdb("gdb", end).unwrap();
        client.connect();
        let gdb = Gdb { client };
        gdb.begin();
        gdb
    }

    fn begin(&self) {
        let features = self.ask("qSupported:multiprocess+;swbreak+;hwbreak+;vContSupported+");
        assert!(features.contains("qXfer:features:read+") && features.contains("PacketSize="), "{features}");
        assert_eq!(self.ask("QStartNoAckMode"), "OK");
    }

    fn send(&self, body: &str) {
        self.client.send(&packet(body.as_bytes()));
    }

    /// The next packet, less its frame.
    fn receive(&self) -> String {
        let bytes = self.client.read_until(|got| got.len() >= 3 && got[got.len() - 3] == b'#');
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let start = text.find('$').expect("a packet");
        text[start + 1..text.len() - 3].to_string()
    }

    fn ask(&self, body: &str) -> String {
        self.send(body);
        self.receive()
    }

    fn ok(&self, body: &str) {
        assert_eq!(self.ask(body), "OK", "{body}");
    }

    /// A register of the thread that was chosen.
    fn register(&self, number: usize) -> u64 {
        let hex = self.ask(&format!("p{number:x}"));
        let bytes: Vec<u8> =
            (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect();
        bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    fn set_register(&self, number: usize, value: u64) {
        let hex: String = value.to_le_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        self.ok(&format!("P{number:x}={hex}"));
    }

    /// The pc of thread `tid`.
    fn pc(&self, tid: u32) -> u64 {
        self.ok(&format!("Hgp1.{tid}"));
        self.register(PC)
    }
}

#[test]
fn registers_have_names_and_numbers() {
    let bench = Bench::new(Kind::Interp, 2, COUNT);
    let gdb = Gdb::attach(&bench);
    let xml = gdb.ask("qXfer:features:read:target.xml:0,7000");
    for word in ["riscv:rv64", "org.gnu.gdb.riscv.cpu", "name=\"pc\"", "org.gnu.gdb.riscv.fpu", "name=\"fa0\""] {
        assert!(xml.contains(word), "{word}");
    }
    for word in ["org.gnu.gdb.riscv.csr", "\"satp\"", "\"mstatus\"", "org.gnu.gdb.riscv.virtual", "\"priv\""] {
        assert!(xml.contains(word), "{word}");
    }
    assert!(!xml.contains("reserved-address"), "state that is nobody's business");
    assert_eq!(gdb.ask("qXfer:features:read:other.xml:0,7000"), "E00");
    assert_eq!(gdb.pc(1), CODE);
    gdb.set_register(SP, 0x1234_5678_9abc_def0);
    assert_eq!(gdb.register(SP), 0x1234_5678_9abc_def0);
    gdb.ok("Hgp1.2");
    assert_eq!(gdb.register(SP), 0, "each thread has its own");
    let core = gdb.ask("g");
    assert_eq!(core.len(), 33 * 16);
    assert_eq!(&core[32 * 16..], "0000008000000000");
    gdb.ok(&format!("G{}", core.replace("0000008000000000", "0400008000000000")));
    assert_eq!(gdb.pc(2), CODE + 4);
    assert_eq!(gdb.ask("pffff"), "E14");
    assert_eq!(gdb.ask("qfThreadInfo"), "mp01.01,p01.02");
    assert_eq!(gdb.ask("qThreadExtraInfo,p1.2"), "435055233120 5b72756e6e696e675d".replace(' ', ""));
    assert_eq!(gdb.ask("Tp1.3"), "E01");
}

#[test]
fn memory_is_read_and_written() {
    let bench = Bench::new(Kind::Jit, 1, COUNT);
    let gdb = Gdb::attach(&bench);
    assert_eq!(gdb.ask("m80000000,4"), "93821200");
    gdb.ok("M80001000,3:010203");
    assert_eq!(gdb.ask("m80001000,4"), "01020300");
    gdb.client.send(&packet(b"X80001000,2:\x7d\x03}]"));
    assert_eq!(gdb.receive(), "OK", "binary, with an escaped byte");
    assert_eq!(gdb.ask("m80001000,2"), "237d");
    assert_eq!(gdb.ask("m0,4"), "E14");
    assert_eq!(gdb.ask("M0,1:00"), "E14");
    assert_eq!(gdb.ask("mfffffffffffffff0,ffff"), "E22");
    assert_eq!(gdb.ask("qqemu.PhyMemMode"), "0");
    gdb.ok("Qqemu.PhyMemMode:1");
    assert_eq!(gdb.ask("m80000000,4"), "93821200");
    assert_eq!(gdb.ask("m10000000,1"), "E14", "devices are not touched");
}

#[test]
fn breakpoints_stop_before_their_instruction() {
    for kind in ENGINES {
        let bench = Bench::new(kind, 1, COUNT);
        let gdb = Gdb::attach(&bench);
        assert_eq!(gdb.ask("?"), "T05thread:p01.01;");
        gdb.ok("Z0,80000008,4");
        gdb.ok("Z0,80000008,4");
        for round in 1..4 {
            assert_eq!(gdb.ask("vCont;c"), "T05thread:p01.01;swbreak:;");
            assert_eq!((gdb.pc(1), gdb.register(T0)), (CODE + 8, round));
        }
        gdb.ok("Z1,80000004,4");
        assert_eq!(gdb.ask("vCont;c:p1.-1"), "T05thread:p01.01;hwbreak:;");
        assert_eq!(gdb.pc(1), CODE + 4);
        gdb.ok("z0,80000008,4");
        gdb.ok("z1,80000004,4");
        assert_eq!(gdb.ask("z1,80000004,4"), "E16");
        gdb.send("c");
        assert!(gdb.client.is_silent(), "no breakpoint is left");
        gdb.client.send(b"\x03");
        assert_eq!(gdb.receive(), "T02thread:p01.01;");
        assert!((CODE..CODE + 16).contains(&gdb.pc(1)));
    }
}

#[test]
fn watchpoints_stop_before_the_access_and_for_their_bytes_only() {
    for kind in ENGINES {
        let bench = Bench::new(kind, 1, COUNT);
        let gdb = Gdb::attach(&bench);
        gdb.ok("Z2,80001004,4");
        // The bytes beside it, the other way of access, and what stands in the same line of the cache.
        gdb.ok("Z2,80001008,8");
        gdb.ok("Z3,80001000,8");
        for round in 1..3 {
            assert_eq!(gdb.ask("vCont;c"), "T05thread:p01.01;watch:80001004;");
            assert_eq!((gdb.pc(1), gdb.register(T0)), (CODE + 4, round));
            assert_eq!(gdb.ask("m80001000,8"), format!("{:02x}00000000000000", round - 1), "not stored yet");
            // As gdb gets over it.
            gdb.ok("z2,80001004,4");
            assert_eq!(gdb.ask("vCont;s:p1.1"), "T05thread:p01.01;");
            assert_eq!(gdb.ask("m80001000,8"), format!("{round:02x}00000000000000"));
            gdb.ok("Z2,80001004,4");
        }
        gdb.ok("z2,80001004,4");
        gdb.ok("Z3,8000100f,1");
        assert_eq!(gdb.ask("vCont;c"), "T05thread:p01.01;rwatch:8000100f;");
        assert_eq!(gdb.pc(1), CODE + 8);
        assert_eq!(gdb.ask("vCont;c"), "T05thread:p01.01;rwatch:8000100f;", "also where the vCPU stands already");
        gdb.ok("z3,8000100f,1");
        gdb.ok("Z4,80001000,1");
        assert_eq!(gdb.ask("vCont;c"), "T05thread:p01.01;awatch:80001000;");
        assert_eq!(gdb.pc(1), CODE + 4);
        assert_eq!(gdb.ask("vCont;s:p1.1"), "T05thread:p01.01;awatch:80001000;", "a step runs into it too");
        gdb.ok("z4,80001000,1");
        assert_eq!(gdb.ask("vCont;s:p1.1"), "T05thread:p01.01;");
        assert_eq!(gdb.pc(1), CODE + 8);
        assert_eq!(gdb.ask("Z2,0,0"), "E16", "nothing to watch");
        assert_eq!(gdb.ask("Z2,ffffffffffffffff,2"), "E16");
    }
}

#[test]
fn a_step_runs_one_instruction_of_one_thread() {
    for kind in ENGINES {
        let bench = Bench::new(kind, 2, COUNT);
        let gdb = Gdb::attach(&bench);
        gdb.ok("Z0,80000000,4");
        for at in [4, 8, 12, 0, 4] {
            assert_eq!(gdb.ask("vCont;s:p1.2"), "T05thread:p01.02;");
            assert_eq!((gdb.pc(1), gdb.pc(2)), (CODE, CODE + at));
        }
        // Continuing one thread leaves the other where it is.
        assert_eq!(gdb.ask("vCont;c:p1.2"), "T05thread:p01.02;swbreak:;");
        assert_eq!((gdb.pc(1), gdb.pc(2)), (CODE, CODE));
        gdb.ok("z0,80000000,4");
        // The others run while one steps.
        assert_eq!(gdb.ask("vCont;s:p1.1;c"), "T05thread:p01.01;");
        assert_eq!(gdb.pc(1), CODE + 4);
    }
}

#[test]
fn every_thread_that_meets_a_breakpoint_is_reported() {
    for kind in ENGINES {
        let bench = Bench::new(kind, 4, COUNT);
        let gdb = Gdb::attach(&bench);
        gdb.ok("Z0,8000000c,4");
        let mut counts = [0; 4];
        for _ in 0..40 {
            let stop = gdb.ask("vCont;c");
            let tid: usize = stop.strip_prefix("T05thread:p01.0").unwrap()[..1].parse().unwrap();
            counts[tid - 1] += 1;
            // Whoever is reported has counted as often as it was stopped: none was let past the breakpoint.
            assert_eq!(gdb.pc(tid as u32), CODE + 12);
            assert_eq!(gdb.register(T0), counts[tid - 1]);
        }
        // A thread that has met one and was not reported is, later, unless the breakpoint is gone by then.
        gdb.ok("z0,8000000c,4");
        gdb.send("vCont;c");
        assert!(gdb.client.is_silent());
        gdb.client.send(b"\x03");
        assert!(gdb.receive().starts_with("T02"));
    }
}

/// `wfi`, then a count without end.
const WAIT: &[u32] = &[0x1050_0073, 0x0012_8293, 0xffdf_f06f];

#[test]
fn stepping_masks_interrupts_unless_told_otherwise() {
    for kind in ENGINES {
        let bench = Bench::new(kind, 1, COUNT);
        let prepared = bench.control().with_cpu(0, |cpu| {
            let isa = cpu.isa.clone();
            for (name, value) in [("mtvec", CODE + 0x100), ("mie", 1 << 3), ("mstatus", 1 << 3)] {
                let reg = isa.registers().iter().find(|reg| reg.name == name).unwrap();
                isa.write_register(cpu, reg, value);
            }
            // A software interrupt from the CLINT.
            cpu.board.bus.write(0x200_0000, 4, 1, 0).unwrap();
        });
        prepared.unwrap();
        let gdb = Gdb::attach(&bench);
        assert_eq!(gdb.ask("qqemu.sstepbits"), "ENABLE=1,NOIRQ=2,NOTIMER=4");
        assert_eq!(gdb.ask("qqemu.sstep"), "0x7");
        gdb.ask("vCont;s:p1.1");
        assert_eq!(gdb.pc(1), CODE + 4);
        gdb.ok("Qqemu.sstep=0x1");
        assert_eq!(gdb.ask("Qqemu.sstep=0x8"), "E22");
        gdb.ask("vCont;s:p1.1");
        assert_eq!(gdb.pc(1), CODE + 0x100, "the handler");
    }
}

#[test]
fn a_waiting_thread_is_stepped_when_it_wakes() {
    for kind in ENGINES {
        let bench = Bench::new(kind, 1, WAIT);
        let gdb = Gdb::attach(&bench);
        gdb.ask("vCont;s:p1.1");
        assert_eq!(gdb.pc(1), CODE + 4);
        assert_eq!(gdb.ask("qThreadExtraInfo,p1.1"), "435055233020 5b68616c746564205d".replace(' ', ""));
        gdb.send("vCont;s:p1.1");
        assert!(gdb.client.is_silent());
        gdb.client.send(b"\x03");
        assert_eq!(gdb.receive(), "T02thread:p01.01;");
        assert_eq!(gdb.pc(1), CODE + 4);
        gdb.send("vCont;s:p1.1");
        assert!(gdb.client.is_silent());
        // Pending and enabled, which wakes it; not taken, for interrupts are off.
        let prepared = bench.control().with_cpu(0, |cpu| {
            let isa = cpu.isa.clone();
            let mie = isa.registers().iter().find(|reg| reg.name == "mie").unwrap();
            isa.write_register(cpu, mie, 1 << 3);
            cpu.board.bus.write(0x200_0000, 4, 1, 0).unwrap();
        });
        prepared.unwrap();
        assert_eq!(gdb.receive(), "T05thread:p01.01;");
        assert_eq!((gdb.pc(1), gdb.register(T0)), (CODE + 8, 1));
    }
}

#[test]
fn clients_come_and_go() {
    let bench = Bench::new(Kind::Jit, 1, COUNT);
    bench.control().resume();
    let gdb = Gdb::attach(&bench);
    assert!(!bench.control().is_running(), "a client finds the machine stopped");
    gdb.ok("Z0,80000008,4");
    gdb.ok("Z2,80001000,8");
    gdb.ok("D;1");
    assert!(bench.control().is_running(), "it goes on without its points");
    gdb.client.disconnect();
    gdb.client.connect();
    // The new one is acknowledged again, until it says that it need not be.
    gdb.client.send(&packet(b"qC"));
    assert_eq!(gdb.client.read_until(|got| got.ends_with(b"#f5")), b"+$QC01#f5");
    gdb.client.send(b"$qC#00");
    assert_eq!(gdb.client.read_until(|got| !got.is_empty()), b"-", "damaged");
    gdb.begin();
    assert!(!bench.control().is_running());
    gdb.ok("Z0,80000008,4");
    assert_eq!(gdb.ask("c"), "T05thread:p01.01;swbreak:;");
    // Somebody else lets it run: what the client thinks comes first.
    bench.control().resume();
    assert_eq!(gdb.pc(1), CODE + 8);
    assert!(!bench.control().is_running());
}

#[test]
fn a_kill_ends_the_run() {
    for (kill, answer) in [("k", None), ("vKill;1", Some("OK"))] {
        let mut bench = Bench::new(Kind::Interp, 1, COUNT);
        let gdb = Gdb::attach(&bench);
        gdb.send(kill);
        if let Some(answer) = answer {
            assert_eq!(gdb.receive(), answer);
        }
        assert_eq!(bench.code(), 0);
    }
}

#[test]
fn the_end_of_the_run_is_told() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let gdb = Gdb::attach(&bench);
    gdb.send("vCont;c");
    assert!(gdb.client.is_silent());
    bench.control().quit(42);
    assert_eq!(gdb.receive(), "W2a");
}

#[test]
fn monitor_commands_are_answered() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let gdb = Gdb::attach(&bench);
    let hex: String = b"p/x $pc".iter().map(|byte| format!("{byte:02x}")).collect();
    let text: String = b"0x80000000\n".iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(gdb.ask(&format!("qRcmd,{hex}")), format!("O{text}"));
    assert_eq!(gdb.receive(), "OK");
}

#[test]
fn nonsense_is_survived() {
    let bench = Bench::new(Kind::Interp, 2, COUNT);
    let gdb = Gdb::attach(&bench);
    let words = [
        "g",
        "G",
        "Gzz",
        "p",
        "pzz",
        "P1",
        "P1=",
        "P1=00",
        "m",
        "m,",
        "m0",
        "m0,zz",
        "M",
        "M80000000,2:0",
        "X1",
        "X",
        "Z",
        "Z0",
        "Z9,0,0",
        "Z0,,",
        "z0,123",
        "Hg",
        "Hgp1.-1",
        "Hg9",
        "Hc-1",
        "vCont",
        "vCont;",
        "vCont;x",
        "vCont;s:9",
        "vCont;t:1",
        "vCont?",
        "vCont;r0,1:1",
        "T",
        "T0",
        "qXfer:features:read:target.xml",
        "qRcmd,0",
        "qRcmd,ff",
        "qThreadExtraInfo",
        "qThreadExtraInfo,zz",
        "vKill",
        "Qqemu.sstep=",
        "qSymbol::",
        "",
        "\u{1}",
        "s1",
        "cZZ",
        "D;x",
        "vMustReplyEmpty",
        "qTStatus",
        "!",
        "R",
        "A",
        "vRun;x",
        "QNonStop:1",
        "F1,2",
        "bc",
        "bs",
    ];
    let mut seed = 1u64;
    for round in 0..600 {
        let mut body = words[round % words.len()].as_bytes().to_vec();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if round >= words.len() && !body.is_empty() {
            let at = (seed >> 33) as usize % body.len();
            // Not into a word that ends or starts something.
            body[at] = b"0123456789abcdef,;:=-pQ?"[(seed >> 40) as usize % 24];
        }
        if matches!(body[..], [b'k' | b'c' | b's' | b'C' | b'S' | b'D', ..])
            || body.starts_with(b"vCont;") && round >= words.len()
        {
            continue;
        }
        gdb.client.send(&packet(&body));
    }
    gdb.client.send(b"\x03$$##+-#00$g#zz");
    // However it stands: it still knows what it agreed upon.
    gdb.client.send(b"\x03");
    gdb.send("Qqemu.sstep=0x5");
    gdb.send("qqemu.sstep");
    gdb.client.read_until(|got| got.ends_with(b"$0x5#dd"));
    assert_eq!(gdb.ask("qfThreadInfo"), "mp01.01,p01.02");
}

/// Where the data is, as a debugger would write it.
#[test]
fn addresses_of_the_tests_agree() {
    assert_eq!((CODE, DATA), (0x8000_0000, 0x8000_1000));
}

#[test]
fn an_ended_session_leaves_no_points_behind() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let gdb = Gdb::attach(&bench);
    gdb.ok(&format!("Z0,{:x},4", CODE + 0x100));
    gdb.send("vCont;c");
    let wait_for = |count: usize| {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        let points = || bench.control().with_cpu(0, |cpu| cpu.board.debug.read().breakpoints.len()).unwrap();
        while points() != count {
            assert!(std::time::Instant::now() < deadline, "{} breakpoints, not {count}", points());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    };
    wait_for(1);
    bench.desk.stop_gdb();
    wait_for(0);
}
