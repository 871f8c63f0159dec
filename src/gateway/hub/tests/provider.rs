//! A small OpenID provider on loopback.

use super::super::{
    Hub, Response,
    confirmed::{IdToken, Roles},
    events::{Logout, LogoutToken},
};
use crate::settings;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, dev::ServerHandle, web};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use openidconnect::{
    Audience, AuthenticationContextClass, IdTokenClaims, IssuerUrl, JsonWebKeyId, Nonce, PrivateSigningKey,
    StandardClaims, SubjectIdentifier,
    core::{
        CoreGenderClaim, CoreHmacKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey,
    },
};
use ring::digest;
use serde_json::json;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

pub const CLIENT: &str = "biblioteca";
pub const SECRET: &str = "a secret: with % signs";
/// Where the admin pages are.
pub const OFFICE: &str = "https://router.biblioteca.example.it:8443";
pub const PORTAL: &str = "https://wifi.biblioteca.example.it";

/// What the provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mischief {
    #[default]
    None,
    Nonce,
    Audience,
    Issuer,
    Expired,
    Key,
    Hmac,
    NoToken,
    Subject,
}

/// What is wrong with a Logout Token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    Nothing,
    NoSid,
    Nonce,
    NoEvent,
    OtherEvent,
    Stale,
    Early,
    Expired,
    Audience,
    Issuer,
    Key,
    Hmac,
    Subject,
    Sid,
}

#[derive(Default)]
struct State {
    issuer: String,
    key: String,
    key_id: u32,
    mischief: Mischief,
    /// The claims `roles` and `acr` of the next tokens.
    roles: Vec<String>,
    acr: Option<String>,
    /// The claim `sid` of the next tokens.
    sid: Option<String>,
    /// Events that are not acknowledged yet, and those that were, or were refused.
    events: BTreeMap<String, String>,
    acknowledged: Vec<String>,
    refused: Vec<String>,
    /// Nonce and challenge of each code.
    codes: HashMap<String, (String, String)>,
}

/// The provider.
pub struct Provider {
    state: Arc<Mutex<State>>,
    server: ServerHandle,
}

/// What a gateway's settings say of a hub at this address.
pub fn settings_of(address: &str) -> settings::Hub {
    settings::Hub {
        origin: address.to_owned(),
        issuer: address.to_owned(),
        client_id: CLIENT.into(),
        client_secret: SECRET.to_owned().into(),
        ca: None,
        log_mirror: None,
    }
}

fn new_key() -> String {
    let key = openssl::rsa::Rsa::generate(2048).unwrap();
    String::from_utf8(key.private_key_to_pem().unwrap()).unwrap()
}

impl Provider {
    pub async fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = State { issuer, key: new_key(), key_id: 1, ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(data.clone())
                .route("/.well-known/openid-configuration", web::get().to(discovery))
                .route("/keys", web::get().to(keys))
                .route("/token", web::post().to(token))
                .route("/events", web::post().to(events))
        });
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { state, server: handle }
    }

    /// A relying party of this provider: a portal.
    pub fn hub(&self) -> Hub {
        self.hub_of(PORTAL)
    }

    /// Whom the next tokens are of.
    pub fn says(&self, roles: &[&str], acr: &str) {
        let mut state = self.state.lock().unwrap();
        state.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        state.acr = Some(acr.to_owned());
    }

    /// A relying party with pages at this origin.
    pub fn hub_of(&self, origin: &str) -> Hub {
        let issuer = self.state.lock().unwrap().issuer.clone();
        let settings = settings_of(&issuer);
        let _ = rustls::crypto::ring::default_provider().install_default();
        Hub::new(settings, origin, reqwest::Client::new()).unwrap()
    }

    /// What the browser does: it goes to the login page and comes back with a code.
    pub fn authorize(&self, url: &url::Url) -> Response {
        let asked: HashMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        let office = asked["redirect_uri"] == format!("{OFFICE}/login/callback");
        assert!(office || asked["redirect_uri"] == format!("{PORTAL}/login/callback"));
        assert_eq!(asked["scope"], if office { "openid roles" } else { "openid" });
        let mut state = self.state.lock().unwrap();
        let code = format!("code-{}", state.codes.len());
        let kept = (asked["nonce"].clone(), asked["code_challenge"].clone());
        state.codes.insert(code.clone(), kept);
        Response {
            state: Some(asked["state"].clone()),
            code: Some(code),
            iss: Some(state.issuer.clone()),
            error: None,
        }
    }

    /// Names the login of the next ID tokens.
    pub fn names_the_login(&self, sid: &str) {
        self.state.lock().unwrap().sid = Some(sid.to_owned());
    }

    /// A Logout Token of the login `login-1`.
    pub fn logout_token(&self, jti: &str, forged: Forged) -> String {
        logout_token(&self.state.lock().unwrap(), jti, forged)
    }

    /// Tells an event until it is acknowledged.
    pub fn tell(&self, jti: &str, token: String) {
        self.state.lock().unwrap().events.insert(jti.to_owned(), token);
    }

    /// The events that were acknowledged, and those that were refused.
    pub fn heard(&self) -> (Vec<String>, Vec<String>) {
        let state = self.state.lock().unwrap();
        (state.acknowledged.clone(), state.refused.clone())
    }

    pub fn misbehave(&self, mischief: Mischief) {
        self.state.lock().unwrap().mischief = mischief;
    }

    pub fn change_keys(&self) {
        let mut state = self.state.lock().unwrap();
        (state.key, state.key_id) = (new_key(), state.key_id + 1);
    }

    pub async fn stop(&self) {
        self.server.stop(false).await;
    }
}

async fn discovery(state: web::Data<Mutex<State>>) -> HttpResponse {
    let issuer = &state.lock().unwrap().issuer;
    HttpResponse::Ok().json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "authorization_response_iss_parameter_supported": true,
        "end_session_endpoint": format!("{issuer}/logout"),
        "security_events_endpoint": format!("{issuer}/events"),
    }))
}

fn signing(state: &State) -> CoreRsaPrivateSigningKey {
    let id = JsonWebKeyId::new(state.key_id.to_string());
    CoreRsaPrivateSigningKey::from_pem(&state.key, Some(id)).unwrap()
}

async fn keys(state: web::Data<Mutex<State>>) -> HttpResponse {
    let key = signing(&state.lock().unwrap()).as_verification_key();
    HttpResponse::Ok().json(CoreJsonWebKeySet::new(vec![key]))
}

fn is_the_gateway(request: &HttpRequest) {
    let sent =
        request.headers().get("authorization").unwrap().to_str().unwrap().strip_prefix("Basic ").unwrap();
    let sent = String::from_utf8(STANDARD.decode(sent).unwrap()).unwrap();
    let escaped: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    assert_eq!(sent, format!("{CLIENT}:{escaped}"));
}

/// RFC 8936, without waiting.
async fn events(
    request: HttpRequest,
    poll: web::Json<serde_json::Value>,
    state: web::Data<Mutex<State>>,
) -> HttpResponse {
    is_the_gateway(&request);
    let mut state = state.lock().unwrap();
    let done: Vec<_> =
        poll["ack"].as_array().unwrap().iter().map(|jti| jti.as_str().unwrap().to_owned()).collect();
    let refused: Vec<_> = poll["setErrs"].as_object().unwrap().keys().cloned().collect();
    done.iter().chain(&refused).for_each(|jti| drop(state.events.remove(jti)));
    state.acknowledged.extend(done);
    state.refused.extend(refused);
    HttpResponse::Ok().json(json!({ "sets": state.events, "moreAvailable": false }))
}

fn logout_token(state: &State, jti: &str, forged: Forged) -> String {
    let pick = |which, good: &str, bad: &str| if forged == which { bad.to_owned() } else { good.to_owned() };
    let now = super::now().as_second();
    let time = |s: i64| jiff::Timestamp::from_second(s).unwrap().to_string().parse().unwrap();
    let issued = match forged {
        Forged::Stale => now - 400,
        Forged::Early => now + 400,
        _ => now,
    };
    let event =
        pick(Forged::OtherEvent, "http://schemas.openid.net/event/backchannel-logout", "https://other");
    let sid = (forged != Forged::NoSid).then(|| pick(Forged::Sid, "login-1", "a space"));
    let events = [(event, json!({}))].into_iter().filter(|_| forged != Forged::NoEvent).collect();
    let claims = IdTokenClaims::new(
        IssuerUrl::new(pick(Forged::Issuer, &state.issuer, "https://other.example")).unwrap(),
        vec![Audience::new(pick(Forged::Audience, CLIENT, "another-library"))],
        time(now + if forged == Forged::Expired { -1 } else { 1000 }),
        time(issued),
        StandardClaims::new(SubjectIdentifier::new(pick(Forged::Subject, "pairwise-1", "a space"))),
        Logout { jti: jti.to_owned(), sid, events },
    )
    .set_nonce((forged == Forged::Nonce).then(|| Nonce::new("n".into())));
    let stranger = State { key: new_key(), key_id: state.key_id, ..State::default() };
    let rs256 = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let token = match forged {
        Forged::Hmac => LogoutToken::new(
            claims,
            &CoreHmacKey::new(SECRET),
            CoreJwsSigningAlgorithm::HmacSha256,
            None,
            None,
        ),
        Forged::Key => LogoutToken::new(claims, &signing(&stranger), rs256, None, None),
        _ => LogoutToken::new(claims, &signing(state), rs256, None, None),
    };
    token.unwrap().to_string()
}

async fn token(
    request: HttpRequest,
    form: web::Form<HashMap<String, String>>,
    state: web::Data<Mutex<State>>,
) -> HttpResponse {
    let mut state = state.lock().unwrap();
    is_the_gateway(&request);
    assert!([PORTAL, OFFICE].iter().any(|origin| form["redirect_uri"] == format!("{origin}/login/callback")));
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, form["code_verifier"].as_bytes()));
    match state.codes.remove(&form["code"]) {
        Some((nonce, asked)) if asked == challenge => HttpResponse::Ok().json(answer(&state, &nonce)),
        _ => HttpResponse::BadRequest().json(json!({ "error": "invalid_grant" })),
    }
}

fn answer(state: &State, nonce: &str) -> serde_json::Value {
    let mut answer = json!({ "access_token": "unused", "token_type": "Bearer" });
    if state.mischief != Mischief::NoToken {
        answer["id_token"] = json!(id_token(state, nonce).to_string());
    }
    answer
}

fn id_token(state: &State, nonce: &str) -> IdToken {
    let wrong = state.mischief;
    let pick =
        |mischief, good: &str, bad: &str| if wrong == mischief { bad.to_owned() } else { good.to_owned() };
    let age = if wrong == Mischief::Expired { 7200 } else { 0 };
    let seconds = super::now().as_second() - age;
    let time = |s: i64| jiff::Timestamp::from_second(s).unwrap().to_string();
    let issuer = pick(Mischief::Issuer, &state.issuer, "https://other.example");
    let subject = pick(Mischief::Subject, "pairwise-1", "a space");
    let claims = IdTokenClaims::new(
        IssuerUrl::new(issuer).unwrap(),
        vec![Audience::new(pick(Mischief::Audience, CLIENT, "another-library"))],
        time(seconds + 3600).parse().unwrap(),
        time(seconds).parse().unwrap(),
        StandardClaims::new(SubjectIdentifier::new(subject)),
        Roles { roles: state.roles.clone(), sid: state.sid.clone(), provider_session: true },
    )
    .set_auth_context_ref(state.acr.clone().map(AuthenticationContextClass::new))
    .set_nonce(Some(Nonce::new(pick(Mischief::Nonce, nonce, "another"))));
    sign(state, claims)
}

fn sign(state: &State, claims: IdTokenClaims<Roles, CoreGenderClaim>) -> IdToken {
    let hmac = CoreHmacKey::new(SECRET);
    let forged = State { key: new_key(), key_id: state.key_id, ..State::default() };
    let rs256 = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
    let token = match state.mischief {
        Mischief::Hmac => IdToken::new(claims, &hmac, CoreJwsSigningAlgorithm::HmacSha256, None, None),
        Mischief::Key => IdToken::new(claims, &signing(&forged), rs256, None, None),
        _ => IdToken::new(claims, &signing(state), rs256, None, None),
    };
    token.unwrap()
}
