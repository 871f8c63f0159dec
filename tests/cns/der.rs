//! The few structures of DER that OpenSSL's builders do not make.

use anyhow::Result;
use openssl::asn1::Asn1Object;

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
/// `uniformResourceIdentifier [6]` of a GeneralName (RFC 5280, 4.2.1.6).
const URI: u8 = 0x86;

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut all = match length {
        [0, low @ 0..0x80] => vec![tag, low],
        [0, low] => vec![tag, 0x81, low],
        [high, low] => vec![tag, 0x82, high, low],
    };
    all.extend(content);
    all
}

fn oid(dotted: &str) -> Result<Vec<u8>> {
    Ok(tlv(OID, &[Asn1Object::from_str(dotted)?.as_slice()]))
}

/// `CertificatePolicies` with these identifiers (RFC 5280, 4.2.1.4).
pub fn policies(dotted: &[&str]) -> Result<Vec<u8>> {
    let each = dotted.iter().map(|one| Ok(tlv(SEQUENCE, &[&oid(one)?]))).collect::<Result<Vec<_>>>()?;
    Ok(tlv(SEQUENCE, &each.iter().map(Vec::as_slice).collect::<Vec<_>>()))
}

/// `CRLDistributionPoints` with this address (RFC 5280, 4.2.1.13).
pub fn distribution(url: &str) -> Vec<u8> {
    let name = tlv(0xa0, &[&tlv(0xa0, &[&tlv(URI, &[url.as_bytes()])])]);
    tlv(SEQUENCE, &[&tlv(SEQUENCE, &[&name])])
}

/// `AuthorityInfoAccess` with the address of an OCSP responder (RFC 5280, 4.2.2.1).
pub fn responder(url: &str) -> Result<Vec<u8>> {
    let access = tlv(SEQUENCE, &[&oid("1.3.6.1.5.5.7.48.1")?, &tlv(URI, &[url.as_bytes()])]);
    Ok(tlv(SEQUENCE, &[&access]))
}

/// `SubjectKeyIdentifier`, and `AuthorityKeyIdentifier` where `of_issuer` (RFC 5280, 4.2.1.1 and 4.2.1.2).
pub fn key_identifier(identifier: &[u8], of_issuer: bool) -> Vec<u8> {
    if of_issuer { tlv(SEQUENCE, &[&tlv(0x80, &[identifier])]) } else { tlv(OCTETS, &[identifier]) }
}
