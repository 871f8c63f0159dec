//! The folder of trusted providers.

use super::{
    super::{Providers, Scheme},
    fixture::*,
};
use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};

fn load(files: &[(&str, &str)]) -> (Providers, Vec<String>) {
    let folder = Folder::new();
    for (name, content) in files {
        folder.write(name, content);
    }
    let (providers, problems) = Providers::load([(Scheme::Spid, folder.0.as_path())]);
    let told = problems.iter().map(|p| {
        let file = p.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        format!("{file}: {}", p.why)
    });
    (providers, told.collect())
}

fn names(providers: &Providers) -> Vec<&str> {
    providers.iter().map(|p| p.entity_id.as_str()).collect()
}

const OTHER: &str = "https://other-idp.example.it";

#[test]
fn reads_what_metadata_says() {
    let (providers, problems) = load(&[("a.xml", &metadata_of(IDP, idp())), ("b.txt", "not ours")]);
    assert_eq!(problems, [""; 0]);
    let provider = providers.get(IDP).unwrap();
    assert_eq!(provider.name, "Prova");
    assert_eq!(
        provider.sso_redirect.as_ref().unwrap().as_str(),
        format!("{IDP}/SingleSignOnService/Redirect")
    );
    assert_eq!(provider.sso_post.as_ref().unwrap().as_str(), format!("{IDP}/SingleSignOnService/POST"));
    let slo = provider.slo_post.as_ref().unwrap();
    assert_eq!(slo.request, slo.response);
    assert_eq!(provider.certificates.len(), 1);
    assert_eq!(providers.sso_origins().into_iter().collect::<Vec<_>>(), [IDP]);
    assert!(providers.get(OTHER).is_none());
}

#[test]
fn reads_a_federation_in_one_file() {
    let both: String = [metadata_of(IDP, idp()), metadata_of(OTHER, stranger())]
        .iter()
        .map(|xml| xml.split_once("?>").unwrap().1.to_owned())
        .collect();
    let federation = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">{both}</md:EntitiesDescriptor>"#
    );
    let (providers, problems) = load(&[("all.xml", &federation)]);
    assert_eq!((names(&providers), problems.len()), (vec![IDP, OTHER], 0));
}

#[test]
fn a_bad_file_costs_itself_only() {
    let doctype = format!("<!DOCTYPE x>{}", metadata_of(OTHER, stranger()).split_once("?>").unwrap().1);
    let (providers, problems) = load(&[
        ("a.xml", "<broken"),
        ("b.xml", "<html/>"),
        ("c.xml", &doctype),
        ("d.xml", &metadata_of(IDP, idp())),
    ]);
    assert_eq!(names(&providers), [IDP]);
    let files: Vec<_> = problems.iter().map(|p| p.split(':').next().unwrap()).collect();
    assert_eq!(files, ["a.xml", "b.xml", "c.xml"]);
}

#[test]
fn a_folder_that_is_missing_is_a_problem() {
    let (providers, problems) = Providers::load([(Scheme::Spid, std::path::Path::new("/nonexistent/idp"))]);
    assert_eq!((names(&providers).len(), problems.len()), (0, 1));
}

#[test]
fn the_first_of_two_descriptions_counts() {
    let (providers, problems) =
        load(&[("1.xml", &metadata_of(IDP, idp())), ("2.xml", &metadata_of(IDP, stranger()))]);
    assert_eq!(providers.get(IDP).unwrap().certificates, [idp().certificate.clone()]);
    assert!(problems[0].starts_with("2.xml: ") && problems.len() == 1, "{problems:?}");
}

fn refused(metadata: &str, why: &str) {
    let (providers, problems) = load(&[("a.xml", metadata)]);
    assert_eq!(names(&providers).len(), 0);
    assert!(problems.len() == 1 && problems[0].contains(why), "{problems:?}");
}

#[test]
fn a_provider_that_could_not_be_trusted_is_refused() {
    let good = metadata_of(IDP, idp());
    refused(&change(&good, "use=\"signing\"", "use=\"encryption\""), "no signing certificate");
    refused(&change(&good, &idp().certificate_base64(), "AAAA"), "cannot be read");
    refused(&change(&good, &idp().certificate_base64(), "****"), "not base64");
    refused(
        &change(&good, "https://idp.example.it/SingleSignOnService", "http://idp.example.it/S"),
        "not https",
    );
    refused(
        &change(&good, "https://idp.example.it/SingleSignOnService", "javascript:alert(1)//"),
        "not https",
    );
    refused(&change(&good, "SingleSignOnService", "OtherService"), "no single sign-on");
    refused(&change(&good, "SAML:2.0:protocol", "SAML:1.1:protocol"), "does not speak");
}

#[test]
fn a_provider_with_a_weak_key_is_refused() {
    let key = PKey::from_rsa(Rsa::generate(1024).unwrap()).unwrap();
    let mut weak = X509::builder().unwrap();
    weak.set_pubkey(&key).unwrap();
    weak.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
    weak.set_not_after(&Asn1Time::from_unix(1).unwrap()).unwrap();
    weak.sign(&key, MessageDigest::sha256()).unwrap();
    let base64 =
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, weak.build().to_der().unwrap());
    refused(&change(&metadata_of(IDP, idp()), &idp().certificate_base64(), &base64), "2048");
}
