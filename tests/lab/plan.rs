//! What a lab is made of: hosts, names, addresses.

use crate::idp::Scheme;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use varco_policy::Rate;

/// A machine of the lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Host {
    /// The Internet: web server, identity provider, hub, DNS.
    Wan,
    /// The site's router.
    Gateway,
    /// A computer of the office.
    Office,
    /// A citizen's device.
    Guest(u8),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wan => f.write_str("wan"),
            Self::Gateway => f.write_str("gateway"),
            Self::Office => f.write_str("office"),
            Self::Guest(n) => write!(f, "guest{n}"),
        }
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let host = match text {
            "wan" => Some(Self::Wan),
            "gateway" => Some(Self::Gateway),
            "office" => Some(Self::Office),
            _ => text.strip_prefix("guest").and_then(|n| n.parse().ok()).map(Self::Guest),
        };
        host.ok_or_else(|| format!("`{text}` is not a host; use wan, gateway, office, guest0, guest1…"))
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.to_string()
    }
}

impl Host {
    /// The host's resolver before anything else says so; guests have none until DHCP gives one.
    pub const fn resolver(self) -> Option<&'static str> {
        match self {
            Self::Guest(_) => None,
            Self::Wan | Self::Gateway | Self::Office => Some(DNS),
        }
    }
}

/// What the caller of `up` chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Name of the lab.
    pub name: String,
    /// How many guests: 0 to 100.
    pub guests: u8,
    /// What the line carries in each direction.
    pub rate: Rate,
    /// The least it carries, where it varies.
    #[serde(default)]
    pub least: Option<Rate>,
    /// Length of a pass, as `site.toml` writes it.
    pub pass_length: String,
    /// Idle limit of a pass.
    pub idle: String,
    /// Only the network and the Internet's servers: none of Varco's programs.
    pub bare: bool,
    /// The hub on the router, as at a single site, instead of in the Internet.
    pub one_box: bool,
    /// CIE's provider and the node of eIDAS beside SPID's.
    #[serde(default)]
    pub schemes: bool,
    /// Whether the hub asks for cards: a release takes no trust list made for development.
    #[serde(default)]
    pub cards: bool,
    /// The site's time zone, where it is not Rome's.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Whether the site has records of three years ago (`history.rs`), and its gateway does not name the hub's key yet.
    #[serde(default)]
    pub history: bool,
    /// The Redis in which the hub keeps its logins, by URL, instead of SQLite.
    #[serde(default)]
    pub store: Option<String>,
}

impl Plan {
    /// Where the hub runs, and its address.
    pub const fn hub(&self) -> (Host, &'static str) {
        if self.one_box { (Host::Gateway, HUB_HERE) } else { (Host::Wan, HUB) }
    }

    /// Where the hub asks for cards.
    pub const fn card_listener(&self) -> &'static str {
        if self.one_box { CARDS_HERE } else { CARDS }
    }

    /// Whose identity providers there are.
    pub const fn providers(&self) -> &'static [Provider] {
        if self.schemes { &PROVIDERS } else { PROVIDERS.split_at(1).0 }
    }

    /// Every host, in the order in which they are made.
    pub fn hosts(&self) -> Vec<Host> {
        let fixed = [Host::Wan, Host::Gateway, Host::Office];
        fixed.into_iter().chain((0..self.guests).map(Host::Guest)).collect()
    }
}

/// The Internet's own address.
pub const WAN: &str = "198.18.0.1";
/// The router's public address.
pub const GATEWAY: &str = "198.18.0.2";
/// The public address lent to guests.
pub const SLOTS: &str = "198.18.0.3";
/// The web server.
pub const WEB: &str = "198.18.0.10";
/// The identity provider of SPID.
pub const IDP: &str = "198.18.0.20";
/// The hub.
pub const HUB: &str = "198.18.0.30";
/// The hub, where it runs on the router.
pub const HUB_HERE: &str = "10.64.0.2";
/// Where it asks for cards then.
pub const CARDS_HERE: &str = "10.64.0.3";
/// The Internet's DNS.
pub const DNS: &str = "198.18.0.53";
/// The router's address in the office.
pub const OFFICE_ROUTER: &str = "10.20.0.1";
/// The office's computer.
pub const OFFICE: &str = "10.20.0.2";
/// The hub's console, in the office's network: the machine of the hub has a cable of its own there.
pub const CONSOLE: &str = "10.20.0.30";
/// The router's address in the guest network.
pub const GUEST_ROUTER: &str = "10.64.0.1";

/// Where the hub asks for cards.
pub const CARDS: &str = "198.18.0.31";
/// The authority that issues cards.
pub const CERTIFIER: &str = "198.18.0.40";
/// The timestamp authority.
pub const TSA: &str = "198.18.0.50";
/// The witness of the hub's log.
pub const WITNESS: &str = "198.18.0.51";

/// Name of the portal: only the router's own resolver knows it.
pub const PORTAL_NAME: &str = "wifi.varco.test";
/// Name of the hub.
pub const HUB_NAME: &str = "accesso.varco.test";
/// Name under which the hub asks for cards. A name of its own and not a port: the walled garden has port 443 only.
pub const CARDS_NAME: &str = "tessera.varco.test";
/// Name of the hub's console.
pub const CONSOLE_NAME: &str = "registro.varco.test";
/// Who may enter there: the list in `hub.toml`, and the test citizen in it.
pub const CONSOLE_ROLES: [(&str, &str); 4] =
    [("auditors", "anna"), ("approvers", "bruno"), ("privacy", "franca"), ("operators", "carla")];
/// Name of the authority that issues cards.
pub const CERTIFIER_NAME: &str = "ente.varco.test";
/// Name of what does not answer as the authority should: at the same address.
pub const ELSEWHERE_NAME: &str = "altrove.varco.test";
/// Name of the timestamp authority.
pub const TSA_NAME: &str = "marca.varco.test";
/// Name of the witness's host.
pub const WITNESS_NAME: &str = "testimone.varco.test";
/// Name of the identity provider of SPID.
pub const IDP_NAME: &str = "idp.varco.test";

/// An identity provider in the Internet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider {
    /// Whose rules it follows.
    pub scheme: Scheme,
    /// Its name as a program of the lab, and of its files.
    pub program: &'static str,
    /// The folder of metadata of its scheme that the hub trusts.
    pub trusted: &'static str,
    /// Its host name.
    pub name: &'static str,
    /// Its address.
    pub address: &'static str,
    /// The hub's metadata of its scheme.
    pub service: &'static str,
}

/// All there may be.
pub const PROVIDERS: [Provider; 3] = [
    Provider {
        scheme: Scheme::Spid,
        program: "idp",
        trusted: "idp-metadata",
        name: IDP_NAME,
        address: IDP,
        service: "/spid/metadata",
    },
    Provider {
        scheme: Scheme::Cie,
        program: "idp-cie",
        trusted: "idp-cie-metadata",
        name: "cie.varco.test",
        address: "198.18.0.21",
        service: "/cie/metadata",
    },
    Provider {
        scheme: Scheme::Eidas,
        program: "idp-eidas",
        trusted: "idp-eidas-metadata",
        name: "eidas.varco.test",
        address: "198.18.0.22",
        service: "/spid/metadata",
    },
];
/// Name of the web server.
pub const WEB_NAME: &str = "www.varco.test";

/// Names that devices ask to find out whether they are online; all are the web server here.
pub const PROBES: [&str; 12] = [
    "captive.apple.com",
    "www.apple.com",
    "connectivitycheck.gstatic.com",
    "connectivitycheck.android.com",
    "clients3.google.com",
    "www.google.com",
    "play.googleapis.com",
    "www.msftconnecttest.com",
    "www.msftncsi.com",
    "detectportal.firefox.com",
    "nmcheck.gnome.org",
    "network-test.debian.org",
];

/// A guest's hardware address (the range that RFC 7042 keeps for documents, marked as local).
pub fn mac(guest: u8) -> String {
    format!("02:00:5e:00:53:{guest:02x}")
}
