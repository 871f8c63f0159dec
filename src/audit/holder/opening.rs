//! What is sealed to a holder, by HPKE (RFC 9180) base mode: DHKEM(X25519) for a key in a file, DHKEM(P-256) for one in a
//! token, each with HKDF-SHA256 and ChaCha20-Poly1305.

use crate::seal::{self, Public, SealError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hpke::{
    Deserializable, Kem, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::DhP256HkdfSha256,
};
use std::fmt;

/// The public half of an opening key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// X25519 (RFC 7748).
    X25519(Public),
    /// P-256, a point as 65 octets (SEC 1, uncompressed).
    P256([u8; 65]),
}

impl Opening {
    /// The key at this point, if it is one of the curve.
    pub fn p256(point: &[u8]) -> Option<Self> {
        <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(point).ok()?;
        point.try_into().ok().map(Self::P256)
    }

    /// Reads what is written as `x25519:<base64url>` or `p256:<base64url>`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, key) = text.split_once(':')?;
        let octets = URL_SAFE_NO_PAD.decode(key).ok()?;
        match kind {
            "x25519" => Public::from_octets(&octets).map(Self::X25519),
            "p256" => Self::p256(&octets),
            _ => None,
        }
    }

    /// Seals a text: encapsulated key, ciphertext, tag.
    ///
    /// # Errors
    /// When the key is none.
    pub fn seal(&self, info: &str, aad: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
        match self {
            Self::X25519(key) => seal::seal(key, info, aad, text),
            Self::P256(point) => seal_p256(point, info, aad, text),
        }
    }
}

fn seal_p256(point: &[u8], info: &str, aad: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
    let key = <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(point).map_err(|_| SealError::NotAKey)?;
    let (encapsulated, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, DhP256HkdfSha256>(
        &OpModeS::Base,
        &key,
        info.as_bytes(),
        text,
        aad.as_bytes(),
    )
    .map_err(|_| SealError::NotAKey)?;
    Ok([encapsulated.to_bytes().as_slice(), &sealed].concat())
}

impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, octets) = match self {
            Self::X25519(key) => ("x25519", &key.octets()[..]),
            Self::P256(point) => ("p256", &point[..]),
        };
        write!(f, "{kind}:{}", URL_SAFE_NO_PAD.encode(octets))
    }
}
