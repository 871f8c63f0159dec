//! A case: one question of the authorities, from its asking to its answer. Two persons with different roles take part; what
//! each says is a document that they sign, plain lines in a signed note (C2SP signed-note). Documents travel as files.
//!
//! | document | by | says |
//! |---|---|---|
//! | `request.rs` | requester | who asks, when; the question itself is sealed to both roles' R4 keys of the week |
//! | `decision.rs` | approver | that the case is allowed, or refused and why |
//! | `receipt.rs` | the hub | that the permission is an entry of its log: a C2SP tlog-proof, with the witnesses' cosignatures |
//! | `found.rs` | requester | the sealed records that may answer, without their outer layer |
//! | `answer.rs` | approver | the sessions, or that there was nobody, or that the records are closed |
//!
//! A case is called by the first 128 bits of SHA-256 over its request, so that whoever names it names exactly that question. The
//! hub records each step under that name (`leaf.rs`) and never learns an address: it has the request, the decision and the
//! answer, and the question is open in none of them.
//!
//! [`Permit`] is the permission as a value: nothing opens an attribution or a connection without one.

mod answer;
mod decision;
mod document;
mod find;
mod found;
mod id;
mod permit;
mod question;
mod receipt;
mod request;
mod session;
mod unfit;

pub use answer::{Answer, Outcome, Seen, Told};
pub use decision::{Approval, Ground, Refusal};
pub use document::{BadDocument, Document, Signed};
pub use find::{FindError, Near, find};
pub use found::{Found, FoundLeaf, Searched};
pub use id::{CaseId, Step};
pub use permit::{NoPermit, Permit};
pub use question::{Instant, Moment, Protocol, Question, What, instant};
pub use receipt::{NotAllowed, Receipt};
pub use request::Request;
pub use session::{AnswerError, Session, Sessions, sessions};
pub use unfit::Unfit;
