//! Expressions: numbers, `$registers`, and arithmetic on 64 bits with C's operators.
//!
//! As in QEMU, `&`, `|` and `^` bind more tightly than `+` and `-`, and `*`, `/`, `%` most tightly.

use super::Monitor;

/// Nesting beyond which an expression is nonsense: it must not exhaust the host's stack.
const DEEPEST: u32 = 100;

/// Reads an expression at the start of `text`; its value, and what follows it.
///
/// # Errors
/// What is wrong with it.
pub fn read<'a>(text: &'a str, monitor: &Monitor) -> Result<(u64, &'a str), String> {
    let mut reader = Reader { rest: text.trim_start(), monitor, depth: 0 };
    let value = reader.sum()?;
    Ok((value, reader.rest))
}

struct Reader<'a, 'm> {
    rest: &'a str,
    monitor: &'m Monitor,
    depth: u32,
}

impl Reader<'_, '_> {
    /// Takes the next character if it is one of `these`.
    fn next_of(&mut self, these: &[char]) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| these.contains(c))?;
        self.rest = self.rest[c.len_utf8()..].trim_start();
        Some(c)
    }

    fn sum(&mut self) -> Result<u64, String> {
        let mut value = self.logic()?;
        while let Some(op) = self.next_of(&['+', '-']) {
            let other = self.logic()?;
            value = if op == '+' { value.wrapping_add(other) } else { value.wrapping_sub(other) };
        }
        Ok(value)
    }

    fn logic(&mut self) -> Result<u64, String> {
        let mut value = self.product()?;
        while let Some(op) = self.next_of(&['&', '|', '^']) {
            let other = self.product()?;
            value = match op {
                '&' => value & other,
                '|' => value | other,
                _ => value ^ other,
            };
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<u64, String> {
        let mut value = self.unary()?;
        while let Some(op) = self.next_of(&['*', '/', '%']) {
            let other = self.unary()?;
            let divided = match op {
                '*' => Some(value.wrapping_mul(other)),
                '/' => value.checked_div(other),
                _ => value.checked_rem(other),
            };
            value = divided.ok_or("division by zero")?;
        }
        Ok(value)
    }

    fn unary(&mut self) -> Result<u64, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("the expression is too deep".into());
        }
        let value = match self.next_of(&['+', '-', '~', '(']) {
            Some('+') => self.unary(),
            Some('-') => self.unary().map(u64::wrapping_neg),
            Some('~') => self.unary().map(|value| !value),
            Some(_) => {
                let value = self.sum()?;
                self.next_of(&[')']).map(|_| value).ok_or_else(|| "')' expected".into())
            }
            None => self.atom(),
        };
        self.depth -= 1;
        value
    }

    fn atom(&mut self) -> Result<u64, String> {
        if let Some(rest) = self.rest.strip_prefix('\'') {
            let mut chars = rest.chars();
            let value = chars.next().ok_or("character constant expected")?;
            self.rest = chars.as_str().strip_prefix('\'').ok_or("missing terminating ' character")?.trim_start();
            return Ok(u64::from(u32::from(value)));
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        if let Some(rest) = self.rest.strip_prefix('$') {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            self.rest = rest[end..].trim_start();
            return self.monitor.register(&rest[..end]).ok_or_else(|| "unknown register".into());
        }
        if self.rest.is_empty() {
            return Err("unexpected end of expression".into());
        }
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        let value = match word.strip_prefix("0x").or(word.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None if word.len() > 1 && word.starts_with('0') => u64::from_str_radix(&word[1..], 8),
            None => word.parse(),
        };
        self.rest = rest.trim_start();
        value.map_err(|_| "invalid char in expression".into())
    }
}

impl Monitor {
    /// A register of the chosen vCPU by name.
    fn register(&self, name: &str) -> Option<u64> {
        let read = |cpu: &mut crate::cpu::Cpu| {
            if name == "pc" {
                return Some(cpu.pc);
            }
            let isa = cpu.isa.clone();
            let reg = isa.registers().iter().find(|reg| reg.name == name)?;
            Some(isa.read_register(cpu, reg))
        };
        self.control().with_cpu(self.cpu, read).ok().flatten()
    }
}
