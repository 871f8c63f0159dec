//! The requests that the hub would send, by each binding, read as a provider would read them.

use super::{Held, Outcome, holds, is_https, italian};
use crate::login::saml::{
    Level, Outgoing, Provider, Scheme, ServiceProvider,
    binding::{Parameter, SignedQuery},
    list,
    names::{ENTITY, SAML, SAMLP, TRANSIENT},
    read, signature,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use roxmltree::{Document, Node};
use url::Url;

const SSO: &str = "Regole tecniche SPID, single sign-on";
/// Longest identifier that every provider takes (italia/spid, thread 1314).
const LONGEST_ID: usize = 38;

type Rule = (&'static str, fn(&ServiceProvider, Node<'_, '_>) -> Held);

const RULES: &[Rule] = &[
    ("ID di almeno 128 bit casuali, al più 38 caratteri", |_, r| {
        let id = read::attribute(r, "ID").map_err(italian)?;
        holds((33..=LONGEST_ID).contains(&id.len()), format!("ha {} caratteri", id.len()))
    }),
    ("Version è 2.0", |_, r| read::is(r, "Version", "2.0")),
    ("IssueInstant è in UTC", |_, r| read::instant(r, "IssueInstant").map(drop).map_err(italian)),
    ("Destination è un indirizzo https", |_, r| {
        let to = read::attribute(r, "Destination").map_err(italian)?;
        holds(is_https(to), format!("è «{to}»"))
    }),
    ("AssertionConsumerServiceIndex e AttributeConsumingServiceIndex ci sono", |_, r| {
        read::is(r, "AssertionConsumerServiceIndex", "0")?;
        read::attribute(r, "AttributeConsumingServiceIndex").map(drop).map_err(italian)
    }),
    ("Issuer è l'entityID, con Format e NameQualifier", issuer),
    ("NameIDPolicy è transient, senza AllowCreate", |_, r| {
        let policy = read::only(r, (SAMLP, "NameIDPolicy")).map_err(italian)?;
        read::is(policy, "Format", TRANSIENT)?;
        holds(policy.attribute("AllowCreate").is_none(), "ha AllowCreate")
    }),
    ("RequestedAuthnContext dice livello e confronto", context),
    ("ForceAuthn per i livelli 2 e 3, e sempre per CIE", forced),
    ("nessun IsPassive, Scoping o Conditions", |_, r| {
        let other =
            r.attribute("IsPassive").is_some() || r.children().any(|n| n.has_tag_name((SAMLP, "Scoping")));
        let conditions = r.children().any(|n| n.has_tag_name((SAML, "Conditions")));
        holds(!other && !conditions, "ce n'è uno")
    }),
];

/// Holds what `us` would send against the rules, by POST and by redirect.
pub fn requests(us: &ServiceProvider, now: Timestamp) -> Vec<Outcome> {
    ["HTTP-POST", "HTTP-Redirect"].into_iter().flat_map(|binding| by(us, binding, now)).collect()
}

fn by(us: &ServiceProvider, binding: &str, now: Timestamp) -> Vec<Outcome> {
    let named = |rule: &str| format!("AuthnRequest {} {binding}: {rule}", us.scheme.name());
    let first = named("si firma e la firma è valida");
    let xml = match sent(us, binding == "HTTP-POST", now) {
        Ok(xml) => xml,
        Err(why) => return vec![Outcome::of(first, SSO, Err(why))],
    };
    let Ok(document) = Document::parse(&xml) else {
        return vec![Outcome::of(first, SSO, Err("non è XML".to_owned()))];
    };
    let root = document.root_element();
    let rules =
        RULES.iter().map(|(rule, held)| Outcome::of(named(rule), SSO, held(us, root).map_err(italian)));
    std::iter::once(Outcome::of(first, SSO, Ok(()))).chain(rules).collect()
}

/// A request to a provider that is nobody, its signature verified with our own certificate.
fn sent(us: &ServiceProvider, post: bool, now: Timestamp) -> Result<String, String> {
    let at = Url::parse("https://idp.example.it/sso").map_err(|e| e.to_string())?;
    let nobody = Provider {
        scheme: us.scheme,
        entity_id: "https://idp.example.it".to_owned(),
        name: "nobody".to_owned(),
        sso_redirect: (!post).then(|| at.clone()),
        sso_post: post.then_some(at),
        slo_redirect: None,
        slo_post: None,
        certificates: vec![us.keys.certificate().clone()],
    };
    let (_, outgoing) = us.authn_request(&nobody, "prova", now).map_err(|e| e.to_string())?;
    match outgoing {
        Outgoing::Redirect(url) => {
            let query = SignedQuery::read(url.query().unwrap_or_default(), Parameter::Request);
            let query = query.map_err(|e| e.to_string())?;
            query.verify(&nobody).map_err(|e| e.to_string())?;
            query.message().map_err(|e| e.to_string())
        }
        Outgoing::Post { saml_request, .. } => {
            let octets = STANDARD.decode(saml_request).map_err(|e| e.to_string())?;
            let text = list::LIMITS.admit(&octets).map_err(|e| e.to_string())?.to_owned();
            enveloped(us, &text)?;
            Ok(text)
        }
    }
}

fn enveloped(us: &ServiceProvider, text: &str) -> Held {
    let document = Document::parse(text).map_err(|e| e.to_string())?;
    let [signed] = signature::forms(&document, [document.root_element()]).map_err(|e| e.to_string())?;
    holds(signed && signature::verifies(text, us.keys.certificate(), "ID"), "la firma non è valida")
}

fn issuer(us: &ServiceProvider, request: Node<'_, '_>) -> Held {
    let issuer = read::only(request, (SAML, "Issuer")).map_err(italian)?;
    read::is(issuer, "Format", ENTITY)?;
    read::is(issuer, "NameQualifier", &us.entity_id)?;
    let text = read::text(issuer).map_err(italian)?;
    holds(text == us.entity_id, format!("è «{text}»"))
}

fn context(us: &ServiceProvider, request: Node<'_, '_>) -> Held {
    let context = read::only(request, (SAMLP, "RequestedAuthnContext")).map_err(italian)?;
    read::is(context, "Comparison", us.comparison.name())?;
    let level = read::text_of(context, (SAML, "AuthnContextClassRef")).map_err(italian)?;
    holds(Level::from_uri(&level) == Some(us.level), format!("il livello è «{level}»"))
}

fn forced(us: &ServiceProvider, request: Node<'_, '_>) -> Held {
    if us.level == Level::L1 && us.scheme != Scheme::Cie {
        return Ok(());
    }
    read::is(request, "ForceAuthn", "true")
}
