//! The fiscal code of a natural person (D.M. Finanze 23 December 1976), what SPID and CIE know a citizen by.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// A fiscal code, upper case, without the `TINIT-` of its SPID form. Personal data: it does not print.
#[derive(Clone)]
pub struct FiscalNumber(SecretString);

/// The text is not a fiscal code. It does not say the text, which may be somebody's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAFiscalNumber {
    /// SPID writes an Italian fiscal code `TINIT-` and the code (ETSI EN 319 412-1, 5.1.3).
    #[error("it has no TINIT- before it")]
    Prefix,
    /// A letter where a digit belongs, or the other way, or a wrong length.
    #[error("it is not six letters, year, month, day, place and check character")]
    Form,
    /// The last character is not the one that the others make.
    #[error("its check character is wrong")]
    CheckCharacter,
}

/// What each place holds: a letter, a digit (or the letter that stands for it among namesakes), a month.
const FORM: &[u8; 15] = b"AAAAAA99M99A999";
pub(super) const MONTHS: &[u8] = b"ABCDEHLMPRST";
/// The letters that replace the digits 0 to 9 when two persons would share a code (*omocodia*).
const STAND_INS: &[u8; 10] = b"LMNPQRSTUV";
/// Value of `A` to `Z` in odd places; the digits 0 to 9 count as `A` to `J`.
const ODD: [u32; 26] =
    [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

impl FiscalNumber {
    /// Reads the SPID form, `TINIT-` and the code, in any case.
    ///
    /// # Errors
    /// When the prefix is missing, the form is wrong or the check character is not right.
    pub fn from_spid(text: &str) -> Result<Self, NotAFiscalNumber> {
        let upper = text.trim().to_ascii_uppercase();
        Self::new(upper.strip_prefix("TINIT-").ok_or(NotAFiscalNumber::Prefix)?)
    }

    /// Reads the bare code, as a settings file holds it, in any case.
    ///
    /// # Errors
    /// When the form is wrong or the check character is not right.
    pub fn from_code(text: &str) -> Result<Self, NotAFiscalNumber> {
        Self::new(&text.trim().to_ascii_uppercase())
    }

    fn new(code: &str) -> Result<Self, NotAFiscalNumber> {
        check(code)?;
        Ok(Self(code.into()))
    }

    /// The code. For the identity register and the pairwise subject, nothing else.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for FiscalNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FiscalNumber(..)")
    }
}

fn check(code: &str) -> Result<(), NotAFiscalNumber> {
    let [body @ .., last] = code.as_bytes() else { return Err(NotAFiscalNumber::Form) };
    let form = body.len() == FORM.len() && body.iter().zip(FORM).all(|(c, kind)| is_kind(*c, *kind));
    if !form || !last.is_ascii_uppercase() || !(1..=71).contains(&day(body)) {
        return Err(NotAFiscalNumber::Form);
    }
    if check_character(body) == u32::from(*last) { Ok(()) } else { Err(NotAFiscalNumber::CheckCharacter) }
}

fn is_kind(c: u8, kind: u8) -> bool {
    match kind {
        b'A' => c.is_ascii_uppercase(),
        b'M' => MONTHS.contains(&c),
        _ => digit(c).is_some(),
    }
}

pub(super) fn digit(c: u8) -> Option<usize> {
    if c.is_ascii_digit() { Some(usize::from(c - b'0')) } else { STAND_INS.iter().position(|s| *s == c) }
}

/// Day of birth, plus 40 for women; 0 when there is no such day.
fn day(body: &[u8]) -> usize {
    let number = |i: usize| body.get(i).and_then(|c| digit(*c)).unwrap_or(0);
    let day = number(9) * 10 + number(10);
    if (1..=31).contains(&day) || (41..=71).contains(&day) { day } else { 0 }
}

fn check_character(body: &[u8]) -> u32 {
    let value = |c: u8| u32::from(if c.is_ascii_digit() { c - b'0' } else { c.wrapping_sub(b'A') });
    let odd = |c: u8| ODD.get(value(c) as usize).copied().unwrap_or(0);
    let sum: u32 = body.iter().enumerate().map(|(i, c)| if i % 2 == 0 { odd(*c) } else { value(*c) }).sum();
    u32::from(b'A') + sum % 26
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NotAFiscalNumber> {
        FiscalNumber::from_spid(text).map(|code| code.expose().to_owned())
    }

    #[test]
    fn reads_the_spid_form_and_writes_capitals() {
        assert_eq!(read("\n TINIT-RSSMRA80A01H501U ").unwrap(), "RSSMRA80A01H501U");
        assert_eq!(read("tinit-rssmra80a01h501u").unwrap(), "RSSMRA80A01H501U");
    }

    #[test]
    fn reads_the_bare_code_of_a_settings_file() {
        let bare = |text| FiscalNumber::from_code(text).map(|code| code.expose().to_owned());
        assert_eq!(bare("rssmra80a01h501u").unwrap(), "RSSMRA80A01H501U");
        assert_eq!(bare("TINIT-RSSMRA80A01H501U"), Err(NotAFiscalNumber::Form));
        assert_eq!(bare("RSSMRA80A01H501V"), Err(NotAFiscalNumber::CheckCharacter));
    }

    #[test]
    fn reads_a_code_made_distinct_among_namesakes() {
        assert_eq!(read("TINIT-RSSMRA80A01H50MN"), Err(NotAFiscalNumber::CheckCharacter));
        assert!(read("TINIT-RSSMRA80A01H50MM").is_ok());
    }

    #[test]
    fn refuses_what_is_not_a_code() {
        assert_eq!(read("RSSMRA80A01H501U"), Err(NotAFiscalNumber::Prefix));
        assert_eq!(read("VATIT-97735020584"), Err(NotAFiscalNumber::Prefix));
        for text in [
            "",
            "RSSMRA80A01H501",
            "RSSMRA80A01H501UU",
            "RSSMRA80F01H501U",
            "RSSMRA80A32H501U",
            "97735020584",
        ] {
            assert_eq!(read(&format!("TINIT-{text}")), Err(NotAFiscalNumber::Form), "{text}");
        }
        assert_eq!(read("TINIT-RSSMRÀ80A01H501U"), Err(NotAFiscalNumber::Form));
        assert_eq!(read("TINIT-RSSMRA80A01H501V"), Err(NotAFiscalNumber::CheckCharacter));
    }

    #[test]
    fn does_not_print() {
        let code = FiscalNumber::from_spid("TINIT-RSSMRA80A01H501U").unwrap();
        assert_eq!(format!("{code:?}"), "FiscalNumber(..)");
    }
}
