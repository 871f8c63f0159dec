//! TBSCertList (RFC 5280 section 5.1.2), walked entry by entry: a list of 300,000 is never held as a tree.

use super::{
    super::{
        doubt::{Doubt, ensure},
        extensions,
        serial::Serial,
        when::{self, Window},
    },
    Entry, seconds,
};
use x509_cert::{
    der::{
        Decode, Header, Reader, SliceReader, Tag, TagNumber,
        asn1::IntRef,
        oid::{ObjectIdentifier, db::rfc5280},
    },
    ext::{Extension, Extensions},
    spki::AlgorithmIdentifierOwned,
    time::Time,
};

/// What may be critical in an entry: why and since when, which change nothing. `certificateIssuer` may not: such a list is
/// another issuer's too (RFC 5280 section 5.3.3).
const ENTRY: &[ObjectIdentifier] = &[rfc5280::ID_CE_CRL_REASONS, rfc5280::ID_CE_INVALIDITY_DATE];

/// What a list says.
#[derive(Debug)]
pub struct Body {
    /// In whose name, DER.
    pub issuer: Vec<u8>,
    /// The algorithm named inside.
    pub algorithm: AlgorithmIdentifierOwned,
    /// From when until when.
    pub window: Window,
    /// Its extensions.
    pub extensions: Vec<Extension>,
    entries: Vec<Entry>,
}

impl Body {
    /// # Errors
    /// When the octets are no list, or its version does not allow what is in it.
    pub fn read(octets: &[u8]) -> Result<Self, Doubt> {
        let mut reader = SliceReader::new(octets)?;
        sequence(&mut reader)?;
        let second = version(&mut reader)?;
        let algorithm = AlgorithmIdentifierOwned::decode(&mut reader)?;
        let issuer = reader.tlv_bytes()?.to_vec();
        let from = when::time(Time::decode(&mut reader)?)?;
        let until = when::time(Time::decode(&mut reader)?)?;
        let entries =
            if next(&reader) == Some(Tag::Sequence) { entries(&mut reader, second)? } else { Vec::new() };
        let extensions = if reader.is_finished() { Vec::new() } else { list_extensions(&mut reader)? };
        ensure(second || extensions.is_empty(), "version", "extensions in version 1")?;
        let body = Self { issuer, algorithm, window: Window { from, until }, extensions, entries };
        reader.finish(body).map_err(Doubt::from)
    }

    /// The entries by serial; of a serial that stands there twice the earlier date comes first.
    pub fn revoked(self) -> Box<[Entry]> {
        let mut entries = self.entries;
        entries.sort_unstable();
        entries.into_boxed_slice()
    }
}

/// The tag of what comes next.
fn next<'a>(reader: &SliceReader<'a>) -> Option<Tag> {
    reader.peek_byte().and_then(|octet| Tag::try_from(octet).ok())
}

/// Enters a SEQUENCE that fills the rest.
fn sequence(reader: &mut SliceReader<'_>) -> Result<(), Doubt> {
    let header = Header::decode(reader)?;
    ensure(header.tag == Tag::Sequence && header.length == reader.remaining_len(), "form", "no SEQUENCE")
}

/// Whether it is version 2; version 1 says nothing (it is older than versions).
fn version(reader: &mut SliceReader<'_>) -> Result<bool, Doubt> {
    if next(reader) != Some(Tag::Integer) {
        return Ok(false);
    }
    ensure(u8::decode(reader)? == 1, "version", "neither 1 nor 2")?;
    Ok(true)
}

fn entries(reader: &mut SliceReader<'_>, second: bool) -> Result<Vec<Entry>, Doubt> {
    let octets = reader.tlv_bytes()?;
    let mut reader = SliceReader::new(octets)?;
    sequence(&mut reader)?;
    let mut all = Vec::new();
    while !reader.is_finished() {
        all.push(entry(reader.tlv_bytes()?, second)?);
    }
    Ok(all)
}

/// An entry counts whatever its reason: `certificateHold`, and `removeFromCRL`, which has no place in a whole list, too.
fn entry(octets: &[u8], second: bool) -> Result<Entry, Doubt> {
    let mut reader = SliceReader::new(octets)?;
    sequence(&mut reader)?;
    let serial = Serial::new(IntRef::decode(&mut reader)?)?;
    let since = seconds(Time::decode(&mut reader)?)?;
    if !reader.is_finished() {
        ensure(second, "version", "extensions in version 1")?;
        let all = Extensions::decode(&mut reader)?;
        extensions::check(&all, ENTRY)?;
        let foreign = all.iter().any(|one| one.extn_id == rfc5280::ID_CE_CERTIFICATE_ISSUER);
        ensure(!foreign, "scope", "an entry of another issuer")?;
    }
    reader.finish(Entry { serial, since }).map_err(Doubt::from)
}

/// `[0] EXPLICIT Extensions`.
fn list_extensions(reader: &mut SliceReader<'_>) -> Result<Vec<Extension>, Doubt> {
    let header = Header::decode(reader)?;
    let explicit = Tag::ContextSpecific { constructed: true, number: TagNumber::N0 };
    ensure(header.tag == explicit && header.length == reader.remaining_len(), "form", "no extensions")?;
    Ok(Extensions::decode(reader)?)
}
