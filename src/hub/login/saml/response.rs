//! From a provider's answer to an identity.

use super::{
    ServiceProvider,
    checks::{self, Part, Received},
    guard,
    level::Level,
    names::{DS, SAML, SAMLP},
    person::Person,
    provider::Provider,
    read::{attribute, instant, only, optional, plain, text},
    refusal::Refusal,
    request::SentRequest,
    signature,
};
use jiff::Timestamp;
use roxmltree::{Document, Node};
use std::fmt;

/// Who logged in, as a provider assured. Only [`ServiceProvider::check_response`] makes one.
#[derive(Clone)]
#[non_exhaustive]
pub struct Identity {
    /// Who it is. Whatever else the provider sent is not kept: CIE and the node of eIDAS always send more.
    pub person: Person,
    /// The level reached, at least that asked.
    pub level: Level,
    /// entityID of the provider.
    pub provider: String,
    /// Identifier of the assertion.
    pub assertion_id: String,
    /// Identifier of the response; nobody signed it when the provider signs the assertion only.
    pub response_id: String,
    /// The transient name of this login, needed to log out.
    pub name_id: String,
    /// The domain of that name, needed to log out.
    pub name_qualifier: String,
    /// The provider's session, where it keeps one (level 1).
    pub session_index: Option<String>,
    /// When the response was issued; nobody signed it when the provider signs the assertion only.
    pub issued: Timestamp,
    /// Until when the assertion could be used again, were the record of its request not gone with this use.
    pub not_on_or_after: Timestamp,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("provider", &self.provider)
            .field("level", &self.level)
            .finish_non_exhaustive()
    }
}

impl ServiceProvider {
    /// Checks the form field `SAMLResponse` that answers `sent`, from the provider that `sent` went to.
    ///
    /// Whether the request was still open, and was opened by this browser, is the caller's to check: take the
    /// record of `sent` out of its store, once, before calling.
    ///
    /// # Errors
    /// The first rule that the response breaks.
    pub fn check_response(
        &self,
        from: &Provider,
        sent: &SentRequest,
        response_base64: &str,
        now: Timestamp,
    ) -> Result<Identity, Refusal> {
        let text = guard::decode(response_base64)?;
        let outer = guard::parse(&text)?;
        let response = guard::root(&outer, (SAMLP, "Response"))?;
        let received = |node| Received { us: self, from, sent, now, node };
        // These rules can only refuse, so they may look at a response that nobody signed.
        checks::run(Part::Response, &received(response))
            .map_err(|refusal| vouched(refusal, &text, &received(response)))?;
        let response_is_signed = signatures(&outer, response)?;

        let signed = signature::signed_part(&text, from)?;
        let inner = guard::parse(&signed)?;
        let root = inner.root_element();
        if response_is_signed {
            // Again over what was signed, should the two parsers ever disagree.
            checks::run(Part::Response, &received(root))?;
        }
        let (response, assertion) =
            if response_is_signed { (root, one_assertion(&inner, root)?) } else { (response, root) };
        if !assertion.has_tag_name((SAML, "Assertion")) {
            return Err(Refusal::check("one-assertion", "what is signed is no assertion"));
        }
        checks::run(Part::Assertion, &received(assertion))?;
        identity(&received(assertion), response).map_err(|why| Refusal::check("assertion", why))
    }
}

/// An error counts as the provider's own where its response is signed; a signature that is there must hold.
fn vouched(refusal: Refusal, text: &str, received: &Received<'_, '_>) -> Refusal {
    match refusal {
        Refusal::Status { .. } => error_signed(text, received).unwrap_or_else(Some).unwrap_or(refusal),
        other => other,
    }
}

/// What a signed response says; `None` where nobody signed it.
fn error_signed(text: &str, received: &Received<'_, '_>) -> Result<Option<Refusal>, Refusal> {
    let response = received.node;
    let signature = optional(response, (DS, "Signature"));
    let Some(signature) = signature.map_err(|why| Refusal::check("signature-place", why))? else {
        return Ok(None);
    };
    signature::ids_unique(response.document())?;
    signature::form(signature, response)?;
    let signed = signature::signed_part(text, received.from)?;
    let inner = guard::parse(&signed)?;
    let again = checks::run(Part::Response, &Received { node: inner.root_element(), ..*received });
    match again {
        Err(Refusal::Status { error, .. }) => Ok(Some(Refusal::Status { error, signed: true })),
        Err(other) => Err(other),
        Ok(()) => Err(Refusal::check("signature", "what is signed is no error")),
    }
}

/// The form of the signatures: the assertion's must be there, the response's may; answers whether it is.
fn signatures(document: &Document<'_>, response: Node<'_, '_>) -> Result<bool, Refusal> {
    let assertion = one_assertion(document, response)?;
    let [of_response, of_assertion] = signature::forms(document, [response, assertion])?;
    if of_assertion {
        Ok(of_response)
    } else {
        Err(Refusal::check("assertion-signed", "the assertion is not signed"))
    }
}

/// The one assertion, a child of the response; there is no other at any depth, and none encrypted.
fn one_assertion<'a, 'i>(
    document: &'a Document<'i>,
    response: Node<'a, 'i>,
) -> Result<Node<'a, 'i>, Refusal> {
    let named = |name| document.descendants().filter(move |n| n.is_element() && n.tag_name().name() == name);
    if named("EncryptedAssertion").next().is_some() {
        return Err(Refusal::check("encrypted", "an encrypted assertion, which nobody has a key for"));
    }
    match named("Assertion").count() {
        1 => only(response, (SAML, "Assertion")).map_err(|why| Refusal::check("one-assertion", why)),
        n => Err(Refusal::check("one-assertion", format!("{n} assertions"))),
    }
}

/// Reads an assertion that every check has passed.
fn identity(received: &Received<'_, '_>, response: Node<'_, '_>) -> Result<Identity, String> {
    let assertion = received.node;
    let name_id = only(only(assertion, (SAML, "Subject"))?, (SAML, "NameID"))?;
    let session = plain(only(assertion, (SAML, "AuthnStatement"))?, "SessionIndex");
    let conditions = instant(only(assertion, (SAML, "Conditions"))?, "NotOnOrAfter")?;
    let confirmation = instant(checks::confirmation_data(received)?, "NotOnOrAfter")?;
    Ok(Identity {
        person: checks::person_of(received)?,
        level: checks::level_reached(received)?,
        provider: received.from.entity_id.clone(),
        assertion_id: attribute(assertion, "ID")?.to_owned(),
        response_id: attribute(response, "ID")?.to_owned(),
        name_id: text(name_id)?,
        name_qualifier: attribute(name_id, "NameQualifier")?.to_owned(),
        session_index: session.map(str::trim).filter(|s| !s.is_empty()).map(str::to_owned),
        issued: instant(response, "IssueInstant")?,
        not_on_or_after: conditions.max(confirmation),
    })
}
