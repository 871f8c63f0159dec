//! The two ways a message travels through the citizen's browser (SAML Bindings 3.4 redirect, 3.5 POST).

use super::{Fault, ServiceProvider, guard, names::RSA_SHA256, provider::Provider, refusal::Refusal};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use openssl::{hash::MessageDigest, sign::Verifier};
use std::io::{Read, Write};
use url::{Url, form_urlencoded};

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Binding {
    /// In the query of a redirect, with a detached signature.
    Redirect,
    /// In a form that the browser posts, with an enveloped signature.
    Post,
}

/// A request on its way to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// Answer 302 to this URL.
    Redirect(Url),
    /// Answer 200 with a form that posts `SAMLRequest` and `RelayState`.
    Post {
        /// The form's action.
        destination: Url,
        /// The field `SAMLRequest`, base64.
        saml_request: String,
        /// The field `RelayState`.
        relay_state: String,
    },
}

/// A logout message as it arrived.
#[derive(Debug, Clone, Copy)]
pub enum Arrival<'a> {
    /// The raw query, still percent-encoded: its exact octets are what was signed.
    Redirect {
        /// Without the question mark.
        query: &'a str,
    },
    /// The form field `SAMLRequest` or `SAMLResponse`.
    Post {
        /// Base64.
        message: &'a str,
    },
}

/// The parameter that a message is in.
#[derive(Clone, Copy)]
pub(super) enum Parameter {
    Request,
    Response,
}

impl Parameter {
    const fn name(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The base64 of a message for a form.
pub(super) fn form_field(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// The longest RelayState, in bytes (SAML Bindings 3.4.3).
pub const LONGEST_RELAY_STATE: usize = 80;

pub(super) const fn relay_state_fits(relay_state: &str) -> Result<(), Fault> {
    if relay_state.len() <= LONGEST_RELAY_STATE { Ok(()) } else { Err(Fault::RelayState) }
}

impl ServiceProvider {
    /// The URL that carries a message: DEFLATE, base64, and a signature over the exact octets of the query.
    pub(super) fn redirect(
        &self,
        destination: &Url,
        parameter: Parameter,
        xml: &str,
        relay_state: Option<&str>,
    ) -> Result<Url, Fault> {
        let mut fields = vec![(parameter.name(), STANDARD.encode(deflate(xml)?))];
        fields.extend(relay_state.map(|state| ("RelayState", state.to_owned())));
        fields.push(("SigAlg", RSA_SHA256.to_owned()));
        let signed = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let signature = self.sign_octets(signed.as_bytes())?;
        let query = form_urlencoded::Serializer::new(signed).append_pair("Signature", &signature).finish();
        let mut url = destination.clone();
        let query =
            url.query().filter(|q| !q.is_empty()).map_or_else(|| query.clone(), |q| format!("{q}&{query}"));
        url.set_query(Some(&query));
        Ok(url)
    }
}

fn deflate(xml: &str) -> Result<Vec<u8>, Fault> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let done = encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish());
    done.map_err(|e| Fault::Crypto(e.to_string()))
}

/// The raw fields of a query that carries a signed message.
pub(super) struct SignedQuery<'a> {
    message: &'a str,
    relay_state: Option<&'a str>,
    algorithm: &'a str,
    signature: &'a str,
    parameter: Parameter,
}

impl<'a> SignedQuery<'a> {
    /// Finds the fields; each may occur once only, or the signature could cover another than the one read.
    pub(super) fn read(query: &'a str, parameter: Parameter) -> Result<Self, Refusal> {
        let missing = |name| Refusal::message("query", format!("{name} is missing"));
        let field = |name| once(query, name)?.ok_or_else(|| missing(name));
        Ok(Self {
            message: field(parameter.name())?,
            relay_state: once(query, "RelayState")?,
            algorithm: field("SigAlg")?,
            signature: field("Signature")?,
            parameter,
        })
    }

    /// The message, inflated within the limits of [`guard`]. Not verified yet.
    pub(super) fn message(&self) -> Result<String, Refusal> {
        let octets = STANDARD.decode(decoded(self.message)).map_err(|e| Refusal::message("base64", e))?;
        let mut inflated = Vec::new();
        let limit = guard::MAX_OCTETS as u64 + 1;
        DeflateDecoder::new(octets.as_slice())
            .take(limit)
            .read_to_end(&mut inflated)
            .map_err(|e| Refusal::message("deflate", e))?;
        guard::admit(inflated)
    }

    /// Verifies the signature with the keys of the provider.
    pub(super) fn verify(&self, from: &Provider) -> Result<(), Refusal> {
        let algorithm = decoded(self.algorithm);
        let digest = digest(&algorithm).ok_or_else(|| Refusal::check("signature-algorithm", algorithm))?;
        let signature = STANDARD
            .decode(decoded(self.signature))
            .map_err(|e| Refusal::check("signature", format!("not base64: {e}")))?;
        let mut octets = format!("{}={}", self.parameter.name(), self.message);
        if let Some(state) = self.relay_state {
            octets = octets + "&RelayState=" + state;
        }
        octets = octets + "&SigAlg=" + self.algorithm;
        let holds = |certificate: &openssl::x509::X509| {
            let key = certificate.public_key()?;
            Verifier::new(digest, &key)?.verify_oneshot(&signature, octets.as_bytes())
        };
        if from.certificates.iter().any(|c: &openssl::x509::X509| holds(c).unwrap_or(false)) {
            Ok(())
        } else {
            Err(Refusal::check("signature", "no key of the provider made it, or the query was changed"))
        }
    }
}

fn once<'a>(query: &'a str, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let mut found =
        query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(n, _)| decoded(n) == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(Refusal::message("query", format!("{name} occurs twice"))),
        (first, None) => Ok(first.map(|(_, value)| value)),
    }
}

fn decoded(raw: &str) -> String {
    form_urlencoded::parse(raw.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

fn digest(algorithm: &str) -> Option<MessageDigest> {
    use super::names::{RSA_SHA384, RSA_SHA512};
    match algorithm {
        RSA_SHA256 => Some(MessageDigest::sha256()),
        RSA_SHA384 => Some(MessageDigest::sha384()),
        RSA_SHA512 => Some(MessageDigest::sha512()),
        _ => None,
    }
}
