//! The ceremony of the keys, by the real command: who may hold what, and what the files are worth when they are mixed up.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;

use site::{Records, audit, does};
use std::{fs, os::unix::fs::MetadataExt, process::Command};
use varco_audit::{holder::Holder, seal::Role};

fn said(words: &[&str], code: i32) -> String {
    let out = audit(words);
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(code), "{words:?}: {text}");
    text
}

fn tree(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .flat_map(|period| fs::read_dir(period.path()).unwrap().flatten())
        .map(|file| (file.path().display().to_string(), fs::read(file.path()).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn a_gateway_gets_public_halves_only_and_every_class_has_its_own() {
    let records = Records::keys("gateway", &["2026-W47"]);
    let given = tree(&records.path("gateway-keys"));
    assert_eq!(given.len(), 2 * (3 + 7), "two roles; three classes of the week, one of each of its days");
    assert!(given.iter().all(|(name, _)| name.ends_with(".pub")));
    let mut values: Vec<_> = given.iter().map(|(_, octets)| octets.clone()).collect();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), 20, "no two are the same");
    let mode = |path: &str| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&records.path("gateway-keys/2026-W47")) & 0o005, 0o005, "the gateway's user reads it");
    let kept = tree(&records.path("keys"));
    assert_eq!(kept.iter().filter(|(name, _)| name.ends_with(".sealed")).count(), 20);
    assert_eq!(mode(&records.path("people/anna.key")), 0o600);
    assert!(kept.iter().filter(|(name, _)| name.ends_with(".sealed")).all(|(name, _)| mode(name) == 0o600));
}

#[test]
fn a_ceremony_that_is_held_again_changes_nothing() {
    let records = Records::keys("again", &["2026-W47"]);
    let (keys, before) = (records.path("keys"), tree(&records.path("keys")));
    let (anna, bruno) = (records.path("people/anna.pub"), records.path("people/bruno.pub"));
    let weeks =
        ["keys", "weeks", "--keys", &keys, "--from", "2026-W47", "--holder", &anna, "--holder", &bruno];
    assert!(does(&weeks).contains("2026-W47: 0 pairs made"));
    assert_eq!(tree(&keys), before);
    // It was cut before a public half was written: the private half that is there opens nothing, and is made anew.
    fs::remove_file(format!("{keys}/2026-W47/R2a.approver.pub")).unwrap();
    assert!(does(&weeks).contains("2026-W47: 1 pairs made"));
    let aside = format!("{keys}/2026-W47/R2a.approver.bruno.1.sealed");
    let old = before.iter().find(|(name, _)| name.ends_with("/R2a.approver.bruno.sealed")).unwrap();
    assert_eq!(fs::read(&aside).unwrap(), old.1, "it may open what gateways sealed meanwhile: it is kept");
    // The gateways have the old one, so the new one is refused there: somebody must look.
    let refused = said(&["keys", "publish", "--keys", &keys, "--to", &records.path("gateway-keys")], 1);
    assert!(refused.contains("R2a.approver.pub: is there already"), "{refused}");
}

#[test]
fn one_person_holds_one_role_and_both_roles_have_somebody() {
    let records = Records::keys("roles", &[]);
    let (keys, people) = (records.path("keys"), records.path("people"));
    let (anna, bruno) = (format!("{people}/anna.pub"), format!("{people}/bruno.pub"));
    let weeks = |holders: &[&str]| {
        let mut words = vec!["keys", "weeks", "--keys", &keys, "--from", "2026-W47"];
        holders.iter().for_each(|holder| words.extend(["--holder", holder]));
        said(&words, 1)
    };
    assert!(weeks(&[&anna]).contains("no holder is approver"));
    // Anna's own key once more, as an approver's.
    let own = fs::read_to_string(&anna).unwrap();
    let Some(holder) = Holder::parse(&own) else { panic!("{own}") };
    let twice = Holder { name: "anna-too".into(), role: Role::Approver, ..holder }.line();
    let other = format!("{people}/anna-too.pub");
    fs::write(&other, twice).unwrap();
    assert!(weeks(&[&anna, &other]).contains("one person holds one role"));
    assert!(weeks(&[&anna, &bruno, &bruno]).contains("given twice"));
    assert!(weeks(&[&format!("{people}/anna.key"), &bruno]).contains("is not the key that its name says"));
    let taken = ["keys", "holder", "--name", "anna", "--role", "approver", "--folder", &people];
    assert!(said(&taken, 1).contains("is there already"), "a holder's key is never overwritten");
    said(&["keys", "holder", "--name", "../anna", "--role", "approver", "--folder", &people], 1);
    said(&["keys", "holder", "--name", "zoe", "--role", "both", "--folder", &people], 64);
    assert!(fs::read_dir(&keys).map_or(true, |mut all| all.next().is_none()), "nothing was made");
}

#[test]
fn a_key_does_for_no_other_class_week_role_or_holder() {
    let records = Records::keys("moved", &["2026-W47", "2026-W48"]);
    let given = records.path("gateway-keys");
    let moved = |from: &str, to: &str| {
        let to = format!("{given}/{to}");
        let before = fs::read(&to).unwrap();
        fs::copy(format!("{given}/{from}"), &to).unwrap();
        let refused = said(&["keys", "list", "--keys", &given], 1);
        assert!(refused.contains("is not the key that its name says"), "{refused}");
        fs::write(to, before).unwrap();
    };
    moved("2026-W47/R2a.approver.pub", "2026-W47/R2a.requester.pub");
    moved("2026-W47/R2a.approver.pub", "2026-W47/R2b.approver.pub");
    moved("2026-W47/R2a.approver.pub", "2026-W48/R2a.approver.pub");
    does(&["keys", "list", "--keys", &given]);
}

#[test]
fn the_list_says_until_when_by_what_the_controller_has_decided() {
    let records = Records::keys("decided", &["2026-W40", "2026-W47"]);
    let keys = records.path("keys");
    let list = |kept: &[&str], code| {
        let words = kept.iter().flat_map(|kept| ["--kept", kept]).collect::<Vec<_>>();
        said(&[&["keys", "list", "--keys", &keys][..], &words].concat(), code)
    };
    let line = |text: &str, of: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(of)?.split_once("; "));
        line.map(|(_, kept)| kept.split("; ").next().unwrap_or_default().to_owned()).unwrap_or_default()
    };
    let default = list(&[], 0);
    assert_eq!(line(&default, "2026-W47 R2b:"), "kept 6 months, until 2027-05-16T00:00:00Z");
    assert_eq!(line(&default, "2026-11-18 R3:"), "kept 2 days, until 2026-11-20T00:00:00Z");
    let decided = list(&["R2b=30 days", "R3=7 days"], 0);
    assert_eq!(line(&decided, "2026-W47 R2b:"), "kept 30 days, until 2026-12-16T00:00:00Z");
    assert_eq!(line(&decided, "2026-11-18 R3:"), "kept 7 days, until 2026-11-25T00:00:00Z");
    assert_eq!(line(&decided, "2026-W47 R2a:"), line(&default, "2026-W47 R2a:"), "the others as ever");
    // What is due follows from it too: with 30 days the week was over in October 2026.
    let early = list(&["R2b=30 days"], 0);
    assert!(
        early.contains("kept 30 days, until 2026-10-28T00:00:00Z; its keys are to be destroyed now"),
        "{early}"
    );
    assert!(list(&["R2b=6 weeks"], 64).contains("is no length"));
    assert!(list(&["R2b=25 months"], 64).contains("R2b may be kept for 7 days to 24 months"));
}

/// A public body may not keep so long who was connected; two officers say who is none.
#[test]
fn who_is_an_authorised_operator_two_officers_sign() {
    let records = Records::keys("operator", &["2026-W40"]);
    let [keys, anna, bruno, file] =
        ["keys", "people/anna.key", "people/bruno.key", "keys/authorised-operator.signed"]
            .map(|name| records.path(name));
    let list = |more: &[&str], code| said(&[&["keys", "list", "--keys", &keys][..], more].concat(), code);
    assert!(list(&["--kept", "R2b=72 months"], 64).contains("R2b may be kept for 7 days to 24 months"));
    let dear = said(&["expire", "--keys", &keys, "--kept", "R2b=72 months"], 64);
    assert!(dear.contains("R2b may be kept for 7 days to 24 months"), "{dear}");

    let sign = ["authorised-operator", "--keys", &keys, "--body", "Rete civica s.p.a.", "--authorisation"];
    let both = ["n. 12/2026", "--holder", &anna, "--holder", &bruno];
    said(&[&sign[..], &both].concat(), 0);
    assert!(!fs::exists(&file).unwrap(), "without --yes nothing is signed");
    let one = said(&[&sign[..], &["n. 12/2026", "--yes", "--holder", &anna]].concat(), 1);
    assert!(one.contains("give --holder with the key of a approver") && !fs::exists(&file).unwrap(), "{one}");
    said(&[&sign[..], &["two\nlines", "--yes"], &both[1..]].concat(), 64);
    said(&[&sign[..], &both, &["--yes"]].concat(), 0);
    said(&[&sign[..], &both, &["--yes"]].concat(), 1);

    let listed = list(&[], 0);
    let line = |of: &str| listed.lines().find(|line| line.starts_with(of)).unwrap_or_default().to_owned();
    assert!(line("2026-W40 R2b:").contains("kept 72 months, until 2032-09-28"), "{listed}");
    assert!(line("2026-W40 R4:").contains("kept 30 months"), "{listed}");
    assert!(list(&["--kept", "R2b=12 months"], 0).contains("kept 12 months"));
    let short = list(&["--kept", "R2b=6 months"], 64);
    assert!(short.contains("R2b may be kept for 12 months to 72 months"), "{short}");

    let signed = fs::read_to_string(&file).unwrap();
    for changed in [signed.replace("12/2026", "13/2026"), signed.replace("— bruno", "— carla"), String::new()]
    {
        fs::write(&file, changed).unwrap();
        assert!(list(&[], 1).contains("authorised-operator.signed: "), "it is not left out unsaid");
    }
}

/// A second try leaves no key beside the first.
#[test]
fn a_second_key_of_the_same_name_is_nowhere() {
    let folder = std::env::temp_dir().join(format!("varco-audit-bare-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let holder = || {
        let words = ["keys", "holder", "--name", "anna", "--role", "requester", "--folder", "."];
        let out = Command::new(env!("CARGO_BIN_EXE_varco-audit")).args(words).current_dir(&folder).output();
        out.unwrap().status.code()
    };
    assert_eq!((holder(), holder()), (Some(0), Some(1)));
    let mut names: Vec<_> =
        fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["anna.key", "anna.pub"]);
    fs::remove_dir_all(folder).unwrap();
}
