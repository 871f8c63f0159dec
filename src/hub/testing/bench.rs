//! `cargo bench -p varco-hub`: how many answers a core verifies in a second, and what the rest of a start costs. Not a test:
//! nothing is asserted but that each answer is accepted.
#![expect(clippy::unwrap_used, reason = "a measurement fails by panicking")]
#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]

#[path = "files.rs"]
mod files;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use openssl::{pkey::PKey, rsa::Rsa, x509::X509};
use samael::crypto::{Crypto, CryptoProvider};
use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use varco_hub::{
    config::Settings,
    login::{
        cns::trust::TrustList,
        saml::{Body, Keys, Level, Profile, Provider, Providers, Scheme, SentRequest, ServiceProvider},
    },
    registry::Signed,
};

const US: &str = "https://accesso.comune.example.it";
const ACS: &str = "https://accesso.comune.example.it/spid/acs";
/// As many as SPID has.
const PROVIDERS: usize = 12;
/// How long each case is measured.
const LONG: Duration = Duration::from_secs(4);

fn main() {
    let folder = Folder::make();
    for bits in [2048, 4096] {
        let idp = Idp::make(&folder.0.join(format!("idp-{bits}")), bits);
        let (us, provider) = (us(&folder.0), idp.trusted());
        for both in [false, true] {
            let sent = sent();
            let answer = idp.answer(&sent, both);
            let what = if both { "assertion and response signed" } else { "assertion signed" };
            let xml = STANDARD.decode(&answer).unwrap().len();
            let took = repeat(|| assert!(us.check_response(&provider, &sent, &answer, now()).is_ok()));
            report(&format!("{what}, RSA {bits}, {xml} octets"), &took);
        }
        let garbled = idp.answer(&sent(), true).replace('A', "B");
        let took = repeat(|| assert!(us.check_response(&provider, &sent(), &garbled, now()).is_err()));
        report(&format!("garbled, with a key of RSA {bits}"), &took);
    }
    metadata(&folder.0);
    trust_list();
    start(&folder.0);
}

/// Runs `what` on this thread for a while; the times, sorted.
fn repeat(mut what: impl FnMut()) -> Vec<Duration> {
    (0..50).for_each(|_| what());
    let (begin, mut took) = (Instant::now(), Vec::new());
    while begin.elapsed() < LONG {
        let one = Instant::now();
        what();
        took.push(one.elapsed());
    }
    took.sort();
    took
}

fn report(what: &str, took: &[Duration]) {
    let total: Duration = took.iter().sum();
    let a_second = took.len() as u128 * 1_000_000 / total.as_micros().max(1);
    let at =
        |hundredths: usize| took.get(took.len() * hundredths / 100).copied().unwrap_or_default().as_micros();
    println!("| {what} | {a_second} | {} | {} |", at(50), at(99));
}

fn metadata(folder: &Path) {
    let folder = folder.join("federation");
    for n in 0..PROVIDERS {
        Idp::make(&folder.join(format!("{n}")), 2048).write(&folder.join(format!("{n}.xml")), n);
    }
    let took = repeat(|| {
        let (providers, problems) = Providers::load([(Scheme::Spid, folder.as_path())]);
        assert!(providers.iter().count() == PROVIDERS && problems.is_empty());
    });
    report(&format!("metadata of {PROVIDERS} providers read"), &took);
}

/// Italy's own list, 2.9 MB with 168 issuers of cards, with the signers that ship.
fn trust_list() {
    let mut list = Vec::new();
    let packed = include_bytes!("../login/cns/trust/tests/TSL-IT-223.xml.gz");
    GzDecoder::new(&packed[..]).read_to_end(&mut list).unwrap();
    let pem: [&[u8]; 2] = [
        include_bytes!("../../../certs/agid-tl/agid-tl-5.pem"),
        include_bytes!("../../../certs/agid-tl/agid-tl-6.pem"),
    ];
    let signers = pem.map(|pem| X509::from_pem(pem).unwrap());
    let at = "2026-11-22T00:00:00Z".parse().unwrap();
    let took = repeat(|| {
        let list = <TrustList as Signed>::verify(&list, &signers, at).unwrap();
        assert_eq!(list.issuers.all.len(), 168);
    });
    report(&format!("trust list of {} octets verified and read", list.len()), &took);
}

/// From the process to its first word that it serves, with keys, register and the metadata of twelve providers.
fn start(folder: &Path) {
    let file = folder.join("hub.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("/idp\"", "/federation\"")).unwrap();
    let mut took: Vec<_> = (0..15).map(|_| one_start(&file)).collect();
    took.sort();
    report("start of the hub", &took);
}

fn one_start(file: &Path) -> Duration {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_varco-hub"))
        .args(["run", "--config"])
        .arg(file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let serving = log.lines().map_while(Result::ok).any(|line| line.contains("varco-hub serves"));
    let took = begin.elapsed();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(serving);
    took
}

fn now() -> Timestamp {
    Timestamp::now()
}

fn us(folder: &Path) -> ServiceProvider {
    let settings = Settings::load(&folder.join("hub.toml")).unwrap();
    let body = settings.bodies.first().unwrap();
    let profile: &Profile = body.profile(Scheme::Spid).unwrap();
    let keys = Keys::load(&settings.keys).unwrap();
    let body: Body = body.body();
    ServiceProvider::new(Scheme::Spid, profile, ACS, format!("{US}/spid/logout"), body, &keys).unwrap()
}

fn sent() -> SentRequest {
    SentRequest {
        id: "_request".into(),
        provider: "https://idp0.example.it".into(),
        issued: now(),
        level: Level::L1,
        comparison: Default::default(),
        wanted: Default::default(),
        xml: String::new(),
    }
}

/// The files of a hub, gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Self {
        let folder = files::make("bench");
        std::fs::create_dir_all(folder.join("federation")).unwrap();
        files::certificate(&folder);
        varco_hub::commands::make_keys(&folder.join("hub.toml")).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A provider that signs.
struct Idp {
    key: Vec<u8>,
    certificate: String,
    folder: PathBuf,
}

impl Idp {
    fn make(folder: &Path, bits: u32) -> Self {
        use openssl::{asn1::Asn1Time, hash::MessageDigest, x509::X509};
        std::fs::create_dir_all(folder).unwrap();
        let key = PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap();
        let mut certificate = X509::builder().unwrap();
        certificate.set_pubkey(&key).unwrap();
        certificate.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
        certificate.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
        certificate.sign(&key, MessageDigest::sha256()).unwrap();
        let certificate = STANDARD.encode(certificate.build().to_der().unwrap());
        Self { key: key.private_key_to_der().unwrap(), certificate, folder: folder.to_owned() }
    }

    fn write(&self, file: &Path, n: usize) {
        let binding = |b: &str, at: &str, service: &str| {
            format!(
                r#"<md:{service} Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-{b}" Location="https://idp{n}.example.it/{at}"/>"#
            )
        };
        let services: String = ["SingleLogoutService", "SingleSignOnService"]
            .iter()
            .flat_map(|s| [binding("POST", "post", s), binding("Redirect", "redirect", s)])
            .collect();
        let metadata = format!(
            r#"<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="https://idp{n}.example.it"><md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{services}</md:IDPSSODescriptor></md:EntityDescriptor>"#,
            self.certificate
        );
        std::fs::write(file, metadata).unwrap();
    }

    /// As the hub trusts it.
    fn trusted(&self) -> Provider {
        self.write(&self.folder.join("idp.xml"), 0);
        let (providers, _) = Providers::load([(Scheme::Spid, self.folder.as_path())]);
        providers.iter().next().unwrap().clone()
    }

    /// An answer as long as SPID's are, with certificates in its signatures.
    fn answer(&self, sent: &SentRequest, both: bool) -> String {
        let t =
            |seconds: i64| (now() + jiff::SignedDuration::from_secs(seconds)).strftime("%Y-%m-%dT%H:%M:%SZ");
        let (from, now, end) = ("https://idp0.example.it", t(0), t(3_600));
        let (id, issuer) = (
            &sent.id,
            format!(
                r#"<saml:Issuer Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity">{from}</saml:Issuer>"#
            ),
        );
        let inner = self.signature("_assertion");
        let outer = if both { self.signature("_response") } else { String::new() };
        let xml = format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_response" Version="2.0" IssueInstant="{now}" InResponseTo="{id}" Destination="{ACS}">{issuer}<!--outer--><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status><saml:Assertion xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ID="_assertion" Version="2.0" IssueInstant="{now}">{issuer}{inner}<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient" NameQualifier="{from}">_t</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData InResponseTo="{id}" NotOnOrAfter="{end}" Recipient="{ACS}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{now}" NotOnOrAfter="{end}"><saml:AudienceRestriction><saml:Audience>{US}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_s"><saml:AuthnContext><saml:AuthnContextClassRef>https://www.spid.gov.it/SpidL1</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name="fiscalNumber"><saml:AttributeValue xsi:type="xs:string">TINIT-RSSMRA80A01H501U</saml:AttributeValue></saml:Attribute></saml:AttributeStatement></saml:Assertion></samlp:Response>"#
        );
        let one = Crypto::sign_xml(xml, &self.key).unwrap();
        let one = one.replace("<!--outer-->", &outer);
        STANDARD.encode(if both { Crypto::sign_xml(&one, &self.key).unwrap() } else { one })
    }

    fn signature(&self, id: &str) -> String {
        const EXC: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
        format!(
            r##"<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC}"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/><ds:Transform Algorithm="{EXC}"/></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"##,
            self.certificate
        )
    }
}
