//! Which board is meant, and for which instruction set: the program's name, `-arch`, `-M`, or the kernel say it.

use crate::base::Result;
use crate::boot::image::Image;
use crate::cli::Config;
use crate::cli::config::Page as Wanted;
use crate::fail;
use crate::machine::arch;
use crate::machine::page::{Edit, Page, Source, find};

/// The board that an instruction set has when nobody names one. Where QEMU has none, there is none.
const DEFAULTS: &[(&str, &str)] = &[("riscv64", "virt")];

/// Finds the page.
///
/// # Errors
/// When there is none, or several could be meant: the message says what to add.
pub fn source(config: &Config) -> Result<Source> {
    let given = config.arch.map(|arch| arch.name());
    let source = match &config.machine.page {
        Some(Wanted::File(path)) => Source::file(path)?,
        Some(Wanted::Named(name)) => {
            let isa = given.or_else(|| kernel_isa(config));
            find(name, isa)?
        }
        None => match given.or_else(|| kernel_isa(config)) {
            Some(isa) => match DEFAULTS.iter().find(|(of, _)| *of == isa) {
                Some((_, name)) => find(name, Some(isa))?,
                None if arch::find(isa).is_ok() => {
                    fail!("No machine specified, and there is no default: add -M; -M help lists the machines")
                }
                None if given.is_some() => fail!("there is no board for {isa} yet"),
                None => fail!("the kernel is for {isa}, for which there is no board yet"),
            },
            None => fail!("which machine? Add -M (-M help lists them), -arch, or a -kernel that says what it is for"),
        },
    };
    if let (Some(isa), Some(given)) = (source.isa(), given)
        && isa != given
    {
        fail!("board '{}' is for {isa}, and {given} is asked for", source.name());
    }
    Ok(source)
}

/// Reads the page with the command line's properties and edits.
///
/// # Errors
/// What is wrong with any of them.
pub fn choose(config: &Config) -> Result<Page> {
    let edits: Vec<Edit> = config
        .edits
        .iter()
        .map(|edit| Edit {
            part: edit.part.clone(),
            key: edit.key.clone(),
            value: edit.value.clone(),
            given: edit.given.to_string(),
        })
        .collect();
    let cpus = config.smp.topology()?.cpus;
    let props: Vec<_> = config.machine.props.iter().filter(|(key, _)| !key.starts_with("pflash")).cloned().collect();
    Page::read_for(&source(config)?, &props, &edits, Some(cpus))
}

/// What the kernel's file says. A file that cannot be read says nothing here: whoever loads it complains.
fn kernel_isa(config: &Config) -> Option<&'static str> {
    Image::isa_of(config.boot.kernel.as_ref()?)
}
