//! The three circles of trust that speak SAML to us, and what is the same for all of them: everything else is here as
//! data of the scheme.

use serde::{Deserialize, Serialize};

/// A circle of trust. What its rules ask differently from SPID's is said by its methods, and by nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// SPID (*Regole tecniche SPID*).
    Spid,
    /// CIE id, *Entra con CIE* (*Manuale operativo CIE*, SAML).
    Cie,
    /// Identities of other member states through the Italian eIDAS node (Regulation (EU) 910/2014 art. 6). The node is one
    /// more provider of SPID, asked for other attributes.
    Eidas,
}

impl Scheme {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Spid, Self::Cie, Self::Eidas];

    /// The short name: in settings, addresses, the register and `amr` of the ID token.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spid => "spid",
            Self::Cie => "cie",
            Self::Eidas => "eidas",
        }
    }

    /// Whose service provider is asked with: the node of eIDAS knows us by our metadata of SPID.
    #[must_use]
    pub const fn metadata(self) -> Self {
        match self {
            Self::Spid | Self::Eidas => Self::Spid,
            Self::Cie => Self::Cie,
        }
    }
}
