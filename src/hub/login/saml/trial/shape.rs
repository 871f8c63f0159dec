//! The document as a whole.

use super::{Held, RT, Rule, Seen, holds, is_https, italian, lang, order, own_signature};
use crate::login::saml::{names::MD, read};

pub(super) const RULES: &[Rule] = &[
    ("la radice è un EntityDescriptor", RT, root),
    ("entityID è un indirizzo https senza spazi", RT, entity_id),
    ("l'attributo ID c'è", RT, |s| read::attribute(s.root, "ID").map(drop).map_err(italian)),
    ("c'è un solo SPSSODescriptor", RT, one_role),
    ("gli elementi sono nell'ordine dello schema SAML", "SAML 2.0 Metadata 2.3.2", in_order),
    ("validUntil, se c'è, è nel futuro", "SAML 2.0 Metadata 2.3.2", valid),
    ("Organization ha nome, nome mostrato e indirizzo, ognuno in italiano", RT, organization),
    ("OrganizationURL è un indirizzo web", RT, organization_url),
];

fn root(s: &Seen<'_, '_>) -> Held {
    let name = s.root.tag_name().name();
    holds(
        s.root.has_tag_name((MD, "EntityDescriptor")),
        format!("è {name}: pubblica il metadata di un solo ente"),
    )
}

fn entity_id(s: &Seen<'_, '_>) -> Held {
    let id = s.entity_id();
    holds(
        is_https(id) && !id.contains(char::is_whitespace),
        format!("è «{id}»: scrivi l'indirizzo https registrato presso AgID"),
    )
}

fn one_role(s: &Seen<'_, '_>) -> Held {
    read::only(s.root, (MD, "SPSSODescriptor")).map(drop).map_err(italian)
}

fn in_order(s: &Seen<'_, '_>) -> Held {
    let known = ["Signature", "Extensions", "SPSSODescriptor", "Organization", "ContactPerson"];
    let places: Option<Vec<_>> = order(s.root).iter().map(|n| known.iter().position(|k| k == n)).collect();
    let places = places.ok_or_else(|| format!("c'è altro oltre a {}", known.join(", ")))?;
    holds(places.is_sorted(), format!("l'ordine è {}", known.join(", ")))?;
    holds(
        own_signature(s.root).is_none() || places.first() == Some(&0),
        "la firma dev'essere il primo elemento",
    )
}

fn valid(s: &Seen<'_, '_>) -> Held {
    if s.root.attribute("validUntil").is_none() {
        return Ok(());
    }
    let end = read::instant(s.root, "validUntil").map_err(italian)?;
    holds(end > s.now, format!("è scaduto il {end}: pubblicane uno nuovo"))
}

fn organization(s: &Seen<'_, '_>) -> Held {
    let organization = read::only(s.root, (MD, "Organization")).map_err(italian)?;
    for name in ["OrganizationName", "OrganizationDisplayName", "OrganizationURL"] {
        let in_italian = |n: &roxmltree::Node<'_, '_>| n.has_tag_name((MD, name)) && lang(*n) == Some("it");
        let found = organization.children().find(in_italian);
        let found = found.ok_or_else(|| format!("manca {name} con xml:lang=\"it\""))?;
        read::text(found).map_err(italian)?;
    }
    Ok(())
}

fn organization_url(s: &Seen<'_, '_>) -> Held {
    let url = s.organization("OrganizationURL")?;
    let web = url::Url::parse(&url).is_ok_and(|u| ["http", "https"].contains(&u.scheme()));
    holds(web, format!("è «{url}»: scrivi l'indirizzo del sito dell'ente"))
}
