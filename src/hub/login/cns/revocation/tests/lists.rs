//! Lists: what is believed, and each way not to be.

use super::{
    super::{
        Doubt,
        list::{Floor, List},
        question::{Point, Question},
        serial::Serial,
    },
    now,
    pki::{GOOD, HELD, LARGE, Pki, REVOKED, UNKNOWN},
};
use jiff::{SignedDuration, Timestamp};

const URL: &str = "http://crl.example.it/cns.crl";
const OTHER: &str = "ldap://ldap.example.it/cn=CRL,c=IT?certificateRevocationList;binary";

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn question(pki: &Pki, serial: &str) -> Question {
    Question::new(&pki.card(serial, None, &[URL, OTHER])).unwrap()
}

fn lookup(list: &List, question: &Question) -> Option<Timestamp> {
    list.lookup(question.serial, &question.points[0], now()).unwrap()
}

fn verify(pki: &Pki, octets: &[u8]) -> Result<List, &'static str> {
    List::verify(octets, &pki.authority(), now()).map_err(|doubt| doubt.rule)
}

fn refused(extensions: &str) -> &'static str {
    let pki = Pki::new("Emittente CNS");
    verify(&pki, &pki.list(extensions, Some("10"), &[])).unwrap_err()
}

#[test]
fn who_is_on_it_is_revoked_or_held_and_nobody_else() {
    let pki = Pki::new("Emittente CNS");
    let list = verify(&pki, &pki.good_list()).unwrap();
    let since = |serial| lookup(&list, &question(&pki, serial)).map(|since| since.to_string());
    assert_eq!(since(GOOD), None);
    assert_eq!(since(UNKNOWN), None);
    assert_eq!(since(REVOKED).unwrap(), "2026-11-01T12:00:00Z");
    assert_eq!(since(HELD).unwrap(), "2026-11-02T12:00:00Z");
    assert_eq!(since(LARGE).unwrap(), "2026-11-03T12:00:00Z");
}

#[test]
fn an_entry_counts_whatever_its_reason() {
    let pki = Pki::new("Emittente CNS");
    for reason in
        ["", ",unspecified", ",CACompromise", ",superseded", ",removeFromCRL", ",keyTime,20260101000000Z"]
    {
        pki.index(&[format!("R\t491231235959Z\t261101120000Z{reason}\t{REVOKED}\tunknown\t/CN=revoked")]);
        let list = verify(&pki, &pki.good_list()).unwrap();
        assert!(lookup(&list, &question(&pki, REVOKED)).is_some(), "{reason}");
        assert!(lookup(&list, &question(&pki, GOOD)).is_none(), "{reason}");
    }
}

#[test]
fn an_empty_list_revokes_nobody() {
    let pki = Pki::new("Emittente CNS");
    pki.index(&[]);
    let list = verify(&pki, &pki.good_list()).unwrap();
    assert_eq!(lookup(&list, &question(&pki, REVOKED)), None);
}

/// Old issuers make them: the signature, the name and the dates hold there as well.
#[test]
fn a_list_of_version_1_is_believed() {
    let pki = Pki::new("Emittente CNS");
    pki.index(&[format!("R\t491231235959Z\t261101120000Z\t{REVOKED}\tunknown\t/CN=revoked")]);
    let octets = pki.list("", None, &[]);
    let list = verify(&pki, &octets).unwrap();
    assert!(lookup(&list, &question(&pki, REVOKED)).is_some() && list.floor().number.is_none());
    assert!(lookup(&list, &question(&pki, GOOD)).is_none());
    let text = super::pki::openssl(&pki.folder, &["crl", "-in", "list.pem", "-noout", "-text"]);
    assert!(String::from_utf8_lossy(&text).contains("Version 1 (0x0)"));
}

#[test]
fn a_list_holds_from_its_beginning_to_its_end() {
    let pki = Pki::new("Emittente CNS");
    let octets = pki.list("authorityKeyIdentifier = keyid", Some("10"), &["-crlhours", "1"]);
    let rule = |seconds| {
        List::verify(&octets, &pki.authority(), later(seconds)).err().map(|doubt: Doubt| doubt.rule)
    };
    assert_eq!([rule(0), rule(3630), rule(-50)], [None, None, None]);
    assert_eq!([rule(3670), rule(86_400), rule(-70)], [Some("dates"); 3]);
    let list = verify(&pki, &octets).unwrap();
    let asked = question(&pki, GOOD);
    assert_eq!(list.lookup(asked.serial, &asked.points[0], later(3670)).unwrap_err().rule, "dates");
}

#[test]
fn another_issuers_list_is_refused_whatever_its_name() {
    let (pki, sibling, rogue) = (Pki::new("Emittente CNS"), Pki::new("Fratello"), Pki::new("Emittente CNS"));
    assert_eq!(verify(&pki, &sibling.good_list()).unwrap_err(), "issuer");
    assert_eq!(verify(&pki, &rogue.good_list()).unwrap_err(), "signature");
}

#[test]
fn a_list_that_was_changed_is_refused() {
    let pki = Pki::new("Emittente CNS");
    let octets = pki.good_list();
    let removed = super::pki::swap(&octets, &[0x7f, 0, 0, 0, 0, 0, 0, 2], &[0x7f, 0, 0, 0, 0, 0, 0, 9]);
    assert_eq!(verify(&pki, &removed).unwrap_err(), "signature");
    assert_eq!(verify(&pki, &octets[..octets.len() - 1]).unwrap_err(), "form");
    assert_eq!(verify(&pki, &[&octets[..], &[0]].concat()).unwrap_err(), "form");
    assert_eq!(verify(&pki, b"<html>404</html>").unwrap_err(), "form");
    assert_eq!(verify(&pki, &vec![0; 32 * 1024 * 1024 + 1]).unwrap_err(), "size");
}

#[test]
fn a_weak_digest_is_refused() {
    let pki = Pki::new("Emittente CNS");
    let octets = pki.list("authorityKeyIdentifier = keyid", Some("10"), &["-md", "sha1"]);
    assert_eq!(verify(&pki, &octets).unwrap_err(), "algorithm");
}

#[test]
fn a_part_of_a_list_is_refused() {
    assert_eq!(refused("2.5.29.27 = critical,DER:020101"), "delta");
    assert_eq!(refused("2.5.29.27 = DER:020101"), "delta");
    assert_eq!(refused("1.2.3.4 = critical,DER:0500"), "critical");
    assert_eq!(refused("issuingDistributionPoint = critical,@idp\n[idp]\nindirectCRL = TRUE"), "scope");
    assert_eq!(refused("issuingDistributionPoint = critical,@idp\n[idp]\nonlyCA = TRUE"), "scope");
    assert_eq!(refused("issuingDistributionPoint = critical,@idp\n[idp]\nonlyAA = TRUE"), "scope");
    let some = "issuingDistributionPoint = critical,@idp\n[idp]\nonlysomereasons = keyCompromise";
    assert_eq!(refused(some), "scope");
    let relative = "issuingDistributionPoint = critical,@idp\n[idp]\nrelativename = rdn\n[rdn]\nCN = 1";
    assert_eq!(refused(relative), "point");
}

#[test]
fn a_list_of_a_point_is_of_the_cards_that_name_it() {
    let pki = Pki::new("Emittente CNS");
    let rule = |text: &str| {
        let extensions = format!("issuingDistributionPoint = critical,@idp\n[idp]\n{text}");
        let list = verify(&pki, &pki.list(&extensions, Some("10"), &[])).unwrap();
        let asked = question(&pki, REVOKED);
        list.lookup(asked.serial, &asked.points[0], now())
            .map(|since| since.is_some())
            .map_err(|doubt| doubt.rule)
    };
    assert_eq!(rule("onlyuser = TRUE"), Ok(true));
    assert_eq!(rule(&format!("fullname = URI:{URL}\nonlyuser = TRUE")), Ok(true));
    assert_eq!(rule(&format!("fullname = URI:http://elsewhere.example.it/,URI:{URL}")), Ok(true));
    assert_eq!(rule("fullname = URI:http://crl.example.it/other.crl"), Err("point"));
}

#[test]
fn no_list_takes_the_place_of_a_newer_one() {
    let pki = Pki::new("Emittente CNS");
    let point = format!("issuingDistributionPoint = critical,@idp\n[idp]\nfullname = URI:{URL}");
    let list = |number| verify(&pki, &pki.list(&point, Some(number), &[])).unwrap();
    let (before, after, long) = (list("10"), list("11"), list("0100"));
    assert!(after.not_below(&before.floor()).is_ok() && before.not_below(&before.floor()).is_ok());
    assert!(long.not_below(&after.floor()).is_ok());
    let earlier = |mut floor: Floor| {
        floor.made = later(-60);
        floor
    };
    assert_eq!(before.not_below(&earlier(after.floor())).unwrap_err().rule, "older");
    assert_eq!(after.not_below(&earlier(long.floor())).unwrap_err().rule, "older");
    let bare = verify(&pki, &pki.list(&point, None, &[])).unwrap();
    assert_eq!(bare.not_below(&earlier(after.floor())).unwrap_err().rule, "older", "no number any more");
    let mut floor = after.floor();
    floor.made = later(60);
    assert_eq!(long.not_below(&floor).unwrap_err().rule, "older", "of an earlier date");
}

/// Two lists of one issuer, each for a part of its cards, that do not say for which: the other's number is no floor, its date is.
#[test]
fn the_number_of_a_list_that_names_no_point_is_no_floor() {
    let pki = Pki::new("Emittente CNS");
    let list = |number| verify(&pki, &pki.list("authorityKeyIdentifier = keyid", number, &[])).unwrap();
    let (ours, other) = (list(Some("10")), list(Some("0100")));
    let mut floor = other.floor();
    floor.made = ours.made();
    assert!(ours.not_below(&floor).is_ok() && list(None).not_below(&floor).is_ok());
    pki.index(&[]);
    let first = verify(&pki, &pki.list("", None, &[])).unwrap();
    assert!(first.not_below(&floor).is_ok(), "of version 1");
    floor.made = later(60);
    assert_eq!([ours, first].map(|list| list.not_below(&floor).unwrap_err().rule), ["older"; 2]);
}

#[test]
fn a_point_of_another_issuer_or_of_some_reasons_is_not_asked() {
    let pki = Pki::new("Emittente CNS");
    let points = |text: &str| {
        let settings = format!(
            "[req]\ndistinguished_name = dn\n[dn]\n[card]\ncrlDistributionPoints = at\n[at]\n{text}\n"
        );
        pki.write("card.cnf", settings.as_bytes());
        let card = pki.issue("card", GOOD, &[], &["-config", "card.cnf", "-extensions", "card"]);
        Question::new(&card).unwrap().points
    };
    let urls = |points: Vec<Point>| points.iter().flat_map(|point| point.urls.clone()).count();
    assert_eq!(urls(points(&format!("fullname = URI:{URL}"))), 1);
    assert_eq!(urls(points(&format!("fullname = URI:{URL}\nreasons = keyCompromise"))), 0);
    let other = format!("fullname = URI:{URL}\nCRLissuer = dirName:who\n[who]\nCN = Altro");
    assert_eq!(urls(points(&other)), 0);
    for refused in [
        "ftp://a.example.it/",
        "file:///etc/passwd",
        "http://u:p@a.example.it/",
        "ldap:///cn=a",
        "gopher://a/",
    ] {
        assert_eq!(urls(points(&format!("fullname = URI:{refused}"))), 0, "{refused}");
    }
}

#[test]
fn serials_are_told_apart_by_every_octet() {
    let serial =
        |octets: &[u8]| Serial::from_der(&[&[2, u8::try_from(octets.len()).unwrap()], octets].concat());
    let all: Vec<_> = [&[0][..], &[1], &[0x7f], &[0, 0x80], &[0x80], &[1, 0], &[1, 0, 0]]
        .map(|o| serial(o).unwrap())
        .into();
    for (n, one) in all.iter().enumerate() {
        assert_eq!(all.iter().filter(|other| *other == one).count(), 1, "{n}");
    }
    assert_eq!(serial(&[1; 22]).unwrap_err().rule, "serial");
    assert_eq!(serial(&[0, 1]).unwrap_err().rule, "form", "a zero too much");
}

/// A value in DER.
pub fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match content.len() {
        0..128 => vec![tag, length[1]],
        128..256 => vec![tag, 0x81, length[1]],
        _ => vec![tag, 0x82, length[0], length[1]],
    };
    [header, content.to_vec()].concat()
}

/// The parts of a list that the issuer signs: what an issuer would have to do wrong.
struct Parts {
    version: Vec<u8>,
    algorithm: Vec<u8>,
    dates: Vec<u8>,
    entry: Vec<u8>,
    extensions: Vec<Vec<u8>>,
}

const SHA256: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const SHA384: &[u8] = &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];

fn time(seconds: i64) -> Vec<u8> {
    der(0x18, later(seconds).strftime("%Y%m%d%H%M%SZ").to_string().as_bytes())
}

fn extension(oid: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    der(0x30, &[&der(6, oid), critical, &der(4, value)].concat())
}

/// What is said of a list that the issuer made so.
fn made(change: impl FnOnce(&mut Parts)) -> Result<List, &'static str> {
    let pki = Pki::new("Emittente CNS");
    let mut parts = Parts {
        version: vec![2, 1, 1],
        algorithm: SHA256.to_vec(),
        dates: [time(-60), time(3600)].concat(),
        entry: [&[2, 1, 7][..], &time(-90)].concat(),
        extensions: vec![extension(&[0x55, 0x1d, 20], false, &[2, 1, 9])],
    };
    change(&mut parts);
    let extensions = match parts.extensions.concat() {
        none if none.is_empty() => none,
        some => der(0xa0, &der(0x30, &some)),
    };
    let name = pki.authority().name;
    let entries = der(0x30, &der(0x30, &parts.entry));
    let algorithm = der(0x30, &parts.algorithm);
    let body = der(0x30, &[parts.version, algorithm, name, parts.dates, entries, extensions].concat());
    let key = openssl::pkey::PKey::private_key_from_pem(&pki.read("ca.key")).unwrap();
    let mut signer = openssl::sign::Signer::new(openssl::hash::MessageDigest::sha256(), &key).unwrap();
    let signature = [&[0][..], &signer.sign_oneshot_to_vec(&body).unwrap()].concat();
    verify(&pki, &der(0x30, &[body, der(0x30, SHA256), der(3, &signature)].concat()))
}

#[test]
fn what_the_issuer_itself_signs_must_make_sense() {
    let refused = |change: fn(&mut Parts)| made(change).unwrap_err();
    assert!(made(|_| ()).is_ok());
    let first = |list: &mut Parts| (list.version, list.extensions) = (Vec::new(), Vec::new());
    assert!(made(first).is_ok());
    assert_eq!(refused(|list| list.version.clear()), "version", "extensions in version 1");
    assert_eq!(refused(|list| list.version[2] = 0), "version");
    assert_eq!(refused(|list| list.version[2] = 2), "version");
    assert_eq!(refused(|list| list.algorithm = SHA384.to_vec()), "algorithm", "another inside");
    assert_eq!(refused(|list| list.dates = time(-60)), "form", "no end");
    assert_eq!(refused(|list| list.dates = [time(3600), time(60)].concat()), "dates");
    assert_eq!(
        refused(|list| list.dates = [time(-60), time(-90)].concat()),
        "dates",
        "it ends before it begins"
    );
    assert_eq!(refused(|list| list.extensions.push(list.extensions[0].clone())), "critical", "twice");
    assert_eq!(
        refused(|list| list.extensions[0] = extension(&[0x55, 0x1d, 20], false, &der(2, &[1; 21]))),
        "form"
    );
    assert_eq!(refused(|list| list.entry[2..].fill(0)), "form");
    assert_eq!(refused(|list| list.entry = [der(2, &[1; 22]), time(-90)].concat()), "serial");
}

#[test]
fn an_entry_must_make_sense() {
    let with = |oid: &'static [u8], critical, first| {
        made(move |list| {
            list.entry.extend(der(0x30, &extension(oid, critical, &[0x30, 0])));
            if first {
                (list.version, list.extensions) = (Vec::new(), Vec::new());
            }
        })
    };
    let (invalidity, issuer, unknown): (&[u8], &[u8], &[u8]) =
        (&[0x55, 0x1d, 24], &[0x55, 0x1d, 29], &[0x2a, 3, 4]);
    assert_eq!(with(invalidity, true, false).err(), None);
    assert_eq!(with(unknown, false, false).err(), None);
    assert_eq!(with(unknown, true, false).unwrap_err(), "critical");
    assert_eq!(with(issuer, true, false).unwrap_err(), "critical", "of another issuer");
    assert_eq!(with(issuer, false, false).unwrap_err(), "scope", "of another issuer");
    assert_eq!(with(invalidity, false, true).unwrap_err(), "version", "extensions in version 1");
}
