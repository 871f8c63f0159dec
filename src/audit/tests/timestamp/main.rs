//! Timestamps (RFC 3161) against OpenSSL's own authority.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

mod attacks;
mod second;
mod sweep;
mod tsa;

use jiff::Timestamp;
use tsa::{FOR_TIMESTAMPS, HABITS, Kind, P256, Tsa};
use varco_audit::timestamp::{Authority, Nonce, Query, Stamp, verify};

const TEXT: &[u8] = b"hub.example.it/log\n1700\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";

fn query() -> Query {
    Query::new(TEXT, Nonce::new([7; 16]).unwrap()).unwrap()
}

fn root(tsa: &Tsa) -> Authority {
    Authority::from_pem(&tsa.pem("root")).unwrap()
}

fn is_now(stamp: &Stamp) -> bool {
    #[expect(clippy::disallowed_methods, reason = "the authority of the test has the machine's clock")]
    let now = Timestamp::now();
    now.duration_since(stamp.at).abs() < jiff::SignedDuration::from_mins(5)
}

#[test]
fn openssl_reads_what_is_asked() {
    let tsa = Tsa::new("query");
    std::fs::write(tsa.0.join("ours"), query().octets).unwrap();
    let said = String::from_utf8(tsa.openssl(&["ts", "-query", "-in", "ours", "-text"])).unwrap();
    for line in
        ["Version: 1", "Hash Algorithm: sha256", "Policy OID: unspecified", "Certificate required: yes"]
    {
        assert!(said.contains(line), "{said}");
    }
    assert!(said.contains("Nonce: 0x4707070707070707"), "{said}");
}

#[test]
fn what_an_authority_stamps_is_verified_and_openssl_agrees() {
    let tsa = Tsa::new("good");
    let query = query();
    let reply = tsa.reply(&query.octets, "tsa", "");
    let stamp = verify(&reply, TEXT, Some(&query.nonce), &root(&tsa)).unwrap();
    assert!(is_now(&stamp), "{stamp:?}");
    assert_eq!((&*stamp.policy, &*stamp.by), ("1.3.6.1.4.1.32473.1", "CN=tsa,O=Prova"));
    assert_eq!(stamp.accuracy.unwrap().as_millis(), 1500);
    assert_eq!(verify(&reply, TEXT, None, &root(&tsa)).unwrap(), stamp);

    std::fs::write(tsa.0.join("text"), TEXT).unwrap();
    let words = ["ts", "-verify", "-in", "reply", "-data", "text", "-CAfile", "root.pem"];
    tsa.openssl(&words);
}

#[test]
fn each_kind_of_key_and_hash_is_known() {
    let (tsa, query) = (Tsa::new("kinds"), query());
    for Kind { name, reply, is_known } in tsa.kinds(&query.octets) {
        let verified = verify(&reply, TEXT, Some(&query.nonce), &root(&tsa));
        assert_eq!(verified.is_ok(), is_known, "{name}: {verified:?}");
        assert!(verified.is_err() || is_now(&verified.unwrap()), "{name}");
    }
}

#[test]
fn what_authorities_may_do_otherwise_is_taken() {
    let tsa = Tsa::new("otherwise");
    let query = query();
    for more in HABITS {
        let reply = tsa.reply(&query.octets, "tsa", more);
        let stamp = verify(&reply, TEXT, Some(&query.nonce), &root(&tsa));
        assert!(is_now(&stamp.unwrap_or_else(|error| panic!("{more}: {error}"))), "{more}");
    }
}

/// Trust lists publish the unit's own certificate as often as its issuer's.
#[test]
fn any_certificate_of_the_way_may_be_pinned() {
    let tsa = Tsa::new("pinned");
    let query = query();
    let reply = tsa.reply(&query.octets, "tsa", "");
    for pinned in ["root", "issuer", "tsa"] {
        let authority = Authority::from_pem(&tsa.pem(pinned)).unwrap();
        assert!(verify(&reply, TEXT, Some(&query.nonce), &authority).is_ok(), "{pinned}");
    }
    let several = [tsa.pem("root"), tsa.pem("tsa")].concat();
    assert!(verify(&reply, TEXT, None, &Authority::from_pem(&several).unwrap()).is_ok());
    tsa.unit("self", P256, FOR_TIMESTAMPS);
    for bad in [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(Authority::from_pem(bad).is_err());
    }
}
