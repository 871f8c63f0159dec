//! What the register hides: a keyed look-up of the fiscal number, and AES-256-GCM around identities and raw XML.
//!
//! The first byte of what is sealed names the method, so that another (HPKE to the public key of the month) can
//! come without touching the rows written before.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::fmt;

/// AES-256-GCM under the register key; nonce, then ciphertext and tag.
const AES_GCM: u8 = 1;

/// Why nothing was sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The kernel has no randomness.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
    /// The register key does not fit, or the text was changed.
    #[error("the register key does not open it")]
    Closed,
}

/// The two keys derived from the register key.
pub struct Sealer {
    lookup: hmac::Key,
    aead: LessSafeKey,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Derives the keys (HKDF-SHA256, RFC 5869) from the 32 bytes of `register.key`.
    ///
    /// # Errors
    /// Never with the algorithms used here.
    pub fn new(register_key: &[u8; 32]) -> Result<Self, SealError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"varco register");
        let root = salt.extract(register_key);
        let mut lookup = [0; 32];
        root.expand(&[b"lookup"], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut lookup))
            .map_err(|_| SealError::Closed)?;
        let aead = root.expand(&[b"seal"], &AES_256_GCM).map_err(|_| SealError::Closed)?;
        Ok(Self {
            lookup: hmac::Key::new(hmac::HMAC_SHA256, &lookup),
            aead: LessSafeKey::new(UnboundKey::from(aead)),
        })
    }

    /// The look-up key of a fiscal number: without the register key nobody can compute it from a guess.
    pub fn lookup(&self, fiscal_number: &str) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.lookup, fiscal_number.as_bytes()).as_ref());
        out
    }

    /// Seals `text`, bound to `place`: what is moved to another row does not open there.
    ///
    /// # Errors
    /// When the kernel has no randomness.
    pub fn seal(&self, place: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce)?;
        let mut body = text.to_vec();
        self.aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut body,
            )
            .map_err(|_| SealError::Closed)?;
        Ok([&[AES_GCM][..], &nonce, &body].concat())
    }

    /// Opens what [`Self::seal`] made for the same `place`.
    ///
    /// # Errors
    /// When key, place or text are others.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let rest = sealed.strip_prefix(&[AES_GCM]).ok_or(SealError::Closed)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Closed)?;
        let mut body = body.to_vec();
        self.aead
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut body)
            .map(|text| text.to_vec())
            .map_err(|_| SealError::Closed)
    }
}

/// 128 random bits as base64url: the id of a person, which means nothing outside the register.
///
/// # Errors
/// When the kernel has no randomness.
pub fn random_id() -> Result<String, SealError> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    SystemRandom::new().fill(bytes).map_err(|_| SealError::NoRandomness)
}
