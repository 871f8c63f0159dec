//! Avviso 29's certificate profile: what we make holds every rule, and each rule can be broken.

use super::{
    super::{Body, conformity::examine},
    fixture::*,
};
use openssl::{
    asn1::Asn1Time,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509Builder, X509Name,
        extension::{BasicConstraints, KeyUsage},
    },
};

fn broken(certificate: &X509, body: &Body, entity_id: &str, seconds: i64) -> Vec<&'static str> {
    let findings = examine(certificate, body, entity_id, at(seconds));
    findings.into_iter().filter(|f| f.fault.is_some()).map(|f| f.rule).collect()
}

#[test]
fn what_we_make_holds_every_rule() {
    let findings = examine(our_keys().certificate(), &body(), US, now());
    assert_eq!(findings.len(), 27);
    assert!(findings.iter().all(|finding| finding.fault.is_none()), "{findings:?}");
}

#[test]
fn a_certificate_of_another_body_or_time_breaks_the_rule_that_says_so() {
    let ours = our_keys().certificate();
    let year = 365 * 24 * 3600;
    for (other, entity_id, seconds, rule) in [
        (Body { display_name: "Altro".into(), ..body() }, US, 0, "commonName"),
        (Body { name: "Altro".into(), ..body() }, US, 0, "organizationName"),
        (Body { ipa_code: "c_x001".into(), ..body() }, US, 0, "organizationIdentifier"),
        (Body { locality: "Roma".into(), ..body() }, US, 0, "localityName"),
        (body(), "https://altro.example.it", 0, "uri"),
        (body(), US, 3 * year, "il certificato è valido oggi"),
        (body(), US, -year, "il certificato è valido oggi"),
    ] {
        let rules = broken(ours, &other, entity_id, seconds);
        assert!(matches!(rules.as_slice(), [one] if one.starts_with(rule)), "{rule}: {rules:?}");
    }
}

type Change = fn(&mut X509Builder, &PKey<Private>);

/// A certificate with this subject, changed before it is signed by itself.
fn certificate(key: &PKey<Private>, subject: &[(&str, &str)], digest: MessageDigest, change: Change) -> X509 {
    let mut name = X509Name::builder().unwrap();
    subject.iter().for_each(|(oid, text)| name.append_entry_by_text(oid, text).unwrap());
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::from_unix(at(-60).as_second()).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::from_unix(at(60).as_second()).unwrap()).unwrap();
    change(&mut builder, key);
    builder.sign(key, digest).unwrap();
    builder.build()
}

fn rsa(bits: u32) -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap()
}

fn says(certificate: &X509) -> Vec<&'static str> {
    broken(certificate, &body(), US, 0)
}

#[test]
fn each_rule_of_key_and_signature_can_be_broken() {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let ec = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let plain: Change = |_, _| ();
    let first: Change = |builder, _| builder.set_version(0).unwrap();
    let other: Change = |builder, _| builder.set_pubkey(&idp().key).unwrap();
    for (key, digest, change, rule) in [
        (ec, MessageDigest::sha256(), plain, "la chiave è RSA"),
        (rsa(1024), MessageDigest::sha256(), plain, "la chiave è di 2048, 3072 o 4096 bit"),
        (rsa(2048), MessageDigest::sha384(), plain, "la firma è RSA con SHA-256 o SHA-512"),
        (rsa(2048), MessageDigest::sha1(), plain, "la firma è RSA con SHA-256 o SHA-512"),
        (rsa(2048), MessageDigest::sha256(), first, "il certificato è X.509 versione 3"),
        (rsa(2048), MessageDigest::sha256(), other, "se il certificato è autofirmato"),
    ] {
        let rules = says(&certificate(&key, &[("2.5.4.3", "x")], digest, change));
        assert!(rules.iter().any(|r| r.starts_with(rule)), "{rule}: {rules:?}");
    }
    let good = says(&certificate(&rsa(2048), &[("2.5.4.3", "x")], MessageDigest::sha512(), plain));
    assert!(!good.iter().any(|r| r.starts_with("la ") || r.starts_with("il certificato")), "{good:?}");
}

#[test]
fn each_rule_of_the_subject_can_be_broken() {
    let key = rsa(2048);
    for oid in ["2.5.4.41", "2.5.4.4", "2.5.4.42", "2.5.4.43", "2.5.4.65"] {
        let rules = says(&certificate(&key, &[(oid, "Mario")], MessageDigest::sha256(), |_, _| ()));
        assert!(
            rules.iter().any(|r| r.contains(&format!("({oid})")) && r.contains("non ha")),
            "{oid}: {rules:?}"
        );
    }
    let rules =
        says(&certificate(&key, &[("2.5.4.6", "FR"), ("2.5.4.3", " ")], MessageDigest::sha256(), |_, _| ()));
    for rule in ["countryName", "nessun attributo", "uri", "organizationIdentifier", "localityName"] {
        assert!(rules.iter().any(|r| r.starts_with(rule)), "{rule}: {rules:?}");
    }
    let twice = [("2.5.4.6", "IT"), ("2.5.4.6", "IT")];
    let rules = says(&certificate(&key, &twice, MessageDigest::sha256(), |_, _| ()));
    assert!(rules.iter().any(|r| r.starts_with("countryName")), "{rules:?}");
}

#[test]
fn each_rule_of_the_extensions_can_be_broken() {
    let authority: Change = |builder, _| {
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    };
    let seal: Change = |builder, _| {
        builder.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
        builder.append_extension(KeyUsage::new().key_cert_sign().build().unwrap()).unwrap();
    };
    let decipher: Change = |builder, _| {
        let usage = KeyUsage::new().critical().digital_signature().non_repudiation().decipher_only().build();
        builder.append_extension(usage.unwrap()).unwrap();
    };
    let none: Change = |_, _| ();
    for (change, rules) in [
        (authority, vec!["basicConstraints c'è e non è critica"]),
        (
            seal,
            vec![
                "basicConstraints dice CA:FALSE",
                "keyUsage c'è ed è critica",
                "keyUsage ha digitalSignature",
                "keyUsage ha nonRepudiation",
                "keyUsage non ha nessun altro uso",
            ],
        ),
        (decipher, vec!["keyUsage non ha nessun altro uso"]),
        (
            none,
            vec![
                "basicConstraints c'è",
                "basicConstraints dice",
                "keyUsage c'è",
                "keyUsage ha digitalSignature",
                "keyUsage non ha",
                "certificatePolicies c'è",
                "certificatePolicies ha 1.3.76.16.6",
                "certificatePolicies ha 1.3.76.16.4.2.1",
            ],
        ),
    ] {
        let found = says(&certificate(&rsa(2048), &[("2.5.4.3", "x")], MessageDigest::sha256(), change));
        for rule in rules {
            assert!(found.iter().any(|r| r.starts_with(rule)), "{rule}: {found:?}");
        }
    }
}
