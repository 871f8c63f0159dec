//! Who keeps the records: a public body, or who is authorised to offer networks and services to the public (d.lgs. 259/2003
//! art. 11). The latter must keep what says who had a connection for 12 months (d.lgs. 196/2003 art. 132) and up to 72 (l. 167/2017
//! art. 24); a public body may not. So that profile is locked: it takes a statement that two persons signed (`both.rs`).
//!
//! ```text
//! varco-authorised-operator/1
//! body <who is authorised>
//! authorisation <by what>
//! at <instant>
//! ```

use crate::{
    both::{Both, NotBoth},
    class::{Class, Retention},
    holder::People,
};
use jiff::{Timestamp, ToSpan as _};

const FORMAT: &str = "varco-authorised-operator/1";

/// Who keeps the records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// A public body, which gives its own users what its offices leave (CAD art. 8-bis).
    #[default]
    PublicBody,
    /// An authorised operator.
    AuthorisedOperator,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::PublicBody, Self::AuthorisedOperator];

    /// Default and range of a class.
    pub fn retention(self, class: Class) -> Retention {
        match (self, class) {
            (Self::AuthorisedOperator, Class::R2a | Class::R2b) => {
                Retention { default: 72.months(), least: 12.months(), most: Some(72.months()) }
            }
            _ => class.retention(),
        }
    }
}

/// That a body is an authorised operator: what both sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorisedOperator {
    /// Who.
    pub body: String,
    /// By what: the general authorisation's date and number, as the ministry's register has it.
    pub authorisation: String,
    /// When they signed.
    pub at: Timestamp,
}

impl AuthorisedOperator {
    /// The text that both sign; `None` where a word is no line.
    pub fn text(&self) -> Option<String> {
        let Self { body, authorisation, at } = self;
        let line =
            |text: &String| !text.is_empty() && text.trim() == text && !text.chars().any(char::is_control);
        let whole = line(body) && line(authorisation);
        whole.then(|| format!("{FORMAT}\nbody {body}\nauthorisation {authorisation}\nat {at}\n"))
    }

    /// Reads a statement and verifies that a requester and an approver among these people signed it.
    ///
    /// # Errors
    /// [`NotBoth`].
    pub fn read(octets: &[u8], people: &People) -> Result<Self, NotBoth> {
        let both = Both::read(octets, people)?;
        Self::parse(both.text()).ok_or(NotBoth::Malformed)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        (lines.next()? == FORMAT).then_some(())?;
        let mut value = |key: &str| lines.next()?.strip_prefix(key);
        let body = value("body ")?.to_owned();
        let authorisation = value("authorisation ")?.to_owned();
        let said = Self { body, authorisation, at: value("at ")?.parse().ok()? };
        (said.text()? == text).then_some(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_keeps_who_was_connected_for_longer_and_nothing_else() {
        for class in Class::ALL {
            let [public, operator] = Profile::ALL.map(|profile| format!("{:?}", profile.retention(class)));
            assert_eq!(public == operator, !matches!(class, Class::R2a | Class::R2b), "{class}");
        }
    }

    #[test]
    fn what_both_sign_has_one_spelling() {
        let at = "2026-11-30T10:00:00Z".parse().unwrap();
        let of = |body: &str, authorisation: &str| {
            AuthorisedOperator { body: body.into(), authorisation: authorisation.into(), at }.text()
        };
        let text = of("Rete civica s.p.a.", "ROC 12345 del 1 marzo 2026").unwrap();
        let said = AuthorisedOperator::parse(&text).unwrap();
        assert_eq!((said.body.as_str(), said.text().as_deref()), ("Rete civica s.p.a.", Some(&*text)));
        for (body, authorisation) in [("", "x"), ("x", ""), (" x", "x"), ("x\ny", "x"), ("x", "y\u{7}")] {
            assert_eq!(of(body, authorisation), None, "{body:?} {authorisation:?}");
        }
        for wrong in ["", FORMAT, &text[1..], &text.replace("body", "bodY"), &format!("{text}\n")] {
            assert_eq!(AuthorisedOperator::parse(wrong), None, "{wrong}");
        }
    }
}
