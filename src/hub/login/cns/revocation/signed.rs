//! What is signed in X.509's way: the octets, the algorithm, the signature; of answers, lists and certificates.

use super::doubt::{Doubt, ensure};
use openssl::{
    hash::MessageDigest,
    pkey::{Id, PKey, Public},
    sign::Verifier,
};
use x509_cert::{
    der::{Decode, Header, Reader, SliceReader, Tag, TagNumber, asn1::BitStringRef, oid::ObjectIdentifier},
    spki::AlgorithmIdentifierOwned,
};

/// Least size of an RSA key, bits, and of a curve.
const LEAST_RSA: u32 = 2048;
const LEAST_EC: u32 = 256;
/// Most certificates that an answer may bring.
const MOST_CERTIFICATES: usize = 8;

/// The parts as they stand in the octets: what is verified is what was received, not what was made of it.
#[derive(Debug)]
pub struct Signed<'a> {
    /// What the signature covers.
    pub body: &'a [u8],
    /// The algorithm named outside.
    pub algorithm: AlgorithmIdentifierOwned,
    signature: &'a [u8],
    /// Certificates behind the signature; answers of responders have them.
    pub certificates: Vec<&'a [u8]>,
}

impl<'a> Signed<'a> {
    /// # Errors
    /// When the octets are no such structure, or more than one.
    pub fn read(octets: &'a [u8]) -> Result<Self, Doubt> {
        let mut reader = SliceReader::new(octets)?;
        let header = Header::decode(&mut reader)?;
        ensure(
            header.tag == Tag::Sequence && header.length == reader.remaining_len(),
            "form",
            "no SEQUENCE",
        )?;
        let body = reader.tlv_bytes()?;
        let algorithm = AlgorithmIdentifierOwned::decode(&mut reader)?;
        let signature = whole(BitStringRef::decode(&mut reader)?)?;
        let certificates = if reader.is_finished() { Vec::new() } else { certificates(&mut reader)? };
        reader.finish(Self { body, algorithm, signature, certificates }).map_err(Doubt::from)
    }

    /// Whether the key made the signature.
    ///
    /// # Errors
    /// When it did not, or the algorithm or the key is too weak.
    pub fn verify(&self, key: &PKey<Public>) -> Result<(), Doubt> {
        let (id, digest) = algorithm(self.algorithm.oid)?;
        fit(key, id)?;
        let verified =
            Verifier::new(digest, key).and_then(|mut v| v.verify_oneshot(self.signature, self.body));
        ensure(matches!(verified, Ok(true)), "signature", "not of this key")
    }
}

/// A signature fills whole octets.
fn whole(bits: BitStringRef<'_>) -> Result<&[u8], Doubt> {
    bits.as_bytes().ok_or_else(|| Doubt::new("form", "a signature of odd bits"))
}

/// `[0] EXPLICIT SEQUENCE OF Certificate`, undecoded.
fn certificates<'a>(reader: &mut SliceReader<'a>) -> Result<Vec<&'a [u8]>, Doubt> {
    let outer = Header::decode(reader)?;
    let explicit = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    ensure(outer.tag == explicit && outer.length == reader.remaining_len(), "form", "no certificates")?;
    let inner = Header::decode(reader)?;
    ensure(inner.tag == Tag::Sequence && inner.length == reader.remaining_len(), "form", "no certificates")?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        ensure(all.len() < MOST_CERTIFICATES, "form", "too many certificates")?;
        all.push(reader.tlv_bytes()?);
    }
    Ok(all)
}

/// The algorithms allowed (RFC 4055, RFC 5758). SHA-1 is not: who asks chooses the nonce, so who asks could look for a
/// collision.
fn algorithm(oid: ObjectIdentifier) -> Result<(Id, MessageDigest), Doubt> {
    match oid.to_string().as_str() {
        "1.2.840.113549.1.1.11" => Ok((Id::RSA, MessageDigest::sha256())),
        "1.2.840.113549.1.1.12" => Ok((Id::RSA, MessageDigest::sha384())),
        "1.2.840.113549.1.1.13" => Ok((Id::RSA, MessageDigest::sha512())),
        "1.2.840.10045.4.3.2" => Ok((Id::EC, MessageDigest::sha256())),
        "1.2.840.10045.4.3.3" => Ok((Id::EC, MessageDigest::sha384())),
        "1.2.840.10045.4.3.4" => Ok((Id::EC, MessageDigest::sha512())),
        other => Err(Doubt::new("algorithm", other)),
    }
}

fn fit(key: &PKey<Public>, id: Id) -> Result<(), Doubt> {
    ensure(key.id() == id, "algorithm", "not one of the signer's key")?;
    let least = if id == Id::RSA { LEAST_RSA } else { LEAST_EC };
    ensure(key.bits() >= least, "signer", format!("a key of {} bits", key.bits()))
}
