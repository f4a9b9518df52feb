//! Where pages come from: the embedded ones, and files of a user's own.

use super::{Item, Origin, Table, leave_out};
use crate::base::{Result, os_text};
use crate::{error, fail};
use std::fmt::Write;
use std::path::Path;

/// The embedded pages: the name under which `extends` finds them, and the text. One line a board.
const PAGES: &[(&str, &str)] = &[
    ("aarch64-virt", include_str!("../../../machines/aarch64-virt.toml")),
    ("riscv64-virt", include_str!("../../../machines/riscv64-virt.toml")),
];

/// How deep `extends` may go: deeper is a circle.
const DEEPEST: u32 = 8;

/// A page that has been found and not read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What errors call it.
    file: String,
    text: String,
    /// The version of the board that is meant; the newest otherwise.
    version: Option<String>,
}

impl Source {
    /// A page in memory; `file` is what errors call it.
    pub fn text(file: &str, text: &str) -> Source {
        Source { file: file.into(), text: text.into(), version: None }
    }

    /// A user's own page.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn file(path: &Path) -> Result<Source> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| error!("could not read board '{}': {}", path.display(), os_text(&e)))?;
        Ok(Source { file: path.display().to_string(), text, version: None })
    }

    /// The board's name, or what the page is called when it has none.
    pub fn name(&self) -> String {
        self.head("name").unwrap_or_else(|| self.file.clone())
    }

    /// The instruction set that the page says.
    pub fn isa(&self) -> Option<String> {
        self.head("isa")
    }

    /// The whole table, everything that it extends included.
    pub(super) fn table(&self) -> Result<Table> {
        let mut table = self.table_at(0)?;
        // What an older version lacks, those before it lack, too.
        for (version, change) in table.take_table("version")? {
            if self.version.is_none() {
                break;
            }
            let mut change = change.table()?;
            if let Some(without) = change.take("without") {
                leave_out(&mut table, &without)?;
            }
            table.merge(change);
            if self.version.as_ref() == Some(&version) {
                break;
            }
        }
        Ok(table)
    }

    /// The names of the board's versions, newest first.
    fn versions(&self) -> Vec<String> {
        let versions = self.table_at(0).and_then(|mut table| table.take_table("version")).unwrap_or_default();
        versions.keys().map(String::from).collect()
    }

    /// The source itself, or an older version of it, where `name` is the board's.
    fn called(&self, name: &str) -> Option<Source> {
        let board = self.name();
        let full = format!("{}-{board}", self.isa().unwrap_or_default());
        let rest = name.strip_prefix(&full).or_else(|| name.strip_prefix(&board))?;
        match rest.strip_prefix('-') {
            None => rest.is_empty().then(|| self.clone()),
            Some(version) => {
                let version = self.versions().into_iter().find(|known| known == version)?;
                Some(Source { version: Some(version), ..self.clone() })
            }
        }
    }

    fn table_at(&self, depth: u32) -> Result<Table> {
        let mut table = Item::parse(&self.file, &self.text)?.table()?;
        let Some(parent) = table.take("extends") else {
            return match table.get("without") {
                None => Ok(table),
                Some(without) => {
                    Err(without.origin.error("'without' goes with 'extends': it leaves out parts of that page"))
                }
            };
        };
        let name = parent.text()?;
        if depth == DEEPEST {
            return Err(parent.origin.error(format!("'extends' goes in a circle, or deeper than {DEEPEST} pages")));
        }
        let source = match PAGES.iter().find(|(page, _)| *page == name) {
            Some((_, text)) => Source::text(&file_of(&name), text),
            None => {
                let beside = Path::new(&self.file).parent().unwrap_or(Path::new("")).join(&name);
                Source::file(&beside).map_err(|e| parent.origin.error(e))?
            }
        };
        let mut base = source.table_at(depth + 1)?;
        if let Some(without) = table.take("without") {
            leave_out(&mut base, &without)?;
        }
        base.merge(table);
        Ok(base)
    }

    /// The page as errors about all of it call it.
    pub(super) fn origin(&self) -> Origin {
        Origin::flag(&self.file)
    }

    fn head(&self, key: &str) -> Option<String> {
        self.table().ok()?.get(key)?.text().ok()
    }
}

fn file_of(page: &str) -> String {
    format!("machines/{page}.toml")
}

/// All embedded pages.
pub fn embedded() -> Vec<Source> {
    PAGES.iter().map(|(page, text)| Source::text(&file_of(page), text)).collect()
}

/// The embedded page of the board `name`, which may say its instruction set itself (`riscv64-virt`).
///
/// # Errors
/// When there is none, or several and nothing says which instruction set is meant.
pub fn find(name: &str, isa: Option<&str>) -> Result<Source> {
    let named: Vec<Source> = embedded().iter().filter_map(|source| source.called(name)).collect();
    let named: Vec<&Source> = named.iter().collect();
    let meant: Vec<&Source> =
        named.iter().filter(|source| isa.is_none_or(|isa| source.isa().as_deref() == Some(isa))).copied().collect();
    match (meant.as_slice(), named.as_slice()) {
        ([one], _) => Ok((*one).clone()),
        ([], []) => fail!("unsupported machine type: \"{name}\"\nUse -machine help to list supported machines"),
        ([], others) => {
            let isas: Vec<String> = others.iter().filter_map(|source| source.isa()).collect();
            fail!("there is no board '{name}' for {}, only for {}", isa.unwrap_or("it"), isas.join(", "))
        }
        (several, _) => {
            let isas: Vec<String> = several.iter().filter_map(|source| source.isa()).collect();
            fail!("board '{name}' exists for {}: add -arch and one of these", isas.join(", "))
        }
    }
}

/// The answer to `-M help`, for one instruction set or for all.
pub fn machines_help(isa: Option<&str>) -> String {
    let mut text = String::from("Supported machines are:\n");
    for source in embedded() {
        let (name, its_isa) = (source.name(), source.isa().unwrap_or_default());
        let summary = source.head("summary").unwrap_or_default();
        let (name, wanted) = match isa {
            Some(isa) => (name, isa == its_isa),
            None => (format!("{its_isa}-{name}"), true),
        };
        if wanted {
            // Writing to a string cannot fail.
            let versions = source.versions();
            let alias = versions.first().map_or(String::new(), |newest| format!(" (alias of {name}-{newest})"));
            let _ = writeln!(text, "{name:<20} {summary}{alias}");
            for version in versions {
                let _ = writeln!(text, "{:<20} {summary} of QEMU {version}", format!("{name}-{version}"));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_found_by_either_name() {
        assert_eq!(find("virt", Some("riscv64")).unwrap(), find("riscv64-virt", None).unwrap());
        let old = find("aarch64-virt-6.1", None).unwrap();
        assert_eq!(old, find("virt-6.1", Some("aarch64")).unwrap());
        let its =
            |source: &Source| source.table().unwrap().inside("option.its").unwrap().take("default").unwrap().text();
        assert_eq!(
            (its(&old).unwrap(), its(&find("virt-6.2", Some("aarch64")).unwrap()).unwrap()),
            ("off".into(), "on".into())
        );
        assert!(find("virt-6.3", Some("aarch64")).is_err());
        assert!(find("virt", Some("vax")).unwrap_err().to_string().contains("only for"));
        assert!(find("nosuch", None).unwrap_err().to_string().starts_with("unsupported machine type: \"nosuch\""));
        assert!(machines_help(Some("riscv64")).contains("\nvirt "));
    }

    #[test]
    fn a_circle_of_pages_is_an_error() {
        let dir = std::env::temp_dir().join(format!("mimus-pages-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let path = dir.join("a.toml");
        std::fs::write(&path, "extends = \"a.toml\"\n").unwrap();
        let error = Source::file(&path).unwrap().table().unwrap_err();
        assert!(error.to_string().contains("circle"), "{error}");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
