//! A card's standing over the network of this machine: what the citizen's login would be told.

use super::{
    super::{
        Revocation, Settings,
        kept::{Folder, Memory},
        list::List,
        question::Authority,
    },
    answers::DELEGATED,
    now,
    pki::{GOOD, HELD, Pki, REVOKED, UNKNOWN},
    servers::{Says, Web, free_port, ok, responder, responder_of, status},
};
use crate::login::cns::standing::{Source, Standing};
use jiff::{SignedDuration, Timestamp};
use openssl::x509::X509;
use std::path::Path;

pub fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// One that may ask loopback, which an operator would have to write, and waits so many seconds.
pub fn waiting(folder: &Path, timeout: u64) -> Revocation {
    let settings =
        Settings { timeout, networks: vec!["127.0.0.0/8".parse().unwrap()], ..Settings::default() };
    Revocation::new(&settings, folder.join("lists")).unwrap()
}

/// The same, which waits longer than this machine should need.
pub fn revocation(folder: &Path) -> Revocation {
    waiting(folder, 20)
}

/// What is said, in a word, with the rules that were broken on the way.
pub fn word(standing: &Standing) -> String {
    let source = |source| if source == Source::Ocsp { "ocsp" } else { "crl" };
    match standing {
        Standing::Good(proof) => format!("good {}", source(proof.source)),
        Standing::Revoked { proof, .. } => format!("revoked {}", source(proof.source)),
        Standing::Unknown(proof) => format!("unknown {}", source(proof.source)),
        Standing::Unaskable(tried) => format!("unaskable {}", rules(tried)),
        Standing::Silent(tried) => format!("silent {}", rules(tried)),
    }
}

fn rules(tried: &[String]) -> String {
    let rules: Vec<_> = tried.iter().filter_map(|one| one.split(": ").nth(1)).collect();
    rules.join(" ")
}

async fn asked(pki: &Pki, serial: &str, ocsp: Option<&str>, lists: &[&str]) -> String {
    let card = pki.card(serial, ocsp, lists);
    word(&revocation(&pki.folder).standing(&card, &pki.certificate(), now()).await)
}

/// A web server with the authority's list.
fn listed(pki: &Pki) -> Web {
    let list = pki.good_list();
    Web::new(move |_| ok(&list))
}

#[tokio::test]
async fn a_responder_says_good_revoked_and_unknown() {
    let pki = Pki::new("Emittente CNS");
    pki.responder("responder", DELEGATED);
    for signer in ["ca", "responder"] {
        let (_running, url) = responder(&pki.folder, signer);
        for (serial, says) in [(GOOD, "good"), (REVOKED, "revoked"), (HELD, "revoked"), (UNKNOWN, "unknown")]
        {
            assert_eq!(asked(&pki, serial, Some(&url), &[]).await, format!("{says} ocsp"));
        }
    }
}

/// The name of the issuer in the card is written in another way than in the certificate that the trust list has: a responder
/// knows the card by what is in it, and signs in either way, as lists are.
#[tokio::test]
async fn an_issuer_may_write_its_name_in_another_way() {
    let pki = Pki::new("Emittente CNS");
    pki.other_writing("emittente  CNS");
    let written = X509::from_pem(&pki.read("other.pem")).unwrap();
    assert_ne!(Authority::new(&written).unwrap().name, pki.authority().name);
    let other = ["-CA", "other.pem", "-CAkey", "ca.key"];
    let issue = |file: &str, serial: &str, lines: &str| {
        pki.write("as.cnf", format!("[req]\ndistinguished_name = dn\n[dn]\n[as]\n{lines}\n").as_bytes());
        pki.issue(file, serial, &[], &[&["-config", "as.cnf", "-extensions", "as"], &other[..]].concat())
    };
    issue("named", "7e07", "extendedKeyUsage = OCSPSigning\nnoCheck = ignored");
    for signer in ["ca", "other", "named"] {
        let (_running, url) = responder_of(&pki.folder, "other.pem", signer);
        for (serial, says) in [(GOOD, "good ocsp"), (REVOKED, "revoked ocsp"), (UNKNOWN, "unknown ocsp")] {
            let card = issue("card", serial, &format!("authorityInfoAccess = OCSP;URI:{url}"));
            let said = revocation(&pki.folder).standing(&card, &pki.certificate(), now()).await;
            assert_eq!(word(&said), says, "{signer}");
        }
    }
    let list = pki.list("authorityKeyIdentifier = keyid", Some("10"), &["-cert", "other.pem"]);
    let web = Web::new(move |_| ok(&list));
    let card = issue("card", REVOKED, &format!("crlDistributionPoints = URI:{}", web.url));
    let said = revocation(&pki.folder).standing(&card, &pki.certificate(), now()).await;
    assert_eq!(word(&said), "revoked crl");
}

#[tokio::test]
async fn what_is_kept_of_an_answer_proves_it() {
    let pki = Pki::new("Emittente CNS");
    let (_running, url) = responder(&pki.folder, "ca");
    let card = pki.card(REVOKED, Some(&url), &[]);
    let standing = revocation(&pki.folder).standing(&card, &pki.certificate(), now()).await;
    let Standing::Revoked { since, proof } = standing else { panic!("{standing:?}") };
    assert_eq!((since.to_string().as_str(), proof.url.as_str()), ("2026-11-01T12:00:00Z", url.as_str()));
    let octets = proof.answer.unwrap();
    assert_eq!(openssl::sha::sha256(&octets), proof.digest);
    pki.write("kept.der", &octets);
    let check = ["ocsp", "-respin", "kept.der", "-issuer", "ca.pem", "-CAfile", "ca.pem", "-no_nonce"];
    let card = format!("card-{REVOKED}.pem");
    let text = super::pki::openssl(&pki.folder, &[&check[..], &["-cert", &card]].concat());
    assert!(String::from_utf8_lossy(&text).contains(": revoked"));
}

/// The responder fails in each way a responder can; the list answers in its place, and says revoked where it is.
#[tokio::test]
async fn where_the_responder_fails_the_list_answers() {
    let pki = Pki::new("Emittente CNS");
    let list = listed(&pki);
    let answer = pki.answer(&pki.asked(GOOD).octets, &pki, "ca", &[]);
    let half = answer[..answer.len() / 2].to_vec();
    let ways: [(&str, Says); 9] = [
        ("silence", Box::new(|_| Vec::new())),
        ("http", Box::new(|_| status("500 Internal Server Error"))),
        (
            "http",
            Box::new(|_| {
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec()
            }),
        ),
        ("size", Box::new(|_| ok(&vec![0x30; 70_000]))),
        ("form", Box::new(move |_| ok(&half))),
        ("silence", Box::new(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc".to_vec())),
        ("status", Box::new(|_| ok(&[0x30, 3, 0x0a, 1, 3]))),
        ("status", Box::new(|_| ok(&[0x30, 3, 0x0a, 1, 6]))),
        ("replay", Box::new(move |_| ok(&answer))),
    ];
    for (rule, says) in ways {
        let web = Web::new(move |body| says(body));
        let (us, issuer) = (waiting(&pki.folder, 2), pki.certificate());
        let lists = [list.url.as_str()];
        let cards = [(GOOD, &[][..]), (GOOD, &lists), (REVOKED, &lists)]
            .map(|(serial, lists)| pki.card(serial, Some(&web.url), lists));
        let ask = async |card| word(&us.standing(card, &issuer, now()).await);
        let (alone, good, revoked) = tokio::join!(ask(&cards[0]), ask(&cards[1]), ask(&cards[2]));
        let alone = alone.trim_start_matches("silent ");
        assert_eq!([alone, &good, &revoked], [rule, "good crl", "revoked crl"], "{rule}");
    }
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    assert_eq!(asked(&pki, REVOKED, Some(&nobody), &[&list.url]).await, "revoked crl");
    assert_eq!(asked(&pki, GOOD, Some(&nobody), &[]).await, "silent silence");
    assert_eq!(asked(&pki, GOOD, None, &[&list.url]).await, "good crl");
    assert_eq!(asked(&pki, GOOD, None, &[]).await, "unaskable ");
    assert_eq!(asked(&pki, GOOD, Some("ftp://127.0.0.1/"), &["file:///crl"]).await, "unaskable ");
    assert_eq!(asked(&pki, GOOD, Some("http://10.0.0.1/"), &[]).await, "unaskable network");
    assert_eq!(asked(&pki, GOOD, Some("http://10.0.0.1/"), &[&nobody]).await, "silent network silence");
}

/// A recorded "good" is sent again after the card was revoked, with and without the nonce of then.
#[tokio::test]
async fn a_replayed_answer_does_not_hide_a_revocation() {
    let pki = Pki::new("Emittente CNS");
    let list = listed(&pki);
    let recorded = pki.answer(&pki.asked(REVOKED).octets, &pki, "ca", &["-ndays", "7"]);
    let web = Web::new(move |_| ok(&recorded));
    assert_eq!(asked(&pki, REVOKED, Some(&web.url), &[&list.url]).await, "revoked crl");
    let forged = Pki::new("Emittente CNS");
    forged.index(&[format!("V\t491231235959Z\t\t{REVOKED}\tunknown\t/CN=good")]);
    let (_running, url) = responder(&forged.folder, "ca");
    assert_eq!(asked(&pki, REVOKED, Some(&url), &[]).await, "silent signature");
    assert_eq!(asked(&pki, REVOKED, Some(&url), &[&list.url]).await, "revoked crl");
}

#[tokio::test]
async fn a_responder_without_nocheck_is_believed_when_the_list_vouches_for_it() {
    let pki = Pki::new("Emittente CNS");
    let list = listed(&pki);
    let use_it = "extendedKeyUsage = OCSPSigning";
    pki.issue_at("vouched", "7e01", use_it, None, &[&list.url]);
    pki.issue_at("revoked", REVOKED, use_it, None, &[&list.url]);
    pki.issue_at("alone", "7e03", use_it, None, &[]);
    for (signer, says) in
        [("vouched", "good ocsp"), ("revoked", "silent signer-standing"), ("alone", "silent signer-standing")]
    {
        let (_running, url) = responder(&pki.folder, signer);
        assert_eq!(asked(&pki, GOOD, Some(&url), &[]).await, says, "{signer}");
    }
}

#[tokio::test]
async fn a_list_that_is_not_believed_is_not_kept_and_the_next_address_is_asked() {
    let pki = Pki::new("Emittente CNS");
    let list = listed(&pki);
    let rogue = Pki::new("Emittente CNS");
    let wrong = listed(&rogue);
    assert_eq!(asked(&pki, GOOD, None, &[&wrong.url]).await, "silent signature");
    assert!(!pki.folder.join("lists").exists());
    assert_eq!(asked(&pki, REVOKED, None, &[&wrong.url, &list.url]).await, "revoked crl");
    let bad = Web::new(|_| status("404 Not Found"));
    let huge = Web::new(|_| ok(&vec![0x30; 33 * 1024 * 1024]));
    assert_eq!(asked(&pki, GOOD, None, &[&bad.url, &huge.url]).await, "silent http size");
}

#[tokio::test]
async fn a_list_is_fetched_once_and_kept_over_a_restart_until_its_end() {
    let pki = Pki::new("Emittente CNS");
    let octets = pki.list("authorityKeyIdentifier = keyid", Some("10"), &["-crlhours", "2"]);
    let web = Web::new(move |_| ok(&octets));
    let cards = [GOOD, REVOKED].map(|serial| pki.card(serial, None, &[&web.url]));
    let (us, issuer) = (revocation(&pki.folder), pki.certificate());
    for _ in 0..20 {
        assert_eq!(word(&us.standing(&cards[0], &issuer, now()).await), "good crl");
        assert_eq!(word(&us.standing(&cards[1], &issuer, now()).await), "revoked crl");
    }
    assert_eq!(web.asked(), 1);
    web.says(|_| status("503 Service Unavailable"));
    let again = revocation(&pki.folder);
    assert_eq!(word(&again.standing(&cards[1], &issuer, later(7190)).await), "revoked crl");
    assert_eq!(word(&again.standing(&cards[1], &issuer, later(7290)).await), "silent http");
}

#[tokio::test]
async fn whoever_can_write_the_folder_can_neither_forge_a_list_nor_bring_an_old_one_back() {
    let pki = Pki::new("Emittente CNS");
    let web = Web::new(|_| status("404 Not Found"));
    let point = format!("issuingDistributionPoint = critical,@idp\n[idp]\nfullname = URI:{}", web.url);
    let before = pki.list(&point, Some("10"), &[]);
    pki.index(&[format!("R\t491231235959Z\t261101120000Z\t{GOOD}\tunknown\t/CN=good")]);
    let after = pki.list(&point, Some("11"), &[]);
    web.says(move |_| ok(&after));
    let (card, issuer) = (pki.card(GOOD, None, &[&web.url]), pki.certificate());
    assert_eq!(word(&revocation(&pki.folder).standing(&card, &issuer, now()).await), "revoked crl");
    let kept = std::fs::read_dir(pki.folder.join("lists")).unwrap().map(|file| file.unwrap().path());
    let kept = kept.into_iter().find(|file| file.extension().is_some_and(|kind| kind == "crl")).unwrap();
    std::fs::write(&kept, &before).unwrap();
    let (old, rogue) = (before.clone(), Pki::new("Emittente CNS").good_list());
    web.says(move |_| ok(&old));
    assert_eq!(word(&revocation(&pki.folder).standing(&card, &issuer, now()).await), "silent older");
    std::fs::write(&kept, rogue).unwrap();
    assert_eq!(word(&revocation(&pki.folder).standing(&card, &issuer, now()).await), "silent older");
}

/// On the way by `http` somebody answers once with the list of the issuer's other cards, which has a higher number: it is
/// believed, since nothing tells it apart, until the issuer's own next list comes, not for good.
#[tokio::test]
async fn a_list_of_other_cards_is_not_in_force_for_good() {
    let pki = Pki::new("Emittente CNS");
    let ours = pki.good_list();
    pki.index(&[]);
    let other = pki.list("authorityKeyIdentifier = keyid", Some("0500"), &[]);
    pki.index(&[format!("R\t491231235959Z\t261101120000Z\t{REVOKED}\tunknown\t/CN=revoked")]);
    let next = pki.list("authorityKeyIdentifier = keyid", Some("11"), &[]);
    let web = Web::new(move |_| ok(&ours));
    let (card, issuer) = (pki.card(REVOKED, None, &[&web.url]), pki.certificate());
    let us = revocation(&pki.folder);
    assert_eq!(word(&us.standing(&card, &issuer, now()).await), "revoked crl");
    web.says(move |_| ok(&other));
    assert_eq!(word(&us.standing(&card, &issuer, later(3610)).await), "good crl");
    web.says(move |_| ok(&next));
    assert_eq!(word(&us.standing(&card, &issuer, later(7220)).await), "revoked crl");
    assert_eq!(word(&revocation(&pki.folder).standing(&card, &issuer, later(7220)).await), "revoked crl");
}

/// What is remembered of a list cannot be read any more, nor the list: both are fetched, kept and remembered again.
#[tokio::test]
async fn a_damaged_memory_is_made_anew() {
    let pki = Pki::new("Emittente CNS");
    let web = listed(&pki);
    let (card, issuer) = (pki.card(REVOKED, None, &[&web.url]), pki.certificate());
    let asked = async || word(&revocation(&pki.folder).standing(&card, &issuer, now()).await);
    assert_eq!(asked().await, "revoked crl");
    let files = || std::fs::read_dir(pki.folder.join("lists")).unwrap().map(|file| file.unwrap().path());
    let kept = files().find(|file| file.extension().is_some_and(|kind| kind == "crl")).unwrap();
    let memory = kept.with_extension("json");
    let whole = std::fs::read(&kept).unwrap();
    for (damaged, times) in [(&memory, 2), (&kept, 3)] {
        std::fs::write(damaged, "{").unwrap();
        assert_eq!((asked().await.as_str(), web.asked()), ("revoked crl", times));
        assert_eq!((asked().await.as_str(), web.asked()), ("revoked crl", times), "from the disk");
    }
    std::fs::remove_file(&memory).unwrap();
    std::fs::create_dir(&memory).unwrap();
    assert_eq!((asked().await.as_str(), web.asked()), ("revoked crl", 4), "no file at all");
    assert_eq!(std::fs::read(&kept).unwrap(), whole);
    let floor = List::verify(&whole, &pki.authority(), now()).unwrap().floor();
    let memory = Memory::new(&floor, web.url.parse().unwrap(), now());
    assert_eq!(Folder::new(kept).write(&[1], &whole, &memory).unwrap_err().rule, "disk");
}

#[tokio::test]
async fn the_first_login_after_an_hour_waits_for_the_newer_list() {
    let pki = Pki::new("Emittente CNS");
    let web = listed(&pki);
    let (card, issuer) = (pki.card(GOOD, None, &[&web.url]), pki.certificate());
    let us = revocation(&pki.folder);
    assert_eq!(word(&us.standing(&card, &issuer, now()).await), "good crl");
    pki.index(&[format!("R\t491231235959Z\t261101120000Z\t{GOOD}\tunknown\t/CN=good")]);
    let next = pki.list("authorityKeyIdentifier = keyid", Some("11"), &[]);
    web.says(move |_| ok(&next));
    assert_eq!(word(&us.standing(&card, &issuer, later(3590)).await), "good crl");
    assert_eq!(word(&us.standing(&card, &issuer, later(3610)).await), "revoked crl");
    assert_eq!(web.asked(), 2);
}

/// Not longer than a citizen should, and not without an answer: the old list still holds.
#[tokio::test]
async fn where_no_newer_list_comes_the_one_in_force_answers() {
    let pki = Pki::new("Emittente CNS");
    let web = listed(&pki);
    let card = pki.card(REVOKED, None, &[&web.url]);
    let (us, issuer) = (waiting(&pki.folder, 1), pki.certificate());
    let mut said = String::new();
    for _ in 0..20 {
        said = word(&us.standing(&card, &issuer, now()).await);
        if said == "revoked crl" {
            break;
        }
    }
    assert_eq!((said.as_str(), web.asked()), ("revoked crl", 1));
    let ways: [Says; 2] = [Box::new(|_| status("503 Service Unavailable")), Box::new(|_| Vec::new())];
    for (n, says) in ways.into_iter().enumerate() {
        web.says(says);
        assert_eq!(word(&us.standing(&card, &issuer, later(3610)).await), "revoked crl");
        for _ in 0..1000 {
            if web.asked() == n + 2 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(web.asked(), n + 2);
    }
}
