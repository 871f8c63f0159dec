//! What a card must pass, in the order in which it is looked at: from what costs nothing to what asks others, so that only
//! who holds a card of a recognised authority makes the hub ask anybody. None of it is looked at by TLS.

use super::{
    certificate::{Certificate, Usage},
    issuers::{Issuer, Issuers},
    policy::Policy,
    subject::{self, NoHolder},
};
use crate::login::saml::{FiscalNumber, ServiceProvider};
use jiff::{Timestamp, tz::TimeZone};
use openssl::{asn1::Asn1Time, nid::Nid, pkey::Id, x509::X509Ref};
use std::cmp::Ordering;
use varco_templates::hub::CardTrouble;

/// The least of a card's key, in bits. Cards of 1024 bits are no longer issued, and the last ones have expired.
const RSA_BITS: u32 = 2048;
const EC_BITS: u32 = 256;
/// What a certificate may be signed with. SHA-1 is not: a collision would make one certificate of an issuer two.
const SIGNATURES: [Nid; 6] = [
    Nid::SHA256WITHRSAENCRYPTION,
    Nid::SHA384WITHRSAENCRYPTION,
    Nid::SHA512WITHRSAENCRYPTION,
    Nid::ECDSA_WITH_SHA256,
    Nid::ECDSA_WITH_SHA384,
    Nid::ECDSA_WITH_SHA512,
];
/// `id-kp-clientAuth` (RFC 5280 4.2.1.12), as content octets.
const CLIENT_AUTH: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// Why a card opens nothing: what the citizen is told, and what the operator is. It names nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The page.
    pub trouble: CardTrouble,
    /// For the program log.
    pub why: &'static str,
}

const fn refuse(trouble: CardTrouble, why: &'static str) -> Refusal {
    Refusal { trouble, why }
}

/// What is known of a card before its issuer is asked.
#[derive(Debug)]
pub struct Found<'a> {
    /// Who issued it.
    pub issuer: &'a Issuer,
    /// What makes it a card.
    pub policy: &'a Policy,
    /// Whose it is.
    pub holder: FiscalNumber,
}

/// Everything but revocation.
///
/// # Errors
/// At the first rule that does not hold.
pub fn check<'a>(
    card: &Certificate,
    issuers: &'a Issuers,
    policies: &'a [Policy],
    now: Timestamp,
) -> Result<Found<'a>, Refusal> {
    strength(&card.x509)?;
    let issuer = issuer(&card.x509, issuers, now)?;
    dates(&card.x509, now)?;
    usage(card)?;
    purpose(card)?;
    let policy = policies.iter().find(|policy| card.policies.contains(&policy.octets));
    let policy = policy.ok_or(refuse(CardTrouble::Policy, "no policy of cards"))?;
    let name = subject::common_name(&card.x509).map_err(no_holder)?;
    let holder = subject::holder(&name, policy.written.card).map_err(no_holder)?;
    Ok(Found { issuer, policy, holder })
}

fn strength(card: &X509Ref) -> Result<(), Refusal> {
    let weak = |why| Err(refuse(CardTrouble::Strength, why));
    if !is_long(card) {
        return weak("its key cannot be read, is too short, or of another kind");
    }
    if SIGNATURES.contains(&card.signature_algorithm().object().nid()) {
        return Ok(());
    }
    weak("it is signed with what is broken or not known")
}

/// Whether its key is of a kind and size that nobody breaks.
fn is_long(certificate: &X509Ref) -> bool {
    certificate.public_key().is_ok_and(|key| match key.id() {
        Id::RSA => key.bits() >= RSA_BITS,
        Id::EC => key.bits() >= EC_BITS,
        _ => false,
    })
}

/// The authority whose key has signed the card. Its name only says which keys to try.
fn issuer<'a>(card: &X509Ref, issuers: &'a Issuers, now: Timestamp) -> Result<&'a Issuer, Refusal> {
    let unknown = refuse(CardTrouble::Issuer, "no recognised authority has signed it");
    let named = |issuer: &&Issuer| {
        let name = issuer.certificate.subject_name().try_cmp(card.issuer_name());
        name.is_ok_and(|order| order == Ordering::Equal)
    };
    let signs = |issuer: &&Issuer| {
        let key = issuer.certificate.public_key();
        key.and_then(|key| card.verify(&key)).unwrap_or(false)
    };
    let mut signers = issuers.all.iter().filter(named).filter(signs).peekable();
    signers.peek().ok_or(unknown)?;
    // One key may have several certificates: that of the renewed authority counts.
    let good = |issuer: &&Issuer| time(&issuer.certificate, now).is_ok() && is_long(&issuer.certificate);
    signers.find(good).ok_or(refuse(
        CardTrouble::Issuer,
        "the time of its authority is over or has not begun, or its key is too short",
    ))
}

fn dates(card: &X509Ref, now: Timestamp) -> Result<(), Refusal> {
    time(card, now).map_err(|trouble| refuse(trouble, "its time is over, or has not begun"))
}

/// Whether a certificate's time (RFC 5280 4.1.2.5, both ends included) is now.
fn time(certificate: &X509Ref, now: Timestamp) -> Result<(), CardTrouble> {
    let now = Asn1Time::from_unix(now.as_second()).map_err(|_| CardTrouble::Expired)?;
    let order = |end| now.compare(end).map_err(|_| CardTrouble::Expired);
    match (order(certificate.not_before())?, order(certificate.not_after())?) {
        (Ordering::Less, _) => Err(CardTrouble::NotYet),
        (_, Ordering::Greater) => Err(CardTrouble::Expired),
        _ => Ok(()),
    }
}

fn usage(card: &Certificate) -> Result<(), Refusal> {
    let usage = card.usage.unwrap_or_default();
    if usage.any(Usage::NON_REPUDIATION) {
        return Err(refuse(CardTrouble::Signing, "it is the certificate that signs documents"));
    }
    if card.authority || usage.any(Usage::AUTHORITY) {
        return Err(refuse(CardTrouble::Usage, "it is an authority's"));
    }
    if usage.any(Usage::SIGNATURE) { Ok(()) } else { Err(refuse(CardTrouble::Usage, "no digitalSignature")) }
}

fn purpose(card: &Certificate) -> Result<(), Refusal> {
    let purposes = card.purposes.as_deref().unwrap_or_default();
    let good = purposes.iter().any(|purpose| purpose == CLIENT_AUTH);
    if good { Ok(()) } else { Err(refuse(CardTrouble::Purpose, "no clientAuth")) }
}

/// From which age a body serves minors, in years, as `[body.spid]` says it to SPID.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ages {
    from: Option<u8>,
    parent_below: Option<u8>,
}

impl Ages {
    /// A body's.
    pub const fn of(us: &ServiceProvider) -> Self {
        Self { from: us.age_limit, parent_below: us.parent_below }
    }
}

/// The ages that the body has declared: SPID's providers keep them, a card's issuer knows nothing of them. A parent who
/// allows it is asked by SPID's provider only.
///
/// # Errors
/// When the holder is too young, or the code does not say how old.
pub fn age(holder: &FiscalNumber, ages: Ages, now: Timestamp) -> Result<(), Refusal> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let old_enough =
        |years: Option<u8>| years.is_none_or(|years| holder.has_turned(years.into(), today) == Some(true));
    if !old_enough(ages.from) {
        return Err(refuse(CardTrouble::TooYoung, "its holder is younger than the body serves"));
    }
    if !old_enough(ages.parent_below) {
        return Err(refuse(CardTrouble::Parent, "a parent would have to allow it"));
    }
    Ok(())
}

const fn no_holder(no: NoHolder) -> Refusal {
    match no {
        NoHolder::Name => refuse(CardTrouble::Subject, "not one common name"),
        NoHolder::FiscalCode => refuse(CardTrouble::Subject, "no fiscal code before the first slash"),
        NoHolder::Card => refuse(CardTrouble::Subject, "no card after the fiscal code"),
        NoHolder::CheckCharacter => refuse(CardTrouble::FiscalCode, "the check character is wrong"),
    }
}
