//! Every entry of a log of 1,000 gone, swapped with every other and repeated, and every file of every earlier size put back:
//! by somebody who makes nothing else again, the tile above too, or the whole tree.

use crate::{
    kept::{Memory, ORIGIN, asked, key, leaves},
    sweep::{Sweep, halves},
};
use std::ops::Range;
use varco_audit::{
    tlog::{Files as _, Hash, Kind, Log, Place, leaf_hash, tree_hash},
    verify::{Asked, Problem, verify},
};

const SIZE: usize = 1000;

/// The bundle, or tile of level 0, in which an entry is, and the entries in it.
fn place(kind: Kind, entry: usize) -> (String, Range<usize>) {
    let first = entry / 256 * 256;
    let end = SIZE.min(first + 256);
    let (index, width) = ((first / 256) as u64, (end - first) as u16);
    (Place { kind, index, width }.path(), first..end)
}

/// Entries as they stand in a bundle: behind their lengths.
fn framed() -> Vec<Vec<u8>> {
    let framed = |entry: Vec<u8>| [&(entry.len() as u16).to_be_bytes(), &entry[..]].concat();
    leaves(0..SIZE as u64).into_iter().map(framed).collect()
}

type Files = Vec<(String, Option<Vec<u8>>)>;

fn content(all: &[Vec<u8>], order: &[usize]) -> Vec<u8> {
    let entries: Vec<_> = order.iter().map(|entry| all[*entry].as_slice()).collect();
    entries.concat()
}

/// The step that reads the bundle of an entry.
const fn step(entry: usize) -> usize {
    entry / 256 + 1
}

/// The bundles that differ when the entries are in this order.
fn bundles(all: &[Vec<u8>], order: &[usize]) -> Files {
    let firsts = (0..SIZE).step_by(256).map(|first| place(Kind::Entries, first));
    let of = |(path, range): (String, Range<usize>)| {
        let now = &order[range.start.min(order.len())..range.end.min(order.len())];
        (!now.iter().copied().eq(range)).then(|| (path, Some(content(all, now))))
    };
    firsts.filter_map(of).collect()
}

/// The whole tree over these entries, its checkpoint that of another.
fn forged(files: &mut Files, hashes: &[Hash]) {
    for first in (0..SIZE).step_by(256) {
        let (path, range) = place(Kind::Level(0), first);
        let tile = &hashes[range.start.min(hashes.len())..range.end.min(hashes.len())];
        files.push((path, Some(tile.iter().flat_map(|hash| hash.0).collect())));
    }
    let full = hashes.chunks_exact(256).map(tree_hash);
    files.push(("tile/1/000.p/3".to_owned(), Some(full.flat_map(|hash| hash.0).collect())));
}

fn found(sweep: &Sweep<'_>, from: usize, files: Files, what: impl FnOnce() -> String) {
    assert!(!files.is_empty(), "nothing differs: {}", what());
    if sweep.finds_all(from, files).is_none() {
        panic!("{}", what());
    }
}

/// All pairs: 499,500.
#[test]
fn any_two_entries_swapped_are_found() {
    let all = framed();
    let mut cut: Vec<_> = (0..SIZE).collect();
    cut.dedup_by_key(|entry| *entry / 256);
    let places: Vec<_> = cut.into_iter().map(|first| place(Kind::Entries, first)).collect();
    halves(|sweep, mine| {
        let mut order: Vec<_> = (0..SIZE).collect();
        for one in (0..SIZE).filter(|_| mine()) {
            for other in one + 1..SIZE {
                order.swap(one, other);
                let mut changed = vec![one / 256, other / 256];
                changed.dedup();
                let file = |(path, range): &(String, Range<usize>)| {
                    (path.clone(), Some(content(&all, &order[range.clone()])))
                };
                let files = changed.into_iter().map(|bundle| file(&places[bundle])).collect();
                found(sweep, step(one), files, || format!("{one} and {other} swapped"));
                order.swap(one, other);
            }
        }
    });
}

/// The order of the entries when one is moved.
fn order(what: &str, at: usize) -> Vec<usize> {
    let next = (at + 1) % SIZE;
    match what {
        "gone" => (0..at).chain(at + 1..SIZE).collect(),
        "repeated" => (0..=at).chain(at..SIZE).collect(),
        "repeated, the last gone" if next > 0 => (0..=at).chain(at..SIZE - 1).collect(),
        "swapped with the next" => {
            let other = |n| {
                if n == at {
                    next
                } else if n == next {
                    at
                } else {
                    n
                }
            };
            (0..SIZE).map(other).collect()
        }
        _ => (0..SIZE).map(|n| if n == next { at } else { n }).collect(),
    }
}

#[test]
fn every_entry_gone_swapped_or_repeated_is_found_whatever_was_made_again() {
    let (all, entries) = (framed(), leaves(0..SIZE as u64));
    let hashes: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    let ways =
        ["gone", "swapped with the next", "repeated", "repeated, the last gone", "in the place of the next"];
    halves(|sweep, mine| {
        for at in (0..SIZE).filter(|_| mine()) {
            for what in ways {
                let mut order = order(what, at);
                let said = |more| move || format!("{at} {what}{more}");
                // There is no place for an entry more, but at the end of the last bundle.
                let longer = order.split_off(order.len().min(SIZE));
                let mut files = bundles(&all, &order);
                if let [last] = longer[..] {
                    let (path, range) = place(Kind::Entries, SIZE - 1);
                    files.retain(|(other, _)| *other != path);
                    files.push((path, Some(content(&all, &[&order[range], &[last]].concat()))));
                }
                let first = (0..order.len()).find(|n| order[*n] != *n).unwrap_or(SIZE - 1);
                found(sweep, step(first), files.clone(), said(""));
                let hashes: Vec<_> = order.iter().map(|n| hashes[*n]).collect();
                let (path, range) = place(Kind::Level(0), at);
                let tile = hashes[range.start..range.end.min(hashes.len())].iter().flat_map(|hash| hash.0);
                let with_tile = [&files[..], &[(path, Some(tile.collect()))]].concat();
                found(sweep, 0, with_tile, said(", its tile made again"));
                forged(&mut files, &hashes);
                found(sweep, 0, files, said(", the tree made again"));
            }
        }
    });
}

/// The log as it is, without what is left of earlier sizes.
fn newest(files: &Memory) -> Memory {
    let newest = files.clone();
    let places: Vec<_> = files.paths().iter().filter_map(|path| Place::parse(path)).collect();
    newest.0.borrow_mut().retain(|path, _| {
        let larger = |place: Place| {
            places.iter().any(|o| (o.kind, o.index) == (place.kind, place.index) && o.width > place.width)
        };
        Place::parse(path).is_none_or(|place| !larger(place))
    });
    newest
}

/// Cut back to an older state: files alone never fit, with the checkpoint of then only who has seen a newer one can tell.
#[test]
fn every_earlier_size_put_back_is_found() {
    let all = leaves(0..SIZE as u64);
    halves(|sweep, mine| {
        let seen = Asked { seen: vec![sweep.files.whole.read("checkpoint").unwrap()], ..asked() };
        let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
        for size in 0..SIZE {
            log.integrate(size.saturating_sub(1) as u64, &all[size.saturating_sub(1)..size]).unwrap();
            if !mine() {
                continue;
            }
            let disk = log.into_disk();
            let then = newest(&disk);
            log = Log::on(disk, ORIGIN, key()).unwrap();
            // Whole in itself: what is found is that it does not continue.
            let problem = verify(&then, &then.paths(), &seen).unwrap_err();
            assert!(matches!(problem, Problem::NotContinued(1000)), "the log of {size}: {problem}");
            let now = sweep.files.whole.clone();
            let checkpoint = then.read("checkpoint").unwrap();
            now.0.borrow_mut().insert("checkpoint".to_owned(), checkpoint);
            assert!(verify(&now, &now.paths(), &seen).is_err(), "the checkpoint of {size}");
            for path in then.paths().iter().filter(|path| path.contains(".p/")) {
                let place = Place::parse(path).unwrap();
                let now = sweep.paths.iter().filter_map(|path| Place::parse(path)).find(|now| {
                    (now.kind, now.index) == (place.kind, place.index) && now.width > place.width
                });
                let Some(now) = now else { continue };
                let what = || format!("{path} of {size} in the place of {}", now.path());
                found(sweep, 0, vec![(now.path(), Some(then.read(path).unwrap()))], what);
            }
        }
    });
}
