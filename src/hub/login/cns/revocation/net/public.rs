//! Which addresses may be asked. The addresses come from certificates of recognised issuers, so this is a second fence around
//! the hub's own network, not the first.

use super::super::doubt::{Doubt, ensure};
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use url::{Host, Url};

/// Not addresses of the Internet (RFC 6890 and its registries); 198.18.0.0/15 stays, no network of anybody's is there.
const SPECIAL: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "224.0.0.0/3",
    "::/96",
    "2001::/23",
    "2002::/16",
    "fc00::/7",
    "fe80::/9",
    "ff00::/8",
];
/// NAT64 (RFC 6052): the address behind it counts.
const NAT64: &str = "64:ff9b::/96";

/// Public addresses, and the private networks that the settings name.
#[derive(Debug, Clone)]
pub struct Public {
    special: Vec<IpNet>,
    nat64: Option<IpNet>,
    named: Vec<IpNet>,
}

impl Public {
    pub fn new(named: Vec<IpNet>) -> Self {
        let special = SPECIAL.iter().filter_map(|net| net.parse().ok()).collect();
        Self { special, nat64: NAT64.parse().ok(), named }
    }

    /// Whether an address may be asked.
    pub fn allows(&self, address: IpAddr) -> bool {
        let real = self.real(address);
        let within = |nets: &[IpNet]| nets.iter().any(|net| net.contains(&real));
        within(&self.named) || !within(&self.special)
    }

    /// The IPv4 address in an IPv6 one that stands for it.
    fn real(&self, address: IpAddr) -> IpAddr {
        match address.to_canonical() {
            IpAddr::V6(v6) if self.nat64.is_some_and(|net| net.contains(&IpAddr::V6(v6))) => {
                let [.., a, b, c, d] = v6.octets();
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            other => other,
        }
    }

    /// Refuses an address that is written out: no name is resolved for it.
    pub fn literal(&self, url: &Url) -> Result<(), Doubt> {
        let address = match url.host() {
            Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
            Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
            // In an address that is neither http nor https the host is only a text.
            Some(Host::Domain(name)) => match name.parse() {
                Ok(address) => address,
                Err(_) => return Ok(()),
            },
            None => return Ok(()),
        };
        ensure(self.allows(address), "network", "not a public address")
    }
}

/// The addresses of a name that may be asked.
///
/// # Errors
/// When there are none.
pub async fn resolve(public: &Public, name: &str, port: u16) -> Result<Vec<SocketAddr>, Doubt> {
    let found = tokio::net::lookup_host((name, port)).await.map_err(|e| Doubt::new("silence", e))?;
    let allowed: Vec<_> = found.filter(|address| public.allows(address.ip())).collect();
    ensure(!allowed.is_empty(), "network", "not a public address")?;
    Ok(allowed)
}

impl Resolve for Public {
    fn resolve(&self, name: Name) -> Resolving {
        let public = self.clone();
        Box::pin(async move {
            let found = resolve(&public, name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_and_named_networks_are_asked() {
        let public = Public::new(vec!["10.1.0.0/16".parse().unwrap()]);
        let allowed = |text: &str| public.allows(text.parse().unwrap());
        for refused in [
            "127.0.0.1",
            "10.2.0.1",
            "192.168.1.1",
            "172.31.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.2.0.1",
            "2002:7f00:1::",
        ] {
            assert!(!allowed(refused), "{refused}");
        }
        for asked in
            ["198.18.0.1", "8.8.8.8", "10.1.2.3", "::ffff:10.1.2.3", "2a00:1450::1", "64:ff9b::8.8.8.8"]
        {
            assert!(allowed(asked), "{asked}");
        }
    }
}
