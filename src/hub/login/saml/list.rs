//! A list of providers that a registry signs as a whole (*Regole tecniche SPID*, metadata: AgID distributes them).
//!
//! AgID's list is an `EntitiesDescriptor` with its own signature as first child; inside it most providers keep the
//! signature of whoever made their part. Only the outer one is verified, with a pinned certificate: it covers all the rest.

use super::{
    guard::{Limits, Unfit, unfit},
    names::{DS, MD},
    provider::Provider,
    read,
    scheme::Scheme,
    signature,
};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use openssl::x509::X509;
use roxmltree::{Document, Node};

/// Longest list, in octets. SPID's has 120 kB for 12 providers.
pub const MAX_OCTETS: usize = 4 * 1024 * 1024;
/// SPID's has 2,000 nodes, 1,500 attributes and 10 levels.
pub(super) const LIMITS: Limits = Limits { octets: MAX_OCTETS, equals: 20_000, nodes: 100_000, depth: 32 };
/// `mdrpi:PublicationInfo` (SAML Metadata Extensions for Registration and Publication Information 2.2).
const PUBLICATION: (&str, &str) = ("urn:oasis:names:tc:SAML:metadata:rpi", "PublicationInfo");

/// A list whose signature holds.
#[derive(Debug, Clone)]
pub struct List {
    /// What the signature covers, in short: the signed digest. It changes with the content and with nothing else.
    pub digest: String,
    /// When it was made, if it says so.
    pub made: Option<Timestamp>,
    /// Until when it may be relied on (SAML Metadata 2.3.1, `validUntil`), if it says so.
    pub valid_until: Option<Timestamp>,
    /// The soonest end of anything in it, its own included.
    pub next_end: Option<Timestamp>,
    /// How long it may be kept without asking again (`cacheDuration`), if it says so.
    pub fresh_for: Option<SignedDuration>,
    /// The providers that can be used, at least one.
    pub providers: Vec<Provider>,
    /// Why others cannot.
    pub problems: Vec<String>,
}

impl List {
    /// Verifies a list with the certificates of whom may sign it, and reads what is valid at `now`. Their dates do not
    /// matter: the operator pinned them, and AgID's own has been past its end for long times.
    ///
    /// # Errors
    /// [`Unfit`] when it is no list, one that nobody pinned has signed, one past its end, or without a usable provider.
    pub fn verify(octets: &[u8], signers: &[X509], now: Timestamp) -> Result<Self, Unfit> {
        let text = LIMITS.admit(octets)?;
        let document = LIMITS.parse(text)?;
        let digest = signed(&document)?;
        if !signers.iter().any(|signer| signature::verifies(text, signer, "ID")) {
            return Err(unfit(
                "signature",
                "none of the pinned certificates made it, or the list was changed",
            ));
        }
        Self::read(document.root_element(), digest, now)
    }

    fn read(root: Node<'_, '_>, digest: String, now: Timestamp) -> Result<Self, Unfit> {
        let valid_until = until(root).map_err(|why| unfit("validity", why))?;
        if let Some(end) = valid_until.filter(|end| *end <= now) {
            return Err(unfit("expired", format!("valid until {end} only")));
        }
        let (mut providers, mut problems) = (Vec::<Provider>::new(), Vec::new());
        let mut next_end = valid_until;
        for entity in entities(root) {
            let end = end(entity).ok().flatten().filter(|end| *end > now);
            next_end = next_end.into_iter().chain(end).min();
            match provider(entity, now) {
                Ok(None) => {}
                Ok(Some(found)) if providers.iter().any(|p| p.entity_id == found.entity_id) => {
                    problems.push(format!("{} is described twice", found.entity_id));
                }
                Ok(Some(found)) => providers.push(found),
                Err(why) => problems.push(why),
            }
        }
        if providers.is_empty() {
            return Err(unfit("empty", format!("no provider that can be used ({})", problems.join("; "))));
        }
        let made = made(root).map_err(|why| unfit("validity", why))?;
        Ok(Self { digest, made, valid_until, next_end, fresh_for: fresh_for(root), providers, problems })
    }
}

/// The digest that the root's own signature signs, when its form is right: the first child of the root, one reference, to
/// the root, the algorithms and transforms of [`signature`].
fn signed(document: &Document<'_>) -> Result<String, Unfit> {
    let root = document.root_element();
    if !["EntitiesDescriptor", "EntityDescriptor"].iter().any(|name| root.has_tag_name((MD, *name))) {
        return Err(unfit("root", "no list of entities"));
    }
    // What verifies takes the first signature of the document: this one.
    let first = root.first_element_child().filter(|n| n.has_tag_name((DS, "Signature")));
    let own = first.ok_or_else(|| unfit("unsigned", "the list has no signature of its own"))?;
    if root.children().filter(|n| n.has_tag_name((DS, "Signature"))).count() != 1 {
        return Err(unfit("signature-place", "more than one signature of the list"));
    }
    signature::ids_unique(document)?;
    signature::form(own, root)?;
    let reference = read::only(own, (DS, "SignedInfo")).and_then(|info| read::only(info, (DS, "Reference")));
    let digest = reference.and_then(|r| read::text_of(r, (DS, "DigestValue")));
    let digest = digest.map_err(|why| unfit("signature-form", why))?;
    Ok(digest.split_ascii_whitespace().collect())
}

/// The entities of a list, those of lists inside it included; not what extensions hold.
fn entities<'a, 'i>(root: Node<'a, 'i>) -> Vec<Node<'a, 'i>> {
    if root.has_tag_name((MD, "EntityDescriptor")) {
        return vec![root];
    }
    let members = root
        .children()
        .filter(|n| n.has_tag_name((MD, "EntityDescriptor")) || n.has_tag_name((MD, "EntitiesDescriptor")));
    members.flat_map(entities).collect()
}

fn provider(entity: Node<'_, '_>, now: Timestamp) -> Result<Option<Provider>, String> {
    match end(entity)? {
        Some(end) if end <= now => {
            Err(format!("{} is valid until {end} only", read::attribute(entity, "entityID")?))
        }
        _ => Provider::read(Scheme::Spid, entity),
    }
}

/// The soonest end of an entity: its own, its role's, and those of the lists that it is in.
fn end(entity: Node<'_, '_>) -> Result<Option<Timestamp>, String> {
    let roles = entity.children().filter(|n| n.has_tag_name((MD, "IDPSSODescriptor")));
    let all = entity.ancestors().filter(Node::is_element).chain(roles);
    Ok(all.map(until).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().min())
}

fn until(node: Node<'_, '_>) -> Result<Option<Timestamp>, String> {
    node.attribute("validUntil").map(|_| read::instant(node, "validUntil")).transpose()
}

fn made(root: Node<'_, '_>) -> Result<Option<Timestamp>, String> {
    let extensions = read::optional(root, (MD, "Extensions"))?;
    let about = extensions.map(|e| read::optional(e, PUBLICATION)).transpose()?.flatten();
    let about = about.filter(|a| a.attribute("creationInstant").is_some());
    about.map(|a| read::instant(a, "creationInstant")).transpose()
}

/// `cacheDuration`, an `xs:duration`; a day is 24 hours, a month 30 days. One that cannot be read says nothing.
fn fresh_for(root: Node<'_, '_>) -> Option<SignedDuration> {
    let span: Span = root.attribute("cacheDuration")?.trim().parse().ok()?;
    let months = i64::from(span.get_years()) * 12 + i64::from(span.get_months());
    let rest = span.years(0).months(0).to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    rest.checked_add(SignedDuration::from_hours(months.checked_mul(30 * 24)?))
}
