//! A card's certificate, read: what [`super::checks`] looks at. Nothing of it is believed here.

use super::possession::LONGEST;
use crate::login::saml::der::{self, BIT_STRING, BOOLEAN, Extension, OBJECT, SEQUENCE, Value};
use openssl::x509::X509;
use x509_cert::der::Decode;

/// `id-ce-basicConstraints`, `-keyUsage`, `-extKeyUsage`, `-certificatePolicies` (RFC 5280 4.2.1), as content octets.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
const KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x0f];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 0x1d, 0x25];
const CERTIFICATE_POLICIES: &[u8] = &[0x55, 0x1d, 0x20];
/// `id-ce-subjectAltName` and `-cRLDistributionPoints`: nothing here follows from the one, and revocation reads the other.
const OTHERS: [&[u8]; 2] = [&[0x55, 0x1d, 0x11], &[0x55, 0x1d, 0x1f]];
/// X.509 v3.
const V3: i32 = 2;

/// What a certificate's key may do (RFC 5280 4.2.1.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage(u16);

impl Usage {
    /// `digitalSignature`.
    pub const SIGNATURE: Self = Self(0x8000);
    /// `nonRepudiation`, of the certificate that signs documents.
    pub const NON_REPUDIATION: Self = Self(0x4000);
    /// `keyCertSign` and `cRLSign`.
    pub const AUTHORITY: Self = Self(0x0600);

    /// Whether it has any of the others.
    pub const fn any(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }
}

/// A certificate as it stands.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// As the cryptographic library holds it.
    pub x509: X509,
    /// Key usage; `None` where it does not say.
    pub usage: Option<Usage>,
    /// Extended key usage: content octets of the identifiers; `None` where it does not say.
    pub purposes: Option<Vec<Vec<u8>>>,
    /// The policies: content octets of the identifiers.
    pub policies: Vec<Vec<u8>>,
    /// Whether it says that it is an authority's.
    pub authority: bool,
}

/// Reads a certificate in DER.
///
/// # Errors
/// When it is not one certificate of version 3 in DER, an extension occurs twice, one that must be understood is not known, or
/// one that is cannot be read.
pub fn read(octets: &[u8]) -> Result<Certificate, &'static str> {
    if octets.len() > LONGEST {
        return Err("it is too long");
    }
    let x509 = X509::from_der(octets).map_err(|_| "it is no certificate")?;
    // The library reads on over what is not DER, and stops before what follows.
    if x509.to_der().ok().as_deref() != Some(octets) {
        return Err("it is not DER");
    }
    // Nor does it look inside: it gives back the octets that it was given.
    x509_cert::Certificate::from_der(octets).map_err(|_| "it is not DER")?;
    if x509.version() != V3 {
        return Err("it is not of version 3");
    }
    let extensions = der::extensions(octets).ok_or("its extensions cannot be read")?;
    known_and_once(&extensions)?;
    let of = |object: &[u8]| extensions.iter().find(|e| e.object == object).map(|e| e.value);
    Ok(Certificate {
        usage: of(KEY_USAGE).map(usage).transpose()?,
        purposes: of(EXTENDED_KEY_USAGE).map(purposes).transpose()?,
        policies: of(CERTIFICATE_POLICIES).map(policies).transpose()?.unwrap_or_default(),
        authority: of(BASIC_CONSTRAINTS).map(authority).transpose()?.unwrap_or_default(),
        x509,
    })
}

/// RFC 5280 4.2: each extension once; a critical one that is not understood refuses the certificate.
fn known_and_once(extensions: &[Extension<'_>]) -> Result<(), &'static str> {
    let known = [BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE, CERTIFICATE_POLICIES];
    for (n, extension) in extensions.iter().enumerate() {
        let object = extension.object;
        if extensions.iter().take(n).any(|other| other.object == object) {
            return Err("an extension is there twice");
        }
        if extension.critical && !known.contains(&object) && !OTHERS.contains(&object) {
            return Err("a critical extension is not known");
        }
    }
    Ok(())
}

/// The one value that the octets are.
fn only(octets: &[u8]) -> Option<Value<'_>> {
    match der::values(octets)?.as_slice() {
        [one] => Some(*one),
        _ => None,
    }
}

fn usage(octets: &[u8]) -> Result<Usage, &'static str> {
    let bits = only(octets).and_then(|value| value.of(BIT_STRING));
    match bits {
        Some([_, first]) => Ok(Usage(u16::from_be_bytes([*first, 0]))),
        Some([_, first, second]) => Ok(Usage(u16::from_be_bytes([*first, *second]))),
        _ => Err("its key usage cannot be read"),
    }
}

fn purposes(octets: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let list = only(octets).and_then(|value| value.inside(SEQUENCE));
    list.and_then(|list| list.into_iter().map(|one| Some(one.of(OBJECT)?.to_vec())).collect())
        .ok_or("its extended key usage cannot be read")
}

fn policies(octets: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let list = only(octets).and_then(|value| value.inside(SEQUENCE));
    let first = |one: Value<'_>| Some(one.inside(SEQUENCE)?.first()?.of(OBJECT)?.to_vec());
    list.and_then(|list| list.into_iter().map(first).collect()).ok_or("its policies cannot be read")
}

fn authority(octets: &[u8]) -> Result<bool, &'static str> {
    let list = only(octets).and_then(|value| value.inside(SEQUENCE));
    let list = list.ok_or("its basic constraints cannot be read")?;
    Ok(list.first().and_then(|value| value.of(BOOLEAN)).is_some_and(|content| content != [0]))
}
