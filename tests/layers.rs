//! The structure of the source, held: who imports whom, where `unsafe` may be, how long a file may grow.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms with what each may import beside itself. Lowest layer first.
const ROOMS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("float", &[]),
    ("fabric", &["base"]),
    ("ir", &["base", "float"]),
    ("host", &["base"]),
    ("gfx", &["base"]),
    ("cpu", &["base", "float", "ir", "fabric"]),
    ("hw", &["base", "fabric", "host", "gfx"]),
    ("isa", &["base", "float", "ir", "fabric", "cpu"]),
    ("engine", &["base", "float", "ir", "fabric", "cpu"]),
    ("boot", &["base", "fabric", "cpu"]),
    ("semihosting", &["base", "fabric", "host", "cpu"]),
    ("machine", &["base", "float", "ir", "fabric", "host", "gfx", "cpu", "hw", "isa", "engine", "boot", "semihosting"]),
    ("debug", &["base", "float", "ir", "fabric", "host", "gfx", "cpu", "hw", "isa", "engine", "boot", "machine"]),
    ("cli", &["base", "host"]),
    (
        "launch",
        &[
            "base",
            "float",
            "ir",
            "fabric",
            "host",
            "gfx",
            "cpu",
            "hw",
            "isa",
            "engine",
            "boot",
            "semihosting",
            "machine",
            "debug",
            "cli",
        ],
    ),
];

/// Where `unsafe` is allowed: files, or whole folders.
const UNSAFE: &[&str] = &[
    "src/fabric/memory.rs",
    "src/fabric/ram.rs",
    "src/cpu/softmmu.rs",
    "src/engine/jit",
    "src/engine/kvm",
    "src/gfx/vulkan",
    "src/float/tests",
    "src/host",
];

/// A file longer than this says in its header why.
const LONG: usize = 1000;

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
        let mut entries: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found.into_iter().map(|(path, text)| (path.strip_prefix(root).unwrap().to_path_buf(), text)).collect()
}

/// The room that a file is in: `src/ROOM/…` or `src/ROOM.rs`.
fn room_of(path: &Path) -> Option<String> {
    let mut parts = path.iter().skip(1).map(|part| part.to_string_lossy().into_owned());
    let first = parts.next()?;
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_string();
    (!["lib", "main"].contains(&name.as_str())).then_some(name)
}

/// The lines with comments and string literals blanked out, so that only code is looked at.
fn code(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut chars = text.chars().peekable();
    let push = |lines: &mut Vec<String>, c: char| match c {
        '\n' => lines.push(String::new()),
        c => lines.last_mut().unwrap().push(c),
    };
    while let Some(c) = chars.next() {
        match c {
            '/' if chars.peek() == Some(&'/') => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            '"' => {
                push(&mut lines, ' ');
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => drop(chars.next()),
                        '"' => break,
                        '\n' => push(&mut lines, '\n'),
                        _ => {}
                    }
                }
            }
            // A character literal such as '"', and not a lifetime.
            '\'' => {
                let mut ahead = chars.clone();
                let is_literal = match ahead.next() {
                    Some('\\') => true,
                    Some(_) => ahead.next() == Some('\''),
                    None => false,
                };
                if is_literal {
                    if chars.next() == Some('\\') {
                        chars.next();
                    }
                    while chars.next().is_some_and(|c| c != '\'') {}
                } else {
                    push(&mut lines, c);
                }
            }
            c => push(&mut lines, c),
        }
    }
    lines
}

/// What code names by `crate::NAME`, also in braces over several lines (`use crate::{a::b, c}`), each with the number
/// of the line where `crate` stands.
fn named(lines: &[String]) -> Vec<(usize, String)> {
    let text = lines.join("\n");
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with(|c: char| c == '$' || c == '_' || c.is_alphanumeric()) {
            continue;
        }
        let line = 1 + text[..at].matches('\n').count();
        let rest = &text[at + "crate::".len()..];
        let mut name = |item: &str| {
            names.push((line, item.trim().chars().take_while(|c| *c == '_' || c.is_alphanumeric()).collect()));
        };
        match rest.strip_prefix('{') {
            None => name(rest),
            Some(inside) => {
                let (mut depth, mut start) = (0, 0);
                for (offset, c) in inside.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' if depth == 0 => {
                            name(&inside[start..offset]);
                            start = offset + 1;
                        }
                        '}' => {
                            name(&inside[start..offset]);
                            break;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

#[test]
fn rooms_import_only_what_is_below_them() {
    let known: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let Some(room) = room_of(&path) else { continue };
        let Some((_, below)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{}: room '{room}' is not in the table of tests/layers.rs", path.display()));
            continue;
        };
        // Macros (`fail!`, `guest_error!`) are the crate's own, live in base, and are no room's name.
        for (line, other) in named(&code(&text)).iter().filter(|(_, other)| known.contains(&other.as_str())) {
            if *other != room && !below.contains(&other.as_str()) {
                wrong.push(format!("{}:{line}: {room} must not import {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn unsafe_stays_where_it_is_allowed() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if UNSAFE.iter().any(|allowed| path.starts_with(allowed)) {
            continue;
        }
        for (number, line) in code(&text).iter().enumerate() {
            let words = line.split(|c: char| c != '_' && !c.is_alphanumeric());
            if words.into_iter().any(|word| word == "unsafe") {
                wrong.push(format!("{}:{}: no unsafe here", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn long_files_say_why() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        let header = text.lines().take_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join(" ");
        if lines > LONG && !header.contains("lines because") {
            wrong.push(format!(
                "{}:{LONG}: {lines} lines; split it, or say in its header that it has so many 'lines because …'",
                path.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_itself_is_layered() {
    for (index, (name, below)) in ROOMS.iter().enumerate() {
        for other in *below {
            let at = ROOMS.iter().position(|(room, _)| room == other);
            assert!(at.is_some_and(|at| at < index), "{name} stands below {other}");
        }
    }
}

#[test]
fn code_is_told_from_comments_and_text() {
    let text = "let a = \"unsafe // x\"; // unsafe\nlet c = '\"'; unsafe {}\nfn f<'a>() {} use crate::{a::b,\n c::{d, e}, f};\nlet x = crate::g::h;\n";
    let lines = code(text);
    assert!(!lines[0].contains("unsafe"));
    assert!(lines[1].contains("unsafe"));
    let names = named(&lines);
    assert_eq!(names, [(3, "a".into()), (3, "c".into()), (3, "f".into()), (5, "g".into())]);
    assert_eq!(named(&["$crate::base::x".to_string()]), []);
}
