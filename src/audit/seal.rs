//! How a leaf's body is closed: HPKE (RFC 9180) base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305,
//! as the hub's register.
//!
//! | first octet | method | then |
//! |---|---|---|
//! | `{` | clear JSON | |
//! | 2 | HPKE to the requester's key | encapsulated key (32 octets), ciphertext, tag |
//! | 3 | HPKE to the approver's key, that result once more to the requester's | the same |
//!
//! `info` is `varco <class> <period> <role>`, the additional data is the header line: nothing opens at another place,
//! in another class, week or role. Ciphertext is randomised, so a leaf's hash says nothing of what is in it.

use crate::{class::Class, leaf::Header, week::Period};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretBox};
use std::{fmt, str::FromStr};

/// HPKE to one role.
pub const ONE: u8 = 2;
/// HPKE to two roles, one inside the other.
pub const TWO: u8 = 3;
/// Clear texts are filled up to a multiple of this, so that a length tells little.
const FILLED: usize = 64;

/// Why nothing was sealed or opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// The kernel has no randomness.
    #[error("the kernel gave no random bytes")]
    NoRandomness,
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
    /// Asks: opens the outer layer, and the tags.
    Requester,
    /// Allows: opens the inner layer.
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
    /// Outer layer.
    pub requester: Public,
    /// Inner layer.
    pub approver: Public,
}

/// The body of a leaf that two persons open.
///
/// # Errors
/// When a public half is none.
pub fn to_two(pair: &Pair, header: &Header, period: Period, text: &str) -> Result<Vec<u8>, SealError> {
    let (line, class) = (header.to_string(), header.class);
    let inner = seal(&pair.approver, &info(class, period, Role::Approver), &line, &filled(text))?;
    let outer = seal(&pair.requester, &info(class, period, Role::Requester), &line, &inner)?;
    Ok([&[TWO][..], &outer].concat())
}

/// The body of a leaf that the requester alone opens.
///
/// # Errors
/// When the public half is none.
pub fn to_one(pair: &Pair, header: &Header, period: Period, text: &str) -> Result<Vec<u8>, SealError> {
    let info = info(header.class, period, Role::Requester);
    let sealed = seal(&pair.requester, &info, &header.to_string(), &filled(text))?;
    Ok([&[ONE][..], &sealed].concat())
}

fn filled(text: &str) -> Vec<u8> {
    let mut octets = text.as_bytes().to_vec();
    octets.resize(octets.len().next_multiple_of(FILLED), b' ');
    octets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leaf::Mark;

    fn header(sequence: u64) -> Header {
        Header {
            class: Class::R2a,
            site: "library".into(),
            sequence,
            at: jiff::Timestamp::UNIX_EPOCH,
            period: Some(week()),
            mark: Mark::None,
        }
    }

    fn week() -> Period {
        "2026-W47".parse().unwrap()
    }

    #[test]
    fn two_open_it_together_and_neither_alone_nor_elsewhere() {
        let (asks, allows) = (Private::fresh().unwrap(), Private::fresh().unwrap());
        let pair = Pair { requester: asks.public().unwrap(), approver: allows.public().unwrap() };
        let body = to_two(&pair, &header(1), week(), "{}").unwrap();
        let other = to_two(&pair, &header(1), week(), "{}").unwrap();
        assert!(body[0] == TWO && body != other, "randomised");
        let line = header(1).to_string();
        let (outer, inner) =
            (info(Class::R2a, week(), Role::Requester), info(Class::R2a, week(), Role::Approver));
        let open_with = |key: &Private, info: &str, line: &str, body: &[u8]| open(key, info, line, body);
        let middle = open_with(&asks, &outer, &line, &body[1..]).unwrap();
        assert_eq!(open_with(&allows, &inner, &line, &middle).unwrap(), filled("{}"));
        let closed = Err(SealError::Closed);
        assert_eq!(
            open_with(&allows, &outer, &line, &body[1..]),
            closed,
            "the approver opens no outer layer"
        );
        assert_eq!(open_with(&asks, &inner, &line, &middle), closed, "the requester opens no inner layer");
        assert_eq!(open_with(&asks, &outer, &header(2).to_string(), &body[1..]), closed, "another place");
        let next = info(Class::R2a, week().next(), Role::Requester);
        assert_eq!(open_with(&asks, &next, &line, &body[1..]), closed, "another week");
    }

    #[test]
    fn what_is_cut_or_no_key_is_refused() {
        let key = Private::fresh().unwrap();
        let sealed = seal(&key.public().unwrap(), "info", "aad", b"text").unwrap();
        for length in 0..sealed.len() {
            assert_eq!(open(&key, "info", "aad", &sealed[..length]), Err(SealError::Closed));
        }
        assert!(Public::from_octets(&[1; 31]).is_none());
        assert!(Public::from_octets(&[0; 32]).is_none_or(|zero| seal(&zero, "", "", b"").is_err()));
    }
}
