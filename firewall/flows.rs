//! Running flows: conntrack remembers them, so what is to end at once must be forgotten there.

use crate::exec::{self, ExecError};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// From this many guests on, one look says which of them have flows at all: each deletion is a process.
const MANY: usize = 4;

/// Forgets every flow that these guests of `subnet` began.
///
/// # Errors
/// When flows are left afterwards.
pub fn forget_all(guests: &BTreeSet<Ipv4Addr>, subnet: ipnet::Ipv4Net) -> Result<(), ExecError> {
    with_flows(guests, subnet)?.into_iter().try_for_each(forget)
}

/// As [`forget_all`], but only redirected flows: see [`forget_redirected`].
///
/// # Errors
/// When flows are left afterwards.
pub fn forget_all_redirected(guests: &BTreeSet<Ipv4Addr>, subnet: ipnet::Ipv4Net) -> Result<(), ExecError> {
    with_flows(guests, subnet)?.into_iter().try_for_each(forget_redirected)
}

fn with_flows(guests: &BTreeSet<Ipv4Addr>, subnet: ipnet::Ipv4Net) -> Result<Vec<Ipv4Addr>, ExecError> {
    if guests.len() < MANY {
        return Ok(guests.iter().copied().collect());
    }
    let flowing = by_guest(subnet)?;
    Ok(guests.iter().copied().filter(|guest| flowing.contains_key(guest)).collect())
}

/// Forgets every flow that a guest began.
///
/// # Errors
/// When flows are left afterwards.
pub fn forget(guest: Ipv4Addr) -> Result<(), ExecError> {
    delete(&["-f", "ipv4", "-s", &guest.to_string()])
}

/// Forgets a guest's redirected flows, so that what the portal or the captive resolver answered goes where it
/// was meant to go; flows to the portal itself and to the walled garden go on.
///
/// # Errors
/// When flows are left afterwards.
pub fn forget_redirected(guest: Ipv4Addr) -> Result<(), ExecError> {
    delete(&["-f", "ipv4", "-s", &guest.to_string(), "--dst-nat"])
}

/// The tool fails both when it deletes nothing and when it cannot: so look whether anything is left.
fn delete(which: &[&str]) -> Result<(), ExecError> {
    let args = |verb| [&[verb], which].concat();
    if exec::succeeds("conntrack", &args("-D"))? {
        return Ok(());
    }
    let left = exec::run("conntrack", &args("-L"), "")?;
    if left.trim().is_empty() {
        return Ok(());
    }
    Err(ExecError::Failed { program: "conntrack", said: "flows are left".into() })
}

/// The guests that have flows, each with the public addresses and ports that its flows use.
pub type PublicByGuest = BTreeMap<Ipv4Addr, BTreeSet<(Ipv4Addr, u16)>>;

/// The flows of the guests of `subnet`.
///
/// # Errors
/// When conntrack cannot be listed.
pub fn by_guest(subnet: ipnet::Ipv4Net) -> Result<PublicByGuest, ExecError> {
    let listing = exec::run("conntrack", &["-L", "-f", "ipv4"], "")?;
    let mut guests = PublicByGuest::new();
    for (guest, public) in listing.lines().filter_map(flow).filter(|(guest, _)| subnet.contains(guest)) {
        guests.entry(guest).or_default().insert(public);
    }
    Ok(guests)
}

/// The source as sent, and the destination of answers: `src= dst= sport= dport=` come twice, both ways. ICMP
/// has its identifier instead of ports.
fn flow(line: &str) -> Option<(Ipv4Addr, (Ipv4Addr, u16))> {
    let values =
        |key: &str| -> Vec<&str> { line.split_whitespace().filter_map(|w| w.strip_prefix(key)).collect() };
    let guest = values("src=").first()?.parse().ok()?;
    let public = values("dst=").get(1)?.parse().ok()?;
    let port = values("dport=").get(1).copied().or_else(|| values("id=").get(1).copied());
    Some((guest, (public, port.and_then(|p| p.parse().ok()).unwrap_or(0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_flow_both_ways() {
        let tcp = "tcp 6 431999 ESTABLISHED src=10.64.0.10 dst=198.18.0.53 sport=40000 dport=443 \
                   src=198.18.0.53 dst=198.18.0.3 sport=443 dport=1030 [ASSURED] mark=0 use=1";
        let ping = "icmp 1 29 src=10.64.0.11 dst=198.18.0.53 type=8 code=0 id=7 src=198.18.0.53 dst=198.18.0.3 \
                    type=0 code=0 id=1540 mark=0 use=1";
        let public = Ipv4Addr::new(198, 18, 0, 3);
        assert_eq!(flow(tcp), Some((Ipv4Addr::new(10, 64, 0, 10), (public, 1030))));
        assert_eq!(flow(ping), Some((Ipv4Addr::new(10, 64, 0, 11), (public, 1540))));
        assert_eq!(flow("nonsense"), None);
    }
}
