//! Verifying XML signatures. The form is checked on the whole document first, strictly; then the cryptography
//! is checked with the keys of the provider's metadata and no other, and only what was signed is handed on.

use super::{
    names::{DS, ENVELOPED, EXC_C14N, RSA_SHA256, RSA_SHA384, RSA_SHA512, SHA256, SHA384, SHA512},
    provider::Provider,
    read::{is, only, optional, plain},
    refusal::Refusal,
};
use libxml::parser::{Parser, ParserOptions};
use openssl::x509::X509;
use roxmltree::{Document, Node};
use samael::crypto::{
    AllowedSignatureAlgorithm as Algorithm, CertificateDer, Crypto, CryptoProvider, ReduceMode,
};
use std::collections::HashSet;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::RsaSha256, Algorithm::RsaSha384, Algorithm::RsaSha512];

/// The digests that we take.
pub const DIGESTS: [&str; 3] = [SHA256, SHA384, SHA512];

/// Refuses a document in which two elements have the same identifier, whatever the case of the attribute.
pub fn ids_unique(document: &Document<'_>) -> Result<(), Refusal> {
    let mut seen = HashSet::new();
    let ids =
        document.descendants().flat_map(|n| n.attributes()).filter(|a| a.name().eq_ignore_ascii_case("id"));
    for id in ids {
        if !seen.insert(id.value().trim()) {
            return Err(Refusal::check("ids-unique", "an identifier occurs twice"));
        }
    }
    Ok(())
}

/// Checks the form of every signature of the document, and that each is a child of one of `places` and signs
/// exactly that element. Answers, for each place, whether it is signed.
pub fn forms<const N: usize>(
    document: &Document<'_>,
    places: [Node<'_, '_>; N],
) -> Result<[bool; N], Refusal> {
    ids_unique(document)?;
    let mut signed = [false; N];
    for signature in document.descendants().filter(|n| n.has_tag_name((DS, "Signature"))) {
        let place = places.iter().position(|place| signature.parent() == Some(*place));
        let (Some(flag), Some(place)) =
            (place.and_then(|i| signed.get_mut(i)), place.and_then(|i| places.get(i)))
        else {
            return Err(Refusal::check("signature-place", "a signature where none belongs"));
        };
        if std::mem::replace(flag, true) {
            return Err(Refusal::check("signature-place", "two signatures of one element"));
        }
        form(signature, *place)?;
    }
    Ok(signed)
}

/// Checks the form of a signature that signs its parent `place`, and it alone.
pub fn form(signature: Node<'_, '_>, place: Node<'_, '_>) -> Result<(), Refusal> {
    let info = signed_info(signature, &["SignedInfo", "SignatureValue", "KeyInfo"])?;
    let reference =
        only(info, (DS, "Reference")).map_err(|why| Refusal::check("signature-reference", why))?;
    signs(reference, place)?;
    digests(reference, &[ENVELOPED, EXC_C14N])
}

/// `SignedInfo` of a signature that has these parts at most, made by the algorithms that we take.
pub fn signed_info<'a, 'i>(signature: Node<'a, 'i>, known: &[&str]) -> Result<Node<'a, 'i>, Refusal> {
    let wrong = |why: String| Refusal::check("signature-form", why);
    if let Some(other) = children(signature).find(|c| !known.iter().any(|k| c.has_tag_name((DS, *k)))) {
        return Err(wrong(format!("{} in a signature", other.tag_name().name())));
    }
    only(signature, (DS, "SignatureValue")).map_err(wrong)?;
    if let Some(info) = optional(signature, (DS, "KeyInfo")).map_err(wrong)? {
        key_info(info)?;
    }
    let info = only(signature, (DS, "SignedInfo")).map_err(wrong)?;
    algorithm(info, "CanonicalizationMethod", &[EXC_C14N])?;
    algorithm(info, "SignatureMethod", &[RSA_SHA256, RSA_SHA384, RSA_SHA512])?;
    Ok(info)
}

/// The reference digests what these transforms leave, by an algorithm that we take.
pub fn digests(reference: Node<'_, '_>, by: &[&str]) -> Result<(), Refusal> {
    algorithm(reference, "DigestMethod", &DIGESTS)?;
    transforms(reference, by)
}

/// What is said about the key is not read, since we know it; what would lead a reader elsewhere is refused.
fn key_info(info: Node<'_, '_>) -> Result<(), Refusal> {
    let known = ["X509Data", "KeyName", "KeyValue"];
    match children(info).find(|c| !known.iter().any(|k| c.has_tag_name((DS, *k)))) {
        Some(other) => {
            Err(Refusal::check("signature-form", format!("{} in KeyInfo", other.tag_name().name())))
        }
        None => Ok(()),
    }
}

/// The reference names the signature's own parent.
fn signs(reference: Node<'_, '_>, place: Node<'_, '_>) -> Result<(), Refusal> {
    let id = plain(place, "ID").filter(|id| !id.is_empty());
    match (plain(reference, "URI").and_then(|uri| uri.strip_prefix('#')), id) {
        (Some(uri), Some(id)) if uri == id => Ok(()),
        _ => Err(Refusal::check("signature-reference", "it does not sign the element that holds it")),
    }
}

fn transforms(reference: Node<'_, '_>, by: &[&str]) -> Result<(), Refusal> {
    let wrong = |why: &str| Refusal::check("signature-transform", why);
    let list = only(reference, (DS, "Transforms")).map_err(|why| wrong(&why))?;
    let names: Vec<_> = children(list).map(|t| plain(t, "Algorithm").unwrap_or_default()).collect();
    let known = children(list).all(|t| t.has_tag_name((DS, "Transform")));
    // Exclusive canonicalisation may name prefixes to keep; anything else inside a transform is a program.
    let plain = children(list).flat_map(children).all(|n| n.has_tag_name((EXC_C14N, "InclusiveNamespaces")));
    if known && plain && names == by {
        Ok(())
    } else {
        Err(wrong("transforms other than those that such a reference has"))
    }
}

/// The parent names one of these algorithms, once.
pub fn algorithm(parent: Node<'_, '_>, name: &'static str, allowed: &[&str]) -> Result<(), Refusal> {
    let method = only(parent, (DS, name)).map_err(|why| Refusal::check("signature-form", why))?;
    if allowed.iter().any(|uri| is(method, "Algorithm", uri).is_ok()) {
        return Ok(());
    }
    let used = plain(method, "Algorithm").unwrap_or("none");
    Err(Refusal::check("signature-algorithm", format!("{name} {used}")))
}

/// The elements inside.
pub fn children<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

/// Verifies every signature of a text whose [`forms`] were checked, with the provider's keys, and returns the
/// canonical octets that the outermost one covers.
pub fn signed_part(text: &str, from: &Provider) -> Result<String, Refusal> {
    let invalid = |why: String| Refusal::check("signature", why);
    let keys = from.certificates.iter().map(|c| c.to_der().map(CertificateDer::from));
    let keys: Vec<_> = keys.collect::<Result<_, _>>().map_err(|e| invalid(e.to_string()))?;
    Crypto::reduce_xml_to_signed_with_allowed_algorithms(
        text,
        &keys,
        ReduceMode::PreDigest,
        Some(&ALGORITHMS),
    )
    .map_err(|_| invalid("no key of the provider made it, or what it covers was changed".to_owned()))
}

/// Whether this key made the first signature of a text whose form was checked; `id` is what its identifiers are called.
pub fn verifies(text: &str, signer: &X509, id: &str) -> bool {
    let Ok(der) = signer.to_der() else { return false };
    read_as_written(text) && Crypto::verify_signed_xml(text, &CertificateDer::from(der), Some(id)).is_ok()
}

/// Whether libxml2 reads the text without mending it. The parser under the signature check mends what it cannot read, by leaving
/// things out; then what is signed could be less than what is read here.
fn read_as_written(text: &str) -> bool {
    let strictly = ParserOptions { recover: false, no_net: true, ..ParserOptions::default() };
    Parser::default().parse_string_with_options(text, strictly).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libxml2_would_mend_is_refused() {
        assert!(read_as_written("<x/>"));
        let long = format!("<x><{}/></x>", "y".repeat(60_000));
        assert!(Document::parse(&long).is_ok() && !read_as_written(&long));
    }
}
