//! What TLS proves of a card: that whoever is there holds the private key of the certificate. Everything else is the
//! application's, so that each refusal has a page of its own and not an alert.

use openssl::{
    hash::MessageDigest,
    pkey::{Id, PKey, Public},
    rsa::Padding,
    sign::{RsaPssSaltlen, Verifier},
    x509::X509,
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
};

/// What a card may sign the handshake with. PKCS #1 comes first: many cards cannot do PSS. SHA-1 is not among them: the
/// digest is the computer's work, so no card needs it.
const SCHEMES: [SignatureScheme; 8] = [
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::ECDSA_NISTP384_SHA384,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
];
/// The longest certificate that is read, in octets: a card holds less than 4 KiB.
pub const LONGEST: usize = 16 * 1024;

/// Asks for a certificate, takes none too, and believes nothing of it but its key.
#[derive(Debug)]
pub struct Possession;

impl ClientCertVerifier for Possession {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hint: browsers then offer every certificate, the signing one of the same card too, and a page says which to take.
    /// A list of names would have to change with the trust list, and a card that is not in it would not be offered: the
    /// citizen would learn nothing.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        key(end_entity).map(|_| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match signed(&key(cert)?, dss.scheme, message, dss.signature()) {
            Some(true) => Ok(HandshakeSignatureValid::assertion()),
            _ => Err(Error::InvalidCertificate(CertificateError::BadSignature)),
        }
    }

    /// The listener speaks TLS 1.2 only.
    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.3 is not spoken here".into()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

/// The key in a certificate, of whatever size: an old card is refused with a page, later.
fn key(certificate: &CertificateDer<'_>) -> Result<PKey<Public>, Error> {
    let bad = || Error::InvalidCertificate(CertificateError::BadEncoding);
    if certificate.len() > LONGEST {
        return Err(bad());
    }
    X509::from_der(certificate).and_then(|certificate| certificate.public_key()).map_err(|_| bad())
}

/// Whether the signature holds; `None` when scheme and key do not fit, or the library says no.
fn signed(key: &PKey<Public>, scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Option<bool> {
    let (digest, padding) = match scheme {
        SignatureScheme::RSA_PKCS1_SHA256 => (MessageDigest::sha256(), Some(Padding::PKCS1)),
        SignatureScheme::RSA_PKCS1_SHA384 => (MessageDigest::sha384(), Some(Padding::PKCS1)),
        SignatureScheme::RSA_PKCS1_SHA512 => (MessageDigest::sha512(), Some(Padding::PKCS1)),
        SignatureScheme::RSA_PSS_SHA256 => (MessageDigest::sha256(), Some(Padding::PKCS1_PSS)),
        SignatureScheme::RSA_PSS_SHA384 => (MessageDigest::sha384(), Some(Padding::PKCS1_PSS)),
        SignatureScheme::RSA_PSS_SHA512 => (MessageDigest::sha512(), Some(Padding::PKCS1_PSS)),
        SignatureScheme::ECDSA_NISTP256_SHA256 => (MessageDigest::sha256(), None),
        SignatureScheme::ECDSA_NISTP384_SHA384 => (MessageDigest::sha384(), None),
        _ => return None,
    };
    let fits = key.id() == if padding.is_some() { Id::RSA } else { Id::EC };
    let mut verifier = fits.then(|| Verifier::new(digest, key))?.ok()?;
    if let Some(padding) = padding {
        verifier.set_rsa_padding(padding).ok()?;
        if padding == Padding::PKCS1_PSS {
            verifier.set_rsa_mgf1_md(digest).ok()?;
            verifier.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH).ok()?;
        }
    }
    verifier.verify_oneshot(signature, message).ok()
}
