//! Why a document was not taken, as the page tells it.

use crate::{
    console::{Console, answer},
    lookup::Refusal,
};
use varco_audit::case::BadDocument;
use varco_templates::console::{Refused, Why};

/// The words for who hands in. What the hub itself cannot do is no refusal of a document.
pub fn words(console: &Console, refusal: &Refusal) -> Refused {
    let at = |at| Some(answer::written(at, console.zone()));
    let (why, case, step, at) = match refusal {
        Refusal::Off => (Why::Off, None, None, None),
        Refusal::NoDocument => (Why::NoDocument, None, None, None),
        Refusal::TooLarge => (Why::TooLarge, None, None, None),
        Refusal::Document(bad) => (document(bad), None, None, None),
        Refusal::Old(then) => (Why::Old, None, None, at(*then)),
        Refusal::Future(then) => (Why::Future, None, None, at(*then)),
        Refusal::Unknown(case) => (Why::UnknownCase, Some(case), None, None),
        Refusal::Twice(case, step) => (Why::Twice, Some(case), Some(step), None),
        Refusal::NotYet(case, step) => (Why::NotYet, Some(case), Some(step), None),
        Refusal::People(_) | Refusal::Log(_) => (Why::Holders, None, None, None),
    };
    let [case, step] = [case.map(ToString::to_string), step.map(ToString::to_string)];
    Refused { why, case, step, at }
}

const fn document(bad: &BadDocument) -> Why {
    match bad {
        BadDocument::NotThis(_) => Why::Malformed,
        BadDocument::Unknown(_) => Why::UnknownSigner,
        BadDocument::Role(..) => Why::OtherRole,
        BadDocument::Signature(_) => Why::Signature,
        BadDocument::OtherCase { .. } => Why::OtherCase,
    }
}
