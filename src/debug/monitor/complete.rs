//! Tab: what a half-written command can become.

use super::{COMMANDS, Command, INFOS};
use crate::base::dlog;

/// What may stand in place of the last word of `line`, in order, and how many of its bytes that word has.
pub fn candidates(line: &str) -> (Vec<&'static str>, usize) {
    let line = line.trim_start();
    let (before, word) = line.rsplit_once(char::is_whitespace).map_or(("", line), |(before, word)| (before, word));
    let names = |commands: &'static [Command]| commands.iter().flat_map(|row| row.names.split('|')).collect();
    let all: Vec<&'static str> = match before.split_whitespace().collect::<Vec<_>>()[..] {
        [] | ["help" | "?"] => names(COMMANDS),
        ["info"] | ["help" | "?", "info"] => names(INFOS),
        ["log"] => dlog::ITEMS.iter().map(|(name, ..)| *name).collect(),
        _ => Vec::new(),
    };
    // A list goes on behind its last comma.
    let word = if before == "log" { word.rsplit(',').next().unwrap_or(word) } else { word };
    let mut fitting: Vec<&'static str> = all.into_iter().filter(|name| name.starts_with(word)).collect();
    fitting.sort_unstable();
    (fitting, word.len())
}

/// What all of these begin with.
pub fn common<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, rest)) = names.split_first() else { return "" };
    let same = |length: &usize| rest.iter().all(|name| name.get(..*length) == first.get(..*length));
    let length = (0..=first.len()).rev().find(same).unwrap_or(0);
    &first[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_subcommands_and_items_are_completed() {
        let fits = |line: &str| candidates(line).0;
        assert_eq!(fits("system_p"), ["system_powerdown"]);
        assert_eq!(fits("info reg"), ["registers"]);
        assert_eq!(fits("help info reg"), ["registers"]);
        assert_eq!(fits("help gdbs"), ["gdbserver"]);
        assert_eq!((fits("log in_asm,exe"), candidates("log in_asm,exe").1), (vec!["exec"], 3));
        assert!(fits("").len() > 20 && fits("x 0x").is_empty() && fits("nosuch").is_empty());
        assert_eq!(common(&fits("system_")), "system_");
        assert_eq!(common(&["abc"]), "abc");
        assert_eq!(common(&[]), "");
    }
}
