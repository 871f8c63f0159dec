//! Checking an AuthnRequest as an identity provider must: SPID technical rules (single sign-on and error codes), *Manuale
//! operativo CIE*.

use super::{
    metadata::ServiceProvider,
    scheme::Scheme,
    xml::{self, ENTITY, POST, SAML, SAMLP, TRANSIENT},
};
use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;

/// Why a request is refused: the SPID error code and what was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The `NN` of `ErrorCode nrNN`.
    pub code: u8,
    /// For the developer of the service provider.
    pub why: String,
}

/// A request that keeps the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `ID`.
    pub id: String,
    /// entityID of the service provider.
    pub issuer: String,
    /// The SPID level asked, 1 to 3.
    pub level: u8,
    /// Where the response goes.
    pub acs: String,
    /// Attributes asked.
    pub attributes: Vec<String>,
}

/// A fault with this code.
pub fn fault<T>(code: u8, why: impl ToString) -> Result<T, Fault> {
    Err(Fault { code, why: why.to_string() })
}

/// The issuer that the request names, before anything else is trusted.
///
/// # Errors
/// Code 8 when it is not SAML, 10 when it names no issuer.
pub fn issuer(text: &str) -> Result<String, Fault> {
    let document = xml::parse(text).or_else(|e| fault(8, e))?;
    let root = document.root_element();
    match xml::child(root, SAML, "Issuer") {
        Some(issuer) if root.tag_name().namespace() == Some(SAMLP) => Ok(xml::text(issuer)),
        Some(_) => fault(8, "the root element is not of the SAML protocol"),
        None => fault(10, "no Issuer"),
    }
}

/// Checks the request of `sp` to the provider at `url`.
///
/// # Errors
/// The first rule that it breaks.
pub fn check(
    text: &str,
    scheme: Scheme,
    sp: &ServiceProvider,
    url: &str,
    now: Timestamp,
) -> Result<Request, Fault> {
    let document = xml::parse(text).or_else(|e| fault(8, e))?;
    let root = document.root_element();
    if !root.has_tag_name((SAMLP, "AuthnRequest")) {
        return fault(8, "the root element is not samlp:AuthnRequest");
    }
    check_frame(root, now)?;
    check_destination(root, scheme, url)?;
    check_issuer(root, sp)?;
    check_policy(root)?;
    Ok(Request {
        id: check_id(root)?,
        issuer: sp.entity_id.clone(),
        level: check_context(root, scheme)?,
        acs: check_acs(root, sp)?,
        attributes: check_attributes(root, scheme, sp)?,
    })
}

fn check_frame(root: Node<'_, '_>, now: Timestamp) -> Result<(), Fault> {
    if root.attribute("Version") != Some("2.0") {
        return fault(9, "Version is not 2.0");
    }
    let issued = root.attribute("IssueInstant").unwrap_or_default();
    let close = |at: Timestamp| at.duration_since(now).abs() <= SignedDuration::from_mins(5);
    if !issued.ends_with('Z') || !issued.parse::<Timestamp>().is_ok_and(close) {
        return fault(13, format!("IssueInstant `{issued}` is not UTC with Z, or more than 5 minutes off"));
    }
    if root.has_attribute("IsPassive") {
        return fault(15, "IsPassive is present");
    }
    Ok(())
}

/// SPID also takes the entityID (Avviso 11), CIE does not.
fn check_destination(root: Node<'_, '_>, scheme: Scheme, url: &str) -> Result<(), Fault> {
    let destination = root.attribute("Destination").unwrap_or_default();
    if destination == format!("{url}/sso") || (scheme != Scheme::Cie && destination == url) {
        return Ok(());
    }
    fault(14, format!("Destination `{destination}` is not {url}/sso"))
}

fn check_id(root: Node<'_, '_>) -> Result<String, Fault> {
    let id = root.attribute("ID").unwrap_or_default();
    let starts = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    // Lepida refuses longer ones; fewer than 128 bits cannot be as unpredictable as a UUID.
    if starts && plain && (22..=38).contains(&id.len()) {
        Ok(id.to_owned())
    } else {
        fault(11, format!("ID `{id}` is not an NCName of 22 to 38 characters"))
    }
}

fn check_issuer(root: Node<'_, '_>, sp: &ServiceProvider) -> Result<(), Fault> {
    let Some(issuer) = xml::child(root, SAML, "Issuer") else { return fault(10, "no Issuer") };
    if xml::text(issuer) != sp.entity_id {
        return fault(10, "the Issuer is not the entityID");
    }
    if issuer.attribute("Format") != Some(ENTITY) || issuer.attribute("NameQualifier") != Some(&sp.entity_id)
    {
        return fault(10, "the Issuer needs Format entity and NameQualifier equal to the entityID");
    }
    Ok(())
}

fn check_context(root: Node<'_, '_>, scheme: Scheme) -> Result<u8, Fault> {
    let Some(asked) = xml::child(root, SAMLP, "RequestedAuthnContext") else {
        return fault(12, "no RequestedAuthnContext");
    };
    let comparison = asked.attribute("Comparison").unwrap_or("exact");
    let known: &[_] = match scheme {
        Scheme::Cie => &["exact", "minimum"],
        Scheme::Spid | Scheme::Eidas => &["exact", "minimum", "better", "maximum"],
    };
    if !known.contains(&comparison) {
        return fault(12, format!("Comparison `{comparison}`"));
    }
    let class = xml::child(asked, SAML, "AuthnContextClassRef").map(xml::text).unwrap_or_default();
    let level = match class.strip_prefix("https://www.spid.gov.it/SpidL") {
        Some("1") => 1,
        Some("2") => 2,
        Some("3") => 3,
        _ => return fault(12, format!("`{class}` is not a SPID level")),
    };
    if (level > 1 || scheme == Scheme::Cie) && root.attribute("ForceAuthn") != Some("true") {
        return fault(12, "ForceAuthn is required for levels 2 and 3, and always by CIE");
    }
    Ok(level)
}

fn check_policy(root: Node<'_, '_>) -> Result<(), Fault> {
    let Some(policy) = xml::child(root, SAMLP, "NameIDPolicy") else { return fault(17, "no NameIDPolicy") };
    if policy.attribute("Format") != Some(TRANSIENT) || policy.has_attribute("AllowCreate") {
        return fault(17, "NameIDPolicy needs Format transient and no AllowCreate");
    }
    Ok(())
}

fn check_acs(root: Node<'_, '_>, sp: &ServiceProvider) -> Result<String, Fault> {
    let url = root.attribute("AssertionConsumerServiceURL");
    match (root.attribute("AssertionConsumerServiceIndex"), url) {
        (Some(_), Some(_)) => {
            fault(16, "AssertionConsumerServiceIndex and AssertionConsumerServiceURL together")
        }
        (Some(index), None) => match sp.acs.get(index) {
            Some(location) => Ok(location.clone()),
            None => fault(16, format!("AssertionConsumerServiceIndex {index} is not in the metadata")),
        },
        (None, Some(url)) if root.attribute("ProtocolBinding") == Some(POST) => {
            if sp.acs.values().any(|l| l == url) {
                Ok(url.to_owned())
            } else {
                fault(16, "AssertionConsumerServiceURL is not in the metadata")
            }
        }
        _ => fault(
            16,
            "neither AssertionConsumerServiceIndex nor AssertionConsumerServiceURL with ProtocolBinding",
        ),
    }
}

/// The node takes the sets of its own numbers only: 99, the minimum, and 100, all.
fn check_attributes(root: Node<'_, '_>, scheme: Scheme, sp: &ServiceProvider) -> Result<Vec<String>, Fault> {
    let index = root.attribute("AttributeConsumingServiceIndex");
    if scheme == Scheme::Eidas && !matches!(index, Some("99" | "100")) {
        return fault(18, "AttributeConsumingServiceIndex is neither 99 nor 100");
    }
    match index.map(|i| sp.attributes.get(i)) {
        Some(Some(names)) => Ok(names.clone()),
        Some(None) => fault(18, "AttributeConsumingServiceIndex is not in the metadata"),
        None => fault(18, "no AttributeConsumingServiceIndex"),
    }
}
