//! The rules that a card passes, in their order; the same numbers are in SECURITY.md. Each has a page of its own, or is an
//! alert of TLS.

use varco_templates::hub::CardTrouble;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its number in SECURITY.md.
    pub number: &'static str,
    /// Its name in the log and the register.
    pub name: &'static str,
    /// What must hold.
    pub rule: &'static str,
}

const fn rule(number: &'static str, name: &'static str, rule: &'static str) -> Rule {
    Rule { number, name, rule }
}

/// The rule that was broken where a page says this; `None` where none was: the citizen only has to begin again.
pub const fn of(trouble: CardTrouble) -> Option<Rule> {
    Some(match trouble {
        CardTrouble::NoCard => rule("N1", "possession", "there is a certificate, and its key is there"),
        CardTrouble::Form => rule("N2", "form", "it is one certificate of version 3, each extension once"),
        CardTrouble::Strength => {
            rule("N3", "strength", "RSA of 2048 bits, EC of 256; signed with SHA-256 or better")
        }
        CardTrouble::Issuer => {
            rule("N4", "issuer", "it is signed with the key of an authority recognised now")
        }
        CardTrouble::NotYet => rule("N5", "not-yet", "its time has begun"),
        CardTrouble::Expired => rule("N5", "expired", "its time is not over"),
        CardTrouble::Usage | CardTrouble::Signing => {
            rule("N6", "key-usage", "digitalSignature, no nonRepudiation, no authority's")
        }
        CardTrouble::Purpose => rule("N7", "client-auth", "its extended key usage is clientAuth"),
        CardTrouble::Policy => rule("N8", "policy", "it is issued under a policy of cards"),
        CardTrouble::Subject => rule("N9", "subject", "one common name: fiscal code, slash, card"),
        CardTrouble::FiscalCode => rule("N10", "fiscal-code", "the fiscal code's check character is right"),
        CardTrouble::TooYoung => rule("N18", "age", "its holder has the age from which the body serves"),
        CardTrouble::Parent => rule("N18", "parent", "no parent has to allow it"),
        CardTrouble::Revoked => rule("N11", "revoked", "its issuer says that it is not revoked"),
        CardTrouble::Unknown => rule("N11", "unknown", "its issuer knows it"),
        CardTrouble::Unaskable => rule("N11", "unaskable", "it names who may be asked about it"),
        CardTrouble::Silent => rule("N11", "no-answer", "its issuer answers, unless the settings are soft"),
        CardTrouble::NoList => rule("N12", "no-list", "there is a trust list, and it is not over"),
        CardTrouble::Start | CardTrouble::Used | CardTrouble::OtherBrowser | CardTrouble::NotAccepted => {
            return None;
        }
    })
}
