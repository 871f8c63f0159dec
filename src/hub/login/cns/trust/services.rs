//! The services of a trust list (TS 119 612 5.5): those whose current entry says that they issue cards. Their history says what
//! they were, and is not read.

use super::names::{IDENTIFIES, RECOGNISED, TSL};
use crate::{
    login::{
        cns::issuers::Issuer,
        saml::read::{only, optional, text, text_of},
    },
    registry::fingerprint,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use openssl::{sha::sha256, x509::X509};
use roxmltree::Node;
use std::collections::HashSet;

/// One certificate of one service.
struct Entry {
    issuer: Issuer,
    recognised: bool,
}

/// The recognised issuers of a list, each certificate once, and what cannot be used.
pub fn read(root: Node<'_, '_>) -> Result<(Vec<Issuer>, Vec<String>), String> {
    let (mut entries, mut problems) = (Vec::new(), Vec::new());
    for service in services(root)? {
        match entries_of(service) {
            Ok(more) => entries.extend(more),
            Err(why) => problems.push(why),
        }
    }
    Ok((used(entries, &mut problems), problems))
}

fn services<'a, 'i>(root: Node<'a, 'i>) -> Result<Vec<Node<'a, 'i>>, String> {
    let named = |node: Node<'a, 'i>, name| node.children().filter(move |n| n.has_tag_name((TSL, name)));
    let providers = only(root, (TSL, "TrustServiceProviderList"))?;
    let groups = named(providers, "TrustServiceProvider").flat_map(|provider| named(provider, "TSPServices"));
    Ok(groups.flat_map(|group| named(group, "TSPService")).collect())
}

/// The certificates of a service that identifies persons; none of another.
fn entries_of(service: Node<'_, '_>) -> Result<Vec<Entry>, String> {
    let information = only(service, (TSL, "ServiceInformation"))?;
    if text_of(information, (TSL, "ServiceTypeIdentifier"))? != IDENTIFIES {
        return Ok(Vec::new());
    }
    let name = name(information)?;
    let about = |why: String| format!("{name}: {why}");
    let recognised = text_of(information, (TSL, "ServiceStatus")).map_err(about)? == RECOGNISED;
    let since = text_of(information, (TSL, "StatusStartingTime")).map_err(about)?;
    let since: Timestamp = since.parse().map_err(|_| about("StatusStartingTime is no instant".to_owned()))?;
    let certificates = certificates(information).map_err(about)?;
    if recognised && certificates.is_empty() {
        return Err(about("it has no certificate".to_owned()));
    }
    let entry = |certificate| Entry { issuer: Issuer { certificate, name: name.clone(), since }, recognised };
    Ok(certificates.into_iter().map(entry).collect())
}

/// The name of the service for operators: in Italian, else in English, else the first, on one line.
fn name(information: Node<'_, '_>) -> Result<String, String> {
    let names = only(information, (TSL, "ServiceName"))?;
    let names: Vec<_> = names.children().filter(|n| n.has_tag_name((TSL, "Name"))).collect();
    let language = |node: &Node<'_, '_>| node.attribute((roxmltree::NS_XML_URI, "lang")).map(str::to_owned);
    let of = |wanted: &str| names.iter().find(|n| language(n).is_some_and(|is| is == wanted));
    let best = of("it").or_else(|| of("en")).or_else(|| names.first()).ok_or("ServiceName is empty")?;
    Ok(text(*best)?.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect())
}

fn certificates(information: Node<'_, '_>) -> Result<Vec<X509>, String> {
    let identity = only(information, (TSL, "ServiceDigitalIdentity"))?;
    let ids = identity.children().filter(|n| n.has_tag_name((TSL, "DigitalId")));
    let mut found = Vec::new();
    for id in ids {
        let Some(node) = optional(id, (TSL, "X509Certificate"))? else { continue };
        let octets: String = text(node)?.split_ascii_whitespace().collect();
        let octets = STANDARD.decode(octets).map_err(|e| format!("X509Certificate: {e}"))?;
        found.push(X509::from_der(&octets).map_err(|e| format!("X509Certificate: {e}"))?);
    }
    Ok(found)
}

/// What an entry is about: a key (TS 119 612 5.5.3). `None` of a certificate whose key cannot be read.
fn key(certificate: &X509) -> Option<[u8; 32]> {
    let key = certificate.public_key().and_then(|key| key.public_key_to_der()).ok()?;
    Some(sha256(&key))
}

/// The recognised certificates, each once. A key that another entry says is not recognised is not used: where the list
/// contradicts itself, the gate stays closed.
fn used(entries: Vec<Entry>, problems: &mut Vec<String>) -> Vec<Issuer> {
    let refused: HashSet<_> =
        entries.iter().filter(|entry| !entry.recognised).filter_map(|e| key(&e.issuer.certificate)).collect();
    let (mut seen, mut all) = (HashSet::new(), Vec::new());
    for Entry { issuer, .. } in entries.into_iter().filter(|entry| entry.recognised) {
        let name = &issuer.name;
        match key(&issuer.certificate) {
            None => problems.push(format!("{name}: its key cannot be read")),
            Some(key) if refused.contains(&key) => {
                problems.push(format!("{name}: the same key is recognised and not recognised"));
            }
            Some(_) if seen.insert(fingerprint(&issuer.certificate)) => all.push(issuer),
            Some(_) => {}
        }
    }
    all
}
