//! What is asked. It exists in clear at the two officers' machines only: in the request it is sealed.

use super::{document::Lines, unfit::LONGEST_TOLERANCE, unfit::Unfit};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};
use std::{fmt, net::Ipv4Addr, str::FromStr};
use varco_policy::slot::FIRST_PORT;

const FORMAT: &str = "varco-question/1";
/// Characters of an act or an authority.
const LONG: usize = 200;
/// Characters of what the asker says.
const LONGER: usize = 500;

/// A question, with who asks and by what right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The act: kind, number, date. 1 to 200 characters.
    pub act: String,
    /// The authority that asks. 1 to 200 characters.
    pub authority: String,
    /// What the asker says of it besides. At most 500 characters.
    pub says: Option<String>,
    /// The sites to look at; none for all.
    pub sites: Vec<String>,
    /// What is asked.
    pub what: What,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Who used a public address and port at an instant?
    Slot(Moment),
    /// Who set the shares of a site's lanes?
    Shares {
        /// From.
        from: Timestamp,
        /// To, included.
        to: Timestamp,
    },
}

/// A public address and port at an instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Public IPv4 address.
    pub address: Ipv4Addr,
    /// Source port at that address, 1024 or more.
    pub port: u16,
    /// Of what the port is. Slots are lent with the ports of both.
    pub protocol: Protocol,
    /// When.
    pub at: Instant,
    /// How far the asker's clock may be off, either way, in seconds: 0 to 600.
    pub tolerance: u32,
}

/// The protocol of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Protocol {
    Tcp,
    Udp,
}

/// An instant as the asker wrote it, with its UTC offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instant {
    written: String,
    at: Timestamp,
}

impl Instant {
    /// The instant.
    pub const fn at(&self) -> Timestamp {
        self.at
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// An instant, read only when it says which: with a UTC offset or `Z` (RFC 3339). A local time alone names two
/// instants in the night the clocks go back, and is refused rather than guessed.
///
/// # Errors
/// When the text is not a date and time, or has no offset.
pub fn instant(text: &str) -> Result<Timestamp, Unfit> {
    // jiff would take names of zones in brackets too; the offset is what the asker is bound to.
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b));
    let at = text.parse().ok().filter(|_| plain);
    at.ok_or_else(|| Unfit::Instant(text.to_owned()))
}

impl FromStr for Instant {
    type Err = Unfit;

    fn from_str(text: &str) -> Result<Self, Unfit> {
        instant(text).map(|at| Self { written: text.to_owned(), at })
    }
}

impl Moment {
    /// From when to when, the asker's tolerance included.
    pub fn window(&self) -> (Timestamp, Timestamp) {
        let (at, tolerance) = (self.at.at, SignedDuration::from_secs(self.tolerance.into()));
        let first = at.saturating_sub(tolerance).unwrap_or(Timestamp::MIN);
        (first, at.saturating_add(tolerance).unwrap_or(Timestamp::MAX))
    }
}

impl Question {
    /// Whether it may be asked: it could single out a person, and what it asks about was over when it was asked.
    ///
    /// # Errors
    /// The first thing that is wrong, with what to write.
    pub fn check(&self, asked: Timestamp) -> Result<(), Unfit> {
        check_text("act", &self.act, LONG)?;
        check_text("authority", &self.authority, LONG)?;
        self.says.as_ref().map_or(Ok(()), |says| check_text("says", says, LONGER))?;
        let site = |site: &&String| {
            !site.is_empty() && site.bytes().all(|b| b.is_ascii_graphic() && b != b',') && *site != "-"
        };
        if let Some(bad) = self.sites.iter().find(|name| !site(name)) {
            return Err(Unfit::Site(bad.clone()));
        }
        match &self.what {
            What::Slot(moment) => moment.check(asked),
            What::Shares { .. } if self.sites.is_empty() => Err(Unfit::NoSite),
            What::Shares { from, to } if from > to => Err(Unfit::Backwards),
            What::Shares { to, .. } if *to > asked => Err(Unfit::Future(to.to_string())),
            What::Shares { .. } => Ok(()),
        }
    }

    /// The text that is sealed. `salt` makes its digest say nothing of it.
    pub(super) fn text(&self, salt: &[u8; 16]) -> String {
        let Self { act, authority, says, sites, what } = self;
        let says = says.as_deref().unwrap_or("-");
        let sites = if sites.is_empty() { "-".to_owned() } else { sites.join(",") };
        format!(
            "{FORMAT}\nact {act}\nauthority {authority}\nsays {says}\nsites {sites}\n{what}salt {}\n",
            STANDARD.encode(salt)
        )
    }

    /// Reads that text; `None` for what is written otherwise.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut lines = Lines::of(text);
        if lines.line()? != FORMAT {
            return None;
        }
        let (act, authority) = (lines.value("act")?.to_owned(), lines.value("authority")?.to_owned());
        let says = Some(lines.value("says")?).filter(|says| *says != "-").map(str::to_owned);
        let sites = Some(lines.value("sites")?).filter(|sites| *sites != "-");
        let sites = sites.map(|sites| sites.split(',').map(str::to_owned).collect()).unwrap_or_default();
        let what = What::read(&mut lines)?;
        let salt = STANDARD.decode(lines.value("salt")?).ok()?.try_into().ok()?;
        let question = Self { act, authority, says, sites, what };
        (question.text(&salt) == text).then_some(question)
    }

    /// Whether a site's records are to be looked at.
    pub fn is_about(&self, site: &str) -> bool {
        self.sites.is_empty() || self.sites.iter().any(|name| name == site)
    }
}

/// SHA-256 of a question's text, as the request commits to it.
pub(super) fn commitment(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

impl What {
    fn read(lines: &mut Lines<'_>) -> Option<Self> {
        match lines.value("what")? {
            "slot" => Some(Self::Slot(Moment {
                address: lines.value("address")?.parse().ok()?,
                port: lines.value("port")?.parse().ok()?,
                protocol: lines.value("protocol")?.parse().ok()?,
                at: lines.value("at")?.parse().ok()?,
                tolerance: lines.value("tolerance")?.parse().ok()?,
            })),
            "shares" => Some(Self::Shares {
                from: lines.value("from")?.parse().ok()?,
                to: lines.value("to")?.parse().ok()?,
            }),
            _ => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(Moment { address, port, protocol, at, tolerance }) => write!(
                f,
                "what slot\naddress {address}\nport {port}\nprotocol {protocol}\nat {at}\ntolerance {tolerance}\n"
            ),
            Self::Shares { from, to } => write!(f, "what shares\nfrom {from}\nto {to}\n"),
        }
    }
}

impl Moment {
    fn check(&self, asked: Timestamp) -> Result<(), Unfit> {
        let Self { address, port, at, tolerance, .. } = self;
        if !is_public(*address) {
            return Err(Unfit::Address(*address));
        }
        if *port < FIRST_PORT {
            return Err(Unfit::Port(*port));
        }
        if *tolerance > LONGEST_TOLERANCE {
            return Err(Unfit::Tolerance((*tolerance).into()));
        }
        if at.at > asked { Err(Unfit::Future(at.written.clone())) } else { Ok(()) }
    }
}

/// Whether a provider may route it: not of a private or shared network (RFC 1918, RFC 6598), this host, this link,
/// many hosts or none.
fn is_public(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && (64..128).contains(&second);
    let local = address.is_private() || address.is_loopback() || address.is_link_local();
    !(shared || local || first == 0 || first >= 224)
}

fn check_text(key: &'static str, text: &str, most: usize) -> Result<(), Unfit> {
    let fits = (1..=most).contains(&text.chars().count()) && text.trim() == text && text != "-";
    if fits && !text.chars().any(char::is_control) { Ok(()) } else { Err(Unfit::Text(key, most)) }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl FromStr for Protocol {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err("a protocol is tcp or udp"),
        }
    }
}

#[cfg(test)]
mod tests;
