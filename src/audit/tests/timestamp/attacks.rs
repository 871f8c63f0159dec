//! What is no timestamp of this text by this authority.

use crate::{
    TEXT, query, root,
    tsa::{FOR_TIMESTAMPS, P256, RSA, Tsa, granted},
};
use varco_audit::timestamp::{Authority, BadTimestamp, Nonce, Query, verify};

/// Whether it is refused since nobody who is trusted vouches for it.
fn of_nobody(reply: &[u8], tsa: &Tsa) -> bool {
    let error = refused(reply, tsa);
    assert!(matches!(error, BadTimestamp::OtherAuthority(_)), "{error:?}");
    true
}

fn refused(reply: &[u8], tsa: &Tsa) -> BadTimestamp {
    verify(reply, TEXT, Some(&query().nonce), &root(tsa)).unwrap_err()
}

#[test]
fn another_text_and_another_question() {
    let tsa = Tsa::new("other-text");
    let reply = tsa.reply(&query().octets, "tsa", "");
    let nonce = Some(&query().nonce).cloned();
    assert_eq!(verify(&reply, b"another text\n", nonce.as_ref(), &root(&tsa)), Err(BadTimestamp::OtherText));
    let other = Nonce::new([8; 16]).unwrap();
    assert_eq!(verify(&reply, TEXT, Some(&other), &root(&tsa)), Err(BadTimestamp::OtherNonce));

    std::fs::write(tsa.0.join("text"), TEXT).unwrap();
    for words in [&["-no_nonce", "-sha256"][..], &["-sha512"]] {
        let ask = ["ts", "-query", "-data", "text", "-cert", "-out", "theirs"];
        tsa.openssl(&[&ask[..], words].concat());
        let reply = tsa.reply(&std::fs::read(tsa.0.join("theirs")).unwrap(), "tsa", "");
        let is_plain = words.contains(&"-no_nonce");
        let why = if is_plain { BadTimestamp::OtherNonce } else { BadTimestamp::OtherText };
        assert_eq!(refused(&reply, &tsa), why);
        assert_eq!(verify(&reply, TEXT, None, &root(&tsa)).is_ok(), is_plain);
    }
}

#[test]
fn an_authority_that_refuses_is_heard() {
    let tsa = Tsa::new("refuses");
    let reply = tsa.reply(&query().octets, "tsa", "digests = sha512");
    let Err(BadTimestamp::Refused { status: 2, text }) = verify(&reply, TEXT, None, &root(&tsa)) else {
        panic!("{:?}", verify(&reply, TEXT, None, &root(&tsa)))
    };
    assert!(text.contains("not supported"), "{text}");
}

#[test]
fn another_purpose_is_refused() {
    let tsa = Tsa::new("purpose");
    let good = tsa.reply(&query().octets, "tsa", "");
    for (unit, says) in [
        ("tls", "extendedKeyUsage=critical,serverAuth"),
        ("two", "extendedKeyUsage=critical,timeStamping,serverAuth"),
        ("mild", "extendedKeyUsage=timeStamping"),
        ("any", "extendedKeyUsage=critical,anyExtendedKeyUsage"),
        ("none", "keyUsage=digitalSignature"),
    ] {
        tsa.unit(unit, P256, says);
        assert_eq!(refused(&tsa.signed_by(&good, unit, &[]), &tsa), BadTimestamp::OtherPurpose, "{unit}");
        let pinned = Authority::from_pem(&tsa.pem(unit)).unwrap();
        let reply = tsa.signed_by(&good, unit, &[]);
        assert_eq!(verify(&reply, TEXT, None, &pinned), Err(BadTimestamp::OtherPurpose), "{unit}, pinned");
    }
    // The same way with the right purpose is taken, so nothing else was wrong.
    assert!(verify(&tsa.signed_by(&good, "tsa", &[]), TEXT, None, &root(&tsa)).is_ok());
}

#[test]
fn a_certificate_out_of_its_time_or_of_nobody_is_refused() {
    let tsa = Tsa::new("time");
    tsa.certificate("over", P256, FOR_TIMESTAMPS, "issuer", "-1");
    tsa.certificate("below", P256, FOR_TIMESTAMPS, "tsa", "30");
    tsa.certificate("old", P256, "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign", "root", "-1");
    tsa.certificate("late", P256, FOR_TIMESTAMPS, "old", "30");
    // Stamped after all of them began.
    let good = tsa.reply(&query().octets, "tsa", "");
    let over = tsa.signed_by(&good, "over", &[]);
    assert_eq!(refused(&over, &tsa), BadTimestamp::OutOfTime);
    let pinned = Authority::from_pem(&tsa.pem("over")).unwrap();
    assert_eq!(verify(&over, TEXT, None, &pinned), Err(BadTimestamp::OutOfTime));

    let stranger = Tsa::new("stranger");
    assert!(of_nobody(&stranger.reply(&query().octets, "tsa", ""), &tsa));
    // A unit is no authority: what it signs below itself is not believed.
    assert!(of_nobody(&tsa.signed_by(&good, "below", &["-certfile", "tsa.pem"]), &tsa));
    // An issuer whose own time is over.
    assert!(of_nobody(&tsa.signed_by(&good, "late", &["-certfile", "old.pem"]), &tsa));
}

#[test]
fn sha_1_and_short_keys_are_refused() {
    let tsa = Tsa::new("weak");
    tsa.unit("rsa", RSA, FOR_TIMESTAMPS);
    tsa.unit("short", &["-newkey", "rsa:1024"], FOR_TIMESTAMPS);
    let query = query();
    let good = tsa.reply(&query.octets, "rsa", "");
    assert_eq!(refused(&tsa.signed_by(&good, "rsa", &["-md", "sha1"]), &tsa), BadTimestamp::Wrong);
    assert_eq!(refused(&tsa.signed_by(&good, "short", &[]), &tsa), BadTimestamp::Wrong);
    // The certificate named by SHA-1: ESSCertID in place of ESSCertIDv2.
    let named = tsa.reply(&query.octets, "rsa", "ess_cert_id_alg = sha1");
    assert_eq!(refused(&named, &tsa), BadTimestamp::NoCertificate);
    std::fs::write(tsa.0.join("text"), TEXT).unwrap();
    tsa.openssl(&["ts", "-query", "-data", "text", "-sha1", "-cert", "-out", "sha1"]);
    let theirs = std::fs::read(tsa.0.join("sha1")).unwrap();
    let reply = tsa.reply(&theirs, "rsa", "digests = sha1");
    assert_eq!(verify(&reply, TEXT, None, &root(&tsa)), Err(BadTimestamp::OtherText));
}

#[test]
fn without_its_certificate_or_as_another_message_it_is_nothing() {
    let tsa = Tsa::new("bare");
    let query = query();
    std::fs::write(tsa.0.join("text"), TEXT).unwrap();
    tsa.openssl(&["ts", "-query", "-data", "text", "-sha256", "-no_nonce", "-out", "bare"]);
    let reply = tsa.reply(&std::fs::read(tsa.0.join("bare")).unwrap(), "tsa", "");
    assert_eq!(verify(&reply, TEXT, None, &root(&tsa)), Err(BadTimestamp::NoCertificate));

    let good = tsa.reply(&query.octets, "tsa", "");
    // Without signed attributes, and any other signed message of the same key.
    assert!(verify(&tsa.signed_by(&good, "tsa", &["-noattr"]), TEXT, None, &root(&tsa)).is_err());
    tsa.openssl(&[
        "cms",
        "-sign",
        "-cades",
        "-binary",
        "-nodetach",
        "-outform",
        "DER",
        "-in",
        "info",
        "-out",
        "data",
        "-signer",
        "tsa.pem",
        "-inkey",
        "tsa.key",
    ]);
    let data = std::fs::read(tsa.0.join("data")).unwrap();
    assert_eq!(verify(&granted(&data), TEXT, None, &root(&tsa)), Err(BadTimestamp::Malformed));
    for end in 0..good.len() {
        assert!(verify(&good[..end], TEXT, None, &root(&tsa)).is_err(), "{end}");
    }
    assert_eq!(refused(&[&good[..], b"\0"].concat(), &tsa), BadTimestamp::Malformed);
    assert_eq!(refused(&vec![0x30; 1 << 17], &tsa), BadTimestamp::Malformed);
    let other = Query::new(TEXT, Nonce::new([0; 16]).unwrap()).unwrap();
    assert_eq!(verify(&good, TEXT, Some(&other.nonce), &root(&tsa)), Err(BadTimestamp::OtherNonce));
}
