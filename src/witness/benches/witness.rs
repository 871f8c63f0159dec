//! How many checkpoints a witness cosigns in a second: `cargo bench -p varco-witness`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and fails where a step fails"
)]

#[path = "../tests/witness/logs.rs"]
#[expect(dead_code, reason = "nothing is divided here")]
mod logs;

use jiff::Timestamp;
use logs::TheirLog;
use std::time::Instant;
use varco_audit::tlog::{CosignerKey, Folder};
use varco_witness::{
    config::Logs,
    witness::{Answer, Witness},
};

/// Checkpoints in a row, each with some entries more.
const CHECKPOINTS: u64 = 2000;

fn main() {
    let folder = std::env::temp_dir().join(format!("varco-witness-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut log = TheirLog::new("log.example.org/bench");
    let key = CosignerKey::load_or_make(&folder.join("witness.key"), "witness.example/bench").unwrap();
    let logs = Logs::from([(log.origin.clone(), vec![log.vkey.parse().unwrap()])]);
    let witness = Witness::open(Folder::alone(&folder).unwrap(), key, logs).unwrap();
    log.grow(100_000, "entry");
    let mut requests = vec![log.request(0)];
    for _ in 1..CHECKPOINTS {
        let old = log.size;
        log.grow(old + 7, "entry");
        requests.push(log.request(old));
    }
    measure("new checkpoints, each durable", &witness, &requests);
    let again = log.request(log.size);
    measure("the same checkpoint again", &witness, &vec![again; requests.len()]);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Asks one after the other, as the lock of one log has it.
fn measure(what: &str, witness: &Witness, requests: &[String]) {
    let begun = Instant::now();
    for request in requests {
        assert!(matches!(witness.add_checkpoint(request.as_bytes(), Timestamp::now()), Answer::Cosigned(_)));
    }
    let each = begun.elapsed().as_micros() / requests.len() as u128;
    println!("{what}: {each} us each, {} a second", 1_000_000 / each.max(1));
}
