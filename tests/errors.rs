//! What a user gets wrong is one line on stderr, in front of it the program's name, and exit code 1.

use std::path::PathBuf;
use std::process::Command;

fn mimus(program: &str, args: &str) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mimus"));
    std::os::unix::process::CommandExt::arg0(&mut command, program);
    let output = command.args(args.split_whitespace()).stdin(std::process::Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

/// A file of these bytes.
fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn mistakes_are_one_line_and_exit_code_1() {
    let small = file("small.img", &[0; 4096]);
    let small = small.display();
    let mut arm = vec![0; 4096];
    arm[0x38..0x3c].copy_from_slice(b"ARM\x64");
    let arm = file("arm64.img", &arm);
    let arm = arm.display();
    let broken = file("broken.toml", b"extends = \"riscv64-virt\"\n[part.uart0]\nirq = \"plic\"\n");
    let broken = broken.display();
    let uboot = |kind: u8| {
        let mut image = vec![0; 128];
        image[..4].copy_from_slice(&[0x27, 5, 0x19, 0x56]);
        image[15] = 64;
        image[16] = 0x80;
        image[29..31].copy_from_slice(&[26, kind]);
        image
    };
    let (in_firmware, script) = (file("kernel.uimage", &uboot(2)), file("script.uimage", &uboot(6)));
    let (in_firmware, script) = (in_firmware.display(), script.display());
    let hex = file("code.hex", b":0100000055AA\n:00000001FF\n");
    let hex = hex.display();
    let lines = [
        ("-nosuch".to_string(), "-nosuch: invalid option"),
        ("-kernel".into(), "-kernel: requires an argument"),
        ("".into(), "which machine? Add -M"),
        ("-M virt".into(), "board 'virt' exists for aarch64, riscv64: add -arch"),
        ("-arch x86_64".into(), "there is no board for x86_64 yet"),
        ("-M nosuch".into(), "unsupported machine type: \"nosuch\""),
        ("-arch x86_64 -M virt".into(), "there is no board 'virt' for x86_64"),
        ("-M riscv64-virt -kernel /dev/zero".into(), "could not load kernel '/dev/zero': it is a device, not a file"),
        ("-M riscv64-virt -kernel /dev/null".into(), "could not load kernel '/dev/null': the file is empty"),
        ("-arch aarch64".into(), "No machine specified, and there is no default"),
        ("-M aarch64-virt,gic-version=4".into(), "gic-version takes 2, 3, max"),
        ("-M aarch64-virt,gic-version=2 -smp 9".into(), "'gic' serves 8 CPUs at most, not 9"),
        ("-M aarch64-virt,highmem=off -m 4G".into(), "has room for 0xc0000000 bytes of RAM at most"),
        ("-M aarch64-virt -cpu rv64".into(), "unable to find CPU model 'rv64'"),
        ("-M riscv64-virt,nosuch=1".into(), "Property 'virt-machine.nosuch' not found"),
        ("-M riscv64-virt,aia=aplic".into(), "'aia=aplic' is not possible on board 'virt': aia takes none"),
        (format!("-M {broken}"), "broken.toml:3: 'plic' is no line: PART:INPUT, cpuN.PIN or cpu*.PIN is"),
        ("-M ./nosuch.toml".into(), "could not read board './nosuch.toml': No such file or directory"),
        ("-M aarch64-virt,acpi=on".into(), "acpi takes off, auto (there are no ACPI tables yet"),
        ("-M aarch64-virt,highmem-mmio=off".into(), "highmem-mmio takes on (there is no PCI yet"),
        ("-M aarch64-virt,ras=on".into(), "ras takes off (it needs ACPI tables"),
        ("-M aarch64-virt,hihgmem=off".into(), "Property 'virt-machine.hihgmem' not found; is 'highmem' meant?"),
        ("-M aarch64-virt-2.12 -smp 256".into(), "The max CPUs supported by machine 'virt' is 255"),
        ("-M aarch64-virt-10.9".into(), "unsupported machine type: \"virt-10.9\""),
        ("-M riscv64-virt,pflash0=x".into(), "Property 'pflash0' can't find value 'x'"),
        (
            format!("-M riscv64-virt,pflash2=x -blockdev driver=file,node-name=x,read-only=on,filename={small}"),
            "board 'virt' has no flash 2",
        ),
        ("-M riscv64-virt -set uart0.type=ns16551".into(), "there is no part 'ns16551'; is 'ns16550' meant?"),
        ("-M riscv64-virt -set uart.at=1".into(), "the board has no part 'uart'; is 'uart0' meant?"),
        ("-M riscv64-virt -set rtc.host=serial1".into(), "a part of type 'goldfish-rtc' has no outside end"),
        ("-M riscv64-virt -set rtc.irq=plic:96".into(), "'plic' has the inputs 1 to 95, not 96"),
        ("-M riscv64-virt -set rtc.irq=uart0:1".into(), "'uart0' has no interrupt inputs"),
        ("-M riscv64-virt -set flash0.irq=plic:1".into(), "a part of type 'cfi-pflash01' has no interrupt outputs"),
        ("-M riscv64-virt -set flash1.host=pflash0".into(), "only one part can have the outside end 'pflash0'"),
        ("-M riscv64-virt -device virtio-blk-devise".into(), "is 'virtio-blk-device' meant?"),
        ("-M riscv64-virt -cpu nosuch".into(), "unable to find CPU model 'nosuch'"),
        ("-M riscv64-virt -cpu rv64,nosuch=on".into(), "Property 'rv64-riscv-cpu.nosuch' not found"),
        ("-M riscv64-virt -cpu rv64,zbb".into(), "-cpu rv64: Expected key=value format, found zbb"),
        ("-M riscv64-virt -cpu rv64,zbb=on,-zba".into(), "Expected key=value format, found -zba"),
        ("-M aarch64-virt -cpu max,+pmu".into(), "Expected key=value format, found +pmu"),
        ("-M riscv64-virt -accel nosuch".into(), "invalid accelerator nosuch"),
        ("-M riscv64-virt -smp 600".into(), "Invalid SMP CPUs 600. The max CPUs supported by machine 'virt' is 512"),
        ("-M riscv64-virt -m 1Q".into(), "expects a non-negative number"),
        ("-M riscv64-virt -kernel ./nosuch".into(), "could not load kernel './nosuch': No such file or directory"),
        ("-M riscv64-virt -append x".into(), "-append only allowed with -kernel option"),
        (format!("-arch riscv64 -M virt -kernel {arm}"), "is an Arm64 Image, not one for riscv64"),
        (format!("-M riscv64-virt -m 2M -kernel {small}"), "RAM is too small for kernel"),
        (format!("-M riscv64-virt -m 3M -kernel {small} -initrd {arm}"), "RAM is too small for initial ram disk"),
        ("-M riscv64-virt -bios ./nosuch.bin".into(), "Unable to find the firmware './nosuch.bin'"),
        ("-M riscv64-virt -device nosuch".into(), "'nosuch' is not a valid device model name"),
        ("-M riscv64-virt -device sifive-plic".into(), "is part of boards and cannot be plugged in"),
        ("-M riscv64-virt -device virtio-blk-pci".into(), "needs a PCI bus"),
        ("-M riscv64-virt -device virtio-rng-device,nosuch=1".into(), "Property 'virtio-rng-device.nosuch' not found"),
        ("-M riscv64-virt -device virtio-rng-device,bus=nosuch".into(), "Bus 'nosuch' not found"),
        ("-M riscv64-virt -device virtconsole".into(), "No 'virtio-serial' bus found"),
        ("-M riscv64-virt -device virtio-blk-device,drive=x".into(), "Property 'drive' can't find value 'x'"),
        (
            format!(
                "-M riscv64-virt -drive if=none,id=a,format=raw,readonly=on,file={small} -device virtio-blk-device,drive=a -device virtio-blk-device,drive=a"
            ),
            "Drive 'a' is already in use by another device",
        ),
        (
            "-M riscv64-virt -device virtio-rng-device,id=a -device virtio-rng-device,id=a".into(),
            "Duplicate device ID 'a'",
        ),
        (
            format!("-M riscv64-virt -drive if=pflash,format=raw,readonly=on,file={small}"),
            "takes an image of exactly 33554432 bytes",
        ),
        ("-M riscv64-virt -drive file=./nosuch,format=raw".into(), "Could not open './nosuch'"),
        ("-M riscv64-virt -device loader,addr=0x80000000".into(), "nothing to load"),
        (format!("-M riscv64-virt -device loader,file={small}"), "nor Intel HEX, so that it needs addr="),
        ("-M riscv64-virt -device loader,addr=0x80200000,cpu-num=1".into(), "there is no CPU 1 for cpu-num="),
        (format!("-M riscv64-virt -device loader,file={small},addr=0x80000000"), "add -bios none for a program"),
        (format!("-M riscv64-virt -bios {small} -kernel {in_firmware}"), "(4 KiB at 0x80000000) overlap"),
        (format!("-M riscv64-virt -kernel {in_firmware}"), "add -bios none for a program"),
        (format!("-M riscv64-virt -kernel {script}"), "it is a U-Boot image with a script, and one with a kernel"),
        (format!("-M aarch64-virt -kernel {in_firmware}"), "is a U-Boot image for riscv64, not one for aarch64"),
        (format!("-M riscv64-virt -kernel {hex}"), "this is Intel HEX, not a kernel: -device loader,file= takes it"),
        ("-M aarch64-virt -device guest-loader,addr=0x48000000".into(), "needs kernel= or initrd=, and not both"),
        (format!("-M aarch64-virt -device guest-loader,kernel={small}"), "needs addr=, where the file goes"),
        ("-M riscv64-virt -set nosuch.at=1".into(), "the board has no part 'nosuch'"),
        ("-M riscv64-virt -set uart0.at=0x80000000".into(), "overlaps 'ram'"),
        ("-M riscv64-virt -set uart0.type=nosuch".into(), "there is no part 'nosuch'"),
        ("-M riscv64-virt -set uart0.colour=red".into(), "a part of type 'ns16550' has no key 'colour'"),
        ("-M riscv64-virt -display gtk".into(), "-display gtk is not supported yet"),
        ("-M riscv64-virt -vnc :1".into(), "-vnc :1 is not supported yet"),
        ("-M riscv64-virt -display none,gl=on".into(), "-display none,gl=on is not supported yet"),
        ("-M riscv64-virt -trace enable=x".into(), "there are no trace events; -d help lists"),
        ("-M riscv64-virt -shim ./nosuch".into(), "-shim ./nosuch is not supported yet"),
        ("-M riscv64-virt -parallel file:x".into(), "-parallel file:x is not supported yet"),
        ("-M riscv64-virt -audiodev alsa,id=a".into(), "-audiodev alsa,id=a is not supported yet"),
        ("-M riscv64-virt -m 1G,slots=2,maxmem=2G".into(), "is not supported yet"),
        ("-M riscv64-virt -smp 2,maxcpus=600".into(), "Invalid SMP CPUs 600"),
        ("-M riscv64-virt -accel tcg,thread=single".into(), "'thread=single' is not supported yet, only multi"),
        ("-M riscv64-virt -accel tcg,nosuch=1".into(), "Property 'tcg-accel.nosuch' not found"),
        ("-M riscv64-virt -object rng-random,id=r,filename=/dev/zero".into(), "only from /dev/urandom or /dev/random"),
        ("-M riscv64-virt -object rng-builtin,id=r,filename=x".into(), "Property 'rng-builtin.filename' not found"),
        ("-M riscv64-virt -sandbox on,spawn=maybe".into(), "'spawn' does not accept value 'maybe': allow or deny"),
        ("-M riscv64-virt -sandbox on,nosuch=deny".into(), "Invalid parameter 'nosuch'"),
        ("-M riscv64-virt -overcommit cpu-pm=on".into(), "cpu-pm=on needs KVM"),
        ("-M riscv64-virt -compat deprecated-input=x".into(), "does not accept value 'x': accept, reject, crash"),
        ("-M riscv64-virt -watchdog-action inject-nmi".into(), "no board has NMIs"),
        (
            "-M riscv64-virt -drive if=none,id=a,file=x,werror=stop".into(),
            "'werror=stop' is not supported yet, only report",
        ),
        ("-M riscv64-virt -drive if=none,id=a,file=x,throttling.iops-total=1".into(), "Invalid parameter 'throttling"),
        (
            "-M riscv64-virt -drive if=none,id=a,file=x,format=vmdk".into(),
            "images are raw (qcow2 is not supported yet)",
        ),
        ("-M riscv64-virt -boot menu=maybe".into(), "'menu' expects 'on' or 'off'"),
        ("-M riscv64-virt -device pvpanic-pci".into(), "needs a PCI bus"),
        ("-M riscv64-virt -device pvpanic,events=9".into(), "'events=9' is none of 0 to 7"),
        ("-M riscv64-virt -nographic -serial stdio".into(), "cannot use stdio by multiple character devices"),
    ];
    for (args, expected) in lines {
        let (stdout, stderr, code) = mimus("mimus", &args);
        assert!(stderr.starts_with("mimus: ") && stderr.contains(expected), "mimus {args}: {stderr}");
        assert_eq!((stderr.lines().count(), code, stdout.as_str()), (1, Some(1), ""), "mimus {args}: {stderr}");
    }
}

#[test]
fn all_mistakes_of_a_page_are_told_in_one_run() {
    let page = |name: &str, text: &str| {
        let path = file(name, text.as_bytes());
        let (_, stderr, code) = mimus("mimus", &format!("-M {}", path.display()));
        assert_eq!(code, Some(1), "{stderr}");
        stderr
    };
    let empty = page("empty.toml", "isa = \"riscv64\"\nsumary = \"x\"\n[part.x]\nat = true\n[memory.y]\nrom = 1\n");
    for expected in [
        "the key 'ram' is missing",
        "the key 'name' is missing",
        "the key 'cpu' is missing",
        "empty.toml:3: the key 'type' is missing",
        "empty.toml:4: a number is expected here",
        "empty.toml:5: the key 'size' is missing",
        "empty.toml:6: true or false is expected here",
        "empty.toml:2: a board page has no key 'sumary'; is 'summary' meant?",
    ] {
        assert!(
            empty.lines().any(|line| line.starts_with("mimus: ") && line.contains(expected)),
            "{expected}: {empty}"
        );
    }
    let parts = "extends = \"riscv64-virt\"\n[part.uart0]\nirk = \"plic:1\"\n[part.rtc]\nhost = \"serial9\"\n";
    let parts = page("parts.toml", parts);
    assert_eq!(parts.lines().count(), 2, "{parts}");
    assert!(parts.contains("parts.toml:3: a part of type 'ns16550' has no key 'irk'; is 'irq' meant?"), "{parts}");
    assert!(parts.contains("parts.toml:5: a part of type 'goldfish-rtc' has no outside end"), "{parts}");
}

#[test]
fn a_page_leaves_out_parts_of_the_one_that_it_builds_on() {
    let dump = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("without.dtb");
    let run = |without: &str| {
        let text = format!("extends = \"riscv64-virt\"\nwithout = {without}\n");
        let page = file("without.toml", text.as_bytes());
        mimus("mimus", &format!("-M {},dumpdtb={}", page.display(), dump.display()))
    };
    let (_, stderr, code) = run("[\"rtc\", \"flash1\"]");
    assert_eq!(code, Some(0), "{stderr}");
    let mut tree = mimus::boot::fdt::Node::parse(&std::fs::read(&dump).unwrap()).unwrap();
    assert!(tree.child("soc").children.iter().all(|node| !node.name.starts_with("rtc")));
    assert_eq!(tree.child("flash@20000000").get("reg").unwrap().len(), 16);
    let (_, stderr, _) = run("[\"rtcc\", \"plic\"]");
    assert!(stderr.contains("without.toml:2: there is no part 'rtcc' to leave out; is 'rtc' meant?"), "{stderr}");
    let (_, stderr, code) = run("\"plic\"");
    assert!(stderr.contains("the board has no part 'plic'") && code == Some(1), "{stderr}");
}

#[test]
fn the_programs_name_says_the_instruction_set_and_stands_before_messages() {
    let (_, stderr, code) = mimus("/usr/bin/qemu-system-riscv64", "-M nosuch");
    assert!(stderr.starts_with("qemu-system-riscv64: unsupported machine type"), "{stderr}");
    assert_eq!(code, Some(1));
    let (stdout, _, code) = mimus("qemu-system-riscv64", "-M help");
    assert!(stdout.starts_with("Supported machines are:\n") && stdout.contains("\nvirt "), "{stdout}");
    assert_eq!(code, Some(0));
}

#[test]
fn help_is_on_stdout_with_exit_code_0() {
    let lines = [
        ("-M help", "riscv64-virt"),
        ("-M riscv64-virt,help", "aclint=<on|off>"),
        ("-M riscv64-virt -cpu help", "rv64"),
        ("-cpu help", "rv64"),
        ("-device help", "name \"virtio-blk-device\", bus virtio"),
        ("-device virtio-rng-device,help", "max-bytes"),
        ("-device loader,help", "force-raw"),
        ("-device guest-loader,help", "bootargs"),
        ("-device help", "name \"guest-loader\""),
        ("-device help", "\nParts of board pages, for 'type' in [part.NAME]:\nname \"riscv-aclint-mswi\""),
        ("-device ns16550,help", "ns16550 keys, for a board page:\n  regshift"),
        ("-M help", "\naarch64-virt-6.1 "),
        ("-accel help", "\ntcg\n"),
        ("-L help", "/usr/share/qemu"),
        ("-version", "QEMU emulator version "),
        ("-help", "\n-gdb DEV"),
        ("-arch help", "riscv64"),
        ("-trace help", "Trace events: none"),
        ("-action help", "panic=pause|shutdown"),
        ("-smp help", "maxcpus"),
        ("-smp 4,help", "maxcpus"),
        ("-sandbox help", "spawn=allow|deny"),
        ("-watchdog-action help", "poweroff"),
        ("-drive help", "format=raw"),
        ("-device help", "name \"pvpanic-mmio\", bus platform"),
    ];
    for (args, expected) in lines {
        let (stdout, stderr, code) = mimus("mimus", args);
        assert!(stdout.contains(expected), "mimus {args}: {stdout}{stderr}");
        assert_eq!((stderr.as_str(), code), ("", Some(0)), "mimus {args}");
    }
}

#[test]
fn a_device_tree_is_dumped_and_nothing_runs() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("dump.dtb");
    let (_, stderr, code) = mimus("mimus", &format!("-M riscv64-virt,dumpdtb={} -smp 3", path.display()));
    assert_eq!((stderr.lines().count(), code), (1, Some(0)), "{stderr}");
    let tree = mimus::boot::fdt::Node::parse(&std::fs::read(&path).unwrap()).unwrap();
    let cpus = tree.children.iter().find(|node| node.name == "cpus").unwrap();
    assert_eq!(cpus.children.iter().filter(|node| node.name.starts_with("cpu@")).count(), 3);
}

#[test]
fn options_that_help_marks_are_refused_and_others_are_not() {
    let (help, ..) = mimus("mimus", "-help");
    let paragraphs: Vec<String> = help.replace("\n ", " ").lines().map(str::to_string).collect();
    let marked: Vec<&String> = paragraphs.iter().filter(|line| line.contains("(not supported yet)")).collect();
    assert!(marked.len() > 20, "{marked:?}");
    for line in marked {
        let mut words = line.split_whitespace();
        let (option, value) = (words.next().unwrap(), words.next().unwrap_or_default());
        let takes_value = value.starts_with(|c: char| c.is_ascii_uppercase() || "[".contains(c)) || value.contains('=');
        let value = match option {
            "-netdev" => "user,id=n",
            "-fsdev" => "local,id=f,path=/",
            "-virtfs" => "local,path=/,mount_tag=t",
            "-numa" => "node",
            _ if takes_value => "x",
            _ if value.contains('|') => "x",
            _ => "",
        };
        let (_, stderr, code) = mimus("mimus", &format!("-M riscv64-virt -display none {option} {value}"));
        assert!(
            stderr.contains("not supported yet") && stderr.contains(option.trim_start_matches("-enable-")),
            "{stderr}"
        );
        assert_eq!((stderr.lines().count(), code), (1, Some(1)), "{option}: {stderr}");
    }
}

/// A machine that waits, ended when it is dropped.
struct Waiting(std::process::Child);

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a machine that waits, and looks at its process.
fn while_it_waits(args: &str, look: impl FnOnce(u32)) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mimus"));
    command.args("-M riscv64-virt -S -display none -serial null -monitor none".split(' ')).args(args.split(' '));
    let piped = std::process::Stdio::piped;
    let mut machine = Waiting(command.args(["-qmp", "stdio"]).stdin(piped()).stdout(piped()).spawn().unwrap());
    // QMP answers when the machine is there.
    let mut line = String::new();
    let mut answers = std::io::BufReader::new(machine.0.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut answers, &mut line).unwrap();
    assert!(line.starts_with("{\"QMP\""), "{args}: no machine: {line}");
    look(machine.0.id());
}

fn status_of(pid: u32, key: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().to_string()
}

#[test]
fn what_is_said_of_the_process_takes_hold() {
    while_it_waits("-sandbox off -name guest,process=mocker", |pid| {
        assert_eq!((status_of(pid, "Seccomp:"), status_of(pid, "Name:")), ("0".into(), "mocker".into()));
    });
    while_it_waits("-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", |pid| {
        assert_eq!((status_of(pid, "Seccomp:"), status_of(pid, "NoNewPrivs:")), ("2".into(), "1".into()));
        for thread in std::fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
            assert!(status.contains("Seccomp:\t2"), "{status}");
        }
    });
    while_it_waits("-m 8M -mem-prealloc", |pid| assert!(status_of(pid, "VmRSS:").parse::<u64>().unwrap() > 8 << 10));
}
