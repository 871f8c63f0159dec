//! Signature and keys.

use super::{A29, Held, RT, Rule, Seen, holds, own_signature};
use crate::login::saml::{
    keys::LEAST_BITS,
    names::{DS, MD},
    read, signature,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::SignedDuration;
use openssl::{asn1::Asn1Time, pkey::Id, x509::X509};
use roxmltree::Node;

/// A certificate that ends sooner than this is to be followed now: AgID needs its time.
const SOON: SignedDuration = SignedDuration::from_hours(60 * 24);

pub(super) const RULES: &[Rule] = &[
    ("il metadata è firmato", RT, signed),
    ("la firma è nella forma ammessa: RSA con SHA-256 o più, un solo riferimento alla radice", RT, form),
    ("la firma è valida ed è di un certificato del metadata", RT, valid),
    ("c'è almeno un KeyDescriptor con use=\"signing\" e il suo certificato", RT, keys),
    ("ogni chiave è RSA di almeno 2048 bit", A29, bits),
    ("ogni certificato vale oggi", A29, in_time),
    ("un certificato vale almeno altri 60 giorni", A29, lasts),
];

/// The signing certificates of a role that can be read.
pub(super) fn certificates(role: Node<'_, '_>) -> Vec<X509> {
    let keys = role.children().filter(|n| n.has_tag_name((MD, "KeyDescriptor")));
    let signing = keys.filter(|n| matches!(n.attribute("use"), None | Some("signing")));
    let found = signing.flat_map(|n| n.descendants()).filter(|n| n.has_tag_name((DS, "X509Certificate")));
    let read = |node| {
        let dense: String = read::text(node).ok()?.split_ascii_whitespace().collect();
        X509::from_der(&STANDARD.decode(dense).ok()?).ok()
    };
    found.filter_map(read).collect()
}

fn signed(s: &Seen<'_, '_>) -> Held {
    holds(own_signature(s.root).is_some(), "non lo è: firma il metadata con la chiave dell'ente")
}

fn form(s: &Seen<'_, '_>) -> Held {
    let own = own_signature(s.root).ok_or("non c'è firma")?;
    let said = |e: crate::login::saml::Refusal| e.to_string();
    signature::ids_unique(s.document).map_err(said)?;
    signature::form(own, s.root).map_err(said)
}

fn valid(s: &Seen<'_, '_>) -> Held {
    form(s)?;
    // What verifies takes the first signature of the document.
    holds(s.root.first_element_child() == own_signature(s.root), "la firma non è il primo elemento")?;
    holds(
        s.certificates.iter().any(|c| signature::verifies(s.text, c, "ID")),
        "non lo è: il metadata è cambiato dopo la firma, o manca il certificato di chi firma",
    )
}

fn keys(s: &Seen<'_, '_>) -> Held {
    let described = s.all("KeyDescriptor").len();
    holds(!s.certificates.is_empty(), format!("nessuno che si legga ({described} KeyDescriptor)"))
}

fn bits(s: &Seen<'_, '_>) -> Held {
    keys(s)?;
    let good = |c: &X509| c.public_key().is_ok_and(|k| k.id() == Id::RSA && k.bits() >= LEAST_BITS);
    holds(s.certificates.iter().all(good), "una non lo è: fanne una nuova (varco-hub keys spid --next)")
}

fn within(c: &X509, at: jiff::Timestamp) -> bool {
    Asn1Time::from_unix(at.as_second()).is_ok_and(|at| c.not_before() <= at && at <= c.not_after())
}

fn in_time(s: &Seen<'_, '_>) -> Held {
    keys(s)?;
    let late = s.certificates.iter().find(|c| !within(c, s.now));
    late.map_or(Ok(()), |c| Err(format!("uno vale dal {} al {}", c.not_before(), c.not_after())))
}

fn lasts(s: &Seen<'_, '_>) -> Held {
    keys(s)?;
    let then = s.now.saturating_add(SOON).unwrap_or(s.now);
    let lasts = s.certificates.iter().any(|c| within(c, then));
    holds(
        lasts,
        "nessuno: prepara la chiave che segue (varco-hub keys spid --next) e manda il metadata ad AgID",
    )
}
