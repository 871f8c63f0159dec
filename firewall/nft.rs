//! The gate in the kernel: its rules through `nft`, its elements through netlink.

pub use crate::elements::{apply, exchange, read};

use crate::exec::{self, ExecError};
use nftables::{
    batch::Batch,
    schema::{Chain, FlushObject, NfCmd, NfListObject},
    types::NfFamily,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The gate: sets, chains and rules, without a single element.
pub const BASE: &str = include_str!("base.nft");

/// Loads the gate in one transaction: rules are replaced, elements stay.
///
/// # Errors
/// When the kernel does not take it.
pub fn load() -> Result<(), ExecError> {
    exec::run("nft", &["-f", "-"], BASE).map(drop)
}

/// The rules in force, without elements and counters: only to be compared with an earlier answer.
///
/// # Errors
/// When the table is not there.
pub fn rules() -> Result<String, ExecError> {
    // Asked for the one table, nft 1.0 reads all its elements to leave them out: 300 ms with 10,000 passes, not 7.
    let all = exec::run("nft", &["-s", "-t", "list", "ruleset", "inet"], "")?;
    let ours = all.lines().skip_while(|line| *line != "table inet varco {").take_while(|line| *line != "}");
    let ours: String = ours.flat_map(|line| [line, "\n"]).collect();
    if ours.is_empty() {
        return Err(ExecError::Unreadable { program: "nft", what: "there is no table inet varco".into() });
    }
    Ok(ours)
}

/// As [`rules`], after a look that every rule of `base.nft` is there: as many in each chain.
///
/// # Errors
/// When the table is not there or its chains are not those of `base.nft`.
pub fn whole_rules() -> Result<String, ExecError> {
    let rules = rules()?;
    if shape(&rules) == shape(BASE) {
        return Ok(rules);
    }
    Err(ExecError::Unreadable {
        program: "nft",
        what: "the rules read back are not those of base.nft".into(),
    })
}

/// The number of lines in each chain, comments aside.
fn shape(text: &str) -> BTreeMap<&str, usize> {
    let (mut shape, mut chain) = (BTreeMap::new(), None);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match (line.strip_prefix("chain "), chain) {
            (Some(name), _) => chain = Some(name.trim_end_matches([' ', '{'])),
            (None, Some(_)) if line == "}" => chain = None,
            (None, Some(name)) => *shape.entry(name).or_default() += 1,
            (None, None) => {}
        }
    }
    shape
}

/// Takes the gate away.
///
/// # Errors
/// When the kernel refuses.
pub fn remove() -> Result<(), ExecError> {
    // Adding first makes the deletion succeed where there is no table.
    exec::run("nft", &["-f", "-"], "add table inet varco\ndelete table inet varco\n").map(drop)
}

fn send(batch: Batch<'_>) -> Result<(), ExecError> {
    let unreadable =
        |what: serde_json::Error| ExecError::Unreadable { program: "nft", what: what.to_string() };
    let json = serde_json::to_string(&batch.to_nftables()).map_err(unreadable)?;
    exec::run("nft", &["-j", "-f", "-"], &json).map(drop)
}

/// Removes chains that are not in `base.nft`: loading it again does not.
///
/// # Errors
/// When the kernel refuses.
pub fn remove_strangers() -> Result<(), ExecError> {
    let listing: Value = exec::json("nft", &["-j", "list", "chains", "inet"])?;
    let chains = listing["nftables"].as_array().into_iter().flatten().map(|object| &object["chain"]);
    let names = chains.filter(|chain| chain["table"] == "varco").filter_map(|chain| chain["name"].as_str());
    let mut batch = Batch::new();
    let strangers: Vec<_> = names.filter(|name| !BASE.contains(&format!("chain {name} {{"))).collect();
    for name in &strangers {
        let name = (*name).to_owned();
        let chain =
            Chain { family: NfFamily::INet, table: "varco".into(), name: name.into(), ..Chain::default() };
        batch.add_cmd(NfCmd::Flush(FlushObject::Chain(chain.clone())));
        batch.delete(NfListObject::Chain(chain));
    }
    if strangers.is_empty() { Ok(()) } else { send(batch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_the_gate_is_counted() {
        let shape = shape(BASE);
        assert_eq!((shape.len(), shape["forward"], shape["leave"]), (16, 6, 3));
    }
}
