//! The catch address is the router's own, so that a probe needs no translation and so no entry of conntrack.
//!
//! It is an address of the loopback interface, of scope host, so that nothing ever leaves with it unasked. Its label
//! says that it is ours: one of another setting is found and removed.

use crate::exec::{self, ExecError};
use ipnet::Ipv4Net;
use serde::Deserialize;
use std::{collections::BTreeSet, fmt, net::Ipv4Addr};
use varco_policy::Site;

/// The name that our addresses have on the loopback interface.
const LABEL: &str = "lo:varco";

#[derive(Deserialize)]
struct Interface {
    #[serde(default)]
    addr_info: Vec<Held>,
}

#[derive(Deserialize)]
struct Held {
    // `ip` lists addresses that a filter has left out as empty objects.
    local: Option<Ipv4Addr>,
    prefixlen: Option<u8>,
}

/// One change of the addresses of the loopback interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The address goes.
    Delete(Ipv4Net),
    /// The address comes.
    Add(Ipv4Addr),
}

impl Step {
    fn words(self) -> Vec<String> {
        let (verb, address) = match self {
            Self::Delete(net) => ("del", net.to_string()),
            Self::Add(address) => ("add", format!("{address}/32")),
        };
        let mut words = vec!["addr", verb, &address, "dev", "lo"];
        if matches!(self, Self::Add(_)) {
            words.extend(["scope", "host", "label", LABEL]);
        }
        words.into_iter().map(str::to_owned).collect()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

/// What is to be done on this system, for this site; for a site without guests nothing stays.
///
/// # Errors
/// When `ip` fails.
pub fn steps(site: &Site) -> Result<Vec<Step>, ExecError> {
    let wanted = (!site.interfaces.guest.is_empty()).then_some(site.portal.catch_address);
    Ok(plan(wanted, &held()?))
}

/// Brings the address where it should be; `true` when it was not.
///
/// # Errors
/// When `ip` fails.
pub fn reconcile(site: &Site) -> Result<bool, ExecError> {
    carry_out(&steps(site)?)
}

/// Takes it away.
///
/// # Errors
/// When `ip` fails.
pub fn remove() -> Result<(), ExecError> {
    carry_out(&plan(None, &held()?)).map(drop)
}

fn held() -> Result<BTreeSet<Ipv4Net>, ExecError> {
    let found: Vec<Interface> = exec::json("ip", &["-4", "-j", "addr", "show", "dev", "lo", "label", LABEL])?;
    let held = found.into_iter().flat_map(|interface| interface.addr_info);
    Ok(held.filter_map(|h| Ipv4Net::new(h.local?, h.prefixlen?).ok()).collect())
}

fn plan(wanted: Option<Ipv4Addr>, held: &BTreeSet<Ipv4Net>) -> Vec<Step> {
    let is_wanted = |net: &Ipv4Net| net.prefix_len() == 32 && Some(net.addr()) == wanted;
    let leaving = held.iter().filter(|net| !is_wanted(net)).map(|net| Step::Delete(*net));
    let coming = wanted.filter(|_| !held.iter().any(is_wanted)).map(Step::Add);
    leaving.chain(coming).collect()
}

fn carry_out(steps: &[Step]) -> Result<bool, ExecError> {
    for step in steps {
        let words = step.words();
        exec::run("ip", &words.iter().map(String::as_str).collect::<Vec<_>>(), "")?;
    }
    Ok(!steps.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_stays_and_others_of_ours_go() {
        let told = |wanted: Option<&str>, held: &[&str]| {
            let held = held.iter().map(|net| net.parse().unwrap()).collect();
            let steps = plan(wanted.map(|a| a.parse().unwrap()), &held);
            steps.iter().map(|step| format!("{step}\n")).collect::<String>()
        };
        insta::assert_snapshot!(told(Some("192.0.2.1"), &[]), @"addr add 192.0.2.1/32 dev lo scope host label lo:varco");
        insta::assert_snapshot!(told(Some("192.0.2.1"), &["192.0.2.1/32"]), @"");
        insta::assert_snapshot!(told(Some("192.0.2.9"), &["192.0.2.1/32"]), @r"
        addr del 192.0.2.1/32 dev lo
        addr add 192.0.2.9/32 dev lo scope host label lo:varco
        ");
        insta::assert_snapshot!(told(None, &["192.0.2.1/32"]), @"addr del 192.0.2.1/32 dev lo");
    }
}
