//! What AgID and the federation of CIE look at before they let a body in: its metadata and the requests that it would send,
//! held against the rules one by one, in the words of the technician who reads the outcome. Pure; `varco-hub try` prints it.

mod cie;
mod contacts;
mod request;
mod role;
mod seal;
mod shape;

pub use request::requests;

use super::{
    conformity,
    names::{DS, MD},
    read,
    scheme::Scheme,
};
use jiff::Timestamp;
use openssl::x509::X509;
use roxmltree::{Document, Node, ParsingOptions};
use serde::Serialize;

/// *Regole tecniche SPID*, the chapter on metadata.
const RT: &str = "Regole tecniche SPID, metadata";
/// Avviso SPID 29 v3.
const A29: &str = "Avviso SPID 29 v3";
/// The manual for who federates with CIE.
const CIE_DOC: &str = "Manuale operativo CIE, federazione";
/// The Italian eIDAS node, for service providers.
const EIDAS_DOC: &str = "Nodo eIDAS italiano, service provider";

/// A rule and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The rule, in Italian.
    pub rule: String,
    /// Where it is written.
    pub source: &'static str,
    /// Whether it holds.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// Whether a rule holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", content = "why", rename_all = "lowercase")]
pub enum Verdict {
    /// It does.
    Good,
    /// It does not: what was found, and what to do.
    Missing(String),
    /// It does not apply here, or could not be looked at.
    Skipped(String),
}

impl Outcome {
    /// What came of a rule.
    pub fn of(rule: impl Into<String>, source: &'static str, held: Result<(), String>) -> Self {
        Self { rule: rule.into(), source, verdict: held.map_or_else(Verdict::Missing, |()| Verdict::Good) }
    }

    /// A rule that does not apply.
    pub fn skipped(rule: impl Into<String>, source: &'static str, why: impl Into<String>) -> Self {
        Self { rule: rule.into(), source, verdict: Verdict::Skipped(why.into()) }
    }
}

type Held = Result<(), String>;
type Rule = (&'static str, &'static str, fn(&Seen<'_, '_>) -> Held);

/// The metadata as the rules look at it.
struct Seen<'a, 'i> {
    text: &'a str,
    document: &'a Document<'i>,
    root: Node<'a, 'i>,
    role: Option<Node<'a, 'i>>,
    certificates: Vec<X509>,
    now: Timestamp,
}

/// Holds a body's metadata against every rule. What is no metadata at all breaks the first one and is looked at no further.
pub fn metadata(octets: &[u8], now: Timestamp) -> Vec<Outcome> {
    let first = "il metadata è un documento XML ben formato, UTF-8, senza DOCTYPE";
    let text = match super::list::LIMITS.admit(octets) {
        Ok(text) => text,
        Err(unfit) => return vec![Outcome::of(first, RT, Err(format!("non lo è ({unfit})")))],
    };
    let options = ParsingOptions { allow_dtd: false, nodes_limit: 10_000, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text, options) {
        Ok(document) => document,
        Err(e) => return vec![Outcome::of(first, RT, Err(format!("non lo è ({e})")))],
    };
    let mut outcomes = vec![Outcome::of(first, RT, Ok(()))];
    outcomes.extend(examine(text, &document, now));
    outcomes
}

/// Whether metadata is that of `us`: its name, and the certificate that we sign with.
pub fn is_of(octets: &[u8], us: &super::ServiceProvider) -> bool {
    let Ok(text) = super::list::LIMITS.admit(octets) else { return false };
    let Ok(document) = Document::parse(text) else { return false };
    let root = document.root_element();
    let role = root.children().find(|n| n.has_tag_name((MD, "SPSSODescriptor")));
    let ours = role.is_some_and(|role| seal::certificates(role).contains(us.keys.certificate()));
    ours && root.attribute("entityID") == Some(us.entity_id.as_str())
}

fn examine(text: &str, document: &Document<'_>, now: Timestamp) -> Vec<Outcome> {
    let root = document.root_element();
    let role = root.children().find(|n| n.has_tag_name((MD, "SPSSODescriptor")));
    let certificates = role.map(seal::certificates).unwrap_or_default();
    let seen = Seen { text, document, root, role, certificates, now };
    let schemes = seen.schemes();
    let mut rules: Vec<&Rule> = shape::RULES.iter().chain(seal::RULES).chain(role::RULES).collect();
    if schemes.contains(&Scheme::Spid) {
        rules.extend(contacts::RULES);
    }
    if schemes.contains(&Scheme::Cie) {
        rules.extend(cie::RULES);
    }
    let mut outcomes: Vec<_> =
        rules.into_iter().map(|(rule, source, holds)| Outcome::of(*rule, source, holds(&seen))).collect();
    outcomes.extend(role::eidas(&seen));
    if schemes.contains(&Scheme::Spid) {
        outcomes.extend(seen.certificate_rules());
    }
    outcomes
}

impl<'a, 'i> Seen<'a, 'i> {
    /// Whose federation the metadata is for, by the namespace of its contacts' extensions; SPID's if it says nothing.
    fn schemes(&self) -> Vec<Scheme> {
        let any = |namespace| self.root.descendants().any(|n| n.tag_name().namespace() == Some(namespace));
        let cie = any(super::names::CIE);
        match (any(super::names::SPID), cie) {
            (true, true) => vec![Scheme::Spid, Scheme::Cie],
            (false, true) => vec![Scheme::Cie],
            (_, false) => vec![Scheme::Spid],
        }
    }

    fn entity_id(&self) -> &'a str {
        self.root.attribute("entityID").unwrap_or_default().trim()
    }

    /// The children of the role with this name.
    fn all(&self, name: &'static str) -> Vec<Node<'a, 'i>> {
        self.role.into_iter().flat_map(|r| r.children()).filter(|n| n.has_tag_name((MD, name))).collect()
    }

    fn organization(&self, name: &'static str) -> Result<String, String> {
        let organization = read::only(self.root, (MD, "Organization")).map_err(italian)?;
        read::text_of(organization, (MD, name)).map_err(italian)
    }

    fn contacts(&self, kind: &str) -> Vec<Node<'a, 'i>> {
        let all = self.root.children().filter(|n| n.has_tag_name((MD, "ContactPerson")));
        all.filter(|n| n.attribute("contactType") == Some(kind)).collect()
    }

    /// Avviso 29's rules for each certificate, with what the metadata says of the body.
    fn certificate_rules(&self) -> Vec<Outcome> {
        let contact = self.contacts("other").first().copied();
        let in_contact = |namespace, name| {
            let found = contact.into_iter().flat_map(|c| c.descendants());
            found.filter(|n| n.has_tag_name((namespace, name))).find_map(|n| read::text(n).ok())
        };
        let stated = |result: Result<String, String>| result.unwrap_or_default();
        let body = |locality| super::Body {
            name: stated(self.organization("OrganizationName")),
            display_name: stated(self.organization("OrganizationDisplayName")),
            url: stated(self.organization("OrganizationURL")),
            ipa_code: in_contact(super::names::SPID, "IPACode").unwrap_or_default(),
            email: in_contact(MD, "EmailAddress").unwrap_or_default(),
            telephone: in_contact(MD, "TelephoneNumber").unwrap_or_default(),
            locality,
            municipality: None,
        };
        let examine = |certificate: &X509| {
            // Where the seat is only the certificate says: there it must be something.
            let entry = certificate.subject_name().entries_by_nid(openssl::nid::Nid::LOCALITYNAME).next();
            let locality = entry.and_then(|e| e.data().to_string().ok());
            let body = body(locality.map(|text| text.to_string()).unwrap_or_default());
            conformity::examine(certificate, &body, self.entity_id(), self.now)
        };
        let findings = self.certificates.iter().flat_map(examine);
        findings
            .map(|f| Outcome::of(format!("certificato: {}", f.rule), A29, f.fault.map_or(Ok(()), Err)))
            .collect()
    }
}

/// What [`read`] found, for who reads Italian.
fn italian(why: String) -> String {
    let words = [
        ("is missing or empty", "manca o è vuoto"),
        ("is missing", "manca"),
        ("is empty", "è vuoto"),
        ("there is more than one", "c'è più di un"),
        ("has elements inside", "contiene altri elementi"),
    ];
    words.into_iter().fold(why, |text, (english, italian)| text.replace(english, italian))
}

fn holds(good: bool, advice: impl Into<String>) -> Held {
    if good { Ok(()) } else { Err(advice.into()) }
}

fn is_https(text: &str) -> bool {
    url::Url::parse(text.trim()).is_ok_and(|u| u.scheme() == "https" && u.has_host())
}

fn lang<'a>(node: Node<'a, '_>) -> Option<&'a str> {
    node.attribute(("http://www.w3.org/XML/1998/namespace", "lang"))
}

/// The local names of a node's element children, in order.
fn order<'a>(node: Node<'a, '_>) -> Vec<&'a str> {
    node.children().filter(Node::is_element).map(|n| n.tag_name().name()).collect()
}

fn own_signature<'a, 'i>(root: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
    root.children().find(|n| n.has_tag_name((DS, "Signature")))
}
