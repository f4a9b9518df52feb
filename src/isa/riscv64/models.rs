//! CPU models and their properties: what `-cpu` says, with QEMU's names.

use super::Riscv64;
use super::extensions::Extensions;
use super::harts::Harts;
use crate::base::Result;
use crate::fabric::Timebase;
use crate::{error, fail};
use std::sync::Arc;

/// A model as `-cpu help` lists it.
struct Model {
    name: &'static str,
    ext: Extensions,
    levels: u32,
    pmp: bool,
    /// N of the privileged architecture's version 1.N.
    privileged: u32,
    /// `mvendorid`, `marchid`, `mimpid`.
    ids: [u64; 3],
}

/// The newest version of the privileged architecture: 1.13.
const LATEST: u32 = 13;
/// QEMU's default for `pmu-mask`: 16 counters.
const COUNTERS: u32 = 0x7fff8;

/// The set with these extensions.
macro_rules! set {
    ($($name:ident)*) => { Extensions::NONE$(.with(Extensions::$name))* };
}

const GC: Extensions = set!(I M A F D C ZICSR ZIFENCEI S U ZICNTR ZIHPM);
const RV64: Extensions = GC.with(set!(
    ZICBOM ZICBOP ZICBOZ ZIHINTNTL ZIHINTPAUSE ZAWRS ZFA ZBA ZBB ZBC ZBS SSTC SVADU SVVPTC
));
const MAX: Extensions = RV64.with(set!(
    G B ZICOND ZIMOP ZABHA ZACAS ZFH ZFHMIN ZCB ZCMOP ZBKB ZBKC ZBKX SVINVAL SVNAPOT SVPBMT SSCOFPMF
));
const RVA22U64: Extensions = set!(
    I M A F D C B U ZICSR ZICNTR ZIHPM ZICBOM ZICBOP ZICBOZ ZIHINTPAUSE ZFHMIN ZBA ZBB ZBS
);

/// The models, in the order of `-cpu help`. What their makers' own extensions and others bring that are not there, they
/// do without.
static MODELS: &[Model] = &[
    Model { name: "max", ext: MAX, levels: 5, pmp: true, privileged: LATEST, ids: [0; 3] },
    Model { name: "rv64", ext: RV64, levels: 5, pmp: true, privileged: LATEST, ids: [0; 3] },
    Model { name: "rv64i", ext: set!(I), levels: 0, pmp: false, privileged: LATEST, ids: [0; 3] },
    Model {
        name: "rva22s64",
        ext: RVA22U64.with(set!(S ZIFENCEI SVADE SVINVAL SVPBMT)),
        levels: 3,
        pmp: false,
        privileged: 12,
        ids: [0; 3],
    },
    Model { name: "rva22u64", ext: RVA22U64, levels: 0, pmp: false, privileged: LATEST, ids: [0; 3] },
    Model { name: "shakti-c", ext: GC, levels: 3, pmp: true, privileged: 10, ids: [0; 3] },
    Model { name: "sifive-e51", ext: GC.without(set!(F D S)), levels: 0, pmp: true, privileged: 10, ids: [0; 3] },
    Model { name: "sifive-u54", ext: GC, levels: 3, pmp: true, privileged: 10, ids: [0; 3] },
    Model {
        name: "thead-c906",
        ext: GC.with(set!(G ZFH ZFHMIN XTHEADCMO XTHEADSYNC)),
        levels: 3,
        pmp: true,
        privileged: 11,
        ids: [0x5b7, 0, 0],
    },
    Model {
        name: "veyron-v1",
        ext: GC.with(set!(G ZICBOM ZICBOZ ZBA ZBB ZBC ZBS SSCOFPMF SSTC SVINVAL SVNAPOT SVPBMT)),
        levels: 4,
        pmp: true,
        privileged: 12,
        ids: [0x61f, 0x8000_0000_0001_0000, 0x111],
    },
];

/// Properties that are part of an extension, which alone can be switched.
const PARTS: &[(&str, Extensions)] = &[
    ("zaamo", Extensions::A),
    ("zalrsc", Extensions::A),
    ("zmmul", Extensions::M),
    ("zca", Extensions::C),
    ("zcd", Extensions::C.with(Extensions::D)),
];

/// Properties of QEMU's that can only be off here.
const NOT_THERE: &[&str] = &[
    "e",
    "rnmi",
    "rva22s64",
    "rva22u64",
    "rva23s64",
    "rva23u64",
    "smaia",
    "smcdeleg",
    "smcntrpmf",
    "smcsrind",
    "smctr",
    "smdbltrp",
    "smepmp",
    "smmpm",
    "smnpm",
    "smrnmi",
    "smstateen",
    "ssaia",
    "ssccfg",
    "sscsrind",
    "ssctr",
    "ssdbltrp",
    "ssnpm",
    "sspm",
    "supm",
    "sv64",
    "x-misa-w",
    "x-svukte",
    "xtheadba",
    "xtheadbb",
    "xtheadbs",
    "xtheadcmo",
    "xtheadcondmov",
    "xtheadfmemidx",
    "xtheadfmv",
    "xtheadmac",
    "xtheadmemidx",
    "xtheadmempair",
    "xtheadsync",
    "xventanacondops",
    "zama16b",
    "zce",
    "zcf",
    "zcmp",
    "zcmt",
    "zdinx",
    "zfbfmin",
    "zfinx",
    "zhinx",
    "zhinxmin",
    "zicfilp",
    "zicfiss",
    "zk",
    "zkn",
    "zknd",
    "zkne",
    "zknh",
    "zkr",
    "zks",
    "zksed",
    "zksh",
    "zkt",
    "ztso",
    "zvbb",
    "zvbc",
    "zve32f",
    "zve32x",
    "zve64d",
    "zve64f",
    "zve64x",
    "zvfbfmin",
    "zvfbfwma",
    "zvfh",
    "zvfhmin",
    "zvkb",
    "zvkg",
    "zvkn",
    "zvknc",
    "zvkned",
    "zvkng",
    "zvknha",
    "zvknhb",
    "zvks",
    "zvksc",
    "zvksed",
    "zvksg",
    "zvksh",
    "zvkt",
];

/// Properties that say how something is done which is not there, or is not done differently: taken, without effect.
const WITHOUT_EFFECT: &[&str] = &[
    "cbop_blocksize",
    "elen",
    "rnmi-exception-vector",
    "rnmi-interrupt-vector",
    "rvv_ma_all_1s",
    "rvv_ta_all_1s",
    "rvv_vl_half_avl",
    "vext_spec",
    "vlen",
];

/// What an extension cannot do without, with QEMU's name of the former in its complaint.
const NEEDS: &[(Extensions, &str, Extensions, &str)] = &[
    (Extensions::D, "D", Extensions::F, "F"),
    (Extensions::ZFH, "Zfh/Zfhmin", Extensions::ZFHMIN, "Zfhmin"),
    (Extensions::ZFHMIN, "Zfh/Zfhmin", Extensions::F, "F"),
    (Extensions::ZFA, "Zfa", Extensions::F, "F"),
    (Extensions::F, "F", Extensions::ZICSR, "Zicsr"),
    (Extensions::ZACAS, "Zacas", Extensions::A, "Zaamo"),
    (Extensions::ZABHA, "Zabha", Extensions::A, "Zaamo"),
    (Extensions::ZAWRS, "Zawrs", Extensions::A, "A"),
    (Extensions::ZCB, "Zcb", Extensions::C, "Zca"),
    (Extensions::ZCMOP, "Zcmop", Extensions::C, "Zca"),
    (Extensions::S, "S", Extensions::U, "U"),
    (Extensions::S, "S", Extensions::ZICSR, "Zicsr"),
    (Extensions::U, "U", Extensions::ZICSR, "Zicsr"),
    (Extensions::ZICNTR, "zicntr", Extensions::ZICSR, "zicsr"),
    (Extensions::ZIHPM, "zihpm", Extensions::ZICSR, "zicsr"),
    (Extensions::SSTC, "Sstc", Extensions::S, "S"),
    (Extensions::SSCOFPMF, "Sscofpmf", Extensions::ZIHPM, "zihpm"),
];

/// The answer to `-cpu help`.
pub fn list() -> String {
    let names = MODELS.iter().map(|model| format!("  {}\n", model.name));
    std::iter::once("Available CPUs:\n".to_owned()).chain(names).collect()
}

/// What the properties have said so far.
struct Build {
    model: &'static Model,
    ext: Extensions,
    /// Extensions that were switched off by name.
    refused: Extensions,
    /// Sv39, Sv48, Sv57, as far as they were said.
    sv: [Option<bool>; 3],
    mmu: Option<bool>,
    pmp: bool,
    triggers: bool,
    counters: u32,
    ids: [u64; 3],
    reset_vector: u64,
    short: bool,
}

/// The model called `name` with the properties of `-cpu`, for `count` harts whose `time` is `timebase`.
///
/// # Errors
/// The model or a property that does not exist, a value that makes no sense, or something that Mimus does not have.
pub fn build(name: &str, props: &[(String, String)], timebase: Arc<Timebase>, count: u32) -> Result<Riscv64> {
    let model = MODELS.iter().find(|model| model.name == name);
    let model = model.ok_or_else(|| error!("unable to find CPU model '{name}'"))?;
    let mut build = Build {
        model,
        ext: model.ext,
        refused: Extensions::NONE,
        sv: [None; 3],
        mmu: None,
        pmp: model.pmp,
        triggers: true,
        counters: COUNTERS,
        ids: model.ids,
        reset_vector: 0x1000,
        short: false,
    };
    for (key, value) in props {
        let said = format!("can't apply global {name}-riscv-cpu.{key}={value}");
        build.apply(key, value).map_err(|e| e.within(said))?;
    }
    build.complete()?;
    Ok(Riscv64 {
        model: model.name,
        ext: build.ext,
        levels: build.levels()?,
        pmp: build.pmp,
        privileged: model.privileged,
        triggers: build.triggers,
        counters: if build.ext.has(Extensions::ZIHPM) { build.counters } else { 0 },
        ids: build.ids,
        reset_vector: build.reset_vector,
        short_isa: build.short,
        harts: Harts::new(timebase, count),
    })
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

/// Programmable counters, a bit each: not those of `cycle`, `time` and `instret`, which are there in any case.
fn counters(key: &str, value: &str) -> Result<u32> {
    match u32::try_from(number(key, value)?) {
        Ok(mask) if mask & 7 == 0 => Ok(mask),
        _ => Err(error!("Parameter '{key}' expects a mask of 32 bits, of which the lowest three are 0")),
    }
}

impl Build {
    fn apply(&mut self, given: &str, value: &str) -> Result<()> {
        // A few have a capital for a synonym: Zifencei.
        let key = given.strip_prefix('Z').map_or_else(|| given.to_owned(), |rest| format!("z{rest}"));
        let key = key.as_str();
        let switch = || switch(given, value);
        if let Some((extension, _)) = Extensions::ALL.iter().find(|(_, name)| *name == key && key != "g") {
            return self.extension(key, *extension, switch()?);
        }
        if let Some((_, whole)) = PARTS.iter().find(|(name, _)| *name == key) {
            if switch()? != self.ext.has(*whole) {
                fail!("'{key}' cannot be switched apart from the extension that it is part of");
            }
            return Ok(());
        }
        if NOT_THERE.contains(&key) {
            if switch()? {
                fail!("Mimus does not have '{key}'");
            }
            return Ok(());
        }
        match key {
            "g" => {
                for part in [set!(I), set!(M), set!(A), set!(F), set!(D), set!(ZICSR), set!(ZIFENCEI), set!(G)] {
                    self.extension(key, part, switch()?)?;
                }
            }
            "mmu" => self.mmu = Some(switch()?),
            "pmp" => self.pmp = switch()?,
            "debug" => self.triggers = switch()?,
            "pmu-mask" => self.counters = counters(given, value)?,
            "pmu-num" => {
                let count = number(given, value)?;
                if count > 29 {
                    fail!("Number of counters exceeds maximum available: 29");
                }
                self.counters = (crate::base::bits::mask(count as u32) << 3) as u32;
            }
            "sv39" => self.sv[0] = Some(switch()?),
            "sv48" => self.sv[1] = Some(switch()?),
            "sv57" => self.sv[2] = Some(switch()?),
            "short-isa-string" => self.short = switch()?,
            "mvendorid" => self.ids[0] = number(given, value)?,
            "marchid" => self.ids[1] = number(given, value)?,
            "mimpid" => self.ids[2] = number(given, value)?,
            "resetvec" => self.reset_vector = number(given, value)?,
            "cbom_blocksize" | "cboz_blocksize" => {
                if number(given, value)? != super::helpers::CACHE_BLOCK {
                    fail!("Mimus has cache blocks of {} bytes only", super::helpers::CACHE_BLOCK);
                }
            }
            "priv_spec" => {
                if !matches!(value, "v1.12.0" | "v1.13.0" | "latest") {
                    fail!("Mimus has the privileged architecture v1.13.0 only");
                }
            }
            _ if WITHOUT_EFFECT.contains(&key) => {}
            _ => fail!("Property '{}-riscv-cpu.{given}' not found", self.model.name),
        }
        Ok(())
    }

    fn extension(&mut self, key: &str, extension: Extensions, on: bool) -> Result<()> {
        if on && [Extensions::V, Extensions::H].contains(&extension) {
            fail!("Mimus does not have '{key}' yet");
        }
        if !on && extension == Extensions::I {
            fail!("Mimus has no harts without '{key}'");
        }
        if on {
            self.ext = self.ext.with(extension);
            self.refused = self.refused.without(extension);
            if extension == Extensions::B {
                self.ext = self.ext.with(set!(ZBA ZBB ZBS));
            }
        } else {
            self.ext = self.ext.without(extension);
            self.refused = self.refused.with(extension);
        }
        Ok(())
    }

    /// Adds what extensions imply, unless that was switched off.
    fn complete(&mut self) -> Result<()> {
        for _ in 0..NEEDS.len() {
            for (extension, name, needs, needed) in NEEDS {
                if !self.ext.has(*extension) || self.ext.has(*needs) {
                    continue;
                }
                if self.refused.has(*needs) {
                    fail!("{name} extension requires {needed} extension");
                }
                self.ext = self.ext.with(*needs);
            }
        }
        if !self.ext.has(set!(ZBA ZBB ZBS)) {
            self.ext = self.ext.without(Extensions::B);
        }
        if !self.ext.has(set!(M A F D ZICSR ZIFENCEI)) {
            self.ext = self.ext.without(Extensions::G);
        }
        Ok(())
    }

    /// The levels of the largest page tables.
    fn levels(&self) -> Result<u32> {
        let most = match self.sv {
            [_, _, Some(true)] => 5,
            [_, Some(true), _] => 4,
            [Some(true), ..] => 3,
            [_, _, None] if self.model.levels == 5 => 5,
            [_, None, _] if self.model.levels >= 4 => 4,
            [None, ..] if self.model.levels >= 3 => 3,
            _ => 0,
        };
        let below = &self.sv[..(most as usize).saturating_sub(3)];
        if let Some(n) = below.iter().position(|said| *said == Some(false)) {
            // The manual has each scheme imply those below it.
            fail!("Can't disable sv{} as sv{} is enabled", 39 + 9 * n, 39 + 9 * (most - 3));
        }
        let wanted = self.mmu != Some(false) && self.ext.has(Extensions::S);
        Ok(if wanted { most } else { 0 })
    }
}
