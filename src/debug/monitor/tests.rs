//! Commands and what they answer.

use super::Monitor;
use crate::debug::bench::{Bench, COUNT, pair};
use crate::engine::Kind;

fn monitor(bench: &Bench) -> Monitor {
    Monitor::new(bench.desk.clone())
}

#[test]
fn expressions_have_qemus_priorities() {
    let bench = Bench::new(Kind::Interp, 2, COUNT);
    let mut monitor = monitor(&bench);
    for (expression, answer) in [
        ("1+2*3", "0x7"),
        ("(1+2)*3", "0x9"),
        ("-1", "0xffffffffffffffff"),
        ("~0x0f", "0xfffffffffffffff0"),
        ("010", "0x8"),
        ("'a'", "0x61"),
        ("1+6&3", "0x3"),
        ("7%4", "0x3"),
        ("$pc+8", "0x80000008"),
        ("$a0", "0x80001000"),
        ("1/0", "division by zero"),
        ("0x8000000000000000/-1", "0x0"),
        ("$nothing", "unknown register"),
        ("1+", "unexpected end of expression"),
        ("(1", "')' expected"),
        ("0xfffffffffffffffff", "invalid char in expression"),
        ("zz", "invalid char in expression"),
        ("'", "character constant expected"),
    ] {
        let got = monitor.execute(&format!("print/x {expression}"));
        assert_eq!(got.lines().next(), Some(answer), "{expression}");
    }
    let deep = format!("p {}1", "(".repeat(100_000));
    assert!(monitor.execute(&deep).starts_with("the expression is too deep"));
    assert_eq!(
        monitor.execute("p 1 2"),
        "print|p: extraneous characters at the end of line\nTry \"help p\" for more information\n"
    );
}

#[test]
fn memory_is_shown_as_asked() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let mut monitor = monitor(&bench);
    for (command, answer) in [
        ("x/2xw $pc", "0000000080000000: 0x00128293 0x00553023\n"),
        ("xp/5xb 0x80000000", "0000000080000000: 0x93 0x82 0x12 0x00 0x23\n"),
        ("x/1dw 0x8000000c", "000000008000000c:  -10489745\n"),
        ("x/2uh 0x80000000", "0000000080000000: 33427    18\n"),
        ("x/3oh 0x80000000", "0000000080000000: 0101223    022 030043\n"),
        ("x/3cb 0x80000004", "0000000080000004: '#' '0' 'U'\n"),
        ("x/1xg 0x80000000", "0000000080000000: 0x0055302300128293\n"),
        ("x/2i $pc", "0x80000000:  00128293          addi t0, t0, 1\n0x80000004:  00553023          sd t0, 0(a0)\n"),
        ("x/xw 0", "0000000000000000: Cannot access memory\n"),
        ("x/1i 0", "0x00000000:  Cannot access memory\n"),
        ("xp/1xw 0x10100008", "0000000010100008: 0x00000000\n"),
        ("x/4q 1", "invalid char in format: 'q'\nTry \"help x\" for more information\n"),
        ("x/99999999999999999999x 0", "that is more than can be shown\n"),
        ("sum 0x80000000 16", "39451\n"),
    ] {
        assert_eq!(monitor.execute(command), answer, "{command}");
    }
    // What a command leaves out stays as it was.
    monitor.execute("x/1xb $pc");
    assert_eq!(monitor.execute("x/2 $pc"), "0000000080000000: 0x93 0x82\n");
}

#[test]
fn the_machine_is_steered() {
    let mut bench = Bench::new(Kind::Jit, 2, COUNT);
    let mut monitor = monitor(&bench);
    assert_eq!(monitor.execute("info status"), "VM status: paused (prelaunch)\n");
    monitor.execute("c");
    assert_eq!(monitor.execute("info status"), "VM status: running\n");
    monitor.execute("stop");
    assert_eq!(monitor.execute("info status"), "VM status: paused\n");
    assert_eq!(monitor.execute("cpu 1"), "");
    assert!(monitor.execute("info cpus").contains("\n* CPU #1: thread_id="));
    assert_eq!(monitor.execute("cpu 2"), "invalid CPU index\n");
    assert_eq!(monitor.execute("nonsense"), "unknown command: 'nonsense'\n");
    assert_eq!(monitor.execute("info nonsense"), "unknown command: 'info nonsense'\n");
    assert_eq!(monitor.execute("nmi"), "Error: machine does not provide NMIs\n");
    assert_eq!(monitor.execute(""), "");
    let refused = monitor.execute("quit now");
    assert!(refused.starts_with("quit|q: extraneous characters"), "{refused}");
    assert!(bench.desk.control().status() == crate::machine::Status::Paused, "and nothing was done");
    monitor.execute("q");
    assert_eq!(bench.code(), 0);
}

#[test]
fn information_names_what_there_is() {
    let bench = Bench::new(Kind::Interp, 2, COUNT);
    let mut monitor = monitor(&bench);
    for (command, word) in [
        ("info mtree", "    0000000080000000-0000000080ffffff (prio 0, ram): ram\n"),
        ("info mtree -f", "  0000000010000000-00000000100000ff (prio 0, i/o): uart0\n"),
        ("info qtree", "  dev: ns16550, id \"uart0\"\n"),
        ("info registers", "\nCPU#0\n pc       0000000080000000\n"),
        ("info registers -a", "\nCPU#1\n"),
        ("info registers 2", "CPU#2 not available\n"),
        ("info version", "(mimus "),
        ("info uuid", "00000000-0000-0000-0000-000000000000\n"),
        ("info kvm", "kvm support: not compiled\n"),
        ("info", "info registers [-a|vcpu] -- "),
        ("help", "quit|q  -- quit the emulator\n"),
        ("help info status", "info status  -- "),
        ("help x", "x /fmt addr -- "),
        ("?", "help|? [cmd] -- "),
        ("log help", "in_asm "),
    ] {
        let got = monitor.execute(command);
        assert!(got.contains(word), "{command}: {got}");
    }
}

#[test]
fn page_tables_are_shown_in_ranges() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let mut monitor = monitor(&bench);
    assert_eq!(monitor.execute("info mem"), "No translation or protection\n");
    let entry = |table: u64, index: u64, entry: u64| {
        assert!(bench.control().machine().bus.poke(table + 8 * index, &entry.to_le_bytes()));
    };
    let to = |address: u64, bits: u64| address >> 12 << 10 | bits | 1;
    let [root, middle, last] = [0x8001_0000, 0x8001_1000, 0x8001_2000];
    let (r, w, x, u, g, a, d) = (1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 5, 1 << 6, 1 << 7);
    entry(root, 2, to(0x8000_0000, r | x | a));
    entry(root, 511, to(middle, 0));
    entry(middle, 0, to(last, 0));
    entry(middle, 1, to(0x8020_0000, r | w | a | d | g));
    // Three pages in a row, the third one elsewhere; then one without the right to write.
    entry(last, 3, to(0x8010_0000, r | w | u));
    entry(last, 4, to(0x8010_1000, r | w | u));
    entry(last, 5, to(0x8013_0000, r | w | u));
    entry(last, 6, to(0x8013_1000, r | u));
    // Not valid; a table below the last one.
    entry(last, 8, 0xf0);
    entry(last, 9, to(root, 0));
    // Parts of 64 KiB.
    entry(last, 16, 1 << 63 | to(0x8018_8000, r));
    entry(last, 17, 1 << 63 | to(0x8018_8000, r));
    let translate = |root: u64| {
        let done = bench.control().with_cpu(0, |cpu| {
            let isa = cpu.isa.clone();
            let satp = isa.registers().iter().find(|reg| reg.name == "satp").unwrap();
            isa.write_register(cpu, satp, 8 << 60 | root >> 12);
        });
        done.unwrap();
    };
    translate(root);
    let expected = "vaddr            paddr            size             attr\n\
        ---------------- ---------------- ---------------- -------\n\
        0000000080000000 0000000080000000 0000000040000000 r-x--a-\n\
        ffffffffc0003000 0000000080100000 0000000000002000 rw-u---\n\
        ffffffffc0005000 0000000080130000 0000000000001000 rw-u---\n\
        ffffffffc0006000 0000000080131000 0000000000001000 r--u---\n\
        ffffffffc0010000 0000000080180000 0000000000002000 r------\n\
        ffffffffc0200000 0000000080200000 0000000000200000 rw--gad\n";
    assert_eq!(monitor.execute("info mem"), expected);

    // Tables in circles come to an end.
    (0..512).for_each(|index| entry(middle, index, to(middle, 0)));
    translate(middle);
    assert_eq!(monitor.execute("info mem").lines().count(), 2);
}

#[test]
fn a_line_is_edited_as_it_is_typed() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let (client, end) = pair();
    bench.desk.serve_monitor(end).unwrap();
    client.connect();
    let greeting = client.read_to("(qemu) ");
    assert!(greeting.ends_with("monitor - type 'help' for more information\r\n(qemu) "), "{greeting}");
    client.send(b"p 12\x7f\x7f3\r");
    assert_eq!(client.read_to("(qemu) "), "p 12\x08 \x08\x08 \x083\r\n0x3\r\n(qemu) ");
    client.send(b"nonsense\x15p 4\n");
    assert!(client.read_to("(qemu) ").ends_with("p 4\r\n0x4\r\n(qemu) "));
    // Up, up, down: the line before.
    client.send(b"\x1b[A\x1b[A\x1b[B\n");
    assert!(client.read_to("(qemu) ").ends_with("p 4\r\n0x4\r\n(qemu) "));
    client.send(b"\xff\xc3\xa4\x01\x1b[15~\n");
    assert!(client.read_to("(qemu) ").ends_with("unknown command: '\u{e4}'\r\n(qemu) "));
    client.disconnect();
    client.connect();
    assert!(client.read_to("(qemu) ").starts_with("QEMU "), "the next one is greeted, too");
}

#[test]
fn tab_completes_what_is_typed() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let (client, end) = pair();
    bench.desk.serve_monitor(end).unwrap();
    client.connect();
    client.read_to("(qemu) ");
    client.send(b"info stat\t\n");
    assert_eq!(client.read_to("(qemu) "), "info status \r\nVM status: paused (prelaunch)\r\n(qemu) ");
    client.send(b"syst\t");
    assert_eq!(client.read_to("system_"), "system_", "as far as only one way leads");
    client.send(b"\t");
    assert_eq!(client.read_to("(qemu) system_"), "\r\nsystem_powerdown system_reset\r\n(qemu) system_");
}

#[test]
fn addresses_are_translated() {
    let bench = Bench::new(Kind::Interp, 1, COUNT);
    let mut monitor = monitor(&bench);
    assert_eq!(monitor.execute("gva2gpa 0x80000123"), "gpa: 0x80000123\n");
    assert!(monitor.execute("gpa2hva 0x80000123").starts_with("Host virtual address for 0x80000123 (ram) is 0x"));
    assert_eq!(monitor.execute("gpa2hva 0x10100000"), "Memory at address 0x10100000 is not RAM\n");
    assert_eq!(monitor.execute("gpa2hva 0x70000000"), "No memory is mapped at address 0x70000000\n");
}

#[test]
fn a_core_holds_registers_and_memory() {
    use goblin::elf::Elf;
    let bench = Bench::new(Kind::Interp, 2, COUNT);
    let mut monitor = monitor(&bench);
    let path = std::env::temp_dir().join(format!("mimus-core-{}", std::process::id()));
    assert_eq!(monitor.execute(&format!("dump-guest-memory {}", path.display())), "");
    let bytes = std::fs::read(&path).unwrap();
    let elf = Elf::parse(&bytes).unwrap();
    assert_eq!(
        (elf.header.e_type, elf.header.e_machine),
        (goblin::elf::header::ET_CORE, goblin::elf::header::EM_RISCV)
    );
    let notes: Vec<_> = elf.iter_note_headers(&bytes).unwrap().map(Result::unwrap).collect();
    assert_eq!(notes.len(), 2);
    for (note, cpu) in notes.iter().zip(1u32..) {
        assert_eq!((note.name, note.n_type, note.desc.len()), ("CORE", 1, 376));
        assert_eq!(note.desc[32..36], cpu.to_le_bytes());
        assert_eq!(note.desc[112..120], crate::debug::bench::CODE.to_le_bytes(), "pc");
        assert_eq!(note.desc[112 + 80..][..8], crate::debug::bench::DATA.to_le_bytes(), "a0");
    }
    let ram = elf.program_headers.iter().find(|header| header.p_paddr == 0x8000_0000).unwrap();
    assert_eq!((ram.p_filesz, ram.p_offset + ram.p_filesz), (16 << 20, bytes.len() as u64));
    assert_eq!(bytes[ram.p_offset as usize..][..4], COUNT[0].to_le_bytes());
    monitor.execute(&format!("dump-guest-memory {} 0x80000004 8", path.display()));
    let part = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(part[part.len() - 8..], bytes[ram.p_offset as usize + 4..][..8]);
    for (command, says) in [
        ("dump-guest-memory -p x", "-p is not supported yet"),
        ("dump-guest-memory x 0 8", "the guest has no memory there"),
        ("dump-guest-memory", "a file name is missing"),
        ("dumpdtb /nosuch/x", "could not write '/nosuch/x'"),
        ("watchdog_action x", "there is no action 'x'"),
    ] {
        assert!(monitor.execute(command).contains(says), "{command}");
    }
    let tree = std::env::temp_dir().join(format!("mimus-tree-{}", std::process::id()));
    monitor.execute(&format!("dumpdtb {}", tree.display()));
    assert_eq!(std::fs::read(&tree).unwrap(), bench.control().machine().dtb);
    std::fs::remove_file(&tree).unwrap();
}
