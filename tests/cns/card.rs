//! The cards: good ones, and one that is bad in each way in which a card can be.

use super::authority::{Content, Usage};
use crate::idp::citizen::Citizen;
use std::{fmt, str::FromStr};

/// The policy of CNS (CNIPA rules of the CNS, "Policy per la Carta Nazionale dei Servizi").
const CNS: &[&str] = &["1.3.76.16.2.1"];
/// The policy of CIE's certificate for authentication.
const CIE: &[&str] = &["1.3.76.47.4"];
/// The PIN of every card, and the password of its PKCS#12.
pub const PIN: &str = "12345678";

macro_rules! cards {
    ($($variant:ident $name:literal $page:expr, $says:literal;)*) => {
        /// A card of the lab.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Card { $(#[doc = $says] $variant,)* }

        impl Card {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name of its files, and on command lines.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, for people.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// The page that it ends in, by its name among the hub's words; `None` for a card that is let in.
            pub const fn page(self) -> Option<&'static str> {
                match self { $(Self::$variant => $page,)* }
            }
        }
    };
}

cards! {
    Good "good" None, "ada's card: its OCSP responder says that it is good";
    ByList "by-list" None, "bruno's card: it names a revocation list and no OCSP responder";
    Fallback "fallback" None, "dario's card: its OCSP responder is down, its revocation list is not";
    Cie "cie" None, "carla's identity card, used as a card: a policy and a number of its own";
    None "none" Some("no_card"), "no card at all";
    Expired "expired" Some("expired"), "it ended yesterday";
    NotYet "not-yet" Some("not_yet"), "it begins tomorrow";
    RevokedByList "revoked-by-list" Some("revoked"), "its revocation list names it";
    RevokedByOcsp "revoked-by-ocsp" Some("revoked"), "its OCSP responder says that it is revoked";
    UnknownToOcsp "unknown-to-ocsp" Some("unknown"), "its OCSP responder does not know it";
    WrongPolicy "wrong-policy" Some("policy"), "its issuer's policy for something else";
    NoClientAuth "no-client-auth" Some("purpose"), "not meant for logging in: its extended key usage is e-mail";
    NonRepudiation "non-repudiation" Some("signing"), "the certificate for signing documents, on the same card";
    NoFiscalCode "no-fiscal-code" Some("subject"), "a name and no fiscal code";
    WrongCheck "wrong-check" Some("fiscal_code"), "a fiscal code whose check character is another";
    Rogue "rogue" Some("issuer"), "signed by one who bears the issuer's name and key identifier, not its key";
    Withdrawn "withdrawn" Some("issuer"), "its issuer was withdrawn in the trust list";
    OcspDown "ocsp-down" Some("silent"), "its OCSP responder is down and it names no revocation list";
    Replayed "ocsp-replayed" Some("silent"), "revoked, and its responder repeats an earlier answer";
    Stranger "ocsp-stranger" Some("silent"), "revoked, and its responder's answer is signed by a stranger";
}

/// Who signs a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// The issuer that the trust list recognises.
    Issuer,
    /// One of the same name with another key.
    Rogue,
    /// One that the trust list names as withdrawn.
    Withdrawn,
}

impl fmt::Display for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Card {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|card| card.name() == text);
        found.copied().ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|card| card.name()).collect();
            format!("`{text}` is not a card; use {}", all.join(", "))
        })
    }
}

impl Card {
    /// Whose it is. Bad ones are of the one whom every forged identity claims.
    pub fn holder(self) -> &'static Citizen {
        let user = match self {
            Self::Good => "ada",
            Self::ByList => "bruno",
            Self::Fallback => "dario",
            Self::Cie => "carla",
            _ => return Citizen::victim(),
        };
        Citizen::of(user).unwrap_or_else(Citizen::victim)
    }

    /// Who signs it.
    pub const fn signer(self) -> Signer {
        match self {
            Self::Rogue => Signer::Rogue,
            Self::Withdrawn => Signer::Withdrawn,
            _ => Signer::Issuer,
        }
    }

    /// What its certificate says; `certifier` is the address of the authority's web server, `elsewhere` of
    /// one that does not answer as it should.
    pub fn content(self, certifier: &str, elsewhere: &str) -> Content {
        let bad = |name: &str| Some(format!("{elsewhere}/cgi-bin/{name}"));
        let mut content = Content {
            common_name: common_name(&self.holder().fiscal_code()),
            days: (-400, 1400),
            usage: Usage::Authentication,
            client_auth: true,
            policies: CNS,
            ocsp: Some(format!("{certifier}/cgi-bin/ocsp")),
            list: Some(format!("{certifier}/issuer.crl")),
        };
        match self {
            Self::Good | Self::None | Self::Rogue | Self::Withdrawn => {}
            Self::ByList | Self::RevokedByList => content.ocsp = None,
            // Nothing listens on port 9, discard.
            Self::Fallback => content.ocsp = Some(format!("{elsewhere}:9/ocsp")),
            Self::OcspDown => (content.ocsp, content.list) = (Some(format!("{elsewhere}:9/ocsp")), None),
            Self::Cie => {
                content.policies = CIE;
                content.common_name = format!("{}/CA00000AA", self.holder().fiscal_code());
            }
            Self::Expired => content.days = (-1900, -1),
            Self::NotYet => content.days = (1, 1900),
            Self::RevokedByOcsp | Self::UnknownToOcsp => content.list = None,
            Self::WrongPolicy => content.policies = &["1.3.76.16.99"],
            Self::NoClientAuth => content.client_auth = false,
            Self::NonRepudiation => content.usage = Usage::Signature,
            Self::NoFiscalCode => content.common_name = "Vittoria Altrui".to_owned(),
            Self::WrongCheck => content.common_name = common_name(&miswritten(&self.holder().fiscal_code())),
            Self::Replayed => (content.ocsp, content.list) = (bad("replayed"), None),
            Self::Stranger => (content.ocsp, content.list) = (bad("stranger"), None),
        }
        content
    }

    /// Whether the issuer revoked it, as the OCSP responder knows.
    pub const fn is_revoked(self) -> bool {
        matches!(self, Self::RevokedByOcsp | Self::Replayed | Self::Stranger)
    }
}

/// `CODE/CARD.HASH`: the hash of the file of personal data, in base64, may hold slashes too.
fn common_name(fiscal_code: &str) -> String {
    format!("{fiscal_code}/7420009999990001.5dv/8Hj+vOEz0aUKCxnJwGMv3kQ=")
}

/// The code with the check character that follows in the alphabet.
fn miswritten(fiscal_code: &str) -> String {
    let (code, check) = fiscal_code.split_at(fiscal_code.len().saturating_sub(1));
    let next = check.bytes().next().map_or('A', |c| if c == b'Z' { 'A' } else { char::from(c + 1) });
    format!("{code}{next}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_found_by_its_name() {
        for card in Card::ALL {
            assert_eq!(card.name().parse::<Card>().as_ref(), Ok(card));
        }
        assert!("gold".parse::<Card>().unwrap_err().contains("revoked-by-ocsp"));
    }

    #[test]
    fn a_name_fits_and_a_wrong_check_character_is_wrong() {
        let good = Card::Good.content("http://x", "http://y").common_name;
        assert!(good.starts_with("PRVDAA85D52X000") && good.matches('/').count() == 2 && good.len() <= 64);
        let (wrong, right) =
            (Card::WrongCheck.content("http://x", "http://y"), Card::Rogue.content("http://x", "http://y"));
        assert_eq!(wrong.common_name[..15], right.common_name[..15]);
        assert_ne!(wrong.common_name[15..16], right.common_name[15..16]);
    }
}
