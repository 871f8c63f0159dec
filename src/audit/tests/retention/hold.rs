//! A hold outlives the keys of its week, for these records and these two persons only.

use crate::{
    case::{ASKED, Case, case_of, days_from_now},
    site::{audit, does},
};
use std::fs;

fn holders(case: &Case, names: &[&str]) -> Vec<String> {
    let keys = ["--keys".to_owned(), case.path("keys"), "--holds".to_owned(), case.path("holds")];
    let own = names.iter().flat_map(|name| ["--holder".to_owned(), case.path(&format!("people/{name}.key"))]);
    keys.into_iter().chain(own).collect()
}

fn hold(case: &Case, what: &str, names: &[&str], more: &[&str]) -> (Option<i32>, String) {
    let words: Vec<_> = holders(case, names);
    let words =
        ["hold", what].into_iter().chain(words.iter().map(String::as_str)).chain(more.iter().copied());
    let done = audit(&words.collect::<Vec<_>>());
    (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
}

#[test]
fn a_held_record_is_opened_by_both_when_the_keys_of_its_week_are_gone() {
    let case = Case::site("hold");
    let stem = case.answered(1100, ASKED, &[]);
    let (request, receipt, answer) =
        (format!("{stem}.request"), format!("{stem}.receipt"), format!("{stem}.answer"));
    let (hub, log, site) = (case.hub().vkey(), case.path("log"), case.site.clone());
    let make = ["--request", &request, "--receipt", &receipt, "--hub-vkey", &hub, "--answer", &answer];
    let at = ["--log", &log, "--vkey", &site];
    let both = ["anna", "bruno"];
    // Ninety days from when it is made; a midnight may be between.
    let until = || format!("3 records, until {:.10}", days_from_now(90).to_string());
    let before = until();
    let (code, text) = hold(&case, "make", &both, &[&make[..], &at].concat());
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains(&before) || text.contains(&until()), "{before}: {text}");
    let id = case_of(&stem).to_string();
    let of = ["--case", id.as_str()];
    let open = ["--case", id.as_str(), "--vkey", &site];
    // Everything that opened the week is destroyed.
    for class in ["R2a", "R2b", "R3", "R4"] {
        for period in ["2026-W47", "2026-11-20"] {
            audit(&["keys", "destroy", "--keys", &case.path("keys"), "--class", class, "--period", period]);
        }
    }
    let (code, text) = hold(&case, "open", &both, &open);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("subject-1-known-value") && !text.contains("subject-2"), "{text}");
    for alone in [&both[..1], &both[1..]] {
        let (code, text) = hold(&case, "open", alone, &open);
        assert_eq!(code, Some(1), "{text}");
        assert!(!text.contains("subject-1"), "{text}");
    }
    // Others of that week are opened by nobody, nor is a new hold made of them.
    let other = [&make[..6], &["--sequence", "30"], &at].concat();
    assert_ne!(hold(&case, "make", &both, &other).0, Some(0));
    let listed = hold(&case, "list", &[], &[]);
    assert!(listed.1.contains("3 records") && listed.1.contains("by anna and bruno"), "{}", listed.1);
    let (code, text) = hold(&case, "renew", &both, &of);
    assert_eq!(code, Some(0), "{text}");
    assert_ne!(hold(&case, "renew", &both[..1], &of).0, Some(0), "both");
    let (code, text) = hold(&case, "release", &both, &of);
    assert_eq!(code, Some(0), "{text}");
    assert_ne!(hold(&case, "open", &both, &open).0, Some(0));
    let left: Vec<_> =
        fs::read_dir(case.path("holds")).unwrap().flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, [format!("{id}.released").as_str()]);
}

#[test]
fn a_hold_that_was_changed_opens_nothing() {
    let case = Case::site("hold-changed");
    let stem = case.answered(1100, ASKED, &[]);
    let [request, receipt, answer] = ["request", "receipt", "answer"].map(|end| format!("{stem}.{end}"));
    let (hub, log, site) = (case.hub().vkey(), case.path("log"), case.site.clone());
    let make = ["--request", &request, "--receipt", &receipt, "--hub-vkey", &hub, "--answer", &answer];
    let made =
        hold(&case, "make", &["anna", "bruno"], &[&make[..], &["--log", &log, "--vkey", &site]].concat());
    assert_eq!(made.0, Some(0), "{}", made.1);
    let open = ["--case", &case_of(&stem).to_string(), "--vkey", &site].map(str::to_owned);
    let open: Vec<_> = open.iter().map(String::as_str).collect();
    for kind in ["hold", "held"] {
        let path = format!("{}/{}.{kind}", case.path("holds"), case_of(&stem));
        let text = fs::read(&path).unwrap();
        for place in (0..text.len()).step_by(text.len() / 12 + 1) {
            let mut changed = text.clone();
            changed[place] ^= 1;
            fs::write(&path, changed).unwrap();
            let (code, said) = hold(&case, "open", &["anna", "bruno"], &open);
            assert_eq!(code, Some(1), "{kind}, octet {place}: {said}");
        }
        fs::write(&path, text).unwrap();
    }
    assert_eq!(hold(&case, "open", &["anna", "bruno"], &open).0, Some(0));
    does(&["keys", "list", "--keys", &case.path("keys")]);
}
