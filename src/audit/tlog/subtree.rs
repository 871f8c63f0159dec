//! Subtrees and the proofs that a tree holds them (draft-ietf-plants-merkle-tree-certs, sections "Subtrees" and "Subtree
//! Consistency Proofs"). With a subtree from 0 on it is the consistency proof of RFC 6962, with one of a single entry the
//! inclusion proof.

use super::hash::{Hash, node_hash, split};
use std::ops::Range;

/// Whether these entries are a subtree: not none, and beginning at a multiple of the power of two that holds them.
pub const fn is_one(entries: &Range<u64>) -> bool {
    if entries.start >= entries.end {
        return false;
    }
    match (entries.end - entries.start).checked_next_power_of_two() {
        Some(width) => entries.start.is_multiple_of(width),
        None => entries.start == 0,
    }
}

/// Whether a proof leads from a subtree's hash to the root of a tree of `size` entries.
pub fn proved(entries: Range<u64>, hash: Hash, size: u64, root: Hash, proof: &[Hash]) -> bool {
    is_one(&entries) && entries.end <= size && roots(entries, size, Some(hash), proof) == Some((hash, root))
}

/// The subtree's hash and the root that a proof leads to. `known` is the subtree's hash as long as the subtree is whole on
/// this side: then the proof leaves it out.
fn roots(entries: Range<u64>, size: u64, known: Option<Hash>, proof: &[Hash]) -> Option<(Hash, Hash)> {
    if entries == (0..size) {
        let root = match (known, proof) {
            (Some(root), []) => root,
            (None, [root]) => *root,
            _ => return None,
        };
        return Some((root, root));
    }
    let (beside, proof) = proof.split_last()?;
    let left = split(size);
    if entries.end <= left {
        let (sub, now) = roots(entries, left, known, proof)?;
        Some((sub, node_hash(&now, beside)))
    } else if left <= entries.start {
        let (sub, now) = roots(entries.start - left..entries.end - left, size - left, known, proof)?;
        Some((sub, node_hash(beside, &now)))
    } else {
        // A subtree that lies on both sides begins at 0, and its left part is the tree's.
        let (sub, now) = roots(0..entries.end - left, size - left, None, proof)?;
        Some((node_hash(beside, &sub), node_hash(beside, &now)))
    }
}

/// Collects a proof: `hash_of(first, end)` is the hash of the subtree over those entries.
pub(super) fn prove<E>(
    entries: Range<u64>,
    size: u64,
    mut hash_of: impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut inner, mut first, mut end) = (entries, 0, size);
    let (mut proof, mut known) = (Vec::new(), true);
    while inner != (first..end) {
        let middle = first + split(end - first);
        if inner.end <= middle {
            proof.push(hash_of(middle, end)?);
            end = middle;
        } else {
            proof.push(hash_of(first, middle)?);
            if inner.start < middle {
                (inner.start, known) = (middle, false);
            }
            first = middle;
        }
    }
    if !known {
        proof.push(hash_of(first, end)?);
    }
    proof.reverse();
    Ok(proof)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::{leaf_hash, tree_hash};
    use proptest::prelude::*;
    use std::convert::Infallible;

    /// As the draft writes it, over the hashes themselves.
    fn naive(start: usize, end: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
        if (start, end) == (0, leaves.len()) {
            return if known { Vec::new() } else { vec![tree_hash(leaves)] };
        }
        let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
        let k = left.len();
        let (mut proof, beside) = if end <= k {
            (naive(start, end, left, known), right)
        } else if k <= start {
            (naive(start - k, end - k, right, known), left)
        } else {
            (naive(0, end - k, right, false), left)
        };
        proof.push(tree_hash(beside));
        proof
    }

    fn leaves(size: usize) -> Vec<Hash> {
        (0..size).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    fn compare(leaves: &[Hash], start: usize, end: usize) {
        let (size, range) = (leaves.len() as u64, start as u64..end as u64);
        let of = |first: u64, end: u64| Ok::<_, Infallible>(tree_hash(&leaves[first as usize..end as usize]));
        let proof = prove(range.clone(), size, of).unwrap();
        assert_eq!(proof, naive(start, end, leaves, true), "{start}..{end} of {size}");
        let (hash, root) = (tree_hash(&leaves[start..end]), tree_hash(leaves));
        assert!(proved(range.clone(), hash, size, root, &proof));
        let other = leaf_hash(b"another");
        assert!(!proved(range.clone(), other, size, root, &proof), "another subtree");
        assert!(!proved(range.clone(), hash, size, other, &proof), "another tree");
        for n in 0..proof.len() {
            let mut changed = proof.clone();
            changed[n] = other;
            assert!(!proved(range.clone(), hash, size, root, &changed), "hash {n}");
            changed.remove(n);
            assert!(!proved(range.clone(), hash, size, root, &changed), "without hash {n}");
        }
        let longer = [&proof[..], &[other]].concat();
        assert!(!proved(range, hash, size, root, &longer));
    }

    #[test]
    fn every_subtree_of_every_small_tree_is_proved_as_the_draft_says() {
        for size in 1..40 {
            let leaves = leaves(size);
            for start in 0..size {
                for end in start..=size {
                    if is_one(&(start as u64..end as u64)) {
                        compare(&leaves, start, end);
                    }
                }
            }
        }
    }

    /// The examples of the draft.
    #[test]
    fn what_is_no_subtree_is_refused() {
        for entries in [0..13, 4..8, 8..13, 12..13, 0..u64::MAX] {
            assert!(is_one(&entries), "{entries:?}");
        }
        for entries in [0..0, 5..5, 1..3, 4..13, 6..9, 1..u64::MAX] {
            assert!(!is_one(&entries), "{entries:?}");
        }
        let (leaves, of) = (leaves(4), |range: Range<usize>| range);
        let hash = tree_hash(&leaves[of(1..3)]);
        assert!(!proved(1..3, hash, 4, tree_hash(&leaves), &[leaves[0], leaves[3]]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn larger_trees_too(size in 257usize..1500, height in 0u32..10, index in 0usize..1500, short in 0usize..512) {
            let width = 1 << height;
            let start = index / width * width;
            let end = (start + width - short.min(width / 2)).min(size);
            if start < end && is_one(&(start as u64..end as u64)) {
                compare(&leaves(size), start, end);
            }
        }
    }
}
