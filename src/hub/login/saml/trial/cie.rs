//! What the federation of CIE asks beyond.

use super::{CIE_DOC, Held, Rule, Seen, holds, italian, role::requested};
use crate::login::saml::{
    names::{CIE, MD, REDIRECT},
    read,
};
use roxmltree::Node;

pub(super) const RULES: &[Rule] = &[
    ("CIE: un SingleLogoutService HTTP-Redirect", CIE_DOC, logout),
    ("CIE: un insieme chiede name, familyName, dateOfBirth, fiscalNumber", CIE_DOC, attributes),
    ("CIE: un ContactPerson con contactType=\"administrative\"", CIE_DOC, |s| administrative(s).map(drop)),
    ("CIE: Extensions ha Public e IPACode", CIE_DOC, public),
    ("CIE: Extensions ha Municipality, codice catastale del comune", CIE_DOC, municipality),
    ("CIE: Company è uguale a OrganizationName, EmailAddress c'è", CIE_DOC, company),
    (
        "CIE: chi cura la parte tecnica, se c'è, dice Municipality e un codice fiscale, IVA o IPA",
        CIE_DOC,
        technical,
    ),
];

fn logout(s: &Seen<'_, '_>) -> Held {
    let redirect = s.all("SingleLogoutService").iter().any(|n| n.attribute("Binding") == Some(REDIRECT));
    holds(redirect, "aggiungilo")
}

fn attributes(s: &Seen<'_, '_>) -> Held {
    let minimum = ["name", "familyName", "dateOfBirth", "fiscalNumber"];
    let has_all = |n: &Node<'_, '_>| minimum.iter().all(|name| requested(*n).contains(name));
    holds(s.all("AttributeConsumingService").iter().any(has_all), "nessuno li chiede tutti e quattro")
}

fn administrative<'a, 'i>(s: &Seen<'a, 'i>) -> Result<Node<'a, 'i>, String> {
    s.contacts("administrative").first().copied().ok_or_else(|| "non c'è: aggiungilo".to_owned())
}

fn extensions<'a, 'i>(contact: Node<'a, 'i>) -> Result<Node<'a, 'i>, String> {
    read::only(contact, (MD, "Extensions")).map_err(italian)
}

fn public(s: &Seen<'_, '_>) -> Held {
    let extensions = extensions(administrative(s)?)?;
    read::only(extensions, (CIE, "Public")).map_err(italian)?;
    read::text_of(extensions, (CIE, "IPACode")).map(drop).map_err(italian)
}

fn town(contact: Node<'_, '_>) -> Held {
    let code = read::text_of(extensions(contact)?, (CIE, "Municipality")).map_err(italian)?;
    let (letter, digits) = code.split_at_checked(1).unwrap_or_default();
    let good = letter.bytes().all(|b| b.is_ascii_uppercase())
        && digits.len() == 3
        && digits.bytes().all(|b| b.is_ascii_digit());
    holds(good, format!("è «{code}»: scrivi il codice catastale, una lettera e tre cifre (L219)"))
}

fn municipality(s: &Seen<'_, '_>) -> Held {
    town(administrative(s)?)
}

fn company(s: &Seen<'_, '_>) -> Held {
    let contact = administrative(s)?;
    let company = read::text_of(contact, (MD, "Company")).map_err(italian)?;
    let name = s.organization("OrganizationName")?;
    holds(company == name, format!("Company è «{company}», e OrganizationName è «{name}»"))?;
    read::text_of(contact, (MD, "EmailAddress")).map(drop).map_err(italian)
}

fn technical(s: &Seen<'_, '_>) -> Held {
    s.contacts("technical").into_iter().try_for_each(|contact| {
        town(contact)?;
        let extensions = extensions(contact)?;
        let codes = ["IPACode", "VATNumber", "FiscalCode"];
        let one = codes.iter().any(|name| read::text_of(extensions, (CIE, name)).is_ok());
        holds(one, format!("manca uno tra {}", codes.join(", ")))
    })
}
