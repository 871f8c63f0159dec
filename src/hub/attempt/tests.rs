//! A server that is looked at: ours, and one that does much of it wrong.

use super::{metadata, reach, requests};
use crate::{
    app,
    login::saml::{Outcome, Verdict},
    testing::{self, Running, Site},
};
use jiff::SignedDuration;
use openssl::{
    ssl::{SslAcceptor, SslFiletype, SslMethod, SslVersion},
    x509::X509,
};
use std::{
    io::{Read, Write},
    net::TcpListener,
};

fn missing(outcomes: &[Outcome]) -> Vec<String> {
    let broken = outcomes.iter().filter(|o| matches!(o.verdict, Verdict::Missing(_)));
    broken.map(|o| format!("{o:?}")).collect()
}

fn said<'a>(outcomes: &'a [Outcome], rule: &str) -> &'a Verdict {
    let found = outcomes.iter().find(|o| o.rule.contains(rule));
    &found.unwrap_or_else(|| panic!("{rule}: {outcomes:?}")).verdict
}

#[actix_web::test]
async fn a_hub_of_ours_keeps_every_rule() {
    let site = Site::make("try-good");
    site.change("eidas = false", "eidas = true");
    site.change(
        "# [body.cie]\n# entity_id = \"https://accesso.comune.example.it\"\n# level = 1",
        "[body.cie]\nentity_id = \"https://accesso.comune.example.it\"\nlevel = 1",
    );
    let hub = Running::with(site).await;
    let ca = [X509::from_pem(&std::fs::read(hub.site.folder.join("tls.pem")).unwrap()).unwrap()];
    let port = hub.base.rsplit(':').next().unwrap();
    for (path, rules) in [("spid", 60), ("cie", 30)] {
        let address = format!("https://127.0.0.1:{port}/{path}/metadata");
        let outcomes = metadata(&address, Some(&ca), &hub.hub.bodies, app::now()).await;
        assert_eq!(missing(&outcomes), [""; 0]);
        assert!(outcomes.len() >= rules, "{} rules", outcomes.len());
        assert_eq!(*said(&outcomes, "di queste impostazioni"), Verdict::Good);
    }
    let requests = requests(&hub.hub.bodies[0], app::now()).outcomes;
    assert_eq!((missing(&requests), requests.len()), (Vec::new(), 44));
    hub.stop().await;
}

#[actix_web::test]
async fn a_server_with_old_tls_a_wrong_clock_and_type_is_told_so() {
    let folder = testing::folder("try-bad");
    let (chain, key) = (folder.join("tls.pem"), folder.join("tls.key"));
    testing::certificate(&chain, &key);
    let mut acceptor = SslAcceptor::mozilla_intermediate(SslMethod::tls_server()).unwrap();
    acceptor.set_certificate_chain_file(&chain).unwrap();
    acceptor.set_private_key_file(&key, SslFiletype::PEM).unwrap();
    acceptor.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    acceptor.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    acceptor.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    let acceptor = acceptor.build();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}/spid.xml", listener.local_addr().unwrap());
    // Four connections come: the request, and one for each version that is asked for.
    let served = std::thread::spawn(move || {
        for _ in 0..4 {
            let Ok(mut stream) = acceptor.accept(listener.accept().unwrap().0) else { continue };
            if matches!(stream.read(&mut [0; 4096]), Ok(n) if n > 0) {
                let text = "HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 12:00:00 GMT\r\n\
                    Content-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
                stream.write_all(text.as_bytes()).unwrap();
            }
        }
    });
    let ca = [X509::from_pem(&std::fs::read(&chain).unwrap()).unwrap()];
    let now = "2026-11-22T12:02:00Z".parse().unwrap();
    let (outcomes, octets) = reach::address(&address, Some(&ca), now).await;
    served.join().unwrap();
    for rule in ["finisce in /metadata", "tipo del contenuto", "orologio", "parla TLS 1.3", "rifiuta TLS 1.0"]
    {
        assert!(matches!(said(&outcomes, rule), Verdict::Missing(_)), "{rule}: {outcomes:?}");
    }
    assert_eq!(octets.as_deref(), Some(b"<html>".as_slice()));
    let near = "2026-11-22T12:00:59Z".parse::<jiff::Timestamp>().unwrap();
    assert!(now.duration_since(near) < SignedDuration::from_mins(2));
    std::fs::remove_dir_all(folder).unwrap();
}

#[actix_web::test]
async fn an_address_that_nobody_vouches_for_or_that_leads_elsewhere_is_not_reached() {
    let hub = Running::start("try-chain").await;
    let port = hub.base.rsplit(':').next().unwrap();
    let ca = [X509::from_pem(&std::fs::read(hub.site.folder.join("tls.pem")).unwrap()).unwrap()];
    let reached = "si raggiunge su https";
    for (address, ca) in [
        (format!("https://127.0.0.1:{port}/spid/metadata"), None),
        (format!("http://127.0.0.1:{port}/spid/metadata"), Some(ca.as_slice())),
        (format!("https://127.0.0.1:{port}/spid/login"), Some(ca.as_slice())),
        (format!("https://127.0.0.1:{port}/nothing"), Some(ca.as_slice())),
    ] {
        let outcomes = metadata(&address, ca, &[], app::now()).await;
        assert!(matches!(said(&outcomes, reached), Verdict::Missing(_)), "{address}: {outcomes:?}");
        assert_eq!(outcomes.len(), 1, "nothing more is said of what was not reached");
    }
    hub.stop().await;
}

#[actix_web::test]
async fn metadata_of_last_year_is_not_that_of_the_settings() {
    let (here, other) = (Site::make("try-ours"), Site::make("try-other"));
    let hub = here.hub();
    other.change("ipa_code = \"c_x000\"", "ipa_code = \"c_x001\"");
    other.change(
        "entity_id = \"https://accesso.comune.example.it\"",
        "entity_id = \"https://altro.comune.example.it\"",
    );
    crate::commands::make_keys(&other.file).unwrap();
    let theirs = super::bodies(&other.file).unwrap();
    let file = here.folder.join("metadata.xml");
    let us = theirs[0].us(crate::login::saml::Scheme::Spid).unwrap();
    std::fs::write(&file, us.metadata(app::now()).unwrap()).unwrap();
    let path = file.display().to_string();
    let outcomes = metadata(&path, None, &hub.bodies, app::now()).await;
    assert!(matches!(said(&outcomes, "di queste impostazioni"), Verdict::Missing(_)), "{outcomes:?}");
    assert_eq!(missing(&metadata(&path, None, &theirs, app::now()).await), [""; 0]);
    assert!(matches!(said(&outcomes, "si raggiunge su https"), Verdict::Skipped(_)));
    let gone = metadata("/nonexistent/metadata.xml", None, &[], app::now()).await;
    assert!(matches!(said(&gone, "il file si legge"), Verdict::Missing(_)));
}
