//! Names of things on a wire: hardware addresses, interfaces, a citizen's device.

use serde::{Deserialize, Serialize};
use std::{fmt, net::Ipv4Addr, str::FromStr};

/// A 48-bit hardware (MAC) address, written `02:00:5e:00:53:01`. Personal data: `Debug` does not print it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mac([u8; 6]);

/// The text is not a hardware address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a hardware address; write six pairs of hexadecimal digits: 02:00:5e:00:53:01")]
pub struct NotAMac;

impl Mac {
    /// The address with these octets.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The six octets.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = NotAMac;

    fn from_str(text: &str) -> Result<Self, NotAMac> {
        let mut octets = [0; 6];
        let mut pairs = text.split(':');
        for octet in &mut octets {
            let pair = pairs.next().filter(|p| p.len() == 2 && p.bytes().all(|b| b.is_ascii_hexdigit()));
            *octet = u8::from_str_radix(pair.ok_or(NotAMac)?, 16).map_err(|_| NotAMac)?;
        }
        if pairs.next().is_some() { Err(NotAMac) } else { Ok(Self(octets)) }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(..)")
    }
}

impl TryFrom<String> for Mac {
    type Error = NotAMac;

    fn try_from(text: String) -> Result<Self, NotAMac> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

/// The name of a network interface: 1 to 15 of `A-Z a-z 0-9 . _ -`, not starting with `-` (Linux `IFNAMSIZ`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IfName(String);

/// The text is not the name of an interface.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not the name of an interface; write 1 to 15 letters, digits, dots, dashes: eth0, br-guest")]
pub struct NotAnIfName(String);

impl IfName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IfName {
    type Err = NotAnIfName;

    fn from_str(text: &str) -> Result<Self, NotAnIfName> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let good = (1..=15).contains(&text.len())
            && text.bytes().all(plain)
            && !text.starts_with('-')
            && !matches!(text, "." | ".." | "lo");
        if good { Ok(Self(text.to_owned())) } else { Err(NotAnIfName(text.to_owned())) }
    }
}

impl TryFrom<String> for IfName {
    type Error = NotAnIfName;

    fn try_from(text: String) -> Result<Self, NotAnIfName> {
        text.parse()
    }
}

impl From<IfName> for String {
    fn from(name: IfName) -> Self {
        name.0
    }
}

impl fmt::Display for IfName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A citizen's device as the guest lane sees it: its hardware address and its IPv4 address, always together,
/// so that neither can be borrowed alone. `Debug` prints neither.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// IPv4 address, leased by DHCP.
    pub address: Ipv4Addr,
    /// Hardware address.
    pub mac: Mac,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Device(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mac_reads_what_it_writes_and_hides_in_debug() {
        let mac: Mac = "02:00:5E:00:53:0a".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:5e:00:53:0a");
        assert_eq!(format!("{mac:?}"), "Mac(..)");
        for bad in ["", "02:00:5e:00:53", "02:00:5e:00:53:0a:0b", "2:0:5e:0:53:a", "+2:00:5e:00:53:0a"] {
            assert_eq!(bad.parse::<Mac>(), Err(NotAMac), "{bad}");
        }
    }

    #[test]
    fn an_interface_name_cannot_carry_syntax() {
        for bad in ["", "lo", "-x", "a b", "a;b", "a\"b", "a/b", "sixteen-letters-", ".."] {
            assert!(bad.parse::<IfName>().is_err(), "{bad}");
        }
        for good in ["eth0", "br-guest", "wan.100", "eth1.20", "enp1s0f0"] {
            assert_eq!(good.parse::<IfName>().unwrap().as_str(), good);
        }
    }
}
