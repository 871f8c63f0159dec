//! The service provider's part: addresses and attributes.

use super::{EIDAS_DOC, Held, Outcome, RT, Rule, Seen, holds, is_https, lang};
use crate::login::saml::{
    names::{MD, POST, REDIRECT, SAMLP, TRANSIENT},
    read,
};
use roxmltree::Node;

pub(super) const RULES: &[Rule] = &[
    ("protocolSupportEnumeration è SAML 2.0", RT, |s| {
        stated(s, "protocolSupportEnumeration", |v| v.split_ascii_whitespace().any(|p| p == SAMLP))
    }),
    ("AuthnRequestsSigned è true", RT, |s| stated(s, "AuthnRequestsSigned", |v| v == "true")),
    ("WantAssertionsSigned è true", RT, |s| stated(s, "WantAssertionsSigned", |v| v == "true")),
    ("AssertionConsumerService: almeno uno, HTTP-POST, su https", RT, consumers),
    (
        "AssertionConsumerService: il primo ha index=\"0\" e isDefault=\"true\", e nessun indice si ripete",
        RT,
        default,
    ),
    ("SingleLogoutService: almeno uno, HTTP-POST o HTTP-Redirect, su https", RT, logout),
    ("NameIDFormat, se c'è, è transient", RT, name_id),
    ("AttributeConsumingService: almeno uno, con ServiceName e RequestedAttribute", RT, attributes),
    ("AttributeConsumingService: nessun indice si ripete", RT, |s| {
        distinct(&s.all("AttributeConsumingService"))
    }),
];

fn stated(s: &Seen<'_, '_>, name: &str, good: fn(&str) -> bool) -> Held {
    let role = s.role.ok_or("manca SPSSODescriptor")?;
    let value = role.attribute(name).unwrap_or_default().trim();
    holds(good(value), format!("{name} è «{value}»"))
}

fn at_https(node: Node<'_, '_>) -> Held {
    let location = node.attribute("Location").unwrap_or_default();
    holds(is_https(location), format!("«{location}» non è un indirizzo https"))
}

fn consumers(s: &Seen<'_, '_>) -> Held {
    let all = s.all("AssertionConsumerService");
    let post = |n: &Node<'_, '_>| n.attribute("Binding") == Some(POST);
    holds(
        !all.is_empty() && all.iter().all(post),
        "aggiungine uno con Binding HTTP-POST, e togli gli altri",
    )?;
    all.into_iter().try_for_each(at_https)
}

fn default(s: &Seen<'_, '_>) -> Held {
    let all = s.all("AssertionConsumerService");
    let first = all.first().ok_or("non ce n'è nessuno")?;
    let good = first.attribute("index") == Some("0") && first.attribute("isDefault") == Some("true");
    holds(good, "scrivi index=\"0\" isDefault=\"true\" nel primo")?;
    distinct(&all)
}

fn distinct(all: &[Node<'_, '_>]) -> Held {
    let mut seen: Vec<_> = all.iter().map(|n| n.attribute("index")).collect();
    holds(seen.iter().all(Option::is_some), "a uno manca index")?;
    seen.sort_unstable();
    seen.dedup();
    holds(seen.len() == all.len(), "un indice c'è due volte")
}

fn logout(s: &Seen<'_, '_>) -> Held {
    let all = s.all("SingleLogoutService");
    let known = |n: &Node<'_, '_>| matches!(n.attribute("Binding"), Some(POST | REDIRECT));
    holds(all.iter().any(known), "aggiungine uno con Binding HTTP-POST o HTTP-Redirect")?;
    all.into_iter().try_for_each(at_https)
}

fn name_id(s: &Seen<'_, '_>) -> Held {
    let formats = s.all("NameIDFormat");
    let transient = |n: &Node<'_, '_>| read::text(*n).is_ok_and(|text| text == TRANSIENT);
    holds(formats.iter().all(transient), "ce n'è un altro: toglilo")
}

fn attributes(s: &Seen<'_, '_>) -> Held {
    let all = s.all("AttributeConsumingService");
    holds(!all.is_empty(), "non ce n'è nessuno")?;
    for service in all {
        let index = service.attribute("index").unwrap_or("?");
        let named = service
            .children()
            .any(|n| n.has_tag_name((MD, "ServiceName")) && lang(n).is_some() && read::text(n).is_ok());
        holds(named, format!("all'indice {index} manca ServiceName con xml:lang"))?;
        let names = requested(service);
        let good = !names.is_empty() && names.iter().all(|name| !name.is_empty());
        holds(good, format!("all'indice {index} manca RequestedAttribute con Name"))?;
    }
    Ok(())
}

/// The names of the attributes that a service asks for.
pub(super) fn requested<'a>(service: Node<'a, '_>) -> Vec<&'a str> {
    let all = service.children().filter(|n| n.has_tag_name((MD, "RequestedAttribute")));
    all.map(|n| n.attribute("Name").unwrap_or_default()).collect()
}

/// The two sets that the eIDAS node asks for, where the metadata names one of them.
pub(super) fn eidas(s: &Seen<'_, '_>) -> Vec<Outcome> {
    let sets = [("99", "Minimum"), ("100", "Full")];
    let all = s.all("AttributeConsumingService");
    let find = |index: &str| all.iter().find(|n| n.attribute("index") == Some(index)).copied();
    if sets.iter().all(|(index, _)| find(index).is_none()) {
        let rule = "eIDAS: gli insiemi di attributi 99 e 100";
        return vec![Outcome::skipped(rule, EIDAS_DOC, "l'ente non li dichiara: serve solo se offre eIDAS")];
    }
    let rule = |(index, name): (&str, &str)| {
        let title = format!("eIDAS: l'insieme {index} è «eIDAS Natural Person {name} Attribute Set»");
        Outcome::of(title, EIDAS_DOC, eidas_set(find(index), name))
    };
    sets.into_iter().map(rule).collect()
}

fn eidas_set(service: Option<Node<'_, '_>>, name: &str) -> Held {
    let service = service.ok_or("manca: il nodo li vuole entrambi")?;
    let title = format!("eIDAS Natural Person {name} Attribute Set");
    let named = service.children().any(|n| read::text(n).is_ok_and(|text| text == title));
    holds(named, format!("ServiceName dev'essere «{title}»"))?;
    let names = requested(service);
    for needed in ["spidCode", "name", "familyName", "dateOfBirth"] {
        holds(names.contains(&needed), format!("manca {needed}"))?;
    }
    holds(!names.contains(&"fiscalNumber"), "chiede fiscalNumber, che il nodo non conosce")
}
