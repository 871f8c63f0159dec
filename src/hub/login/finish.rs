//! The end of a login, whichever the way: register, then code, then back to the gateway.

use super::{
    Asked, Way, choose,
    cns::Checked,
    saml::{Identity, Level, Person, Scheme},
};
use crate::{
    app::Hub,
    browser,
    oidc::{
        grant::{self, Grant, Login},
        subject,
    },
    pages,
    register::{Authentication, Entered, Evidence, RegisterError},
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use varco_templates::hub as view;
use varco_web::token;

/// Who somebody proved to be, and what the register keeps of it.
pub(super) enum Proved {
    /// A provider's answer, which every check has passed.
    Saml {
        asked: Asked,
        identity: Box<Identity>,
        /// The answer as XML.
        response: String,
    },
    /// A card, which every check has passed.
    Card(Box<Checked>),
}

impl Proved {
    const fn way(&self) -> Way {
        match self {
            Self::Saml { asked, .. } => Way::Saml(asked.scheme),
            Self::Card(_) => Way::Card,
        }
    }

    /// The body that asked.
    fn body(&self) -> &str {
        match self {
            Self::Saml { asked, .. } => &asked.body,
            Self::Card(card) => &card.asked.body,
        }
    }

    /// Digest of the value of the browser that asked.
    fn browser(&self) -> &str {
        match self {
            Self::Saml { asked, .. } => &asked.browser,
            Self::Card(card) => &card.asked.browser,
        }
    }

    fn person(&self) -> &Person {
        match self {
            Self::Saml { identity, .. } => &identity.person,
            Self::Card(card) => &card.person,
        }
    }

    /// Whether nothing of what makes somebody an administrator was left open: a card that nobody vouched for now may be one that
    /// was reported stolen.
    fn is_whole(&self) -> bool {
        match self {
            Self::Saml { .. } => true,
            Self::Card(card) => card.is_vouched_for(),
        }
    }

    const fn level(&self) -> Level {
        match self {
            Self::Saml { identity, .. } => identity.level,
            Self::Card(_) => Level::L3,
        }
    }

    /// What the ID token calls the level: SPID's names are SPID's own.
    const fn acr(&self) -> &'static str {
        match self {
            Self::Saml { identity, .. } => identity.level.uri(),
            Self::Card(_) => super::cns::ACR,
        }
    }

    /// When the person was authenticated, in Unix seconds.
    fn auth_time(&self) -> i64 {
        match self {
            Self::Saml { identity, .. } => identity.issued.as_second(),
            Self::Card(card) => card.at.as_second(),
        }
    }

    /// Whether the provider keeps something that can be ended there: SPID's at level 1 only (single sign-on), CIE's always,
    /// a card's issuer never.
    fn at_provider(&self) -> bool {
        match self {
            Self::Saml { asked, identity, .. } => {
                identity.session_index.is_some() || asked.scheme == Scheme::Cie
            }
            Self::Card(_) => false,
        }
    }
}

/// Records the login and sends the citizen back to the gateway that waits, or to a page that says it went well.
pub(super) async fn accepted(
    hub: &web::Data<Hub>,
    request: &HttpRequest,
    proved: Proved,
    browser: &str,
    now: Timestamp,
) -> HttpResponse {
    let login = match choose::waiting(hub, request).await {
        Ok(login) => login,
        Err(error) => return pages::store_down(hub, request, &error),
    };
    // What another body's gateway waits for is not ended here; nor does an answer that another browser asked for make an
    // administrator of whoever brings it.
    let elsewhere = token::digest(browser) != proved.browser();
    let ours = |login: &Login| {
        hub.body_of(login).is_some_and(|body| body.path == proved.body()) && !(elsewhere && login.admin)
    };
    let (login, other) = match login {
        Some(login) if ours(&login) => (Some(login), false),
        other => (None, other.is_some()),
    };
    let (way, at_provider) = (proved.way(), proved.at_provider());
    let (acr, auth_time) = (proved.acr().to_owned(), proved.auth_time());
    let roles = login.as_ref().map(|login| roles(hub, login, &proved)).unwrap_or_default();
    let entered = match record(hub, proved, login.clone(), now).await {
        Ok(entered) => entered,
        Err(error) => return pages::fault(hub, request, "register", &error),
    };
    if other {
        return pages::html(hub, request, StatusCode::OK, None, view::done);
    }
    // The pending login goes now, so that it makes one code; if the store fails before, the citizen can go on.
    let still = match hub.store.take::<Login>(Kind::Login, browser, now.as_second()).await {
        Ok(still) => still,
        Err(error) => return pages::store_down(hub, request, &error),
    };
    let (Some(login), Some(Entered { subject, sid }), Some(_)) = (login, entered, still) else {
        return without_cookie(pages::html(hub, request, StatusCode::OK, None, view::done));
    };
    let grant = Grant { login, subject, sid, at_provider, auth_time, acr, amr: way.name().to_owned(), roles };
    match grant::issue(hub, &grant, now.as_second()).await {
        Ok(url) => without_cookie(pages::see(url.as_str()).finish()),
        Err(grant::IssueError::Store(error)) => pages::store_down(hub, request, &error),
        Err(error) => pages::fault(hub, request, "code", &error.into()),
    }
}

/// What the person may do at the site or at the console, in a login for a role of the level that takes: a pseudonym is on no
/// list of fiscal codes. The level is looked at again: the login may have begun after the request that was answered.
fn roles(hub: &Hub, login: &Login, proved: &Proved) -> Vec<String> {
    let admins = hub.client(&login.client_id).and_then(|client| client.admins.as_ref());
    let strong = proved.level() >= login.level(Level::L1);
    let listed = proved.person().fiscal_number().zip(admins).filter(|_| login.admin && strong);
    let whole = listed.filter(|_| proved.is_whole());
    whole.map(|(code, admins)| admins.roles(code)).unwrap_or_default()
}

/// The login is over: nothing of it stays in the browser.
fn without_cookie(mut answer: HttpResponse) -> HttpResponse {
    if let Err(error) = answer.add_cookie(&browser::gone()) {
        tracing::warn!(%error, "the login cookie stays until its end");
    }
    answer
}

/// Writes the register, durably, and returns who entered, towards the gateway that waits.
async fn record(
    hub: &web::Data<Hub>,
    proved: Proved,
    login: Option<Login>,
    now: Timestamp,
) -> anyhow::Result<Option<Entered>> {
    let hub = hub.clone();
    Ok(web::block(move || write(&hub, &proved, login.as_ref(), now)).await??)
}

fn write(
    hub: &Hub,
    proved: &Proved,
    login: Option<&Login>,
    now: Timestamp,
) -> Result<Option<Entered>, RegisterError> {
    let client_id = login.map(|login| login.client_id.as_str());
    let entry = match proved {
        Proved::Saml { asked, identity, response } => of_answer(asked, identity, response, client_id, now),
        Proved::Card(card) => of_card(card, client_id, now),
    };
    hub.register.record(&entry, &proved.person().key(), |person| {
        login.map(|login| subject::pairwise(&hub.pairwise, &login.sector(), person))
    })
}

fn of_answer<'a>(
    asked: &'a Asked,
    identity: &'a Identity,
    response: &'a str,
    client_id: Option<&'a str>,
    now: Timestamp,
) -> Authentication<'a> {
    Authentication {
        at: now.as_second(),
        way: Way::Saml(asked.scheme).name(),
        body: &asked.body,
        request_id: &asked.sent.id,
        request_issued: asked.sent.issued.as_second(),
        response_id: &identity.response_id,
        response_issued: identity.issued.as_second(),
        response_issuer: &identity.provider,
        assertion_id: &identity.assertion_id,
        name_id: &identity.name_id,
        name_qualifier: &identity.name_qualifier,
        session_index: identity.session_index.as_deref(),
        level: identity.level.into(),
        evidence: Evidence::Messages { request: &asked.sent.xml, response },
        client_id,
    }
}

/// The serial number would name the person for as long as the card lasts, so it is in what is sealed and nowhere else.
fn of_card<'a>(card: &'a Checked, client_id: Option<&'a str>, now: Timestamp) -> Authentication<'a> {
    Authentication {
        at: now.as_second(),
        way: Way::Card.name(),
        body: &card.asked.body,
        request_id: &card.asked.id,
        request_issued: card.asked.issued.as_second(),
        response_id: &card.id,
        response_issued: card.vouched.as_second(),
        response_issuer: &card.issuer,
        assertion_id: "",
        name_id: "",
        name_qualifier: "",
        session_index: None,
        level: Level::L3.into(),
        evidence: Evidence::Card(&card.evidence),
        client_id,
    }
}
