//! `/spid/acs`, `/cie/acs`: the provider's answer, posted by the citizen's browser from the provider's site.
//!
//! Order: the request record is taken (once, so that nothing is replayed and nothing unsolicited is read), the
//! browser is proved, the answer is checked, the register is written, and only then does a code exist.

use super::{
    Asked, Way, finish,
    saml::{Identity, Refusal, SpidError},
};
use crate::{
    app::{self, Hub},
    browser,
    here::Here,
    oidc::form::Parameters,
    pages,
    register::Refused,
    store::{Kind, StoreError},
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use varco_templates::hub::Trouble;
use varco_web::token;

/// The alarm of a request that a provider did not take, as operators watch for it.
const ALARM: &str = "saml-request-refused";

/// Somebody who comes back here by hand, or by the language menu of a page.
pub async fn back(request: HttpRequest) -> HttpResponse {
    pages::see_in_language(&request, "/login")
}

/// The assertion consumer service, POST binding.
pub async fn receive(
    hub: web::Data<Hub>,
    here: Here,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let now = app::now();
    let form = Parameters::parse(&body);
    let (Some(message), Some(relay_state), false) =
        (form.get("SAMLResponse"), form.get("RelayState"), form.repeated())
    else {
        return pages::again(&hub, &request, StatusCode::BAD_REQUEST, Trouble::NotAccepted, None).await;
    };
    let asked = match taken(&hub, relay_state.trim(), now).await {
        Ok(Some(asked)) => asked,
        Ok(None) => return pages::again(&hub, &request, StatusCode::FORBIDDEN, Trouble::Used, None).await,
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    // It came to the address that we gave to its provider, or it is not for us.
    if here != (Here { body: asked.body.clone(), scheme: asked.scheme.metadata() }) {
        return pages::again(&hub, &request, StatusCode::BAD_REQUEST, Trouble::NotAccepted, None).await;
    }
    let browser = browser::known(&request).unwrap_or_default();
    let elsewhere = token::digest(&browser) != asked.browser;
    if elsewhere && !asked.minors {
        return other_browser(&hub, &request).await;
    }
    match check(&hub, &asked, message, now).await {
        Ok(Ok(identity)) if elsewhere && !is_minor(&identity, now) => other_browser(&hub, &request).await,
        Ok(Ok(identity)) => {
            let response = match text(message) {
                Ok(response) => response,
                Err(error) => return pages::fault(&hub, &request, "spid answer", &error),
            };
            let proved = finish::Proved::Saml { asked, identity: Box::new(identity), response };
            finish::accepted(&hub, &request, proved, &browser, now).await
        }
        Ok(Err(refusal)) => refused(&hub, &request, &asked, &refusal, now).await,
        Err(error) => pages::fault(&hub, &request, "spid answer", &error),
    }
}

/// The answer as XML, for the register.
fn text(message: &str) -> anyhow::Result<String> {
    let dense: String = message.split_ascii_whitespace().collect();
    Ok(String::from_utf8(STANDARD.decode(dense)?)?)
}

/// The record of a request, once.
async fn taken(hub: &Hub, relay_state: &str, now: Timestamp) -> Result<Option<Asked>, StoreError> {
    let short = hub.store.take(Kind::Request, relay_state, now.as_second()).await?;
    match short {
        Some(asked) => Ok(Some(asked)),
        None => hub.store.take(Kind::LongRequest, relay_state, now.as_second()).await,
    }
}

async fn other_browser(hub: &Hub, request: &HttpRequest) -> HttpResponse {
    tracing::warn!("an answer came to another browser than the one that asked");
    pages::again(hub, request, StatusCode::FORBIDDEN, Trouble::OtherBrowser, None).await
}

/// Whether a parent may have allowed this login a day after it was asked, when its browser was long closed: the one
/// reason to let an answer in elsewhere (SECURITY.md I4).
fn is_minor(identity: &Identity, now: Timestamp) -> bool {
    let today = now.to_zoned(TimeZone::UTC).date();
    identity.person.fiscal_number().is_some_and(|code| code.is_minor(today))
}

/// Checks the answer on a thread that may take its time: libxml2 and xmlsec work here.
async fn check(
    hub: &web::Data<Hub>,
    asked: &Asked,
    message: &str,
    now: Timestamp,
) -> anyhow::Result<Result<Identity, Refusal>> {
    let trusted = hub.trusted.current();
    let (hub, sent, message) = (hub.clone(), asked.sent.clone(), message.to_owned());
    let (body, scheme) = (asked.body.clone(), asked.scheme);
    Ok(web::block(move || {
        let provider = trusted.get(&sent.provider).filter(|provider| provider.scheme == scheme);
        match hub.body(&body).and_then(|body| body.us(scheme)).zip(provider) {
            Some((us, provider)) => us.check_response(provider, &sent, &message, now),
            None => Err(Refusal::Check { check: "provider", why: "it is trusted no more".to_owned() }),
        }
    })
    .await?)
}

/// Tells the citizen, the operator and, in brief, the register.
async fn refused(
    hub: &web::Data<Hub>,
    request: &HttpRequest,
    asked: &Asked,
    refusal: &Refusal,
    now: Timestamp,
) -> HttpResponse {
    let (provider, reason, rule) = (&asked.sent.provider, refusal.name(), refusal.rule());
    tracing::warn!(%provider, reason, rule, "a login was refused: {refusal}");
    alarm(provider, refusal);
    write(hub, asked, refusal, now).await;
    let shown = match refusal {
        Refusal::Status { error, .. } => error.code(),
        _ => None,
    };
    pages::again(hub, request, StatusCode::FORBIDDEN, trouble(refusal), shown.as_deref()).await
}

/// Nobody logs in by this provider until the operator mends our settings or metadata. What the provider did not sign may be
/// of a guest who wants to be heard: then it is said, and is no alarm.
fn alarm(provider: &str, refusal: &Refusal) {
    let Refusal::Status { error: SpidError::OurRequest(number), signed } = refusal else { return };
    let code = format!("nr{number:02}");
    if *signed {
        tracing::error!(alarm = ALARM, provider, code, "the provider says that our request is wrong");
    } else {
        tracing::warn!(provider, code, "an answer without signature says that our request is wrong");
    }
}

/// Writes a refusal to the register; a login does not wait for that to succeed.
async fn write(hub: &web::Data<Hub>, asked: &Asked, refusal: &Refusal, now: Timestamp) {
    let register = hub.register.clone();
    let scheme = asked.scheme;
    let (id, provider, reason) = (asked.sent.id.clone(), asked.sent.provider.clone(), reason(refusal));
    let kept = web::block(move || {
        register.refuse(&Refused {
            at: now.as_second(),
            way: Way::Saml(scheme).name(),
            request_id: &id,
            provider: &provider,
            reason: &reason,
        })
    });
    if let Ok(Err(error)) = kept.await {
        tracing::error!(%error, "a refused login was not written");
    }
}

/// The short name of the reason; of an error of the provider, its number.
fn reason(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Status { error, .. } => error.code().unwrap_or_else(|| error.name().to_owned()),
        other => other.name().to_owned(),
    }
}

/// What the citizen is told.
const fn trouble(refusal: &Refusal) -> Trouble {
    match refusal {
        Refusal::Status { error, .. } => match error {
            SpidError::OurRequest(_) => Trouble::OurRequest,
            SpidError::WrongCredentials => Trouble::Nr19,
            SpidError::LevelTooLow => Trouble::Nr20,
            SpidError::TimedOut => Trouble::Nr21,
            SpidError::ConsentDenied => Trouble::Nr22,
            SpidError::Suspended => Trouble::Nr23,
            SpidError::Cancelled => Trouble::Nr25,
            SpidError::OtherKind => Trouble::Nr30,
            SpidError::Other(_) => Trouble::Status,
        },
        _ => Trouble::NotAccepted,
    }
}
