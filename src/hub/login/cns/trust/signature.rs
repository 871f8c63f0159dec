//! The form of the list's signature, before any cryptography: one signature, enveloped, the last child of the root; two
//! references, to the whole document and to the signed properties; and in these the certificate of who signs, which is why
//! the second reference matters (TS 119 612 5.7, EN 319 132-1 4.2 and 5.2.2).

use super::names::{SIGNED_PROPERTIES, XADES};
use crate::login::saml::{
    guard::{Unfit, unfit},
    names::{DS, ENVELOPED, EXC_C14N, SHA384, SHA512},
    read::{attribute, only, optional, plain, text_of},
    signature::{DIGESTS, algorithm, children, digests, ids_unique, signed_info},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{hash::MessageDigest, x509::X509};
use roxmltree::{Document, Node};

/// What a signature of the right form says.
pub struct Form {
    /// The digest of the document, in base64.
    pub digest: String,
    by: MessageDigest,
    certificate: Vec<u8>,
}

impl Form {
    /// The form of the document's signature.
    pub fn of(document: &Document<'_>) -> Result<Self, Unfit> {
        ids_unique(document)?;
        let own = place(document)?;
        let properties = properties(own)?;
        let info = signed_info(own, &["SignedInfo", "SignatureValue", "KeyInfo", "Object"])?;
        let whole = references(info, properties)?;
        let (by, certificate) = signing_certificate(properties).map_err(|why| unfit("signer", why))?;
        let digest = text_of(whole, (DS, "DigestValue")).map_err(|why| unfit("signature-form", why))?;
        Ok(Self { digest: digest.split_ascii_whitespace().collect(), by, certificate })
    }

    /// Which of these it says made it.
    pub fn signer<'a>(&self, signers: &'a [X509]) -> Option<&'a X509> {
        signers.iter().find(|signer| signer.digest(self.by).is_ok_and(|is| *is == *self.certificate))
    }
}

/// The one signature, where it belongs.
fn place<'a, 'i>(document: &'a Document<'i>) -> Result<Node<'a, 'i>, Unfit> {
    let mut all = document.descendants().filter(|n| n.has_tag_name((DS, "Signature")));
    let own = all.next().ok_or_else(|| unfit("unsigned", "the list has no signature"))?;
    if all.next().is_some() {
        return Err(unfit("signature-place", "more than one signature"));
    }
    match document.root_element().last_element_child() {
        Some(last) if last == own => Ok(own),
        _ => Err(unfit("signature-place", "the signature is not the last part of the list")),
    }
}

/// `SignedProperties`, the only one and the only thing in the signature's only `Object`. Properties that nobody signed have no
/// place in a list.
fn properties<'a, 'i>(own: Node<'a, 'i>) -> Result<Node<'a, 'i>, Unfit> {
    let wrong = |why: String| unfit("signature-form", why);
    let object = only(own, (DS, "Object")).map_err(wrong)?;
    let about = alone(object, (XADES, "QualifyingProperties"))?;
    let id = attribute(own, "Id").map_err(wrong)?;
    if plain(about, "Target").and_then(|target| target.strip_prefix('#')) != Some(id) {
        return Err(unfit("signature-form", "QualifyingProperties of another signature"));
    }
    alone(about, (XADES, "SignedProperties"))
}

fn alone<'a, 'i>(node: Node<'a, 'i>, name: (&'static str, &'static str)) -> Result<Node<'a, 'i>, Unfit> {
    let mut inside = children(node);
    match (inside.next(), inside.next()) {
        (Some(one), None) if one.has_tag_name(name) => Ok(one),
        _ => Err(unfit("signature-form", format!("something else than one {}", name.1))),
    }
}

/// Exactly two references, in either order. Answers that to the whole document.
fn references<'a, 'i>(info: Node<'a, 'i>, properties: Node<'_, '_>) -> Result<Node<'a, 'i>, Unfit> {
    let wrong = |why: &str| unfit("signature-reference", why);
    let id = attribute(properties, "Id").map_err(|why| wrong(&why))?;
    let all: Vec<_> = children(info).filter(|n| n.has_tag_name((DS, "Reference"))).collect();
    let to = |uri: &str| all.iter().find(|r| plain(**r, "URI") == Some(uri)).copied();
    let whole = to("").ok_or_else(|| wrong("none to the whole document"))?;
    let about = to(&format!("#{id}")).ok_or_else(|| wrong("none to the signed properties"))?;
    if all.len() != 2 {
        return Err(wrong("others than to the document and to the signed properties"));
    }
    if plain(about, "Type") != Some(SIGNED_PROPERTIES) {
        return Err(wrong("that to the signed properties is of another type"));
    }
    digests(whole, &[ENVELOPED, EXC_C14N])?;
    digests(about, &[EXC_C14N])?;
    Ok(whole)
}

/// The digest of the signer's certificate: the first of `SigningCertificateV2`, or of `SigningCertificate` (EN 319 132-1 5.2.2).
fn signing_certificate(properties: Node<'_, '_>) -> Result<(MessageDigest, Vec<u8>), String> {
    let signed = only(properties, (XADES, "SignedSignatureProperties"))?;
    let new = optional(signed, (XADES, "SigningCertificateV2"))?;
    let old = optional(signed, (XADES, "SigningCertificate"))?;
    let list = match (new, old) {
        (Some(one), None) | (None, Some(one)) => one,
        _ => return Err("neither or both of SigningCertificate and SigningCertificateV2".to_owned()),
    };
    let first = list.first_element_child().filter(|n| n.has_tag_name((XADES, "Cert")));
    let digest = only(first.ok_or("no certificate")?, (XADES, "CertDigest"))?;
    algorithm(digest, "DigestMethod", &DIGESTS).map_err(|e| e.to_string())?;
    let by = match plain(only(digest, (DS, "DigestMethod"))?, "Algorithm").map(str::trim) {
        Some(SHA384) => MessageDigest::sha384(),
        Some(SHA512) => MessageDigest::sha512(),
        _ => MessageDigest::sha256(),
    };
    let value: String = text_of(digest, (DS, "DigestValue"))?.split_ascii_whitespace().collect();
    Ok((by, STANDARD.decode(value).map_err(|e| e.to_string())?))
}
