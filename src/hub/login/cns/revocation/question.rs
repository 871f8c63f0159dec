//! What is asked: a card, its issuer, and the addresses in the card where the issuer answers.

use super::{
    doubt::{Doubt, ensure},
    extensions::find,
    serial::Serial,
};
use openssl::{
    hash::{MessageDigest, hash},
    pkey::{PKey, Public},
    x509::{X509, X509Name, X509Ref},
};
use url::Url;
use x509_cert::{
    Certificate,
    der::{Decode, Encode, asn1::OctetString, oid::db},
    ext::pkix::{
        AuthorityInfoAccessSyntax, CrlDistributionPoints,
        crl::dp::DistributionPoint,
        name::{DistributionPointName, GeneralName},
    },
};

/// Most addresses of one kind that are tried: a citizen waits for each.
const MOST: usize = 2;
/// Longest address, characters.
const LONGEST: usize = 1024;

/// An authority that signs answers, lists and responders' certificates.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its name in DER, the octets of its certificate.
    pub name: Vec<u8>,
    /// Its key, as the octets of the bit string: what CertID and ResponderID digest (RFC 6960 section 4.1.1).
    pub key_octets: Vec<u8>,
    /// Its key.
    pub key: PKey<Public>,
}

impl Authority {
    /// # Errors
    /// When the certificate cannot be read.
    pub fn new(certificate: &X509Ref) -> Result<Self, Doubt> {
        let fault = |e| Doubt::new("form", e);
        let read = Certificate::from_der(&certificate.to_der().map_err(fault)?)?;
        let public = &read.tbs_certificate.subject_public_key_info.subject_public_key;
        Ok(Self {
            name: certificate.subject_name().to_der().map_err(fault)?,
            key_octets: public.raw_bytes().to_vec(),
            key: certificate.public_key().map_err(fault)?,
        })
    }

    /// SHA-1 of its key: a name, not a protection (RFC 6960 section 4.2.1, byKey).
    pub fn key_digest(&self) -> Result<OctetString, Doubt> {
        sha1(&self.key_octets)
    }

    /// Whether this name in DER is its, compared as N4 compares that of a card (RFC 5280 section 7.1): another kind of
    /// string, other capitals or spaces make no other name.
    ///
    /// # Errors
    /// When it is no name.
    pub fn is_named(&self, name: &[u8]) -> Result<bool, Doubt> {
        let read = |octets| X509Name::from_der(octets).map_err(|e| Doubt::new("form", e));
        let order = read(name)?.try_cmp(&*read(&self.name)?).map_err(|e| Doubt::new("form", e))?;
        Ok(order.is_eq())
    }
}

fn sha1(octets: &[u8]) -> Result<OctetString, Doubt> {
    let digest = hash(MessageDigest::sha1(), octets).map_err(|e| Doubt::new("form", e))?;
    Ok(OctetString::new(digest.to_vec())?)
}

/// A place where a list is, under several addresses.
#[derive(Debug, Clone)]
pub struct Point {
    /// Its names, as the list would repeat them.
    pub names: Vec<GeneralName>,
    /// The addresses among them that may be asked, in the card's order.
    pub urls: Vec<Url>,
}

/// A certificate whose standing is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its serial.
    pub serial: Serial,
    /// Its issuer's name in DER, the octets in it: what CertID digests (RFC 6960 section 4.1.1), whatever the issuer's own
    /// certificate makes of the name.
    pub issuer: Vec<u8>,
    /// Its serial as a request has it.
    pub number: x509_cert::serial_number::SerialNumber,
    /// Where it says that its issuer's responder is.
    pub responders: Vec<Url>,
    /// Where it says that its issuer's list is.
    pub points: Vec<Point>,
}

impl Question {
    /// # Errors
    /// When the certificate cannot be read.
    pub fn new(card: &X509Ref) -> Result<Self, Doubt> {
        Self::read(&card.to_der().map_err(|e| Doubt::new("form", e))?)
    }

    /// SHA-1 of its issuer's name: a name, not a protection.
    pub fn issuer_digest(&self) -> Result<OctetString, Doubt> {
        sha1(&self.issuer)
    }

    /// From the certificate's DER.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(octets: &[u8]) -> Result<Self, Doubt> {
        let body = Certificate::from_der(octets)?.tbs_certificate;
        let issuer = X509::from_der(octets).and_then(|card| card.issuer_name().to_der());
        let extensions = body.extensions.unwrap_or_default();
        Ok(Self {
            serial: Serial::from_der(&body.serial_number.to_der()?)?,
            issuer: issuer.map_err(|e| Doubt::new("form", e))?,
            number: body.serial_number,
            responders: responders(find(&extensions, db::rfc5280::ID_PE_AUTHORITY_INFO_ACCESS)?),
            points: points(find(&extensions, db::rfc5280::ID_CE_CRL_DISTRIBUTION_POINTS)?),
        })
    }
}

fn responders(access: Option<AuthorityInfoAccessSyntax>) -> Vec<Url> {
    let all = access.map(|access| access.0).unwrap_or_default();
    let ocsp = all.iter().filter(|one| one.access_method == db::rfc5280::ID_AD_OCSP);
    ocsp.filter_map(|one| address(&one.access_location)).filter(web).take(MOST).collect()
}

fn points(all: Option<CrlDistributionPoints>) -> Vec<Point> {
    let all = all.map(|points| points.0).unwrap_or_default();
    all.into_iter().filter_map(point).take(MOST).collect()
}

/// A point whose list is another issuer's, or for some reasons only, says too little to let anybody in.
fn point(point: DistributionPoint) -> Option<Point> {
    let Some(DistributionPointName::FullName(names)) = point.distribution_point else { return None };
    let urls: Vec<_> = names.iter().filter_map(address).take(MOST).collect();
    let whole = point.crl_issuer.is_none() && point.reasons.is_none() && !urls.is_empty();
    whole.then_some(Point { names, urls })
}

fn web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

fn address(name: &GeneralName) -> Option<Url> {
    let GeneralName::UniformResourceIdentifier(text) = name else { return None };
    let text = text.as_str().trim();
    let url = Url::parse(text).ok().filter(|_| text.len() <= LONGEST)?;
    permitted(&url).is_ok().then_some(url)
}

/// Whether an address is of the kind that may be asked at all.
///
/// # Errors
/// When it is not.
pub fn permitted(url: &Url) -> Result<(), Doubt> {
    ensure(web(url) || url.scheme() == "ldap", "address", format!("scheme {}", url.scheme()))?;
    ensure(url.host_str().is_some_and(|host| !host.is_empty()), "address", "no host")?;
    ensure(url.username().is_empty() && url.password().is_none(), "address", "a name or a password")
}
