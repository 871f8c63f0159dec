//! The sealed body of a leaf: encapsulated keys (32 octets each), commitment (32), ciphertext, tag (16).
//!
//! HPKE is set up once for many leaves, with the AEAD that only exports (RFC 9180 section 7.3); each role has a secret of
//! its own for each leaf from it (section 5.3), under `varco leaf` and the header line. So one leaf can be
//! opened to somebody without any private key, and no other leaf with it. The header line has the leaf's number, so no
//! secret is exported twice.
//!
//! The secrets of all roles, one after the other, are the key of HMAC-SHA256, of which the cipher's key is the value over `varco leaf
//! key`: without one of them it is as random as without all. The commitment is the value over `varco leaf commitment`
//! and the encapsulated keys. It is there because ChaCha20-Poly1305 does not commit to its key: octets can be made that two
//! keys open to two texts. Who takes disclosed secrets takes them from somebody they do not trust, so they must be
//! the only ones; others with the same commitment would be a collision of SHA-256.

use super::{Private, Public, Role, SealError, info};
use crate::{class::Class, leaf::Header, week::Period};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable,
    aead::{AeadCtxS, ExportOnlyAead},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};
use secrecy::{ExposeSecret, SecretBox};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

/// Octets of an encapsulated key.
const ENCAPSULATED: usize = 32;
/// Octets of a commitment.
const COMMITMENT: usize = 32;
/// Octets of a secret.
const SECRET: usize = 32;

/// The secret of one role for one leaf: alone it opens nothing that is sealed to two. Does not print.
#[derive(Debug)]
pub struct LeafKey(SecretBox<[u8; SECRET]>);

impl LeafKey {
    /// The key in these 32 octets; `None` where they are not so many.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let octets: [u8; SECRET] = octets.try_into().ok()?;
        Some(Self(SecretBox::new(Box::new(octets))))
    }

    /// As 32 octets: to write it into what shows this leaf to others.
    pub fn expose(&self) -> &[u8; SECRET] {
        self.0.expose_secret()
    }
}

/// The secrets of all roles as one key.
struct Joint(hmac::Key);

impl Joint {
    fn new<const ROLES: usize>(secrets: [&LeafKey; ROLES]) -> Self {
        let octets = secrets.map(|secret| *secret.expose());
        Self(hmac::Key::new(hmac::HMAC_SHA256, octets.as_flattened()))
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        let key = hmac::sign(&self.0, b"varco leaf key");
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_ref());
        key.map(LessSafeKey::new).map_err(|_| SealError::NotAKey)
    }
}

/// Of one use only: the key is the leaf's own.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// What the commitment is over: so that who has the secrets only still notices each changed octet.
fn committed(encapsulated: &[u8]) -> Vec<u8> {
    [b"varco leaf commitment", encapsulated].concat()
}

/// Under what the secret of a role is exported.
fn exported(line: &str) -> Vec<u8> {
    [b"varco leaf ", line.as_bytes()].concat()
}

/// Opens a body with the secrets of the roles it was sealed to, in their order.
///
/// # Errors
/// When they are not those, or the body or the header line was changed.
pub(super) fn open<const ROLES: usize>(
    secrets: [&LeafKey; ROLES],
    line: &str,
    body: &[u8],
) -> Result<Vec<u8>, SealError> {
    let (encapsulated, rest) = body.split_at_checked(ROLES * ENCAPSULATED).ok_or(SealError::Closed)?;
    let (commitment, sealed) = rest.split_at_checked(COMMITMENT).ok_or(SealError::Closed)?;
    let (joint, closed) = (Joint::new(secrets), |_| SealError::Closed);
    hmac::verify(&joint.0, &committed(encapsulated), commitment).map_err(closed)?;
    let mut text = sealed.to_vec();
    let opened = joint.cipher()?.open_in_place(nonce(), Aad::from(line.as_bytes()), &mut text);
    let length = opened.map_err(closed)?.len();
    text.truncate(length);
    Ok(text)
}

/// HPKE set up towards one public half, for one batch of leaves.
struct Sender {
    encapsulated: [u8; ENCAPSULATED],
    context: AeadCtxS<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>,
}

impl Sender {
    fn new(to: &Public, info: &str) -> Result<Self, SealError> {
        let not = |_| SealError::NotAKey;
        let key = <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(to.octets()).map_err(not)?;
        let (encapsulated, context) = hpke::setup_sender::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &key,
            info.as_bytes(),
        )
        .map_err(not)?;
        Ok(Self { encapsulated: encapsulated.to_bytes().into(), context })
    }

    fn secret(&self, line: &str) -> Result<LeafKey, SealError> {
        let mut secret = [0; SECRET];
        self.context.export(&exported(line), &mut secret).map_err(|_| SealError::NotAKey)?;
        Ok(LeafKey(SecretBox::new(Box::new(secret))))
    }
}

/// What a batch of leaves is sealed with: the work with public keys is done once for each class, period and role. It
/// lives as long as the batch, so that nothing on the machine opens a leaf later.
#[derive(Default)]
pub struct Sealing {
    senders: BTreeMap<(Class, Period, Role), Sender>,
    /// The number after the last leaf's: two leaves of one number would have one key.
    next: u64,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.senders.keys()).finish()
    }
}

impl Sealing {
    /// The body of a leaf, bound to its header line.
    ///
    /// # Errors
    /// When a public half is none, or the leaf is not after the one before it.
    pub(super) fn body<const ROLES: usize>(
        &mut self,
        how: u8,
        to: &[(&Public, Role); ROLES],
        (header, period): (&Header, Period),
        mut text: Vec<u8>,
    ) -> Result<Vec<u8>, SealError> {
        if header.sequence < self.next {
            return Err(SealError::NotInOrder);
        }
        self.next = header.sequence.saturating_add(1);
        let line = header.to_string();
        let (mut encapsulated, mut secrets) = (Vec::with_capacity(ROLES * ENCAPSULATED), Vec::new());
        for (public, role) in to {
            let sender = self.sender(public, (header.class, period, *role))?;
            encapsulated.extend(sender.encapsulated);
            secrets.push(sender.secret(&line)?);
        }
        let secrets: [_; ROLES] = secrets.try_into().map_err(|_| SealError::NotAKey)?;
        let joint = Joint::new(secrets.each_ref());
        let commitment = hmac::sign(&joint.0, &committed(&encapsulated));
        let sealed = joint.cipher()?.seal_in_place_append_tag(nonce(), Aad::from(line.as_bytes()), &mut text);
        sealed.map_err(|_| SealError::NotAKey)?;
        Ok([&[how][..], &encapsulated, commitment.as_ref(), &text].concat())
    }

    fn sender(&mut self, to: &Public, place: (Class, Period, Role)) -> Result<&Sender, SealError> {
        let (class, period, role) = place;
        Ok(match self.senders.entry(place) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => free.insert(Sender::new(to, &info(class, period, role))?),
        })
    }
}

/// The secret of a role for one leaf, by the private half to which it was sealed under `info`. That it is the right one is
/// said when the leaf opens.
///
/// # Errors
/// When there is no encapsulated key for the role.
pub fn leaf_key(with: &Private, info: &str, leaf: (&str, &[u8]), role: Role) -> Result<LeafKey, SealError> {
    let (line, body) = leaf;
    let closed = |_| SealError::Closed;
    let start = 1 + ENCAPSULATED * usize::from(role == Role::Approver);
    let encapsulated = body.get(start..start + ENCAPSULATED).ok_or(SealError::Closed)?;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(closed)?;
    let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &with.key()?,
        &encapsulated,
        info.as_bytes(),
    );
    let mut secret = [0; SECRET];
    context.and_then(|context| context.export(&exported(line), &mut secret)).map_err(closed)?;
    Ok(LeafKey(SecretBox::new(Box::new(secret))))
}
