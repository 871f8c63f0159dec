//! The adversarial suite: each case is named after what it attacks, and says the rule that refuses it. All of them are tried
//! on the rules here and, with the clock and the addresses of a running hub, on its endpoint (`login::tests::adversary`).

pub mod assertion;
pub mod controls;
pub mod schemes;
pub mod signature;
pub mod status;
pub mod text;
pub mod time;
pub mod wrapping;

use super::{
    super::{
        CHECKS, Level,
        checks::{self, Part, Received},
        rules,
    },
    fixture::*,
    stage::Stage,
};
use std::collections::BTreeSet;

/// An attack: the form field `SAMLResponse`, and the name of the rule that refuses it.
pub struct Case {
    pub attack: &'static str,
    pub field: fn(&Stage) -> String,
    pub refusal: &'static str,
}

/// What must be accepted, as Mario.
pub struct Control {
    pub name: &'static str,
    pub field: fn(&Stage) -> String,
}

/// Cases by their XML, or octets.
macro_rules! cases {
    ($($attack:ident: |$s:ident| $message:expr => $refusal:literal;)*) => {
        pub const CASES: &[Case] = &[$(Case {
            attack: stringify!($attack),
            field: |$s| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, $message),
            refusal: $refusal,
        }),*];
    };
}
pub(super) use cases;

/// Every table.
pub const ALL: &[&[Case]] = &[
    signature::CASES,
    wrapping::CASES,
    assertion::CASES,
    time::CASES,
    status::CASES,
    text::CASES,
    text::FIELDS,
];

/// The field of a good answer.
pub fn good(stage: &Stage) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, stage.signed())
}

#[test]
fn each_attack_is_refused_by_the_rule_that_it_breaks() {
    let stage = Stage::fixed();
    let wrong: Vec<_> = ALL.iter().copied().flatten().filter_map(|case| wrong(&stage, case)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn wrong(stage: &Stage, case: &Case) -> Option<String> {
    let Case { attack, field, refusal } = case;
    match us(Level::L1).check_response(&provider(), &sent(), &field(stage), stage.now) {
        Err(refused) if refused.name() == *refusal => None,
        Err(refused) => Some(format!("{attack}: {refused}, not {refusal}")),
        Ok(_) => Some(format!("{attack}: accepted")),
    }
}

#[test]
fn every_control_is_accepted() {
    let stage = Stage::fixed();
    for Control { name, field } in controls::CONTROLS {
        let accepted = us(Level::L1).check_response(&provider(), &sent(), &field(&stage), stage.now);
        let identity = accepted.unwrap_or_else(|refused| panic!("{name}: {refused}"));
        assert_eq!(identity.person.key(), CODE, "{name}");
        assert_eq!(identity.assertion_id, "_assertion", "{name}");
    }
}

#[test]
fn the_suite_is_as_large_as_it_says_and_no_name_occurs_twice() {
    let names: BTreeSet<_> = ALL.iter().copied().flatten().map(|case| case.attack).collect();
    assert_eq!(names.len(), ALL.iter().map(|table| table.len()).sum::<usize>());
    assert!(names.len() >= 200 && controls::CONTROLS.len() >= 20, "{}", names.len());
}

#[test]
fn a_rule_says_itself() {
    let first = &CHECKS[0];
    assert_eq!(format!("{first:?}"), "response-version: Version is 2.0");
    assert_eq!((rules::rule("doctype").is_some(), rules::rule("no-such")), (true, None));
}

#[test]
fn every_rule_has_an_attack_and_every_refusal_a_rule() {
    let used: BTreeSet<_> = ALL.iter().copied().flatten().map(|case| case.refusal).collect();
    let known: BTreeSet<_> =
        CHECKS.iter().map(|check| check.name).chain(rules::AROUND.iter().map(|(name, _)| *name)).collect();
    // Of another body's answers (`schemes`); below, since nothing without identifier can be signed; at the endpoint; never.
    let elsewhere = ["spid-code", "assertion-id", "provider", "assertion"];
    let never: Vec<_> = known.difference(&used).filter(|name| !elsewhere.contains(name)).collect();
    assert!(never.is_empty(), "no attack breaks {never:?}");
    let nameless: Vec<_> = used.difference(&known).filter(|name| **name != "no-success").collect();
    assert!(nameless.is_empty(), "no rule says {nameless:?}");
    assert!(used.iter().all(|name| *name == "no-success" || rules::rule(name).is_some()));
}

#[test]
fn an_assertion_needs_its_identifier_whatever_was_signed() {
    let xml = change(&assertion("_assertion", CODE), r#"ID="_assertion""#, r#"ID=" ""#);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let (us, from, sent) = (us(Level::L1), provider(), sent());
    let received = Received { us: &us, from: &from, sent: &sent, now: now(), node: document.root_element() };
    assert_eq!(checks::run(Part::Assertion, &received).unwrap_err().name(), "assertion-id");
}
