//! Whose card it is: the common name `FISCALCODE/card.digest` (CNS, *Specifiche del certificato di autenticazione*).

use super::policy::Number;
use crate::login::saml::{FiscalNumber, NotAFiscalNumber};
use openssl::{nid::Nid, x509::X509Ref};

/// Longest common name that is read, in octets: that of a card has 61.
const LONGEST: usize = 256;
/// Digits of a card's number.
const DIGITS: usize = 16;
/// Longest digest of the personal data, in characters of base64.
const LONGEST_DIGEST: usize = 88;

/// The name says nobody. It does not say the name, which may be somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHolder {
    /// There is not one common name that can be read.
    Name,
    /// No fiscal code stands before the first slash.
    FiscalCode,
    /// The fiscal code's check character is wrong.
    CheckCharacter,
    /// What follows is not what the policy says.
    Card,
}

/// The one common name of a certificate.
///
/// # Errors
/// [`NoHolder::Name`] when there are none or several, or it holds what is no text.
pub fn common_name(certificate: &X509Ref) -> Result<String, NoHolder> {
    let mut names = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    let (Some(name), None) = (names.next(), names.next()) else { return Err(NoHolder::Name) };
    if name.data().as_slice().len() > LONGEST {
        return Err(NoHolder::Name);
    }
    name.data().to_string().map_err(|_| NoHolder::Name)
}

/// The fiscal code in a common name: what stands before the first slash, since base64 has slashes too.
///
/// # Errors
/// When it is none, or what follows it is not what the policy says.
pub fn holder(name: &str, card: Number) -> Result<FiscalNumber, NoHolder> {
    let (code, card_and_digest) = name.split_once('/').ok_or(NoHolder::FiscalCode)?;
    if !code.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return Err(NoHolder::FiscalCode);
    }
    let code = FiscalNumber::from_code(code).map_err(|error| match error {
        NotAFiscalNumber::CheckCharacter => NoHolder::CheckCharacter,
        NotAFiscalNumber::Form | NotAFiscalNumber::Prefix => NoHolder::FiscalCode,
    })?;
    let good = match card {
        Number::Digits => is_card(card_and_digest),
        Number::Any => !card_and_digest.is_empty() && card_and_digest.bytes().all(|c| c.is_ascii_graphic()),
    };
    if good { Ok(code) } else { Err(NoHolder::Card) }
}

fn is_card(text: &str) -> bool {
    let (number, digest) = text.split_once('.').unwrap_or_default();
    let base64 = |c: u8| c.is_ascii_alphanumeric() || b"+/=".contains(&c);
    number.len() == DIGITS
        && number.bytes().all(|c| c.is_ascii_digit())
        && (1..=LONGEST_DIGEST).contains(&digest.len())
        && digest.bytes().all(base64)
}
