//! A hub's log in a folder of the test: what gives receipts.

use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};
use varco_audit::{
    Clock,
    case::CaseId,
    content::Body,
    expiry::Kept,
    journal,
    leaf::HUB,
    recorder::{Now, Recorder},
    tlog::{Files as _, Folder, Log, NoteKey, Signed, Tiles, proof::Proof},
};

pub const ORIGIN: &str = "hub.varco.test/log";

pub struct Hub {
    folder: PathBuf,
    keys: String,
}

/// When the first keys of the tests' sites begin.
const OPENED: &str = "2026-11-16T00:00:00Z";

impl Hub {
    /// The hub whose state is in this folder, and that seals to these keys.
    pub fn at(folder: &str, keys: &str) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        Self { folder: folder.into(), keys: keys.to_owned() }
    }

    pub fn log(&self) -> String {
        self.folder.join("log").display().to_string()
    }

    fn key(&self) -> NoteKey {
        NoteKey::load_or_make(&self.folder.join("log.key"), ORIGIN).unwrap()
    }

    pub fn vkey(&self) -> String {
        self.key().vkey()
    }

    /// Records these at an instant; the sequence of the first.
    pub fn record(&self, bodies: &[Body], at: &str) -> u64 {
        let mut db = Connection::open(self.folder.join("hub.db")).unwrap();
        db.pragma_update(None, "synchronous", "OFF").unwrap();
        journal::create(&db).unwrap();
        let now = Now { at: at.parse().unwrap(), clock: Clock::WithinMs(5) };
        // Opened while its keys are good: what is clear may be of any time.
        let mut recorder =
            Recorder::open(Path::new(&self.keys), HUB, Kept::default(), OPENED.parse().unwrap()).unwrap();
        let transaction = db.transaction().unwrap();
        let first = recorder.append_bodies(&transaction, bodies, now).unwrap();
        transaction.commit().unwrap();
        // A child that another test is starting may hold the lock for a moment.
        let mut opened = (0..100).map(|_| Log::open(&self.folder.join("log"), ORIGIN, self.key()));
        let mut log = opened.find_map(|log| log.map_err(|_| sleep(Duration::from_millis(20))).ok()).unwrap();
        let leaves = journal::leaves(&db, first, 1000).unwrap().into_iter().map(|(_, leaf)| leaf);
        log.integrate(first, &leaves.collect::<Vec<_>>()).unwrap();
        first
    }

    /// The proof of an entry.
    pub fn prove(&self, index: u64) -> Proof {
        let folder = Folder::new(&self.folder.join("log"));
        let signed = Signed::verify(&folder.read("checkpoint").unwrap(), self.key().verifier()).unwrap();
        let mut tiles = Tiles::open(folder, &signed).unwrap();
        let (path, mut entry) = (tiles.inclusion(index).unwrap(), Vec::new());
        tiles.leaves(index..index + 1, |_, leaf| entry = leaf.to_vec()).unwrap();
        Proof { index, entry, path, checkpoint: signed.note().to_owned() }
    }

    /// What it does with a request and its approval; the receipt.
    pub fn receipt(&self, request: &str, approval: &str) -> String {
        self.receipts(&[(request, approval)]).remove(0)
    }

    /// The same of several at once.
    pub fn receipts(&self, all: &[(&str, &str)]) -> Vec<String> {
        let bodies = all.iter().flat_map(|(request, approval)| {
            let case = CaseId::of(request.as_bytes());
            [asked(case, request), allowed(case, approval)]
        });
        let first = self.record(&bodies.collect::<Vec<_>>(), "2026-11-30T10:00:00Z");
        (0..all.len() as u64).map(|n| self.prove(first + 2 * n + 1).to_string()).collect()
    }
}

pub fn asked(case: CaseId, request: &str) -> Body {
    Body::Asked { case, by: "anna".into(), request: request.into() }
}

pub fn allowed(case: CaseId, approval: &str) -> Body {
    Body::Allowed { case, by: "bruno".into(), approval: approval.into() }
}
