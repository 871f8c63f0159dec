//! Taking a SAML message out of a form or out of a query string, and checking its signature.

use super::{
    metadata::ServiceProvider,
    request::{Fault, fault},
    sign,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{collections::BTreeMap, io::Read};

/// The longest message taken.
const LONGEST: u64 = 256 * 1024;

/// A SAML message as it arrived.
#[derive(Debug, Clone)]
pub enum Message {
    /// HTTP-POST: the decoded form.
    Post(BTreeMap<String, String>),
    /// HTTP-Redirect: the raw query string, since the signature is over its octets.
    Redirect(String),
}

impl Message {
    /// The message's XML.
    ///
    /// # Errors
    /// Code 4 when the encoding is wrong.
    pub fn xml(&self) -> Result<String, Fault> {
        let encoded = match self.field("SAMLRequest") {
            Some(text) => STANDARD.decode(text.split_whitespace().collect::<String>()),
            None => return fault(4, "no SAMLRequest"),
        };
        let bytes = encoded.or_else(|e| fault(4, e))?;
        let xml = match self {
            Self::Post(_) => String::from_utf8(bytes).map_err(|e| e.to_string()),
            Self::Redirect(_) => inflate(&bytes),
        };
        xml.or_else(|e| fault(4, e))
    }

    /// A field of the form or of the query.
    pub fn field(&self, name: &str) -> Option<String> {
        match self {
            Self::Post(form) => form.get(name).cloned(),
            Self::Redirect(query) => {
                let mut pairs = url::form_urlencoded::parse(query.as_bytes());
                pairs.find(|(n, _)| n == name).map(|(_, v)| v.into_owned())
            }
        }
    }

    /// Checks that `sp` signed the message.
    ///
    /// # Errors
    /// Code 5 (POST) or 7 (Redirect) when it did not, or not as SPID asks.
    pub fn check_signature(&self, sp: &ServiceProvider) -> Result<(), Fault> {
        match self {
            Self::Post(_) => {
                let xml = self.xml()?;
                // xmlsec1 also verifies what SPID forbids.
                if xml.contains("xmldsig#rsa-sha1") || xml.contains("xmldsig#sha1") {
                    return fault(5, "SHA-1");
                }
                sign::verify_enveloped(&xml, &sp.certificates).or_else(|e| fault(5, e))
            }
            Self::Redirect(query) => {
                if self.xml()?.contains("Signature") {
                    return fault(7, "an XML signature inside a redirect");
                }
                self.check_query(query, sp)
            }
        }
    }

    fn check_query(&self, query: &str, sp: &ServiceProvider) -> Result<(), Fault> {
        if self.field("SigAlg").as_deref() != Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256") {
            return fault(7, "SigAlg is not RSA-SHA256");
        }
        let signature =
            STANDARD.decode(self.field("Signature").unwrap_or_default()).or_else(|e| fault(7, e))?;
        let raw = |name: &str| query.split('&').find(|p| p.split('=').next() == Some(name));
        let signed: Vec<_> = ["SAMLRequest", "RelayState", "SigAlg"].into_iter().filter_map(raw).collect();
        sign::verify_query(signed.join("&").as_bytes(), &signature, &sp.certificates).or_else(|e| fault(7, e))
    }
}

fn inflate(bytes: &[u8]) -> Result<String, String> {
    let mut text = String::new();
    let read = flate2::read::DeflateDecoder::new(bytes).take(LONGEST).read_to_string(&mut text);
    read.map(|_| text).map_err(|e| e.to_string())
}
