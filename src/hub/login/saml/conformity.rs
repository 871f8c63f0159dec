//! The certificate profile of a public body as SPID service provider (Avviso SPID 29 v3), rule by rule, in the words of the
//! technician who reads the outcome.

use super::{
    Body,
    der::{self, BIT_STRING, Extension, OBJECT, SEQUENCE},
};
use jiff::Timestamp;
use openssl::{
    asn1::{Asn1Object, Asn1Time},
    pkey::Id,
    x509::X509,
};

/// What a rule says of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule, in Italian.
    pub rule: &'static str,
    /// Why it does not hold, in Italian; `None` when it does.
    pub fault: Option<String>,
}

/// A certificate and whose it should be.
struct Examined<'a> {
    certificate: &'a X509,
    extensions: Vec<Extension<'a>>,
    subject: Vec<(String, String)>,
    body: &'a Body,
    entity_id: &'a str,
    now: Timestamp,
}

type Verdict = Result<(), String>;
type Rule = (&'static str, fn(&Examined<'_>) -> Verdict);

/// Every rule, in the order of Avviso 29: key and signature, subject, extensions.
const RULES: &[Rule] = &[
    ("il certificato è X.509 versione 3", version),
    ("la chiave è RSA", rsa),
    ("la chiave è di 2048, 3072 o 4096 bit", bits),
    ("la firma è RSA con SHA-256 o SHA-512", signed_with),
    ("se il certificato è autofirmato, la firma è della sua chiave", own_signature),
    ("il certificato è valido oggi", time),
    ("commonName (2.5.4.3) è il nome mostrato: body.display_name", |e| {
        e.states("2.5.4.3", &e.body.display_name)
    }),
    ("organizationName (2.5.4.10) è il nome per esteso: body.name", |e| e.states("2.5.4.10", &e.body.name)),
    ("uri (2.5.4.83) è l'entityID", |e| e.states("2.5.4.83", e.entity_id)),
    ("organizationIdentifier (2.5.4.97) è PA:IT- e il codice IPA", |e| {
        e.states("2.5.4.97", &format!("PA:IT-{}", e.body.ipa_code))
    }),
    ("countryName (2.5.4.6) è IT", |e| e.states("2.5.4.6", "IT")),
    ("localityName (2.5.4.7) è la città della sede: body.locality", |e| {
        e.states("2.5.4.7", &e.body.locality)
    }),
    ("il soggetto non ha name (2.5.4.41)", |e| e.lacks("2.5.4.41")),
    ("il soggetto non ha surname (2.5.4.4)", |e| e.lacks("2.5.4.4")),
    ("il soggetto non ha givenName (2.5.4.42)", |e| e.lacks("2.5.4.42")),
    ("il soggetto non ha initials (2.5.4.43)", |e| e.lacks("2.5.4.43")),
    ("il soggetto non ha pseudonym (2.5.4.65)", |e| e.lacks("2.5.4.65")),
    ("nessun attributo del soggetto è vuoto", filled),
    ("basicConstraints c'è e non è critica", |e| e.extension(BASIC_CONSTRAINTS, false).map(drop)),
    ("basicConstraints dice CA:FALSE", no_authority),
    ("keyUsage c'è ed è critica", |e| e.extension(KEY_USAGE, true).map(drop)),
    ("keyUsage ha digitalSignature", |e| e.usage(DIGITAL_SIGNATURE, true)),
    ("keyUsage ha nonRepudiation (contentCommitment)", |e| e.usage(NON_REPUDIATION, true)),
    ("keyUsage non ha nessun altro uso", |e| e.usage(!(DIGITAL_SIGNATURE | NON_REPUDIATION), false)),
    ("certificatePolicies c'è e non è critica", |e| e.extension(POLICIES, false).map(drop)),
    ("certificatePolicies ha 1.3.76.16.6 (agIDcert)", |e| e.policy("1.3.76.16.6", "agIDcert")),
    ("certificatePolicies ha 1.3.76.16.4.2.1 (cert_SP_Pub)", |e| e.policy("1.3.76.16.4.2.1", "cert_SP_Pub")),
];

const BASIC_CONSTRAINTS: &str = "2.5.29.19";
const KEY_USAGE: &str = "2.5.29.15";
const POLICIES: &str = "2.5.29.32";
/// Bits 0 and 1 of `KeyUsage` (RFC 5280 4.2.1.3), in its first octet; the ninth bit is the high one of the second.
const DIGITAL_SIGNATURE: u16 = 0x8000;
const NON_REPUDIATION: u16 = 0x4000;

/// Holds a certificate against every rule.
pub fn examine(certificate: &X509, body: &Body, entity_id: &str, now: Timestamp) -> Vec<Finding> {
    let encoded = certificate.to_der().unwrap_or_default();
    let entries = certificate.subject_name().entries();
    let text = |entry: &openssl::x509::X509NameEntryRef| {
        entry.data().to_string().map(|text| text.to_string()).unwrap_or_default()
    };
    let examined = Examined {
        certificate,
        extensions: der::extensions(&encoded).unwrap_or_default(),
        subject: entries.map(|entry| (entry.object().to_string(), text(entry))).collect(),
        body,
        entity_id,
        now,
    };
    RULES.iter().map(|(rule, holds)| Finding { rule, fault: holds(&examined).err() }).collect()
}

impl Examined<'_> {
    fn stated(&self, oid: &str) -> Vec<&str> {
        let oid = name(oid);
        self.subject.iter().filter(|(object, _)| *object == oid).map(|(_, text)| text.as_str()).collect()
    }

    fn states(&self, oid: &str, right: &str) -> Verdict {
        match self.stated(oid).as_slice() {
            [] => Err(format!("manca; dev'essere «{right}»")),
            [text] if *text == right => Ok(()),
            [text] => Err(format!("è «{text}»; dev'essere «{right}»")),
            several => Err(format!("c'è {} volte", several.len())),
        }
    }

    fn lacks(&self, oid: &str) -> Verdict {
        if self.stated(oid).is_empty() { Ok(()) } else { Err("c'è".to_owned()) }
    }

    fn extension(&self, oid: &str, critical: bool) -> Result<&Extension<'_>, String> {
        let object = object(oid);
        let found = self.extensions.iter().find(|e| e.object == object).ok_or("manca")?;
        match (found.critical, critical) {
            (true, false) => Err("è critica".to_owned()),
            (false, true) => Err("non è critica".to_owned()),
            _ => Ok(found),
        }
    }

    /// Whether all (or, with `set` false, none) of these uses are stated.
    fn usage(&self, bits: u16, set: bool) -> Verdict {
        let object = object(KEY_USAGE);
        let found = self.extensions.iter().find(|e| e.object == object).ok_or("keyUsage manca")?;
        let string = der::values(found.value).and_then(|all| all.first()?.of(BIT_STRING));
        let octets = string.and_then(|string| string.get(1..)).ok_or("keyUsage non si legge")?;
        let octet = |n: usize| u16::from(octets.get(n).copied().unwrap_or_default());
        let stated = (octet(0) << 8) | octet(1);
        match set {
            true if stated & bits != bits => Err("manca".to_owned()),
            false if stated & bits != 0 => Err("ne ha".to_owned()),
            _ => Ok(()),
        }
    }

    /// Whether the policy is there with its notice (RFC 5280 4.2.1.4).
    fn policy(&self, oid: &str, notice: &str) -> Verdict {
        let wanted = object(oid);
        let extension = self.extension(POLICIES, false)?;
        let list = der::values(extension.value)
            .and_then(|all| all.first()?.inside(SEQUENCE))
            .ok_or("non si legge")?;
        let named = |policy: &der::Value<'_>| {
            policy.inside(SEQUENCE).and_then(|parts| parts.first()?.of(OBJECT)).is_some_and(|o| o == wanted)
        };
        let policy = list.iter().find(|policy| named(policy)).ok_or("manca")?;
        let said = policy.content.windows(notice.len()).any(|window| window == notice.as_bytes());
        if said { Ok(()) } else { Err(format!("manca il testo «{notice}»")) }
    }
}

fn version(e: &Examined<'_>) -> Verdict {
    match e.certificate.version() {
        2 => Ok(()),
        other => Err(format!("è la versione {}", other.saturating_add(1))),
    }
}

fn rsa(e: &Examined<'_>) -> Verdict {
    let key = e.certificate.public_key().map_err(|_| "non si legge")?;
    if key.id() == Id::RSA { Ok(()) } else { Err("è di un altro tipo".to_owned()) }
}

fn bits(e: &Examined<'_>) -> Verdict {
    let bits = e.certificate.public_key().map_err(|_| "non si legge")?.bits();
    if [2048, 3072, 4096].contains(&bits) { Ok(()) } else { Err(format!("è di {bits} bit")) }
}

/// `sha256WithRSAEncryption` and `sha512WithRSAEncryption` (RFC 8017 appendix A.2.4).
fn signed_with(e: &Examined<'_>) -> Verdict {
    let algorithm = e.certificate.signature_algorithm().object();
    let good = ["1.2.840.113549.1.1.11", "1.2.840.113549.1.1.13"].map(name);
    if good.contains(&algorithm.to_string()) { Ok(()) } else { Err(format!("è {algorithm}")) }
}

fn own_signature(e: &Examined<'_>) -> Verdict {
    let (issuer, subject) = (e.certificate.issuer_name().to_der(), e.certificate.subject_name().to_der());
    if issuer.map_err(|_| "non si legge")? != subject.map_err(|_| "non si legge")? {
        return Ok(());
    }
    let key = e.certificate.public_key().map_err(|_| "la chiave non si legge")?;
    if e.certificate.verify(&key).unwrap_or(false) { Ok(()) } else { Err("non lo è".to_owned()) }
}

fn time(e: &Examined<'_>) -> Verdict {
    let now = Asn1Time::from_unix(e.now.as_second()).map_err(|_| "che giorno è non si sa")?;
    let (from, to) = (e.certificate.not_before(), e.certificate.not_after());
    if from <= now && now <= to { Ok(()) } else { Err(format!("vale dal {from} al {to}")) }
}

fn filled(e: &Examined<'_>) -> Verdict {
    if e.subject.iter().all(|(_, text)| !text.trim().is_empty()) {
        Ok(())
    } else {
        Err("uno lo è".to_owned())
    }
}

/// `BasicConstraints` without authority is an empty sequence: FALSE is the default (RFC 5280 4.2.1.9).
fn no_authority(e: &Examined<'_>) -> Verdict {
    let value = e.extension(BASIC_CONSTRAINTS, false)?.value;
    let parts = der::values(value).and_then(|all| all.first()?.inside(SEQUENCE)).ok_or("non si legge")?;
    let authority = parts.iter().filter_map(|part| part.of(der::BOOLEAN)).any(|content| content != [0]);
    if authority { Err("dice CA:TRUE".to_owned()) } else { Ok(()) }
}

/// As the library names it: by a word where it knows one.
fn name(oid: &str) -> String {
    Asn1Object::from_str(oid).map(|object| object.to_string()).unwrap_or_default()
}

fn object(oid: &str) -> Vec<u8> {
    Asn1Object::from_str(oid).map(|object| object.as_slice().to_vec()).unwrap_or_default()
}
