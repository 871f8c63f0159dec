//! An identity provider that signs whatever a test wants, and us facing it.

use super::super::{
    Body, Comparison, Identity, Keys, Level, Profile, Provider, Refusal, Scheme, SentRequest,
    ServiceProvider, Wanted, keys,
};
use super::stage::{ASSERTION_MARK, RESPONSE_MARK, Stage};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use openssl::{
    pkey::{PKey, Private},
    x509::X509,
};
use samael::crypto::{Crypto, CryptoProvider};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

pub const US: &str = "https://accesso.comune.example.it";
pub const ACS: &str = "https://accesso.comune.example.it/spid/acs";
pub const SLO: &str = "https://accesso.comune.example.it/spid/slo";
pub const IDP: &str = "https://idp.example.it";
pub const CODE: &str = "RSSMRA80A01H501U";
pub const OTHER_CODE: &str = "VRDGPP13R10B293P";

pub fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

pub fn at(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

pub fn body() -> Body {
    Body {
        name: "Comune di Forlì & Co".into(),
        display_name: "Comune di Forlì".into(),
        url: "https://www.comune.example.it".into(),
        ipa_code: "c_x000".into(),
        email: "spid@comune.example.it".into(),
        telephone: "+390110000000".into(),
        locality: "Torino".into(),
        municipality: Some("L219".into()),
    }
}

/// A folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Self {
        let name = super::super::sign::fresh_id().unwrap();
        let path = std::env::temp_dir().join(format!("varco-spid{name}"));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, content).unwrap();
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Somebody with a key: the provider, another one, an attacker.
pub struct Signer {
    pub key: PKey<Private>,
    pub certificate: X509,
}

impl Signer {
    fn new() -> Self {
        let folder = Folder::new();
        let keys = Keys::make(&folder.0, &body(), IDP, now()).unwrap();
        Self { key: keys.private().clone(), certificate: keys.certificate().clone() }
    }

    pub fn certificate_base64(&self) -> String {
        STANDARD.encode(self.certificate.to_der().unwrap())
    }

    /// Fills the first empty signature of a document.
    pub fn fill(&self, xml: &str) -> String {
        without_declaration(&Crypto::sign_xml(xml, &self.key.private_key_to_der().unwrap()).unwrap())
    }

    /// The same, by the `xmlsec1` program: what the library agrees with itself about may still be wrong.
    pub fn fill_with_program(&self, xml: &str, node: &str) -> String {
        let folder = Folder::new();
        let key = folder.write("key.pem", self.key.private_key_to_pem_pkcs8().unwrap());
        let input = folder.write("in.xml", xml);
        let output = folder.0.join("out.xml");
        let signature = format!("//*[local-name()='{node}']/*[local-name()='Signature']");
        let done = Command::new("xmlsec1")
            .args([
                "--sign",
                "--id-attr:ID",
                "Assertion",
                "--id-attr:ID",
                "Response",
                "--node-xpath",
                &signature,
            ])
            .arg("--privkey-pem")
            .arg(&key)
            .arg("--output")
            .arg(&output)
            .arg(&input)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        without_declaration(&std::fs::read_to_string(output).unwrap())
    }
}

fn without_declaration(xml: &str) -> String {
    xml.split_once("?>").map_or(xml, |(_, rest)| rest).trim().to_owned()
}

fn once(cell: &'static OnceLock<Signer>) -> &'static Signer {
    cell.get_or_init(Signer::new)
}

/// The provider's own key.
pub fn idp() -> &'static Signer {
    static IDP_KEY: OnceLock<Signer> = OnceLock::new();
    once(&IDP_KEY)
}

/// A key that nobody trusts.
pub fn stranger() -> &'static Signer {
    static STRANGER: OnceLock<Signer> = OnceLock::new();
    once(&STRANGER)
}

/// Who signs the list of providers.
pub fn our_registry() -> &'static Signer {
    static REGISTRY: OnceLock<Signer> = OnceLock::new();
    once(&REGISTRY)
}

pub fn our_keys() -> &'static Keys {
    static OURS: OnceLock<Keys> = OnceLock::new();
    OURS.get_or_init(|| {
        let folder = Folder::new();
        Keys::make(&folder.0, &body(), US, now()).unwrap();
        keys::Keys::load(&folder.0).unwrap()
    })
}

pub fn us(level: Level) -> ServiceProvider {
    ServiceProvider::new(Scheme::Spid, &profile(level), ACS, SLO, body(), our_keys()).unwrap()
}

pub fn profile(level: Level) -> Profile {
    Profile {
        entity_id: US.into(),
        level,
        comparison: Comparison::Minimum,
        identity: Wanted::FiscalNumber,
        age_limit: None,
        parent_below: None,
        technical: None,
        eidas: false,
    }
}

pub fn metadata_of(entity_id: &str, signer: &Signer) -> String {
    let endpoint = |service: &str, binding: &str| {
        let binding_uri = format!("urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{binding}");
        format!(r#"<md:{service} Binding="{binding_uri}" Location="{entity_id}/{service}/{binding}"/>"#)
    };
    let services = ["SingleLogoutService", "SingleSignOnService"]
        .iter()
        .flat_map(|service| ["POST", "Redirect"].map(|binding| endpoint(service, binding)))
        .collect::<String>();
    let certificate = signer.certificate_base64();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity_id}">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
{certificate}
</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{services}</md:IDPSSODescriptor>
<md:Organization><md:OrganizationName xml:lang="it">Prova S.p.A.</md:OrganizationName>
<md:OrganizationDisplayName xml:lang="it"> Prova </md:OrganizationDisplayName></md:Organization></md:EntityDescriptor>"#
    )
}

pub fn provider() -> Provider {
    provider_named(IDP, idp())
}

pub fn provider_named(entity_id: &str, signer: &Signer) -> Provider {
    let metadata = metadata_of(entity_id, signer);
    let document = roxmltree::Document::parse(&metadata).unwrap();
    Provider::read(Scheme::Spid, document.root_element()).unwrap().unwrap()
}

pub fn sent() -> SentRequest {
    SentRequest {
        id: "_request".into(),
        provider: IDP.into(),
        issued: at(-90),
        level: Level::L1,
        comparison: Comparison::Minimum,
        wanted: Wanted::FiscalNumber,
        xml: "<samlp:AuthnRequest/>".into(),
    }
}

/// An unsigned answer, as a good provider writes it.
pub fn answer() -> String {
    Stage::fixed().answer()
}

/// The assertion of [`answer`].
pub fn assertion(id: &str, code: &str) -> String {
    Stage::fixed().assertion(id, code)
}

/// How a signature is asked for.
#[derive(Clone, Copy)]
pub struct Form {
    pub canonicalisation: &'static str,
    pub method: &'static str,
    pub digest: &'static str,
    pub transforms: &'static [&'static str],
    pub extra: &'static str,
}

const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

pub const GOOD: Form = Form {
    canonicalisation: EXC,
    method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    digest: "http://www.w3.org/2001/04/xmlenc#sha256",
    transforms: &[ENVELOPED, EXC],
    extra: "",
};

impl Form {
    /// The empty signature over `uri`.
    pub fn over(self, uri: &str) -> String {
        let Self { canonicalisation, method, digest, transforms, extra } = self;
        let transforms: String =
            transforms.iter().map(|t| format!(r#"<ds:Transform Algorithm="{t}"/>"#)).collect();
        format!(
            r#"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{canonicalisation}"/><ds:SignatureMethod Algorithm="{method}"/><ds:Reference URI="{uri}"><ds:Transforms>{transforms}</ds:Transforms><ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>{extra}</ds:Signature>"#
        )
    }
}

/// Signs what a test wants signed: the assertion, then the response around it.
pub fn signed_by(signer: &Signer, xml: &str, form: Form, assertion: bool, response: bool) -> String {
    let mut xml = xml.to_owned();
    if assertion {
        xml = signer.fill(&xml.replace(ASSERTION_MARK, &form.over("#_assertion")));
    }
    if response {
        xml = signer.fill(&xml.replace(RESPONSE_MARK, &form.over("#_response")));
    }
    xml.replace(ASSERTION_MARK, "").replace(RESPONSE_MARK, "")
}

/// The usual: the provider signs the assertion.
pub fn signed(xml: &str) -> String {
    signed_by(idp(), xml, GOOD, true, false)
}

/// What we make of a response.
pub fn received(xml: &str) -> Result<Identity, Refusal> {
    received_for(&sent(), xml, now())
}

pub fn received_for(sent: &SentRequest, xml: &str, now: Timestamp) -> Result<Identity, Refusal> {
    us(Level::L1).check_response(&provider(), sent, &STANDARD.encode(xml), now)
}

/// The name of the refusal; a test fails when there is none.
pub fn refusal(xml: &str) -> &'static str {
    match received(xml) {
        Ok(identity) => panic!("accepted as {}", identity.person.key()),
        Err(refusal) => refusal.name(),
    }
}

/// Changes a text exactly where it is found; a test fails when it is not.
pub fn change(xml: &str, from: &str, to: &str) -> String {
    assert!(xml.contains(from), "`{from}` is not in the message");
    xml.replace(from, to)
}

/// Verifies with the `xmlsec1` program.
pub fn verified_by_program(xml: &str, certificate: &X509, node: &str) -> bool {
    let folder = Folder::new();
    let pem = folder.write("certificate.pem", certificate.public_key().unwrap().public_key_to_pem().unwrap());
    let file = folder.write("in.xml", xml);
    run_verify(&pem, &file, node)
}

fn run_verify(pem: &Path, file: &Path, node: &str) -> bool {
    let mut command = Command::new("xmlsec1");
    command.args(["--verify", "--enabled-key-data", "rsa", "--pubkey-pem"]).arg(pem);
    command.args(["--id-attr:ID", node]).arg(file);
    command.output().unwrap().status.success()
}
