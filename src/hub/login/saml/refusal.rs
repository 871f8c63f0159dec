//! Why an answer of a provider was not accepted.

use super::{rules, scheme::Scheme};

/// Why a message is refused. Nothing of it names the citizen, so it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The provider itself says that the login did not succeed.
    #[error("the provider refused: {error}")]
    Status {
        /// What it says.
        error: SpidError,
        /// Whether it signed that. Where it did not, anybody with the citizen's browser may have said it.
        signed: bool,
    },
    /// The octets are not one SAML message that we would hand to a parser.
    #[error("not a SAML message ({check}): {why}")]
    NotAResponse {
        /// The rule broken.
        check: &'static str,
        /// What was found.
        why: String,
    },
    /// The message breaks a rule.
    #[error("{check}: {why}")]
    Check {
        /// The name of the check, from [`super::CHECKS`] or one of the signature rules.
        check: &'static str,
        /// What was found.
        why: String,
    },
}

impl Refusal {
    pub(super) fn message(check: &'static str, why: impl ToString) -> Self {
        Self::NotAResponse { check, why: one_line(&why.to_string()) }
    }

    pub(super) fn check(check: &'static str, why: impl ToString) -> Self {
        Self::Check { check, why: one_line(&why.to_string()) }
    }

    /// The short name of the reason, for logs and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status { error, .. } => error.name(),
            Self::NotAResponse { check, .. } | Self::Check { check, .. } => check,
        }
    }

    /// The rule that was broken, in words.
    pub fn rule(&self) -> Option<&'static str> {
        rules::rule(self.name())
    }
}

/// A reason may quote the message, which may be an attacker's: it must not start a line of the log, nor fill it.
pub(super) fn one_line(why: &str) -> String {
    why.chars().take(200).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// An error that the provider reports (*Regole tecniche SPID*, messaggi di errore; nr30 from Avviso 18; CIE, codici di
/// errore).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SpidError {
    /// nr08 to nr18: our request is wrong.
    #[error("ErrorCode nr{0:02}: our request is wrong")]
    OurRequest(u8),
    /// nr19: wrong credentials too often.
    #[error("ErrorCode nr19: wrong credentials too often")]
    WrongCredentials,
    /// nr20: the citizen has no credentials of the level asked.
    #[error("ErrorCode nr20: no credentials of the level asked")]
    LevelTooLow,
    /// nr21: the citizen took too long.
    #[error("ErrorCode nr21: the login took too long")]
    TimedOut,
    /// nr22: the citizen did not consent to sending the data.
    #[error("ErrorCode nr22: consent denied")]
    ConsentDenied,
    /// nr23: the identity or its credentials are suspended or revoked.
    #[error("ErrorCode nr23: identity suspended or revoked")]
    Suspended,
    /// nr25: the citizen cancelled.
    #[error("ErrorCode nr25: cancelled by the citizen")]
    Cancelled,
    /// nr30: an identity of another kind than asked.
    #[error("ErrorCode nr30: an identity of another kind than asked")]
    OtherKind,
    /// A number without a meaning in the scheme, as nr24, or none.
    #[error("no success, and no error code that we know")]
    Other(Option<u8>),
}

impl SpidError {
    /// The error of a `StatusMessage`: `ErrorCode nr19`, in any case. In CIE 19, 20 and 24 are reserved and 30 is none.
    pub fn from_message(scheme: Scheme, message: &str) -> Self {
        let spid = scheme != Scheme::Cie;
        match number(message) {
            Some(number @ 8..=18) => Self::OurRequest(number),
            Some(19) if spid => Self::WrongCredentials,
            Some(20) if spid => Self::LevelTooLow,
            Some(21) => Self::TimedOut,
            Some(22) => Self::ConsentDenied,
            Some(23) => Self::Suspended,
            Some(25) => Self::Cancelled,
            Some(30) if spid => Self::OtherKind,
            other => Self::Other(other),
        }
    }

    /// The short name of the reason, for logs and counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OurRequest(_) => "our-request",
            Self::WrongCredentials => "nr19",
            Self::LevelTooLow => "nr20",
            Self::TimedOut => "nr21",
            Self::ConsentDenied => "nr22",
            Self::Suspended => "nr23",
            Self::Cancelled => "nr25",
            Self::OtherKind => "nr30",
            Self::Other(_) => "no-success",
        }
    }

    /// The provider's code, as the page shows it and the register keeps it; none where it said none.
    pub fn code(self) -> Option<String> {
        match self {
            Self::OurRequest(number) | Self::Other(Some(number)) => Some(format!("nr{number:02}")),
            Self::Other(None) => None,
            known => Some(known.name().to_owned()),
        }
    }
}

/// The number of `ErrorCode nr…`.
fn number(message: &str) -> Option<u8> {
    let lower = message.to_ascii_lowercase();
    let after = lower.split_once("errorcode").and_then(|(_, rest)| rest.trim_start().strip_prefix("nr"))?;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    after.get(..digits)?.parse().ok()
}
