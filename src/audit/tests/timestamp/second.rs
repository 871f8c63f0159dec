//! The second verifier, in Python, on the same answers: it takes what the first takes, and nothing else.

use crate::{
    TEXT, query, root,
    tsa::{FOR_TIMESTAMPS, HABITS, OTHER_PURPOSES, P256, RSA, Tsa},
};
use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};
use varco_audit::timestamp::{Authority, verify};

/// An answer, the text, and the pinned certificates.
struct Case {
    name: String,
    reply: Vec<u8>,
    text: Vec<u8>,
    pem: Vec<u8>,
}

/// What the second verifier says of each, in one process.
fn second(cases: &[Case], turn: bool) -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("/usr/bin/python3");
    command.arg(here.join("tests/timestamp/second.py")).arg(here.join("verifier"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let line = |case: &Case| {
        let (reply, text, pem) = (hex(&case.reply), hex(&case.text), hex(&case.pem));
        format!("{{\"reply\":\"{reply}\",\"text\":\"{text}\",\"pem\":\"{pem}\",\"turn\":{turn}}}\n")
    };
    let all: String = cases.iter().map(line).collect();
    child.stdin.take().unwrap().write_all(all.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Both take a case, or neither; how many are taken.
fn agree(cases: &[Case]) -> usize {
    let said = second(cases, false);
    assert_eq!(said.len(), cases.len());
    let mut taken = 0;
    for (case, said) in cases.iter().zip(said) {
        let first = verify(&case.reply, &case.text, None, &Authority::from_pem(&case.pem).unwrap());
        let first = first.map(|stamp| {
            let digits: String = stamp.at.to_string().chars().filter(|c| !"-:T".contains(*c)).collect();
            format!("{digits} {}", stamp.by)
        });
        assert_eq!(first.clone().unwrap_or_else(|_| "-".to_owned()), said, "{}: {first:?}", case.name);
        taken += usize::from(first.is_ok());
    }
    taken
}

fn case(name: impl Into<String>, reply: Vec<u8>, pem: Vec<u8>) -> Case {
    Case { name: name.into(), reply, text: TEXT.to_vec(), pem }
}

#[test]
fn each_kind_of_key_hash_and_habit_is_taken_by_both_or_by_neither() {
    let tsa = Tsa::new("second-kinds");
    let (query, pem) = (query().octets, tsa.pem("root"));
    let kinds = tsa.kinds(&query).into_iter();
    let mut cases: Vec<_> = kinds.map(|kind| case(kind.name, kind.reply, pem.clone())).collect();
    cases.extend(HABITS.map(|more| case(more, tsa.reply(&query, "tsa", more), pem.clone())));
    let several = [tsa.pem("rsa"), tsa.pem("tsa")].concat();
    for (name, pem) in [("issuer", tsa.pem("issuer")), ("unit", tsa.pem("tsa")), ("several", several)] {
        cases.push(case(name, tsa.reply(&query, "tsa", ""), pem));
    }
    assert_eq!(agree(&cases), cases.len() - 2, "all but ECDSA with SHA-512");
}

#[test]
fn what_is_no_timestamp_of_this_text_by_this_authority_is_taken_by_neither() {
    let (tsa, stranger) = (Tsa::new("second-bad"), Tsa::new("second-stranger"));
    let (query, pem) = (query().octets, tsa.pem("root"));
    let good = tsa.reply(&query, "tsa", "");
    let mut cases = vec![
        case("good", good.clone(), pem.clone()),
        case("stranger", stranger.reply(&query, "tsa", ""), pem.clone()),
        Case { text: b"another text\n".to_vec(), ..case("other text", good.clone(), pem.clone()) },
        case("refused", tsa.reply(&query, "tsa", "digests = sha512"), pem.clone()),
        case("longer", [&good[..], b"\0"].concat(), pem.clone()),
        case("no attributes", tsa.signed_by(&good, "tsa", &["-noattr"]), pem.clone()),
    ];
    for (unit, says) in OTHER_PURPOSES {
        tsa.unit(unit, P256, says);
        let reply = tsa.signed_by(&good, unit, &[]);
        cases.push(case(unit, reply.clone(), pem.clone()));
        cases.push(case(format!("{unit}, pinned"), reply, tsa.pem(unit)));
    }
    tsa.units_of_nobody();
    let web = "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth";
    tsa.certificate("web", P256, web, "root", "30");
    tsa.certificate("of-web", P256, FOR_TIMESTAMPS, "web", "30");
    tsa.unit("short", &["-newkey", "rsa:1024"], FOR_TIMESTAMPS);
    tsa.unit("rsa", RSA, FOR_TIMESTAMPS);
    for (unit, how) in [
        ("over", &[][..]),
        ("below", &["-certfile", "tsa.pem"]),
        ("late", &["-certfile", "old.pem"]),
        ("of-web", &["-certfile", "web.pem"]),
        ("short", &[]),
        ("rsa", &["-md", "sha1"]),
    ] {
        cases.push(case(format!("{unit} {how:?}"), tsa.signed_by(&good, unit, how), pem.clone()));
    }
    let named = tsa.reply(&query, "rsa", "ess_cert_id_alg = sha1");
    cases.push(case("named by SHA-1", named, pem.clone()));
    let bare = tsa.asked(TEXT, &["-no_nonce", "-sha256"], "tsa", "");
    cases.push(case("no certificate", bare, pem.clone()));
    cases.push(case("another message", tsa.as_another_message(), pem));
    assert_eq!(agree(&cases), 1, "the good one alone");
}

/// Two bits of each octet, of which the lowest is one, and every cut. That of the status alone was never signed.
#[test]
fn octets_that_are_turned_are_found_by_the_second_too() {
    let tsa = Tsa::new("second-sweep");
    let reply = tsa.reply(&query().octets, "tsa", "");
    verify(&reply, TEXT, None, &root(&tsa)).unwrap();
    let status = reply.windows(3).position(|octets| octets == [2, 1, 0]).unwrap() + 2;
    assert_eq!(second(&[case("sweep", reply, tsa.pem("root"))], true), [format!("{status}.0")]);
}
