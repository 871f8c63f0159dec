//! Issuers of cards, and what they sign. Development only: made anew for each lab or test, never for a real site.

use super::der;
use crate::ca;
use anyhow::{Context, Result};
use openssl::{
    asn1::{Asn1Object, Asn1Time},
    bn::{BigNum, MsbOption},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    x509::{
        X509, X509Builder, X509Extension, X509Name, X509NameBuilder,
        extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
    },
};
use std::{fs, path::Path};

/// `O` of everything made here.
pub const MARK: &str = "Varco development, not for use";

/// What marks who signs trust lists for development: `OU`. A release refuses it.
pub const UNIT: &str = "Varco development";

/// What a card's certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// `digitalSignature`: to log in.
    Authentication,
    /// `nonRepudiation`: to sign documents, which must never log anybody in.
    Signature,
}

/// What a card's certificate says.
#[derive(Debug, Clone)]
pub struct Content {
    /// `CN`.
    pub common_name: String,
    /// First and last day, counted from today.
    pub days: (i64, i64),
    /// Key usage.
    pub usage: Usage,
    /// Whether extended key usage names `clientAuth`.
    pub client_auth: bool,
    /// Certificate policies.
    pub policies: &'static [&'static str],
    /// Where its OCSP responder is, where it names one.
    pub ocsp: Option<String>,
    /// Where its revocation list is, where it names one.
    pub list: Option<String>,
}

/// An authority that issues cards.
pub struct Authority {
    key: PKey<Private>,
    certificate: X509,
}

impl Authority {
    /// Makes an authority with this key: `<file>.pem` and `<file>.key` in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn make(folder: &Path, file: &str, common_name: &str, key: PKey<Private>) -> Result<Self> {
        let name =
            name(&[(Nid::COUNTRYNAME, "IT"), (Nid::ORGANIZATIONNAME, MARK), (Nid::COMMONNAME, common_name)])?;
        let mut builder = builder(&name, &name, (-3650, 3650), &key)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        builder
            .append_extension(extension("2.5.29.14", &der::key_identifier(&identifier(&name)?, false))?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = builder.build();
        ca::save(folder, file, &certificate, &key)?;
        Ok(Self { key, certificate })
    }

    /// The authority's certificate.
    pub fn certificate(&self) -> &X509 {
        &self.certificate
    }

    /// Signs a card's certificate for `key`.
    ///
    /// # Errors
    /// When OpenSSL refuses the content.
    pub fn card(&self, content: &Content, key: &PKey<Private>) -> Result<X509> {
        let subject = name(&[
            (Nid::COUNTRYNAME, "IT"),
            (Nid::ORGANIZATIONALUNITNAME, "Comune di Prova"),
            (Nid::COMMONNAME, &content.common_name),
        ])?;
        let mut builder = self.begin(&subject, content.days, key)?;
        let mut usage = KeyUsage::new();
        match content.usage {
            Usage::Authentication => usage.critical().digital_signature(),
            Usage::Signature => usage.critical().digital_signature().non_repudiation(),
        };
        builder.append_extension(usage.build()?)?;
        let mut extended = ExtendedKeyUsage::new();
        if content.client_auth {
            extended.client_auth()
        } else {
            extended.email_protection()
        };
        builder.append_extension(extended.build()?)?;
        builder.append_extension(extension("2.5.29.32", &der::policies(content.policies)?)?)?;
        if let Some(url) = &content.ocsp {
            builder.append_extension(extension("1.3.6.1.5.5.7.1.1", &der::responder(url)?)?)?;
        }
        if let Some(url) = &content.list {
            builder.append_extension(extension("2.5.29.31", &der::distribution(url))?)?;
        }
        self.end(builder)
    }

    /// Makes `<file>.pem` and `<file>.key` of an OCSP responder of this authority (RFC 6960, 4.2.2.2).
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn responder(&self, folder: &Path, file: &str) -> Result<()> {
        let key = ca::new_curve_key()?;
        let subject = name(&[(Nid::ORGANIZATIONNAME, MARK), (Nid::COMMONNAME, "OCSP")])?;
        let mut builder = self.begin(&subject, (-1, 365), &key)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().other("OCSPSigning").build()?)?;
        // id-pkix-ocsp-nocheck: an ASN.1 NULL.
        builder.append_extension(extension("1.3.6.1.5.5.7.48.1.5", &[5, 0])?)?;
        ca::save(folder, file, &self.end(builder)?, &key)
    }

    fn begin(&self, subject: &X509Name, days: (i64, i64), key: &PKey<Private>) -> Result<X509Builder> {
        let issuer = self.certificate.subject_name().to_owned()?;
        let mut builder = builder(subject, &issuer, days, key)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder
            .append_extension(extension("2.5.29.35", &der::key_identifier(&identifier(&issuer)?, true))?)?;
        Ok(builder)
    }

    fn end(&self, mut builder: X509Builder) -> Result<X509> {
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(builder.build())
    }
}

/// An identifier made of the name and not of the key: who bears another's name bears their identifier too.
fn identifier(name: &X509Name) -> Result<Vec<u8>> {
    Ok(openssl::hash::hash(MessageDigest::sha1(), &name.to_der()?)?.to_vec())
}

fn extension(oid: &str, der: &[u8]) -> Result<X509Extension> {
    let value = openssl::asn1::Asn1OctetString::new_from_bytes(der)?;
    Ok(X509Extension::new_from_der(&*Asn1Object::from_str(oid)?, false, &value)?)
}

fn name(entries: &[(Nid, &str)]) -> Result<X509Name> {
    let mut name = X509NameBuilder::new()?;
    for (kind, value) in entries {
        name.append_entry_by_nid(*kind, value)?;
    }
    Ok(name.build())
}

#[expect(clippy::disallowed_methods, reason = "the edge: certificates are made for the day it is")]
fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn builder(
    subject: &X509Name,
    issuer: &X509Name,
    days: (i64, i64),
    key: &PKey<Private>,
) -> Result<X509Builder> {
    let mut serial = BigNum::new()?;
    serial.rand(63, MsbOption::ONE, true)?;
    let day = |days: i64| Asn1Time::from_unix(now() + days * 86_400);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(day(days.0)?.as_ref())?;
    builder.set_not_after(day(days.1)?.as_ref())?;
    Ok(builder)
}

/// Makes `<file>.pem` and `<file>.key` of who signs trust lists for development.
///
/// # Errors
/// When the folder cannot be written.
pub fn signer(folder: &Path, file: &str) -> Result<()> {
    let key = ca::new_key()?;
    let name = name(&[
        (Nid::ORGANIZATIONNAME, MARK),
        (Nid::ORGANIZATIONALUNITNAME, UNIT),
        (Nid::COMMONNAME, "Trust list"),
    ])?;
    let mut builder = builder(&name, &name, (-3650, 3650), &key)?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    builder.sign(&key, MessageDigest::sha256())?;
    ca::save(folder, file, &builder.build(), &key)
}

/// The certificate and key of `<file>` in `folder`.
///
/// # Errors
/// When they are not there.
pub fn pair(folder: &Path, file: &str) -> Result<(X509, PKey<Private>)> {
    let read = |end: &str| {
        let path = folder.join(format!("{file}.{end}"));
        fs::read(&path).with_context(|| path.display().to_string())
    };
    Ok((X509::from_pem(&read("pem")?)?, PKey::private_key_from_pem(&read("key")?)?))
}
