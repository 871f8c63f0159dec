//! What a pack holds, by name.

use crate::case::Step;

/// The explanation, in Italian.
pub const README: &str = "LEGGIMI.txt";
/// The request, a document of the case.
pub const REQUEST: &str = "request";
/// The question, to which the request commits.
pub const QUESTION: &str = "question";
/// The approval.
pub const APPROVAL: &str = "approval";
/// The answer.
pub const ANSWER: &str = "answer";
/// The newest checkpoint of the hub's log, with the witnesses' cosignatures.
pub const CHECKPOINT: &str = "hub/checkpoint";
/// The time-stamp token of that checkpoint (RFC 3161).
pub const TIMESTAMP: &str = "hub/timestamp.tsr";
/// SHA-256 of the programs and of the settings, as `sha256sum` writes it.
pub const DIGESTS: &str = "digests";

/// The proof of a step's entry in the hub's log, and the secrets that open it.
pub fn step(step: Step) -> [String; 2] {
    [format!("hub/{step}.proof"), format!("hub/{step}.keys")]
}

/// The proof that the hub has recorded the checkpoint of a site's log.
pub fn copied(site: &str) -> String {
    format!("sites/{site}/copied.proof")
}

/// The proof of a record in a site's log, and the secrets that open it.
pub fn record(site: &str, sequence: u64) -> [String; 2] {
    let name = format!("sites/{site}/records/{sequence:020}");
    [format!("{name}.proof"), format!("{name}.keys")]
}

/// The proof of a heartbeat.
pub fn beat(site: &str, sequence: u64) -> String {
    format!("sites/{site}/heartbeats/{sequence:020}.proof")
}

/// The proof that the log that was searched is the beginning of the one here: a hash in each line (RFC 6962, section 2.1.2).
pub fn searched(site: &str) -> String {
    format!("sites/{site}/searched.proof")
}

/// The slots that a site lends: a line for each address, with the ports of a slot.
pub fn slots(site: &str) -> String {
    format!("sites/{site}/slots")
}
