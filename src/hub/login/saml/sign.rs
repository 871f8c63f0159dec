//! Signing: the enveloped XML signature of a message by POST and of metadata, and the detached signature of a
//! query string (SAML Bindings 3.4.4.1).

use super::{
    Fault, ServiceProvider,
    names::{DS, ENVELOPED, EXC_C14N, RSA_SHA256, SHA256},
    xml::{Element, element},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use openssl::{hash::MessageDigest, sign::Signer};
use samael::crypto::{Crypto, CryptoProvider};
use secrecy::{ExposeSecret, SecretSlice};

/// Random part of our identifiers: 128 bits. With the underscore an NCName of 33 characters, since some
/// providers refuse more than 38.
const ID_OCTETS: usize = 16;

/// A fresh identifier: an underscore and 32 hexadecimal digits.
pub fn fresh_id() -> Result<String, Fault> {
    let mut octets = [0; ID_OCTETS];
    openssl::rand::rand_bytes(&mut octets)?;
    Ok(octets.iter().fold(String::from("_"), |id, octet| id + &format!("{octet:02x}")))
}

/// `now` as SAML writes it: whole seconds, UTC, `Z`.
pub fn instant(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}

impl ServiceProvider {
    /// The XML of a root element into which [`Self::signature_over`] was put, signed.
    pub(super) fn sign(&self, unsigned: &Element) -> Result<String, Fault> {
        let key = SecretSlice::from(self.key.private_key_to_der()?);
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
            .child(self.key_info()?))
    }

    /// Our certificate as `KeyInfo`.
    pub(super) fn key_info(&self) -> Result<Element, Fault> {
        let certificate = STANDARD.encode(self.certificate.to_der()?);
        let data = element("ds:X509Data").child(element("ds:X509Certificate").text(certificate));
        Ok(element("ds:KeyInfo").child(data))
    }

    /// RSA-SHA256 over octets, in base64.
    pub(super) fn sign_octets(&self, octets: &[u8]) -> Result<String, Fault> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.key)?;
        Ok(STANDARD.encode(signer.sign_oneshot_to_vec(octets)?))
    }
}
