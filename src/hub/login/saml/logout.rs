//! Single logout (*Regole tecniche SPID*, single logout; SAML Profiles 4.4), signed in both directions.

use super::{
    Fault, ServiceProvider,
    binding::{Arrival, Outgoing, Parameter, SignedQuery, form_field, relay_state_fits},
    checks::CLOCK_SKEW,
    guard,
    names::{SAML, SAMLP, SUCCESS, TRANSIENT},
    provider::{Provider, Slo},
    providers::Providers,
    read::{attribute, instant, is, only, plain, text, text_of},
    refusal::{Refusal, SpidError},
    response::Identity,
    sign::{fresh_id, instant as written},
    signature,
    xml::{Element, element},
};
use jiff::Timestamp;
use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// What must be kept of a login to log out of it at the provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// entityID of the provider.
    pub provider: String,
    /// The transient name.
    pub name_id: String,
    /// Its domain.
    pub name_qualifier: String,
    /// The provider's session.
    pub session_index: Option<String>,
}

impl From<&Identity> for Session {
    fn from(identity: &Identity) -> Self {
        Self {
            provider: identity.provider.clone(),
            name_id: identity.name_id.clone(),
            name_qualifier: identity.name_qualifier.clone(),
            session_index: identity.session_index.clone(),
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session(at {})", self.provider)
    }
}

/// What is kept of our logout request until its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentLogout {
    /// Its identifier.
    pub id: String,
    /// entityID of the provider asked.
    pub provider: String,
    /// When.
    pub issued: Timestamp,
}

/// A provider's verified request to end a session.
#[derive(Clone, PartialEq, Eq)]
pub struct LogoutRequest {
    /// Its identifier, which the answer names.
    pub id: String,
    /// entityID of the provider, whose key signed it.
    pub provider: String,
    /// The transient name of the login to end.
    pub name_id: String,
    /// The sessions to end; none means every session of that name.
    pub session_indexes: Vec<String>,
}

impl fmt::Debug for LogoutRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogoutRequest({} of {})", self.id, self.provider)
    }
}

/// Our answer to a logout request, on its way to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Answer 302 to this URL.
    Redirect(Url),
    /// Answer 200 with a form that posts `SAMLResponse`, and `RelayState` if there is one.
    Post {
        /// The form's action.
        destination: Url,
        /// The field `SAMLResponse`, base64.
        saml_response: String,
        /// The field `RelayState`, as it came.
        relay_state: Option<String>,
    },
}

/// The provider has ended its session as we asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedOut {
    /// Everywhere.
    Whole,
    /// Other services could not all be told (SAML Core 3.2.2.2, `PartialLogout`).
    Partial,
}

impl ServiceProvider {
    /// Asks the provider to end a session: by redirect when it offers it, else by POST.
    ///
    /// # Errors
    /// [`Fault::NoEndpoint`] when it offers neither, [`Fault::RelayState`], [`Fault::Crypto`].
    pub fn logout_request(
        &self,
        to: &Provider,
        session: &Session,
        relay_state: &str,
        now: Timestamp,
    ) -> Result<(SentLogout, Outgoing), Fault> {
        relay_state_fits(relay_state)?;
        let id = fresh_id()?;
        let outgoing = match (&to.slo_redirect, &to.slo_post) {
            (Some(Slo { request, .. }), _) => {
                let xml = self.logout_element(&id, request, session, now, None).to_xml();
                Outgoing::Redirect(self.redirect(request, Parameter::Request, &xml, Some(relay_state))?)
            }
            (None, Some(Slo { request, .. })) => {
                let signature = self.signature_over(&id)?;
                let xml = self.sign(&self.logout_element(&id, request, session, now, Some(signature)))?;
                let (destination, saml_request) = (request.clone(), form_field(&xml));
                Outgoing::Post { destination, saml_request, relay_state: relay_state.to_owned() }
            }
            (None, None) => return Err(no_logout(to)),
        };
        Ok((SentLogout { id, provider: to.entity_id.clone(), issued: now }, outgoing))
    }

    /// Answers a logout request with success: by redirect when the provider offers it, else by POST.
    /// `relay_state` is what came with the request.
    ///
    /// # Errors
    /// [`Fault::NoEndpoint`] when it offers neither; [`Fault::Crypto`].
    pub fn answer_logout(
        &self,
        to: &Provider,
        request: &LogoutRequest,
        relay_state: Option<&str>,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        relay_state.map_or(Ok(()), relay_state_fits)?;
        let id = fresh_id()?;
        match (&to.slo_redirect, &to.slo_post) {
            (Some(Slo { response, .. }), _) => {
                let xml = self.answer_element(&id, response, request, now, None).to_xml();
                self.redirect(response, Parameter::Response, &xml, relay_state).map(Answer::Redirect)
            }
            (None, Some(Slo { response, .. })) => {
                let signature = self.signature_over(&id)?;
                let xml = self.sign(&self.answer_element(&id, response, request, now, Some(signature)))?;
                let relay_state = relay_state.map(str::to_owned);
                Ok(Answer::Post {
                    destination: response.clone(),
                    saml_response: form_field(&xml),
                    relay_state,
                })
            }
            (None, None) => Err(no_logout(to)),
        }
    }

    /// Checks a logout request of whichever trusted provider signed it.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn read_logout_request(
        &self,
        providers: &Providers,
        arrival: Arrival<'_>,
        now: Timestamp,
    ) -> Result<LogoutRequest, Refusal> {
        let message = Message::read(arrival, Parameter::Request)?;
        let claimed = message.issuer("LogoutRequest")?;
        let from = providers
            .get(&claimed)
            .ok_or_else(|| Refusal::check("logout-issuer", format!("`{claimed}` is no provider we trust")))?;
        let signed = message.verified("LogoutRequest", from)?;
        let document = guard::parse(&signed)?;
        let root = guard::root(&document, (SAMLP, "LogoutRequest"))?;
        self.logout_head(root, from, now)?;
        if plain(root, "NotOnOrAfter").is_some() {
            let end = instant(root, "NotOnOrAfter").map_err(|why| Refusal::check("logout-time", why))?;
            within("logout-time", now.saturating_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN) < end)?;
        }
        logout_request(root, from).map_err(|why| Refusal::check("logout-subject", why))
    }

    /// Checks the answer to our logout request.
    ///
    /// # Errors
    /// The first rule that it breaks; [`Refusal::Status`] when the provider could not end its session.
    pub fn read_logout_response(
        &self,
        from: &Provider,
        sent: &SentLogout,
        arrival: Arrival<'_>,
        now: Timestamp,
    ) -> Result<LoggedOut, Refusal> {
        let message = Message::read(arrival, Parameter::Response)?;
        let signed = message.verified("LogoutResponse", from)?;
        let document = guard::parse(&signed)?;
        let root = guard::root(&document, (SAMLP, "LogoutResponse"))?;
        self.logout_head(root, from, now)?;
        let ours = is(root, "InResponseTo", &sent.id);
        ours.map_err(|why| Refusal::check("logout-in-response-to", why))?;
        if sent.provider != from.entity_id {
            return Err(Refusal::check("logout-issuer", "not the provider that was asked"));
        }
        let status = only(root, (SAMLP, "Status")).and_then(|s| only(s, (SAMLP, "StatusCode")));
        let status = status.map_err(|why| Refusal::check("status", why))?;
        // It is a second-level code, of whichever first one (SAML Core 3.7.3.2).
        if status.children().any(|code| is(code, "Value", PARTIAL_LOGOUT).is_ok()) {
            return Ok(LoggedOut::Partial);
        }
        is(status, "Value", SUCCESS)
            .map(|()| LoggedOut::Whole)
            .map_err(|_| Refusal::Status { error: SpidError::Other(None), signed: true })
    }

    /// What both messages must have.
    fn logout_head(&self, root: Node<'_, '_>, from: &Provider, now: Timestamp) -> Result<(), Refusal> {
        let named = |name| move |why: String| Refusal::check(name, why);
        is(root, "Version", "2.0").map_err(named("logout-version"))?;
        attribute(root, "ID").map_err(named("logout-id"))?;
        is(root, "Destination", &self.slo_url).map_err(named("logout-destination"))?;
        let issuer = text_of(root, (SAML, "Issuer")).map_err(named("logout-issuer"))?;
        within("logout-issuer", issuer == from.entity_id)?;
        let issued = instant(root, "IssueInstant").map_err(named("logout-time"))?;
        within("logout-time", now.duration_since(issued).abs() <= LOGOUT_AGE)
    }

    fn logout_element(
        &self,
        id: &str,
        to: &Url,
        session: &Session,
        now: Timestamp,
        signature: Option<Element>,
    ) -> Element {
        let name_id = element("saml:NameID")
            .with("Format", TRANSIENT)
            .with("NameQualifier", &session.name_qualifier)
            .text(&session.name_id);
        let index = session.session_index.iter().map(|index| element("samlp:SessionIndex").text(index));
        self.head("samlp:LogoutRequest", id, to, now)
            .child(self.issuer())
            .children(signature)
            .child(name_id)
            .children(index)
    }

    fn answer_element(
        &self,
        id: &str,
        to: &Url,
        request: &LogoutRequest,
        now: Timestamp,
        signature: Option<Element>,
    ) -> Element {
        let status = element("samlp:Status").child(element("samlp:StatusCode").with("Value", SUCCESS));
        self.head("samlp:LogoutResponse", id, to, now)
            .with("InResponseTo", &request.id)
            .child(self.issuer())
            .children(signature)
            .child(status)
    }

    fn head(&self, name: &'static str, id: &str, to: &Url, now: Timestamp) -> Element {
        element(name)
            .with("xmlns:samlp", SAMLP)
            .with("xmlns:saml", SAML)
            .with("ID", id)
            .with("Version", "2.0")
            .with("IssueInstant", written(now))
            .with("Destination", to.as_str())
    }
}

/// How old a logout message may be. It is no credential, so this only bounds what a replay could annoy with.
const LOGOUT_AGE: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";

fn no_logout(to: &Provider) -> Fault {
    Fault::NoEndpoint { provider: to.entity_id.clone(), what: "single logout" }
}

fn within(check: &'static str, holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(Refusal::check(check, "not what it must be")) }
}

fn logout_request(root: Node<'_, '_>, from: &Provider) -> Result<LogoutRequest, String> {
    let name_id = only(root, (SAML, "NameID"))?;
    let indexes = root.children().filter(|n| n.has_tag_name((SAMLP, "SessionIndex")));
    Ok(LogoutRequest {
        id: attribute(root, "ID")?.to_owned(),
        provider: from.entity_id.clone(),
        name_id: text(name_id)?,
        session_indexes: indexes.map(text).collect::<Result<_, _>>()?,
    })
}

/// A logout message whose signature is still to be verified.
struct Message<'a> {
    text: String,
    query: Option<SignedQuery<'a>>,
}

impl<'a> Message<'a> {
    fn read(arrival: Arrival<'a>, parameter: Parameter) -> Result<Self, Refusal> {
        match arrival {
            Arrival::Post { message } => Ok(Self { text: guard::decode(message)?, query: None }),
            Arrival::Redirect { query } => {
                let query = SignedQuery::read(query, parameter)?;
                Ok(Self { text: query.message()?, query: Some(query) })
            }
        }
    }

    /// Whom the message says it is from; good for choosing the key, no more.
    fn issuer(&self, root: &'static str) -> Result<String, Refusal> {
        let document = guard::parse(&self.text)?;
        let root = guard::root(&document, (SAMLP, root))?;
        text_of(root, (SAML, "Issuer")).map_err(|why| Refusal::check("logout-issuer", why))
    }

    /// The part of the message that the provider signed.
    fn verified(&self, root: &'static str, from: &Provider) -> Result<String, Refusal> {
        let document: Document<'_> = guard::parse(&self.text)?;
        let root = guard::root(&document, (SAMLP, root))?;
        if let Some(query) = &self.query {
            query.verify(from)?;
            return Ok(self.text.clone());
        }
        match signature::forms(&document, [root])? {
            [true] => signature::signed_part(&self.text, from),
            [false] => Err(Refusal::check("logout-signed", "the message is not signed")),
        }
    }
}
