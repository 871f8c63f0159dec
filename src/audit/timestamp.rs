//! Timestamps of an authority (RFC 3161): that a checkpoint's text existed at an instant. What is asked, and whether the
//! answer is one, without any network. The authority is pinned: a file of certificates that the one who verifies has from
//! elsewhere.
//!
//! An answer is verified whole: status, what was stamped, nonce, the signature (CMS, RFC 5652) over exactly that, the
//! certificate that signed, which the signature itself names by its hash (RFC 5816), its purpose, and its way to the pinned
//! authority at the stamped instant. Whether a certificate was revoked is not asked: nobody can be, offline.

mod authority;
mod query;
mod signed;
mod token;

pub use authority::Authority;
pub use query::{Nonce, Query};

use cms::content_info::ContentInfo;
use der::{Any, Decode as _, Encode as _, Sequence, asn1::ObjectIdentifier};
use jiff::{SignedDuration, Timestamp};
use ring::digest::{SHA256, digest};

/// Longer answers are not read: certificates and a signature are some 5 kB.
pub const RESPONSE_MAX: usize = 1 << 16;

/// Why a timestamp is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTimestamp {
    /// The answer is not the DER of RFC 3161, or longer than [`RESPONSE_MAX`].
    #[error("this is no answer of a timestamp authority")]
    Malformed,
    /// The authority stamped nothing.
    #[error("the authority refused: status {status}{}", said(.text))]
    Refused {
        /// `PKIStatus`.
        status: u8,
        /// What it says of it.
        text: String,
    },
    /// It stamps another text, or not by SHA-256.
    #[error("it stamps another text")]
    OtherText,
    /// It answers another question.
    #[error("it answers another question: the nonce differs")]
    OtherNonce,
    /// The policy is not the one that is asked for.
    #[error("it was made under the policy {0}")]
    OtherPolicy(String),
    /// It says something that is critical and not known here.
    #[error("it has a critical extension that is not known")]
    Critical,
    /// The certificate of who signed is not in it, or not named by its SHA-2 hash (`ESSCertIDv2`).
    #[error("the certificate that signed it is not there, or not named by a hash of SHA-2")]
    NoCertificate,
    /// The signature does not hold, or is of a kind that is too weak or not known.
    #[error("its signature is wrong, or of a kind that is not taken")]
    Wrong,
    /// The certificate is not one for timestamps alone (RFC 3161, section 2.3).
    #[error("its certificate is not for timestamps alone")]
    OtherPurpose,
    /// The certificate was not valid at the stamped instant.
    #[error("its certificate was not valid at the instant that it names")]
    OutOfTime,
    /// The certificate does not come from the pinned authority.
    #[error("its certificate does not come from the authority that is trusted: {0}")]
    OtherAuthority(String),
}

fn said(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(", \"{text}\"") }
}

impl From<der::Error> for BadTimestamp {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// A timestamp that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The text existed then, by the authority's clock.
    pub at: Timestamp,
    /// How far that may be off, where the authority says it.
    pub accuracy: Option<SignedDuration>,
    /// The authority's number for it, hexadecimal.
    pub serial: String,
    /// The policy that it was made under, an object identifier.
    pub policy: String,
    /// Who signed: the subject of the certificate (RFC 4514).
    pub by: String,
}

#[derive(Sequence)]
struct Response {
    status: StatusInfo,
    token: Option<ContentInfo>,
}

/// `PKIStatusInfo` of RFC 4210. What the failure's bits say, the text says better.
#[derive(Sequence)]
struct StatusInfo {
    status: u8,
    text: Option<Vec<String>>,
    failure: Option<der::asn1::BitString>,
}

/// Verifies the answer of an authority about a text. `nonce` is that of the question, where it is known.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    response: &[u8],
    text: &[u8],
    nonce: Option<&Nonce>,
    authority: &Authority,
) -> Result<Stamp, BadTimestamp> {
    if response.len() > RESPONSE_MAX {
        return Err(BadTimestamp::Malformed);
    }
    let Response { status: StatusInfo { status, text: words, .. }, token } = Response::from_der(response)?;
    // granted, grantedWithMods
    let token = token.filter(|_| status <= 1);
    let token = token.ok_or_else(|| BadTimestamp::Refused { status, text: printable(words) })?;
    let signed = signed::Signed::read(&token)?;
    let info = token::Info::read(signed.content())?;
    if !info.stamps(digest(&SHA256, text).as_ref()) {
        return Err(BadTimestamp::OtherText);
    }
    if nonce.is_some_and(|nonce| !info.answers(nonce)) {
        return Err(BadTimestamp::OtherNonce);
    }
    let stamp = info.stamp()?;
    let certificate = signed.verify()?;
    authority.vouches(certificate, signed.certificates(), stamp.at)?;
    Ok(Stamp { by: certificate.tbs_certificate.subject.to_string(), ..stamp })
}

/// What an authority says, for a log or a terminal.
fn printable(words: Option<Vec<String>>) -> String {
    let text = words.unwrap_or_default().join(" ");
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

/// An algorithm without parameters that matter, as both RFC 3161 and CMS have it.
#[derive(Clone, PartialEq, Eq, Sequence)]
struct Algorithm {
    oid: ObjectIdentifier,
    parameters: Option<Any>,
}

impl Algorithm {
    /// Absent and NULL mean the same here (RFC 5754, section 2).
    fn is(&self, oid: ObjectIdentifier) -> bool {
        let plain = self.parameters.as_ref().is_none_or(|parameters| parameters.is_null());
        self.oid == oid && plain
    }

    fn octets(&self) -> Result<Vec<u8>, BadTimestamp> {
        let whole = self.to_der()?;
        Ok(Any::from_der(&whole)?.value().to_vec())
    }
}
