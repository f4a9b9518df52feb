//! Network options.

use super::config::{NetArg, NetRole};
use super::keylist::{Grammar, KeyList};
use super::words::Arg;
use super::{HelpTopic, Reader};
use crate::base::Result;
use crate::{error, fail};

pub fn netdev(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    read(reader, arg, NetRole::Netdev)
}

pub fn nic(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    read(reader, arg, NetRole::Nic)
}

pub fn net(reader: &mut Reader, arg: &Arg<'_>) -> Result<()> {
    read(reader, arg, NetRole::Hub)
}

fn read(reader: &mut Reader, arg: &Arg<'_>, role: NetRole) -> Result<()> {
    let mut list = KeyList::parse(&arg.value, Grammar::loose("type"))?;
    if list.wants_help() || (role == NetRole::Nic && arg.value == "model=help") {
        reader.ask(HelpTopic::Netdevs);
        return Ok(());
    }
    let kind = list.take("type").unwrap_or_else(|| if role == NetRole::Nic { "user".into() } else { String::new() });
    if kind.is_empty() {
        fail!("Parameter 'type' is missing (-netdev help lists the types)");
    }
    let id = list.take("id");
    if role == NetRole::Netdev {
        let id = id.as_ref().ok_or_else(|| error!("Parameter 'id' is missing"))?;
        super::board::check_id(id)?;
        if reader.config.nets.iter().any(|other| other.role == role && other.id.as_ref() == Some(id)) {
            fail!("Duplicate ID '{id}' for netdev");
        }
    }
    reader.config.nets.push(NetArg { role, kind, id, props: list.rest(), given: arg.given() });
    Ok(())
}
