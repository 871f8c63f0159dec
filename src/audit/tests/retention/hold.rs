//! A hold outlives the keys of its week, for these records and these two persons only.

use crate::{
    case::{ASKED, Case, case_of, days_from_now},
    site::{audit, does},
};
use std::fs;
use varco_audit::{
    both,
    case::{Answer, Outcome, Signed},
    hold::{Folder, Hold, Holding, Standing},
    holder::{HolderKey, People},
    seal::Role,
};

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
    // Nor is a new hold made when the keys are gone, in whatever folder.
    let (keys, elsewhere) = (case.path("keys"), case.path("elsewhere"));
    let words = [&make[..], &at, &["--keys", &keys, "--holds", &elsewhere]].concat();
    let own = both.map(|name| ["--holder".to_owned(), case.path(&format!("people/{name}.key"))]).concat();
    let own = own.iter().map(String::as_str);
    let done = audit(&["hold", "make"].into_iter().chain(words).chain(own).collect::<Vec<_>>());
    let text = String::from_utf8(done.stderr).unwrap();
    assert!(done.status.code() == Some(7) && text.contains("no key given opens"), "{text}");
    assert!(!fs::exists(&elsewhere).unwrap());
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

/// A case that was answered, and the words of a hold of it.
fn answered(name: &str) -> (Case, String, Vec<String>) {
    let case = Case::site(name);
    let stem = case.answered(1100, ASKED, &[]);
    let (hub, log) = (case.hub().vkey(), case.path("log"));
    let [request, receipt, answer] = ["request", "receipt", "answer"].map(|end| format!("{stem}.{end}"));
    let words = ["--request", &request, "--receipt", &receipt, "--hub-vkey", &hub, "--answer", &answer];
    let words = [&words[..], &["--log", &log, "--vkey", &case.site]].concat();
    let words = words.into_iter().map(str::to_owned).collect();
    (case, stem, words)
}

fn made(case: &Case, words: &[String], more: &[&str]) -> (Option<i32>, String) {
    let words: Vec<_> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
    hold(case, "make", &["anna", "bruno"], &words)
}

fn own(case: &Case, name: &str) -> HolderKey {
    HolderKey::read(case.path(&format!("people/{name}.key")).as_ref()).unwrap()
}

fn people(case: &Case) -> People {
    People::read(case.path("keys/holders").as_ref()).unwrap()
}

fn answer_of(case: &Case, stem: &str) -> Answer {
    let octets = fs::read(format!("{stem}.answer")).unwrap();
    Answer::clone(&Signed::read(&octets, &people(case)).unwrap())
}

#[test]
fn a_deputy_is_a_holder_of_the_ceremony_and_what_both_sign_names_them() {
    let (case, stem, words) = answered("hold-deputy");
    let folder = case.path("deputies");
    HolderKey::make("carla", Role::Approver, folder.as_ref()).unwrap();
    let public = format!("{folder}/carla.pub");
    for deputy in ["carla", &public] {
        let (code, text) = made(&case, &words, &["--deputy", deputy]);
        assert!(code == Some(1) && text.contains("is none of the holders known here"), "{text}");
        assert!(!fs::exists(case.path("holds")).unwrap());
    }
    // The ceremony knows her from now on.
    fs::copy(&public, case.path("keys/holders/carla.pub")).unwrap();
    let (code, text) = made(&case, &words, &["--deputy", "carla"]);
    assert_eq!(code, Some(0), "{text}");
    let (holding, _) =
        Folder::at(case.path("holds").as_ref()).holding(case_of(&stem), &people(&case)).unwrap();
    assert_eq!(holding.holders, ["anna", "bruno", "carla"].map(str::to_owned).into());
    let id = case_of(&stem).to_string();
    let [anna, carla] = [case.path("people/anna.key"), format!("{folder}/carla.key")];
    let open = ["--case", &id, "--vkey", &case.site, "--holder", &anna, "--holder", &carla];
    let (code, text) = hold(&case, "open", &[], &open);
    assert!(code == Some(0) && text.contains("subject-1-known-value"), "{text}");
    // She has left.
    fs::remove_file(case.path("keys/holders/carla.pub")).unwrap();
    let (code, text) = hold(&case, "open", &[], &open);
    assert!(code == Some(1) && text.contains("`carla` is none of the holders known here"), "{text}");
}

/// What the officers' folder says of a hold, and the numbers of its records.
fn numbers(case: &Case, stem: &str) -> Vec<u64> {
    let folder = Folder::at(case.path("holds").as_ref());
    let (holding, _) = folder.holding(case_of(stem), &people(case)).unwrap();
    let Hold { leaves, .. } = folder.hold(&holding).unwrap();
    leaves.iter().map(|held| held.proof.index).collect()
}

#[test]
fn an_answer_over_two_sites_holds_those_of_the_log_that_is_given() {
    let (case, stem, words) = answered("hold-sites");
    let path = format!("{stem}.answer");
    // Another session, of a town whose records have numbers that this log has too.
    let mut answer = answer_of(&case, &stem);
    let library = answer.sessions[0].records.clone();
    let mut town = answer.sessions[0].clone();
    town.site = "town".to_owned();
    // As it happens, they are those of somebody else here.
    town.records = answer_of(&case, &case.answered(1600, ASKED, &[])).sessions[0].records.clone();
    let others = town.records.clone();
    answer.sessions.push(town);
    answer.outcome = Outcome::Ambiguous;
    fs::write(&path, Signed::make(&answer, &own(&case, "bruno")).unwrap()).unwrap();
    assert!(library.iter().all(|number| !others.contains(number)), "{library:?} {others:?}");
    let (code, text) = made(&case, &words, &[]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(numbers(&case, &stem), library, "{text}");
    // An answer that names no record of this site holds nothing.
    fs::remove_dir_all(case.path("holds")).unwrap();
    answer.sessions.remove(0);
    answer.outcome = Outcome::One;
    fs::write(&path, Signed::make(&answer, &own(&case, "bruno")).unwrap()).unwrap();
    let (code, text) = made(&case, &words, &[]);
    assert!(code == Some(1) && text.contains("names no record of library"), "{text}");
    assert!(!fs::exists(case.path("holds")).unwrap());
}

#[test]
fn a_number_holds_only_what_the_answer_names() {
    let (case, stem, words) = answered("hold-number");
    let named = answer_of(&case, &stem).sessions[0].records.clone();
    let other = (0..).find(|number| !named.contains(number)).unwrap().to_string();
    let (code, text) = made(&case, &words, &["--sequence", &other]);
    assert!(code == Some(8) && text.contains("the answer does not name"), "{text}");
    assert!(!fs::exists(case.path("holds")).unwrap());
    let (code, text) = made(&case, &words, &["--sequence", &named[0].to_string()]);
    assert_eq!((code, numbers(&case, &stem)), (Some(0), vec![named[0]]), "{text}");
}

#[test]
fn a_hold_that_is_over_opens_nothing() {
    let (case, stem, words) = answered("hold-over");
    assert_eq!(made(&case, &words, &[]).0, Some(0));
    let folder = Folder::at(case.path("holds").as_ref());
    let (holding, _) = folder.holding(case_of(&stem), &people(&case)).unwrap();
    let id = case_of(&stem).to_string();
    let opened = || hold(&case, "open", &["anna", "bruno"], &["--case", &id, "--vkey", &case.site]);
    assert_eq!(opened().0, Some(0));
    // What both sign says that it ended yesterday, or that it was let go and the file is still there.
    for standing in [Standing::Until(days_from_now(-1)), Standing::Released] {
        let said = Holding { standing, ..holding.clone() };
        let signed = both::sign(&said.text(), [&own(&case, "anna"), &own(&case, "bruno")]).unwrap();
        folder.replace(said.case, &signed).unwrap();
        let (code, text) = opened();
        assert!(code == Some(7) && !text.contains("subject-1"), "{text}");
        assert_eq!(
            hold(&case, "renew", &["anna", "bruno"], &["--case", &id]).0,
            Some(1),
            "nor is it renewed"
        );
    }
}
