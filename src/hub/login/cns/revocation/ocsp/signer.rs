//! Who may sign an answer (RFC 6960 section 4.2.2.2): the issuer, or whom the issuer itself gave a certificate for it.

use super::super::{
    doubt::{Doubt, ensure},
    extensions,
    question::Authority,
    signed::Signed,
    when::{self, Window},
};
use jiff::Timestamp;
use openssl::x509::X509;
use x509_cert::{
    Certificate,
    der::{
        Decode, Encode,
        asn1::Null,
        oid::{
            ObjectIdentifier,
            db::{rfc5280, rfc6960},
        },
    },
    ext::{
        Extension,
        pkix::{ExtendedKeyUsage, KeyUsage, KeyUsages},
    },
};
use x509_ocsp::{ResponderId, ResponseData};

/// What may be critical in a responder's certificate.
const UNDERSTOOD: &[ObjectIdentifier] = &[
    rfc5280::ID_CE_KEY_USAGE,
    rfc5280::ID_CE_EXT_KEY_USAGE,
    rfc5280::ID_CE_BASIC_CONSTRAINTS,
    rfc5280::ID_CE_CERTIFICATE_POLICIES,
    rfc5280::ID_CE_SUBJECT_ALT_NAME,
    rfc6960::ID_PKIX_OCSP_NOCHECK,
];

/// Who signed, believed.
#[derive(Debug)]
pub struct Signer {
    /// Its certificate, where the issuer's list must say that it is not revoked.
    pub vouch: Option<X509>,
}

impl Signer {
    /// Who signed this answer.
    ///
    /// # Errors
    /// When nobody who may.
    pub fn of(
        data: &ResponseData,
        signed: &Signed,
        issuer: &Authority,
        now: Timestamp,
    ) -> Result<Self, Doubt> {
        if names(&data.responder_id, issuer)? {
            signed.verify(&issuer.key)?;
            return Ok(Self { vouch: None });
        }
        let mut doubt = Doubt::new("signer", "neither the issuer nor a certificate in the answer");
        for octets in &signed.certificates {
            match Self::with(octets, data, signed, issuer, now) {
                Ok(Some(signer)) => return Ok(signer),
                Ok(None) => {}
                Err(why) => doubt = why,
            }
        }
        Err(doubt)
    }

    /// Who signed, if it was with this certificate; one that nobody can read is no harm to the others.
    fn with(
        octets: &[u8],
        data: &ResponseData,
        signed: &Signed,
        issuer: &Authority,
        now: Timestamp,
    ) -> Result<Option<Self>, Doubt> {
        let certificate = X509::from_der(octets).map_err(|e| Doubt::new("form", e))?;
        let responder = Authority::new(&certificate)?;
        if !names(&data.responder_id, &responder)? {
            return Ok(None);
        }
        let vouch = delegated(octets, issuer, now)?;
        signed.verify(&responder.key)?;
        Ok(Some(Self { vouch: vouch.then_some(certificate) }))
    }
}

fn names(id: &ResponderId, who: &Authority) -> Result<bool, Doubt> {
    Ok(match id {
        ResponderId::ByName(name) => who.is_named(&name.to_der()?)?,
        ResponderId::ByKey(digest) => *digest == who.key_digest()?,
    })
}

/// Whether the issuer's list must vouch for the certificate, which the issuer gave to a responder.
fn delegated(octets: &[u8], issuer: &Authority, now: Timestamp) -> Result<bool, Doubt> {
    let certificate = Certificate::from_der(octets)?.tbs_certificate;
    ensure(issuer.is_named(&certificate.issuer.to_der()?)?, "signer", "its certificate is another issuer's")?;
    let signed = Signed::read(octets)?;
    ensure(certificate.signature == signed.algorithm, "algorithm", "one inside, another outside")?;
    signed.verify(&issuer.key).map_err(|e| Doubt::new("signer", format!("its certificate: {e}")))?;
    let (from, until) = (certificate.validity.not_before, certificate.validity.not_after);
    let window = Window { from: when::time(from)?, until: when::time(until)? };
    window.holds(now).map_err(|e| Doubt::new("signer-dates", e.why))?;
    let extensions = certificate.extensions.unwrap_or_default();
    extensions::check(&extensions, UNDERSTOOD)?;
    used_for_it(&extensions)?;
    Ok(extensions::find::<Null>(&extensions, rfc6960::ID_PKIX_OCSP_NOCHECK)?.is_none())
}

/// `anyExtendedKeyUsage` is not enough (RFC 6960 section 4.2.2.2).
fn used_for_it(extensions: &[Extension]) -> Result<(), Doubt> {
    let purposes: Option<ExtendedKeyUsage> = extensions::find(extensions, rfc5280::ID_CE_EXT_KEY_USAGE)?;
    let delegated = purposes.is_some_and(|all| all.0.contains(&rfc5280::ID_KP_OCSP_SIGNING));
    ensure(delegated, "signer-use", "its certificate is not for answers")?;
    let usage: Option<KeyUsage> = extensions::find(extensions, rfc5280::ID_CE_KEY_USAGE)?;
    let signs = usage.is_none_or(|usage| usage.0.contains(KeyUsages::DigitalSignature));
    ensure(signs, "signer-use", "its key signs nothing")
}
