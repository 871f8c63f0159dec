//! The ceremony in which what is over is destroyed.

use crate::{
    case::{ASKED, Case, case_of, days_from_now},
    site::{audit, does},
};
use std::{fs, path::PathBuf, process::Command};
use varco_audit::{
    both,
    case::CaseId,
    content::Body,
    expiry::Expired,
    hold::Holding,
    holder::{HolderKey, People},
    seal::Role,
    week::{Length, Period},
};

struct Ceremony {
    case: Case,
}

impl Ceremony {
    fn new(name: &str) -> Self {
        Self { case: Case::site(name) }
    }

    /// A proof by the hub's log that it is this time.
    fn time(&self, at: &str) -> String {
        let hub = self.case.hub();
        let index = hub.record(&[Body::Resumed { open: 0 }], at);
        let path = self.case.path("time");
        fs::write(&path, hub.prove(index).to_string()).unwrap();
        path
    }

    fn expire(&self, names: &[&str], more: &[&str]) -> (Option<i32>, String) {
        self.expire_to(".", names, more)
    }

    /// The same, with the statement into another folder.
    fn expire_to(&self, folder: &str, names: &[&str], more: &[&str]) -> (Option<i32>, String) {
        let (keys, holds) = (self.case.path("keys"), self.case.path("holds"));
        fs::create_dir_all(&holds).unwrap();
        let (folder, hub) = (self.case.path(folder), self.case.hub().vkey());
        let own: Vec<_> = names.iter().map(|name| self.case.path(&format!("people/{name}.key"))).collect();
        let own = own.iter().flat_map(|path| ["--holder", path.as_str()]);
        let words = ["expire", "--keys", &keys, "--holds", &holds, "--folder", &folder, "--hub-vkey", &hub];
        let done = audit(&words.into_iter().chain(own).chain(more.iter().copied()).collect::<Vec<_>>());
        (done.status.code(), String::from_utf8([done.stdout, done.stderr].concat()).unwrap())
    }

    fn sealed(&self) -> usize {
        let keys = fs::read_dir(self.case.path("keys")).unwrap().flatten();
        let files = keys.filter_map(|period| fs::read_dir(period.path()).ok()).flat_map(Iterator::flatten);
        files.filter(|file| file.file_name().to_string_lossy().ends_with(".sealed")).count()
    }

    fn statements(&self, kind: &str) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(self.case.path("")).unwrap().flatten().map(|file| file.path()).collect();
        files.retain(|path| path.extension().is_some_and(|end| end == kind));
        files
    }

    fn statement(&self) -> Expired {
        let people = People::read(self.case.path("keys/holders").as_ref()).unwrap();
        Expired::read(&fs::read(self.statements("expired").last().unwrap()).unwrap(), &people).unwrap()
    }

    /// A copy of the ceremony's folder.
    fn copy(&self) -> String {
        let copy = self.case.path("copy");
        let copied = Command::new("cp").args(["-r", &self.case.path("keys"), &copy]).status().unwrap();
        assert!(copied.success());
        copy
    }
}

#[test]
fn nothing_is_over_before_somebody_else_says_so_and_never_later_than_the_clock() {
    let ceremony = Ceremony::new("expire-clock");
    // Keys of three weeks ago, whenever that is: the devices' days are over, nothing else.
    let week = Period::of(Length::Week, days_from_now(-21)).to_string();
    let both: Vec<_> = ["anna", "bruno"].map(|name| ceremony.case.path(&format!("people/{name}.pub"))).into();
    let holders = both.iter().flat_map(|given| ["--holder", given.as_str()]).collect::<Vec<_>>();
    let keys = ceremony.case.path("keys");
    fs::rename(&keys, ceremony.case.path("keys-of-then")).unwrap();
    does(&[&["keys", "weeks", "--keys", &keys, "--from", &week][..], &holders].concat());
    let before = ceremony.sealed();
    let both = ["anna", "bruno"];
    // The device's day is long over by this machine's clock, and nobody else has said what time it is.
    let (code, text) = ceremony.expire(&both, &["--yes"]);
    assert!(code == Some(0) && text.contains("nothing is due"), "{text}");
    // A hub whose clock is years ahead: this machine's is the earlier one, by which a week's R2b is not over.
    let ahead = ceremony.time(&days_from_now(5000).to_string());
    let (code, text) = ceremony.expire(&both, &["--time", &ahead]);
    assert!(code == Some(0) && text.contains("R3:") && !text.contains("R2b:"), "{text}");
    // The controller has decided for less; what is out of the law's range is no decision.
    let (code, text) = ceremony.expire(&both, &["--time", &ahead, "--kept", "R2b=7 days"]);
    assert!(code == Some(0) && text.contains("R2b:") && !text.contains("R2a:"), "{text}");
    let (code, text) = ceremony.expire(&both, &["--time", &ahead, "--kept", "R2b=25 months"]);
    assert!(code == Some(64) && text.contains("R2b may be kept for 7 days to 24 months"), "{text}");
    // A hub whose clock is behind: nothing is over.
    let behind = ceremony.time(&days_from_now(-30).to_string());
    assert!(ceremony.expire(&both, &["--time", &behind, "--yes"]).1.contains("nothing is due"));
    assert_eq!(ceremony.sealed(), before, "nothing went");
    // Another's proof says nothing.
    let other = Ceremony::new("expire-clock-other");
    let time = other.time(&days_from_now(5000).to_string());
    let (code, text) = ceremony.expire(&both, &["--time", &time, "--yes"]);
    assert!(code == Some(1) && text.contains("not by the hub's key"), "{text}");
}

#[test]
fn both_destroy_what_is_over_in_every_folder_and_sign_what_they_did() {
    let ceremony = Ceremony::new("expire-both");
    let copy = ceremony.copy();
    let (time, before) = (ceremony.time("2026-11-29T00:00:00Z"), ceremony.sealed());
    let more = ["--time", time.as_str(), "--copy", &copy, "--kept", "R3=1 days", "--yes"];
    for alone in [["anna"], ["bruno"]] {
        let (code, text) = ceremony.expire(&alone, &more);
        assert!(code == Some(1) && text.contains("give --holder with the key of a"), "{text}");
    }
    assert_eq!(ceremony.sealed(), before, "one alone destroys nothing");
    let (code, text) = ceremony.expire(&["anna", "bruno"], &more);
    assert!(code == Some(0) && text.contains("varco-hub expiry submit"), "{text}");
    let Expired { statement, by } = ceremony.statement();
    assert_eq!(by, ["anna", "bruno"]);
    assert_eq!(statement.folders.len(), 3, "{:?}", statement.folders);
    assert!(statement.destroyed.iter().all(|one| one.class.as_str() == "R3" && !one.early && one.keys == 4));
    assert_eq!(statement.destroyed.len(), 7, "the days of the week");
    assert_eq!(ceremony.sealed(), before - 14);
    assert_eq!(statement.time.unwrap().to_string(), "2026-11-29T00:00:00Z");
    assert_eq!(statement.kept.length(varco_audit::class::Class::R3), "1 days", "as was decided");
    let listed = does(&["keys", "list", "--keys", &copy]);
    assert!(listed.contains("2026-11-20 R3: opened by nobody"), "{listed}");
}

#[test]
fn nothing_is_destroyed_before_what_both_signed_of_it_is_on_the_disk() {
    let ceremony = Ceremony::new("expire-order");
    let (time, before) = (ceremony.time("2026-11-29T00:00:00Z"), ceremony.sealed());
    // A place that nothing can be written to: even who may do everything here makes no file below a file.
    fs::write(ceremony.case.path("full"), "").unwrap();
    let (code, text) = ceremony.expire_to("full", &["anna", "bruno"], &["--time", &time, "--yes"]);
    assert_eq!((code, ceremony.sealed()), (Some(1), before), "{text}");
}

#[test]
fn an_expiry_that_was_cut_goes_on_from_what_both_signed() {
    let ceremony = Ceremony::new("expire-cut");
    let (both, copy) = (["anna", "bruno"], ceremony.copy());
    let (time, before) = (ceremony.time("2026-11-29T00:00:00Z"), ceremony.sealed());
    // One of the copy's keys cannot be removed, as where the medium is taken out.
    let stuck = format!("{copy}/2026-11-20/R3.approver.bruno.sealed");
    fs::remove_file(&stuck).unwrap();
    fs::create_dir(&stuck).unwrap();
    let more = ["--time", time.as_str(), "--copy", &copy, "--yes"];
    let (code, text) = ceremony.expire(&both, &more);
    assert_eq!((code, ceremony.sealed()), (Some(1), before - 14), "{text}");
    assert_eq!((ceremony.statements("expiring").len(), ceremony.statements("expired").len()), (1, 0));
    let signed = fs::read(&ceremony.statements("expiring")[0]).unwrap();
    fs::remove_dir(&stuck).unwrap();
    // Neither alone, nor without the copy, nor without being told to.
    let without = ["--time", time.as_str(), "--yes"];
    for (names, more) in [(&both[..1], &more[..]), (&both[..], &without[..]), (&both[..], &more[..4])] {
        let (_, text) = ceremony.expire(names, more);
        assert_eq!(ceremony.statements("expired").len(), 0, "{text}");
    }
    let (code, text) = ceremony.expire(&both, &more);
    assert!(code == Some(0) && text.contains("goes on"), "{text}");
    assert_eq!((ceremony.statements("expiring").len(), ceremony.statements("expired").len()), (0, 1));
    assert_eq!(fs::read(&ceremony.statements("expired")[0]).unwrap(), signed, "what both signed then");
    let listed = does(&["keys", "list", "--keys", &copy]);
    assert!(listed.contains("2026-11-20 R3: opened by nobody"), "{listed}");
    let statement = ceremony.statement().statement;
    assert!(statement.destroyed.iter().all(|one| one.keys == 4), "{:?}", statement.destroyed);
    let (code, text) = ceremony.expire(&both, &more);
    assert!(code == Some(0) && text.contains("nothing is due"), "{text}");
}

#[test]
fn what_is_not_over_goes_only_when_it_is_named_and_the_statement_says_why() {
    let ceremony = Ceremony::new("expire-early");
    let (both, before) = (["anna", "bruno"], ceremony.sealed());
    assert_eq!(ceremony.expire(&both, &["--early", "R2b:2026-W47", "--yes"]).0, Some(64), "no reason");
    let early = ["--early", "R2b:2026-W47", "--reason", "the pilot ended", "--yes"];
    assert_eq!(ceremony.expire(&both, &["--early", "R2b:2026-11-20", "--reason", "x"]).0, Some(64));
    assert_eq!(ceremony.expire(&both, &["--early", "R2b:2026-W40", "--reason", "x", "--yes"]).0, Some(1));
    let (code, text) = ceremony.expire(&both, &early);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(ceremony.sealed(), before - 2);
    let statement = ceremony.statement().statement;
    assert_eq!(statement.reason.as_deref(), Some("the pilot ended"));
    assert!(statement.destroyed.iter().all(|one| one.early) && statement.time.is_none());
}

#[test]
fn a_hold_that_is_over_is_destroyed_with_them() {
    let ceremony = Ceremony::new("expire-hold");
    let case = &ceremony.case;
    let stem = case.answered(1100, ASKED, &[]);
    let [request, receipt, answer] = ["request", "receipt", "answer"].map(|end| format!("{stem}.{end}"));
    let (hub, log) = (case.hub().vkey(), case.path("log"));
    let (anna, bruno) = (case.path("people/anna.key"), case.path("people/bruno.key"));
    let (keys, holds) = (case.path("keys"), case.path("holds"));
    let words = [
        "hold",
        "make",
        "--request",
        &request,
        "--receipt",
        &receipt,
        "--hub-vkey",
        &hub,
        "--answer",
        &answer,
    ];
    let at = [
        "--log", &log, "--vkey", &case.site, "--keys", &keys, "--holds", &holds, "--holder", &anna,
        "--holder", &bruno,
    ];
    does(&[&words[..], &at].concat());
    // By the library, since the clock of this machine cannot be set: ninety days and a day later it is over.
    let folder = varco_audit::hold::Folder::at(holds.as_ref());
    let people = People::read(case.path("keys/holders").as_ref()).unwrap();
    let (holding, _) = folder.holding(case_of(&stem), &people).unwrap();
    let later = |days: i64| holding.made.saturating_add(jiff::SignedDuration::from_hours(24 * days)).unwrap();
    assert_eq!(folder.over(&people, Some(later(89))).unwrap().cases, []);
    assert_eq!(folder.over(&people, Some(later(91))).unwrap().cases, [case_of(&stem)]);
    // A stop before both had signed: it is made again, or goes.
    let signed = format!("{holds}/{}.held", case_of(&stem));
    fs::remove_file(&signed).unwrap();
    does(&[&words[..], &at].concat());
    fs::remove_file(&signed).unwrap();
    fs::write(format!("{holds}/{}.part", case_of(&stem)), "secrets").unwrap();
    // Beside it one of an officer who is not known here: it is told, and keeps nothing else from going.
    let carla = case.path("carla");
    let [by, with] = [("carla", Role::Requester), ("dario", Role::Approver)].map(|(name, role)| {
        HolderKey::make(name, role, carla.as_ref()).unwrap();
        HolderKey::read(format!("{carla}/{name}.key").as_ref()).unwrap()
    });
    let theirs = Holding { case: CaseId::of(b"theirs"), ..holding.clone() };
    let theirs_signed = both::sign(&theirs.text(), [&by, &with]).unwrap();
    fs::write(format!("{holds}/{}.held", theirs.case), &theirs_signed).unwrap();
    let (code, text) = ceremony.expire(&["anna", "bruno"], &["--yes"]);
    assert!(code == Some(1) && text.contains("`carla` is none of the holders known here"), "{text}");
    assert_eq!(ceremony.statement().statement.holds, [case_of(&stem)]);
    let left: Vec<_> = fs::read_dir(&holds).unwrap().flatten().map(|file| file.file_name()).collect();
    assert_eq!(left, [format!("{}.held", theirs.case).as_str()]);
    folder.destroy(theirs.case).unwrap();
    folder.destroy(case_of(&stem)).unwrap();
    assert_eq!(fs::read_dir(&holds).unwrap().count(), 0);
}
