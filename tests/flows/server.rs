//! The test identity provider as a browser and a service provider meet it, on loopback.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};
use varco_tests::{
    ca,
    idp::{Scheme, Signer, sign},
};

struct Provider {
    child: Child,
    folder: PathBuf,
    url: String,
    signer: Signer,
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const SP: &str = "https://sp.example.org";

impl Provider {
    fn start(name: &str) -> Self {
        Self::start_as(Scheme::Spid, name)
    }

    fn start_as(scheme: Scheme, name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("varco-flows-{name}-{}", std::process::id()));
        let signer = Signer::open(&folder.join("sp")).unwrap();
        ca::Authority::make(&folder).unwrap().leaf("idp", &["127.0.0.1"]).unwrap();
        fs::write(folder.join("sp.xml"), metadata(&signer)).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let url = format!("https://127.0.0.1:{port}");
        let child = Command::new(env!("CARGO_BIN_EXE_varco-idp"))
            .args(["run", "--scheme", scheme.name(), "--listen", &url[8..], "--url", &url])
            .args(["--state".as_ref(), folder.join("state").as_os_str()])
            .args(["--certificate".as_ref(), folder.join("idp.pem").as_os_str()])
            .args(["--key".as_ref(), folder.join("idp.key").as_os_str()])
            .args(["--sp".as_ref(), folder.join("sp.xml").as_os_str()])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let provider = Self { child, folder, url, signer };
        provider.curl(&[
            "--retry",
            "50",
            "--retry-delay",
            "1",
            "--retry-connrefused",
            &provider.at("/metadata"),
        ]);
        provider
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn curl(&self, arguments: &[&str]) -> String {
        let ca = self.folder.join("ca.pem");
        let done = Command::new("curl").arg("-sS").arg("--cacert").arg(&ca).args(arguments).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn request(&self, bend: impl Fn(String) -> String) -> String {
        let id = format!("_{}", uuid::Uuid::new_v4());
        let now = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().unwrap();
        let now = String::from_utf8(now.stdout).unwrap();
        let xml = REQUEST
            .replace("{id}", &id)
            .replace("{now}", now.trim())
            .replace("{to}", &self.at("/sso"))
            .replace("{signature}", &sign::template(&id, sign::Digest::Sha256));
        self.signer.sign(&bend(xml)).unwrap()
    }

    fn post(&self, xml: &str) -> String {
        let file = self.folder.join("request");
        fs::write(&file, openssl::base64::encode_block(xml.as_bytes())).unwrap();
        let field = format!("SAMLRequest@{}", file.display());
        self.curl(&["--data-urlencode", &field, "--data-urlencode", "RelayState=opaque", &self.at("/sso")])
    }

    fn log_in(&self, page: &str, password: &str) -> String {
        let token = between(page, "name=\"token\" value=\"", "\"");
        let data = format!("token={token}&username=ada&password={password}&behaviour=good&action=login");
        self.curl(&["--data", &data, &self.at("/sso/login")])
    }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
    &text[start..start + text[start..].find(after).unwrap()]
}

const REQUEST: &str = r#"<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{id}" Version="2.0" IssueInstant="{now}" Destination="{to}" ForceAuthn="true" AssertionConsumerServiceIndex="0" AttributeConsumingServiceIndex="0"><saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity" NameQualifier="https://sp.example.org">https://sp.example.org</saml:Issuer>{signature}<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"/><samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>https://www.spid.gov.it/SpidL2</saml:AuthnContextClassRef></samlp:RequestedAuthnContext></samlp:AuthnRequest>"#;

fn metadata(signer: &Signer) -> String {
    let certificate = signer.certificate_text().unwrap();
    format!(
        r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{SP}"><md:SPSSODescriptor><md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:AssertionConsumerService index="0" Location="{SP}/acs"/><md:AttributeConsumingService index="0"><md:RequestedAttribute Name="fiscalNumber"/></md:AttributeConsumingService></md:SPSSODescriptor></md:EntityDescriptor>"#
    )
}

#[test]
fn a_citizen_logs_in_after_a_typing_mistake() {
    let provider = Provider::start("login");
    let page = provider.post(&provider.request(|xml| xml));
    let again = provider.log_in(&page, "wrong");
    assert!(again.contains("Nome utente o password errati"), "{again}");
    let carried = provider.log_in(&again, "prova");
    assert_eq!(between(&carried, "action=\"", "\""), format!("{SP}/acs"));
    assert_eq!(between(&carried, "name=\"RelayState\" value=\"", "\""), "opaque");
    let answer =
        openssl::base64::decode_block(between(&carried, "name=\"SAMLResponse\" value=\"", "\"")).unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("TINIT-PRVDAA85D52X000"));
    let certificate = read(&provider.folder.join("state/idp.pem"));
    sign::verify_enveloped(&answer, &[certificate]).unwrap();
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn requests_that_break_a_rule_are_refused_with_their_code() {
    let provider = Provider::start("rules");
    let said = |bend: fn(String) -> String| {
        let page = provider.post(&provider.request(bend));
        between(&page, "ErrorCode ", "<").to_owned()
    };
    assert_eq!(said(|x| x.replace("Version=\"2.0\"", "Version=\"1.1\"")), "nr09");
    assert_eq!(said(|x| x.replace("SpidL2", "SpidL9")), "nr12");
    assert_eq!(said(|x| x.replace("ForceAuthn=\"true\" ", "")), "nr12");
    assert_eq!(said(|x| x.replace("ForceAuthn", "IsPassive=\"true\" ForceAuthn")), "nr15");
    assert_eq!(said(|x| x.replace("ConsumerServiceIndex=\"0\"", "ConsumerServiceIndex=\"7\"")), "nr16");
    assert_eq!(said(|x| x.replace("transient", "persistent")), "nr17");
    assert_eq!(said(|x| x.replace("AttributeConsumingServiceIndex=\"0\"", "")), "nr18");
    let tampered = provider.request(|x| x).replace("SpidL2", "SpidL1");
    assert_eq!(between(&provider.post(&tampered), "ErrorCode ", "<"), "nr05");
}

#[test]
fn cie_and_the_node_of_eidas_have_rules_of_their_own() {
    let said = |provider: &Provider, bend: &dyn Fn(String) -> String| {
        let page = provider.post(&provider.request(bend));
        between(&page, "ErrorCode ", "<").to_owned()
    };
    let cie = Provider::start_as(Scheme::Cie, "cie");
    assert!(cie.post(&cie.request(|xml| xml)).contains("name=\"token\""));
    assert_eq!(said(&cie, &|x| x.replace("minimum", "better")), "nr12");
    assert_eq!(said(&cie, &|x| x.replace("ForceAuthn=\"true\" ", "").replace("SpidL2", "SpidL1")), "nr12");
    assert_eq!(said(&cie, &|x| x.replace("/sso\"", "\"")), "nr14");
    let node = Provider::start_as(Scheme::Eidas, "eidas");
    assert_eq!(said(&node, &|xml| xml), "nr18");
}
