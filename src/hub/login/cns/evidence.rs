//! What the register seals of a login by card: certificate, authority, trust list, and what was said about revocation. Of the
//! person it holds the fiscal code and nothing else that the certificate may say.

use super::{
    checks::Found,
    issuers::Issuers,
    standing::{Proof, Source},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{
    hash::MessageDigest,
    sha::Sha256,
    x509::{X509, X509NameRef},
};
use serde_json::{Value, json};
use std::fmt::Write;

/// What was said about revocation.
#[derive(Debug)]
pub enum Said {
    /// It is not revoked.
    Good(Proof),
    /// Nobody answered, and the settings are soft.
    Nothing(Vec<String>),
}

/// The evidence.
///
/// # Errors
/// When the cryptographic library fails.
pub fn of(card: &X509, found: &Found<'_>, issuers: &Issuers, said: &Said) -> anyhow::Result<Value> {
    let issuer = &found.issuer.certificate;
    let mut chain = Sha256::new();
    chain.update(&card.to_der()?);
    chain.update(&issuer.to_der()?);
    Ok(json!({
        "fiscal_code": found.holder.expose(),
        "serial": card.serial_number().to_bn()?.to_hex_str()?.to_string(),
        "issuer": name(card.issuer_name()),
        "policy": found.policy.written.oid,
        "not_before": card.not_before().to_string(),
        "not_after": card.not_after().to_string(),
        "sha256": hex(&card.digest(MessageDigest::sha256())?),
        "issuer_sha256": hex(&issuer.digest(MessageDigest::sha256())?),
        "chain_sha256": hex(&chain.finish()),
        "trust_list": { "number": issuers.number, "issued": issuers.issued, "service": found.issuer.name },
        "revocation": revocation(said),
    }))
}

/// Whether the evidence has the issuer's word that the card is not revoked.
pub fn is_good(evidence: &Value) -> bool {
    evidence.pointer("/revocation/said").is_some_and(|said| said == "good")
}

fn revocation(said: &Said) -> Value {
    match said {
        Said::Nothing(tried) => json!({ "said": "nothing", "tried": tried }),
        Said::Good(proof) => json!({
            "said": "good",
            "source": match proof.source { Source::Ocsp => "ocsp", Source::Crl => "crl" },
            "url": proof.url,
            "produced": proof.produced,
            "sha256": hex(&proof.digest),
            "answer": proof.answer.as_ref().map(|octets| STANDARD.encode(octets)),
        }),
    }
}

/// A name as text, in its own order: `C=IT, O=…, CN=…`.
pub fn name(name: &X509NameRef) -> String {
    let entry = |entry: &openssl::x509::X509NameEntryRef| {
        let label =
            entry.object().nid().short_name().map_or_else(|_| entry.object().to_string(), str::to_owned);
        let value = entry.data().to_string().unwrap_or_default();
        format!("{label}={value}")
    };
    name.entries().map(entry).collect::<Vec<_>>().join(", ")
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}
