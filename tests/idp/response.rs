//! Building a SAML response: a draft as plain values, bent by the behaviour, written as XML, signed, and, for
//! some behaviours, spoilt after signing.

use super::{
    behaviour::Behaviour,
    citizen::Citizen,
    scheme::Scheme,
    sign::{Digest, Signer, template},
    wrap,
    xml::{ENTITY, SAML, SAMLP, TRANSIENT, escape},
};
use anyhow::Result;
use jiff::{SignedDuration, Timestamp};
use std::fmt::Write as _;
use uuid::Uuid;

/// What a response is to say.
#[derive(Debug, Clone)]
pub struct Order {
    /// Whose rules it follows.
    pub scheme: Scheme,
    /// The identity provider's entityID.
    pub idp: String,
    /// The service provider's entityID: the audience.
    pub sp: String,
    /// Where the response is posted.
    pub acs: String,
    /// `ID` of the AuthnRequest.
    pub request: String,
    /// The SPID level asked, 1 to 3.
    pub level: u8,
    /// Names of the attributes asked; those the provider does not hold are left out.
    pub attributes: Vec<String>,
    /// Who logs in.
    pub citizen: &'static Citizen,
    /// How the provider answers.
    pub behaviour: Behaviour,
    /// The time written into the response.
    pub now: Timestamp,
}

/// The response to an order, as XML.
///
/// # Errors
/// When `xmlsec1` is missing or refuses.
pub fn respond(order: &Order, signer: &Signer) -> Result<String> {
    let draft = Draft::of(order);
    let claims = draft.claims.iter().map(|c| draft.sign_claim(c, signer));
    let claims = claims.collect::<Result<String>>()?;
    let xml = draft.write(&claims);
    let signed = if draft.sign_response { draft.sign(&xml, signer)? } else { xml };
    spoil(&signed, order)
}

/// The whole response before it is written.
struct Draft {
    id: String,
    issued: Timestamp,
    in_response_to: Option<String>,
    destination: String,
    issuer: String,
    /// `None`: no status at all; `Some(None)`: success; `Some(Some(n))`: SPID error code n.
    status: Option<Option<u8>>,
    claims: Vec<Claim>,
    sign_response: bool,
    sign_claims: bool,
    digest: Digest,
    stranger: bool,
}

/// An assertion before it is written.
#[derive(Clone)]
struct Claim {
    scheme: Scheme,
    id: String,
    issued: Timestamp,
    issuer: String,
    name_id: Option<String>,
    recipient: String,
    in_response_to: Option<String>,
    from: Timestamp,
    until: Timestamp,
    audience: Option<String>,
    context: Option<String>,
    attributes: Vec<(String, String)>,
}

fn new_id() -> String {
    format!("_{}", Uuid::new_v4())
}

/// An instant as SAML writes it.
pub fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const FIVE_MINUTES: SignedDuration = SignedDuration::from_mins(5);

impl Claim {
    fn of(order: &Order, citizen: &Citizen) -> Self {
        Self {
            scheme: order.scheme,
            id: new_id(),
            issued: order.now,
            issuer: order.idp.clone(),
            name_id: Some(new_id()),
            recipient: order.acs.clone(),
            in_response_to: Some(order.request.clone()),
            from: order.now,
            until: later(order.now, FIVE_MINUTES),
            audience: Some(order.sp.clone()),
            context: Some(context(order.scheme.level(order.level))),
            attributes: order.scheme.released(&order.attributes, citizen),
        }
    }

    fn shift(&mut self, by: SignedDuration) {
        self.issued = later(self.issued, by);
        self.from = later(self.from, by);
        self.until = later(self.until, by);
    }

    /// Every behaviour that is a wrong value inside the assertion.
    fn bend(&mut self, behaviour: Behaviour, level: u8) {
        match behaviour {
            Behaviour::WrongAudience => self.audience = Some("https://another.example.org".into()),
            Behaviour::NoAudience => self.audience = None,
            Behaviour::Expired => {
                self.from = later(self.from, -HOUR);
                self.until = later(self.from, FIVE_MINUTES);
            }
            Behaviour::NotYetValid => self.shift(HOUR),
            Behaviour::StaleIssue => self.shift(-HOUR),
            Behaviour::WrongInResponseTo => self.in_response_to = Some(new_id()),
            Behaviour::Unsolicited => self.in_response_to = None,
            Behaviour::WrongRecipient => self.recipient = "https://another.example.org/acs".into(),
            Behaviour::WrongIssuer => self.issuer = "https://another-idp.example.org".into(),
            Behaviour::NoNameId => self.name_id = None,
            Behaviour::EmptyNameId => self.name_id = Some(String::new()),
            Behaviour::LowerLevel => self.context = Some(context(level.saturating_sub(1))),
            Behaviour::HigherLevel => self.context = Some(context(3)),
            Behaviour::UnknownLevel => self.context = Some("urn:example:very-secure".into()),
            Behaviour::NoAuthnStatement => self.context = None,
            Behaviour::NoFiscalNumber => self.attributes.retain(|(name, _)| name != self.scheme.identifier()),
            _ => {}
        }
    }
}

fn context(level: u8) -> String {
    format!("https://www.spid.gov.it/SpidL{level}")
}

impl Draft {
    fn of(order: &Order) -> Self {
        let failed = order.behaviour.error_code();
        let speaks = failed.is_none() || order.behaviour == Behaviour::AssertionOnError;
        let claim = speaks.then(|| Claim::of(order, order.citizen));
        let mut draft = Self {
            id: new_id(),
            issued: order.now,
            in_response_to: Some(order.request.clone()),
            destination: order.acs.clone(),
            issuer: order.idp.clone(),
            status: Some(failed),
            claims: claim.into_iter().collect(),
            sign_response: true,
            sign_claims: true,
            digest: Digest::Sha256,
            stranger: false,
        };
        draft.bend(order);
        draft.bend_signing(order.behaviour);
        draft
    }

    fn bend(&mut self, order: &Order) {
        for claim in &mut self.claims {
            claim.bend(order.behaviour, order.level);
        }
        match order.behaviour {
            Behaviour::StaleIssue => self.issued = later(self.issued, -HOUR),
            Behaviour::WrongInResponseTo => {
                self.in_response_to = self.claims.first().and_then(|c| c.in_response_to.clone());
            }
            Behaviour::Unsolicited => self.in_response_to = None,
            Behaviour::WrongDestination => self.destination = "https://another.example.org/acs".into(),
            Behaviour::WrongIssuer => self.issuer = "https://another-idp.example.org".into(),
            Behaviour::NoStatus => self.status = None,
            Behaviour::TwoAssertions => self.claims.insert(0, Claim::of(order, Citizen::victim())),
            _ => {}
        }
    }

    fn bend_signing(&mut self, behaviour: Behaviour) {
        use Behaviour as B;
        match behaviour {
            B::Unsigned => (self.sign_response, self.sign_claims) = (false, false),
            B::ResponseSigned | B::Wrapped1 | B::Wrapped2 => self.sign_claims = false,
            B::AssertionSigned
            | B::Wrapped3
            | B::Wrapped4
            | B::Wrapped5
            | B::Wrapped6
            | B::Wrapped7
            | B::Wrapped8 => {
                self.sign_response = false;
            }
            B::OtherKey => self.stranger = true,
            B::Sha1 => self.digest = Digest::Sha1,
            _ => {}
        }
    }

    fn sign(&self, xml: &str, signer: &Signer) -> Result<String> {
        if self.stranger { signer.sign_as_stranger(xml) } else { signer.sign(xml) }
    }

    fn sign_claim(&self, claim: &Claim, signer: &Signer) -> Result<String> {
        if self.sign_claims {
            self.sign(&claim.write(&template(&claim.id, self.digest)), signer)
        } else {
            Ok(claim.write(""))
        }
    }

    fn write(&self, claims: &str) -> String {
        let signature = if self.sign_response { template(&self.id, self.digest) } else { String::new() };
        let in_response_to = attribute("InResponseTo", self.in_response_to.as_deref());
        format!(
            r#"<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{}" Version="2.0" IssueInstant="{}"{in_response_to} Destination="{}"><saml:Issuer Format="{ENTITY}">{}</saml:Issuer>{signature}{}{claims}</samlp:Response>"#,
            self.id,
            instant(self.issued),
            escape(&self.destination),
            escape(&self.issuer),
            self.status.map(status).unwrap_or_default(),
        )
    }
}

fn attribute(name: &str, value: Option<&str>) -> String {
    value.map(|v| format!(r#" {name}="{}""#, escape(v))).unwrap_or_default()
}

/// The status element (SPID technical rules, error messages).
fn status(code: Option<u8>) -> String {
    let value = "urn:oasis:names:tc:SAML:2.0:status:";
    match code {
        None => format!(r#"<samlp:Status><samlp:StatusCode Value="{value}Success"/></samlp:Status>"#),
        Some(n) => format!(
            r#"<samlp:Status><samlp:StatusCode Value="{value}Responder"><samlp:StatusCode Value="{value}AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>ErrorCode nr{n:02}</samlp:StatusMessage></samlp:Status>"#
        ),
    }
}

impl Claim {
    fn write(&self, signature: &str) -> String {
        // CIE leaves the format of an assertion's issuer out.
        let format = (self.scheme != Scheme::Cie).then_some(ENTITY);
        format!(
            r#"<saml:Assertion xmlns:saml="{SAML}" ID="{}" Version="2.0" IssueInstant="{}"><saml:Issuer{}>{}</saml:Issuer>{signature}{}{}{}{}</saml:Assertion>"#,
            self.id,
            instant(self.issued),
            attribute("Format", format),
            escape(&self.issuer),
            self.subject(),
            self.conditions(),
            self.statement(),
            self.attribute_statement(),
        )
    }

    fn subject(&self) -> String {
        let name_id = self.name_id.as_ref().map(|id| {
            let issuer = escape(&self.issuer);
            format!(r#"<saml:NameID Format="{TRANSIENT}" NameQualifier="{issuer}">{id}</saml:NameID>"#)
        });
        format!(
            r#"<saml:Subject>{}<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData Recipient="{}" NotOnOrAfter="{}"{}/></saml:SubjectConfirmation></saml:Subject>"#,
            name_id.unwrap_or_default(),
            escape(&self.recipient),
            instant(self.until),
            attribute("InResponseTo", self.in_response_to.as_deref()),
        )
    }

    fn conditions(&self) -> String {
        let audience = self.audience.as_ref().map(|a| {
            let a = escape(a);
            format!("<saml:AudienceRestriction><saml:Audience>{a}</saml:Audience></saml:AudienceRestriction>")
        });
        format!(
            r#"<saml:Conditions NotBefore="{}" NotOnOrAfter="{}">{}</saml:Conditions>"#,
            instant(self.from),
            instant(self.until),
            audience.unwrap_or_default()
        )
    }

    fn statement(&self) -> String {
        let Some(context) = &self.context else { return String::new() };
        format!(
            r#"<saml:AuthnStatement AuthnInstant="{}" SessionIndex="{}"><saml:AuthnContext><saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>"#,
            instant(self.issued),
            new_id(),
        )
    }

    fn attribute_statement(&self) -> String {
        let mut out = String::from("<saml:AttributeStatement>");
        for (name, value) in &self.attributes {
            let _ = write!(
                out,
                r#"<saml:Attribute Name="{}" NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:basic"><saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">{}</saml:AttributeValue></saml:Attribute>"#,
                escape(name),
                escape(value)
            );
        }
        out + "</saml:AttributeStatement>"
    }
}

/// What is done to the document after it was signed.
fn spoil(xml: &str, order: &Order) -> Result<String> {
    let identifier = |citizen| order.scheme.attribute(citizen, order.scheme.identifier()).unwrap_or_default();
    let own = identifier(order.citizen);
    match order.behaviour {
        Behaviour::Tampered => Ok(xml.replace(&own, &identifier(Citizen::victim()))),
        Behaviour::Comment => {
            let (head, tail) = own.split_at(own.len() / 2);
            Ok(xml.replace(&own, &format!("{head}<!-- -->{tail}")))
        }
        Behaviour::Doctype => Ok(format!("<!DOCTYPE samlp:Response [<!ENTITY x \"y\">]>\n{xml}")),
        other => wrap::wrap(xml, other, order.scheme, order.citizen),
    }
}
