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

/// A log, one file of which is another.
struct Damaged<'a> {
    whole: &'a Memory,
    file: RefCell<(String, Option<Vec<u8>>)>,
}

impl Files for Damaged<'_> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let file = self.file.borrow();
        if file.0 == path {
            file.1.clone().ok_or_else(|| io::ErrorKind::NotFound.into())
        } else {
            self.whole.read(path)
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

    /// Whether the verification, from a step on, finds that a file is another; 0 is the begin.
    fn finds(&self, from: usize, path: &str, content: Option<Vec<u8>>) -> Option<usize> {
        *self.files.file.borrow_mut() = (path.to_owned(), content);
        let mut paths = self.paths.clone();
        if self.files.file.borrow().1.is_none() {
            paths.retain(|other| other != path);
        }
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
    let files = Damaged { whole: &whole, file: RefCell::default() };
    let sweep = Sweep::new(&files, &asked);
    for (number, path) in sweep.paths.iter().enumerate() {
        let content = whole.read(path).unwrap();
        *files.file.borrow_mut() = (path.clone(), Some(Vec::new()));
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
fn every_turned_bit_is_found() {
    turn(|_| 0..8);
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
