//! The certificate of a public body as SPID service provider (Avviso SPID 29 v3).

use super::{Body, Fault};
use jiff::{SignedDuration, Timestamp};
use openssl::{
    asn1::{Asn1Integer, Asn1Object, Asn1OctetString, Asn1Time},
    bn::{BigNum, MsbOption},
    error::ErrorStack,
    hash::MessageDigest,
    pkey::{PKey, Private},
    x509::{
        X509, X509Extension, X509Name,
        extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier},
    },
};

/// How long a certificate of ours lasts: two years.
const VALIDITY: SignedDuration = SignedDuration::from_hours(2 * 365 * 24);
/// The policies and the texts that go with them: a certificate under AgID's rules, of a public service provider.
const POLICIES: [(&str, &str); 2] = [("1.3.76.16.6", "agIDcert"), ("1.3.76.16.4.2.1", "cert_SP_Pub")];
/// The attribute `uri` (ITU-T X.520), which holds the entityID.
const URI: &str = "2.5.4.83";
/// `id-ce-certificatePolicies` (RFC 5280 4.2.1.4).
const CERTIFICATE_POLICIES: &str = "2.5.29.32";
/// `id-qt-unotice` (RFC 5280 4.2.1.4).
const USER_NOTICE: &str = "1.3.6.1.5.5.7.2.2";

/// A certificate of `key` for the body, signed by itself, from now on.
pub fn self_signed(key: &PKey<Private>, body: &Body, entity_id: &str, now: Timestamp) -> Result<X509, Fault> {
    let name = subject(body, entity_id)?;
    let mut certificate = X509::builder()?;
    certificate.set_version(2)?;
    certificate.set_serial_number(&*serial()?)?;
    certificate.set_subject_name(&name)?;
    certificate.set_issuer_name(&name)?;
    certificate.set_pubkey(key)?;
    certificate.set_not_before(&*Asn1Time::from_unix(now.as_second())?)?;
    let end = now.saturating_add(VALIDITY).unwrap_or(Timestamp::MAX);
    certificate.set_not_after(&*Asn1Time::from_unix(end.as_second())?)?;
    certificate.append_extension(BasicConstraints::new().build()?)?;
    certificate
        .append_extension(KeyUsage::new().critical().digital_signature().non_repudiation().build()?)?;
    certificate.append_extension(policies()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&certificate.x509v3_context(None, None))?;
    certificate.append_extension(identifier)?;
    certificate.sign(key, MessageDigest::sha256())?;
    Ok(certificate.build())
}

/// Refuses a certificate whose `uri` is another entityID (Avviso SPID 29): AgID would.
pub fn is_of(certificate: &X509, entity_id: &str) -> Result<(), Fault> {
    let uri = Asn1Object::from_str(URI)?.to_string();
    let stated = certificate.subject_name().entries().find(|e| e.object().to_string() == uri);
    match stated.map(|entry| entry.data().to_string()).transpose()? {
        Some(stated) if stated != entity_id => {
            let problem = format!("the certificate spid.pem is of `{stated}`, not of `{entity_id}`");
            Err(Fault::Setting { key: "body.spid.entity_id".to_owned(), problem })
        }
        _ => Ok(()),
    }
}

fn subject(body: &Body, entity_id: &str) -> Result<X509Name, Fault> {
    let organization_identifier = format!("PA:IT-{}", body.ipa_code);
    let fields = [
        ("2.5.4.3", "body.display_name", body.display_name.as_str()),
        ("2.5.4.10", "body.name", &body.name),
        (URI, "body.spid.entity_id", entity_id),
        ("2.5.4.97", "body.ipa_code", &organization_identifier),
        ("2.5.4.6", "body.country", "IT"),
        ("2.5.4.7", "body.locality", &body.locality),
    ];
    let mut name = X509Name::builder()?;
    for (oid, key, value) in fields {
        name.append_entry_by_text(oid, value).map_err(|e| Fault::Setting {
            key: key.to_owned(),
            problem: format!("no certificate can hold it: {e}"),
        })?;
    }
    Ok(name.build())
}

fn serial() -> Result<Asn1Integer, ErrorStack> {
    let mut number = BigNum::new()?;
    number.rand(127, MsbOption::MAYBE_ZERO, false)?;
    number.to_asn1_integer()
}

fn policies() -> Result<X509Extension, ErrorStack> {
    let mut list = Vec::new();
    for (oid, text) in POLICIES {
        let notice = tlv(0x30, &tlv(0x0c, text.as_bytes()));
        let qualifier = tlv(0x30, &[object(USER_NOTICE)?, notice].concat());
        list.extend(tlv(0x30, &[object(oid)?, tlv(0x30, &qualifier)].concat()));
    }
    let oid = Asn1Object::from_str(CERTIFICATE_POLICIES)?;
    let value = Asn1OctetString::new_from_bytes(&tlv(0x30, &list))?;
    X509Extension::new_from_der(&oid, false, &value)
}

fn object(oid: &str) -> Result<Vec<u8>, ErrorStack> {
    Ok(tlv(0x06, Asn1Object::from_str(oid)?.as_slice()))
}

/// One DER value. Ours are all shorter than 128 octets, so the length is one octet (X.690 8.1.3.4).
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap_or(u8::MAX);
    debug_assert!(length < 128, "a DER length of one octet");
    [&[tag, length], content].concat()
}
