//! Bad cards: each ends on its own page, or in an alert of TLS where TLS itself must refuse.

use super::*;
use crate::app;
use openssl::{
    hash::MessageDigest,
    ssl::{SslConnectorBuilder, SslVersion},
    x509::extension::{ExtendedKeyUsage, KeyUsage},
};

/// SECURITY.md N2 to N10: what a card says of itself.
#[actix_web::test]
async fn each_fault_of_a_card_has_its_page() {
    let (hub, authority) = start("cns-faults").await;
    let signature = || KeyUsage::new().critical().digital_signature().non_repudiation().build().ok();
    let ski = || pki::extension("2.5.29.14", false, &[4, 1, 7]);
    let cases: Vec<(&str, &str, Spec)> = vec![
        ("form", "non leggibile", Spec { version: 1, ..Spec::default() }),
        (
            "form",
            "non leggibile",
            Spec { more: vec![pki::extension("1.2.3.4", true, &[5, 0])], ..Spec::default() },
        ),
        ("form", "non leggibile", Spec { more: vec![ski(), ski()], ..Spec::default() }),
        (
            "form",
            "non leggibile",
            Spec { usage: Some(pki::extension("2.5.29.15", true, &[5, 0])), ..Spec::default() },
        ),
        ("strength", "troppo vecchia", Spec { key: pki::rsa(1024), ..Spec::default() }),
        ("strength", "troppo vecchia", Spec { digest: MessageDigest::sha1(), ..Spec::default() }),
        ("not-yet", "non ancora valida", Spec { from: 1, ..Spec::default() }),
        ("expired", "Carta scaduta", Spec { from: -2, to: -1, ..Spec::default() }),
        ("key-usage", "certificato di firma", Spec { usage: signature(), ..Spec::default() }),
        ("key-usage", "di un altro tipo", Spec { usage: None, ..Spec::default() }),
        ("key-usage", "di un altro tipo", Spec::usage(KeyUsage::new().key_encipherment())),
        ("key-usage", "di un altro tipo", Spec::usage(KeyUsage::new().digital_signature().key_cert_sign())),
        ("key-usage", "di un altro tipo", Spec { authority: true, ..Spec::default() }),
        ("client-auth", "non adatto", Spec { purposes: None, ..Spec::default() }),
        ("client-auth", "non adatto", Spec::purposes(ExtendedKeyUsage::new().email_protection())),
        ("client-auth", "non adatto", Spec::purposes(ExtendedKeyUsage::new().other("2.5.29.37.0"))),
        ("policy", "Non è una carta", Spec { policies: vec!["1.3.76.16.2.2"], ..Spec::default() }),
        ("policy", "Non è una carta", Spec { policies: vec![], ..Spec::default() }),
        ("subject", "non dice di chi è", Spec { names: vec![], ..Spec::default() }),
        (
            "subject",
            "non dice di chi è",
            Spec { names: vec![pki::NAME.into(), pki::NAME.into()], ..Spec::default() },
        ),
        ("subject", "non dice di chi è", Spec::named("Mario Rossi")),
        ("subject", "non dice di chi è", Spec::named("RSSMRA80A01H501U")),
        ("subject", "non dice di chi è", Spec::named("RSSMRA80A01H501U/123.abc=")),
        ("fiscal-code", "Codice fiscale errato", Spec::named(&pki::NAME.replace("501U", "501V"))),
    ];
    let mut expected = std::collections::BTreeMap::<&str, i64>::new();
    for (reason, words, spec) in &cases {
        refused(&show(&hub, &mut hub.browser(), Some(&authority.card(spec))).await, 403, words);
        *expected.entry(reason).or_default() += 1;
    }
    let expected: Vec<_> =
        expected.into_iter().map(|(name, n)| ("cns".into(), String::new(), name.into(), n)).collect();
    assert_eq!(reasons(&hub), expected, "counted by reason, whatever it is");
    assert_eq!((count(&hub, "authentication"), count(&hub, "person")), (0, 0));
    hub.stop().await;
}

/// SECURITY.md N18: the ages that the body has told SPID.
#[actix_web::test]
async fn a_card_is_no_way_around_the_ages_of_a_body() {
    let site = Site::make("cns-ages");
    site.change("# age_limit = 14", "age_limit = 14");
    site.change("# parent_below = 16", "parent_below = 16");
    let (hub, authority) = start_with(site, "").await;
    let years = app::now().strftime("%Y").to_string().parse::<i32>().unwrap();
    // Born on 1 January: the age is the difference of the years.
    let card = |age: i32| {
        let begin = format!("RSSMRA{:02}A01H501", (years - age) % 100);
        let code = ('A'..='Z').map(|last| format!("{begin}{last}"));
        let code = code.into_iter().find(|code| crate::login::saml::FiscalNumber::from_code(code).is_ok());
        authority.card(&Spec::named(&format!("{}/1234567890123456.q5oV=", code.unwrap())))
    };
    for (age, words) in [(13, "non aperto alla tua età"), (14, "con SPID"), (15, "con SPID")] {
        refused(&show(&hub, &mut hub.browser(), Some(&card(age))).await, 403, words);
    }
    for age in [16, 18, 50] {
        assert_eq!(show(&hub, &mut hub.browser(), Some(&card(age))).await.status, 302, "{age}");
    }
    let told: Vec<_> = reasons(&hub).into_iter().map(|(_, _, reason, count)| (reason, count)).collect();
    assert_eq!(told, [("age".to_owned(), 1), ("parent".to_owned(), 2)]);
    hub.stop().await;
}

/// SECURITY.md N4, N12: who issued it, and who says who may.
#[actix_web::test]
async fn an_issuer_is_recognised_by_its_key_and_by_the_list_of_today() {
    let (hub, authority) = start("cns-issuer").await;
    let card = mario(&authority);
    let rogue = Authority::new("CA Carta dei Servizi");
    refused(&show(&hub, &mut hub.browser(), Some(&mario(&rogue))).await, 403, "non riconosciuta");
    let own = pki::Card { certificate: authority.certificate.clone(), key: authority.key.clone() };
    refused(&show(&hub, &mut hub.browser(), Some(&own)).await, 403, "di un altro tipo");
    // Both of one name: the key decides which.
    recognise(&hub, Ok(&[&rogue, &authority]));
    assert_eq!(show(&hub, &mut hub.browser(), Some(&card)).await.status, 302);
    let other = Authority::new("Altra CA");
    recognise(&hub, Ok(&[&other]));
    refused(&show(&hub, &mut hub.browser(), Some(&card)).await, 403, "non riconosciuta");
    let over = Authority::lasting("CA finita", -10, -1);
    recognise(&hub, Ok(&[&over]));
    refused(&show(&hub, &mut hub.browser(), Some(&mario(&over))).await, 403, "non riconosciuta");
    // Renewed with the key that it had: the list has both.
    let renewed = Authority::with_key("CA finita", over.key.clone(), -1, 10);
    recognise(&hub, Ok(&[&over, &renewed]));
    assert_eq!(show(&hub, &mut hub.browser(), Some(&mario(&renewed))).await.status, 302);
    let short = Authority::with_key("CA corta", pki::rsa(1024), -1, 10);
    recognise(&hub, Ok(&[&short]));
    refused(&show(&hub, &mut hub.browser(), Some(&mario(&short))).await, 403, "non riconosciuta");
    for none in [NoList::None, NoList::Expired { since: app::now() }] {
        recognise(&hub, Err(none));
        refused(&show(&hub, &mut hub.browser(), Some(&card)).await, 503, "con la carta non disponibile");
    }
    assert_eq!(count(&hub, "authentication"), 0);
    hub.stop().await;
}

/// SECURITY.md N11, and that nobody is asked about a card of nobody's.
#[actix_web::test]
async fn what_its_issuer_says_decides() {
    let (hub, authority) = start("cns-standing").await;
    let card = mario(&authority);
    let silent = || Standing::Silent(vec!["http://ocsp.example.it/: signed by a stranger".into()]);
    for (said, status, words) in [
        (Standing::Revoked { since: app::now(), proof: proof() }, 403, "revocata o sospesa"),
        (Standing::Unknown(proof()), 403, "non nota al suo emittente"),
        (Standing::Unaskable(Vec::new()), 403, "non si può verificare"),
        (silent(), 503, "Verifica non disponibile"),
    ] {
        answer(&hub, said);
        refused(&show(&hub, &mut hub.browser(), Some(&card)).await, status, words);
    }
    let issuer = "Carte dei servizi di prova";
    let told: Vec<_> = reasons(&hub).into_iter().map(|(_, provider, reason, _)| (provider, reason)).collect();
    let expected =
        ["no-answer", "revoked", "unaskable", "unknown"].map(|reason| (issuer.to_owned(), reason.to_owned()));
    assert_eq!(told, expected);
    // Silence would be another page.
    let expired = authority.card(&Spec { from: -2, to: -1, ..Spec::default() });
    refused(&show(&hub, &mut hub.browser(), Some(&expired)).await, 403, "Carta scaduta");
    hub.stop().await;
}

/// SECURITY.md N11: four addresses that take the question and say nothing, asked as long as the settings allow.
#[actix_web::test]
async fn an_issuer_that_hangs_ends_in_a_page_of_ours() {
    let (hub, authority) = start("cns-hangs").await;
    // The kernel takes the connections; nobody answers.
    let sockets = [(); 4].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let urls = sockets.each_ref().map(|socket| format!("http://{}/", socket.local_addr().unwrap()));
    let networks = vec!["127.0.0.0/8".parse().unwrap()];
    let asking = crate::login::cns::revocation::Settings { timeout: 5, networks, ..Default::default() };
    asking.check(std::path::Path::new("hub.toml")).unwrap();
    let asks = crate::login::cns::revocation::Revocation::new(&asking, hub.site.folder.join("revocation"));
    tell(&hub, Told::Asks(std::sync::Arc::new(asks.unwrap())));
    let more = pki::asked_at([&urls[0], &urls[1]], [&urls[2], &urls[3]]);
    let card = authority.card(&Spec { more, ..Spec::default() });
    let path = ask(&mut hub.browser()).await;
    refused(&client::get(&hub, &path, Some(&card), |_| {}).unwrap(), 503, "Verifica non disponibile");
    assert_eq!(reasons(&hub)[0].2, "no-answer");
    hub.stop().await;
}

/// SECURITY.md N13: a request is not good for trying one card after the other, nor does another language of the page try one.
#[actix_web::test]
async fn a_refused_card_uses_the_request_up() {
    let (hub, authority) = start("cns-one-card").await;
    let path = ask(&mut hub.browser()).await;
    let bad = authority.card(&Spec { policies: vec![], ..Spec::default() });
    let first = client::get(&hub, &path, Some(&bad), |_| {}).unwrap();
    refused(&first, 403, "Non è una carta");
    assert!(first.body.contains("href=\"?lang=en\"") && !first.body.contains("state="), "{}", first.body);
    for card in [&bad, &mario(&authority)] {
        refused(&client::get(&hub, &path, Some(card), |_| {}).unwrap(), 403, "Ricomincia");
    }
    assert_eq!(reasons(&hub).iter().map(|(.., count)| count).sum::<i64>(), 1, "counted once");
    hub.stop().await;
}

/// SECURITY.md N1: no card, no page without a request.
#[actix_web::test]
async fn without_a_card_there_is_a_page_that_helps() {
    let (hub, authority) = start("cns-no-card").await;
    let mut citizen = hub.browser();
    let path = ask(&mut citizen).await;
    let none = client::get(&hub, &path, None, |_| {}).unwrap();
    refused(&none, 403, "Nessuna carta letta");
    assert!(none.body.contains("&amp;lang=en\"") && none.body.contains("I telefoni"), "{}", none.body);
    let english = client::get(&hub, &format!("{path}&lang=en"), None, |_| {}).unwrap();
    assert!(
        english.body.contains("Nessuna carta letta"),
        "the first of two is not the last: {}",
        english.body
    );
    // The request is not used up: the card is put in and the page read again.
    assert_eq!(client::get(&hub, &path, Some(&mario(&authority)), |_| {}).unwrap().status, 302);
    refused(&client::get(&hub, &path, Some(&mario(&authority)), |_| {}).unwrap(), 403, "Ricomincia");
    for path in ["/", "/card", "/card?state=x", "/login", "/oidc/jwks"] {
        refused(&client::get(&hub, path, Some(&mario(&authority)), |_| {}).unwrap(), 403, "Ricomincia");
    }
    assert_eq!(client::get(&hub, "/health", None, |_| {}).unwrap().body, "ok\n");
    assert_eq!(client::get(&hub, "/assets/varco.css", None, |_| {}).unwrap().status, 200);
    hub.stop().await;
}

/// SECURITY.md L17: only who has begun a handshake has the time of a PIN.
#[actix_web::test]
async fn who_says_nothing_is_not_waited_for() {
    use std::io::{Read, Write};
    let (hub, _authority) = start("cns-idle").await;
    // Half of a record with a ClientHello.
    for begun in [&[][..], &[22, 3, 1, 0, 200, 1, 0, 0, 196]] {
        let address = hub.hub.settings.cns.as_ref().unwrap().listen;
        let mut idle = std::net::TcpStream::connect(address).unwrap();
        idle.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
        idle.write_all(begun).unwrap();
        assert_eq!(idle.read(&mut [0; 64]).unwrap(), 0, "closed, long before the time of a PIN is over");
    }
    hub.stop().await;
}

/// SECURITY.md N1: where TLS itself refuses, by which alert.
#[actix_web::test]
async fn what_tls_refuses_is_an_alert() {
    let (hub, authority) = start("cns-alerts").await;
    let new = client::connect(&hub, None, |builder| {
        builder.set_max_proto_version(Some(SslVersion::TLS1_3)).unwrap();
        builder.set_min_proto_version(Some(SslVersion::TLS1_3)).unwrap();
    });
    assert!(new.as_ref().unwrap_err().contains("protocol version"), "{}", new.unwrap_err());
    // HTTP/2 would carry several requests on one connection.
    let stream =
        client::connect(&hub, None, |builder| builder.set_alpn_protos(b"\x02h2\x08http/1.1").unwrap());
    assert_eq!(stream.unwrap().ssl().selected_alpn_protocol(), Some(&b"http/1.1"[..]));
    // A card whose program signs with SHA-1 only: it is told so in the handshake, and shows nothing.
    let old = authority.card(&Spec { key: pki::rsa(2048), ..Spec::default() });
    let path = ask(&mut hub.browser()).await;
    let sha1 = |builder: &mut SslConnectorBuilder| builder.set_sigalgs_list("ECDSA+SHA256:RSA+SHA1").unwrap();
    refused(&client::get(&hub, &path, Some(&old), sha1).unwrap(), 403, "Nessuna carta letta");
    // The certificate is Mario's, the key is not.
    let stolen = pki::Card { certificate: mario(&authority).certificate, key: pki::ec() };
    let alert = client::with_another_key(&hub, &path, &stolen).unwrap_err();
    assert!(alert.contains("DecryptError"), "{alert}");
    hub.stop().await;
}
