//! CPU models and their properties: what `-cpu` says, with QEMU's names.

use super::Aarch64;
use super::cores::Cores;
use super::ids::Ids;
use super::pauth::{Algorithm, Pauth};
use super::translation;
use crate::base::Result;
use crate::base::bits::with_field;
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

/// A model as `-cpu help` lists it: what its chip announces, with both higher levels.
struct Model {
    name: &'static str,
    /// What the device tree calls it.
    compatible: &'static str,
    midr: u64,
    revidr: u64,
    ctr: u64,
    clidr: u64,
    /// CCSIDR by CSSELR: data, instructions, unified.
    caches: [u64; 3],
    /// PMCR_EL0: the implementer's codes, and how many event counters there are.
    pmcr: u64,
    /// SCTLR of the highest level after a reset.
    sctlr: u64,
    ids: Ids,
}

/// Hz of the system counter from Armv8.6 on, which is `max`; that of other models is the board's.
const MAX_HZ: u64 = 1_000_000_000;

/// SCTLR after a reset, with what reads as one, nTWE, nTWI, and the alignment checks of stack pointers; Armv8.0's.
const SCTLR_OLD: u64 = 0x00c5_0838;
/// Likewise, with two bits more of those that were to read as one.
const SCTLR: u64 = 0x30c5_0838;

/// Armv8.0 with its cryptography: cortex-a35, -a53, -a57, -a72.
const V80: Ids = Ids { pfr0: 0x2222, dfr0: 0x1030_5106, isar0: 0x1_1120, mmfr0: 0x1122, ..Ids::NONE };

/// Armv8.2: cortex-a55, -a76, neoverse-n1.
const V82: Ids = Ids {
    pfr0: 0x1100_0000_1011_1112,
    pfr1: 0x10,
    dfr0: 0x1030_5408,
    isar0: 0x1000_1021_1120,
    isar1: 0x10_0001,
    mmfr0: 0x10_1122,
    mmfr1: 0x1021_2122,
    mmfr2: 0x1011,
    ..Ids::NONE
};

/// Armv9.0: cortex-a710, neoverse-n2.
const V90: Ids = Ids {
    pfr0: 0x1201_0011_2011_1112,
    pfr1: 0x121,
    dfr0: 0xf0_1030_5609,
    isar0: 0x0221_1111_1021_2120,
    isar1: 0x0010_1111_1021_1502,
    mmfr0: 0x222_0010_1122,
    mmfr1: 0x1021_2122,
    mmfr2: 0x1221_0111_1010_1011,
    ..Ids::NONE
};

/// The models, in the order of `-cpu help`. Values are those of Arm's technical reference manuals, but for the algorithm of
/// pointer authentication, which is QEMU's choice where that lets one choose.
static MODELS: &[Model] = &[
    Model {
        name: "cortex-a35",
        compatible: "arm,cortex-a35",
        midr: 0x411f_d040,
        revidr: 0,
        ctr: 0x8444_8004,
        clidr: 0x0a20_0023,
        caches: [0x700f_e01a, 0x200f_e01a, 0x703f_e07a],
        pmcr: 0x410a_3000,
        sctlr: SCTLR_OLD,
        ids: Ids { mmfr0: 0x10_1122, ..V80 },
    },
    Model {
        name: "cortex-a53",
        compatible: "arm,cortex-a53",
        midr: 0x410f_d034,
        revidr: 0x100,
        ctr: 0x8444_8004,
        clidr: 0x0a20_0023,
        caches: [0x700f_e01a, 0x203f_e002, 0x707f_e07a],
        pmcr: 0x4103_3000,
        sctlr: SCTLR_OLD,
        ids: V80,
    },
    Model {
        name: "cortex-a55",
        compatible: "arm,cortex-a55",
        midr: 0x412f_d050,
        revidr: 0,
        ctr: 0x8444_8004,
        clidr: 0x8200_0023,
        caches: [0x700f_e01a, 0x200f_e01a, 0x703f_e07a],
        pmcr: 0x410b_3000,
        sctlr: SCTLR,
        ids: Ids { pfr0: 0x1011_2222, ..V82 },
    },
    Model {
        name: "cortex-a57",
        compatible: "arm,cortex-a57",
        midr: 0x411f_d070,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x0a20_0023,
        caches: [0x700f_e01a, 0x201f_e012, 0x70ff_e07a],
        pmcr: 0x4101_3000,
        sctlr: SCTLR_OLD,
        ids: Ids { mmfr0: 0x1124, ..V80 },
    },
    Model {
        name: "cortex-a710",
        compatible: "arm,cortex-a710",
        midr: 0x412f_d471,
        revidr: 0,
        ctr: 0x4_9444_c004,
        clidr: 0x14_8200_0023,
        caches: [0xff_0000_001a, 0xff_0000_001a, 0x3ff_0000_003a],
        pmcr: 0xa000,
        sctlr: SCTLR,
        ids: V90,
    },
    Model {
        name: "cortex-a72",
        compatible: "arm,cortex-a72",
        midr: 0x410f_d083,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x0a20_0023,
        caches: [0x700f_e01a, 0x201f_e012, 0x707f_e07a],
        pmcr: 0x4102_3000,
        sctlr: SCTLR_OLD,
        ids: Ids { mmfr0: 0x1124, ..V80 },
    },
    Model {
        name: "cortex-a76",
        compatible: "arm,cortex-a76",
        midr: 0x414f_d0b1,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x8200_0023,
        caches: [0x701f_e01a, 0x201f_e01a, 0x707f_e03a],
        pmcr: 0x410b_3000,
        sctlr: SCTLR,
        ids: V82,
    },
    Model {
        name: "cortex-a78ae",
        compatible: "arm,cortex-a78ae",
        midr: 0x410f_d423,
        revidr: 0,
        ctr: 0x9444_c004,
        clidr: 0x8200_0023,
        caches: [0x701f_e01a, 0x201f_e01a, 0x707f_e03a],
        pmcr: 0x4122_3000,
        sctlr: SCTLR,
        ids: Ids { isar0: 0x0010_1000_1021_1120, isar1: 0x0120_0031, mmfr0: 0x10_1125, mmfr2: 0x1_0000_1011, ..V82 },
    },
    Model {
        name: "max",
        compatible: "arm,cortex-a57",
        midr: 0xf_0510,
        revidr: 0,
        ctr: 0xb444_c004,
        clidr: 0x0200_0023,
        caches: [0x700f_e01a, 0x201f_e012, 0x70ff_e07a],
        pmcr: 0x4101_3000,
        sctlr: SCTLR_OLD,
        ids: Ids {
            pfr0: 0x1301_0011_2011_1122,
            pfr1: 0x10_0100_0121,
            dfr0: 0x1000_0000_1030_560a,
            isar0: 0x1221_1111_1021_2120,
            isar1: 0x0111_2111_1021_1502,
            isar2: 0x11_0012,
            mmfr0: 0x2100_0323_1020_1126,
            mmfr1: 0x0110_1120_1031_2122,
            mmfr2: 0x1221_0111_1201_1011,
            mmfr3: 1 << 60,
        },
    },
    Model {
        name: "neoverse-n1",
        compatible: "arm,neoverse-n1",
        midr: 0x414f_d0c1,
        revidr: 0,
        ctr: 0x8444_c004,
        clidr: 0x8200_0023,
        caches: [0x701f_e01a, 0x201f_e01a, 0x70ff_e03a],
        pmcr: 0x410c_3000,
        sctlr: SCTLR,
        ids: Ids { pfr1: 0x20, mmfr0: 0x10_1125, ..V82 },
    },
    Model {
        name: "neoverse-n2",
        compatible: "arm,neoverse-n2",
        midr: 0x410f_d493,
        revidr: 0,
        ctr: 0x4_b444_c004,
        clidr: 0x14_8200_0023,
        caches: [0xff_0000_001a, 0xff_0000_001a, 0x3ff_0000_003a],
        pmcr: 0x3000,
        sctlr: SCTLR,
        ids: Ids {
            isar0: 0x1221_1111_1021_2120,
            isar1: 0x0011_1111_1021_1502,
            mmfr0: 0x222_0010_1125,
            mmfr2: 0x1221_0111_1210_1011,
            ..V90
        },
    },
    Model {
        name: "neoverse-v1",
        compatible: "arm,neoverse-v1",
        midr: 0x411f_d402,
        revidr: 0,
        ctr: 0xb444_c004,
        clidr: 0x8200_0023,
        caches: [0xff_0000_001a, 0xff_0000_001a, 0x7ff_0000_003a],
        pmcr: 0x4121_3000,
        sctlr: SCTLR,
        ids: Ids {
            pfr0: 0x1101_0001_2011_1112,
            pfr1: 0x20,
            dfr0: 0xf0_1030_5509,
            isar0: 0x1011_1111_1021_2120,
            isar1: 0x0011_1000_1021_1302,
            mmfr0: 0x10_1125,
            mmfr1: 0x1021_2122,
            mmfr2: 0x0220_0111_0210_1011,
            ..Ids::NONE
        },
    },
];

/// Properties of QEMU's that can only be off here.
const NOT_THERE: &[&str] = &["sve", "sme", "lpa2", "cfgend", "reset-hivecs", "mte"];

/// Properties that are accepted and change nothing here: there is one way to do it.
const WITHOUT_EFFECT: &[&str] = &["backcompat-cntfrq"];

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
    let mut build = Build {
        has_el2: false,
        has_el3: false,
        has_pmu: true,
        conduit: Conduit::Disabled,
        midr: model.midr,
        counter: (name == "max").then_some(MAX_HZ),
        pauth: Choice::of(&model.ids),
    };
    for (key, value) in board.iter().chain(props) {
        let said = format!("can't apply global {name}-arm-cpu.{key}={value}");
        build.apply(name, key, value).map_err(|e| e.within(said))?;
    }
    let counter = match build.counter {
        Some(hz) => Timebase::new(supply.clock.clone(), hz),
        None => supply.timebase,
    };
    let mut ids = model.ids;
    if let Some(choice) = build.pauth {
        choice.announce(&mut ids)?;
    }
    if !build.has_el2 {
        ids.pfr0 = with_field(ids.pfr0, 0xf << 8, 0);
    }
    if !build.has_el3 {
        ids.pfr0 = with_field(ids.pfr0, 0xf << 12, 0);
    }
    if !build.has_pmu {
        ids.dfr0 = with_field(ids.dfr0, 0xf << 8, 0);
    }
    let ids = ids.implemented(name);
    Ok(Aarch64 {
        model: model.name,
        compatible: model.compatible,
        features: ids.features(),
        physical_bits: translation::physical_bits(ids.mmfr0 & 0xf),
        pauth: Pauth::of(&ids),
        ids,
        midr: build.midr,
        revidr: model.revidr,
        ctr: model.ctr,
        clidr: model.clidr,
        caches: model.caches,
        pmcr: model.pmcr,
        sctlr: model.sctlr,
        conduit: build.conduit,
        cores: Cores::new(supply.clock, counter, supply.count, supply.lines),
    })
}

struct Build {
    has_el2: bool,
    has_el3: bool,
    has_pmu: bool,
    conduit: Conduit,
    midr: u64,
    counter: Option<u64>,
    /// For models with pointer authentication.
    pauth: Option<Choice>,
}

/// What properties say of pointer authentication.
#[derive(Clone, Copy)]
struct Choice {
    /// What the chip announces, be the algorithm what it may: 1 to 5.
    level: u64,
    on: bool,
    impdef: bool,
    qarma3: bool,
    qarma5: bool,
    /// The algorithm where none is asked for.
    default: Algorithm,
}

impl Choice {
    fn of(ids: &Ids) -> Option<Choice> {
        let Pauth { level, algorithm: default } = Pauth::of(ids);
        (level != 0).then_some(Choice { level, on: true, impdef: false, qarma3: false, qarma5: false, default })
    }

    /// Puts it into the identification registers.
    fn announce(self, ids: &mut Ids) -> Result<()> {
        let asked = [(self.impdef, Algorithm::Own), (self.qarma3, Algorithm::Qarma3), (self.qarma5, Algorithm::Qarma5)];
        let asked: Vec<Algorithm> = asked.into_iter().filter(|(on, _)| *on).map(|(_, algorithm)| algorithm).collect();
        match asked.as_slice() {
            [] if self.on => self.default.announce(self.level, ids),
            [algorithm] if self.on => algorithm.announce(self.level, ids),
            [] => self.default.announce(0, ids),
            _ if self.on => {
                fail!("cannot enable pauth-impdef, pauth-qarma3 and pauth-qarma5 at the same time")
            }
            _ => {
                fail!("cannot enable pauth-impdef, pauth-qarma3 or pauth-qarma5 without pauth; add pauth=on")
            }
        }
        Ok(())
    }
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
            "has_el2" => Some(&mut self.has_el2),
            "has_el3" => Some(&mut self.has_el3),
            "pmu" => Some(&mut self.has_pmu),
            _ => None,
        };
        if let Some(place) = switched {
            *place = switch(key, value)?;
            return Ok(());
        }
        if let Some(choice) = &mut self.pauth {
            let switched = match key {
                "pauth" => Some(&mut choice.on),
                "pauth-impdef" => Some(&mut choice.impdef),
                "pauth-qarma3" => Some(&mut choice.qarma3),
                "pauth-qarma5" => Some(&mut choice.qarma5),
                "backcompat-pauth-default-use-qarma5" => {
                    let old = switch(key, value)?;
                    choice.default = if old { Algorithm::Qarma5 } else { Algorithm::Own };
                    return Ok(());
                }
                _ => None,
            };
            if let Some(place) = switched {
                *place = switch(key, value)?;
                return Ok(());
            }
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
