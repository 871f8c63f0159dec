//! What was destroyed cannot be read from any file: every octet that is left is searched for the values, and for what opens
//! them.

use crate::{
    case::{ASKED, Case, day, device, pass, subject},
    site::{audit, does},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use varco_audit::{
    class::Class,
    holder::HolderKey,
    journal,
    keys::KeyFolder,
    leaf::Leaf,
    opener::Opener,
    seal::{Disclosed, Private, Public, Role},
};

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(octets: &[u8], value: &[u8]) -> bool {
    octets.windows(value.len()).any(|window| window == value)
}

/// What identifies anybody in the records, in every form that it could be written in.
fn values() -> Vec<Vec<u8>> {
    let mut values = Vec::new();
    for number in 1..=3 {
        values.extend([subject(number).into_bytes(), device(number).into_bytes()]);
        values.push(pass(number).to_string().into_bytes());
        values.push(pass(number).0.as_bytes().to_vec());
    }
    values.extend([b"198.18.0.3".to_vec(), b"first_port".to_vec(), b"logged-out".to_vec()]);
    // As the record of a slot has it: address, first port, last port.
    values.push([&[198, 18, 0, 3][..], &1024_u16.to_be_bytes(), &1535_u16.to_be_bytes()].concat());
    // In base64 a value stands at one of three shifts; what is in its middle is the same in each.
    let shifted = |value: &[u8], by: usize| {
        let text = URL_SAFE_NO_PAD.encode([&vec![0; by], value].concat());
        text.as_bytes()[4..text.len() - 3].to_vec()
    };
    let long: Vec<_> = values.iter().filter(|value| value.len() > 9).cloned().collect();
    values.extend(long.iter().flat_map(|value| (0..3).map(|by| shifted(value, by)).collect::<Vec<_>>()));
    values
}

/// The words of a file that could be a key, decoded, and every 32 octets of it.
fn words(octets: &[u8]) -> Vec<[u8; 32]> {
    let text = String::from_utf8_lossy(octets);
    let decoded = text.split_whitespace().filter_map(|word| URL_SAFE_NO_PAD.decode(word).ok());
    decoded.filter_map(|octets| octets.try_into().ok()).collect()
}

struct Left {
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Left {
    /// What is left of a site, its hub, the ceremony, an index and a backup; without what officers said of their case.
    fn of(case: &Case) -> Self {
        let all =
            files(case.path("").as_ref()).into_iter().filter(|path| !path.starts_with(case.path("cases")));
        Self { files: all.map(|path| (path.clone(), fs::read(path).unwrap())).collect() }
    }

    fn with(&self, values: &[Vec<u8>]) -> Vec<String> {
        let found = self.files.iter().flat_map(|(path, octets)| {
            let found = values.iter().filter(|value| holds(octets, value));
            found.map(|value| format!("{}: {}", path.display(), String::from_utf8_lossy(value)))
        });
        found.collect()
    }

    /// The files in which something is that helps to open a leaf: half of its own key, or a private half of its class.
    fn opening(&self, halves: &Disclosed, public: Public) -> Vec<PathBuf> {
        let approver = halves.approver.as_ref().unwrap();
        let secrets: Vec<_> = [&halves.requester, approver].map(|half| half.expose().to_vec()).into();
        let opens = |octets: &[u8]| {
            let private = |word: &[u8; 32]| {
                let half = Private::from_octets(word).and_then(|private| private.public().ok());
                half == Some(public)
            };
            let hex =
                |secret: &Vec<u8>| secret.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
            let secret = |secret: &Vec<u8>| holds(octets, secret) || holds(octets, hex(secret).as_bytes());
            let base64 = |word: &[u8; 32]| secrets.iter().any(|secret| secret == word);
            let words = words(octets);
            secrets.iter().any(secret) || words.iter().any(|word| base64(word) || private(word))
        };
        self.files.iter().filter(|(_, octets)| opens(octets)).map(|(path, _)| path.clone()).collect()
    }
}

fn opener(case: &Case) -> Opener {
    let own = |name: &str| HolderKey::read(case.path(&format!("people/{name}.key")).as_ref()).unwrap();
    Opener::new(KeyFolder::at(case.path("keys").as_ref()), vec![own("anna"), own("bruno")])
}

fn sealed(case: &Case) -> usize {
    let keys = files(case.path("keys").as_ref());
    keys.iter().filter(|path| path.extension().is_some_and(|end| end == "sealed")).count()
}

#[test]
fn what_was_destroyed_is_in_no_file_that_is_left() {
    let case = Case::site("search");
    case.answered(1100, ASKED, &[]);
    let index = case.path("index.db");
    let table = does(&["export", "--log", &case.path("log"), "--vkey", &case.site]);
    assert!(
        table.starts_with("sequence,instant,class,site,period,mark,octets\r\n0,2026-11-20T09:00:00Z,"),
        "{table}"
    );
    let lines = table.matches("\r\n").count();
    let some =
        does(&["export", "--log", &case.path("log"), "--vkey", &case.site, "--from", "3", "--to", "5"]);
    assert_eq!((lines > 48, some.matches("\r\n").count()), (true, 3));
    does(&["index", "--log", &case.path("log"), "--vkey", &case.site, "--out", &index]);
    let (anna, bruno, keys) =
        (case.path("people/anna.key"), case.path("people/bruno.key"), case.path("keys"));
    let mut words =
        vec!["expire", "--keys", &keys, "--holder", &anna, "--holder", &bruno, "--reason", "a test", "--yes"];
    let folder = case.path("cases");
    words.extend(["--folder", &folder]);
    let days: Vec<_> = (16..=22).map(|day| format!("R3:2026-11-{day}")).collect();
    let all =
        ["R2a:2026-W47", "R2b:2026-W47", "R4:2026-W47"].into_iter().chain(days.iter().map(String::as_str));
    words.extend(all.flat_map(|early| ["--early", early]));
    let db = rusqlite::Connection::open(case.records.file()).unwrap();
    let leaves = journal::leaves(&db, 0, 10_000).unwrap();
    let mut opener = opener(&case);
    let disclosed = [Class::R2a, Class::R2b, Class::R3].map(|class| {
        let of = leaves.iter().map(|(_, octets)| Leaf::read(octets).unwrap());
        let leaf = of.rev().find(|leaf| leaf.header.class == class).unwrap();
        (class, leaf.header.period.unwrap(), opener.disclose(&leaf).unwrap())
    });
    does(&words);
    assert_eq!(sealed(&case), 0);
    // As OPERATING.md says: of a running site, by SQLite's own backup; of the log, checkpoint first, then the rest.
    let backup = case.path("backup");
    fs::create_dir(&backup).unwrap();
    db.execute("VACUUM INTO ?1", [format!("{backup}/site.db")]).unwrap();
    let copied = Command::new("cp").args(["-r", &case.path("log"), &backup]).status().unwrap();
    assert!(copied.success());
    let left = Left::of(&case);
    assert!(left.files.len() > 60 && left.files.iter().any(|(path, _)| path.starts_with(&backup)));
    assert_eq!(left.with(&values()), [""; 0]);
    for (class, period, halves) in disclosed {
        let public = KeyFolder::at(keys.as_ref()).public(class, period, Role::Requester).unwrap().unwrap();
        let opening = left.opening(&halves, public);
        assert!(opening.is_empty(), "{class}: {opening:?}");
    }
    let who = audit(&["hold", "list", "--keys", &keys, "--holds", &case.path("nowhere")]);
    assert!(!String::from_utf8_lossy(&who.stdout).contains("subject"));
}

/// The search finds what is there, or the test above says nothing.
#[test]
fn the_search_finds_what_is_there() {
    let case = Case::site("search-finds");
    let text = serde_json::to_vec(&day()).unwrap();
    fs::write(case.path("clear"), &text).unwrap();
    fs::write(case.path("encoded"), format!("x{}", URL_SAFE_NO_PAD.encode([b"shift", &text[..]].concat())))
        .unwrap();
    let private = Private::fresh().unwrap();
    fs::write(case.path("key"), format!("varco-key {}\n", URL_SAFE_NO_PAD.encode(private.expose()))).unwrap();
    let left = Left::of(&case);
    let found = left.with(&values());
    for name in ["/clear: subject-1", "/clear: device-3", "/clear: 198.18.0.3", "/encoded: "] {
        assert!(found.iter().any(|found| found.contains(name)), "{name}: {found:?}");
    }
    let db = rusqlite::Connection::open(case.records.file()).unwrap();
    let leaves = journal::leaves(&db, 0, 10_000).unwrap();
    let mut of = leaves.iter().map(|(_, octets)| Leaf::read(octets).unwrap());
    let halves = opener(&case).disclose(&of.find(|leaf| leaf.header.class == Class::R2a).unwrap()).unwrap();
    fs::write(case.path("half"), [b"x", &halves.requester.expose()[..]].concat()).unwrap();
    let approver = URL_SAFE_NO_PAD.encode(halves.approver.as_ref().unwrap().expose());
    fs::write(case.path("other-half"), format!("approver {approver}\n")).unwrap();
    let mut opening = Left::of(&case).opening(&halves, private.public().unwrap());
    opening.sort();
    assert_eq!(opening, ["half", "key", "other-half"].map(|name| PathBuf::from(case.path(name))));
}
