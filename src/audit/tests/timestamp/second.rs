//! The second verifier, in Python, on the same answers: it takes what the first takes, and nothing else.

use crate::{
    TEXT, query, root,
    tsa::{FOR_TIMESTAMPS, P256, P384, RSA, Tsa, granted},
};
use std::{
    fs,
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
    tsa.unit("rsa", RSA, FOR_TIMESTAMPS);
    tsa.unit("p384", P384, FOR_TIMESTAMPS);
    let (query, pem) = (query().octets, tsa.pem("root"));
    let mut cases = Vec::new();
    for unit in ["tsa", "rsa", "p384"] {
        for digest in ["sha256", "sha384", "sha512"] {
            let reply = tsa.reply(&query, unit, &format!("signer_digest = {digest}"));
            cases.push(case(format!("{unit} {digest}"), reply, pem.clone()));
        }
    }
    let reply = tsa.reply(&query, "rsa", "");
    for hash in ["sha256", "sha384", "sha512"] {
        let pss = ["-md", hash, "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
        cases.push(case(format!("pss {hash}"), tsa.signed_by(&reply, "rsa", &pss), pem.clone()));
    }
    for more in [
        "clock_precision_digits = 6",
        "accuracy = microsecs:1",
        "tsa_name = no\nordering = no",
        "ess_cert_id_chain = yes",
        "ess_cert_id_alg = sha512",
    ] {
        cases.push(case(more, tsa.reply(&query, "tsa", more), pem.clone()));
    }
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
    for (unit, says) in [
        ("tls", "extendedKeyUsage=critical,serverAuth"),
        ("two", "extendedKeyUsage=critical,timeStamping,serverAuth"),
        ("mild", "extendedKeyUsage=timeStamping"),
        ("any", "extendedKeyUsage=critical,anyExtendedKeyUsage"),
        ("none", "keyUsage=digitalSignature"),
    ] {
        tsa.unit(unit, P256, says);
        let reply = tsa.signed_by(&good, unit, &[]);
        cases.push(case(unit, reply.clone(), pem.clone()));
        cases.push(case(format!("{unit}, pinned"), reply, tsa.pem(unit)));
    }
    tsa.certificate("over", P256, FOR_TIMESTAMPS, "issuer", "-1");
    tsa.certificate("below", P256, FOR_TIMESTAMPS, "tsa", "30");
    tsa.certificate("old", P256, "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign", "root", "-1");
    tsa.certificate("late", P256, FOR_TIMESTAMPS, "old", "30");
    tsa.certificate(
        "web",
        P256,
        "basicConstraints=critical,CA:TRUE\nextendedKeyUsage=serverAuth",
        "root",
        "30",
    );
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
    fs::write(tsa.0.join("text"), TEXT).unwrap();
    tsa.openssl(&["ts", "-query", "-data", "text", "-sha256", "-no_nonce", "-out", "bare"]);
    let bare = tsa.reply(&fs::read(tsa.0.join("bare")).unwrap(), "tsa", "");
    cases.push(case("no certificate", bare, pem.clone()));
    let data =
        ["cms", "-sign", "-cades", "-binary", "-nodetach", "-outform", "DER", "-in", "info", "-out", "data"];
    tsa.openssl(&[&data[..], &["-signer", "tsa.pem", "-inkey", "tsa.key"]].concat());
    cases.push(case("another message", granted(&fs::read(tsa.0.join("data")).unwrap()), pem));
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
