//! How long the verification of a timestamp takes: `cargo bench -p varco-audit --bench timestamp`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock, prints, and fails where a step fails"
)]

#[path = "../tests/timestamp/tsa.rs"]
#[expect(dead_code, reason = "nothing is forged here")]
mod tsa;

use std::time::Instant;
use tsa::{FOR_TIMESTAMPS, P384, RSA, Tsa};
use varco_audit::timestamp::{Authority, Nonce, Query, verify};

const TEXT: &[u8] = b"hub.example.it/log\n1700\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
const TIMES: u32 = 2000;

fn main() {
    let tsa = Tsa::new("bench");
    tsa.unit("rsa", RSA, FOR_TIMESTAMPS);
    tsa.unit("p384", P384, FOR_TIMESTAMPS);
    let query = Query::new(TEXT, Nonce::new([7; 16]).unwrap()).unwrap();
    let authority = Authority::from_pem(&tsa.pem("root")).unwrap();
    for unit in ["tsa", "rsa", "p384"] {
        let reply = tsa.reply(&query.octets, unit, "");
        let begun = Instant::now();
        for _ in 0..TIMES {
            verify(&reply, TEXT, Some(&query.nonce), &authority).unwrap();
        }
        let each = (begun.elapsed() / TIMES).as_micros();
        println!("a timestamp of {unit}, {} octets, two certificates above: {each} us", reply.len());
    }
}
