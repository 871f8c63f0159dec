//! Asking a responder (RFC 6960), with a nonce (RFC 9654), and believing what it answers.

mod signer;

use super::{
    doubt::{Doubt, ensure},
    extensions,
    question::{Authority, Question},
    signed::Signed,
    when::{self, Window},
};
use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;
pub use signer::Signer;
use x509_cert::{
    der::{
        Decode, Encode,
        asn1::OctetString,
        oid::{AssociatedOid, ObjectIdentifier, db::rfc6960},
    },
    ext::Extension,
    spki::AlgorithmIdentifierOwned,
};
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspRequest, OcspResponse, OcspResponseStatus, Request,
    ResponseData, SingleResponse, TbsRequest, Version, ext::Nonce,
};

/// Most octets of an answer.
pub const MOST: usize = 64 * 1024;
/// RFC 9654 section 2.1 wants 32 octets.
const NONCE: usize = 32;
/// An answer without a nonce may have been made for somebody else, before: so long ago at most. A card that was revoked since
/// still passes as long, which is less than a responder's own delay.
const REPLAYABLE: SignedDuration = SignedDuration::from_mins(10);
/// An answer that names no end says "there is always a newer one": so old at most.
const ENDLESS: SignedDuration = SignedDuration::from_hours(1);
/// SHA-1 names the issuer in the request, since old responders know nothing else (RFC 5019 section 2.1.1); both sides of the
/// comparison are ours, so a collision gains nothing.
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// A request, and what its answer is compared with.
#[derive(Debug)]
pub struct Asked {
    id: CertId,
    nonce: Vec<u8>,
    /// What is sent.
    pub octets: Vec<u8>,
}

/// What a believed answer says.
#[derive(Debug)]
pub struct Said {
    /// About the card.
    pub status: Status,
    /// When the answer was made.
    pub produced: Timestamp,
    /// A responder's certificate of which the issuer's list must say that it is not revoked.
    pub vouch: Option<X509>,
}

/// What a responder says of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not revoked.
    Good,
    /// Revoked or held, since then.
    Revoked(Timestamp),
    /// It knows no such card.
    Unknown,
}

impl Asked {
    /// # Errors
    /// When no random octets can be had.
    pub fn new(question: &Question, issuer: &Authority) -> Result<Self, Doubt> {
        let mut nonce = vec![0; NONCE];
        openssl::rand::rand_bytes(&mut nonce).map_err(|e| Doubt::new("form", e))?;
        let id = CertId {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid: SHA1,
                parameters: Some(x509_cert::der::asn1::Null.into()),
            },
            issuer_name_hash: question.issuer_digest()?,
            issuer_key_hash: issuer.key_digest()?,
            serial_number: question.number.clone(),
        };
        let octets = request(&id, &nonce)?;
        Ok(Self { id, nonce, octets })
    }

    /// What an answer says, if every rule holds.
    ///
    /// # Errors
    /// The first rule that does not.
    pub fn believe(&self, answer: &[u8], issuer: &Authority, now: Timestamp) -> Result<Said, Doubt> {
        ensure(answer.len() <= MOST, "size", answer.len())?;
        let basic = basic(answer)?;
        let signed = Signed::read(&basic)?;
        let data = &ResponseData::from_der(signed.body)?;
        ensure(data.version == Version::V1, "kind", "another version")?;
        let signer = Signer::of(data, &signed, issuer, now)?;
        let produced = when::generalized(data.produced_at.0)?;
        self.fresh(data, produced, now)?;
        let single = self.single(data)?;
        let ours = extensions_of(single.single_extensions.as_ref());
        extensions::check(ours, &[])?;
        window(single)?.holds(now)?;
        Ok(Said { status: status(&single.cert_status)?, produced, vouch: signer.vouch })
    }

    /// Made now, for us; or made just now, for whoever.
    fn fresh(&self, data: &ResponseData, produced: Timestamp, now: Timestamp) -> Result<(), Doubt> {
        let all = extensions_of(data.response_extensions.as_ref());
        extensions::check(all, &[rfc6960::ID_PKIX_OCSP_NONCE])?;
        ensure(produced <= when::later(now, when::SKEW), "dates", "made in the time to come")?;
        let nonce: Option<OctetString> = extensions::find(all, rfc6960::ID_PKIX_OCSP_NONCE)?;
        match nonce {
            Some(nonce) => ensure(nonce.as_bytes() == self.nonce, "replay", "another nonce"),
            None => ensure(
                when::later(produced, REPLAYABLE) >= now,
                "replay",
                format!("no nonce, made {produced}"),
            ),
        }
    }

    /// The one answer about the card; there may be others about others.
    fn single<'a>(&self, data: &'a ResponseData) -> Result<&'a SingleResponse, Doubt> {
        let mut about = data.responses.iter().filter(|one| self.is_about(&one.cert_id));
        match (about.next(), about.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Doubt::new("certificate", "none about the one asked for")),
            (Some(_), Some(_)) => Err(Doubt::new("certificate", "two about the one asked for")),
        }
    }

    /// Parameters of the digest are NULL or left out.
    fn is_about(&self, id: &CertId) -> bool {
        id.hash_algorithm.oid == SHA1
            && id.issuer_name_hash == self.id.issuer_name_hash
            && id.issuer_key_hash == self.id.issuer_key_hash
            && id.serial_number == self.id.serial_number
    }
}

fn request(id: &CertId, nonce: &[u8]) -> Result<Vec<u8>, Doubt> {
    let nonce = Nonce::new(nonce)?.to_der()?;
    let extension = Extension { extn_id: Nonce::OID, critical: false, extn_value: OctetString::new(nonce)? };
    let one = Request { req_cert: id.clone(), single_request_extensions: None };
    let tbs_request = TbsRequest {
        version: Version::V1,
        requestor_name: None,
        request_list: vec![one],
        request_extensions: Some(vec![extension]),
    };
    Ok(OcspRequest { tbs_request, optional_signature: None }.to_der()?)
}

/// The basic answer in an answer, as it was received.
fn basic(answer: &[u8]) -> Result<Vec<u8>, Doubt> {
    let outer = OcspResponse::from_der(answer)?;
    let status = outer.response_status;
    ensure(status == OcspResponseStatus::Successful, "status", format!("{status:?}"))?;
    let inner = outer.response_bytes.ok_or_else(|| Doubt::new("kind", "successful, and no answer"))?;
    ensure(inner.response_type == BasicOcspResponse::OID, "kind", inner.response_type)?;
    Ok(inner.response.into_bytes())
}

fn extensions_of(all: Option<&Vec<Extension>>) -> &[Extension] {
    all.map(Vec::as_slice).unwrap_or_default()
}

fn window(single: &SingleResponse) -> Result<Window, Doubt> {
    let from = when::generalized(single.this_update.0)?;
    let until = single.next_update.map(|until| when::generalized(until.0)).transpose()?;
    Ok(Window { from, until: until.unwrap_or_else(|| when::later(from, ENDLESS)) })
}

fn status(status: &CertStatus) -> Result<Status, Doubt> {
    Ok(match status {
        CertStatus::Good(_) => Status::Good,
        CertStatus::Revoked(since) => Status::Revoked(when::generalized(since.revocation_time.0)?),
        CertStatus::Unknown(_) => Status::Unknown,
    })
}
