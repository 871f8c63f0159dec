//! The tree against two implementations of others: `tlog_tiles` (a port of Go's) and `ct-merkle`.

use crate::kept::{Memory, ORIGIN, key, leaves};
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use proptest::prelude::*;
use sha2::Sha256;
use tlog_tiles::{Error, HashReader, Tile, TileHashReader, TileReader};
use varco_audit::tlog::{Checkpoint, Files as _, Hash, Kind, Log, Place, Tiles, leaf_hash, proof};

/// The hashes as Go's tlog keeps them.
#[derive(Default)]
struct Stored(Vec<tlog_tiles::Hash>);

impl HashReader for Stored {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, Error> {
        Ok(indexes.iter().map(|index| self.0[*index as usize]).collect())
    }
}

impl Stored {
    fn of(leaves: &[Vec<u8>]) -> Self {
        let mut stored = Self::default();
        for (index, leaf) in leaves.iter().enumerate() {
            let more = tlog_tiles::stored_hashes(index as u64, leaf, &stored).unwrap();
            stored.0.extend(more);
        }
        stored
    }
}

/// Our files, read by the others' reader.
struct Theirs<'a>(&'a Memory);

impl TileReader for Theirs<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        Ok(tiles.iter().map(|tile| self.0.read(&path(tile)).unwrap()).collect())
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Go's paths have the height in them, C2SP's have not.
fn path(tile: &Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

fn grown(steps: &[u64]) -> (Log<Memory>, Vec<Vec<u8>>) {
    let mut log = Log::on(Memory::default(), ORIGIN, key()).unwrap();
    let all = leaves(0..steps.iter().sum());
    let mut first = 0;
    for step in steps {
        let end = first + *step as usize;
        log.integrate(first as u64, &all[first..end]).unwrap();
        first = end;
    }
    (log, all)
}

fn hash(hash: Hash) -> tlog_tiles::Hash {
    tlog_tiles::Hash(hash.0)
}

fn compare(steps: &[u64], index: u64, old: u64) {
    let (log, all) = grown(steps);
    let (size, checkpoint) = (all.len() as u64, log.checkpoint().checkpoint().clone());
    let stored = Stored::of(&all);
    let mut theirs = MemoryBackedTree::<Sha256, _>::new();
    all.iter().for_each(|leaf| theirs.push(leaf.clone()));
    assert_eq!(hash(checkpoint.root), tlog_tiles::tree_hash(size, &stored).unwrap());
    assert_eq!(checkpoint.root.0, <[u8; 32]>::from(*theirs.root().as_bytes()));

    let files = log.into_disk();
    for tile in Tile::new_tiles(8, 0, size) {
        assert_eq!(files.read(&path(&tile)).unwrap(), tile.read_data(&stored).unwrap(), "{}", path(&tile));
        assert_eq!(Place::parse(&path(&tile)).unwrap().path(), path(&tile));
    }

    let mut tiles = Tiles::open(&files, &checkpoint).unwrap();
    let inclusion = tiles.inclusion(index).unwrap();
    let flat = |proof: &[Hash]| proof.iter().flat_map(|hash| hash.0).collect::<Vec<_>>();
    assert_eq!(flat(&inclusion), theirs.prove_inclusion(index as usize).as_bytes());
    let go: Vec<_> = inclusion.iter().copied().map(hash).collect();
    assert_eq!(go, tlog_tiles::prove_record(size, index, &stored).unwrap());
    let reader = Theirs(&files);
    let reader = TileHashReader::new(size, hash(checkpoint.root), &reader);
    assert_eq!(go, tlog_tiles::prove_record(size, index, &reader).unwrap());
    let leaf = leaf_hash(&all[index as usize]);
    assert_eq!(proof::inclusion_root(index, size, leaf, &inclusion), Some(checkpoint.root));

    let consistency = tiles.consistency(old).unwrap();
    let old_root = tiles.root_at(old).unwrap();
    assert_eq!(hash(old_root), tlog_tiles::tree_hash(old, &stored).unwrap());
    assert!(proof::consistent(old, old_root, size, checkpoint.root, &consistency));
    if old > 0 {
        assert_eq!(flat(&consistency), theirs.prove_consistency((size - old) as usize).as_bytes());
        let go: Vec<_> = consistency.iter().copied().map(hash).collect();
        assert_eq!(go, tlog_tiles::prove_tree(size, old, &stored).unwrap());
    }
    refuses_what_is_nearly_right(&checkpoint, old, old_root, &consistency);
}

/// A proof with a hash too few, too many, or another, leads nowhere.
fn refuses_what_is_nearly_right(now: &Checkpoint, old: u64, old_root: Hash, proof: &[Hash]) {
    let holds = |proof: &[Hash]| proof::consistent(old, old_root, now.size, now.root, proof);
    let longer = [proof, &[now.root]].concat();
    assert!(!holds(&longer));
    if let Some((_, shorter)) = proof.split_last() {
        assert!(!holds(shorter));
        for at in 0..proof.len() {
            let mut other = proof.to_vec();
            other[at].0[at % 32] ^= 1;
            assert!(!holds(&other), "hash {at}");
        }
    }
    let mut other = old_root;
    other.0[0] ^= 1;
    assert!(!proof::consistent(old, other, now.size, now.root, proof));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_is_the_tree_of_others(
        steps in prop::collection::vec(prop_oneof![1..4u64, 1..600u64, Just(256)], 1..6),
        index in any::<prop::sample::Index>(),
        old in any::<prop::sample::Index>(),
    ) {
        let size = steps.iter().sum::<u64>() as usize;
        compare(&steps, index.index(size) as u64, old.index(size + 1) as u64);
    }
}

#[test]
fn a_tree_of_three_levels_is_that_of_others() {
    compare(&[65_530, 10, 300], 65_537, 65_535);
}

#[test]
fn small_trees_have_every_proof() {
    for size in 1..=20 {
        for index in 0..size {
            compare(&[size], index, index);
        }
    }
}

#[test]
fn bundles_have_each_entry_behind_its_length() {
    let (log, all) = grown(&[300]);
    let files = log.into_disk();
    let expected = |range: &[Vec<u8>]| {
        let entries = range.iter();
        entries.flat_map(|leaf| [&(leaf.len() as u16).to_be_bytes(), &**leaf].concat()).collect::<Vec<_>>()
    };
    assert_eq!(files.read("tile/entries/000").unwrap(), expected(&all[..256]));
    assert_eq!(files.read("tile/entries/001.p/44").unwrap(), expected(&all[256..]));
    let place = Place { kind: Kind::Entries, index: 1, width: 44 };
    assert_eq!(place.path(), "tile/entries/001.p/44");
}
