//! Flattened device trees: a tree of nodes, written and read.
//!
//! Document: Devicetree Specification 0.4, chapter 5.

use crate::base::Result;
use crate::{error, fail};
use vm_fdt::FdtWriter;

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name with the unit address.
    pub name: String,
    /// Its properties, in order.
    pub props: Vec<(String, Vec<u8>)>,
    /// The nodes inside, in order.
    pub children: Vec<Node>,
}

impl Node {
    /// An empty node.
    pub fn new(name: impl Into<String>) -> Node {
        Node { name: name.into(), ..Node::default() }
    }

    /// Sets a property to bytes.
    pub fn set(&mut self, name: &str, bytes: impl Into<Vec<u8>>) -> &mut Node {
        let bytes = bytes.into();
        match self.props.iter_mut().find(|(known, _)| known == name) {
            Some(prop) => prop.1 = bytes,
            None => self.props.push((name.into(), bytes)),
        }
        self
    }

    /// Sets a property to 32-bit cells.
    pub fn set_cells(&mut self, name: &str, cells: &[u32]) -> &mut Node {
        self.set(name, cells.iter().flat_map(|cell| cell.to_be_bytes()).collect::<Vec<u8>>())
    }

    /// Sets a property to strings.
    pub fn set_strings<T: AsRef<str>>(&mut self, name: &str, strings: &[T]) -> &mut Node {
        self.set(name, strings.iter().flat_map(|s| s.as_ref().bytes().chain([0])).collect::<Vec<u8>>())
    }

    /// A property's bytes.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.props.iter().find(|(known, _)| known == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// The node inside with this name, made if it is not there.
    pub fn child(&mut self, name: &str) -> &mut Node {
        let index = self.children.iter().position(|child| child.name == name).unwrap_or_else(|| {
            self.children.push(Node::new(name));
            self.children.len() - 1
        });
        &mut self.children[index]
    }

    /// The tree in its flat form; this node is its root.
    ///
    /// # Errors
    /// When a name or a size is not possible.
    pub fn flatten(&self) -> Result<Vec<u8>> {
        let mut writer = FdtWriter::new().map_err(failed)?;
        self.write(&mut writer)?;
        writer.finish().map_err(failed)
    }

    fn write(&self, writer: &mut FdtWriter) -> Result<()> {
        let node = writer.begin_node(&self.name).map_err(failed)?;
        for (name, bytes) in &self.props {
            // The writer itself looks after this one, so that no value is given twice.
            match (name.as_str(), <[u8; 4]>::try_from(bytes.as_slice())) {
                ("phandle", Ok(cell)) => writer.property_phandle(u32::from_be_bytes(cell)).map_err(failed)?,
                _ => writer.property(name, bytes).map_err(failed)?,
            }
        }
        self.children.iter().try_for_each(|child| child.write(writer))?;
        writer.end_node(node).map_err(failed)
    }

    /// Reads a flat tree.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn parse(bytes: &[u8]) -> Result<Node> {
        let header = Flat { bytes };
        if header.cell(0)? != MAGIC {
            fail!("it is no device tree: the magic number is missing");
        }
        let mut reader = Reader { flat: header, at: header.cell(8)? as usize, strings: header.cell(12)? as usize };
        match reader.token()? {
            BEGIN_NODE => reader.node(0),
            _ => Err(damaged()),
        }
    }
}

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
/// Nodes inside nodes; deeper is damage.
const DEEPEST: u32 = 64;

fn failed(e: vm_fdt::Error) -> crate::base::Error {
    error!("the device tree cannot be written: {e}")
}

fn damaged() -> crate::base::Error {
    error!("the device tree is damaged")
}

#[derive(Clone, Copy)]
struct Flat<'a> {
    bytes: &'a [u8],
}

impl<'a> Flat<'a> {
    fn slice(&self, at: usize, length: usize) -> Result<&'a [u8]> {
        at.checked_add(length).and_then(|end| self.bytes.get(at..end)).ok_or_else(damaged)
    }

    fn cell(&self, at: usize) -> Result<u32> {
        let bytes = self.slice(at, 4)?;
        Ok(bytes.iter().fold(0, |cell, &byte| cell << 8 | u32::from(byte)))
    }

    fn string(&self, at: usize) -> Result<String> {
        let rest = self.bytes.get(at..).ok_or_else(damaged)?;
        let length = rest.iter().position(|&byte| byte == 0).ok_or_else(damaged)?;
        String::from_utf8(rest[..length].to_vec()).map_err(|_| damaged())
    }
}

struct Reader<'a> {
    flat: Flat<'a>,
    at: usize,
    strings: usize,
}

impl Reader<'_> {
    fn token(&mut self) -> Result<u32> {
        loop {
            let token = self.flat.cell(self.at)?;
            self.at += 4;
            if token != NOP {
                return Ok(token);
            }
        }
    }

    /// Reads a node whose beginning has been read.
    fn node(&mut self, depth: u32) -> Result<Node> {
        let mut node = Node::new(self.flat.string(self.at)?);
        self.at = (self.at + node.name.len() + 1).next_multiple_of(4);
        loop {
            match self.token()? {
                BEGIN_NODE if depth < DEEPEST => node.children.push(self.node(depth + 1)?),
                END_NODE => return Ok(node),
                PROP => {
                    let length = self.flat.cell(self.at)? as usize;
                    let name = self.strings.checked_add(self.flat.cell(self.at + 4)? as usize).ok_or_else(damaged)?;
                    let bytes = self.flat.slice(self.at + 8, length)?.to_vec();
                    node.props.push((self.flat.string(name)?, bytes));
                    self.at = (self.at + 8 + length).next_multiple_of(4);
                }
                _ => return Err(damaged()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_the_same() {
        let mut root = Node::new("");
        root.set_cells("#address-cells", &[2]).set_strings("compatible", &["a", "b"]);
        root.child("cpus").child("cpu@0").set_cells("reg", &[0]).set_cells("phandle", &[7]).set("empty", []);
        root.child("cpus").set_strings("odd", &["abcd"]);
        let flat = root.flatten().unwrap();
        assert_eq!(Node::parse(&flat).unwrap(), root);
        for length in 0..flat.len() {
            // Damage is an error or goes unnoticed; it never panics.
            let _ = Node::parse(&flat[..length]);
        }
    }
}
