//! The handle that brings a checked card from its listener to the login: 256 random bits, good once and for a minute. What is
//! kept under it is encrypted and authenticated for that handle (AES-256-GCM) under a key derived from the hub's own, so that
//! who reads the login state learns nobody's fiscal code and who writes to it logs nobody in.

use super::{Checked, asked::CardAsked};
use crate::login::saml::{FiscalNumber, Person};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
    rand::{SecureRandom, SystemRandom},
};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How long the browser has to come back, in seconds.
pub const HANDLE_LIVES: u32 = 60;

/// Why a handle was not sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// The kernel has no randomness.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
    /// It was not sealed by this hub for this handle.
    #[error("what is kept under a handle was not sealed by this hub")]
    Foreign,
}

/// The key that seals.
pub struct HandleKey(LessSafeKey);

impl fmt::Debug for HandleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandleKey")
    }
}

/// A checked card as it is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    asked: CardAsked,
    id: String,
    at: Timestamp,
    fiscal_code: String,
    issuer: String,
    vouched: Timestamp,
    evidence: serde_json::Value,
}

impl HandleKey {
    /// Derives the key (HKDF-SHA256, RFC 5869) from the 32 bytes of `register.key`.
    ///
    /// # Errors
    /// Never with the algorithms used here.
    pub fn new(register_key: &[u8; 32]) -> Result<Self, HandleError> {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, b"varco cns").extract(register_key);
        let key = root.expand(&[b"handle"], &AES_256_GCM).map_err(|_| HandleError::Foreign)?;
        Ok(Self(LessSafeKey::new(UnboundKey::from(key))))
    }

    /// What is kept under `handle`, in base64.
    ///
    /// # Errors
    /// When the kernel has no randomness.
    pub fn seal(&self, handle: &str, card: &Checked) -> Result<String, HandleError> {
        let kept = Kept {
            asked: card.asked.clone(),
            id: card.id.clone(),
            at: card.at,
            fiscal_code: card.person.key(),
            issuer: card.issuer.clone(),
            vouched: card.vouched,
            evidence: card.evidence.clone(),
        };
        let mut body = serde_json::to_vec(&kept).map_err(|_| HandleError::Foreign)?;
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new().fill(&mut nonce).map_err(|_| HandleError::NoRandomness)?;
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad(handle), &mut body)
            .map_err(|_| HandleError::Foreign)?;
        Ok(STANDARD.encode([&nonce[..], &body].concat()))
    }

    /// The card that was sealed for `handle`.
    ///
    /// # Errors
    /// When it was sealed with another key or for another handle, or was changed.
    pub fn open(&self, handle: &str, sealed: &str) -> Result<Checked, HandleError> {
        let octets = STANDARD.decode(sealed).map_err(|_| HandleError::Foreign)?;
        let (nonce, body) = octets.split_first_chunk::<NONCE_LEN>().ok_or(HandleError::Foreign)?;
        let mut body = body.to_vec();
        let text = self
            .0
            .open_in_place(Nonce::assume_unique_for_key(*nonce), aad(handle), &mut body)
            .map_err(|_| HandleError::Foreign)?;
        let kept: Kept = serde_json::from_slice(text).map_err(|_| HandleError::Foreign)?;
        let person = FiscalNumber::from_code(&kept.fiscal_code).map_err(|_| HandleError::Foreign)?;
        Ok(Checked {
            asked: kept.asked,
            id: kept.id,
            at: kept.at,
            person: Person::FiscalNumber(person),
            issuer: kept.issuer,
            vouched: kept.vouched,
            evidence: kept.evidence,
        })
    }
}

/// What the sealing is bound to.
fn aad(handle: &str) -> Aad<&[u8]> {
    Aad::from(handle.as_bytes())
}
