//! The code flow over HTTPS, walked by the relying party of the openidconnect crate and by malicious ones.

use super::grant::{self, Grant, Login};
use crate::{
    app, browser,
    store::Kind,
    testing::{Running, SECRET, Site, location},
};
use openidconnect::{
    AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, TokenResponse as _,
    core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata},
    reqwest::{self, StatusCode},
};
use std::collections::BTreeMap;
use url::Url;

const REDIRECT: &str = "https://wifi.biblioteca.example.it/login/callback";
/// Where an administrator's login ends.
pub(crate) const ADMIN: &str = "https://router.biblioteca.example.it:8443/login/callback";
const VERIFIER: &str = "verifier-verifier-verifier-verifier-verifier";

fn now() -> i64 {
    app::now().as_second()
}

fn challenge() -> String {
    PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(VERIFIER.into())).as_str().to_owned()
}

/// A good authorization request as path and query, with some parameters changed; an empty value removes one.
pub(crate) fn request(changes: &[(&str, &str)]) -> String {
    let challenge = challenge();
    let mut all = BTreeMap::from([
        ("client_id", "biblioteca-civica"),
        ("redirect_uri", REDIRECT),
        ("response_type", "code"),
        ("scope", "openid"),
        ("state", "s-1"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    all.extend(changes.iter().copied());
    all.retain(|_, value| !value.is_empty());
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    format!("/oidc/authorize?{query}")
}

/// The parameters of a redirect to the gateway.
pub(crate) fn answer(location: &str) -> BTreeMap<String, String> {
    assert!([REDIRECT, ADMIN].iter().any(|own| location.starts_with(own)), "{location}");
    Url::parse(location).unwrap().query_pairs().into_owned().collect()
}

/// What the SPID step does at its end: the pending login of this browser becomes a code.
async fn complete(hub: &Running, browser: &str, person: &str) -> Url {
    let login: Login = hub.hub.store.take(Kind::Login, browser, now()).await.unwrap().unwrap();
    let (acr, amr) = (super::discovery::acr(1), "spid".to_owned());
    let entered = enter(hub, &login, person);
    let grant = Grant {
        login,
        subject: entered.subject,
        sid: entered.sid,
        at_provider: true,
        auth_time: now(),
        acr,
        amr,
        roles: Vec::new(),
    };
    grant::issue(&hub.hub, &grant, now()).await.unwrap()
}

/// Writes the person's login in the register.
fn enter(hub: &Running, login: &Login, person: &str) -> crate::register::Entered {
    let entry = crate::register::Authentication {
        at: now(),
        way: "spid",
        body: "",
        request_id: "_q",
        request_issued: now(),
        response_id: "_r",
        response_issued: now(),
        response_issuer: "https://idp.example.it",
        assertion_id: "_a",
        name_id: "_t",
        name_qualifier: "https://idp.example.it",
        session_index: Some("_s"),
        level: 1,
        evidence: crate::register::Evidence::Messages { request: "<q/>", response: "<r/>" },
        client_id: Some(&login.client_id),
    };
    let subject = |id: &str| Some(super::subject::pairwise(&hub.hub.pairwise, &login.sector(), id));
    hub.hub.register.record(&entry, person, subject).unwrap().unwrap()
}

/// A code for the good request.
async fn code(hub: &Running) -> String {
    let mut citizen = hub.browser();
    citizen.get(&request(&[])).await;
    let url = complete(hub, &citizen.cookies[browser::COOKIE], "person").await;
    answer(url.as_str())["code"].clone()
}

/// Posts to the token endpoint, with some parameters changed, and returns status and body.
pub(crate) async fn exchange(hub: &Running, changes: &[(&str, &str)]) -> (StatusCode, serde_json::Value) {
    let mut all = BTreeMap::from([
        ("grant_type", "authorization_code"),
        ("client_id", "biblioteca-civica"),
        ("client_secret", SECRET),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ]);
    all.extend(changes.iter().copied());
    all.retain(|_, value| !value.is_empty());
    let answer = hub.client.post(format!("{}/oidc/token", hub.base)).form(&all).send().await.unwrap();
    assert_eq!(answer.headers()["Cache-Control"], "no-store");
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap())
}

#[actix_web::test]
async fn the_relying_party_of_the_crate_logs_a_citizen_in() {
    let hub = Running::start("interop").await;
    let issuer = IssuerUrl::new(hub.base.clone()).unwrap();
    let metadata = CoreProviderMetadata::discover_async(issuer, &hub.client).await.unwrap();
    let client = CoreClient::from_provider_metadata(
        metadata,
        ClientId::new("biblioteca-civica".into()),
        Some(ClientSecret::new(SECRET.into())),
    )
    .set_redirect_uri(RedirectUrl::new(REDIRECT.into()).unwrap());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
        .set_pkce_challenge(challenge)
        .url();
    let mut citizen = hub.browser();
    let sent = citizen.get(url.as_str()).await;
    assert_eq!((sent.status(), location(&sent).as_str()), (StatusCode::FOUND, "/login"));

    let back = complete(&hub, &citizen.cookies[browser::COOKIE], "person").await;
    let answer = answer(back.as_str());
    assert_eq!((&answer["state"], &answer["iss"]), (state.secret(), &hub.base));
    let tokens = client
        .exchange_code(AuthorizationCode::new(answer["code"].clone()))
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&hub.client)
        .await
        .unwrap();
    let claims = tokens.id_token().unwrap().claims(&client.id_token_verifier(), &nonce).unwrap();
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    let id: String = db.query_row("SELECT id FROM person", [], |row| row.get(0)).unwrap();
    let subject = super::subject::pairwise(&hub.hub.pairwise, "biblioteca-civica", &id);
    assert_eq!(claims.subject().as_str(), subject);
    assert_eq!(claims.auth_context_ref().unwrap().as_str(), "https://www.spid.gov.it/SpidL1");
    assert!(claims.auth_time().is_some() && claims.name().is_none());
    assert!(claims.access_token_hash().is_some() && tokens.expires_in().is_some());
    hub.stop().await;
}

#[actix_web::test]
async fn a_stranger_gets_a_page_and_never_a_redirect() {
    let hub = Running::start("stranger").await;
    for change in [
        ("client_id", "stranger"),
        ("client_id", ""),
        ("redirect_uri", ""),
        ("redirect_uri", "https://wifi.biblioteca.example.it/login/callback/"),
        ("redirect_uri", "https://wifi.biblioteca.example.it/login/callback?x=1"),
        ("redirect_uri", "https://evil.example/"),
    ] {
        let answer = hub.browser().get(&request(&[change])).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{change:?}");
        assert!(answer.headers().get("Location").is_none());
        assert!(answer.text().await.unwrap().contains("Richiesta non valida"));
    }
    hub.stop().await;
}

#[actix_web::test]
async fn a_gateway_is_told_what_is_wrong() {
    let hub = Running::start("errors").await;
    let long = "x".repeat(2000);
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", "code id_token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("scope", "profile"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("nonce", ""), "invalid_request"),
        (("nonce", long.as_str()), "invalid_request"),
        (("state", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none"), "login_required"),
        (("prompt", "none login"), "invalid_request"),
        (("request", "e30."), "request_not_supported"),
        (("request_uri", "https://evil.example/"), "request_uri_not_supported"),
        (("registration", "{}"), "registration_not_supported"),
    ] {
        let answer = hub.browser().get(&request(&[change])).await;
        assert_eq!(answer.status(), StatusCode::FOUND, "{change:?}");
        let told = self::answer(&location(&answer));
        assert_eq!(told["error"], error, "{change:?}");
        assert_eq!(told["iss"], hub.base);
        assert_eq!(told.get("state").map(String::as_str), (change.0 != "state").then_some("s-1"));
    }
    let twice = hub.browser().get(&format!("{}&nonce=n-2", request(&[]))).await;
    assert_eq!(answer(&location(&twice))["error"], "invalid_request");
    hub.stop().await;
}

#[actix_web::test]
async fn an_administrators_login_asks_for_roles() {
    let hub = Running::start("scope").await;
    for (scope, error) in [("openid", Some("invalid_scope")), ("roles", Some("invalid_scope"))] {
        let sent = hub.browser().get(&request(&[("redirect_uri", ADMIN), ("scope", scope)])).await;
        let to = location(&sent);
        assert!(to.starts_with(ADMIN));
        assert_eq!(answer(&to).get("error").map(String::as_str), error);
    }
    let sent = hub.browser().get(&request(&[("redirect_uri", ADMIN), ("scope", "openid roles")])).await;
    assert_eq!(location(&sent), "/login");
    // Another gateway cannot send its people there.
    let other = [("redirect_uri", ADMIN), ("client_id", "museo")];
    assert_eq!(hub.browser().get(&request(&other)).await.status(), StatusCode::BAD_REQUEST);
    hub.stop().await;
}

#[actix_web::test]
async fn a_login_may_be_asked_by_post_and_in_a_language() {
    let hub = Running::start("post").await;
    let mut citizen = hub.browser();
    let query = request(&[("ui_locales", "de en-GB it")]);
    let form: Vec<(String, String)> =
        url::form_urlencoded::parse(query.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = citizen.post("/oidc/authorize", &form).await;
    assert_eq!(location(&answer), "/login");
    assert_eq!(citizen.cookies["__Host-lang"], "en");
    let cookie = answer.headers().get_all("Set-Cookie").iter().next().unwrap().to_str().unwrap();
    assert!(cookie.starts_with("__Host-login=") && cookie.contains("SameSite=None"), "{cookie}");
    hub.stop().await;
}

#[actix_web::test]
async fn a_code_is_good_once() {
    let hub = Running::start("once").await;
    let code = code(&hub).await;
    let (status, tokens) = exchange(&hub, &[("code", &code)]).await;
    assert_eq!((status, tokens["token_type"].as_str()), (StatusCode::OK, Some("bearer")));
    let (status, again) = exchange(&hub, &[("code", &code)]).await;
    assert_eq!((status, again["error"].as_str()), (StatusCode::BAD_REQUEST, Some("invalid_grant")));
    hub.stop().await;
}

#[actix_web::test]
async fn a_code_is_good_for_its_gateway_address_and_verifier_only() {
    let hub = Running::start("bound").await;
    let other = "other-verifier-other-verifier-other-verifier";
    for change in [
        ("code_verifier", other),
        ("code_verifier", "short"),
        ("redirect_uri", "https://wifi.museo.example.it/login/callback"),
        ("client_id", "museo"),
        ("code", "unknown"),
    ] {
        let code = code(&hub).await;
        let (status, refusal) = exchange(&hub, &[("code", &code), change]).await;
        assert_eq!(
            (status, refusal["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_grant")),
            "{change:?}"
        );
        let (status, _) = exchange(&hub, &[("code", &code)]).await;
        let spared = change.0 == "code";
        assert_eq!(status == StatusCode::OK, spared, "a code that somebody misused is burnt: {change:?}");
    }
    hub.stop().await;
}

#[actix_web::test]
async fn the_token_endpoint_says_what_is_wrong() {
    let hub = Running::start("token-errors").await;
    for (change, status, error) in [
        (("client_secret", "wrong-wrong-wrong-wrong-wrong-wrong"), 401, "invalid_client"),
        (("client_secret", ""), 401, "invalid_client"),
        (("client_id", "stranger"), 401, "invalid_client"),
        (("client_id", ""), 401, "invalid_client"),
        (("grant_type", "password"), 400, "unsupported_grant_type"),
        (("grant_type", ""), 400, "invalid_request"),
        (("code", ""), 400, "invalid_request"),
        (("redirect_uri", ""), 400, "invalid_request"),
        (("code_verifier", ""), 400, "invalid_request"),
    ] {
        let (got, refusal) = exchange(&hub, &[("code", "c"), change]).await;
        assert_eq!((got.as_u16(), refusal["error"].as_str()), (status, Some(error)), "{change:?}");
    }
    hub.stop().await;
}

#[actix_web::test]
async fn credentials_in_the_header_are_form_encoded_and_alone() {
    let hub = Running::start("basic").await;
    let encoded: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let post = |secret: &str, code: &str, more: &'static str| {
        hub.client
            .post(format!("{}/oidc/token", hub.base))
            .basic_auth("biblioteca-civica", Some(secret))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!(
                "grant_type=authorization_code&code={code}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}{more}"
            ))
            .send()
    };
    let code = code(&hub).await;
    let two_ways = post(&encoded, &code, "&client_secret=x").await.unwrap();
    assert_eq!(two_ways.status(), StatusCode::BAD_REQUEST);
    let wrong = post("wrong", &code, "").await.unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(wrong.headers().contains_key("WWW-Authenticate"));
    assert_eq!(post(&encoded, &code, "").await.unwrap().status(), StatusCode::OK);
    hub.stop().await;
}

#[actix_web::test]
async fn two_gateways_get_two_subjects_of_one_citizen() {
    let salt = Site::make("pairwise").hub();
    let [a, b] =
        ["biblioteca-civica", "museo"].map(|c| super::subject::pairwise(&salt.pairwise, c, "person"));
    assert_ne!(a, b);
}

#[actix_web::test]
async fn a_store_that_is_down_is_said_and_nothing_is_sent_on() {
    let site = Site::make("down");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = silent.local_addr().unwrap();
    drop(silent);
    site.change("kind = \"sqlite\"", &format!("kind = \"redis\"\nurl = \"redis://{closed}\""));
    let hub = Running::with(site).await;
    let answer = hub.browser().get(&request(&[])).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text().await.unwrap().contains("Servizio momentaneamente non disponibile"));
    let (status, refusal) = exchange(&hub, &[("code", "c")]).await;
    assert_eq!(
        (status, refusal["error"].as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, Some("temporarily_unavailable"))
    );
    let health = hub.browser().get("/health").await;
    assert_eq!(health.status(), reqwest::StatusCode::SERVICE_UNAVAILABLE);
    hub.stop().await;
}

#[actix_web::test]
async fn every_answer_has_the_strict_headers_and_a_large_body_is_refused() {
    let hub = Running::start("headers").await;
    let answer = hub.browser().get("/nowhere").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let policy = answer.headers()["Content-Security-Policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("form-action 'self';") && policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(answer.headers()["X-Content-Type-Options"], "nosniff");
    assert_eq!(hub.browser().get("/health").await.text().await.unwrap(), "ok\n");
    let large = hub.client.post(format!("{}/oidc/token", hub.base)).body(vec![b'x'; (1 << 20) + 1]);
    assert_eq!(large.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    hub.stop().await;
}
