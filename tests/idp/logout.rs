//! Single logout: a LogoutRequest in, a signed LogoutResponse out; and a citizen who logs out here.

use super::{
    request::{Fault, fault},
    response::instant,
    sign::{Digest, Signer, template},
    xml::{self, ENTITY, SAML, SAMLP, TRANSIENT, escape},
};
use anyhow::{Context, Result};
use jiff::Timestamp;

/// Checks a LogoutRequest sent to `destination` and returns its `ID`.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(text: &str, destination: &str) -> Result<String, Fault> {
    let document = xml::parse(text).or_else(|e| fault(8, e))?;
    let root = document.root_element();
    if !root.has_tag_name((SAMLP, "LogoutRequest")) {
        return fault(8, "the root element is not samlp:LogoutRequest");
    }
    if root.attribute("Destination") != Some(destination) {
        return fault(14, format!("Destination is not {destination}"));
    }
    if xml::child(root, SAML, "NameID").is_none() {
        return fault(8, "no NameID");
    }
    root.attribute("ID").map(str::to_owned).map_or_else(|| fault(11, "no ID"), Ok)
}

/// A signed LogoutRequest from `idp` to `destination` for the login of its own `response`.
///
/// # Errors
/// When the response holds no login, or `xmlsec1` is missing or refuses.
pub fn ask(idp: &str, response: &str, destination: &str, now: Timestamp, signer: &Signer) -> Result<String> {
    let document = xml::parse(response).map_err(|e| anyhow::anyhow!("{e}"))?;
    let find = |name: &str| document.descendants().find(|n| n.has_tag_name((SAML, name)));
    let name_id = find("NameID").map(xml::text).context("no NameID")?;
    let index =
        find("AuthnStatement").and_then(|n| n.attribute("SessionIndex")).context("no SessionIndex")?;
    let id = format!("_{}", uuid::Uuid::new_v4());
    let xml = format!(
        r#"<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{id}" Version="2.0" IssueInstant="{}" Destination="{}"><saml:Issuer Format="{ENTITY}" NameQualifier="{issuer}">{issuer}</saml:Issuer>{}<saml:NameID Format="{TRANSIENT}" NameQualifier="{issuer}">{}</saml:NameID><samlp:SessionIndex>{}</samlp:SessionIndex></samlp:LogoutRequest>"#,
        instant(now),
        escape(destination),
        template(&id, Digest::Sha256),
        escape(&name_id),
        escape(index),
        issuer = escape(idp),
    );
    signer.sign(&xml)
}

/// A signed LogoutResponse from `idp` to `destination`.
///
/// # Errors
/// When `xmlsec1` is missing or refuses.
pub fn respond(
    idp: &str,
    request: &str,
    destination: &str,
    now: Timestamp,
    signer: &Signer,
) -> Result<String> {
    let id = format!("_{}", uuid::Uuid::new_v4());
    let xml = format!(
        r#"<samlp:LogoutResponse xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{id}" Version="2.0" IssueInstant="{}" InResponseTo="{}" Destination="{}"><saml:Issuer Format="{ENTITY}" NameQualifier="{issuer}">{issuer}</saml:Issuer>{}<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status></samlp:LogoutResponse>"#,
        instant(now),
        escape(request),
        escape(destination),
        template(&id, Digest::Sha256),
        issuer = escape(idp),
    );
    signer.sign(&xml)
}
