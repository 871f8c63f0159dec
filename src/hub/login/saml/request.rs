//! Asking a provider to authenticate the citizen (*Regole tecniche SPID*, single sign-on, `AuthnRequest`).

use super::{
    Fault, ServiceProvider,
    binding::{Binding, Outgoing, Parameter, form_field, relay_state_fits},
    level::Level,
    names::{ENTITY, SAML, SAMLP, TRANSIENT},
    profile::{Comparison, Wanted},
    provider::Provider,
    scheme::Scheme,
    sign::{fresh_id, instant},
    xml::{Element, element},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

/// What is kept of a request until its answer: the single use of this record is what stops replays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentRequest {
    /// Its identifier, which the answer must name.
    pub id: String,
    /// entityID of the provider asked; an answer of another is refused.
    pub provider: String,
    /// When, in whole seconds as the provider saw it.
    pub issued: Timestamp,
    /// The level asked.
    pub level: Level,
    /// How it was meant.
    pub comparison: Comparison,
    /// What the answer must say of the person.
    pub wanted: Wanted,
    /// The message, for the register of requests and responses (DPCM 24 October 2014 art. 13 c. 2).
    pub xml: String,
}

impl ServiceProvider {
    /// A request by redirect when the provider offers it, else by POST. `relay_state` must be opaque.
    ///
    /// # Errors
    /// [`Fault::RelayState`] above 80 bytes; [`Fault::Crypto`] when signing fails.
    pub fn authn_request(
        &self,
        to: &Provider,
        relay_state: &str,
        now: Timestamp,
    ) -> Result<(SentRequest, Outgoing), Fault> {
        let binding = if to.sso_redirect.is_some() { Binding::Redirect } else { Binding::Post };
        self.authn_request_by(binding, to, relay_state, now)
    }

    /// A request by this binding.
    ///
    /// # Errors
    /// As [`Self::authn_request`], and [`Fault::NoEndpoint`] when the provider does not offer it.
    pub fn authn_request_by(
        &self,
        binding: Binding,
        to: &Provider,
        relay_state: &str,
        now: Timestamp,
    ) -> Result<(SentRequest, Outgoing), Fault> {
        relay_state_fits(relay_state)?;
        let missing = |what| Fault::NoEndpoint { provider: to.entity_id.clone(), what };
        let id = fresh_id()?;
        let (xml, outgoing) = match binding {
            Binding::Redirect => {
                let destination = to.sso_redirect.as_ref().ok_or_else(|| missing("sign-on by redirect"))?;
                let xml = self.authn_element(&id, (to.scheme, destination), now, None).to_xml();
                let url = self.redirect(destination, Parameter::Request, &xml, Some(relay_state))?;
                (xml, Outgoing::Redirect(url))
            }
            Binding::Post => {
                let destination = to.sso_post.clone().ok_or_else(|| missing("sign-on by POST"))?;
                let signature = self.signature_over(&id)?;
                let xml =
                    self.sign(&self.authn_element(&id, (to.scheme, &destination), now, Some(signature)))?;
                let saml_request = form_field(&xml);
                (xml, Outgoing::Post { destination, saml_request, relay_state: relay_state.to_owned() })
            }
        };
        let issued = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let sent = SentRequest {
            id,
            provider: to.entity_id.clone(),
            issued,
            level: self.level,
            comparison: self.comparison,
            wanted: self.wanted_of(to.scheme),
            xml,
        };
        Ok((sent, outgoing))
    }

    fn authn_element(
        &self,
        id: &str,
        (scheme, to): (Scheme, &Url),
        now: Timestamp,
        signature: Option<Element>,
    ) -> Element {
        let mut request = element("samlp:AuthnRequest")
            .with("xmlns:samlp", SAMLP)
            .with("xmlns:saml", SAML)
            .with("ID", id)
            .with("Version", "2.0")
            .with("IssueInstant", instant(now))
            .with("Destination", to.as_str())
            .with("AssertionConsumerServiceIndex", "0")
            .with("AttributeConsumingServiceIndex", self.attributes_asked(scheme));
        // A session of level 1 may be used again; CIE has none.
        if scheme == Scheme::Cie || self.comparison.least(self.level) > Level::L1 || self.level > Level::L1 {
            request = request.with("ForceAuthn", "true");
        }
        let context = element("samlp:RequestedAuthnContext")
            .with("Comparison", self.comparison.name())
            .child(element("saml:AuthnContextClassRef").text(self.level.uri()));
        request
            .child(self.issuer())
            .children(signature)
            .child(element("samlp:NameIDPolicy").with("Format", TRANSIENT))
            .child(context)
    }

    /// Our name as the issuer of a message.
    pub(super) fn issuer(&self) -> Element {
        element("saml:Issuer")
            .with("Format", ENTITY)
            .with("NameQualifier", &self.entity_id)
            .text(&self.entity_id)
    }
}
