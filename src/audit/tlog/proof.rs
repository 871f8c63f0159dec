//! Proofs of RFC 6962, sections 2.1.1 and 2.1.2, and how they are verified without the log.

mod file;

use super::{
    hash::{Hash, node_hash, split},
    subtree,
};
pub use file::Proof;

/// The root that an inclusion proof leads to from the hash of entry `index`, in a tree of `size`; `None` when the proof is not
/// as long as it must be. `proof` begins beside the leaf.
pub fn inclusion_root(index: u64, size: u64, leaf: Hash, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    if size == 1 {
        return proof.is_empty().then_some(leaf);
    }
    let (beside, proof) = proof.split_last()?;
    let left = split(size);
    Some(if index < left {
        node_hash(&inclusion_root(index, left, leaf, proof)?, beside)
    } else {
        node_hash(beside, &inclusion_root(index - left, size - left, leaf, proof)?)
    })
}

/// Whether the tree of `size` and `root` begins with that of `old_size` and `old_root`.
pub fn consistent(old_size: u64, old_root: Hash, size: u64, root: Hash, proof: &[Hash]) -> bool {
    match old_size {
        0 => proof.is_empty() && old_root == super::tree_hash(&[]),
        _ => subtree::proved(0..old_size, old_root, size, root, proof),
    }
}

/// Collects an inclusion proof: `hash_of(first, end)` is the hash of the subtree over those entries.
pub(super) fn inclusion<E>(
    index: u64,
    size: u64,
    mut hash_of: impl FnMut(u64, u64) -> Result<Hash, E>,
) -> Result<Vec<Hash>, E> {
    let (mut first, mut end, mut proof) = (0, size, Vec::new());
    while end - first > 1 {
        let middle = first + split(end - first);
        if index < middle {
            proof.push(hash_of(middle, end)?);
            end = middle;
        } else {
            proof.push(hash_of(first, middle)?);
            first = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}
