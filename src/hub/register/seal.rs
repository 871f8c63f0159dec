//! What the register hides: a keyed look-up of a person's key, and the raw XML, sealed to the public key of the month.
//!
//! The first byte of what is sealed names the method:
//!
//! | byte | method | then |
//! |---|---|---|
//! | 1 | AES-256-GCM under `register.key`; read only, by the change to version 1 of the tables | nonce, ciphertext, tag |
//! | 2 | HPKE (RFC 9180) base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305 | encapsulated key (32 bytes), ciphertext, tag |
//!
//! `info` of HPKE names class and period (`varco R1 2026-11`), the additional data the place, so that neither moves to
//! another row or period. Another class or a weekly period is another `info`, not another method.

use super::{keys::MonthKeys, month::Month};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, hmac,
    rand::{SecureRandom, SystemRandom},
};
use std::{fmt, path::PathBuf};

/// AES-256-GCM under the register key.
const AES_GCM: u8 = 1;
/// HPKE to the key of the month.
const HPKE: u8 = 2;

/// Why nothing was sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The kernel has no randomness.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
    /// The key does not fit, or the text was changed.
    #[error("the key does not open it")]
    Closed,
    /// The public key cannot be sealed to.
    #[error("the month's public key is none")]
    NotAKey,
}

/// The public half of a month's key.
#[derive(Clone, Copy)]
pub struct PublicKey([u8; 32]);

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublicKey")
    }
}

impl PublicKey {
    /// The key in these bytes (RFC 7748 section 5), if it is one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(bytes).ok().map(|_| Self(*bytes))
    }

    /// The public half of a private key.
    pub fn of(private: &[u8; 32]) -> Option<Self> {
        let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(private).ok()?;
        Some(Self(X25519HkdfSha256::sk_to_pk(&private).to_bytes().into()))
    }

    /// The key as 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    fn seal(self, month: Month, place: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
        let key =
            <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&self.0).map_err(|_| SealError::NotAKey)?;
        let (encapsulated, sealed) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &key,
                info(month).as_bytes(),
                text,
                place.as_bytes(),
            )
            .map_err(|_| SealError::NotAKey)?;
        Ok([&[HPKE][..], encapsulated.to_bytes().as_slice(), &sealed].concat())
    }
}

/// What HPKE binds a sealed text to: class of LOG.md and period.
fn info(month: Month) -> String {
    format!("varco R1 {month}")
}

/// A new private key.
///
/// # Errors
/// When the kernel has no randomness.
pub fn fresh_private() -> Result<[u8; 32], SealError> {
    let mut seed = [0; 32];
    fill(&mut seed)?;
    Ok(X25519HkdfSha256::derive_keypair(&seed).0.to_bytes().into())
}

/// Opens what was sealed to the key of `month` for the same `place`; the running hub never does.
///
/// # Errors
/// When key, month, place or text are others.
pub fn open(private: &[u8; 32], month: Month, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let rest = sealed.strip_prefix(&[HPKE]).ok_or(SealError::Closed)?;
    let (encapsulated, text) = rest.split_at_checked(32).ok_or(SealError::Closed)?;
    let closed = |_| SealError::Closed;
    let private = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(private).map_err(closed)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(closed)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &private,
        &encapsulated,
        info(month).as_bytes(),
        text,
        place.as_bytes(),
    )
    .map_err(closed)
}

/// The key of look-ups, and the keys of the months.
pub struct Sealer {
    lookup: hmac::Key,
    /// Opens what was sealed before the months had keys.
    first: LessSafeKey,
    /// What each month is sealed to.
    pub months: MonthKeys,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Derives its keys (HKDF-SHA256, RFC 5869) from the 32 bytes of `register.key`; `months` is the folder of the
    /// months' keys.
    ///
    /// # Errors
    /// Never with the algorithms used here.
    pub fn new(register_key: &[u8; 32], months: PathBuf) -> Result<Self, SealError> {
        let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, b"varco register");
        let root = salt.extract(register_key);
        let mut lookup = [0; 32];
        root.expand(&[b"lookup"], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut lookup))
            .map_err(|_| SealError::Closed)?;
        let first = root.expand(&[b"seal"], &AES_256_GCM).map_err(|_| SealError::Closed)?;
        Ok(Self {
            lookup: hmac::Key::new(hmac::HMAC_SHA256, &lookup),
            first: LessSafeKey::new(UnboundKey::from(first)),
            months: MonthKeys::new(months),
        })
    }

    /// The look-up key of a person's key: without the register key nobody can compute it from a guess.
    pub fn lookup(&self, person: &str) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(hmac::sign(&self.lookup, person.as_bytes()).as_ref());
        out
    }

    /// Seals `text` to the key of `month`, bound to `place`: what is moved to another row does not open there.
    ///
    /// # Errors
    /// When the month has no key and none can be made, or the kernel has no randomness.
    pub fn seal(&self, month: Month, place: &str, text: &[u8]) -> Result<Vec<u8>, super::RegisterError> {
        Ok(self.months.public(month)?.seal(month, place, text)?)
    }

    /// Opens what the first version sealed for `place`.
    pub(super) fn open_first(&self, place: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let rest = sealed.strip_prefix(&[AES_GCM]).ok_or(SealError::Closed)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Closed)?;
        let mut body = body.to_vec();
        self.first
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(place.as_bytes()), &mut body)
            .map(|text| text.to_vec())
            .map_err(|_| SealError::Closed)
    }

    /// Seals as the first version did.
    #[cfg(test)]
    pub(super) fn seal_first(&self, place: &str, text: &[u8]) -> Vec<u8> {
        let mut body = text.to_vec();
        let nonce = Nonce::assume_unique_for_key([9; NONCE_LEN]);
        self.first.seal_in_place_append_tag(nonce, Aad::from(place.as_bytes()), &mut body).unwrap();
        [&[AES_GCM][..], &[9; NONCE_LEN], &body].concat()
    }
}

/// 128 random bits as base64url: the id of a person or a session, which means nothing elsewhere.
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
