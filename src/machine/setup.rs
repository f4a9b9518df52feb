//! What a run adds to a board page: plain data and outside ends that are already open.

use crate::base::Result;
use crate::boot::Request;
use crate::engine::{CODE_LIMIT, Kind};
use crate::error;
use crate::host::{Block, CharEnd};
use crate::semihosting;

/// Properties in the order given: of equal keys the last one counts.
pub type PropList = Vec<(String, String)>;

/// Gives the stream of a `-chardev` to a device that names it.
pub type GiveChardev<'a> = dyn FnMut(&str) -> Result<Box<dyn CharEnd>> + 'a;

/// Everything about a machine that its page does not say.
pub struct Setup<'a> {
    /// `-cpu`: the model and its properties; the page's model otherwise.
    pub cpu: Option<CpuChoice>,
    /// `-smp`: how many CPUs; the page's number otherwise.
    pub cpus: Option<u32>,
    /// `-m`: bytes of main memory; the page's size otherwise.
    pub ram: Option<u64>,
    /// What makes the CPUs go.
    pub engine: Kind,
    /// What translated code may take, in bytes, together with what is known of it.
    pub code_limit: usize,
    /// What is booted.
    pub boot: Request,
    /// `-device`, in order.
    pub plugs: Vec<Plug>,
    /// `-drive`, in order.
    pub disks: Vec<Disk>,
    /// The streams of `-serial`, by number.
    pub serials: Vec<Option<Box<dyn CharEnd>>>,
    /// The streams of `-chardev`.
    pub chardevs: Box<GiveChardev<'a>>,
    /// `-fw_cfg`: files for the guest's firmware.
    pub fw_cfg: Vec<(String, Vec<u8>)>,
    /// `-global`: driver, property, value.
    pub globals: Vec<(String, String, String)>,
    /// `-semihosting`: how the guest's semihosting calls are served, if they are.
    pub semihosting: Option<semihosting::Setup>,
    /// `-rtc base=`: wall-clock seconds since 1970 at guest time zero.
    pub epoch: u64,
    /// `-seed`: makes what is random repeatable.
    pub seed: Option<u64>,
    /// `-uuid`.
    pub uuid: Option<[u8; 16]>,
    /// Whether there is no display.
    pub no_display: bool,
    /// `-boot menu=`: whether firmware shows its menu.
    pub boot_menu: bool,
    /// `-smp maxcpus=`: how many CPUs firmware is told there can be.
    pub max_cpus: Option<u32>,
    /// `-mem-prealloc`: take all of main memory from the host at once.
    pub prealloc: bool,
}

impl Default for Setup<'_> {
    fn default() -> Self {
        Setup {
            cpu: None,
            cpus: None,
            ram: None,
            engine: Kind::Interp,
            code_limit: CODE_LIMIT,
            boot: Request::default(),
            plugs: Vec::new(),
            disks: Vec::new(),
            serials: Vec::new(),
            chardevs: Box::new(|id| Err(error!("there is no chardev '{id}'"))),
            fw_cfg: Vec::new(),
            globals: Vec::new(),
            semihosting: None,
            epoch: 0,
            seed: None,
            uuid: None,
            no_display: true,
            boot_menu: false,
            max_cpus: None,
            prealloc: false,
        }
    }
}

/// `-cpu`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CpuChoice {
    /// The model.
    pub model: String,
    /// Its properties.
    pub props: PropList,
    /// Those of them that were given as `+x`, `-x` or `x`.
    pub flags: Vec<String>,
}

/// `-device`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plug {
    /// The type.
    pub driver: String,
    /// `id=`.
    pub id: Option<String>,
    /// `bus=`.
    pub bus: Option<String>,
    /// The rest.
    pub props: PropList,
    /// The words of the command line.
    pub given: String,
}

/// `-drive`, its image open.
pub struct Disk {
    /// The name that `drive=` uses.
    pub id: Option<String>,
    /// Where the board is to plug it.
    pub interface: Interface,
    /// Its number on that interface, when the command line says so.
    pub index: Option<u32>,
    /// The image; `None`: an empty drive.
    pub image: Option<Box<dyn Block>>,
    /// The words of the command line.
    pub given: String,
}

/// `-drive if=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interface {
    /// A `-device` names it.
    None,
    /// The board's usual one.
    #[default]
    Usual,
    /// A virtio disk.
    Virtio,
    /// A flash chip of the board's.
    Pflash,
    /// Something that this board does not have: its name.
    Other(&'static str),
}
