//! The permission to look, as a value that nothing else makes.

use super::{CaseId, NotAllowed, Question, Receipt, Request, Signed};
use crate::{
    opener::{OpenError, Opener},
    seal::Role,
    tlog::VerifierKey,
};

/// A question that was asked and allowed, which the hub's log proves.
#[derive(Debug, Clone)]
pub struct Permit {
    receipt: Receipt,
    question: Question,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum NoPermit {
    /// It is not allowed.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The question cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl Permit {
    /// Verifies the receipt for this very request, then opens its question with the key of `role`.
    ///
    /// # Errors
    /// When the receipt is not the hub's for this request or not seen by each witness; then nothing was opened.
    pub fn of(
        request: &Signed<Request>,
        receipt: &[u8],
        (hub, witnesses): (&VerifierKey, &[VerifierKey]),
        (opener, role): (&mut Opener, Role),
    ) -> Result<Self, NoPermit> {
        let receipt = Receipt::verify(receipt, request.case_id(), hub, witnesses)?;
        let question = request.question(opener, role)?;
        Ok(Self { receipt, question })
    }

    /// The case.
    pub const fn case(&self) -> CaseId {
        self.receipt.case
    }

    /// The proof.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// What may be looked for.
    pub const fn question(&self) -> &Question {
        &self.question
    }
}
