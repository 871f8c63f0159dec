//! A smart card opens the gate: CNS, TS-CNS, CIE used as a card (CAD art. 64 and 66).

pub mod issuers;
pub mod standing;
pub mod trust;
