//! What a body asks of a scheme: its name there, the level, and which attribute says who somebody is.

use super::{Fault, Level, Scheme, body, partner::Partner};
use serde::{Deserialize, Serialize};

/// A body's side of a scheme: a `[body.spid]` or `[body.cie]` table of the hub's settings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Our name in the scheme, an https URL; the audience of assertions and, in SPID, the `uri` of the certificate.
    pub entity_id: String,
    /// The level asked for, 1 to 3.
    pub level: Level,
    /// How the level is meant.
    #[serde(default)]
    pub comparison: Comparison,
    /// What says who somebody is.
    #[serde(default)]
    pub identity: Wanted,
    /// From which age minors may use the service, 5 to 17 years (AgID, Determinazione 51/2022): declared in the metadata.
    pub age_limit: Option<u8>,
    /// Below which age a parent must allow it, above `age_limit` and 18 years at most; absent: no parent is asked.
    pub parent_below: Option<u8>,
    /// Whether citizens of other member states come in, through the Italian eIDAS node.
    #[serde(default)]
    pub eidas: bool,
    /// In CIE: who looks after the technical side for the body.
    pub technical: Option<Partner>,
}

/// How the level of a request is meant (SAML Core 3.3.2.2.1). Whatever it says, a provider may always authenticate at a
/// higher level than what was asked (*Regole tecniche SPID*, single sign-on): that is no reason to refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    /// The level itself.
    Exact,
    /// The level or a higher one.
    #[default]
    Minimum,
    /// A higher level than the one written.
    Better,
    /// The highest level up to the one written that the citizen has.
    Maximum,
}

impl Comparison {
    /// As SAML writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Minimum => "minimum",
            Self::Better => "better",
            Self::Maximum => "maximum",
        }
    }

    /// The lowest level that satisfies a request for `asked`.
    #[must_use]
    pub const fn least(self, asked: Level) -> Level {
        match (self, asked) {
            (Self::Exact | Self::Minimum, asked) => asked,
            (Self::Better, Level::L1) => Level::L2,
            (Self::Better, Level::L2 | Level::L3) => Level::L3,
            (Self::Maximum, _) => Level::L1,
        }
    }
}

/// What says who somebody is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// `fiscalNumber`: the same person whatever the provider.
    #[default]
    FiscalNumber,
    /// `spidCode`: a pseudonym, which only its provider can tell whose it is.
    SpidCode,
}

impl Profile {
    /// Refuses what a scheme would refuse, or cannot do.
    ///
    /// # Errors
    /// [`Fault::Setting`] naming the key.
    pub fn check(&self, scheme: Scheme) -> Result<(), Fault> {
        let key = |name: &str| format!("body.{}.{name}", scheme.name());
        body::is_url(&key("entity_id"), &self.entity_id)?;
        let cie = scheme == Scheme::Cie;
        let known = !cie || matches!(self.comparison, Comparison::Exact | Comparison::Minimum);
        body::holds(&key("comparison"), known, "CIE knows exact and minimum only: write one of them")?;
        let above = self.comparison != Comparison::Better || self.level < Level::L3;
        body::holds(&key("comparison"), above, "nothing is better than level 3: write minimum")?;
        let codes = !cie || self.identity == Wanted::FiscalNumber;
        body::holds(&key("identity"), codes, "CIE has no SPID code: write fiscal-number")?;
        let ages = self.age_limit.is_none_or(|age| !cie && (5..=17).contains(&age));
        body::holds(&key("age_limit"), ages, "write 5 to 17 years, and in [body.spid] only")?;
        let known = self.age_limit.is_none() || self.identity == Wanted::FiscalNumber;
        body::holds(&key("age_limit"), known, "a pseudonym has no age: write identity = \"fiscal-number\"")?;
        let parents =
            self.parent_below.is_none_or(|age| self.age_limit.is_some_and(|from| from < age && age <= 18));
        body::holds(&key("parent_below"), parents, "write more than age_limit, up to 18")?;
        body::holds(&key("technical"), cie || self.technical.is_none(), "write it in [body.cie]")?;
        self.technical.as_ref().map_or(Ok(()), Partner::check)?;
        body::holds(
            &key("eidas"),
            !cie || !self.eidas,
            "the eIDAS node asks through SPID: write it in [body.spid]",
        )
    }
}
