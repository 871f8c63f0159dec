//! The queues in the kernel.

use crate::{
    classes::{self, Qdisc},
    exec::{self, ExecError},
    queues::{Actual, Hook, IFB, Leaf, PREF, Step, Tree},
};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use varco_policy::IfName;

#[derive(Deserialize)]
struct Link {
    ifname: String,
    flags: Vec<String>,
}

#[derive(Deserialize)]
struct Filter {
    pref: Option<u64>,
    options: Option<Value>,
}

/// All queues as they are; interfaces that do not exist are left out.
///
/// # Errors
/// When there is no uplink, or `tc` fails.
pub fn read(wan: &IfName, inward: &BTreeSet<IfName>) -> Result<Actual, ExecError> {
    let links: Vec<Link> = exec::json("ip", &["-j", "link", "show"])?;
    let ifb = links.iter().any(|l| l.ifname == IFB && l.flags.iter().any(|f| f == "UP"));
    let (mut hooks, qdiscs) = (BTreeMap::new(), classes::qdiscs()?);
    for dev in inward.iter().filter(|dev| links.iter().any(|l| l.ifname == dev.as_str())) {
        hooks.insert(dev.clone(), hook(dev, &qdiscs)?);
    }
    let down = if ifb { tree(IFB, &qdiscs)? } else { Tree::default() };
    Ok(Actual { ifb, up: tree(wan.as_str(), &qdiscs)?, down, hooks })
}

fn tree(dev: &str, all: &[Qdisc]) -> Result<Tree, ExecError> {
    let index = classes::index(dev)?;
    let own = || all.iter().filter(|qdisc| qdisc.dev == index);
    let classes = classes::list(dev)?.into_iter().map(|c| (c.minor, c.class)).collect();
    let leaves = own().filter_map(|qdisc| Some((qdisc.class()?, qdisc.queue.clone()))).collect();
    Ok(Tree { rooted: own().any(Qdisc::is_our_root), classes, leaves })
}

fn hook(dev: &IfName, all: &[Qdisc]) -> Result<Hook, ExecError> {
    let index = classes::index(dev.as_str())?;
    let clsact = all.iter().any(|qdisc| qdisc.dev == index && qdisc.queue.kind == "clsact");
    if !clsact {
        return Ok(Hook::default());
    }
    let filters: Vec<Filter> = exec::json("tc", &["-j", "filter", "show", "dev", dev.as_str(), "egress"])?;
    let ours = |f: &&Filter| f.pref.is_some_and(|p| p.to_string() == PREF);
    let into_ifb = |f: &Filter| f.options.as_ref().is_some_and(|o| o["actions"][0]["to_dev"] == IFB);
    let filter = filters.iter().filter(ours).count() > 0;
    Ok(Hook { clsact, filter, redirects: filters.iter().filter(ours).any(into_ifb) })
}

/// The leaf in use where there is one, else the best that this kernel has.
///
/// # Errors
/// When `ip` or `tc` fails.
pub fn leaf(actual: &Actual) -> Result<Leaf, ExecError> {
    let used = |leaf: &Leaf| actual.down.leaves.values().any(|queue| queue.kind == leaf.word());
    match Leaf::ALL.into_iter().find(used) {
        Some(leaf) => Ok(leaf),
        None => probe(),
    }
}

/// Tries each on an interface made for it and taken away again.
fn probe() -> Result<Leaf, ExecError> {
    const TRIAL: &str = "ifb-varco-trial";
    exec::succeeds("ip", &["link", "del", TRIAL])?;
    exec::run("ip", &["link", "add", TRIAL, "type", "ifb"], "")?;
    let [.., mut found] = Leaf::ALL;
    for leaf in Leaf::ALL {
        if exec::succeeds("tc", &["qdisc", "add", "dev", TRIAL, "root", leaf.word()])? {
            found = leaf;
            break;
        }
    }
    exec::run("ip", &["link", "del", TRIAL], "")?;
    Ok(found)
}

/// Carries out the steps in order.
///
/// # Errors
/// When one fails; those before it have been done and the next round goes on from there.
pub fn apply(steps: &[Step]) -> Result<(), ExecError> {
    for run in steps.chunk_by(|a, b| classes::is_ours(a) == classes::is_ours(b)) {
        if run.first().is_some_and(classes::is_ours) { classes::apply(run)? } else { batch(run)? }
    }
    Ok(())
}

fn batch(steps: &[Step]) -> Result<(), ExecError> {
    let mut batch = String::new();
    for step in steps {
        match step {
            Step::AddIfb => add_ifb()?,
            step => batch.push_str(&format!("{step}\n")),
        }
    }
    if batch.is_empty() { Ok(()) } else { exec::run("tc", &["-batch", "-"], &batch).map(drop) }
}

fn add_ifb() -> Result<(), ExecError> {
    if !exec::succeeds("ip", &["link", "show", IFB])? {
        // Its own queue stops it when full, and its default of 32 packets is soon full.
        exec::run("ip", &["link", "add", IFB, "txqueuelen", "1000", "type", "ifb"], "")?;
    }
    exec::run("ip", &["link", "set", IFB, "up"], "").map(drop)
}

/// Takes all queues of Varco away; those of others stay.
///
/// # Errors
/// When `ip` or `tc` fails.
pub fn remove(wan: &IfName, inward: &BTreeSet<IfName>) -> Result<(), ExecError> {
    let actual = read(wan, inward)?;
    for (dev, hook) in &actual.hooks {
        if hook.filter {
            exec::run("tc", &["filter", "del", "dev", dev.as_str(), "egress", "pref", PREF], "")?;
        }
    }
    if actual.up.rooted {
        exec::run("tc", &["qdisc", "del", "dev", wan.as_str(), "root"], "")?;
    }
    if actual.ifb {
        exec::run("ip", &["link", "del", IFB], "")?;
    }
    Ok(())
}
