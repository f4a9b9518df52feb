//! The corpus of command lines, golden dumps of what they mean, and the texts of errors.

use super::config::{Arch, Firmware, Page};
use super::*;
use serde_json::Value;

const CORPUS: &str = include_str!("../../tests/data/invocations.txt");
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/configs.txt");

/// The corpus as (id, words).
fn corpus() -> Vec<(&'static str, Vec<String>)> {
    let lines = CORPUS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_once(": ").unwrap()).map(|(id, line)| (id, shell_words(line))).collect()
}

/// Words with single quotes, as a shell splits them.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut started) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '\'' => (quoted, started) = (!quoted, true),
            ' ' if !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

fn parse_line(line: &str) -> Result<Command> {
    parse(&shell_words(line))
}

fn config(line: &str) -> Config {
    match parse_line(line) {
        Ok(Command::Run(config)) => *config,
        other => panic!("{line}: {other:?}"),
    }
}

fn refusal(line: &str) -> String {
    match parse_line(line).and_then(|command| match command {
        Command::Run(config) => ConsolePlan::new(&config).map(|_| "accepted".to_string()),
        other => panic!("{line}: {other:?}"),
    }) {
        Ok(text) => text,
        Err(e) => e.to_string(),
    }
}

fn plan(line: &str) -> ConsolePlan {
    ConsolePlan::new(&config(line)).unwrap()
}

#[test]
fn every_command_line_of_the_corpus_is_read() {
    for (id, words) in corpus() {
        match parse(&words) {
            Ok(Command::Run(config)) => drop(ConsolePlan::new(&config).unwrap_or_else(|e| panic!("{id}: {e}"))),
            other => panic!("{id}: {other:?}"),
        }
    }
}

#[test]
fn the_corpus_means_what_the_golden_dumps_say() {
    const SHOWN: &[&str] =
        &["K1", "K5", "K10", "S1", "S3", "V1", "V4", "L1", "B5", "B11", "T1", "T8", "F3", "F4", "R1"];
    let mut dumps = String::new();
    for (id, words) in corpus().into_iter().filter(|(id, _)| SHOWN.contains(id)) {
        let Ok(Command::Run(config)) = parse(&words) else { panic!("{id}") };
        dumps += &format!("## {id}\n");
        dump("", &serde_json::to_value(&config).unwrap(), &mut dumps);
        dump("plan", &serde_json::to_value(ConsolePlan::new(&config).unwrap()).unwrap(), &mut dumps);
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(GOLDEN, &dumps).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    for (n, (is, should)) in dumps.lines().zip(golden.lines()).enumerate() {
        assert_eq!(is, should, "line {} of tests/data/configs.txt; BLESS=1 rewrites it", n + 1);
    }
    assert_eq!(dumps.len(), golden.len(), "tests/data/configs.txt; BLESS=1 rewrites it");
}

/// `path = value` lines of everything that is not empty.
fn dump(path: &str, value: &Value, into: &mut String) {
    let under = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
    match value {
        Value::Null | Value::Bool(false) => {}
        Value::String(text) if text.is_empty() => {}
        Value::Object(map) => {
            map.iter().filter(|(key, _)| *key != "given").for_each(|(key, value)| dump(&under(key), value, into));
        }
        Value::Array(pair) if path.contains("props.") || path.contains("order.") => {
            *into += &format!("{path} = {}={}\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| dump(&under(&n.to_string()), value, into))
        }
        value => *into += &format!("{path} = {value}\n"),
    }
}

#[test]
fn the_name_of_the_program_an_option_or_the_board_says_the_instruction_set() {
    assert_eq!(config("/usr/bin/qemu-system-ppc64").arch, Some(Arch::Ppc64));
    assert_eq!(config("mimus -arch aarch64 -M virt").arch, Some(Arch::Aarch64));
    let both = config("mimus -M riscv64-virt,aclint=on");
    assert_eq!((both.arch, both.machine.page), (Some(Arch::Riscv64), Some(Page::Named("virt".into()))));
    assert_eq!(config("mimus").arch, None);
    assert_eq!(config("mimus -M vexpress-a9").machine.page, Some(Page::Named("vexpress-a9".into())));
    assert_eq!(config("mimus -M ./b.toml").machine.page, Some(Page::File("./b.toml".into())));
}

#[test]
fn machine_options_merge_and_the_last_value_counts() {
    let config = config(
        "mimus -machine virt,gic_version=2 --machine dumpdtb=x -M q35,gic-version=3,smp.cpus=4 -m 128m -m maxmem=4G -smp threads=2",
    );
    assert_eq!(config.machine.page, Some(Page::Named("q35".into())));
    assert_eq!(config.machine.props, [("gic-version".into(), "3".into())]);
    assert_eq!(config.machine.dumpdtb, Some("x".into()));
    assert_eq!((config.memory.size, config.memory.max), (Some(128 << 20), Some(4 << 30)));
    let topology = config.smp.topology().unwrap();
    assert_eq!((topology.cpus, topology.cores, topology.threads), (4, 2, 2));
}

#[test]
fn accelerators_are_tried_in_order() {
    let names = |line: &str| config(line).accels.into_iter().map(|accel| accel.name).collect::<Vec<_>>();
    assert_eq!(names("mimus -accel kvm -accel tcg,thread=multi"), ["kvm", "tcg"]);
    assert_eq!(names("mimus -M virt,accel=kvm:tcg"), ["kvm", "tcg"]);
    assert_eq!(names("mimus -M virt,accel=tcg -enable-kvm"), ["kvm"]);
}

#[test]
fn values_may_look_like_options_and_be_empty() {
    let config = config("mimus -kernel k -append '-- -x --kernel=y' -name '' -bios none");
    assert_eq!(config.boot.append.as_deref(), Some("-- -x --kernel=y"));
    assert_eq!(config.boot.kernel, Some("k".into()));
    assert_eq!(config.boot.firmware, Firmware::None);
}

#[test]
fn snapshot_reaches_every_drive_that_does_not_refuse() {
    let config = config(
        "mimus a.img -snapshot -drive file=b.img,format=raw,snapshot=off -blockdev raw,node-name=n,file.driver=file,file.filename=c.img,read-only=on -drive if=none,id=empty",
    );
    let images: Vec<_> = config.drives.iter().filter_map(|drive| drive.image.as_ref()).collect();
    assert_eq!(images.iter().map(|image| image.snapshot).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(images[2].path, std::path::Path::new("c.img"));
    assert!(images[2].read_only);
    assert_eq!(config.drives[3].id.as_deref(), Some("n"));
}

#[test]
fn block_nodes_stack() {
    let line = r#"mimus -blockdev {"driver":"file","filename":"d.img","node-name":"low"} -blockdev node-name=high,driver=raw,file=low"#;
    let drives = config(line).drives;
    assert_eq!(drives.len(), 1);
    assert_eq!(drives[0].id.as_deref(), Some("high"));
    assert_eq!(drives[0].image.as_ref().unwrap().path, std::path::Path::new("d.img"));
}

#[test]
fn edits_and_settings_find_their_place() {
    let config = config(
        r#"mimus -set uart0.clock-frequency=1843200 -set device.d.x=2 -device {"driver":"foo","id":"d","x":1} -global foo.y=3"#,
    );
    assert_eq!((config.edits[0].part.as_str(), config.edits[0].key.as_str()), ("uart0", "clock-frequency"));
    assert_eq!(config.devices[0].props, [("x".into(), "2".into())]);
    assert_eq!((config.globals[0].driver.as_str(), config.globals[0].property.as_str()), ("foo", "y"));
}

#[test]
fn nographic_shares_the_terminal_as_qemu_does() {
    let shared = plan("mimus -nographic");
    assert_eq!(shared.serials, [Some("serial0".to_string())]);
    assert_eq!(shared.monitors[0].chardev, "serial0");
    assert!(shared.chardevs[0].mux);

    let elsewhere = plan("mimus -nographic -serial file:x");
    assert_eq!(elsewhere.monitors[0].chardev, "compat_monitor0");
    assert!(plan("mimus -nographic -serial mon:stdio").monitors.len() == 1);
    assert!(plan("mimus -nographic -monitor none").monitors.is_empty());
    assert!(plan("mimus -nographic -nodefaults").chardevs.is_empty());
    assert_eq!(plan("mimus -nographic -nodefaults -serial stdio").serials.len(), 1);
    assert_eq!(plan("mimus -nographic -qmp stdio -serial null").monitors.len(), 1);
    assert_eq!(plan("mimus -nographic -serial none -serial pty").serials, [None, Some("serial1".to_string())]);
    assert_eq!(plan("mimus").notes.len(), 1);
    assert!(plan("mimus -display none").notes.is_empty());
}

#[test]
fn a_debugger_is_waited_for_without_stopping() {
    use crate::host::{Backend, SocketSpec};
    for (line, server, wait) in
        [("-s", true, false), ("-gdb tcp:localhost:99", true, false), ("-gdb unix:/x", true, false)]
    {
        let plan = plan(&format!("mimus {line}"));
        let Backend::Socket(SocketSpec { server: is, wait: waits, .. }) = &plan.chardev("gdb").unwrap().backend else {
            panic!("{plan:?}")
        };
        assert_eq!((*is, *waits), (server, wait), "{line}");
    }
}

#[test]
fn logs_are_of_items_and_addresses() {
    use crate::base::dlog::Item;
    let log = |line: &str| config(&format!("mimus {line}")).run.log;
    let mask = |items: &[Item]| items.iter().fold(0, |mask, item| mask | *item as u32);
    assert_eq!(log("-d in_asm,op_opt,invalid_mem").mask, mask(&[Item::InAsm, Item::Op, Item::InvalidMem]));
    assert_eq!(log("-d int -d cpu,fpu").mask, mask(&[Item::Cpu, Item::Fpu]), "the last one counts");
    for (text, ranges) in [
        ("0x8000+0x200", &[0x8000..=0x81ff][..]),
        ("0x8000-0x200", &[0x7e01..=0x8000]),
        ("0x8000..0x9000,32+1", &[0x8000..=0x9000, 32..=32]),
        ("0xffffffffffffff00+0x100", &[0xffff_ffff_ffff_ff00..=u64::MAX]),
    ] {
        assert_eq!(log(&format!("-dfilter {text}")).filter, ranges, "{text}");
    }
}

#[test]
fn help_is_answered_or_passed_on() {
    let text = |line: &str| match parse_line(line).unwrap() {
        Command::Print(text, code) => (text, code),
        other => panic!("{other:?}"),
    };
    let (version, code) = text("mimus --version");
    assert!(version.starts_with("QEMU emulator version 10.0.2 (mimus ") && code == 0, "{version}");
    let (usage, _) = text("qemu-system-riscv64 -help");
    assert!(usage.lines().any(|line| line.starts_with("-gdb")), "{usage}");
    assert!(usage.contains("usage: qemu-system-riscv64 [options] [disk_image]"));
    assert_eq!(text("mimus -d help").1, 1);
    assert_eq!(text("mimus -d int,nosuch").1, 1);
    assert!(text("mimus -chardev help").0.contains("\n  ringbuf\n"));

    let topic = |line: &str| match parse_line(line).unwrap() {
        Command::Help(topic, _) => topic,
        other => panic!("{other:?}"),
    };
    assert_eq!(topic("mimus -M help"), HelpTopic::Machines);
    assert_eq!(topic("mimus -machine '?'"), HelpTopic::Machines);
    assert_eq!(topic("mimus -machine accel=kvm,help"), HelpTopic::Machines);
    assert_eq!(topic("mimus -M virt,help"), HelpTopic::MachineProps);
    assert_eq!(topic("mimus -M virt -cpu help"), HelpTopic::Cpus);
    assert_eq!(topic("mimus -device help"), HelpTopic::Devices);
    assert_eq!(topic("mimus -device virtio-blk-device,help"), HelpTopic::DeviceProps("virtio-blk-device".into()));
    assert_eq!(topic("mimus -accel help"), HelpTopic::Accels);
    assert_eq!(topic("mimus -object help"), HelpTopic::Objects);
    assert_eq!(topic("mimus -netdev help"), HelpTopic::Netdevs);
    assert_eq!(topic("mimus -L help"), HelpTopic::FirmwareDirs);
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    for (line, says) in [
        ("mimus -icount shift=auto", "-icount shift=auto is not supported yet"),
        ("mimus --daemonize", "--daemonize is not supported yet"),
    ] {
        assert_eq!(config(line).supported().unwrap_err().to_string(), says);
    }
    config("mimus -semihosting-config enable=off").supported().unwrap();
}

#[test]
fn errors_say_what_is_wrong() {
    for (line, says) in [
        ("-nosuch", "-nosuch: invalid option"),
        ("--nosuch", "--nosuch: invalid option"),
        ("-", "-: invalid option"),
        ("-kernel", "-kernel: requires an argument"),
        ("-M virt -m", "-m: requires an argument"),
        ("--m=1Q", "--m=1Q: Parameter 'size' expects"),
        ("-m 1Q", "-m 1Q: Parameter 'size' expects a non-negative number below 2^64"),
        ("-m -1", "-m -1: Value '-1' is out of range for parameter 'size'"),
        ("-m 128,foo=1", "-m 128,foo=1: Invalid parameter 'foo'"),
        ("-smp 0", "-smp 0: Invalid CPU topology: CPU topology parameters must be greater than zero"),
        ("-smp 2,foo", "-smp 2,foo: Expected '=' after parameter 'foo'"),
        ("-smp 4,cores=3,maxcpus=4", "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (1)"),
        ("-M virt,foo", "-M virt,foo: Expected '=' after parameter 'foo'"),
        ("-append x", "-append only allowed with -kernel option"),
        ("-initrd x", "-initrd only allowed with -kernel option"),
        ("-echr x", "-echr x: Bad argument to echr"),
        ("-arch mips", "-arch mips: there is no instruction set 'mips': there are riscv64 and aarch64"),
        (
            "-arch riscv64 -M aarch64-virt",
            "-M aarch64-virt: the instruction set is already riscv64 by an earlier -arch",
        ),
        ("-nographic -serial stdio", "-serial stdio: cannot use stdio by multiple character devices"),
        ("-monitor stdio -serial stdio", "-serial stdio: cannot use stdio by multiple character devices"),
        ("-s -gdb stdio -serial stdio", "-gdb stdio: cannot use stdio by multiple character devices"),
        ("-serial chardev:nope", "-serial chardev:nope: chardev \"nope\" not found"),
        ("-mon chardev=x", "-mon chardev=x: chardev \"x\" not found"),
        ("-chardev null,id=a -serial chardev:a -serial chardev:a", "-serial chardev:a: chardev \"a\" is in use by"),
        ("-device virtconsole,chardev=x", "Property 'virtconsole.chardev' can't find value 'x'"),
        ("-serial nosuch:1", "-serial nosuch:1: 'nosuch:1' is not a valid char driver"),
        ("-serial tcp:99", "-serial tcp:99: '99' is not HOST:PORT"),
        ("-serial tcp:a:70000", "'70000' is not a port number"),
        ("-chardev nosuch,id=a", "-chardev nosuch,id=a: 'nosuch' is not a valid char driver name"),
        ("-chardev null", "-chardev null: chardev: no id specified"),
        ("-chardev null,id=a -chardev null,id=a", "-chardev null,id=a: Duplicate ID 'a' for chardev"),
        ("-chardev null,id=a,foo=1", "-chardev null,id=a,foo=1: Invalid parameter 'foo'"),
        ("-chardev socket,id=a,port=1,wait=off", "'wait' option is incompatible with socket in client connect mode"),
        ("-drive file=x,nosuch=1", "-drive file=x,nosuch=1: Invalid parameter 'nosuch'"),
        ("-drive file=x,format=vmdk", "Unknown driver 'vmdk'"),
        ("-drive file=x,if=foo", "unsupported bus type 'foo'"),
        ("-drive id=a -drive id=a", "-drive id=a: Duplicate ID 'a' for drive"),
        ("-blockdev raw,file=x", "'node-name' must be specified"),
        ("-blockdev raw,node-name=a,file=x", "Cannot find node-name 'x'"),
        ("-blockdev raw,node-name=a,file=a -blockdev raw,node-name=b,file=a", "circle"),
        ("-device id=x", "-device id=x: Parameter 'driver' is missing"),
        ("-device {\"driver\":", "JSON parse error"),
        ("-object rng-random", "Parameter 'id' is missing"),
        ("-netdev user", "-netdev user: Parameter 'id' is missing"),
        ("-global foo", "-global foo: is not TYPE.PROP=VALUE"),
        ("-set foo", "-set foo: can't parse: \"foo\""),
        ("-set device.x.y=1", "-set device.x.y=1: there is no device \"x\" defined"),
        ("-fw_cfg name=opt/x", "-fw_cfg name=opt/x: name, plus exactly one of file and string, are needed"),
        ("-rtc base=foo", "-rtc base=foo: invalid datetime format"),
        ("-uuid 1", "-uuid 1: failed to parse UUID string: wrong format"),
        ("-boot x", "-boot x: Invalid boot device 'x'"),
        ("-display nosuch", "-display nosuch: Parameter 'type' does not accept value 'nosuch'"),
        ("-action panic=foo", "-action panic=foo: Parameter 'panic' does not accept value 'foo'"),
        ("-dfilter x", "-dfilter x: 'x' is no range"),
        ("-dfilter 8+0", "'8+0' is no range"),
        ("-dfilter 8-10", "-dfilter 8-10: '8-10' is no range"),
        ("-dfilter 8..4", "-dfilter 8..4: '8..4' ends before it starts"),
        ("-dfilter 1+1,,2+1", "'' is no range"),
        ("-M virt,accel=kvm -accel tcg", "The -accel and \"-machine accel=\" options are incompatible"),
    ] {
        let text = refusal(&format!("qemu-system-riscv64 {line}").replace("qemu-system-riscv64 -arch", "mimus -arch"));
        assert!(text.contains(says), "{line}\n  says: {text}\n  should: {says}");
        assert!(!text.contains('\n'));
    }
    assert!(parse(&["qemu-system-mips".into()]).is_err());
}
