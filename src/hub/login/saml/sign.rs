//! Signing: the enveloped XML signature of a message by POST and of metadata, and the detached signature of a
//! query string (SAML Bindings 3.4.4.1).

use super::{
    Fault, ServiceProvider,
    names::{DS, ENVELOPED, EXC_C14N, RSA_SHA256, SHA256},
    xml::{Element, element},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use openssl::{hash::MessageDigest, sign::Signer, x509::X509};
use samael::crypto::{Crypto, CryptoProvider};
use secrecy::{ExposeSecret, SecretSlice};

/// Random part of our identifiers: 160 bits (SAML Core 1.3.4 asks for 128 at least and would have 160).
const ID_OCTETS: usize = 20;
/// The digits of base 32 (RFC 4648 section 6), small: some providers compare identifiers without case.
const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A fresh identifier: an underscore and 32 digits of base 32, so an NCName. Its 33 characters are fewer than the 38
/// above which some providers refuse; as hexadecimal they would be 41.
pub fn fresh_id() -> Result<String, Fault> {
    let mut octets = [0; ID_OCTETS];
    openssl::rand::rand_bytes(&mut octets)?;
    let mut id = String::from("_");
    for five in octets.chunks(5) {
        let bits = five.iter().fold(0_u64, |bits, octet| (bits << 8) | u64::from(*octet));
        id.extend((0..8).rev().map(|n| char::from(DIGITS[(bits >> (n * 5)) as usize % DIGITS.len()])));
    }
    Ok(id)
}

/// `now` as SAML writes it: whole seconds, UTC, `Z`.
pub fn instant(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

/// A certificate as `KeyInfo`.
pub(super) fn key_info(certificate: &X509) -> Result<Element, Fault> {
    let certificate = STANDARD.encode(certificate.to_der()?);
    let data = element("ds:X509Data").child(element("ds:X509Certificate").text(certificate));
    Ok(element("ds:KeyInfo").child(data))
}

impl ServiceProvider {
    /// The XML of a root element into which [`Self::signature_over`] was put, signed.
    pub(super) fn sign(&self, unsigned: &Element) -> Result<String, Fault> {
        let key = SecretSlice::from(self.keys.private().private_key_to_der()?);
        Crypto::sign_xml(unsigned.to_xml(), key.expose_secret()).map_err(|e| Fault::Crypto(format!("{e:?}")))
    }

    /// The empty enveloped signature over the element with this ID, to be filled by [`Self::sign`].
    pub(super) fn signature_over(&self, id: &str) -> Result<Element, Fault> {
        let method = |name, algorithm| element(name).with("Algorithm", algorithm);
        let transforms = element("ds:Transforms")
            .child(method("ds:Transform", ENVELOPED))
            .child(method("ds:Transform", EXC_C14N));
        let reference = element("ds:Reference")
            .with("URI", format!("#{id}"))
            .child(transforms)
            .child(method("ds:DigestMethod", SHA256))
            .child(element("ds:DigestValue"));
        let signed_info = element("ds:SignedInfo")
            .child(method("ds:CanonicalizationMethod", EXC_C14N))
            .child(method("ds:SignatureMethod", RSA_SHA256))
            .child(reference);
        Ok(element("ds:Signature")
            .with("xmlns:ds", DS)
            .child(signed_info)
            .child(element("ds:SignatureValue"))
            .child(key_info(self.keys.certificate())?))
    }

    /// RSA-SHA256 over octets, in base64.
    pub(super) fn sign_octets(&self, octets: &[u8]) -> Result<String, Fault> {
        let mut signer = Signer::new(MessageDigest::sha256(), self.keys.private())?;
        Ok(STANDARD.encode(signer.sign_oneshot_to_vec(octets)?))
    }
}
