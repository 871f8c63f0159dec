//! What an authority is asked.

use super::Algorithm;
use der::{
    Encode as _, Sequence,
    asn1::{Int, ObjectIdentifier, OctetString},
    oid::db::rfc5912::ID_SHA_256,
};
use ring::digest::{SHA256, digest};

/// A random number that ties an answer to its question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nonce(Int);

impl Nonce {
    /// Of 128 random bits, two of which are given up: it is a positive integer of 16 octets.
    ///
    /// # Errors
    /// Never, as far as is known: the encoder's own.
    pub fn new(mut random: [u8; 16]) -> der::Result<Self> {
        random[0] = random[0] & 0x3f | 0x40;
        Int::new(&random).map(Self)
    }

    pub(super) fn is(&self, other: &Int) -> bool {
        self.0 == *other
    }
}

/// `MessageImprint`.
#[derive(Sequence)]
pub(super) struct Imprint {
    pub algorithm: Algorithm,
    pub hash: OctetString,
}

/// `TimeStampReq`.
#[derive(Sequence)]
struct Request {
    version: u8,
    imprint: Imprint,
    policy: Option<ObjectIdentifier>,
    nonce: Option<Int>,
    certificate: bool,
}

/// A question: what is sent by POST as `application/timestamp-query` (RFC 3161, section 3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Ties the answer to it.
    pub nonce: Nonce,
    /// As it is sent.
    pub octets: Vec<u8>,
}

impl Query {
    /// Asks for a stamp on the SHA-256 of a text, with the certificate that signs in the answer. Nothing of the text is told.
    ///
    /// # Errors
    /// Never, as far as is known: the encoder's own.
    pub fn new(text: &[u8], nonce: Nonce) -> der::Result<Self> {
        let algorithm = Algorithm { oid: ID_SHA_256, parameters: Some(der::Any::null()) };
        let hash = OctetString::new(digest(&SHA256, text).as_ref())?;
        let imprint = Imprint { algorithm, hash };
        let request =
            Request { version: 1, imprint, policy: None, nonce: Some(nonce.0.clone()), certificate: true };
        Ok(Self { nonce, octets: request.to_der()? })
    }
}
