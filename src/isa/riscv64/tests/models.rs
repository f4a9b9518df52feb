use super::*;
use crate::fabric::NodeProp;
use crate::isa::riscv64::Riscv64;
use crate::isa::riscv64::extensions::Extensions;

fn build(model: &str, props: &[(&str, &str)]) -> Result<Riscv64, String> {
    let props: Vec<(String, String)> = props.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    cpu_models::build(model, &props, Timebase::new(Clock::new(), 10_000_000), 1).map_err(|e| e.to_string())
}

#[test]
fn every_listed_model_builds() {
    let list = cpu_models::list();
    let mut lines = list.lines();
    assert_eq!(lines.next(), Some("Available CPUs:"));
    let names: Vec<&str> = lines.map(str::trim).collect();
    assert!(names.contains(&"rv64") && names.contains(&"max"));
    for name in names {
        build(name, &[]).unwrap();
    }
}

#[test]
fn rv64_says_what_qemus_says_but_for_v_and_h() {
    let isa = build("rv64", &[]).unwrap();
    assert_eq!(
        isa.isa_string(),
        "rv64imafdc_zic64b_zicbom_zicbop_zicboz_ziccamoa_ziccif_zicclsm_ziccrse_zicntr_zicsr_zifencei_zihintntl_\
         zihintpause_zihpm_zmmul_za64rs_zaamo_zalrsc_zawrs_zfa_zca_zcd_zba_zbb_zbc_zbs_ssccptr_sscounterenw_sstc_\
         sstvala_sstvecd_ssu64xl_svadu_svvptc"
    );
    let node = isa.tree();
    let prop = |name: &str| node.props.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    assert_eq!(prop("mmu-type"), Some(NodeProp::Strings(vec!["riscv,sv57".into()])));
    assert_eq!(prop("riscv,cboz-block-size"), Some(NodeProp::Cells(vec![64])));
    assert_eq!(build("rv64", &[("short-isa-string", "on")]).unwrap().isa_string(), "rv64imafdc");
    assert!(build("max", &[]).unwrap().isa_string().starts_with("rv64imafdcb_"));
}

#[test]
fn models_of_makers_say_what_qemus_say_but_for_what_is_not_there() {
    for (model, string, ids) in [
        ("sifive-u54", "rv64imafdc_zicntr_zicsr_zifencei_zihpm", [0; 3]),
        ("sifive-e51", "rv64imac_zicntr_zicsr_zifencei_zihpm", [0; 3]),
        ("shakti-c", "rv64imafdc_zicntr_zicsr_zifencei_zihpm", [0; 3]),
        (
            "thead-c906",
            "rv64imafdc_ziccamoa_ziccif_zicclsm_ziccrse_zicntr_zicsr_zifencei_zihpm_zfh_zfhmin_ssccptr_\
             xtheadcmo_xtheadsync",
            [0x5b7, 0, 0],
        ),
        (
            "veyron-v1",
            "rv64imafdc_zic64b_zicbom_zicboz_ziccamoa_ziccif_zicclsm_ziccrse_zicntr_zicsr_zifencei_zihpm_zmmul_\
             za64rs_zaamo_zalrsc_zca_zcd_zba_zbb_zbc_zbs_ssccptr_sscofpmf_sscounterenw_sstc_sstvala_sstvecd_ssu64xl_\
             svinval_svnapot_svpbmt",
            [0x61f, 0x8000_0000_0001_0000, 0x111],
        ),
        (
            "rva22s64",
            "rv64imafdcb_zic64b_zicbom_zicbop_zicboz_ziccamoa_ziccif_zicclsm_ziccrse_zicntr_zicsr_zifencei_\
             zihintpause_zihpm_zmmul_za64rs_zaamo_zalrsc_zfhmin_zca_zcd_zba_zbb_zbs_ssccptr_sscounterenw_sstvala_\
             sstvecd_ssu64xl_svade_svinval_svpbmt",
            [0; 3],
        ),
    ] {
        let isa = build(model, &[]).unwrap();
        assert_eq!((isa.isa_string().as_str(), isa.ids), (string, ids), "{model}");
    }
}

#[test]
fn old_models_lack_what_came_later() {
    for (model, inhibit, environment) in
        [("sifive-u54", false, false), ("thead-c906", true, false), ("veyron-v1", true, true)]
    {
        let mut cpu = harts(model, "", 1, false).remove(0);
        assert_eq!(read(&mut cpu, "mcountinhibit").is_ok(), inhibit, "{model}");
        assert_eq!(read(&mut cpu, "menvcfg").is_ok(), environment, "{model}");
        assert_eq!(read(&mut cpu, "senvcfg").is_ok(), environment, "{model}");
        assert_eq!(read(&mut cpu, "th_sxstatus").is_ok(), model == "thead-c906");
    }
}

#[test]
fn properties_switch_extensions() {
    let isa = build("rv64", &[("zbb", "off"), ("zicond", "on"), ("Zawrs", "false"), ("sstc", "no")]).unwrap();
    assert!(isa.ext.has(Extensions::ZICOND) && isa.ext.has(Extensions::ZBA));
    for gone in [Extensions::ZBB, Extensions::ZAWRS, Extensions::SSTC] {
        assert!(!isa.ext.has(gone));
    }
    assert!(build("rv64i", &[("g", "on")]).unwrap().ext.has(Extensions::D.with(Extensions::ZIFENCEI)));
    let misa = |model: &str, props: &str| read(&mut harts(model, props, 1, false)[0], "misa");
    assert_eq!(
        [misa("rv64", ""), misa("max", ""), misa("max", "d=off,zfa=off")].map(|misa| misa.unwrap() >> 6 & 1),
        [0, 1, 0]
    );
    assert!(build("rv64i", &[("zcb", "on")]).unwrap().ext.has(Extensions::C), "what is implied comes along");
    let off = ["v", "h", "zvbb", "smaia", "zk"].map(|name| (name, "off"));
    assert_eq!(build("rv64", &off).unwrap().ext, build("rv64", &[]).unwrap().ext, "what is not there may be off");
    let isa = build("rv64", &[("mvendorid", "0x123"), ("resetvec", "4096"), ("vlen", "256")]).unwrap();
    assert_eq!((isa.ids[0], isa.reset_vector), (0x123, 4096));
}

#[test]
fn translation_schemes_follow_their_switches() {
    let levels = |props: &[(&str, &str)]| build("rv64", props).map(|isa| isa.levels);
    assert_eq!(levels(&[]), Ok(5));
    assert_eq!(levels(&[("sv57", "off")]), Ok(4));
    assert_eq!(levels(&[("sv57", "off"), ("sv48", "off")]), Ok(3));
    assert_eq!(levels(&[("mmu", "off")]), Ok(0));
    assert_eq!(levels(&[("sv39", "off"), ("sv48", "off"), ("sv57", "off")]), Ok(0));
    assert!(levels(&[("sv48", "off")]).unwrap_err().contains("sv48"));
    assert_eq!(build("sifive-u54", &[]).unwrap().levels, 3);
    assert_eq!(build("sifive-u54", &[("sv48", "on")]).unwrap().levels, 4);
}

#[test]
fn mistakes_are_named_as_qemu_names_them() {
    for (model, props, expected) in [
        ("rv65", vec![], "unable to find CPU model 'rv65'"),
        (
            "rv64",
            vec![("foo", "on")],
            "can't apply global rv64-riscv-cpu.foo=on: Property 'rv64-riscv-cpu.foo' not found",
        ),
        (
            "rv64",
            vec![("zbb", "maybe")],
            "can't apply global rv64-riscv-cpu.zbb=maybe: Parameter 'zbb' expects 'on' or 'off'",
        ),
        ("rv64", vec![("v", "on")], "can't apply global rv64-riscv-cpu.v=on: Mimus does not have 'v' yet"),
        ("rv64", vec![("h", "on")], "can't apply global rv64-riscv-cpu.h=on: Mimus does not have 'h' yet"),
        ("max", vec![("smaia", "on")], "can't apply global max-riscv-cpu.smaia=on: Mimus does not have 'smaia'"),
        ("rv64", vec![("f", "off")], "D extension requires F extension"),
        ("rv64", vec![("f", "off"), ("d", "off")], "Zfa extension requires F extension"),
        (
            "rv64",
            vec![("mimpid", "x")],
            "can't apply global rv64-riscv-cpu.mimpid=x: Parameter 'mimpid' expects uint64",
        ),
    ] {
        assert_eq!(build(model, &props).err().as_deref(), Some(expected));
    }
    assert!(build("rv64", &[("zca", "off")]).is_err(), "a part of C");
    assert!(build("rv64", &[("cboz_blocksize", "128")]).is_err());
    assert!(build("rv64", &[("priv_spec", "v1.10.0")]).is_err());
    assert!(build("rv64", &[("i", "off")]).is_err());
    assert!(build("rv64", &[("pmu-mask", "7")]).is_err());
    assert!(build("rv64", &[("pmu-num", "30")]).is_err());
}
