//! What a command line asks for, as plain data.
//!
//! Nothing here is opened, looked up or checked against a board: names are kept as the user wrote them, in the order of
//! the command line where that matters (drives, devices, serials). [`Given`] remembers the words, for errors that name them.

use crate::host::{BlockOptions, CharSpec};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Properties in the order given: `key=value`. Of equal keys the last one counts.
pub type PropList = Vec<(String, String)>;

/// An instruction set that a machine can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 64-bit RISC-V.
    Riscv64,
    /// 64-bit Arm.
    Aarch64,
    /// 64-bit x86.
    X86_64,
    /// 64-bit Power, of either endianness.
    Ppc64,
}

impl Arch {
    /// Every one, with its name in `qemu-system-NAME`, `-arch NAME` and `-M NAME-board`.
    pub const ALL: &[(&str, Arch)] =
        &[("riscv64", Arch::Riscv64), ("aarch64", Arch::Aarch64), ("x86_64", Arch::X86_64), ("ppc64", Arch::Ppc64)];

    /// The one called `name`.
    pub fn named(name: &str) -> Option<Arch> {
        Arch::ALL.iter().find(|(known, _)| *known == name).map(|(_, arch)| *arch)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Arch::Riscv64 => "riscv64",
            Arch::Aarch64 => "aarch64",
            Arch::X86_64 => "x86_64",
            Arch::Ppc64 => "ppc64",
        }
    }
}

/// The option and its value as the user wrote them (`-device foo,id=x`): the front of any error about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Given(pub String);

impl std::fmt::Display for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A whole command line.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Config {
    /// The name in front of messages: `mimus`, or what the link is called.
    pub program: String,
    /// The instruction set, where the command line says one; otherwise the page or the kernel does.
    pub arch: Option<Arch>,
    /// `-M`.
    pub machine: MachineArg,
    /// `-cpu`.
    pub cpu: Option<CpuArg>,
    /// `-accel`, `-enable-kvm` and `-M accel=`: try them in this order. Empty: the default.
    pub accels: Vec<AccelArg>,
    /// `-m`.
    pub memory: MemoryArg,
    /// `-smp`.
    pub smp: Smp,
    /// What is loaded and started.
    pub boot: BootArgs,
    /// `-drive`, `-blockdev`, `-hda`, `-cdrom`, `-pflash`, a bare image name.
    pub drives: Vec<DriveArg>,
    /// `-device`, in order.
    pub devices: Vec<DeviceArg>,
    /// `-object`, in order.
    pub objects: Vec<ObjectArg>,
    /// `-netdev`, `-nic`, `-net`, in order.
    pub nets: Vec<NetArg>,
    /// `-fsdev` and `-virtfs`, in order.
    pub shares: Vec<ShareArg>,
    /// `-global`, in order.
    pub globals: Vec<GlobalArg>,
    /// `-set part.key=value`: edits of the board page, in order.
    pub edits: Vec<EditArg>,
    /// `-fw_cfg`, in order.
    pub fw_cfg: Vec<FwCfgArg>,
    /// Serial lines, monitors, gdb: resolved by [`ConsolePlan`](super::ConsolePlan).
    pub console: ConsoleArgs,
    /// `-display`, `-vga`, `-nographic`, sound.
    pub display: DisplayArgs,
    /// How the machine is run.
    pub run: RunOptions,
    /// What the user should know before the run, a line each.
    pub notes: Vec<String>,
    /// Options that are understood and cannot be served yet, as sentences: a run refuses the first.
    pub unsupported: Vec<String>,
}

impl Config {
    /// Refuses what is understood and not there yet.
    ///
    /// # Errors
    /// The first such option, as a sentence.
    pub fn supported(&self) -> crate::base::Result<()> {
        match self.unsupported.first() {
            Some(text) => Err(crate::base::Error::new(text)),
            None => Ok(()),
        }
    }

    /// Whether a board brings the devices that it has by default (`-nodefaults` says no).
    pub fn has_defaults(&self) -> bool {
        !self.run.no_defaults
    }
}

/// Which board page, and edits of the machine itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MachineArg {
    /// The board's name without its instruction set (`virt`), or the path of a page. `None`: the default board.
    pub page: Option<Page>,
    /// Machine properties, `_` already written as `-`; `accel`, `kernel`, `initrd`, `append`, `dtb`, `firmware`,
    /// `dumpdtb` and `smp.*` are not here but where their own options put them.
    pub props: PropList,
    /// `dumpdtb=FILE`: write the device tree and leave.
    pub dumpdtb: Option<PathBuf>,
}

/// Where the board page is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Page {
    /// One of ours.
    Named(String),
    /// A user's own: `-M path/to/board.toml`.
    File(PathBuf),
}

/// `-cpu MODEL,prop=value,+prop,-prop`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CpuArg {
    /// The model.
    pub model: String,
    /// Its properties; `+x` and `x` are `x=on`, `-x` is `x=off`.
    pub props: PropList,
    /// Those that were written without a value, as they were written: not every instruction set takes them.
    pub flags: Vec<String>,
    /// The words.
    pub given: Given,
}

/// One `-accel`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AccelArg {
    /// Its name: `jit`, `interp`, `kvm`, or QEMU's `tcg`.
    pub name: String,
    /// `thread=`, `tb-size=` and others.
    pub props: PropList,
    /// The words.
    pub given: Given,
}

/// `-m`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct MemoryArg {
    /// Bytes of RAM, a multiple of 8 KiB; `None`: the board's default.
    pub size: Option<u64>,
    /// Slots for memory hotplug.
    pub slots: Option<u64>,
    /// The size to which hotplug may go, in bytes.
    pub max: Option<u64>,
    /// `-mem-path`: the file that RAM lives in.
    pub path: Option<PathBuf>,
    /// `-mem-prealloc`.
    pub prealloc: bool,
}

/// `-smp` as given; [`Smp::topology`] resolves it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Smp {
    /// Every key given with its count: `cpus`, `maxcpus`, `sockets`, `dies`, `clusters`, `modules`, `cores`, `threads`, …
    pub counts: BTreeMap<String, u32>,
}

/// What is loaded and started.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct BootArgs {
    /// `-kernel`.
    pub kernel: Option<PathBuf>,
    /// `-initrd`.
    pub initrd: Option<PathBuf>,
    /// `-append`. Without `-kernel` only a user's own page may have it.
    pub append: Option<String>,
    /// `-dtb`.
    pub dtb: Option<PathBuf>,
    /// `-bios`.
    pub firmware: Firmware,
    /// `-L`: where named firmware is looked for first, in order.
    pub firmware_dirs: Vec<PathBuf>,
    /// `-boot menu=`: firmware shows its menu.
    pub menu: bool,
    /// `-boot splash-time=`: how long firmware waits for a key, in milliseconds.
    pub splash_time: Option<u16>,
    /// `-boot reboot-timeout=`: after how many milliseconds firmware tries again when nothing boots; -1: never.
    pub reboot_timeout: Option<i32>,
}

/// `-bios`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Firmware {
    /// The board's own: built-in services, or a flash image.
    #[default]
    Default,
    /// No firmware at all: the kernel gets the machine as reset left it.
    None,
    /// This file, or this name in a `-L` directory.
    File(PathBuf),
}

/// A block image and where it is to be plugged.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DriveArg {
    /// The name that `-device …,drive=` uses.
    pub id: Option<String>,
    /// `if=`; `None`: the board's default.
    pub interface: Option<Interface>,
    /// `index=`.
    pub index: Option<u32>,
    /// `bus=`.
    pub bus: Option<u32>,
    /// `unit=`.
    pub unit: Option<u32>,
    /// `media=cdrom`.
    pub cdrom: bool,
    /// The image; `None`: an empty drive.
    pub image: Option<BlockOptions>,
    /// The words.
    pub given: Given,
}

/// `-drive if=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Interface {
    None,
    Virtio,
    Ide,
    Scsi,
    Sd,
    Mtd,
    Floppy,
    Pflash,
}

/// One `-device`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DeviceArg {
    /// The type.
    pub driver: String,
    /// `id=`.
    pub id: Option<String>,
    /// `bus=`.
    pub bus: Option<String>,
    /// The rest, `drive=`, `netdev=` and `chardev=` among them.
    pub props: PropList,
    /// The words.
    pub given: Given,
}

/// One `-object`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ObjectArg {
    /// The type (`rng-random`, `memory-backend-file`, …).
    pub kind: String,
    /// `id=`.
    pub id: String,
    /// The rest.
    pub props: PropList,
    /// The words.
    pub given: Given,
}

/// A network backend, a network card, or both.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NetArg {
    /// Which of the three options said it.
    pub role: NetRole,
    /// The backend's type (`user`, `tap`, …), or `nic` or `none`.
    pub kind: String,
    /// `id=`.
    pub id: Option<String>,
    /// The rest.
    pub props: PropList,
    /// The words.
    pub given: Given,
}

/// Which option a [`NetArg`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NetRole {
    /// `-netdev`: a backend that a `-device` names.
    Netdev,
    /// `-nic`: a backend and the board's own card on it.
    Nic,
    /// `-net nic` or `-net BACKEND`: they meet on a hub.
    Hub,
}

/// One `-fsdev` or `-virtfs`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareArg {
    /// The type: `local`, `synth`.
    pub kind: String,
    /// `id=`.
    pub id: Option<String>,
    /// `mount_tag=`: `-virtfs` brings its own device, with this tag.
    pub mount_tag: Option<String>,
    /// The rest: `path`, `security_model`, `multidevs`, `readonly`.
    pub props: PropList,
    /// The words.
    pub given: Given,
}

/// `-global DRIVER.PROPERTY=VALUE`: a default for every device of a type.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GlobalArg {
    /// The type.
    pub driver: String,
    /// The property.
    pub property: String,
    /// Its value.
    pub value: String,
    /// The words.
    pub given: Given,
}

/// `-set PART.KEY=VALUE`: an edit of the board page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EditArg {
    /// The part, `[part.NAME]` of the page.
    pub part: String,
    /// The key.
    pub key: String,
    /// Its new value.
    pub value: String,
    /// The words.
    pub given: Given,
}

/// One `-fw_cfg`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FwCfgArg {
    /// The file's name as the guest sees it.
    pub name: String,
    /// Its content.
    pub content: FwCfgContent,
    /// The words.
    pub given: Given,
}

/// The content of a `-fw_cfg` file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FwCfgContent {
    /// These characters, without a NUL.
    Text(String),
    /// What this file holds.
    File(PathBuf),
}

/// The words about character devices, before [`ConsolePlan`](super::ConsolePlan) makes sense of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ConsoleArgs {
    /// `-chardev`, in order.
    pub chardevs: Vec<(CharSpec, Given)>,
    /// `-serial`, in order.
    pub serials: Vec<CharArg>,
    /// `-monitor`, `-qmp`, `-qmp-pretty` and `-mon`, in order.
    pub monitors: Vec<(MonitorMode, CharArg)>,
    /// Some option spoke about monitors, if only `-monitor none`: there is no default one.
    pub monitor_given: bool,
    /// `-gdb` and `-s`.
    pub gdb: Option<CharArg>,
    /// `-echr`: the byte that starts a command on a multiplexed stream.
    pub escape: Option<u8>,
}

/// A character device as `-serial` and its like name it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CharArg {
    /// What it is.
    pub target: CharTarget,
    /// `mon:` stands in front: a monitor shares it.
    pub with_monitor: bool,
    /// The words.
    pub given: Given,
}

/// What a [`CharArg`] names.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CharTarget {
    /// `none`: no device at all.
    None,
    /// A `-chardev` by its id.
    Id(String),
    /// A backend of its own; its id is still empty.
    Own(CharSpec),
}

/// What is spoken on a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MonitorMode {
    /// Lines for a person.
    Readline,
    /// QMP.
    Control {
        /// Indented JSON.
        pretty: bool,
    },
}

/// What the user sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DisplayArgs {
    /// `-nographic`: serial line and monitor share the terminal.
    pub nographic: bool,
    /// `-display TYPE`.
    pub kind: Option<String>,
}

/// How the machine is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RunOptions {
    /// `-S`: do not start the vCPUs.
    pub stopped: bool,
    /// What a guest's reset, power-off, panic and watchdog do.
    pub actions: Actions,
    /// `-nodefaults`.
    pub no_defaults: bool,
    /// `-snapshot`. It is already in every drive's [`BlockOptions`].
    pub snapshot: bool,
    /// `-pidfile`.
    pub pidfile: Option<PathBuf>,
    /// `-name`.
    pub name: Option<String>,
    /// `-uuid`.
    pub uuid: Option<[u8; 16]>,
    /// `-rtc`.
    pub rtc: Rtc,
    /// `-d`, `-D`, `-dfilter`.
    pub log: LogArgs,
    /// `-seed`.
    pub seed: Option<u64>,
    /// `-perfmap`.
    pub perfmap: bool,
    /// `-jitdump`.
    pub jitdump: bool,
    /// `-symbols`: the file that names the guest's functions.
    pub symbols: Option<PathBuf>,
    /// `-semihosting`, `-semihosting-config`; `None`: semihosting calls are not served.
    pub semihosting: Option<SemihostingArgs>,
    /// `-name process=`: what the host calls the process.
    pub process: Option<String>,
    /// `-sandbox on`.
    pub sandbox: Option<Sandbox>,
    /// `-overcommit mem-lock=`.
    pub memory_lock: MemoryLock,
    /// `-msg`.
    pub messages: MessageStyle,
}

/// How the guest's semihosting calls are served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SemihostingArgs {
    /// `chardev=`: the console; `None`: stderr and stdin.
    pub chardev: Option<String>,
    /// `arg=`, in order; none: the kernel's file and the words of `-append`.
    pub arguments: Vec<String>,
    /// `userspace=`: programs at the lowest privilege level are served too.
    pub userspace: bool,
    /// `folder=`: where the guest's files are; `None`: the current folder, less hidden files.
    pub folder: Option<PathBuf>,
    /// The words.
    pub given: Given,
}

/// `-sandbox`: what the process may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Sandbox {
    /// `obsolete=allow`: system calls that nobody needs any more.
    pub obsolete: bool,
    /// `elevateprivileges=allow`: become another user.
    pub elevate_privileges: bool,
    /// `spawn=allow`: start other programs.
    pub spawn: bool,
    /// `resourcecontrol=allow`: change priorities and CPU affinities.
    pub resource_control: bool,
}

/// `-overcommit mem-lock=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryLock {
    /// The host may swap.
    #[default]
    Off,
    /// All memory is in RAM from the start.
    On,
    /// Memory that was touched stays in RAM.
    OnFault,
}

/// `-msg`: what stands in front of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MessageStyle {
    /// The time.
    pub timestamp: bool,
    /// What `-name` says.
    pub guest_name: bool,
}

/// What follows from a guest's doings: `-no-reboot`, `-no-shutdown`, `-action`, `-watchdog-action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Actions {
    /// A reset ends the run.
    pub reboot_exits: bool,
    /// A power-off only pauses.
    pub shutdown_pauses: bool,
    /// A reported panic.
    pub panic: PanicAction,
    /// A watchdog that was not fed.
    pub watchdog: WatchdogAction,
}

impl Default for Actions {
    fn default() -> Actions {
        Actions {
            reboot_exits: false,
            shutdown_pauses: false,
            panic: PanicAction::Shutdown,
            watchdog: WatchdogAction::Reset,
        }
    }
}

/// `-action panic=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum PanicAction {
    Pause,
    Shutdown,
    ExitFailure,
    None,
}

/// `-action watchdog=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum WatchdogAction {
    Reset,
    Shutdown,
    Poweroff,
    Pause,
    Debug,
    None,
}

/// `-rtc`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Rtc {
    /// `base=`.
    pub base: RtcBase,
    /// `clock=`.
    pub clock: RtcClock,
}

/// `-rtc base=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RtcBase {
    /// The host's time in UTC.
    #[default]
    Utc,
    /// The host's time in its time zone.
    Localtime,
    /// Seconds since 1970 at the start of the machine.
    Date(i64),
}

/// `-rtc clock=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RtcClock {
    /// The host's wall clock.
    #[default]
    Host,
    /// The host's monotonic clock.
    Rt,
    /// The guest's own time, which stops with it.
    Vm,
}

/// `-d`, `-D`, `-dfilter`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LogArgs {
    /// Items as [`set_mask`](crate::base::dlog::set_mask) takes them.
    pub mask: u32,
    /// `-D`.
    pub file: Option<PathBuf>,
    /// `-dfilter`: guest addresses that in_asm, out_asm, op, exec and cpu are limited to. Empty: no limit.
    pub filter: Vec<RangeInclusive<u64>>,
}
