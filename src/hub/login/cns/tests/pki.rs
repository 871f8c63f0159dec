//! Authorities and cards, made anew in each test.

use crate::login::cns::issuers::Issuer;
use jiff::Timestamp;
use openssl::{
    asn1::{Asn1Object, Asn1OctetString, Asn1Time},
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Extension, X509Name,
        extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage},
    },
};

pub const NATIONAL: &str = "1.3.76.16.2.1";
pub const NAME: &str = "RSSMRA80A01H501U/1234567890123456.q5oVnv8zkBzuxbIM/N2tq+sLk0Y=";
const DAY: i64 = 24 * 3600;

pub fn ec() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

pub fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

/// What a card says; the default is a good one.
pub struct Spec {
    pub names: Vec<String>,
    pub usage: Option<X509Extension>,
    pub purposes: Option<X509Extension>,
    pub policies: Vec<&'static str>,
    /// Days from now.
    pub from: i64,
    pub to: i64,
    pub key: PKey<Private>,
    pub digest: MessageDigest,
    /// 2 is version 3.
    pub version: i32,
    pub authority: bool,
    /// Other extensions.
    pub more: Vec<X509Extension>,
}

impl Default for Spec {
    fn default() -> Self {
        Self {
            names: vec![NAME.into()],
            usage: KeyUsage::new().critical().digital_signature().build().ok(),
            purposes: ExtendedKeyUsage::new().client_auth().build().ok(),
            policies: vec![NATIONAL],
            from: -1,
            to: 365,
            key: ec(),
            digest: MessageDigest::sha256(),
            version: 2,
            authority: false,
            more: Vec::new(),
        }
    }
}

impl Spec {
    /// A good card of this name.
    pub fn named(name: &str) -> Self {
        Self { names: vec![name.into()], ..Self::default() }
    }

    pub fn usage(usage: &mut KeyUsage) -> Self {
        Self { usage: usage.build().ok(), ..Self::default() }
    }

    pub fn purposes(purposes: &mut ExtendedKeyUsage) -> Self {
        Self { purposes: purposes.build().ok(), ..Self::default() }
    }
}

/// A certificate and its key.
pub struct Card {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// An authority that signs itself.
pub struct Authority {
    pub certificate: X509,
    pub key: PKey<Private>,
}

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::lasting(name, -1, 3650)
    }

    /// One whose certificate lasts from and to so many days from now.
    pub fn lasting(name: &str, from: i64, to: i64) -> Self {
        Self::with_key(name, ec(), from, to)
    }

    /// The same with a key that is there, as of an authority that was renewed.
    pub fn with_key(name: &str, key: PKey<Private>, from: i64, to: i64) -> Self {
        let name = subject(&[name.to_owned()]);
        let mut builder = begin(&name, &name, &key, (from, to));
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder
            .append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build().unwrap())
            .unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Self { certificate: builder.build(), key }
    }

    /// As the trust list says it.
    pub fn issuer(&self) -> Issuer {
        let name = "Carte dei servizi di prova".to_owned();
        Issuer { certificate: self.certificate.clone(), name, since: Timestamp::UNIX_EPOCH }
    }

    pub fn card(&self, spec: &Spec) -> Card {
        let mut builder =
            begin(&subject(&spec.names), self.certificate.subject_name(), &spec.key, (spec.from, spec.to));
        builder.set_version(spec.version).unwrap();
        if spec.authority {
            builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        }
        if !spec.policies.is_empty() {
            builder.append_extension(policies(&spec.policies)).unwrap();
        }
        for extension in spec.usage.iter().chain(&spec.purposes).chain(&spec.more) {
            builder.append_extension2(extension).unwrap();
        }
        builder.sign(&self.key, spec.digest).unwrap();
        Card { certificate: builder.build(), key: spec.key.clone() }
    }
}

fn begin(
    subject: &X509Name,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
    (from, to): (i64, i64),
) -> openssl::x509::X509Builder {
    let at = |days: i64| Asn1Time::from_unix(crate::app::now().as_second() + days * DAY).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    let serial = BigNum::from_u32(0x00c0_ffee).unwrap().to_asn1_integer().unwrap();
    builder.set_serial_number(&serial).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&at(from)).unwrap();
    builder.set_not_after(&at(to)).unwrap();
    builder
}

fn subject(names: &[String]) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    name.append_entry_by_text("C", "IT").unwrap();
    name.append_entry_by_text("OU", "Regione di Esempio").unwrap();
    for common in names {
        name.append_entry_by_text("CN", common).unwrap();
    }
    name.build()
}

pub fn extension(oid: &str, critical: bool, content: &[u8]) -> X509Extension {
    let value = Asn1OctetString::new_from_bytes(content).unwrap();
    X509Extension::new_from_der(&Asn1Object::from_str(oid).unwrap(), critical, &value).unwrap()
}

/// Where the issuer answers: two responders (`id-pe-authorityInfoAccess`), and two lists.
pub fn asked_at(responders: [&str; 2], lists: [&str; 2]) -> Vec<X509Extension> {
    let uri = |url: &str| tlv(0x86, url.as_bytes());
    let ocsp = tlv(0x06, Asn1Object::from_str("1.3.6.1.5.5.7.48.1").unwrap().as_slice());
    let access = responders.map(|url| tlv(0x30, &[ocsp.clone(), uri(url)].concat())).concat();
    let points = lists.map(|url| tlv(0x30, &tlv(0xa0, &tlv(0xa0, &uri(url))))).concat();
    vec![
        extension("1.3.6.1.5.5.7.1.1", false, &tlv(0x30, &access)),
        extension("2.5.29.31", false, &tlv(0x30, &points)),
    ]
}

fn policies(all: &[&str]) -> X509Extension {
    let one = |oid: &&str| tlv(0x30, &tlv(0x06, Asn1Object::from_str(oid).unwrap().as_slice()));
    extension("2.5.29.32", false, &tlv(0x30, &all.iter().map(one).collect::<Vec<_>>().concat()))
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
}
