//! One login as its provider sees it, at a fixed hour or now: a case is tried on the rules and on the endpoint alike.

use super::fixture::*;
use jiff::{SignedDuration, Timestamp};

/// Where the signature templates go.
pub const RESPONSE_MARK: &str = "<!--response-->";
pub const ASSERTION_MARK: &str = "<!--assertion-->";

/// The instants of a good answer, in seconds from now; no two are the same.
pub const RESPONSE_ISSUED: i64 = -30;
pub const ASSERTION_ISSUED: i64 = -29;
pub const AUTHENTICATED: i64 = -31;
pub const NOT_BEFORE: i64 = -32;
pub const CONFIRMED_UNTIL: i64 = 240;
pub const VALID_UNTIL: i64 = 300;

/// A request that waits for its answer.
#[derive(Clone)]
pub struct Stage {
    pub request: String,
    pub acs: String,
    pub now: Timestamp,
}

impl Stage {
    /// That of the tests without an endpoint.
    pub fn fixed() -> Self {
        Self { request: "_request".into(), acs: ACS.into(), now: now() }
    }

    /// An instant, as SAML writes it.
    pub fn t(&self, seconds: i64) -> String {
        (self.now + SignedDuration::from_secs(seconds)).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// An unsigned answer, as a good provider writes it.
    pub fn answer(&self) -> String {
        let Self { request, acs, .. } = self;
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="{}" InResponseTo="{request}" Destination="{acs}"><saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{IDP}</saml:Issuer>{RESPONSE_MARK}<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>{}</samlp:Response>"#,
            self.t(RESPONSE_ISSUED),
            self.assertion("_assertion", CODE)
        )
    }

    /// The assertion of [`Self::answer`].
    pub fn assertion(&self, id: &str, code: &str) -> String {
        let Self { request, acs, .. } = self;
        let [issued, authenticated, begins, confirmed, ends] =
            [ASSERTION_ISSUED, AUTHENTICATED, NOT_BEFORE, CONFIRMED_UNTIL, VALID_UNTIL].map(|at| self.t(at));
        format!(
            r#"<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="{id}" Version="2.0" IssueInstant="{issued}"><saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">
 {IDP} </saml:Issuer>{ASSERTION_MARK}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" NameQualifier="{IDP}">
   _transient </saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{request}" NotOnOrAfter="{confirmed}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}"><saml:AudienceRestriction><saml:Audience>{US}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{authenticated}" SessionIndex="_session"><saml:AuthnContext><saml:AuthnContextClassRef>https://www.spid.gov.it/SpidL1</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="fiscalNumber"><saml:AttributeValue xsi:type="xs:string">
 TINIT-{code} </saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
        )
    }

    /// The usual: the provider signs the assertion.
    pub fn signed(&self) -> String {
        signed(&self.answer())
    }

    /// A signature of another form.
    pub fn signed_as(&self, form: Form) -> String {
        signed_by(idp(), &self.answer(), form, true, false)
    }

    /// The assertion's signature as this template has it.
    pub fn signed_with(&self, signer: &Signer, template: &str) -> String {
        signer.fill(&self.answer().replace(ASSERTION_MARK, template)).replace(RESPONSE_MARK, "")
    }

    /// The provider signs an answer with something wrong in it.
    pub fn with(&self, from: &str, to: &str) -> String {
        signed(&change(&self.answer(), from, to))
    }

    /// The same, in the first place only.
    pub fn with_first(&self, from: &str, to: &str) -> String {
        assert!(self.answer().contains(from), "{from}");
        signed(&self.answer().replacen(from, to, 1))
    }

    /// The same, of an instant.
    pub fn at(&self, instant: i64, other: i64) -> String {
        self.with(&self.t(instant), &self.t(other))
    }

    /// Somebody changes an answer that the provider signed.
    pub fn tampered(&self, from: &str, to: &str) -> String {
        change(&self.signed(), from, to)
    }

    /// The same provider's genuine answer to another request, for another person.
    pub fn another(&self) -> String {
        let other = Self { request: "_earlier".into(), ..self.clone() };
        let theirs = other.assertion("_genuine", OTHER_CODE);
        let answer = other.answer().replace(&other.assertion("_assertion", CODE), &theirs);
        let answer = answer.replace(r#"ID="_response""#, r#"ID="_earlier-response""#);
        let one = idp().fill(&answer.replace(ASSERTION_MARK, &GOOD.over("#_genuine")));
        idp().fill(&one.replace(RESPONSE_MARK, &GOOD.over("#_earlier-response")))
    }
}

/// Takes what lies from `start` to the end of `end` out of a text.
pub fn cut(xml: &str, start: &str, end: &str) -> (String, String) {
    let from = xml.find(start).unwrap();
    let to = xml[from..].find(end).unwrap() + from + end.len();
    (xml[from..to].to_owned(), format!("{}{}", &xml[..from], &xml[to..]))
}
