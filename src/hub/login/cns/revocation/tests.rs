//! Answers and lists made by `openssl ocsp` and `openssl ca`, believed or not; and the same over the network, with a responder,
//! a web server and a directory on loopback.

mod answers;
mod limits;
mod lists;
mod mutated;
mod network;
mod pki;
mod servers;
mod slapd;

use super::RULES;
use std::collections::BTreeSet;

/// Each rule is named once, and in words.
#[test]
fn each_rule_has_one_name() {
    let names: BTreeSet<_> = RULES.iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), RULES.len());
    assert!(RULES.iter().all(|(_, words)| words.len() > 10));
}

/// No rule without an attack that breaks it.
#[test]
fn each_rule_has_an_attack() {
    let attacks = [
        include_str!("tests/answers.rs"),
        include_str!("tests/lists.rs"),
        include_str!("tests/network.rs"),
        include_str!("tests/limits.rs"),
        include_str!("tests/slapd.rs"),
        include_str!("pace.rs"),
    ];
    for (name, _) in RULES {
        let named = |text: &&str| {
            ["\"", "silent ", "unaskable "].iter().any(|begin| text.contains(&format!("{begin}{name}")))
        };
        assert!(attacks.iter().any(named), "{name}");
    }
}

/// The edge of the tests: `openssl` reads the same clock.
#[expect(clippy::disallowed_methods, reason = "answers of openssl are made now")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
