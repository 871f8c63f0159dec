//! What we send, read back and verified with another implementation.

use super::{
    super::{
        Binding, Body, Fault, Keys, Level, Outgoing, Profile, Provider, Scheme, ServiceProvider,
        names::{DS, ENTITY, MD, SAML, SAMLP, SPID, TRANSIENT},
    },
    fixture::*,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{hash::MessageDigest, sign::Verifier};
use roxmltree::{Document, Node};
use std::{collections::HashMap, io::Read, os::unix::fs::PermissionsExt};
use url::Url;

fn child<'a, 'i>(node: Node<'a, 'i>, name: (&'static str, &'static str)) -> Node<'a, 'i> {
    node.children().find(|n| n.has_tag_name(name)).unwrap_or_else(|| panic!("no {}", name.1))
}

fn fields(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn inflate(base64: &str) -> String {
    let mut xml = String::new();
    flate2::read::DeflateDecoder::new(STANDARD.decode(base64).unwrap().as_slice())
        .read_to_string(&mut xml)
        .unwrap();
    xml
}

fn redirected(us: &ServiceProvider, to: &Provider) -> (String, Url) {
    match us.authn_request(to, "opaque+1 /=", now()).unwrap() {
        (sent, Outgoing::Redirect(url)) => (sent.xml, url),
        (_, other) => panic!("{other:?}"),
    }
}

fn posted(us: &ServiceProvider, to: &Provider) -> String {
    match us.authn_request_by(Binding::Post, to, "opaque", now()).unwrap() {
        (sent, Outgoing::Post { destination, saml_request, relay_state }) => {
            let xml = String::from_utf8(STANDARD.decode(saml_request).unwrap()).unwrap();
            assert_eq!((sent.xml, relay_state.as_str()), (xml.clone(), "opaque"));
            assert_eq!(Some(&destination), to.sso_post.as_ref());
            xml
        }
        (_, other) => panic!("{other:?}"),
    }
}

#[test]
fn a_request_says_what_spid_asks_and_no_more() {
    let (us, to) = (us(Level::L1), provider());
    let (sent, _) = us.authn_request(&to, "r", at(0) + jiff::SignedDuration::from_millis(700)).unwrap();
    let document = Document::parse(&sent.xml).unwrap();
    let root = document.root_element();
    assert!(root.has_tag_name((SAMLP, "AuthnRequest")));
    let attributes: HashMap<_, _> = root.attributes().map(|a| (a.name(), a.value())).collect();
    let expected = HashMap::from([
        ("ID", sent.id.as_str()),
        ("Version", "2.0"),
        ("IssueInstant", "2026-11-22T12:00:00Z"),
        ("Destination", "https://idp.example.it/SingleSignOnService/Redirect"),
        ("AssertionConsumerServiceIndex", "0"),
        ("AttributeConsumingServiceIndex", "0"),
    ]);
    assert_eq!(attributes, expected);
    assert_eq!((sent.issued, sent.level, sent.provider.as_str()), (now(), Level::L1, IDP));
    let issuer = child(root, (SAML, "Issuer"));
    assert_eq!((issuer.text(), issuer.attribute("Format")), (Some(US), Some(ENTITY)));
    assert_eq!(issuer.attribute("NameQualifier"), Some(US));
    let policy = child(root, (SAMLP, "NameIDPolicy"));
    assert_eq!((policy.attribute("Format"), policy.attributes().len()), (Some(TRANSIENT), 1));
    let context = child(root, (SAMLP, "RequestedAuthnContext"));
    assert_eq!(context.attribute("Comparison"), Some("minimum"));
    let class = child(context, (SAML, "AuthnContextClassRef"));
    assert_eq!(class.text(), Some("https://www.spid.gov.it/SpidL1"));
}

#[test]
fn identifiers_are_short_names_and_never_the_same() {
    let (us, to) = (us(Level::L1), provider());
    let ids: std::collections::HashSet<_> =
        (0..50).map(|_| us.authn_request(&to, "r", now()).unwrap().0.id).collect();
    assert_eq!(ids.len(), 50);
    let good = |id: &String| {
        let digits = id.strip_prefix('_').unwrap_or_default();
        // 32 digits of 5 bits are 160, and every value of a digit turns up.
        digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
    };
    assert!(ids.iter().all(good));
    let used: std::collections::BTreeSet<_> = ids.iter().flat_map(|id| id[1..].bytes()).collect();
    assert_eq!(used.len(), 32);
}

#[test]
fn levels_two_and_three_force_a_login() {
    for (level, forced) in [(Level::L1, None), (Level::L2, Some("true")), (Level::L3, Some("true"))] {
        let (xml, _) = redirected(&us(level), &provider());
        let document = Document::parse(&xml).unwrap();
        assert_eq!(document.root_element().attribute("ForceAuthn"), forced);
        assert!(xml.contains(level.uri()));
    }
}

#[test]
fn a_redirect_carries_a_signature_over_the_exact_query() {
    let (xml, url) = redirected(&us(Level::L1), &provider());
    let fields = fields(&url);
    assert_eq!(inflate(&fields["SAMLRequest"]), xml);
    assert!(!xml.contains("Signature"));
    assert_eq!(fields["RelayState"], "opaque+1 /=");
    assert_eq!(fields["SigAlg"], "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
    let (signed, _) = url.query().unwrap().split_once("&Signature=").unwrap();
    let key = our_keys().certificate().public_key().unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    let signature = STANDARD.decode(&fields["Signature"]).unwrap();
    assert!(verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap());
}

#[test]
fn a_redirect_keeps_the_query_that_the_provider_has() {
    let mut to = provider();
    to.sso_redirect = Some("https://idp.example.it/sso?tenant=a%20b".parse().unwrap());
    let (_, url) = redirected(&us(Level::L1), &to);
    assert!(url.as_str().starts_with("https://idp.example.it/sso?tenant=a%20b&SAMLRequest="), "{url}");
}

#[test]
fn a_posted_request_has_a_valid_signature_after_the_issuer() {
    let xml = posted(&us(Level::L2), &provider());
    assert!(verified_by_program(&xml, our_keys().certificate(), "AuthnRequest"));
    let changed = change(&xml, "SpidL2", "SpidL1");
    assert!(!verified_by_program(&changed, our_keys().certificate(), "AuthnRequest"));
    assert!(!verified_by_program(&xml, &stranger().certificate, "AuthnRequest"));
    let document = Document::parse(&xml).unwrap();
    let order: Vec<_> =
        document.root_element().children().filter(Node::is_element).map(|n| n.tag_name().name()).collect();
    assert_eq!(order, ["Issuer", "Signature", "NameIDPolicy", "RequestedAuthnContext"]);
}

#[test]
fn a_provider_without_redirect_is_asked_by_post() {
    let to = Provider { sso_redirect: None, ..provider() };
    let us = us(Level::L1);
    assert!(matches!(us.authn_request(&to, "r", now()).unwrap().1, Outgoing::Post { .. }));
    let refused = us.authn_request_by(Binding::Redirect, &to, "r", now());
    assert!(matches!(refused, Err(Fault::NoEndpoint { .. })));
}

#[test]
fn a_relay_state_too_long_is_not_sent() {
    let us = us(Level::L1);
    assert!(us.authn_request(&provider(), &"a".repeat(80), now()).is_ok());
    assert!(matches!(us.authn_request(&provider(), &"a".repeat(81), now()), Err(Fault::RelayState)));
}

#[test]
fn a_sent_request_survives_its_store() {
    let (sent, _) = us(Level::L2).authn_request(&provider(), "r", now()).unwrap();
    let stored = serde_json::to_string(&sent).unwrap();
    assert_eq!(serde_json::from_str::<super::super::SentRequest>(&stored).unwrap(), sent);
}

#[test]
fn metadata_is_signed_and_complete() {
    let xml = us(Level::L1).metadata(now()).unwrap();
    assert!(verified_by_program(&xml, our_keys().certificate(), "EntityDescriptor"));
    assert!(!verified_by_program(
        &change(&xml, "c_x000", "c_x001"),
        our_keys().certificate(),
        "EntityDescriptor"
    ));
    let document = Document::parse(&xml).unwrap();
    let root = document.root_element();
    assert_eq!(root.attribute("entityID"), Some(US));
    let order: Vec<_> = root.children().filter(Node::is_element).map(|n| n.tag_name().name()).collect();
    assert_eq!(order, ["Signature", "SPSSODescriptor", "Organization", "ContactPerson"]);

    let role = child(root, (MD, "SPSSODescriptor"));
    assert_eq!(role.attribute("AuthnRequestsSigned"), Some("true"));
    assert_eq!(role.attribute("WantAssertionsSigned"), Some("true"));
    let consumer = child(role, (MD, "AssertionConsumerService"));
    assert_eq!((consumer.attribute("Location"), consumer.attribute("index")), (Some(ACS), Some("0")));
    assert_eq!(consumer.attribute("isDefault"), Some("true"));
    let logout: Vec<_> = role.children().filter(|n| n.has_tag_name((MD, "SingleLogoutService"))).collect();
    assert_eq!(logout.len(), 2);
    assert!(logout.iter().all(|n| n.attribute("Location") == Some(SLO)));
    let asked: Vec<_> = role.descendants().filter(|n| n.has_tag_name((MD, "RequestedAttribute"))).collect();
    assert_eq!(
        asked.iter().map(|n| n.attribute("Name")).collect::<Vec<_>>(),
        [Some("fiscalNumber"), Some("spidCode")]
    );
    let certificate = role.descendants().find(|n| n.has_tag_name((DS, "X509Certificate"))).unwrap();
    assert_eq!(
        STANDARD.decode(certificate.text().unwrap()).unwrap(),
        our_keys().certificate().to_der().unwrap()
    );
}

#[test]
fn metadata_names_the_body_whatever_its_letters() {
    let xml = us(Level::L1).metadata(now()).unwrap();
    let document = Document::parse(&xml).unwrap();
    let organization = child(document.root_element(), (MD, "Organization"));
    let name = child(organization, (MD, "OrganizationName"));
    assert_eq!(name.text(), Some("Comune di Forlì & Co"));
    assert_eq!(name.attribute(("http://www.w3.org/XML/1998/namespace", "lang")), Some("it"));
    let contact = child(document.root_element(), (MD, "ContactPerson"));
    assert_eq!(contact.attribute("contactType"), Some("other"));
    let extensions = child(contact, (MD, "Extensions"));
    assert_eq!(child(extensions, (SPID, "IPACode")).text(), Some("c_x000"));
    assert!(!child(extensions, (SPID, "Public")).has_children());
    assert_eq!(child(contact, (MD, "Company")).text(), Some("Comune di Forlì & Co"));
    assert_eq!(child(contact, (MD, "TelephoneNumber")).text(), Some("+390110000000"));
}

#[test]
fn metadata_with_a_certificate_out_of_its_time_is_not_published() {
    let years = jiff::SignedDuration::from_hours(3 * 365 * 24);
    assert!(us(Level::L1).metadata(now() + years).is_err());
    assert!(us(Level::L1).metadata(now() - years).is_err());
}

#[test]
fn the_certificate_is_what_avviso_29_asks() {
    let certificate = our_keys().certificate();
    let names = certificate.subject_name().entries();
    let subject: Vec<_> =
        names.map(|e| (e.object().to_string(), e.data().to_string().unwrap().to_string())).collect();
    let has = |oid: &str, value: &str| subject.iter().any(|(o, v)| o == oid && v == value);
    assert!(has("commonName", "Comune di Forlì") && has("organizationName", "Comune di Forlì & Co"));
    assert!(has("2.5.4.83", US) || has("uri", US), "{subject:?}");
    assert!(has("organizationIdentifier", "PA:IT-c_x000") && has("countryName", "IT"), "{subject:?}");
    assert!(has("localityName", "Torino") && subject.len() == 6);
    assert_eq!(certificate.public_key().unwrap().bits(), 3072);
    assert!(certificate.verify(&certificate.public_key().unwrap()).unwrap());
    let text = String::from_utf8(certificate.to_text().unwrap()).unwrap();
    for line in [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature, Non Repudiation\n",
        "Policy: 1.3.76.16.6\n                  User Notice:\n                    Explicit Text: agIDcert",
        "Policy: 1.3.76.16.4.2.1\n                  User Notice:\n                    Explicit Text: cert_SP_Pub",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[test]
fn keys_are_made_once_and_kept_private() {
    let folder = Folder::new();
    Keys::make(&folder.0, &body(), US, now()).unwrap();
    let before = std::fs::read(folder.0.join("spid.key")).unwrap();
    assert!(matches!(Keys::make(&folder.0, &body(), US, now()), Err(Fault::Key { .. })));
    std::fs::remove_file(folder.0.join("spid.pem")).unwrap();
    assert!(Keys::make(&folder.0, &body(), US, now()).is_err());
    assert_eq!(std::fs::read(folder.0.join("spid.key")).unwrap(), before);
    let mode = std::fs::metadata(folder.0.join("spid.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let refused = |folder: &Folder| match Keys::load(&folder.0) {
        Ok(_) => panic!("loaded"),
        Err(fault) => fault.to_string(),
    };
    let folder = Folder::new();
    assert!(refused(&folder).contains("spid.key"));
    folder.write("spid.key", stranger().key.private_key_to_pem_pkcs8().unwrap());
    folder.write("spid.pem", idp().certificate.to_pem().unwrap());
    assert!(refused(&folder).contains("not the certificate of spid.key"));
    let weak = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
    folder.write("spid.key", weak.private_key_to_pem_pkcs8().unwrap());
    assert!(refused(&folder).contains("2048"));
}

#[test]
fn a_body_that_spid_would_refuse_is_refused_first() {
    let with = |body: Body| us_with(&profile(Level::L1), body).map(drop);
    let key = |body: Body| match with(body) {
        Err(Fault::Setting { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    assert!(with(body()).is_ok());
    assert_eq!(key(Body { telephone: "+39 011 0000".into(), ..body() }), "body.telephone");
    assert_eq!(key(Body { telephone: "0110000000".into(), ..body() }), "body.telephone");
    assert_eq!(key(Body { email: "nobody".into(), ..body() }), "body.email");
    assert_eq!(key(Body { ipa_code: "c x".into(), ..body() }), "body.ipa_code");
    assert_eq!(key(Body { url: "http://www.example.it".into(), ..body() }), "body.url");
    assert_eq!(key(Body { name: "a\nb".into(), ..body() }), "body.name");
    assert_eq!(key(Body { display_name: "a".repeat(65), ..body() }), "body.display_name");
    assert_eq!(key(Body { municipality: Some("Torino".into()), ..body() }), "body.municipality");
    for entity_id in ["https://other.example.it".to_owned(), format!("{US}?a=b")] {
        match us_with(&Profile { entity_id, ..profile(Level::L1) }, body()) {
            Err(Fault::Setting { key, .. }) => assert_eq!(key, "body.spid.entity_id"),
            other => panic!("{other:?}"),
        }
    }
}

fn us_with(profile: &Profile, body: Body) -> Result<ServiceProvider, Fault> {
    ServiceProvider::new(Scheme::Spid, profile, ACS, SLO, body, our_keys())
}
