//! HPKE (RFC 9180) base mode with DHKEM(P-256, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305, from where the token has
//! done the Diffie-Hellman exchange: the `hpke` crate wants the private key itself. Its own seals are the oracle of the tests.

use crate::seal::SealError;
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

/// Octets of a point (SEC 1, uncompressed).
pub const POINT: usize = 65;
/// DHKEM(P-256, HKDF-SHA256), RFC 9180 section 7.1.
const KEM: [u8; 5] = *b"KEM\x00\x10";
/// That, HKDF-SHA256 and ChaCha20-Poly1305 (sections 7.2, 7.3).
const SUITE: [u8; 10] = *b"HPKE\x00\x10\x00\x01\x00\x03";

/// Opens what was sealed to the point `own`: `shared` is the exchange with `encapsulated`.
pub fn open(
    shared: &[u8],
    encapsulated: &[u8],
    own: &[u8],
    (info, aad): (&str, &str),
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    // Section 4.1, ExtractAndExpand.
    let prk = extract(&[], &KEM, b"eae_prk", shared);
    let secret = expand(&prk, &KEM, b"shared_secret", &[encapsulated, own].concat(), 32);
    // Section 5.1, KeySchedule in base mode.
    let hashed = |label: &[u8], of: &[u8]| extract(&[], &SUITE, label, of);
    let (psk, info) = (hashed(b"psk_id_hash", b""), hashed(b"info_hash", info.as_bytes()));
    let context = [&[0][..], psk.as_ref(), info.as_ref()].concat();
    let secret = extract(&secret, &SUITE, b"secret", b"");
    let key = expand(&secret, &SUITE, b"key", &context, 32);
    let nonce = expand(&secret, &SUITE, b"base_nonce", &context, NONCE_LEN);
    decrypt(&key, &nonce, aad, sealed)
}

fn decrypt(key: &[u8], nonce: &[u8], aad: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let closed = |_| SealError::Closed;
    let key = LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).map_err(closed)?);
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(closed)?;
    let mut text = sealed.to_vec();
    let opened = key.open_in_place(nonce, Aad::from(aad.as_bytes()), &mut text).map_err(closed)?;
    Ok(opened.to_vec())
}

/// LabeledExtract (section 4).
fn extract(salt: &[u8], suite: &[u8], label: &[u8], of: &[u8]) -> hmac::Tag {
    let salt = hmac::Key::new(hmac::HMAC_SHA256, salt);
    hmac::sign(&salt, &[b"HPKE-v1", suite, label, of].concat())
}

/// LabeledExpand (section 4) to at most 32 octets: one block of HKDF-Expand.
fn expand(prk: &hmac::Tag, suite: &[u8], label: &[u8], info: &[u8], length: usize) -> Vec<u8> {
    let prk = hmac::Key::new(hmac::HMAC_SHA256, prk.as_ref());
    let lengths = [0, length as u8];
    let block = hmac::sign(&prk, &[&lengths, &b"HPKE-v1"[..], suite, label, info, &[1]].concat());
    block.as_ref()[..length].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::Opening;
    use p256::{PublicKey, SecretKey, ecdh::diffie_hellman};

    fn secret(seed: u8) -> SecretKey {
        SecretKey::from_slice(&[seed; 32]).unwrap()
    }

    fn point(of: &SecretKey) -> [u8; POINT] {
        let bytes = p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&of.public_key(), false);
        bytes.as_bytes().try_into().unwrap()
    }

    /// The `hpke` crate seals; what a token would do is done by the `p256` crate.
    #[test]
    fn what_the_hpke_crate_seals_is_opened_and_nothing_else() {
        let (own, other) = (secret(3), secret(4));
        for (length, info) in [(0, ""), (1, "varco holder approver"), (200, "info")] {
            let text = vec![7; length];
            let sealed = Opening::p256(&point(&own)).unwrap().seal(info, "words", &text).unwrap();
            let (encapsulated, rest) = sealed.split_at(POINT);
            let with = PublicKey::from_sec1_bytes(encapsulated).unwrap();
            let open = |key: &SecretKey, info: &str, aad: &str, rest: &[u8]| {
                let shared = diffie_hellman(key.to_nonzero_scalar(), with.as_affine());
                super::open(shared.raw_secret_bytes(), encapsulated, &point(key), (info, aad), rest)
            };
            assert_eq!(open(&own, info, "words", rest), Ok(text));
            let closed = Err(SealError::Closed);
            assert_eq!(open(&other, info, "words", rest), closed, "another key");
            assert_eq!(open(&own, "other", "words", rest), closed, "another info");
            assert_eq!(open(&own, info, "other", rest), closed, "other words");
            for cut in [0, rest.len() - 1] {
                assert_eq!(open(&own, info, "words", &rest[..cut]), closed);
            }
        }
    }
}
