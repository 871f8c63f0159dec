//! Names and certificates that nobody has written: real ones with some octets changed, cut, doubled.

use super::pki::{Authority, NAME, Spec};
use crate::app;
use crate::login::cns::{
    certificate, checks,
    issuers::Issuers,
    policy::{self, Number},
    rules,
    subject::{NoHolder, holder},
};
use proptest::prelude::*;
use std::{path::Path, sync::OnceLock};
use varco_templates::hub::CardTrouble;

fn code(name: &str, card: Number) -> Result<String, NoHolder> {
    holder(name, card).map(|code| code.expose().to_owned())
}

#[test]
fn the_fiscal_code_stands_before_the_first_slash() {
    let mario = Ok("RSSMRA80A01H501U".to_owned());
    assert_eq!(code(NAME, Number::Digits), mario);
    assert_eq!(
        code("RSSMRA80A01H501U/1234567890123456.a/b/c+d==", Number::Digits),
        mario,
        "base64 has slashes"
    );
    assert_eq!(code("rssmra80a01h501u/1234567890123456.a", Number::Digits), mario);
    assert_eq!(code("RSSMRA80A01H501U/CA00000AA.x", Number::Any), mario);
    // Omocodia: digits made letters, with the check character that goes with them.
    assert_eq!(code("RSSMRA80A01H50MM/1234567890123456.a=", Number::Digits), Ok("RSSMRA80A01H50MM".into()));
}

#[test]
fn what_is_no_name_of_a_card() {
    for (name, why) in [
        ("", NoHolder::FiscalCode),
        ("/", NoHolder::FiscalCode),
        ("/RSSMRA80A01H501U", NoHolder::FiscalCode),
        ("RSSMRA80A01H501U", NoHolder::FiscalCode),
        (" RSSMRA80A01H501U/1234567890123456.a", NoHolder::FiscalCode),
        ("RSSMRA80A01H501U /1234567890123456.a", NoHolder::FiscalCode),
        ("TINIT-RSSMRA80A01H501U/1234567890123456.a", NoHolder::FiscalCode),
        ("97735020584/1234567890123456.a", NoHolder::FiscalCode),
        ("RSSMRA80A01H501\u{ff35}/1234567890123456.a", NoHolder::FiscalCode),
        ("RSSMRA80A01H501V/1234567890123456.a", NoHolder::CheckCharacter),
        ("RSSMRA80A01H50MN/1234567890123456.a", NoHolder::CheckCharacter),
        ("RSSMRA80A01H501U/", NoHolder::Card),
        ("RSSMRA80A01H501U/1234567890123456", NoHolder::Card),
        ("RSSMRA80A01H501U/1234567890123456.", NoHolder::Card),
        ("RSSMRA80A01H501U/123456789012345.a", NoHolder::Card),
        ("RSSMRA80A01H501U/12345678901234567.a", NoHolder::Card),
        ("RSSMRA80A01H501U/123456789012345\u{0661}.a", NoHolder::Card),
        ("RSSMRA80A01H501U/1234567890123456.a b", NoHolder::Card),
        ("RSSMRA80A01H501U/1234567890123456.a\u{0}", NoHolder::Card),
    ] {
        assert_eq!(code(name, Number::Digits), Err(why), "{name}");
    }
    assert_eq!(code("RSSMRA80A01H501U/", Number::Any), Err(NoHolder::Card));
    assert_eq!(code("RSSMRA80A01H501U/a b", Number::Any), Err(NoHolder::Card));
    assert_eq!(
        code(&format!("RSSMRA80A01H501U/1234567890123456.{}", "a".repeat(89)), Number::Digits),
        Err(NoHolder::Card)
    );
}

#[test]
fn each_rule_stands_in_the_security_document() {
    let document = include_str!("../../../../../SECURITY.md");
    let rules: Vec<_> = CardTrouble::ALL.into_iter().filter_map(rules::of).collect();
    assert_eq!(rules.len(), 19);
    for rule in rules {
        assert!(document.contains(&format!("\n{}. ", rule.number)), "{rule:?}");
    }
}

/// SECURITY.md N2: inside of what is signed too.
#[test]
fn what_is_not_der_inside_is_refused() {
    let good = &stage().1;
    assert!(certificate::read(good).is_ok());
    let at = good.windows(3).position(|octets| octets == [1, 1, 0xff]).unwrap();
    let mut loose = good.clone();
    loose[at + 2] = 1;
    assert_eq!(certificate::read(&loose).unwrap_err(), "it is not DER", "true is FF (X.690 11.1)");
}

/// SECURITY.md N4: the authority's status of today counts, not when it began.
#[test]
fn a_card_may_be_older_than_its_authoritys_recognition() {
    let (issuers, card) = stage();
    let (mut issuers, card, now) = (issuers.clone(), certificate::read(card).unwrap(), app::now());
    issuers.all[0].since = now;
    let policies = policy::all(Path::new("hub.toml"), None).unwrap();
    assert!(checks::check(&card, &issuers, &policies, now).is_ok());
}

/// One authority and its good card, made once.
fn stage() -> &'static (Issuers, Vec<u8>) {
    static MADE: OnceLock<(Issuers, Vec<u8>)> = OnceLock::new();
    MADE.get_or_init(|| {
        let (authority, now) = (Authority::new("CA di prova"), app::now());
        let all = vec![authority.issuer()];
        let card = authority.card(&Spec::default()).certificate.to_der().unwrap();
        (Issuers { number: 1, issued: now, next_update: now, all }, card)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// SECURITY.md N9: no other name is Mario's, or breaks the reader.
    #[test]
    fn a_changed_name_says_somebody_else_or_nobody(at in 0..NAME.len(), with in any::<char>(), cut in any::<bool>()) {
        let mut name: Vec<char> = NAME.chars().collect();
        if cut { name.truncate(at); } else { name[at] = with; }
        let name: String = name.into_iter().collect();
        for card in [Number::Digits, Number::Any] {
            if let Ok(code) = code(&name, card) {
                prop_assert_eq!(code.len(), 16);
                prop_assert!(name.to_ascii_uppercase().starts_with(&code));
                prop_assert_eq!(name.as_bytes()[16], b'/');
            }
        }
    }

    #[test]
    fn any_text_is_read_or_refused(name in "\\PC{0,80}") {
        let _ = code(&name, Number::Digits);
        let _ = code(&name, Number::Any);
    }

    /// SECURITY.md N2: a certificate with any octet changed is refused by one rule or another, and breaks nothing.
    #[test]
    fn a_changed_certificate_is_refused(at in any::<prop::sample::Index>(), with in any::<u8>(), cut in 0..8u8) {
        let (issuers, good) = stage();
        let mut octets = good.clone();
        let at = at.index(octets.len());
        match cut {
            0 => octets.truncate(at),
            1 => octets.insert(at, with),
            2 => octets.push(with),
            _ => octets[at] = with,
        }
        prop_assume!(octets != *good);
        if let Ok(card) = certificate::read(&octets) {
            let policies = policy::all(Path::new("hub.toml"), None).unwrap();
            prop_assert!(checks::check(&card, issuers, &policies, app::now()).is_err());
        }
    }

    /// The same with the extensions alone: what is signed by the authority itself but is nonsense.
    #[test]
    fn an_extension_of_any_octets_is_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..24), which in 0..4usize) {
        let oid = ["2.5.29.15", "2.5.29.37", "2.5.29.32", "2.5.29.19"][which];
        let mut spec = Spec { usage: None, purposes: None, policies: vec![], key: key(), ..Spec::default() };
        spec.more = vec![super::pki::extension(oid, true, &content)];
        let (issuers, _) = stage();
        let octets = signer().card(&spec).certificate.to_der().unwrap();
        if let Ok(card) = certificate::read(&octets) {
            let policies = policy::all(Path::new("hub.toml"), None).unwrap();
            prop_assert!(checks::check(&card, issuers, &policies, app::now()).is_err());
        }
    }
}

fn signer() -> &'static Authority {
    static MADE: OnceLock<Authority> = OnceLock::new();
    MADE.get_or_init(|| Authority::new("CA di prova"))
}

fn key() -> openssl::pkey::PKey<openssl::pkey::Private> {
    static MADE: OnceLock<openssl::pkey::PKey<openssl::pkey::Private>> = OnceLock::new();
    MADE.get_or_init(super::pki::ec).clone()
}
