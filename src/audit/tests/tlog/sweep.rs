//! Every bit of a log of 1,000 entries turned, every file cut at every length, gone, or in the place of another.
//!
//! The real verification does it. For speed its steps are not done again that come before the first one that reads the
//! damaged file: they would say what they said of the whole log.

use crate::kept::{Memory, asked, thousand};
use std::{cell::RefCell, io};
use varco_audit::{
    tlog::Files,
    verify::{Asked, Verification},
};

/// A log, some files of which are others, or gone.
pub struct Damaged {
    pub whole: Memory,
    files: RefCell<Vec<(String, Option<Vec<u8>>)>>,
}

impl Files for Damaged {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        match self.files.borrow().iter().find(|(changed, _)| changed == path) {
            Some((_, content)) => content.clone().ok_or_else(|| io::ErrorKind::NotFound.into()),
            None => self.whole.read(path),
        }
    }
}

pub struct Sweep<'a> {
    pub files: &'a Damaged,
    asked: &'a Asked,
    pub paths: Vec<String>,
    /// Before each bundle's tiles, and before the end.
    steps: Vec<Verification<'a, &'a Damaged>>,
    /// Before each bundle.
    bundles: Vec<Verification<'a, &'a Damaged>>,
}

impl<'a> Sweep<'a> {
    fn new(files: &'a Damaged, asked: &'a Asked) -> Self {
        let mut now = Verification::begin(files, asked).unwrap();
        let (mut steps, mut bundles) = (vec![now.clone()], Vec::new());
        for index in 0..now.bundles() {
            now.tiles(index).unwrap();
            bundles.push(now.clone());
            now.bundle(index).unwrap();
            steps.push(now.clone());
        }
        now.end(&files.whole.paths()).unwrap();
        Self { files, asked, paths: files.whole.paths(), steps, bundles }
    }

    /// The first step that reads a file; 0 is the begin.
    pub fn first(&self, path: &str) -> usize {
        self.finds(0, path, Some(b"!".to_vec())).unwrap()
    }

    /// The step of the verification, from one on, that finds a file to be another; 0 is the begin.
    pub fn finds(&self, from: usize, path: &str, content: Option<Vec<u8>>) -> Option<usize> {
        self.finds_all(from, vec![(path.to_owned(), content)])
    }

    pub fn finds_all(&self, from: usize, files: Vec<(String, Option<Vec<u8>>)>) -> Option<usize> {
        *self.files.files.borrow_mut() = files;
        let mut now = if from == 0 {
            // What a damaged begin has read goes on with it.
            let Ok(begun) = Verification::begin(self.files, self.asked) else { return Some(0) };
            begun
        } else {
            // A bundle is read after the tiles above it.
            let files = self.files.files.borrow();
            let only_bundles = files.iter().all(|(path, _)| path.starts_with("tile/entries/"));
            let before = if only_bundles { self.bundles.get(from - 1) } else { None };
            before.unwrap_or(&self.steps[from - 1]).clone()
        };
        for index in from.max(1)..self.steps.len() {
            if now.bundle(index as u64 - 1).is_err() {
                return Some(index);
            }
        }
        let files = self.files.files.borrow();
        let gone = |path: &String| files.iter().any(|(at, content)| at == path && content.is_none());
        let paths: Vec<_> = self.paths.iter().filter(|path| !gone(path)).cloned().collect();
        drop(files);
        now.end(&paths).is_err().then_some(self.steps.len())
    }
}

/// Both halves of the cases at once, each by a thread with a log of its own.
pub fn halves(cases: impl Fn(&Sweep<'_>, &mut dyn FnMut() -> bool) + Sync) {
    std::thread::scope(|scope| {
        for half in 0..2 {
            let cases = &cases;
            scope.spawn(move || {
                let (files, asked) = (Damaged { whole: thousand(), files: RefCell::default() }, asked());
                let mut number = half;
                let mut mine = || {
                    number += 1;
                    number % 2 == 0
                };
                cases(&Sweep::new(&files, &asked), &mut mine);
            });
        }
    });
}

/// Every case of every file; `each` is told the first step that reads it.
fn files(sweep: &Sweep<'_>, mut each: impl FnMut(&str, usize, &[u8])) {
    for path in &sweep.paths {
        each(path, sweep.first(path), &sweep.files.whole.read(path).unwrap());
    }
}

#[test]
fn every_turned_bit_of_every_file_is_found() {
    halves(|sweep, mine| {
        files(sweep, |path, first, content| {
            for at in 0..content.len() {
                if !mine() {
                    continue;
                }
                for bit in 0..8 {
                    let mut turned = content.to_vec();
                    turned[at] ^= 1 << bit;
                    let found = sweep.finds(first, path, Some(turned)).is_some();
                    assert!(found, "{path}: octet {at} bit {bit}");
                }
            }
        });
    });
}

#[test]
fn every_cut_of_every_file_is_found() {
    halves(|sweep, mine| {
        files(sweep, |path, first, content| {
            for length in (0..content.len()).filter(|_| mine()) {
                let cut = content[..length].to_vec();
                assert!(sweep.finds(first, path, Some(cut)).is_some(), "{path}: cut to {length} octets");
            }
            let longer = [content, &[0]].concat();
            assert!(sweep.finds(first, path, Some(longer)).is_some(), "{path}: an octet more");
        });
    });
}

/// A partial tile of an earlier size may go; all else is missed.
#[test]
fn every_file_that_is_gone_or_another_is_found() {
    halves(|sweep, mine| {
        files(sweep, |path, _, _| {
            if !mine() {
                return;
            }
            let earlier =
                path.contains(".p/") && !["003.p/232", "000.p/3"].iter().any(|now| path.ends_with(now));
            assert_eq!(sweep.finds(0, path, None).is_some(), !earlier, "{path} is gone");
            for other in sweep.paths.iter().filter(|other| *other != path) {
                let content = sweep.files.whole.read(other).unwrap();
                assert!(sweep.finds(0, path, Some(content)).is_some(), "{other} in the place of {path}");
            }
        });
    });
}
