//! Every bit of a log of 1,000 entries turned, every file cut at every length, gone, or in the place of another.
//!
//! The real verification does it. For speed its steps are not done again that come before the first one that reads the
//! damaged file: they would say what they said of the whole log.

use crate::kept::{Memory, asked, thousand};
use std::{cell::RefCell, io};
use varco_audit::{
    tlog::{Files, leaf_hash},
    verify::{Asked, Verification},
};

/// A log, some files of which are others, or gone.
struct Damaged<'a> {
    whole: &'a Memory,
    files: RefCell<Vec<(String, Option<Vec<u8>>)>>,
}

impl Files for Damaged<'_> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match self.files.borrow().iter().find(|(changed, _)| changed == path) {
            Some((_, content)) => content.clone().ok_or_else(|| io::ErrorKind::NotFound.into()),
            None => self.whole.read(path),
        }
    }
}

type Step<'a> = Verification<'a, &'a Damaged<'a>>;

struct Sweep<'a> {
    files: &'a Damaged<'a>,
    asked: &'a Asked,
    paths: Vec<String>,
    /// Before each bundle, and before the end.
    steps: Vec<Step<'a>>,
}

impl<'a> Sweep<'a> {
    fn new(files: &'a Damaged<'a>, asked: &'a Asked) -> Self {
        let mut now = Verification::begin(files, asked).unwrap();
        let mut steps = vec![now.clone()];
        for index in 0..now.bundles() {
            now.bundle(index).unwrap();
            steps.push(now.clone());
        }
        now.end(&files.whole.paths()).unwrap();
        Self { files, asked, paths: files.whole.paths(), steps }
    }

    /// The step of the verification, from one on, that finds a file to be another; 0 is the begin.
    fn finds(&self, from: usize, path: &str, content: Option<Vec<u8>>) -> Option<usize> {
        self.finds_all(from, vec![(path.to_owned(), content)])
    }

    fn finds_all(&self, from: usize, files: Vec<(String, Option<Vec<u8>>)>) -> Option<usize> {
        let gone =
            |path: &String| files.iter().any(|(changed, content)| changed == path && content.is_none());
        let paths: Vec<_> = self.paths.iter().filter(|path| !gone(path)).cloned().collect();
        *self.files.files.borrow_mut() = files;
        if from == 0 && Verification::begin(self.files, self.asked).is_err() {
            return Some(0);
        }
        let mut now = self.steps[from.saturating_sub(1)].clone();
        for index in from.max(1)..self.steps.len() {
            if now.bundle(index as u64 - 1).is_err() {
                return Some(index);
            }
        }
        now.end(&paths).is_err().then_some(self.steps.len())
    }
}

/// Which part of the files a thread takes.
fn sweep(part: usize, each: impl Fn(&Sweep<'_>, &str, usize, &[u8])) {
    let (whole, asked) = (thousand(), asked());
    let files = Damaged { whole: &whole, files: RefCell::default() };
    let sweep = Sweep::new(&files, &asked);
    for (number, path) in sweep.paths.iter().enumerate() {
        let content = whole.read(path).unwrap();
        let first = sweep.finds(0, path, Some(b"!".to_vec())).unwrap();
        if number % 2 == part {
            each(&sweep, path, first, &content);
        }
    }
}

fn turn(bits: impl Fn(usize) -> std::ops::Range<usize> + Sync) {
    std::thread::scope(|scope| {
        for part in 0..2 {
            let bits = &bits;
            scope.spawn(move || {
                sweep(part, |sweep, path, first, content| {
                    for at in 0..content.len() {
                        for bit in bits(at) {
                            let mut turned = content.to_vec();
                            turned[at] ^= 1 << bit;
                            assert!(
                                sweep.finds(first, path, Some(turned)).is_some(),
                                "{path}: octet {at} bit {bit}"
                            );
                        }
                    }
                });
            });
        }
    });
}

#[test]
fn a_turned_bit_in_every_octet_is_found() {
    turn(|at| at % 8..at % 8 + 1);
}

/// `cargo test -p varco-audit --test tlog -- --ignored every_bit`: some minutes.
#[test]
#[ignore = "every bit takes a minute or more; one bit of every octet is always turned"]
fn every_bit_is_found() {
    turn(|_| 0..8);
}

/// Entries gone, swapped with the next, or repeated, the tile above them made again to fit.
#[test]
fn every_entry_moved_is_found() {
    let move_all = |sweep: &Sweep<'_>, path: &str, first: usize, content: &[u8]| {
        let entries = split(content);
        let tile = path.replace("entries", "0");
        for at in 0..entries.len() - 1 {
            let (before, here, next, after) =
                (&entries[..at], entries[at], entries[at + 1], &entries[at + 2..]);
            for moved in [
                [before, &[next], after].concat(),
                [before, &[next, here], after].concat(),
                [before, &[here, here, next], after].concat(),
                [before, &[here, here], after].concat(),
            ] {
                let hashes = moved.iter().flat_map(|entry| leaf_hash(&entry[2..]).0).collect();
                let files = vec![(path.to_owned(), Some(moved.concat())), (tile.clone(), Some(hashes))];
                assert!(sweep.finds_all(0, files).is_some(), "{path}: entry {at}");
            }
            let moved = [before, &[next, here], after].concat().concat();
            assert!(
                sweep.finds(first, path, Some(moved)).is_some(),
                "{path}: entry {at}, its tile as it was"
            );
        }
    };
    for part in 0..2 {
        sweep(part, |sweep, path, first, content| {
            if path.starts_with("tile/entries/") {
                move_all(sweep, path, first, content);
            }
        });
    }
}

/// The entries of a bundle with their lengths.
fn split(mut bundle: &[u8]) -> Vec<&[u8]> {
    let mut entries = Vec::new();
    while let [high, low, ..] = bundle {
        let (entry, rest) = bundle.split_at(2 + usize::from(u16::from_be_bytes([*high, *low])));
        entries.push(entry);
        bundle = rest;
    }
    entries
}

#[test]
fn every_cut_is_found() {
    for part in 0..2 {
        sweep(part, |sweep, path, first, content| {
            for length in 0..content.len() {
                let cut = content[..length].to_vec();
                assert!(sweep.finds(first, path, Some(cut)).is_some(), "{path}: cut to {length} octets");
            }
            let longer = [content, &[0]].concat();
            assert!(sweep.finds(first, path, Some(longer)).is_some(), "{path}: an octet more");
        });
    }
}

/// A partial tile of an earlier size may go; all else is missed.
#[test]
fn every_file_that_is_gone_or_another_is_found() {
    for part in 0..2 {
        sweep(part, |sweep, path, _, _| {
            let earlier =
                path.contains(".p/") && !["003.p/232", "000.p/3"].iter().any(|now| path.ends_with(now));
            assert_eq!(sweep.finds(0, path, None).is_some(), !earlier, "{path} is gone");
            for other in sweep.paths.iter().filter(|other| *other != path) {
                let other_content = sweep.files.whole.read(other).unwrap();
                assert!(
                    sweep.finds(0, path, Some(other_content)).is_some(),
                    "{other} in the place of {path}"
                );
            }
        });
    }
}
