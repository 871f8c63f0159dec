//! How a leaf's body is closed: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, and
//! ChaCha20-Poly1305.
//!
//! | first octet | method | then |
//! |---|---|---|
//! | `{` | clear JSON | |
//! | 4 | to the requester | encapsulated key, commitment, ciphertext, tag |
//! | 5 | to the requester and the approver together | both encapsulated keys, commitment, ciphertext, tag |
//!
//! `info` is `varco <class> <period> <role>`, the additional data is the header line: nothing opens at another place,
//! in another class, week or role. Ciphertext is randomised, so a leaf's hash says nothing of what is in it.
//! `seal/body.rs` says how.

mod body;

pub use body::{LeafKey, Sealing, leaf_key};

use crate::{
    class::Class,
    leaf::{Header, Leaf},
    week::Period,
};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretBox};
use std::{fmt, str::FromStr};

/// To one role.
pub const ONE: u8 = 4;
/// To two roles, one inside the other.
pub const TWO: u8 = 5;

/// Why nothing was sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The kernel has no randomness.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
    /// A leaf of this number or a later one was sealed with the same keys already.
    #[error("a leaf is sealed once, and in order")]
    NotInOrder,
    /// The key does not fit, or the text was changed.
    #[error("the key does not open it")]
    Closed,
    /// The octets are no key.
    #[error("not a key of X25519")]
    NotAKey,
}

/// Who of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Asks: has one half of a leaf's key, and opens the tags.
    Requester,
    /// Allows: has the other half.
    Approver,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Requester, Self::Approver];

    /// As it stands in files and in `info`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requester => "requester",
            Self::Approver => "approver",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or("a role is requester or approver")
    }
}

/// The public half of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Public([u8; 32]);

impl Public {
    /// The key in these octets (RFC 7748 section 5), if it is one.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(octets).ok()?;
        Some(Self(key.to_bytes().into()))
    }

    /// As 32 octets.
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The private half of a key. Does not print.
#[derive(Debug)]
pub struct Private(SecretBox<[u8; 32]>);

impl Private {
    /// A new one.
    ///
    /// # Errors
    /// When the kernel has no randomness.
    pub fn fresh() -> Result<Self, SealError> {
        let mut seed = [0; 32];
        SystemRandom::new().fill(&mut seed).map_err(|_| SealError::NoRandomness)?;
        let private = X25519HkdfSha256::derive_keypair(&seed).0.to_bytes().into();
        Ok(Self(SecretBox::new(Box::new(private))))
    }

    /// The key in these octets, if it is one.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let octets: [u8; 32] = octets.try_into().ok()?;
        Some(Self(SecretBox::new(Box::new(octets))))
    }

    /// Its public half.
    ///
    /// # Errors
    /// Never for a key that came from [`Self::fresh`].
    pub fn public(&self) -> Result<Public, SealError> {
        Ok(Public(X25519HkdfSha256::sk_to_pk(&self.key()?).to_bytes().into()))
    }

    /// As 32 octets: to seal it to a holder, or to write a holder's own file.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    fn key(&self) -> Result<<X25519HkdfSha256 as Kem>::PrivateKey, SealError> {
        <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(self.0.expose_secret())
            .map_err(|_| SealError::NotAKey)
    }
}

/// Seals a text to one key: encapsulated key, ciphertext, tag.
///
/// # Errors
/// When the public half is none.
pub fn seal(to: &Public, info: &str, aad: &str, text: &[u8]) -> Result<Vec<u8>, SealError> {
    let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&to.0).map_err(|_| SealError::NotAKey)?;
    let (encapsulated, sealed) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeS::Base,
        &key,
        info.as_bytes(),
        text,
        aad.as_bytes(),
    )
    .map_err(|_| SealError::NotAKey)?;
    Ok([encapsulated.to_bytes().as_slice(), &sealed].concat())
}

/// Opens what [`seal`] closed for the same `info` and `aad`.
///
/// # Errors
/// When key, `info`, `aad` or text are others.
pub fn open(with: &Private, info: &str, aad: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (encapsulated, text) = sealed.split_at_checked(32).ok_or(SealError::Closed)?;
    let closed = |_| SealError::Closed;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(closed)?;
    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &with.key()?,
        &encapsulated,
        info.as_bytes(),
        text,
        aad.as_bytes(),
    )
    .map_err(closed)
}

/// What HPKE binds a layer to.
pub fn info(class: Class, period: Period, role: Role) -> String {
    format!("varco {class} {period} {role}")
}

/// The public halves of both roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// The requester's.
    pub requester: Public,
    /// The approver's.
    pub approver: Public,
}

/// The body of a leaf that two persons open together.
///
/// # Errors
/// When a public half is none, or leaves are not sealed in order.
pub fn to_two(
    sealing: &mut Sealing,
    pair: &Pair,
    header: &Header,
    period: Period,
    text: Vec<u8>,
) -> Result<Vec<u8>, SealError> {
    let Pair { requester, approver } = pair;
    let to = [(requester, Role::Requester), (approver, Role::Approver)];
    sealing.body(TWO, &to, (header, period), text)
}

/// The body of a leaf that the requester alone opens.
///
/// # Errors
/// As [`to_two`].
pub fn to_one(
    sealing: &mut Sealing,
    pair: &Pair,
    header: &Header,
    period: Period,
    text: Vec<u8>,
) -> Result<Vec<u8>, SealError> {
    sealing.body(ONE, &[(&pair.requester, Role::Requester)], (header, period), text)
}

/// What shows one leaf to somebody who has no key: the halves of its own.
#[derive(Debug)]
pub struct Disclosed {
    /// The requester's.
    pub requester: LeafKey,
    /// The approver's; `None` for a leaf that the requester alone opens.
    pub approver: Option<LeafKey>,
}

/// Opens a sealed leaf with the halves of its key: there is only one text to which they open it.
///
/// # Errors
/// When they are another leaf's or not as many as it was sealed to, or the leaf was changed.
pub fn open_disclosed(leaf: &Leaf<'_>, disclosed: &Disclosed) -> Result<Vec<u8>, SealError> {
    let (how, body) = leaf.body.split_first().ok_or(SealError::Closed)?;
    match (*how, disclosed) {
        (ONE, Disclosed { requester, approver: None }) => body::open([requester], leaf.line, body),
        (TWO, Disclosed { requester, approver: Some(approver) }) => {
            body::open([requester, approver], leaf.line, body)
        }
        _ => Err(SealError::Closed),
    }
}

#[cfg(test)]
mod tests;
