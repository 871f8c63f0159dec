//! Whose rules the provider plays by.

use super::{behaviour::Behaviour, citizen::Citizen};
use std::{fmt, str::FromStr};

/// A circle of trust.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Scheme {
    /// SPID technical rules.
    #[default]
    Spid,
    /// CIE id, *Manuale operativo CIE* for SAML.
    Cie,
    /// The Italian node of eIDAS, which speaks as a provider of SPID.
    Eidas,
}

/// The minimum dataset of a natural person that CIE always sends.
const CIE: [&str; 4] = ["name", "familyName", "dateOfBirth", "fiscalNumber"];
/// What the node sends of a natural person (Implementing Regulation (EU) 2015/1501, annex): no fiscal code.
const EIDAS: [&str; 7] =
    ["spidCode", "name", "familyName", "dateOfBirth", "placeOfBirth", "gender", "address"];
/// What a provider of SPID can attest (*Tabella attributi*).
const SPID: [&str; 12] = [
    "spidCode",
    "name",
    "familyName",
    "fiscalNumber",
    "dateOfBirth",
    "placeOfBirth",
    "countyOfBirth",
    "gender",
    "email",
    "mobilePhone",
    "address",
    "expirationDate",
];

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Spid, Self::Cie, Self::Eidas];

    /// The name on command lines and in folders.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spid => "spid",
            Self::Cie => "cie",
            Self::Eidas => "eidas",
        }
    }

    /// For citizens.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Spid => "Gestore di prova",
            Self::Cie => "CIE di prova",
            Self::Eidas => "Nodo eIDAS di prova",
        }
    }

    /// What it can attest.
    pub const fn attests(self) -> &'static [&'static str] {
        match self {
            Self::Spid => &SPID,
            Self::Cie => &CIE,
            Self::Eidas => &EIDAS,
        }
    }

    /// The attribute that identifies the citizen.
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::Spid | Self::Cie => "fiscalNumber",
            Self::Eidas => "spidCode",
        }
    }

    /// What it says of a citizen to who asked for `asked`: CIE always at least its minimum dataset.
    pub fn released(self, asked: &[String], citizen: &Citizen) -> Vec<(String, String)> {
        let asked = |name: &str| asked.iter().any(|a| a == name);
        let names = self.attests().iter().filter(|name| self == Self::Cie || asked(name));
        names.filter_map(|name| Some(((*name).to_owned(), self.attribute(citizen, name)?))).collect()
    }

    /// The value of an attribute. The node's `spidCode` is the identifier of another state, not of SPID's form.
    pub fn attribute(self, citizen: &Citizen, name: &str) -> Option<String> {
        match (self, name) {
            (Self::Eidas, "spidCode") => Some(format!("ES/IT/{}-00001", citizen.user)),
            _ => citizen.attribute(name),
        }
    }

    /// The level that an answer states: CIE's always the highest, whatever was asked.
    pub const fn level(self, asked: u8) -> u8 {
        match self {
            Self::Cie => 3,
            Self::Spid | Self::Eidas => asked,
        }
    }

    /// Whether it can answer so: CIE knows four error codes.
    pub fn knows(self, behaviour: Behaviour) -> bool {
        let cie = [None, Some(21), Some(22), Some(23), Some(25)];
        self != Self::Cie || cie.contains(&behaviour.error_code())
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scheme {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|s| s.name() == text);
        found.ok_or_else(|| format!("`{text}` is not a scheme: spid, cie, eidas"))
    }
}
