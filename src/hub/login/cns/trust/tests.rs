//! Trust lists good, broken, and in another's hands.

mod kept;
mod mutated;
mod real;
mod refused;
mod services;

use super::{TrustList, signers};
use crate::{
    login::saml::Unfit,
    registry::Signed,
    testing::trust::{Draft, Signer, issuer},
};
use jiff::Timestamp;
use openssl::x509::X509;
use std::sync::LazyLock;

static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::for_development);
static STRANGER: LazyLock<Signer> = LazyLock::new(Signer::for_development);
static ISSUERS: LazyLock<Vec<X509>> =
    LazyLock::new(|| (1..=6).map(|n| issuer(&format!("Issuer {n}"))).collect());

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// The list with this number, of the first so many issuers.
fn draft(number: u64, issuers: usize) -> Draft {
    Draft::of(number, &ISSUERS[..issuers])
}

fn ours() -> &'static [X509] {
    std::slice::from_ref(&SIGNER.certificate)
}

fn verify(text: &str) -> Result<TrustList, Unfit> {
    TrustList::verify(text.as_bytes(), ours(), now())
}

fn names(list: &TrustList) -> Vec<&str> {
    list.issuers.all.iter().map(|issuer| issuer.name.as_str()).collect()
}

#[track_caller]
fn refused(text: &str, rule: &str) {
    let why = verify(text).expect_err(rule);
    assert_eq!(why.rule, rule, "{why}");
}

/// Replaces what must be there.
#[track_caller]
fn change(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from}");
    text.replacen(from, to, 1)
}
