//! What verifies a holder's signatures, as signed notes name it: Ed25519 (type 0x01), or of a token ECDSA over P-256 and
//! SHA-256 (type 0x02, whose key identifier is over the key's SPKI).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_ASN1, ED25519, UnparsedPublicKey},
};
use std::fmt;

const ED25519_NOTE: u8 = 0x01;
const ECDSA_NOTE: u8 = 0x02;
/// SubjectPublicKeyInfo of a P-256 key up to the point (RFC 5480 section 2).
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The public half of a signing key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verifying {
    /// Ed25519 (RFC 8032).
    Ed25519([u8; 32]),
    /// P-256, a point as 65 octets (SEC 1, uncompressed).
    P256([u8; 65]),
}

impl fmt::Debug for Verifying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.vkey("holder"))
    }
}

impl Verifying {
    /// Reads the key that is written `<name>+<identifier>+<base64 of type and key>` for a holder of this name.
    pub fn parse(text: &str, name: &str) -> Option<Self> {
        let (_, key) = text.strip_prefix(name)?.strip_prefix('+')?.split_once('+')?;
        let octets = STANDARD.decode(key).ok()?;
        let (kind, octets) = octets.split_first()?;
        let key = match *kind {
            ED25519_NOTE => Self::Ed25519(octets.try_into().ok()?),
            ECDSA_NOTE => Self::P256(octets.strip_prefix(&SPKI)?.try_into().ok()?),
            _ => return None,
        };
        (key.vkey(name) == text).then_some(key)
    }

    /// The line to give away, of a holder of this name.
    pub fn vkey(&self, name: &str) -> String {
        let (kind, key) = self.encoded();
        let id = u32::from_be_bytes(self.id(name));
        format!("{name}+{id:08x}+{}", STANDARD.encode([&[kind], key.as_slice()].concat()))
    }

    /// The identifier that stands before each of their signatures.
    pub fn id(&self, name: &str) -> [u8; 4] {
        let (kind, key) = self.encoded();
        let hash = match self {
            Self::Ed25519(_) => digest(&SHA256, &[name.as_bytes(), b"\n", &[kind], &key].concat()),
            Self::P256(_) => digest(&SHA256, &key),
        };
        let mut id = [0; 4];
        id.copy_from_slice(&hash.as_ref()[..4]);
        id
    }

    /// Whether a signature is by this key.
    pub fn holds(&self, text: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(text, signature).is_ok(),
            Self::P256(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key[..]).verify(text, signature).is_ok()
            }
        }
    }

    /// The line of a signature in a note, with its newline.
    pub fn signature_line(&self, name: &str, signature: &[u8]) -> String {
        format!("— {name} {}\n", STANDARD.encode([&self.id(name), signature].concat()))
    }

    fn encoded(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Ed25519(key) => (ED25519_NOTE, key.to_vec()),
            Self::P256(point) => (ECDSA_NOTE, [&SPKI[..], point].concat()),
        }
    }
}
