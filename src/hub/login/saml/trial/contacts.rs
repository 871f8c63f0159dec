//! SPID's contact: who answers for the service.

use super::{A29, Held, Rule, Seen, holds, italian};
use crate::login::saml::{
    names::{MD, SPID},
    read,
};
use roxmltree::Node;

pub(super) const RULES: &[Rule] = &[
    ("ContactPerson: uno con contactType=\"other\"", A29, |s| other(s).map(drop)),
    ("ContactPerson: Extensions ha IPACode, non vuoto", A29, ipa),
    ("ContactPerson: Extensions ha Public, vuoto, e non Private", A29, public),
    ("ContactPerson: EmailAddress c'è ed è di un ufficio", A29, email),
    ("ContactPerson: TelephoneNumber, se c'è, comincia con +39 e non ha spazi", A29, telephone),
    ("ContactPerson: Company è uguale a OrganizationName", A29, company),
    ("ContactPerson: nessun GivenName né SurName", A29, nobody),
];

fn other<'a, 'i>(s: &Seen<'a, 'i>) -> Result<Node<'a, 'i>, String> {
    s.contacts("other").first().copied().ok_or_else(|| "non c'è: aggiungilo".to_owned())
}

fn extensions<'a, 'i>(s: &Seen<'a, 'i>) -> Result<Node<'a, 'i>, String> {
    read::only(other(s)?, (MD, "Extensions")).map_err(italian)
}

fn ipa(s: &Seen<'_, '_>) -> Held {
    let code = read::text_of(extensions(s)?, (SPID, "IPACode")).map_err(italian)?;
    let good = code.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    holds(good, format!("«{code}» non è un codice IPA: c_l219"))
}

fn public(s: &Seen<'_, '_>) -> Held {
    let extensions = extensions(s)?;
    let public = read::only(extensions, (SPID, "Public")).map_err(italian)?;
    holds(read::text(public).is_err() && !public.has_children(), "Public dev'essere vuoto: <spid:Public/>")?;
    let private = read::optional(extensions, (SPID, "Private")).map_err(italian)?;
    holds(private.is_none(), "un metadata è di un soggetto pubblico o privato: togli Private")
}

fn email(s: &Seen<'_, '_>) -> Held {
    let address = read::text_of(other(s)?, (MD, "EmailAddress")).map_err(italian)?;
    let good = address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    holds(good && !address.contains(char::is_whitespace), format!("«{address}» non è un indirizzo"))
}

fn telephone(s: &Seen<'_, '_>) -> Held {
    let Some(node) = read::optional(other(s)?, (MD, "TelephoneNumber")).map_err(italian)? else {
        return Ok(());
    };
    let number = read::text(node).map_err(italian)?;
    let digits = number.strip_prefix("+39").unwrap_or_default();
    let good = digits.len() >= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    holds(good, format!("è «{number}»: scrivi +39 e le cifre"))
}

fn company(s: &Seen<'_, '_>) -> Held {
    let Some(node) = read::optional(other(s)?, (MD, "Company")).map_err(italian)? else { return Ok(()) };
    let (company, name) = (read::text(node).map_err(italian)?, s.organization("OrganizationName")?);
    holds(company == name, format!("è «{company}», e OrganizationName è «{name}»"))
}

fn nobody(s: &Seen<'_, '_>) -> Held {
    let person =
        other(s)?.children().any(|n| n.has_tag_name((MD, "GivenName")) || n.has_tag_name((MD, "SurName")));
    holds(!person, "c'è il nome di una persona: toglilo")
}
