//! TOML as a tree in which every value knows the line that it came from, so that an error about a merged page names
//! the file that is to be changed.

use crate::base::{Error, Errors, Result, nearest};
use crate::{error, fail};
use std::fmt;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// Where something was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    source: Arc<str>,
    /// Counted from 1; 0 where lines mean nothing (a flag).
    line: usize,
}

impl Origin {
    /// A flag of the command line, as the user wrote it.
    pub fn flag(words: &str) -> Origin {
        Origin { source: words.into(), line: 0 }
    }

    /// An error about what was said here.
    pub fn error(&self, text: impl fmt::Display) -> Error {
        error!("{self}: {text}")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.source),
            line => write!(f, "{}:{line}", self.source),
        }
    }
}

/// A value and where it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Where.
    pub origin: Origin,
    /// What.
    pub value: Value,
}

/// A value; the kinds that pages use.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `"text"`.
    Text(String),
    /// `0x1000`, without a sign.
    Number(u64),
    /// `true` or `false`.
    Switch(bool),
    /// `[a, b]`.
    List(Vec<Item>),
    /// `{ a = 1 }` or `[a]`.
    Table(Table),
}

/// A table, its keys in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(Vec<(String, Item)>);

impl Item {
    /// Reads a TOML text; `source` is what errors call it.
    ///
    /// # Errors
    /// The first thing that is not TOML or that no page can contain, with its line.
    pub fn parse(source: &str, text: &str) -> Result<Item> {
        let reader = Reader { source: source.into(), text };
        match DeTable::parse(text) {
            Ok(table) => {
                let origin = reader.origin(table.span().start);
                Ok(Item { origin, value: Value::Table(reader.table(table.get_ref())?) })
            }
            Err(e) => Err(reader.origin(e.span().map_or(0, |span| span.start)).error(e.message())),
        }
    }

    /// The value that a flag gives: TOML where it is that, and otherwise the text itself.
    pub fn of_flag(origin: &Origin, text: &str) -> Item {
        let parsed = Item::parse("", &format!("value = {text}")).ok().and_then(|item| match item.value {
            Value::Table(mut table) => table.take("value").map(|item| item.value),
            _ => None,
        });
        Item { origin: origin.clone(), value: parsed.unwrap_or_else(|| Value::Text(text.into())) }
    }

    /// The text.
    ///
    /// # Errors
    /// When it is something else.
    pub fn text(&self) -> Result<String> {
        match &self.value {
            Value::Text(text) => Ok(text.clone()),
            _ => Err(self.origin.error("a text in quotes is expected here")),
        }
    }

    /// The number; a text with a K, M, G or T suffix is one, too.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self) -> Result<u64> {
        let number = match &self.value {
            Value::Number(number) => Some(*number),
            Value::Text(text) => crate::hw::parse_number(text),
            _ => None,
        };
        number.ok_or_else(|| self.origin.error("a number is expected here, such as 0x1000 or \"64M\""))
    }

    /// The list; a lone value is a list of one.
    pub fn list(&self) -> Vec<Item> {
        match &self.value {
            Value::List(items) => items.clone(),
            _ => vec![self.clone()],
        }
    }

    /// The table.
    ///
    /// # Errors
    /// When it is something else.
    pub fn table(self) -> Result<Table> {
        match self.value {
            Value::Table(table) => Ok(table),
            _ => Err(self.origin.error("a table is expected here")),
        }
    }

    /// The value as the text that a part's property is given as.
    ///
    /// # Errors
    /// When it is a list or a table.
    pub fn as_property(&self) -> Result<String> {
        match &self.value {
            Value::Text(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Switch(on) => Ok(if *on { "on" } else { "off" }.into()),
            Value::List(_) | Value::Table(_) => Err(self.origin.error("a property is a text, a number, true or false")),
        }
    }
}

impl Table {
    /// Takes a value out.
    pub fn take(&mut self, key: &str) -> Option<Item> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    /// Takes a table out; an empty one when there is none.
    ///
    /// # Errors
    /// When the value is no table.
    pub fn take_table(&mut self, key: &str) -> Result<Table> {
        self.take(key).map_or(Ok(Table::default()), Item::table)
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Looks at a value.
    pub fn get(&self, key: &str) -> Option<&Item> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, item)| item)
    }

    /// The table that a path of keys leads to.
    pub fn inside(&mut self, path: &str) -> Option<&mut Table> {
        path.split('.').try_fold(self, |table, key| match &mut table.get_mut(key)?.value {
            Value::Table(inner) => Some(inner),
            _ => None,
        })
    }

    /// Looks at a value in order to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Item> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, item)| item)
    }

    /// Sets a value, in the place of an earlier one.
    pub fn set(&mut self, key: &str, item: Item) {
        match self.get_mut(key) {
            Some(old) => *old = item,
            None => self.0.push((key.into(), item)),
        }
    }

    /// Lays `over` on top: tables are merged, all else is replaced.
    pub fn merge(&mut self, over: Table) {
        for (key, item) in over.0 {
            match (self.get_mut(&key), item) {
                (Some(Item { value: Value::Table(old), .. }), Item { value: Value::Table(new), .. }) => old.merge(new),
                (_, item) => self.set(&key, item),
            }
        }
    }

    /// Refuses keys that nobody took; `what` is the table's name for the message, and `known` what it can have.
    pub fn finish(self, what: &str, known: &[&str], errors: &mut Errors) {
        for (key, item) in self.0 {
            errors.add(item.origin.error(format!("{what} has no key '{key}'{}", nearest(&key, known.iter().copied()))));
        }
    }
}

impl IntoIterator for Table {
    type Item = (String, Item);
    type IntoIter = std::vec::IntoIter<(String, Item)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

struct Reader<'a> {
    source: Arc<str>,
    text: &'a str,
}

impl Reader<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        Origin { source: self.source.clone(), line: 1 + before.iter().filter(|&&byte| byte == b'\n').count() }
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Table> {
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
            let key: &std::borrow::Cow<'_, str> = key.get_ref();
            Ok((key.to_string(), self.item(value)?))
        };
        Ok(Table(keys.into_iter().map(entry).collect::<Result<_>>()?))
    }

    fn item(&self, value: &toml::Spanned<DeValue<'_>>) -> Result<Item> {
        let origin = self.origin(value.span().start);
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Number(number),
                Err(_) => fail!("{origin}: '{}' is not between 0 and 2^64-1", number.as_str()),
            },
            DeValue::Boolean(on) => Value::Switch(*on),
            DeValue::Array(list) => Value::List(list.iter().map(|item| self.item(item)).collect::<Result<_>>()?),
            DeValue::Table(table) => Value::Table(self.table(table)?),
            DeValue::Float(_) | DeValue::Datetime(_) => fail!("{origin}: no key of a board page has such a value"),
        };
        Ok(Item { origin, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        Item::parse("a.toml", text).unwrap().table().unwrap()
    }

    #[test]
    fn keys_keep_their_order_and_their_lines() {
        let table = table("b = 1\na = \"x\"\n[part.z]\nat = 0x10\n");
        let keys: Vec<(String, String)> = table.into_iter().map(|(k, item)| (k, item.origin.to_string())).collect();
        assert_eq!(keys[0], ("b".into(), "a.toml:1".into()));
        assert_eq!(keys[1], ("a".into(), "a.toml:2".into()));
        assert_eq!(keys[2].0, "part");
    }

    #[test]
    fn a_merge_replaces_leaves_and_keeps_the_rest() {
        let mut base = table("[part.a]\nat = 1\nirq = \"x\"\n");
        base.merge(table("[part.a]\nat = 2\n[part.b]\nat = 3\n"));
        let mut parts = base.take_table("part").unwrap();
        let mut a = parts.take("a").unwrap().table().unwrap();
        assert_eq!(a.take("at").unwrap().number(), Ok(2));
        assert_eq!(a.take("irq").unwrap().text(), Ok("x".into()));
        assert!(parts.take("b").is_some());
    }

    #[test]
    fn errors_name_file_and_line() {
        let error = Item::parse("a.toml", "x = 1\ny = \n").unwrap_err();
        assert!(error.to_string().starts_with("a.toml:2: "), "{error}");
        let mut errors = Errors::default();
        table("x = 1\nsizes = 2\n").finish("the page", &["size"], &mut errors);
        let error = errors.finish().unwrap_err().to_string();
        assert_eq!(error, "a.toml:1: the page has no key 'x'\na.toml:2: the page has no key 'sizes'; is 'size' meant?");
        assert!(Item::parse("a.toml", "x = -1").is_err());
    }

    #[test]
    fn a_flag_gives_toml_or_a_text() {
        let origin = Origin::flag("-set a.b=c");
        assert_eq!(Item::of_flag(&origin, "0x10").number(), Ok(16));
        assert_eq!(Item::of_flag(&origin, "plic:3").text(), Ok("plic:3".into()));
        assert_eq!(Item::of_flag(&origin, "a\nvalue = 3").text(), Ok("a\nvalue = 3".into()));
    }
}
