//! QEMU's `key=value,key=value` lists, and the JSON that may stand in their place.
//!
//! A single comma ends a value and `,,` is a comma in it; the first word without `=` is the value of the list's
//! implied key; a later word without `=` is a switch (`server`, `nowait`) where the option allows it.

use crate::base::Result;
use crate::{error, fail};
use serde_json::Value;

/// What a list may hold.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// The key of a first word without `=`; `None` when there is none.
    pub implied: Option<&'static str>,
    /// Whether later words without `=` are switches.
    pub switches: bool,
}

impl Grammar {
    /// A list with an implied key and switches.
    pub const fn loose(implied: &'static str) -> Grammar {
        Grammar { implied: Some(implied), switches: true }
    }

    /// A list with an implied key where every other word needs a value.
    pub const fn strict(implied: &'static str) -> Grammar {
        Grammar { implied: Some(implied), switches: false }
    }

    /// A list without an implied key.
    pub const PLAIN: Grammar = Grammar { implied: None, switches: true };
}

/// One list, from which its reader takes the keys it knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyList {
    items: Vec<(String, String)>,
    /// A word `help` or `?` was among them.
    help: bool,
}

impl KeyList {
    /// Reads `text`, which is a list or a JSON object.
    ///
    /// # Errors
    /// A word that is neither `key=value` nor a switch; JSON that is none.
    pub fn parse(text: &str, grammar: Grammar) -> Result<KeyList> {
        if text.starts_with('{') {
            return KeyList::from_json(text);
        }
        let mut list = KeyList::default();
        for (n, word) in split(text).into_iter().enumerate() {
            let (key, value) = match word.split_once('=') {
                Some((key, value)) => (key.to_string(), value.to_string()),
                None if n == 0 && grammar.implied.is_some() && !is_help(&word) => {
                    (grammar.implied.unwrap_or_default().to_string(), word)
                }
                None if is_help(&word) => {
                    list.help = true;
                    continue;
                }
                None if word.is_empty() => continue,
                None if grammar.switches => (word, "on".to_string()),
                None => fail!("Expected '=' after parameter '{word}'"),
            };
            if key.is_empty() {
                fail!("a value without a name: '={value}'");
            }
            list.items.push((key, value));
        }
        Ok(list)
    }

    fn from_json(text: &str) -> Result<KeyList> {
        let value: Value =
            serde_json::from_str(&crate::base::json::plain(text)).map_err(|e| error!("JSON parse error, {e}"))?;
        let mut list = KeyList::default();
        flatten("", &value, &mut list.items);
        Ok(list)
    }

    /// Adds `key=value` at the end.
    pub fn push(&mut self, key: &str, value: &str) {
        self.items.push((key.into(), value.into()));
    }

    /// Whether the list asks for help.
    pub fn wants_help(&self) -> bool {
        self.help
    }

    /// Takes the value of `key`; of several the last one counts.
    pub fn take(&mut self, key: &str) -> Option<String> {
        let mut last = None;
        self.items.retain(|(name, value)| {
            let hit = name == key;
            if hit {
                last = Some(value.clone());
            }
            !hit
        });
        last
    }

    /// Takes all values of `key`, in the order given.
    pub fn take_all(&mut self, key: &str) -> Vec<String> {
        self.items.extract_if(.., |(name, _)| name == key).map(|(_, value)| value).collect()
    }

    /// Takes a switch: `key=on|off` and its synonyms, or the words `key` and `nokey`.
    ///
    /// # Errors
    /// A value that is neither on nor off.
    pub fn take_switch(&mut self, key: &str) -> Result<Option<bool>> {
        let negated = format!("no{key}");
        if self.items.iter().rev().find(|(name, _)| name == key || *name == negated).is_some_and(|i| i.0 == negated) {
            self.take(key);
            self.take(&negated);
            return Ok(Some(false));
        }
        self.take(key).map(|value| switch(key, &value)).transpose()
    }

    /// Takes a number: decimal or `0x`.
    ///
    /// # Errors
    /// A value that is none.
    pub fn take_number(&mut self, key: &str) -> Result<Option<u64>> {
        self.take(key)
            .map(|value| number(&value).ok_or_else(|| error!("Parameter '{key}' expects a number")))
            .transpose()
    }

    /// Takes a size; a bare number counts `unit` bytes.
    ///
    /// # Errors
    /// A value that is none.
    pub fn take_size(&mut self, key: &str, unit: u64) -> Result<Option<u64>> {
        self.take(key).map(|value| size(key, &value, unit)).transpose()
    }

    /// What nobody took, in the order given.
    pub fn rest(self) -> Vec<(String, String)> {
        self.items
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// A key that nobody took.
    pub fn finish(self) -> Result<()> {
        match self.items.first() {
            Some((key, _)) => Err(error!("Invalid parameter '{key}'")),
            None => Ok(()),
        }
    }
}

/// Whether a word asks for help.
pub fn is_help(word: &str) -> bool {
    word == "help" || word == "?"
}

/// The words of a list, `,,` already undone.
pub fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let last = words.len() - 1;
        match c {
            ',' if chars.peek() == Some(&',') => {
                chars.next();
                words[last].push(',');
            }
            ',' => words.push(String::new()),
            c => words[last].push(c),
        }
    }
    if text.is_empty() { Vec::new() } else { words }
}

/// A switch's value.
///
/// # Errors
/// A value that is neither on nor off.
pub fn switch(key: &str, value: &str) -> Result<bool> {
    match value {
        "on" | "yes" | "true" | "y" => Ok(true),
        "off" | "no" | "false" | "n" => Ok(false),
        _ => Err(error!("Parameter '{key}' expects 'on' or 'off'")),
    }
}

/// A decimal or `0x` number.
pub fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

/// A size in bytes: a number, perhaps with a fraction, perhaps with a suffix B, k, M, G, T, P or E; a bare number counts `unit`
/// bytes.
///
/// # Errors
/// Anything else.
pub fn size(key: &str, text: &str, unit: u64) -> Result<u64> {
    if text.starts_with('-') {
        fail!("Value '{text}' is out of range for parameter '{key}'");
    }
    let bytes = || -> Option<u64> {
        if let Some(plain) = number(text) {
            return plain.checked_mul(unit);
        }
        let (digits, suffix) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let scale = match suffix {
            "b" | "B" => 1u64,
            "k" | "K" => 1 << 10,
            "m" | "M" => 1 << 20,
            "g" | "G" => 1 << 30,
            "t" | "T" => 1 << 40,
            "p" | "P" => 1 << 50,
            "e" | "E" => 1 << 60,
            // A fraction of the unit itself, as in `-m 0.5`.
            _ => return fraction(text, unit),
        };
        match number(digits) {
            Some(whole) => whole.checked_mul(scale),
            None => fraction(digits, scale),
        }
    };
    bytes().ok_or_else(|| {
        error!(
            "Parameter '{key}' expects a non-negative number below 2^64, perhaps with a suffix k, M, G, T, P or E, \
             and got '{text}'"
        )
    })
}

fn fraction(text: &str, scale: u64) -> Option<u64> {
    let (whole, part) = text.split_once('.')?;
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let part = format!("0.{part}").parse::<f64>().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add((part * scale as f64) as u64)
}

/// Nested JSON as dotted keys, the way QEMU names the same things in a list.
fn flatten(prefix: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let join = |key: &str| if prefix.is_empty() { key.to_string() } else { format!("{prefix}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&join(key), value, into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| flatten(&join(&n.to_string()), value, into));
        }
        Value::Null => {}
        Value::Bool(on) => into.push((prefix.into(), if *on { "on" } else { "off" }.into())),
        Value::String(text) => into.push((prefix.into(), text.clone())),
        Value::Number(number) => into.push((prefix.into(), number.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_word_is_the_implied_key_and_double_commas_are_commas() {
        let mut list = KeyList::parse("local,path=/a,,b,readonly", Grammar::loose("fsdriver")).unwrap();
        assert_eq!(list.take("fsdriver").as_deref(), Some("local"));
        assert_eq!(list.take("path").as_deref(), Some("/a,b"));
        assert_eq!(list.take_switch("readonly").unwrap(), Some(true));
        list.finish().unwrap();
    }

    #[test]
    fn a_negated_word_is_a_switch_that_is_off() {
        let mut list = KeyList::parse("server,nowait", Grammar::PLAIN).unwrap();
        assert_eq!(list.take_switch("server").unwrap(), Some(true));
        assert_eq!(list.take_switch("wait").unwrap(), Some(false));
        list.finish().unwrap();
    }

    #[test]
    fn json_becomes_dotted_keys() {
        let mut list = KeyList::parse(r#"{"driver":"x",'a':{'b':[1,true]}}"#, Grammar::PLAIN).unwrap();
        assert_eq!(list.take("driver").as_deref(), Some("x"));
        assert_eq!(list.rest(), [("a.b.0".into(), "1".into()), ("a.b.1".into(), "on".into())]);
    }

    #[test]
    fn sizes_have_suffixes_and_fractions() {
        assert_eq!(size("size", "1024", 1 << 20).unwrap(), 1 << 30);
        assert_eq!(size("size", "1.5G", 1 << 20).unwrap(), 3 << 29);
        assert_eq!(size("size", "0x10k", 1).unwrap(), 16384);
        for bad in ["1Q", "", "foo", "-1", "G", "1.G", "99999999999999999999"] {
            assert!(size("size", bad, 1).is_err(), "{bad}");
        }
    }
}
