//! How the provider answers: well, with an error of the citizen's, or in a way a service provider must refuse.

use std::{fmt, str::FromStr};

/// What a service provider should do with the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Accept it.
    Accept,
    /// Show the page of this SPID error code.
    Explain,
    /// Refuse it.
    Refuse,
    /// Refuse it, or accept it with every value whole.
    Whole,
}

macro_rules! behaviours {
    ($($(#[$meta:meta])* $variant:ident $name:literal $verdict:ident $says:literal;)*) => {
        /// How the provider answers a login.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub enum Behaviour { $($(#[$meta])* #[doc = $says] $variant,)* }

        impl Behaviour {
            /// All of them, in the order of this list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in forms and on command lines.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it does, for people.
            pub const fn says(self) -> &'static str {
                match self { $(Self::$variant => $says,)* }
            }

            /// What a service provider should do with it.
            pub const fn verdict(self) -> Verdict {
                match self { $(Self::$variant => Verdict::$verdict,)* }
            }
        }
    };
}

behaviours! {
    #[default] Good "good" Accept "response and assertion signed, all as asked";
    AssertionSigned "assertion-signed" Accept "only the assertion is signed, which SPID allows";
    HigherLevel "higher-level" Accept "SpidL3 whatever was asked: a higher level is acceptable";
    Nr19 "nr19" Explain "error code 19: wrong credentials too often";
    Nr20 "nr20" Explain "error code 20: no credentials of the level asked";
    Nr21 "nr21" Explain "error code 21: time ran out";
    Nr22 "nr22" Explain "error code 22: consent denied";
    Nr23 "nr23" Explain "error code 23: identity suspended or revoked";
    Nr24 "nr24" Explain "error code 24: reserved";
    Nr25 "nr25" Explain "error code 25: cancelled by the citizen";
    Nr30 "nr30" Explain "error code 30: not the type of identity asked";
    Unsigned "unsigned" Refuse "no signature at all";
    ResponseSigned "response-signed" Refuse "only the response is signed; SPID wants the assertion signed";
    OtherKey "other-key" Refuse "signed with a key that is not in the metadata";
    Sha1 "sha1" Refuse "RSA-SHA1 signature and SHA-1 digest";
    Tampered "tampered" Refuse "the fiscal number changed after signing";
    WrongAudience "wrong-audience" Refuse "the assertion is for another service provider";
    NoAudience "no-audience" Refuse "no audience restriction";
    Expired "expired" Refuse "the assertion's time is over";
    NotYetValid "not-yet-valid" Refuse "the assertion is valid from an hour from now";
    StaleIssue "stale-issue" Refuse "issued before the request was";
    Replayed "replayed" Refuse "the previous answer once more, as it was";
    WrongInResponseTo "wrong-in-response-to" Refuse "an answer to a request that nobody made";
    Unsolicited "unsolicited" Refuse "an answer to no request";
    WrongDestination "wrong-destination" Refuse "meant for another address";
    WrongRecipient "wrong-recipient" Refuse "the subject confirmation is for another address";
    WrongIssuer "wrong-issuer" Refuse "says that another provider issued it";
    NoNameId "no-name-id" Refuse "the subject has no NameID";
    EmptyNameId "empty-name-id" Refuse "the subject's NameID is empty";
    LowerLevel "lower-level" Refuse "a level below the one asked (SpidL0, which is none, below SpidL1)";
    UnknownLevel "unknown-level" Refuse "an authentication context that SPID does not know";
    NoAuthnStatement "no-authn-statement" Refuse "says nothing about how the citizen was authenticated";
    NoFiscalNumber "no-fiscal-number" Refuse "the attribute that identifies the citizen is missing";
    Doctype "doctype" Refuse "a DOCTYPE before the response";
    Comment "comment" Whole "a comment splits the fiscal number, put there after signing: canonical XML drops it";
    TwoAssertions "two-assertions" Refuse "two assertions of two citizens, both signed";
    AssertionOnError "assertion-on-error" Refuse "an assertion in a response that says it failed";
    NoStatus "no-status" Refuse "the response has no status";
    Wrapped1 "wrapped-1" Refuse "XSW1: forged response; the signed one inside its signature";
    Wrapped2 "wrapped-2" Refuse "XSW2: forged response; the signed one beside its signature";
    Wrapped3 "wrapped-3" Refuse "XSW3: forged assertion before the signed one";
    Wrapped4 "wrapped-4" Refuse "XSW4: forged assertion around the signed one";
    Wrapped5 "wrapped-5" Refuse "XSW5: forged assertion with the signature; the signed one after it";
    Wrapped6 "wrapped-6" Refuse "XSW6: forged assertion with the signature; the signed one inside the signature";
    Wrapped7 "wrapped-7" Refuse "XSW7: forged assertion in Extensions, before the signed one";
    Wrapped8 "wrapped-8" Refuse "XSW8: forged assertion; the signed one in an Object of its signature";
}

impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Behaviour {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|b| b.name() == text);
        found.ok_or_else(|| format!("`{text}` is not a behaviour; `varco-idp behaviours` lists them"))
    }
}

impl Behaviour {
    /// The SPID error code it answers with, if it does.
    pub const fn error_code(self) -> Option<u8> {
        match self {
            Self::Nr19 => Some(19),
            Self::Nr20 => Some(20),
            Self::Nr21 => Some(21),
            Self::Nr22 => Some(22),
            Self::Nr23 => Some(23),
            Self::Nr24 => Some(24),
            Self::Nr25 | Self::AssertionOnError => Some(25),
            Self::Nr30 => Some(30),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_is_unique() {
        for b in Behaviour::ALL {
            assert_eq!(b.to_string().parse::<Behaviour>(), Ok(*b));
        }
        assert!("nonsense".parse::<Behaviour>().is_err());
    }
}
