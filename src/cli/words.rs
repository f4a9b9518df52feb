//! From `argv` to options with their values, in order.
//!
//! QEMU takes `-kernel` and `--kernel` alike, so words are first written as clap knows them (`--kernel=VALUE`; whether
//! the next word is a value is the table's to say); clap then checks them, and its complaints get QEMU's words.

use super::options::{ALIASES, Opt, SECTIONS, find};
use crate::base::{Error, Result};
use crate::{error, fail};
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// One occurrence of an option.
pub struct Arg<'a> {
    /// The option; `None`: a bare word, a disk image.
    pub option: Option<&'static Opt>,
    /// As the user wrote it, dashes and all.
    pub spelled: &'a str,
    /// Its value, empty when it takes none.
    pub value: String,
}

impl Arg<'_> {
    /// The words, for messages.
    pub fn given(&self) -> super::config::Given {
        super::config::Given(match self.option {
            Some(option) if option.value.is_some() && !self.spelled.contains('=') => {
                format!("{} {}", self.spelled, self.value)
            }
            _ => self.spelled.to_string(),
        })
    }
}

/// Splits the words after `argv[0]`.
///
/// # Errors
/// An unknown option, or one without its value.
pub fn read(words: &[String]) -> Result<Vec<Arg<'_>>> {
    let mut spelled = Vec::new();
    let mut normal = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        spelled.push(word.as_str());
        let Some(name) = word.strip_prefix("--").or_else(|| word.strip_prefix('-')) else {
            normal.push(word.clone());
            continue;
        };
        match find(name) {
            Some(Opt { value: Some(_), name, .. }) => match rest.next() {
                Some(value) => normal.push(format!("--{name}={value}")),
                None => normal.push(format!("--{name}")),
            },
            Some(Opt { name, .. }) => normal.push(format!("--{name}")),
            // clap would take these for itself.
            None if name.is_empty() => fail!("{word}: invalid option"),
            None => normal.push(format!("--{name}")),
        }
    }
    let matches = command().try_get_matches_from(&normal).map_err(|e| explain(&e, &normal, &spelled))?;

    // clap groups by option; the order across options is in the indices.
    let mut found: Vec<(usize, Option<&'static Opt>, String)> = Vec::new();
    let mut collect = |option: Option<&'static Opt>, id: &str| {
        if let (Some(indices), Some(values)) = (matches.indices_of(id), matches.get_many::<String>(id)) {
            found.extend(indices.zip(values).map(|(index, value)| (index, option, value.clone())));
        }
    };
    SECTIONS.iter().flat_map(|(_, options)| options.iter()).for_each(|option| collect(Some(option), option.name));
    collect(None, IMAGE);
    found.sort_by_key(|(index, ..)| *index);
    Ok(found.into_iter().zip(spelled).map(|((_, option, value), spelled)| Arg { option, spelled, value }).collect())
}

const IMAGE: &str = "disk_image";

fn command() -> clap::Command {
    let options = SECTIONS.iter().flat_map(|(_, options)| options.iter()).map(|option| {
        let aliases = ALIASES.iter().filter(|(_, real)| *real == option.name).map(|(alias, _)| *alias);
        let arg = clap::Arg::new(option.name).long(option.name).aliases(aliases).action(clap::ArgAction::Append);
        match option.value {
            Some(_) => arg.num_args(1).require_equals(true),
            None => arg.num_args(0).default_missing_value(""),
        }
    });
    clap::Command::new("mimus")
        .no_binary_name(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .args(options)
        .arg(clap::Arg::new(IMAGE).num_args(0..).action(clap::ArgAction::Append))
}

/// clap's complaint in QEMU's words, with the option as the user spelled it.
fn explain(complaint: &clap::Error, normal: &[String], spelled: &[&str]) -> Error {
    let name = match complaint.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(text)) => text.split(['=', ' ']).next().unwrap_or_default(),
        _ => return error!("{complaint}"),
    };
    let at = normal.iter().position(|word| word.split('=').next() == Some(name));
    let spelled = at.map_or(name, |at| spelled[at]);
    match complaint.kind() {
        ErrorKind::UnknownArgument => error!("{spelled}: invalid option"),
        ErrorKind::NoEquals | ErrorKind::InvalidValue => error!("{spelled}: requires an argument"),
        ErrorKind::TooManyValues => error!("{spelled}: takes no argument"),
        _ => error!("{spelled}: {complaint}"),
    }
}
