//! What asking may cost: addresses, turns, hosts that are dead.

use super::{
    super::{Revocation, Settings},
    network::{later, revocation, waiting, word},
    now,
    pki::{GOOD, Pki},
    servers::{Web, ok, responder, status},
};
use crate::login::cns::standing::Standing;
use std::{path::Path, sync::Arc};

#[tokio::test]
async fn no_private_address_is_asked_unless_the_settings_name_it() {
    let pki = Pki::new("Emittente CNS");
    let (_running, url) = responder(&pki.folder, "ca");
    let list = pki.good_list();
    let web = Web::new(move |_| ok(&list));
    let fenced = Revocation::new(&Settings::default(), pki.folder.join("lists")).unwrap();
    let named = |url: &str| url.replace("127.0.0.1", "localhost");
    let (by_name, by_list) = (named(&url), named(&web.url));
    let directory = web.url.replace("http:", "ldap:") + "?certificateRevocationList;binary";
    for (ocsp, crl) in [(&url, &web.url), (&by_name, &by_list), (&url, &directory)] {
        let card = pki.card(GOOD, Some(ocsp), &[crl]);
        // Asked often enough for a host that fails to be left alone: silence would let it in where the settings are soft.
        for _ in 0..5 {
            let standing = fenced.standing(&card, &pki.certificate(), now()).await;
            assert_eq!(word(&standing), "unaskable network network", "{standing:?}");
        }
    }
    assert_eq!(web.asked(), 0);
    let card = pki.card(GOOD, Some(&url), &[]);
    assert_eq!(word(&revocation(&pki.folder).standing(&card, &pki.certificate(), now()).await), "good ocsp");
}

#[tokio::test]
async fn a_dead_responder_is_left_alone_and_the_list_answers_at_once() {
    let pki = Pki::new("Emittente CNS");
    let list = pki.good_list();
    let (web, dead) = (Web::new(move |_| ok(&list)), Web::new(|_| status("503 Service Unavailable")));
    let (card, issuer) = (pki.card(GOOD, Some(&dead.url), &[&web.url]), pki.certificate());
    let us = revocation(&pki.folder);
    for _ in 0..10 {
        assert_eq!(word(&us.standing(&card, &issuer, now()).await), "good crl");
    }
    assert_eq!((dead.asked(), web.asked()), (3, 1));
    assert_eq!(word(&us.standing(&card, &issuer, later(70)).await), "good crl");
    assert_eq!(dead.asked(), 4);
}

/// Who stops waiting has seen the host fail all the same.
#[tokio::test]
async fn a_question_that_is_given_up_counts_against_its_host() {
    let pki = Pki::new("Emittente CNS");
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", socket.local_addr().unwrap());
    let (card, issuer) = (pki.card(GOOD, Some(&url), &[]), pki.certificate());
    let us = revocation(&pki.folder);
    for _ in 0..3 {
        let asking = us.standing(&card, &issuer, now());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(500), asking).await.is_err());
    }
    assert_eq!(word(&us.standing(&card, &issuer, now()).await), "silent quiet");
}

#[tokio::test]
async fn a_host_whose_list_is_no_good_is_left_alone() {
    let pki = Pki::new("Emittente CNS");
    let forged = Pki::new("Emittente CNS").good_list();
    let web = Web::new(move |_| ok(&forged));
    let (card, issuer) = (pki.card(GOOD, None, &[&web.url]), pki.certificate());
    let us = revocation(&pki.folder);
    let mut said = Vec::new();
    for _ in 0..5 {
        said.push(word(&us.standing(&card, &issuer, now()).await));
    }
    let (signature, quiet) = ("silent signature", "silent quiet");
    assert_eq!(said, [signature, signature, signature, quiet, quiet]);
    assert_eq!(web.asked(), 3);
}

/// Who waited for a long list in vain finds it when they come back.
#[tokio::test]
async fn a_slow_list_comes_all_the_same() {
    let pki = Pki::new("Emittente CNS");
    let list = pki.good_list();
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let web = Web::new(move |_| {
        let _ = wait.recv();
        ok(&list)
    });
    let (card, issuer) = (pki.card(GOOD, None, &[&web.url]), pki.certificate());
    let us = waiting(&pki.folder, 1);
    let first = us.standing(&card, &issuer, now()).await;
    assert!(matches!(&first, Standing::Silent(tried) if *tried == ["the list is still coming"]), "{first:?}");
    go.send(()).unwrap();
    let mut said = String::new();
    for _ in 0..20 {
        said = word(&us.standing(&card, &issuer, now()).await);
        if said == "good crl" {
            break;
        }
    }
    assert_eq!((said.as_str(), web.asked()), ("good crl", 1));
}

/// Sixty cards at once, of an issuer whose responder says nothing, and one of another issuer: each is answered.
#[tokio::test]
async fn a_silent_responder_does_not_hold_every_login() {
    let pki = Pki::new("Emittente CNS");
    let list = pki.good_list();
    let (web, silent) = (Web::new(move |_| ok(&list)), Web::new(|_| Vec::new()));
    let card = Arc::new((pki.card(GOOD, Some(&silent.url), &[&web.url]), pki.certificate()));
    let us = Arc::new(waiting(&pki.folder, 2));
    let logins: Vec<_> = (0..60)
        .map(|_| {
            let (us, card) = (us.clone(), card.clone());
            tokio::spawn(async move { word(&us.standing(&card.0, &card.1, now()).await) })
        })
        .collect();
    let (_running, url) = responder(&pki.folder, "ca");
    let other = pki.card(GOOD, Some(&url), &[]);
    assert_eq!(word(&us.standing(&other, &pki.certificate(), now()).await), "good ocsp");
    for login in logins {
        assert_eq!(login.await.unwrap(), "good crl");
    }
    assert!(silent.asked() <= 8, "a quarter of 16 at a time, then quiet: {}", silent.asked());
    assert_eq!(web.asked(), 1, "all waited for one list");
}

#[test]
fn settings_are_checked() {
    let check = |text: &str| {
        let settings: Settings = serde_json::from_str(text).map_err(|e| e.to_string())?;
        settings.check(Path::new("hub.toml")).map_err(|e| e.to_string())
    };
    assert_eq!(check("{}"), Ok(()));
    assert_eq!(check(r#"{"timeout": 5, "parallel": 32, "networks": ["10.0.0.0/8", "fd00::/8"]}"#), Ok(()));
    let wrong = [("timeout", "0"), ("timeout", "6"), ("parallel", "0"), ("parallel", "257"), ("x", "1")];
    for (key, value) in wrong {
        assert!(check(&format!(r#"{{"{key}": {value}}}"#)).is_err(), "{key} = {value}");
    }
    assert!(check(r#"{"networks": ["10.0.0.0/33"]}"#).is_err());
}
