//! The table of options: name, value, one line of help, and the function that reads it. One line an option.

use super::words::Arg;
use super::{Reader, board, chars, disks, net, run};
use crate::base::Result;

/// An option.
pub struct Opt {
    /// Its name without dashes.
    pub name: &'static str,
    /// What its value looks like; `None`: it takes none.
    pub value: Option<&'static str>,
    /// One line for `-help`.
    pub help: &'static str,
    /// Reads one occurrence.
    pub read: fn(&mut Reader, &Arg<'_>) -> Result<()>,
    /// It is understood, and a run refuses it: `-help` says so.
    pub not_yet: bool,
}

impl Opt {
    const fn not_yet(self) -> Opt {
        Opt { not_yet: true, ..self }
    }

    /// Whether its value is a list of keys, in which `help` asks for the list of them.
    pub fn takes_keys(&self) -> bool {
        self.value.is_some_and(|value| value.contains('='))
    }
}

type Read = fn(&mut Reader, &Arg<'_>) -> Result<()>;

const fn opt(name: &'static str, value: &'static str, help: &'static str, read: Read) -> Opt {
    Opt { name, value: Some(value), help, read, not_yet: false }
}

const fn flag(name: &'static str, help: &'static str, read: Read) -> Opt {
    Opt { name, value: None, help, read, not_yet: false }
}

/// An option that is understood and refused.
const fn later(name: &'static str, value: &'static str, help: &'static str) -> Opt {
    opt(name, value, help, run::refused).not_yet()
}

const fn later_flag(name: &'static str, help: &'static str) -> Opt {
    flag(name, help, run::refused).not_yet()
}

/// Other names: what is written, and the option that it is.
pub static ALIASES: &[(&str, &str)] = &[("M", "machine"), ("h", "help")];

/// Every option, by the sections of `-help`.
#[rustfmt::skip]
pub static SECTIONS: &[(&str, &[Opt])] = &[
    ("The machine", &[
        flag("help", "print this text", run::help),
        flag("version", "print the version", run::version),
        opt("arch", "NAME", "the instruction set: riscv64 or aarch64", board::arch),
        opt("machine", "[type=]BOARD[,PROP=VALUE...]", "the board (-M help lists them) or a board page's path, and its properties", board::machine),
        opt("cpu", "MODEL[,PROP=on|off...]", "the CPU model (-cpu help lists them), and its features", board::cpu),
        opt("accel", "[accel=]NAME[,PROP=VALUE...]", "how guest code is run: jit, interp (-accel help); several are tried in order", board::accel),
        flag("enable-kvm", "the same as -accel kvm", board::enable_kvm).not_yet(),
        opt("smp", "[cpus=]N[,maxcpus=N][,sockets=N][,dies=N][,cores=N][,threads=N]", "how many CPUs, and how they are arranged", board::smp),
        opt("m", "[size=]SIZE[,slots=N][,maxmem=SIZE]", "size of RAM, in MiB without a suffix", board::memory),
        opt("mem-path", "FILE", "keep RAM in this file", board::mem_path).not_yet(),
        flag("mem-prealloc", "touch all of RAM at the start", board::mem_prealloc),
        opt("numa", "node|dist|cpu[,...]", "memory nodes", board::numa).not_yet(),
        opt("device", "TYPE[,id=ID][,bus=BUS][,PROP=VALUE...]", "plug in a device (-device help lists them, -device TYPE,help its properties)", board::device),
        opt("object", "rng-random|rng-builtin,id=ID[,PROP=VALUE...]", "something that devices refer to (-object help lists them)", board::object),
        opt("global", "TYPE.PROP=VALUE", "a default for all devices of a type", board::global),
        opt("set", "PART.KEY=VALUE", "change a line of the board page; device.ID.KEY=VALUE changes a -device", board::set),
        later("smbios", "file=FILE|type=N[,...]", "SMBIOS tables"),
        later("acpitable", "file=FILE|data=FILE[,...]", "an ACPI table"),
        opt("fw_cfg", "[name=]NAME,file=FILE|string=TEXT", "a file for the guest's firmware", board::fw_cfg),
        later("tpmdev", "TYPE,id=ID[,...]", "a TPM"),
        later_flag("usb", "a USB controller"),
        later("usbdevice", "TYPE", "a USB device"),
        flag("nodefaults", "leave out devices that a board has by default", board::nodefaults),
    ]),
    ("What it boots", &[
        opt("kernel", "FILE", "the kernel", board::kernel),
        opt("initrd", "FILE", "the initial RAM disk", board::initrd),
        opt("append", "TEXT", "the kernel's command line", board::append),
        opt("dtb", "FILE", "a device tree in place of the generated one", board::dtb),
        later("shim", "FILE", "a shim that starts the kernel"),
        opt("bios", "FILE|default|none", "the firmware", board::bios),
        later("option-rom", "FILE", "an option ROM"),
        opt("boot", "[menu=on|off][,splash-time=MS][,reboot-timeout=MS][,strict=on|off]", "what firmware is told about booting", board::boot),
        opt("L", "DIR", "look for firmware here first (-L help lists the directories)", board::firmware_dir),
    ]),
    ("Disks and folders", &[
        opt("drive", "[file=FILE][,if=TYPE][,format=raw][,id=ID][,snapshot=on][,readonly=on][,...]", "a disk image and where it is plugged", disks::drive),
        opt("blockdev", "driver=DRIVER,node-name=NAME[,...]", "a disk image for a -device", disks::blockdev),
        opt("hda", "FILE", "the first disk", disks::hda),
        opt("hdb", "FILE", "the second disk", disks::hdb),
        opt("hdc", "FILE", "the third disk", disks::hdc),
        opt("hdd", "FILE", "the fourth disk", disks::hdd),
        opt("cdrom", "FILE", "a CD-ROM image", disks::cdrom),
        opt("fda", "FILE", "the first floppy disk", disks::fda),
        opt("fdb", "FILE", "the second floppy disk", disks::fdb),
        opt("sd", "FILE", "an SD card", disks::sd),
        opt("mtdblock", "FILE", "an on-board flash memory", disks::mtdblock),
        opt("pflash", "FILE", "a parallel flash chip's content", disks::pflash),
        flag("snapshot", "write to temporary files, not to the images", disks::snapshot),
        opt("fsdev", "TYPE,id=ID[,path=DIR][,security_model=MODEL]", "a folder for a 9p device", disks::fsdev).not_yet(),
        opt("virtfs", "TYPE,path=DIR,mount_tag=TAG[,...]", "a folder with its 9p device", disks::virtfs).not_yet(),
        later("iscsi", "[user=USER][,...]", "iSCSI sessions"),
    ]),
    ("Network", &[
        opt("netdev", "TYPE,id=ID[,PROP=VALUE...]", "a network backend (-netdev help lists them)", net::netdev).not_yet(),
        opt("nic", "none|TYPE[,model=TYPE][,mac=MAC][,...]", "a backend and a network card on it (none alone works yet)", net::nic),
        opt("net", "none|nic|TYPE[,...]", "a network card or a backend on a common hub (none alone works yet)", net::net),
    ]),
    ("Serial lines, monitors, debugging", &[
        opt("chardev", "TYPE,id=ID[,mux=on][,logfile=FILE][,PROP=VALUE...]", "a character stream (-chardev help lists the types)", chars::chardev),
        opt("serial", "DEV", "where serial lines go: stdio, mon:stdio, pty, null, none, file:FILE, pipe:FILE, tcp:HOST:PORT, unix:FILE, chardev:ID", chars::serial),
        opt("parallel", "none", "no parallel port, which no board has", chars::parallel),
        opt("monitor", "DEV", "where the monitor is", chars::monitor),
        opt("qmp", "DEV", "where QMP is spoken", chars::qmp),
        opt("qmp-pretty", "DEV", "where QMP is spoken, indented", chars::qmp_pretty),
        opt("mon", "[chardev=]ID[,mode=readline|control][,pretty=on|off]", "a monitor on a -chardev", chars::mon),
        later("debugcon", "DEV", "where the debug console goes"),
        opt("echr", "N", "the byte that starts a command on a shared stream, in place of Ctrl-A", chars::echr),
        flag("s", "the same as -gdb tcp::1234", chars::gdb_default),
        opt("gdb", "DEV", "wait for gdb there: tcp::PORT, unix:FILE, stdio, chardev:ID", chars::gdb),
        flag("S", "do not start the CPUs", run::stopped),
        opt("d", "ITEM,...", "log these (-d help lists them)", run::log),
        opt("D", "FILE", "where the log goes, in place of stderr", run::log_file),
        opt("dfilter", "RANGE,...", "log code of these addresses only: START+SIZE, START-SIZE, START..END", run::log_filter),
        opt("trace", "help", "trace events, of which there are none: -d logs", run::trace),
        later("plugin", "[file=]FILE[,...]", "a plugin"),
        opt("symbols", "FILE", "name the guest's functions in logs and profiles as this vmlinux or System.map does", run::symbols),
        flag("perfmap", "write a map of guest code for perf", run::perfmap),
        flag("jitdump", "write a dump of guest code for perf", run::jitdump),
        flag("semihosting", "serve the guest's semihosting calls, its files those in the current folder", run::semihosting),
        opt("semihosting-config", "[enable=on|off][,target=native|auto][,chardev=ID][,folder=DIR][,userspace=on|off][,arg=TEXT...]", "serve the guest's semihosting calls, its files those in DIR", run::semihosting_config),
    ]),
    ("Windows and sound", &[
        flag("nographic", "no window; the first serial line and the monitor share the terminal", run::nographic),
        opt("display", "none", "no window, which there is not yet", run::display),
        opt("vga", "none", "no graphics card, which no board has yet", run::vga),
        opt("vnc", "none", "no VNC server, which there is not yet", run::vnc),
        later("spice", "[port=PORT][,...]", "a SPICE server"),
        later_flag("full-screen", "start on the full screen"),
        later("k", "LANGUAGE", "the keyboard's layout"),
        opt("audio", "[driver=]none", "no sound, which there is not yet", run::audio),
        opt("audiodev", "[driver=]none,id=ID", "no sound, which there is not yet", run::audio),
    ]),
    ("The run", &[
        opt("name", "NAME[,process=NAME][,debug-threads=on|off]", "the machine's name", run::name),
        opt("uuid", "UUID", "the machine's UUID", run::uuid),
        flag("no-reboot", "a reset ends the run", run::no_reboot),
        flag("no-shutdown", "a power-off stops the machine and leaves it there", run::no_shutdown),
        opt("action", "[reboot=reset|shutdown][,shutdown=poweroff|pause][,panic=pause|shutdown|exit-failure|none][,watchdog=ACTION]", "what follows from these; panics are told by -device pvpanic", run::action),
        opt("watchdog-action", "reset|shutdown|poweroff|pause|debug|none", "what an unfed watchdog does (-device sbsa-gwdt)", run::watchdog_action),
        opt("rtc", "[base=utc|localtime|DATE][,clock=host|rt|vm]", "the real-time clock", run::rtc),
        later("icount", "[shift=N|auto][,...]", "let guest time follow the instruction count"),
        opt("seed", "N", "the seed of random numbers", run::seed),
        opt("pidfile", "FILE", "write the process id there", run::pidfile),
        later_flag("daemonize", "go to the background"),
        later("loadvm", "TAG", "start from a snapshot"),
        later("incoming", "URI", "wait for a migration"),
        opt("sandbox", "on|off[,obsolete=allow|deny][,elevateprivileges=allow|deny|children][,spawn=allow|deny][,resourcecontrol=allow|deny]", "limit the system calls that the emulator itself may make", run::sandbox),
        later("run-with", "[user=USER][,chroot=DIR][,...]", "how the process runs"),
        opt("overcommit", "[mem-lock=on|off|on-fault]", "keep the process's memory from being swapped out", run::overcommit),
        opt("msg", "[timestamp=on|off][,guest-name=on|off]", "what stands in front of messages", run::messages),
        opt("compat", "[deprecated-input=accept|reject|crash][,deprecated-output=accept|hide][,unstable-input=...][,unstable-output=...]", "policy about deprecated and unstable parts of QMP, of which none is offered", run::compat),
        later("add-fd", "fd=N,set=N[,opaque=TEXT]", "an open file for a later option"),
        later("readconfig", "FILE", "options from a file"),
        flag("no-user-config", "read no configuration of the user's: there is none", run::nothing),
        later_flag("only-migratable", "no device that cannot migrate"),
        later_flag("preconfig", "wait before the machine is made"),
        later_flag("enable-sync-profile", "profile locks"),
        later("dump-vmstate", "FILE", "describe what a snapshot holds"),
    ]),
];

/// The option called `name`, by any of its names.
pub fn find(name: &str) -> Option<&'static Opt> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, real)| real);
    SECTIONS.iter().flat_map(|(_, options)| options.iter()).find(|option| option.name == name)
}
