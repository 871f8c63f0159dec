//! Who looks after the technical side of CIE for a body: the second contact in its metadata.

use super::{Fault, body};
use serde::Deserialize;

/// A technical partner: a public one has an IPA code, a private one the three others (*Manuale operativo CIE*,
/// federation, `ContactPerson`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// Full name.
    pub name: String,
    /// Mailbox of the office.
    pub email: String,
    /// `+39` and digits, no blanks.
    pub telephone: String,
    /// Belfiore code of the town of its seat.
    pub municipality: String,
    /// Of a public partner.
    pub ipa_code: Option<String>,
    /// Of a private partner: country and number, `IT12345678901`.
    pub vat_number: Option<String>,
    /// Of a private partner.
    pub fiscal_code: Option<String>,
    /// Of a private partner: ATECO codes, `62.01`.
    #[serde(default)]
    pub nace2_codes: Vec<String>,
}

impl Partner {
    /// Refuses what the federation would refuse.
    pub(super) fn check(&self) -> Result<(), Fault> {
        body::is_name("body.cie.technical.name", &self.name)?;
        body::is_email("body.cie.technical.email", &self.email)?;
        body::is_telephone("body.cie.technical.telephone", &self.telephone)?;
        let town = body::is_municipality(&self.municipality);
        body::holds("body.cie.technical.municipality", town, "write the Belfiore code of the town: L219")?;
        let codes = [&self.ipa_code, &self.vat_number, &self.fiscal_code].into_iter().flatten();
        let clean = codes.chain(&self.nace2_codes).all(|code| !code.is_empty() && body::clean(code));
        body::holds("body.cie.technical", clean, "write codes without blanks")?;
        let private = self.vat_number.is_some() && self.fiscal_code.is_some() && !self.nace2_codes.is_empty();
        let remedy = "write ipa_code, or vat_number, fiscal_code and nace2_codes of a private partner";
        body::holds("body.cie.technical", self.ipa_code.is_some() || private, remedy)
    }
}
