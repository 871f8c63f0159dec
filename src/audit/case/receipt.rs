//! The receipt: the proof that a case's permission is an entry of the hub's log (C2SP tlog-proof, the entry as its extra
//! line). Whoever looks without one leaves no trace, so nothing is opened before it is verified.

use super::{CaseId, Step};
use crate::{
    class::Class,
    leaf::{HUB, Leaf, Mark, NotALeaf},
    tlog::{BadCheckpoint, BadNote, Cosignature, VerifierKey, proof::Proof},
};
use jiff::Timestamp;

/// A permission that is proved to be in the hub's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The case.
    pub case: CaseId,
    /// Its place in the hub's log.
    pub index: u64,
    /// When the hub recorded it.
    pub at: Timestamp,
    /// What the witnesses say that were asked for.
    pub witnesses: Vec<Cosignature>,
}

/// Why there is no permission. Nothing was opened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum NotAllowed {
    /// The file is no proof.
    #[error("the receipt is no proof of an entry (C2SP tlog-proof)")]
    NotAProof,
    /// Its checkpoint is not the hub's.
    #[error("the receipt's checkpoint is not by the hub's key: {0}")]
    OtherHub(#[from] BadCheckpoint),
    /// The way does not lead to the root.
    #[error("the receipt does not prove that its entry is in the hub's log")]
    Unproved,
    /// The entry is no leaf.
    #[error("the receipt's entry: {0}")]
    Leaf(#[from] NotALeaf),
    /// The entry says something else.
    #[error("the receipt's entry is no permission of a look-up in the hub's log")]
    NoPermission,
    /// The permission is of another request.
    #[error("the receipt is of case {found}; this request is case {wanted}")]
    OtherCase {
        /// The receipt's.
        found: CaseId,
        /// The request's.
        wanted: CaseId,
    },
    /// A witness that must have seen it did not.
    #[error("the receipt's witness: {0}")]
    Witness(BadNote),
}

impl Receipt {
    /// Verifies that this is the hub's receipt for exactly this case, cosigned by each of these witnesses.
    ///
    /// # Errors
    /// [`NotAllowed`].
    pub fn verify(
        octets: &[u8],
        case: CaseId,
        hub: &VerifierKey,
        witnesses: &[VerifierKey],
    ) -> Result<Self, NotAllowed> {
        let proof = Proof::parse(octets).ok_or(NotAllowed::NotAProof)?;
        let signed = proof.verify(hub)?.ok_or(NotAllowed::Unproved)?;
        let header = Leaf::read(&proof.entry)?.header;
        let Mark::Case(Step::Allowed, found) = header.mark else { return Err(NotAllowed::NoPermission) };
        if (header.class, header.site.as_str(), header.sequence) != (Class::R4, HUB, proof.index) {
            return Err(NotAllowed::NoPermission);
        }
        if found != case {
            return Err(NotAllowed::OtherCase { found, wanted: case });
        }
        let witnesses = witnesses.iter().map(|witness| Cosignature::verify(&signed, witness));
        let witnesses = witnesses.collect::<Result<_, _>>().map_err(NotAllowed::Witness)?;
        Ok(Self { case, index: proof.index, at: header.at, witnesses })
    }
}
