//! Who a person is: a fiscal code, or a pseudonym where a body asks for no more and where there is no fiscal code.

use super::{fiscal::FiscalNumber, scheme::Scheme};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// Who a provider says that a person is. Personal data: it does not print.
#[derive(Debug, Clone)]
pub enum Person {
    /// By the fiscal code: the same person at every provider, of SPID and of CIE.
    FiscalNumber(FiscalNumber),
    /// By a pseudonym: the same person at the same provider only.
    SpidCode(SpidCode),
}

impl Person {
    /// The text by which the register knows the person. That of a fiscal code is the code itself, which has no colon, so no
    /// pseudonym ever has it; nor do those of two schemes meet.
    pub fn key(&self) -> String {
        match self {
            Self::FiscalNumber(number) => number.expose().to_owned(),
            Self::SpidCode(SpidCode { scheme, code }) => {
                format!("{}:{}", scheme.name(), code.expose_secret())
            }
        }
    }

    /// The fiscal code, where the person is known by it.
    pub const fn fiscal_number(&self) -> Option<&FiscalNumber> {
        match self {
            Self::FiscalNumber(number) => Some(number),
            Self::SpidCode(_) => None,
        }
    }
}

/// A `spidCode`: a pseudonym, but a lasting one. Personal data: it does not print.
#[derive(Clone)]
pub struct SpidCode {
    scheme: Scheme,
    code: SecretString,
}

/// The text is no `spidCode`. It does not say the text, which may be somebody's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("it is not four letters of the provider and ten letters or digits")]
pub struct NotASpidCode;

/// Longest identifier of a person that the node of eIDAS may send, in octets.
const LONGEST: usize = 256;

impl SpidCode {
    /// Reads the attribute `spidCode`: in SPID four letters and ten letters or digits (*Tabella attributi*), in any case;
    /// from the node of eIDAS one word, since it carries the identifier of another state.
    ///
    /// # Errors
    /// When the form is another one.
    pub fn read(scheme: Scheme, text: &str) -> Result<Self, NotASpidCode> {
        let text = text.trim();
        let code = match scheme {
            Scheme::Eidas if is_word(text) => text.to_owned(),
            Scheme::Spid if is_spid_code(text) => text.to_ascii_uppercase(),
            _ => return Err(NotASpidCode),
        };
        Ok(Self { scheme, code: code.into() })
    }
}

fn is_spid_code(text: &str) -> bool {
    let (provider, number) = text.split_at_checked(4).unwrap_or_default();
    let letters = provider.len() == 4 && provider.bytes().all(|c| c.is_ascii_alphabetic());
    letters && number.len() == 10 && number.bytes().all(|c| c.is_ascii_alphanumeric())
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic())
}

impl fmt::Debug for SpidCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpidCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(scheme: Scheme, text: &str) -> Result<String, NotASpidCode> {
        SpidCode::read(scheme, text).map(|code| Person::SpidCode(code).key())
    }

    #[test]
    fn a_pseudonym_is_never_somebodys_fiscal_code() {
        let mario = Person::FiscalNumber(FiscalNumber::from_code("RSSMRA80A01H501U").unwrap());
        assert_eq!(mario.key(), "RSSMRA80A01H501U", "as the register has always known it");
        assert!(mario.fiscal_number().is_some());
        assert_eq!(key(Scheme::Eidas, "RSSMRA80A01H501U").unwrap(), "eidas:RSSMRA80A01H501U");
        assert_eq!(key(Scheme::Spid, " prov0123456789\n").unwrap(), "spid:PROV0123456789");
        assert_ne!(key(Scheme::Eidas, "PROV0123456789"), key(Scheme::Spid, "PROV0123456789"));
        let pseudonym = Person::SpidCode(SpidCode::read(Scheme::Eidas, "ES/IT/1234").unwrap());
        assert!(pseudonym.fiscal_number().is_none());
    }

    #[test]
    fn what_is_no_pseudonym() {
        let spid = [
            "",
            "PROV012345678",
            "PROV01234567890",
            "PR0V0123456789",
            "PROV01234567-9",
            "PROÀ012345678",
            "\u{20ac}1",
        ];
        for text in spid {
            assert_eq!(key(Scheme::Spid, text), Err(NotASpidCode), "{text}");
        }
        for text in ["", "a b", "a\u{1}", "é", &"x".repeat(257)] {
            assert_eq!(key(Scheme::Eidas, text), Err(NotASpidCode), "{text}");
        }
        assert!(key(Scheme::Eidas, &"x".repeat(256)).is_ok());
        assert_eq!(key(Scheme::Cie, "PROV0123456789"), Err(NotASpidCode), "CIE has none");
    }

    #[test]
    fn does_not_print() {
        let code = SpidCode::read(Scheme::Spid, "PROV0123456789").unwrap();
        assert_eq!(format!("{:?}", Person::SpidCode(code)), "SpidCode(SpidCode(..))");
    }
}
