//! CPU models and their properties: what `-cpu` says, with QEMU's names.

use super::Aarch64;
use super::cores::Cores;
use super::features::Features;
use crate::base::Result;
use crate::fabric::{Clock, IrqLine, Timebase};
use crate::{error, fail};
use std::sync::Arc;

/// By which instruction the built-in firmware is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Conduit {
    /// It is not there.
    Disabled,
    /// HVC.
    Hvc,
    /// SMC.
    Smc,
}

/// A model as `-cpu help` lists it.
struct Model {
    name: &'static str,
    /// What the device tree calls it.
    compatible: &'static str,
    features: Features,
    midr: u64,
    revidr: u64,
    ctr: u64,
    clidr: u64,
    /// CCSIDR by CSSELR: data, instructions, unified, one level after the other.
    caches: [u64; 6],
    physical_bits: u32,
    /// ID_AA64MMFR0: which granules there are besides 4 KiB and 64 KiB.
    granule16: bool,
    /// CSV2 and CSV3: branch prediction and speculative loads tell nothing to others.
    safe_speculation: bool,
    /// Hz of the system counter, when it is not the board's.
    counter: Option<u64>,
}

/// The set with these features.
macro_rules! set {
    ($($name:ident)*) => { Features::NONE$(.with(Features::$name))* };
}

const V8: Features = set!(BASE FP ASIMD CRC32 AES PMULL SHA1 SHA256 PMUV3);
const N1: Features = V8.with(set!(
    FP16 LSE LRCPC LOR RDM DOTPROD PAN PAN2 UAO DPB SSBS VHE HPDS HAFDBS TTCNP
));
const MAX: Features = N1.with(set!(
    LSE2 LRCPC2 FLAGM FLAGM2 FRINTTS JSCVT PAUTH SB DIT DPB2 WFXT RNG TLBIOS TLBIRANGE FCMA FHM I8MM BF16 SHA512 SHA3
    SM3 SM4 LVA E0PD
));

/// The models, in the order of `-cpu help`.
static MODELS: &[Model] = &[
    Model {
        name: "cortex-a53",
        compatible: "arm,cortex-a53",
        features: V8,
        midr: 0x410f_d034,
        revidr: 0x100,
        ctr: 0x8444_8004,
        clidr: 0x0a20_0023,
        caches: [0x700f_e01a, 0x201f_e00a, 0x707f_e07a, 0, 0, 0],
        physical_bits: 40,
        granule16: false,
        safe_speculation: false,
        counter: None,
    },
    Model {
        name: "cortex-a57",
        compatible: "arm,cortex-a57",
        features: V8,
        midr: 0x411f_d070,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x0a20_0023,
        caches: [0x701f_e00a, 0x201f_e012, 0x70ff_e07a, 0, 0, 0],
        physical_bits: 44,
        granule16: false,
        safe_speculation: false,
        counter: None,
    },
    Model {
        name: "cortex-a72",
        compatible: "arm,cortex-a72",
        features: V8,
        midr: 0x410f_d083,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x0a20_0023,
        caches: [0x701f_e00a, 0x201f_e012, 0x707f_e07a, 0, 0, 0],
        physical_bits: 44,
        granule16: false,
        safe_speculation: false,
        counter: None,
    },
    Model {
        name: "max",
        compatible: "arm,cortex-a57",
        features: MAX,
        midr: 0xf_0510,
        revidr: 0,
        ctr: 0xb444_c004,
        clidr: 0x0a20_0023,
        caches: [0x701f_e00a, 0x201f_e012, 0x70ff_e07a, 0, 0, 0],
        physical_bits: 52,
        granule16: true,
        safe_speculation: true,
        counter: Some(1_000_000_000),
    },
    Model {
        name: "neoverse-n1",
        compatible: "arm,neoverse-n1",
        features: N1,
        midr: 0x414f_d0c1,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x8200_0023,
        caches: [0x701f_e01a, 0x201f_e01a, 0x70ff_e03a, 0, 0, 0],
        physical_bits: 48,
        granule16: true,
        safe_speculation: true,
        counter: None,
    },
];

/// Properties of QEMU's that can only be off here.
const NOT_THERE: &[&str] = &["sve", "sme", "lpa2", "pauth-qarma3", "pauth-qarma5", "cfgend", "reset-hivecs", "mte"];

/// Properties that are accepted and change nothing here: there is one way to do it.
const WITHOUT_EFFECT: &[&str] = &["backcompat-cntfrq", "backcompat-pauth-default-use-qarma5", "pauth-impdef"];

/// Properties that can only be on.
const ALWAYS: &[&str] = &["aarch64", "neon", "vfp"];

/// The answer to `-cpu help`.
pub fn list() -> String {
    let names = MODELS.iter().map(|model| format!("  {}\n", model.name));
    std::iter::once("Available CPUs:\n".to_owned()).chain(names).collect()
}

/// What a board hands its CPUs.
pub struct Supply {
    /// Guest time.
    pub clock: Arc<Clock>,
    /// The board's counter.
    pub timebase: Arc<Timebase>,
    /// How many CPUs there are.
    pub count: u32,
    /// What the lines out of each CPU drive, in the order of [`super::cores::LINES`].
    pub lines: Vec<Vec<IrqLine>>,
}

/// The model called `name` with the properties of the board and then those of `-cpu`.
///
/// # Errors
/// The model or a property that does not exist, a value that makes no sense, or something that Mimus does not have.
pub fn build(name: &str, board: &[(String, String)], props: &[(String, String)], supply: Supply) -> Result<Aarch64> {
    let model = MODELS.iter().find(|model| model.name == name);
    let model = model.ok_or_else(|| error!("unable to find CPU model '{name}'"))?;
    let mut build =
        Build { features: model.features, conduit: Conduit::Disabled, midr: model.midr, counter: model.counter };
    for (key, value) in board.iter().chain(props) {
        let said = format!("can't apply global {name}-arm-cpu.{key}={value}");
        build.apply(name, key, value).map_err(|e| e.within(said))?;
    }
    let counter = match build.counter {
        Some(hz) => Timebase::new(supply.clock.clone(), hz),
        None => supply.timebase,
    };
    Ok(Aarch64 {
        model: model.name,
        compatible: model.compatible,
        features: build.features,
        midr: build.midr,
        revidr: model.revidr,
        ctr: model.ctr,
        clidr: model.clidr,
        caches: model.caches,
        physical_bits: model.physical_bits,
        granule16: model.granule16,
        safe_speculation: model.safe_speculation,
        conduit: build.conduit,
        cores: Cores::new(supply.clock, counter, supply.count, supply.lines),
    })
}

struct Build {
    features: Features,
    conduit: Conduit,
    midr: u64,
    counter: Option<u64>,
}

fn switch(key: &str, value: &str) -> Result<bool> {
    match value {
        "on" | "yes" | "true" | "y" => Ok(true),
        "off" | "no" | "false" | "n" => Ok(false),
        _ => Err(error!("Parameter '{key}' expects 'on' or 'off'")),
    }
}

fn number(key: &str, value: &str) -> Result<u64> {
    let parsed = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => value.parse(),
    };
    parsed.map_err(|_| error!("Parameter '{key}' expects uint64"))
}

impl Build {
    fn apply(&mut self, model: &str, key: &str, value: &str) -> Result<()> {
        let switched = match key {
            "has_el2" => Some(Features::EL2),
            "has_el3" => Some(Features::EL3),
            "pmu" => Some(Features::PMUV3),
            "pauth" if self.features.has(Features::PAUTH) => Some(Features::PAUTH),
            _ => None,
        };
        if let Some(feature) = switched {
            let on = switch(key, value)?;
            self.features = if on { self.features.with(feature) } else { self.features.without(feature) };
            return Ok(());
        }
        match key {
            "psci-conduit" => {
                self.conduit = match value {
                    "disabled" | "0" => Conduit::Disabled,
                    "smc" | "1" => Conduit::Smc,
                    "hvc" | "2" => Conduit::Hvc,
                    _ => fail!("Parameter '{key}' expects disabled, smc or hvc"),
                }
            }
            "midr" => self.midr = number(key, value)?,
            "cntfrq" => match number(key, value)? {
                0 => fail!("CNTFRQ can't be zero"),
                hz => self.counter = Some(hz),
            },
            _ if ALWAYS.contains(&key) => {
                if !switch(key, value)? {
                    fail!("Mimus has no CPUs without '{key}'");
                }
            }
            _ if NOT_THERE.contains(&key) => {
                if switch(key, value)? {
                    fail!("Mimus does not have '{key}'");
                }
            }
            _ if WITHOUT_EFFECT.contains(&key) => {}
            _ => fail!("Property '{model}-arm-cpu.{key}' not found"),
        }
        Ok(())
    }
}
