//! A layer of a leaf: encapsulated key (32 octets), salt (16), commitment (32), ciphertext, tag (16).
//!
//! HPKE is set up once for many leaves, with the AEAD that only exports (RFC 9180 section 7.3); each layer of each leaf has a
//! secret of its own from it (section 5.3), under `varco leaf`, the salt and the header line. So one leaf can be
//! opened to somebody without any private key, and no other leaf with it.
//!
//! The commitment is there because ChaCha20-Poly1305 does not commit to its key: octets can be made that two keys open to
//! two texts. Who takes a disclosed secret takes it from somebody they do not trust, so it must be the only
//! one. The cipher's key is HMAC-SHA256 under the secret over `varco leaf key`, the commitment over `varco leaf commitment`,
//! encapsulated key and salt; two secrets with one commitment would be a collision of SHA-256.

use super::{Private, Public, Role, SealError, info};
use crate::{class::Class, week::Period};
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable,
    aead::{AeadCtxS, ExportOnlyAead},
    kdf::HkdfSha256,
    kem::X25519HkdfSha256,
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use secrecy::{ExposeSecret, SecretBox};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt,
};

/// Octets of an encapsulated key.
const ENCAPSULATED: usize = 32;
/// Octets of a salt.
const SALT: usize = 16;
/// Octets of a commitment.
const COMMITMENT: usize = 32;

/// The secret of one layer of one leaf: it opens nothing else. Does not print.
#[derive(Debug)]
pub struct LeafKey(SecretBox<[u8; 32]>);

impl LeafKey {
    /// The key in these 32 octets; `None` where they are not so many.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let octets: [u8; 32] = octets.try_into().ok()?;
        Some(Self(SecretBox::new(Box::new(octets))))
    }

    /// As 32 octets: to write it into what shows this leaf to others.
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// Opens the layer of which it is the key.
    ///
    /// # Errors
    /// When it is not, or the layer or the header line was changed.
    pub fn open(&self, line: &str, layer: &[u8]) -> Result<Vec<u8>, SealError> {
        let Layer { encapsulated, salt, commitment, sealed } = Layer::read(layer)?;
        let committed = committed(encapsulated, salt);
        hmac::verify(&self.keyed(), &committed, commitment).map_err(|_| SealError::Closed)?;
        let mut text = sealed.to_vec();
        let aad = Aad::from(line.as_bytes());
        let opened = self.cipher()?.open_in_place(nonce(), aad, &mut text);
        let length = opened.map_err(|_| SealError::Closed)?.len();
        text.truncate(length);
        Ok(text)
    }

    fn keyed(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.expose())
    }

    fn cipher(&self) -> Result<LessSafeKey, SealError> {
        let key = hmac::sign(&self.keyed(), b"varco leaf key");
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_ref());
        key.map(LessSafeKey::new).map_err(|_| SealError::NotAKey)
    }
}

/// Of one use only: the salt, and with it the key, is new for each layer.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// A layer taken apart.
struct Layer<'a> {
    encapsulated: &'a [u8],
    salt: &'a [u8],
    commitment: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> Layer<'a> {
    fn read(octets: &'a [u8]) -> Result<Self, SealError> {
        let (encapsulated, rest) = octets.split_at_checked(ENCAPSULATED).ok_or(SealError::Closed)?;
        let (salt, rest) = rest.split_at_checked(SALT).ok_or(SealError::Closed)?;
        let (commitment, sealed) = rest.split_at_checked(COMMITMENT).ok_or(SealError::Closed)?;
        Ok(Self { encapsulated, salt, commitment, sealed })
    }
}

/// Under what the secret of a layer is exported.
fn exported(salt: &[u8], line: &str) -> Vec<u8> {
    [b"varco leaf", salt, line.as_bytes()].concat()
}

/// What the commitment is over: so that who has the secret only still notices each changed octet.
fn committed(encapsulated: &[u8], salt: &[u8]) -> Vec<u8> {
    [b"varco leaf commitment", encapsulated, salt].concat()
}

/// HPKE set up towards one public half, for the layers of one batch of leaves.
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

    fn layer(&self, line: &str, mut text: Vec<u8>) -> Result<Vec<u8>, SealError> {
        let mut salt = [0; SALT];
        SystemRandom::new().fill(&mut salt).map_err(|_| SealError::NoRandomness)?;
        let mut secret = [0; 32];
        self.context.export(&exported(&salt, line), &mut secret).map_err(|_| SealError::NotAKey)?;
        let key = LeafKey(SecretBox::new(Box::new(secret)));
        let commitment = hmac::sign(&key.keyed(), &committed(&self.encapsulated, &salt));
        let aad = Aad::from(line.as_bytes());
        let sealed = key.cipher()?.seal_in_place_append_tag(nonce(), aad, &mut text);
        sealed.map_err(|_| SealError::NotAKey)?;
        Ok([&self.encapsulated[..], &salt, commitment.as_ref(), &text].concat())
    }
}

/// What a batch of leaves is sealed with: the work with public keys is done once for each class, period and role. It
/// lives as long as the batch, so that nothing on the machine opens a leaf later.
#[derive(Default)]
pub struct Sealing(BTreeMap<(Class, Period, Role), Sender>);

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Sealing {
    /// A layer around `text`, bound to the header line.
    ///
    /// # Errors
    /// When the public half is none, or the kernel has no randomness.
    pub(super) fn layer(
        &mut self,
        to: &Public,
        place: (Class, Period, Role),
        line: &str,
        text: Vec<u8>,
    ) -> Result<Vec<u8>, SealError> {
        let (class, period, role) = place;
        let sender = match self.0.entry(place) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(free) => free.insert(Sender::new(to, &info(class, period, role))?),
        };
        sender.layer(line, text)
    }
}

/// The key of one layer, by the private half to which it was sealed under `info`. That it opens the layer is not
/// yet said.
///
/// # Errors
/// When these are not the octets of a layer.
pub fn leaf_key(with: &Private, info: &str, line: &str, layer: &[u8]) -> Result<LeafKey, SealError> {
    let Layer { encapsulated, salt, .. } = Layer::read(layer)?;
    let closed = |_| SealError::Closed;
    let encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(encapsulated).map_err(closed)?;
    let context = hpke::setup_receiver::<ExportOnlyAead, HkdfSha256, X25519HkdfSha256>(
        &OpModeR::Base,
        &with.key()?,
        &encapsulated,
        info.as_bytes(),
    );
    let mut secret = [0; 32];
    context.and_then(|context| context.export(&exported(salt, line), &mut secret)).map_err(closed)?;
    Ok(LeafKey(SecretBox::new(Box::new(secret))))
}
