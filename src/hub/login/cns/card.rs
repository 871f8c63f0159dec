//! `/card` at the card's listener: the certificate that TLS has proved the key of, checked.

use super::{
    Cards, Checked,
    asked::CardAsked,
    certificate, checks,
    checks::{Ages, Refusal},
    evidence::{self, Said},
    handle::HANDLE_LIVES,
    rules,
    standing::Standing,
};
use crate::{
    app::{self, Hub},
    config::Revoking,
    login::{
        Way,
        saml::{Person, Scheme},
    },
    oidc::form::Parameters,
    pages,
    register::Refused,
    store::Kind,
};
use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jiff::Timestamp;
use openssl::x509::X509;
use rustls::pki_types::CertificateDer;
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::time::timeout;
use varco_templates::hub::{self as view, CardOffer, CardTrouble, View};
use varco_web::{lang, page, token};

/// How long the issuer is asked in all, by every address: less than a request lasts (`routes::limit_time`), or its end
/// would be no page of ours.
const DEADLINE: Duration = Duration::from_secs(12);

/// What TLS says of a connection.
#[derive(Debug)]
pub struct Shown {
    /// The certificate whose key was proved, in DER.
    certificate: Option<Vec<u8>>,
    /// When.
    at: Timestamp,
    /// Whether a card was judged by it: it is good for one.
    used: AtomicBool,
}

impl Shown {
    /// Of a connection whose handshake has just ended.
    pub fn on(chain: Option<&[CertificateDer<'_>]>) -> Self {
        let certificate = chain.and_then(<[_]>::first).map(|certificate| certificate.to_vec());
        Self { certificate, at: app::now(), used: AtomicBool::new(false) }
    }
}

/// Why there is no result.
enum Stopped {
    Refused(Refusal, Option<String>),
    Fault(anyhow::Error),
}

impl From<Refusal> for Stopped {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal, None)
    }
}

impl From<anyhow::Error> for Stopped {
    fn from(error: anyhow::Error) -> Self {
        Self::Fault(error)
    }
}

/// Judges the card and sends the citizen back to the login.
pub async fn card(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    let now = app::now();
    let query = Parameters::parse(request.query_string().as_bytes());
    let (Some(state), Some(shown)) = (query.get("state"), request.conn_data::<Shown>()) else {
        return trouble(&hub, &request, None, CardTrouble::Start);
    };
    let asked: CardAsked = match hub.store.peek(Kind::Card, state, now.as_second()).await {
        Ok(Some(asked)) => asked,
        Ok(None) => return trouble(&hub, &request, None, CardTrouble::Start),
        Err(error) => return pages::store_down(&hub, &request, &error),
    };
    // The key was proved for another request, perhaps with a card that is gone: it is to be proved again.
    if shown.used.swap(true, Ordering::Relaxed) || shown.at < asked.issued {
        // Clocks that differ would send the browser round for ever.
        if query.get("again").is_some() {
            return trouble(&hub, &request, Some(&asked), CardTrouble::Start);
        }
        return anew(&request);
    }
    let Some(certificate) = shown.certificate.clone() else {
        return trouble(&hub, &request, Some(&asked), CardTrouble::NoCard);
    };
    // Taken before the card is looked at: good or bad, one request is good for one.
    match hub.store.take::<CardAsked>(Kind::Card, state, now.as_second()).await {
        Ok(Some(_)) => {}
        Ok(None) => return trouble(&hub, &request, Some(&asked), CardTrouble::Used),
        Err(error) => return pages::store_down(&hub, &request, &error),
    }
    match judge(&hub, &asked, certificate, now).await {
        Ok(checked) => hand_over(&hub, &request, checked, now).await,
        Err(Stopped::Refused(refusal, issuer)) => {
            refused(&hub, &request, &asked, &refusal, issuer.as_deref(), now).await
        }
        Err(Stopped::Fault(error)) => pages::fault(&hub, &request, "card", &error),
    }
}

/// The same address over a new connection, once.
fn anew(request: &HttpRequest) -> HttpResponse {
    let mut answer = pages::see(&format!("/card?{}&again=1", request.query_string()));
    answer.force_close().finish()
}

/// Every check, in order; the last one asks the card's issuer.
async fn judge(
    hub: &web::Data<Hub>,
    asked: &CardAsked,
    certificate: Vec<u8>,
    now: Timestamp,
) -> Result<Checked, Stopped> {
    let Some(cards) = &hub.cards else { return Err(refusal(CardTrouble::NoList, "no [cns]").into()) };
    let certificate = certificate::read(&certificate).map_err(|why| refusal(CardTrouble::Form, why))?;
    let issuers = cards.lists.current(now).map_err(|_| refusal(CardTrouble::NoList, "no list in force"))?;
    let found = checks::check(&certificate, &issuers, &cards.policies, now)?;
    let issuer = found.issuer.name.clone();
    let limits = hub.body(&asked.body).and_then(|body| body.us(Scheme::Spid)).map(Ages::of);
    checks::age(&found.holder, limits.unwrap_or_default(), now)
        .map_err(|refusal| Stopped::Refused(refusal, Some(issuer.clone())))?;
    let standing = standing(cards, &certificate.x509, &found.issuer.certificate, now).await;
    let said = said(cards, standing).map_err(|refusal| Stopped::Refused(refusal, Some(issuer.clone())))?;
    let vouched = match &said {
        Said::Good(proof) => proof.produced,
        Said::Nothing(_) => issuers.issued,
    };
    let evidence = evidence::of(&certificate.x509, &found, &issuers, &said)?;
    let person = Person::FiscalNumber(found.holder);
    Ok(Checked { asked: asked.clone(), id: token::random()?, at: now, person, issuer, vouched, evidence })
}

/// What the issuer says within the time that the listener gives a request.
async fn standing(cards: &Cards, card: &X509, issuer: &X509, now: Timestamp) -> Standing {
    let asking = cards.questions.standing(card, issuer, now);
    let silent = || Standing::Silent(vec![format!("all: silence: no answer in {} s", DEADLINE.as_secs())]);
    timeout(DEADLINE, asking).await.unwrap_or_else(|_| silent())
}

const fn refusal(trouble: CardTrouble, why: &'static str) -> Refusal {
    Refusal { trouble, why }
}

fn unaskable(tried: &[String]) -> Refusal {
    tracing::warn!(?tried, "there is nobody to ask whether a card is revoked");
    refusal(CardTrouble::Unaskable, "there is nobody to ask whether it is revoked")
}

/// What the issuer's word means here.
fn said(cards: &Cards, standing: Standing) -> Result<Said, Refusal> {
    match standing {
        Standing::Good(proof) => Ok(Said::Good(proof)),
        Standing::Revoked { .. } => Err(refusal(CardTrouble::Revoked, "its issuer has revoked it")),
        Standing::Unknown(_) => Err(refusal(CardTrouble::Unknown, "its issuer does not know it")),
        Standing::Unaskable(tried) => Err(unaskable(&tried)),
        Standing::Silent(tried) if cards.settings.revocation == Revoking::Soft => {
            tracing::warn!(?tried, "nobody says whether a card is revoked; the settings let it in");
            Ok(Said::Nothing(tried))
        }
        Standing::Silent(tried) => {
            tracing::warn!(?tried, "nobody says whether a card is revoked");
            Err(refusal(CardTrouble::Silent, "nobody says whether it is revoked"))
        }
    }
}

/// Keeps the result and sends the browser for it.
async fn hand_over(hub: &Hub, request: &HttpRequest, checked: Checked, now: Timestamp) -> HttpResponse {
    let Some(cards) = &hub.cards else { return trouble(hub, request, None, CardTrouble::Start) };
    let sealed = token::random().and_then(|handle| {
        let sealed = cards.handles.seal(&handle, &checked)?;
        Ok((handle, sealed))
    });
    let (handle, sealed) = match sealed {
        Ok(both) => both,
        Err(error) => return pages::fault(hub, request, "card", &error),
    };
    if let Err(error) = hub.store.put(Kind::Handle, &handle, &sealed, HANDLE_LIVES, now.as_second()).await {
        return pages::store_down(hub, request, &error);
    }
    let enter = address(hub, Some(&checked.asked), "enter");
    pages::see(&format!("{enter}?handle={handle}")).finish()
}

/// Tells the citizen, the operator and, in brief, the register.
async fn refused(
    hub: &web::Data<Hub>,
    request: &HttpRequest,
    asked: &CardAsked,
    refusal: &Refusal,
    issuer: Option<&str>,
    now: Timestamp,
) -> HttpResponse {
    if let Some(rule) = rules::of(refusal.trouble) {
        tracing::warn!(rule = rule.number, name = rule.name, "a card was refused: {}", refusal.why);
        // Whatever a certificate says of its issuer before that is believed, anybody may have written.
        let (register, id) = (hub.register.clone(), asked.id.clone());
        let provider = issuer.unwrap_or_default().to_owned();
        let kept = web::block(move || {
            register.refuse(&Refused {
                at: now.as_second(),
                way: Way::Card.name(),
                request_id: &id,
                provider: &provider,
                reason: rule.name,
            })
        });
        if let Ok(Err(error)) = kept.await {
            tracing::error!(%error, "a refused login was not written");
        }
    }
    trouble(hub, request, Some(asked), refusal.trouble)
}

/// Nothing else is here.
pub async fn elsewhere(hub: web::Data<Hub>, request: HttpRequest) -> HttpResponse {
    trouble(&hub, &request, None, CardTrouble::Start)
}

/// The page, with the ways that are left.
fn trouble(
    hub: &Hub,
    request: &HttpRequest,
    asked: Option<&CardAsked>,
    trouble: CardTrouble,
) -> HttpResponse {
    let body = asked.and_then(|asked| hub.body(&asked.body)).or_else(|| hub.bodies.first());
    let view = View { lang: lang::of(request), owner: body.map_or("Varco", |body| &body.body.display_name) };
    let query = Parameters::parse(request.query_string().as_bytes());
    // After a card the request is used up: another language of the page must not show a card again.
    let open = asked.is_some() && trouble == CardTrouble::NoCard;
    let state = query.get("state").filter(|_| open).map(|state| format!("state={state}&"));
    let (again, help, other) =
        (address(hub, asked, "login"), address(hub, asked, "help"), hub.settings.url("/login"));
    let offer =
        CardOffer { again: &again, help: &help, other: &other, query: state.as_deref().unwrap_or_default() };
    page::html(request, status(trouble), view::card(view, trouble, offer))
}

/// Why there is no pass: the card, or what should judge it.
pub(super) const fn status(trouble: CardTrouble) -> StatusCode {
    match trouble {
        CardTrouble::Silent | CardTrouble::NoList => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    }
}

/// An address of the main listener, for the body that asked.
fn address(hub: &Hub, asked: Option<&CardAsked>, end: &str) -> String {
    let body = asked.and_then(|asked| hub.body(&asked.body));
    let body = body.or_else(|| hub.bodies.iter().find(|body| body.cns));
    hub.settings.url(&body.map_or_else(|| "/login".to_owned(), |body| body.card_address(end)))
}
