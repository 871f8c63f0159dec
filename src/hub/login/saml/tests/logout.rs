//! Single logout in both directions.

use super::{
    super::{
        Answer, Arrival, Level, LoggedOut, LogoutRequest, Outgoing, Profile, Provider, Providers, Scheme,
        SentLogout, ServiceProvider, Session, Slo, SpidError, refusal::Refusal,
    },
    fixture::*,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use url::Url;

/// A provider, as seen from ours: it can send what a service provider can, so it is one here.
fn them(signer: &Signer) -> ServiceProvider {
    let folder = Folder::new();
    folder.write("spid.key", signer.key.private_key_to_pem_pkcs8().unwrap());
    folder.write("spid.pem", signer.certificate.to_pem().unwrap());
    let keys = super::super::Keys::load(&folder.0).unwrap();
    let profile = Profile { entity_id: IDP.into(), ..profile(Level::L1) };
    ServiceProvider::new(Scheme::Spid, &profile, ACS, slo(IDP), body(), &keys).unwrap()
}

fn slo(entity_id: &str) -> String {
    format!("{entity_id}/SingleLogoutService/Redirect")
}

/// Us, as the provider knows us.
fn us_to_them() -> Provider {
    let url: Url = SLO.parse().unwrap();
    let slo = Slo { request: url.clone(), response: url };
    let certificates = vec![our_keys().certificate().clone()];
    let (entity_id, name) = (US.to_owned(), "us".to_owned());
    let (sso_redirect, sso_post) = (None, None);
    Provider {
        scheme: Scheme::Spid,
        entity_id,
        name,
        sso_redirect,
        sso_post,
        slo_redirect: Some(slo.clone()),
        slo_post: Some(slo),
        certificates,
    }
}

fn session() -> Session {
    Session {
        provider: IDP.into(),
        name_id: "_transient".into(),
        name_qualifier: IDP.into(),
        session_index: Some("_session".into()),
    }
}

fn trusted() -> Providers {
    let folder = Folder::new();
    folder.write("a.xml", metadata_of(IDP, idp()));
    Providers::load([(Scheme::Spid, folder.0.as_path())]).0
}

fn request_from(signer: &Signer) -> Outgoing {
    them(signer).logout_request(&us_to_them(), &session(), "state", now()).unwrap().1
}

fn query_of(outgoing: Outgoing) -> String {
    match outgoing {
        Outgoing::Redirect(url) => url.query().unwrap().to_owned(),
        Outgoing::Post { .. } => panic!("a redirect was expected"),
    }
}

fn post_from(signer: &Signer) -> String {
    let to = Provider { slo_redirect: None, ..us_to_them() };
    match them(signer).logout_request(&to, &session(), "state", now()).unwrap().1 {
        Outgoing::Post { saml_request, .. } => saml_request,
        Outgoing::Redirect(_) => panic!("a POST was expected"),
    }
}

fn read(arrival: Arrival<'_>) -> Result<LogoutRequest, Refusal> {
    us(Level::L1).read_logout_request(&trusted(), arrival, now())
}

fn name(refused: Result<LogoutRequest, Refusal>) -> &'static str {
    refused.unwrap_err().name()
}

fn expected(request: &LogoutRequest) {
    assert_eq!((request.provider.as_str(), request.name_id.as_str()), (IDP, "_transient"));
    assert_eq!(request.session_indexes, ["_session"]);
}

#[test]
fn a_request_by_redirect_is_read() {
    expected(&read(Arrival::Redirect { query: &query_of(request_from(idp())) }).unwrap());
}

#[test]
fn a_request_by_post_is_read() {
    expected(&read(Arrival::Post { message: &post_from(idp()) }).unwrap());
}

#[test]
fn a_request_of_a_stranger_is_refused() {
    assert_eq!(name(read(Arrival::Redirect { query: &query_of(request_from(stranger())) })), "signature");
    assert_eq!(name(read(Arrival::Post { message: &post_from(stranger()) })), "signature");
}

#[test]
fn a_request_without_signature_is_refused() {
    let query = query_of(request_from(idp()));
    let (unsigned, _) = query.split_once("&Signature=").unwrap();
    assert_eq!(name(read(Arrival::Redirect { query: unsigned })), "query");
    let xml = String::from_utf8(STANDARD.decode(post_from(idp())).unwrap()).unwrap();
    let (start, end) = (xml.find("<ds:Signature ").unwrap(), xml.find("</ds:Signature>").unwrap() + 15);
    let bare = STANDARD.encode(format!("{}{}", &xml[..start], &xml[end..]));
    assert_eq!(name(read(Arrival::Post { message: &bare })), "logout-signed");
}

#[test]
fn a_request_changed_on_its_way_is_refused() {
    let query = query_of(request_from(idp()));
    let changed = change(&query, "RelayState=state", "RelayState=other");
    assert_eq!(name(read(Arrival::Redirect { query: &changed })), "signature");
    assert_eq!(
        name(read(Arrival::Redirect { query: &change(&query, "RelayState=state&", "") })),
        "signature"
    );
    let weaker = change(&query, "rsa-sha256", "rsa-sha1");
    assert_eq!(name(read(Arrival::Redirect { query: &weaker })), "signature-algorithm");
    let xml = String::from_utf8(STANDARD.decode(post_from(idp())).unwrap()).unwrap();
    let changed = STANDARD.encode(change(&xml, "_session", "_other"));
    assert_eq!(name(read(Arrival::Post { message: &changed })), "signature");
}

#[test]
fn a_query_that_says_a_thing_twice_is_refused() {
    let query = query_of(request_from(idp()));
    let other = query_of(request_from(stranger()));
    assert_eq!(name(read(Arrival::Redirect { query: &format!("{query}&{other}") })), "query");
    assert_eq!(name(read(Arrival::Redirect { query: &format!("{query}&SAML%52equest=x") })), "query");
}

#[test]
fn a_deflate_bomb_is_refused() {
    let encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let mut encoder = encoder;
    std::io::Write::write_all(&mut encoder, &vec![b' '; 50_000_000]).unwrap();
    let bomb = STANDARD.encode(encoder.finish().unwrap());
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("SAMLRequest", &bomb)
        .append_pair("SigAlg", "x")
        .append_pair("Signature", "x")
        .finish();
    assert_eq!(name(read(Arrival::Redirect { query: &query })), "size");
}

#[test]
fn a_request_for_somebody_else_or_of_another_time_is_refused() {
    let query = query_of(request_from(idp()));
    let arrival = Arrival::Redirect { query: &query };
    let elsewhere = ServiceProvider { slo_url: "https://other.example.it/slo".into(), ..us(Level::L1) };
    let refused = elsewhere.read_logout_request(&trusted(), arrival, now());
    assert_eq!(name(refused), "logout-destination");
    assert_eq!(name(us(Level::L1).read_logout_request(&trusted(), arrival, at(601))), "logout-time");
    assert_eq!(name(us(Level::L1).read_logout_request(&trusted(), arrival, at(-601))), "logout-time");
    let nobody = us(Level::L1).read_logout_request(&Providers::default(), arrival, now());
    assert_eq!(name(nobody), "logout-issuer");
}

fn request() -> LogoutRequest {
    read(Arrival::Post { message: &post_from(idp()) }).unwrap()
}

fn sent() -> SentLogout {
    SentLogout { id: request_id(), provider: IDP.into(), issued: now() }
}

fn request_id() -> String {
    "_ours".into()
}

/// The provider's answer to our request.
fn answer_from(signer: &Signer) -> String {
    let ours = LogoutRequest { id: request_id(), ..request() };
    match them(signer).answer_logout(&us_to_them(), &ours, Some("state"), now()).unwrap() {
        Answer::Redirect(url) => url.query().unwrap().to_owned(),
        Answer::Post { .. } => panic!("a redirect was expected"),
    }
}

#[test]
fn an_answer_is_read() {
    let query = answer_from(idp());
    let read =
        us(Level::L1).read_logout_response(&provider(), &sent(), Arrival::Redirect { query: &query }, now());
    assert_eq!(read, Ok(LoggedOut::Whole));
}

#[test]
fn an_answer_to_another_request_or_of_another_is_refused() {
    let query = answer_from(idp());
    let arrival = Arrival::Redirect { query: &query };
    let read = |sent: SentLogout| us(Level::L1).read_logout_response(&provider(), &sent, arrival, now());
    let refused = read(SentLogout { id: "_other".into(), ..sent() }).unwrap_err();
    assert_eq!(refused.name(), "logout-in-response-to");
    let refused = read(SentLogout { provider: US.into(), ..sent() }).unwrap_err();
    assert_eq!(refused.name(), "logout-issuer");
    let query = answer_from(stranger());
    let arrival = Arrival::Redirect { query: &query };
    let refused = us(Level::L1).read_logout_response(&provider(), &sent(), arrival, now()).unwrap_err();
    assert_eq!(refused.name(), "signature");
}

#[test]
fn a_logout_that_failed_is_told() {
    let ours = LogoutRequest { id: request_id(), ..request() };
    let to = Provider { slo_redirect: None, ..us_to_them() };
    let answer = them(idp()).answer_logout(&to, &ours, None, now()).unwrap();
    let Answer::Post { saml_response, relay_state, .. } = answer else { panic!("a POST was expected") };
    assert_eq!(relay_state, None);
    let xml = String::from_utf8(STANDARD.decode(saml_response).unwrap()).unwrap();
    let (start, end) = (xml.find("<ds:DigestValue>").unwrap(), xml.find("</ds:DigestValue>").unwrap());
    let unsigned = format!("{}{}", &xml[..start], &xml[end + "</ds:DigestValue>".len()..]);
    let (start, end) =
        (unsigned.find("<ds:SignatureValue>").unwrap(), unsigned.find("</ds:SignatureValue>").unwrap());
    let template = format!("{}<ds:SignatureValue>{}", &unsigned[..start], &unsigned[end..]);
    let template = template.replace("</ds:Reference>", "<ds:DigestValue/></ds:Reference>");
    let failed = idp().fill(&change(&template, "status:Success", "status:Responder"));
    let arrival = STANDARD.encode(failed);
    let read =
        us(Level::L1).read_logout_response(&provider(), &sent(), Arrival::Post { message: &arrival }, now());
    assert_eq!(read, Err(Refusal::Status { error: SpidError::Other(None), signed: true }));
}

#[test]
fn what_we_send_is_signed_and_names_the_login() {
    let (sent, outgoing) = us(Level::L1).logout_request(&provider(), &session(), "r", now()).unwrap();
    assert_eq!(sent.provider, IDP);
    assert!(matches!(outgoing, Outgoing::Redirect(_)));
    let to = Provider { slo_redirect: None, ..provider() };
    let (_, outgoing) = us(Level::L1).logout_request(&to, &session(), "r", now()).unwrap();
    let Outgoing::Post { saml_request, .. } = outgoing else { panic!("a POST was expected") };
    let xml = String::from_utf8(STANDARD.decode(saml_request).unwrap()).unwrap();
    assert!(verified_by_program(&xml, our_keys().certificate(), "LogoutRequest"));
    for part in [
        "<samlp:SessionIndex>_session<",
        ">_transient</saml:NameID>",
        "NameQualifier=\"https://idp.example.it\"",
    ] {
        assert!(xml.contains(part), "{part}");
    }
    let to = Provider { slo_redirect: None, slo_post: None, ..provider() };
    assert!(us(Level::L1).logout_request(&to, &session(), "r", now()).is_err());
}

#[test]
fn a_session_comes_from_an_identity_and_survives_its_store() {
    let kept = Session::from(&received(&signed(&answer())).unwrap());
    assert_eq!(kept, session());
    let stored = serde_json::to_string(&kept).unwrap();
    assert_eq!(serde_json::from_str::<Session>(&stored).unwrap(), kept);
}
