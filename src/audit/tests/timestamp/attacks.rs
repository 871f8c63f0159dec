//! What is no timestamp of this text by this authority.

use crate::{
    TEXT, query, root,
    tsa::{FOR_TIMESTAMPS, OTHER_PURPOSES, P256, RSA, Tsa},
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

    for words in [&["-cert", "-no_nonce", "-sha256"][..], &["-cert", "-sha512"]] {
        let reply = tsa.asked(TEXT, words, "tsa", "");
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
    for (unit, says) in OTHER_PURPOSES {
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
    tsa.units_of_nobody();
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
    let reply = tsa.asked(TEXT, &["-cert", "-sha1"], "rsa", "digests = sha1");
    assert_eq!(verify(&reply, TEXT, None, &root(&tsa)), Err(BadTimestamp::OtherText));
}

#[test]
fn without_its_certificate_or_as_another_message_it_is_nothing() {
    let tsa = Tsa::new("bare");
    let query = query();
    let reply = tsa.asked(TEXT, &["-no_nonce", "-sha256"], "tsa", "");
    assert_eq!(verify(&reply, TEXT, None, &root(&tsa)), Err(BadTimestamp::NoCertificate));

    let good = tsa.reply(&query.octets, "tsa", "");
    // Without signed attributes, and any other signed message of the same key.
    assert!(verify(&tsa.signed_by(&good, "tsa", &["-noattr"]), TEXT, None, &root(&tsa)).is_err());
    let data = tsa.as_another_message();
    assert_eq!(verify(&data, TEXT, None, &root(&tsa)), Err(BadTimestamp::Malformed));
    for end in 0..good.len() {
        assert!(verify(&good[..end], TEXT, None, &root(&tsa)).is_err(), "{end}");
    }
    assert_eq!(refused(&[&good[..], b"\0"].concat(), &tsa), BadTimestamp::Malformed);
    assert_eq!(refused(&vec![0x30; 1 << 17], &tsa), BadTimestamp::Malformed);
    let other = Query::new(TEXT, Nonce::new([0; 16]).unwrap()).unwrap();
    assert_eq!(verify(&good, TEXT, Some(&other.nonce), &root(&tsa)), Err(BadTimestamp::OtherNonce));
}
