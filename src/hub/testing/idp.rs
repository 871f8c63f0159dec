//! An identity provider that answers what a test wants, signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::DeflateDecoder;
use jiff::{SignedDuration, Timestamp};
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::{X509, X509Name},
};
use samael::crypto::{Crypto, CryptoProvider};
use std::{collections::BTreeMap, io::Read, path::Path};
use url::Url;

/// The fiscal code of Mario, a citizen who does not exist.
pub const MARIO: &str = "RSSMRA80A01H501U";

pub struct Idp {
    pub entity_id: String,
    key: PKey<Private>,
    certificate: X509,
    redirect: bool,
}

/// What the provider says.
pub enum Says {
    Citizen(&'static str),
    Error(&'static str),
}

/// A request as the provider read it.
#[derive(Debug, Clone)]
pub struct Request {
    pub id: String,
    pub audience: String,
    pub acs: String,
    pub relay_state: String,
    /// The level asked; the provider answers with it.
    pub level: String,
}

impl Idp {
    pub fn new(entity_id: &str, redirect: bool) -> Self {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let mut name = X509Name::builder().unwrap();
        name.append_entry_by_text("CN", "idp").unwrap();
        let name = name.build();
        let mut certificate = X509::builder().unwrap();
        certificate.set_version(2).unwrap();
        certificate.set_subject_name(&name).unwrap();
        certificate.set_issuer_name(&name).unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        Self { entity_id: entity_id.into(), key, certificate: certificate.build(), redirect }
    }

    /// Writes the provider's metadata where the hub looks for it.
    pub fn register(&self, file: &Path) {
        std::fs::write(file, self.metadata()).unwrap();
    }

    /// The provider's metadata.
    pub fn metadata(&self) -> String {
        let binding = if self.redirect { "Redirect" } else { "POST" };
        let endpoint = |service: &str| {
            format!(
                r#"<md:{service} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{binding}" Location="{}/{service}"/>"#,
                self.entity_id
            )
        };
        format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{}"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{}{}</md:IDPSSODescriptor><md:Organization><md:OrganizationName xml:lang="it">Prova</md:OrganizationName><md:OrganizationDisplayName xml:lang="it">Gestore di prova</md:OrganizationDisplayName></md:Organization></md:EntityDescriptor>"#,
            self.entity_id,
            STANDARD.encode(self.certificate.to_der().unwrap()),
            endpoint("SingleLogoutService"),
            endpoint("SingleSignOnService"),
        )
    }

    /// Reads the request in a redirect.
    pub fn read(&self, location: &str) -> Request {
        let url = Url::parse(location).unwrap();
        assert!(location.starts_with(&self.entity_id), "{location}");
        let query: BTreeMap<String, String> = url.query_pairs().into_owned().collect();
        let deflated = STANDARD.decode(&query["SAMLRequest"]).unwrap();
        let mut xml = String::new();
        DeflateDecoder::new(deflated.as_slice()).read_to_string(&mut xml).unwrap();
        request(&xml, &query["RelayState"])
    }

    /// The form field `SAMLResponse`.
    pub fn answer(&self, request: &Request, says: &Says, now: Timestamp) -> String {
        let xml = match says {
            Says::Citizen(code) => self.response(request, SUCCESS, &self.assertion(request, code, now), now),
            Says::Error(code) => {
                let status = ERROR.replace("{code}", code);
                self.response(request, &status, "", now)
            }
        };
        let signed = Crypto::sign_xml(&xml, &self.key.private_key_to_der().unwrap()).unwrap();
        STANDARD.encode(signed)
    }

    /// A signed LogoutRequest, as a form field.
    pub fn logout(&self, slo: &str, now: Timestamp) -> String {
        let (signature, issuer) = (signature("_logout"), self.issuer());
        let xml = format!(
            r#"<samlp:LogoutRequest xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_logout" Version="2.0" IssueInstant="{}" Destination="{slo}">{issuer}{signature}<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" NameQualifier="{}">_t</saml:NameID><samlp:SessionIndex>_s</samlp:SessionIndex></samlp:LogoutRequest>"#,
            written(now),
            self.entity_id
        );
        STANDARD.encode(Crypto::sign_xml(&xml, &self.key.private_key_to_der().unwrap()).unwrap())
    }

    fn response(&self, request: &Request, status: &str, assertion: &str, now: Timestamp) -> String {
        let signature = if assertion.is_empty() { signature("_response") } else { String::new() };
        format!(
            r#"<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_response" Version="2.0" IssueInstant="{}" InResponseTo="{}" Destination="{}">{}{signature}{status}{assertion}</samlp:Response>"#,
            written(now),
            request.id,
            request.acs,
            self.issuer()
        )
    }

    fn assertion(&self, request: &Request, code: &str, now: Timestamp) -> String {
        let Request { id, audience, acs, level, .. } = request;
        let (issuer, signature, entity) = (self.issuer(), signature("_assertion"), &self.entity_id);
        let (now, end) = (written(now), written(now + SignedDuration::from_mins(4)));
        format!(
            r#"<saml:Assertion xmlns:saml="{SAML}" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion" Version="2.0" IssueInstant="{now}">{issuer}{signature}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" NameQualifier="{entity}">_t</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{id}" NotOnOrAfter="{end}" Recipient="{acs}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{now}" NotOnOrAfter="{end}"><saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_s"><saml:AuthnContext><saml:AuthnContextClassRef>{level}</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="fiscalNumber"><saml:AttributeValue xsi:type="xs:string">TINIT-{code}</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion>"#
        )
    }

    fn issuer(&self) -> String {
        format!(
            r#"<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{}</saml:Issuer>"#,
            self.entity_id
        )
    }
}

const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const SUCCESS: &str =
    r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>"#;
const ERROR: &str = r#"<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Responder"><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"/></samlp:StatusCode><samlp:StatusMessage>ErrorCode {code}</samlp:StatusMessage></samlp:Status>"#;

/// Reads an AuthnRequest; the address for the answer is the one that our metadata says.
pub fn request(xml: &str, relay_state: &str) -> Request {
    let document = roxmltree::Document::parse(xml).unwrap();
    let issuer = document.root_element().first_element_child().unwrap().text().unwrap().trim().to_owned();
    let level = document.descendants().find(|n| n.has_tag_name((SAML, "AuthnContextClassRef")));
    Request {
        level: level.and_then(|n| n.text()).unwrap_or_default().trim().to_owned(),
        id: document.root_element().attribute("ID").unwrap().to_owned(),
        audience: issuer,
        acs: String::new(),
        relay_state: relay_state.to_owned(),
    }
}

fn written(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn signature(id: &str) -> String {
    const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    format!(
        r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="{EXC}"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"##
    )
}
