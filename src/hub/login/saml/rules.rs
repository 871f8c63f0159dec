//! The rules that stand around the list of [`CHECKS`]: what a text must be before anything reads it, and what may be signed,
//! where and how. Every refusal has its name in one of the two lists.

use super::checks::CHECKS;

/// Name and rule, in the order in which they are looked at.
pub const AROUND: &[(&str, &str)] = &[
    ("size", "128 KiB at most, before and after decoding"),
    ("base64", "base64 of the standard alphabet, white space aside"),
    ("utf-8", "UTF-8"),
    ("encoding", "no declaration of another encoding"),
    ("doctype", "no document type declaration, so no entities"),
    ("processing-instruction", "no processing instruction"),
    ("attributes", "2048 attributes at most, counted by their signs of equality"),
    ("well-formed", "well-formed XML with namespaces"),
    ("nodes", "4096 nodes at most"),
    ("depth", "32 levels at most"),
    ("root", "the root is samlp:Response"),
    ("one-root", "no other samlp:Response inside"),
    ("encrypted", "no EncryptedAssertion: nobody has a key for it"),
    ("one-assertion", "one element called Assertion at any depth, a child of the response"),
    ("ids-unique", "no identifier occurs twice, in whatever letters the attribute is written"),
    ("signature-place", "signatures are children of the response and of the assertion, one of each at most"),
    (
        "signature-form",
        "a signature has SignedInfo, SignatureValue and KeyInfo, once, no more, and leads nowhere else",
    ),
    ("signature-algorithm", "RSA with SHA-256, 384 or 512, over exclusive canonicalisation without comments"),
    ("signature-reference", "one reference, to the ID of the element that holds the signature"),
    ("signature-transform", "the transforms are enveloped signature, then exclusive canonicalisation"),
    ("assertion-signed", "the assertion is signed; the response may be"),
    ("signature", "each signature is of a key in the metadata of the provider asked, over what is read"),
    ("assertion", "what was checked is there to be read"),
    ("provider", "the provider is still trusted, in the scheme that was asked"),
];

/// The rule of this name.
pub fn rule(name: &str) -> Option<&'static str> {
    let around = AROUND.iter().find(|(known, _)| *known == name).map(|(_, rule)| *rule);
    around.or_else(|| CHECKS.iter().find(|check| check.name == name).map(|check| check.rule))
}
