//! Each mistake in the settings is answered with the file, the key and what would be right.

use super::*;
use crate::store::tests::{keys, tempdir::Folder};

/// The example in docker/site, with its files in a folder of the test.
fn example(folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::copy(root.join("docker/site/site.toml"), folder.join("site.toml")).unwrap();
    certificate(folder);
    std::fs::write(folder.join("hub.secret"), "secret\n").unwrap();
    let text = std::fs::read_to_string(root.join("docker/site/gateway.toml")).unwrap();
    let at = |name: &str| folder.join(name).display().to_string();
    text.replace("/etc/varco/site.toml", &at("site.toml"))
        .replace("/var/lib/varco-gateway", &folder.display().to_string())
        .replace("/etc/varco/log-keys", &keys::folder().display().to_string())
        .replace("/etc/varco/hub.secret", &at("hub.secret"))
        .replace("/etc/varco/tls/portal", &at("tls"))
        .replace("/etc/varco/tls/admin", &at("tls"))
}

fn certificate(folder: &Path) {
    use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    std::fs::write(folder.join("tls.pem"), builder.build().to_pem().unwrap()).unwrap();
    std::fs::write(folder.join("tls.key"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
}

/// The refusal of the example with `from` changed to `to`, without the folder's own name.
fn refusal(from: &str, to: &str) -> String {
    let folder = Folder::new();
    let text = example(folder.path());
    assert!(text.contains(from), "{from}");
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, text.replace(from, to)).unwrap();
    let said = Settings::load(&file).unwrap_err().to_string();
    said.replace(&format!("{}/", folder.path().display()), "")
}

#[test]
fn the_example_is_good() {
    let folder = Folder::new();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, example(folder.path())).unwrap();
    let settings = Settings::load(&file).unwrap();
    assert_eq!(settings.hub.issuer, "https://accesso.comune.example.it");
    assert_eq!(settings.portal_origin(), "https://wifi.biblioteca.example.it");
    assert!(!format!("{settings:?}").contains("secret\""), "the secret does not print");
}

#[test]
fn each_mistake_is_named_with_its_remedy() {
    insta::assert_snapshot!(refusal("10.20.0.1:8443", "10.64.0.1:8443"), @"gateway.toml: admin.listen: 10.64.0.1:8443 can be reached by guests; give the router's address on the office network");
    insta::assert_snapshot!(refusal("10.20.0.1:8443", "0.0.0.0:8443"), @"gateway.toml: admin.listen: 0.0.0.0:8443 can be reached by guests; give the router's address on the office network");
    insta::assert_snapshot!(refusal("https://router", "http://router"), @"gateway.toml: admin.url: http://router.biblioteca.example.it:8443/ is not an https address without path; give what browsers in the office call the pages: https://router.example.it:8443");
    insta::assert_snapshot!(refusal("example.it:8443", "example.it:8443/admin"), @"gateway.toml: admin.url: https://router.biblioteca.example.it:8443/admin is not an https address without path; give what browsers in the office call the pages: https://router.example.it:8443");
    insta::assert_snapshot!(refusal("example.it:8443", "example.it"), @"gateway.toml: admin.url: https://router.biblioteca.example.it/ has another port than admin.listen, 8443; give what browsers in the office call the pages: https://router.example.it:8443");
    insta::assert_snapshot!(refusal("https://router.", "router."), @"gateway.toml: admin.url: router.biblioteca.example.it:8443 is not an https address without path; give what browsers in the office call the pages: https://router.example.it:8443");
    insta::assert_snapshot!(refusal("https://accesso", "http://accesso"), @"gateway.toml: hub.issuer: `http://accesso.comune.example.it` is not an https address; give the hub's public_url: https://accesso.example.it");
    insta::assert_snapshot!(refusal("hub.secret", "no.secret"), @"gateway.toml: hub.client_secret_file: no.secret: No such file or directory (os error 2); give a file readable by us");
    insta::assert_snapshot!(refusal("issuer =", "isuer ="), @"gateway.toml: hub.isuer: unknown field `isuer`, expected one of `issuer`, `client_id`, `client_secret_file`, `ca_file`, `log_mirror`; correct line 21; docker/site holds a complete example");
    insta::assert_snapshot!(refusal("tls.key", "tls.pem"), @"gateway.toml: portal.key: tls.pem: no items found; give the PEM private key of the certificate");
    insta::assert_snapshot!(refusal("client_id = \"biblioteca-civica\"", "client_id = \"\""), @"gateway.toml: hub.client_id: is empty; give the client_id of this gateway in the hub's settings");
    insta::assert_snapshot!(refusal("# ca_file = \"/etc/varco/tls/ca.pem\"", "ca_file = \"/dev/null\""), @"gateway.toml: hub.ca_file: no certificate is in it; give a PEM certificate, or leave the key out");
    insta::assert_snapshot!(refusal("https://accesso.comune", "https://login.comune"), @"site.toml: garden.names: the hub, login.comune.example.it, is not among them, so nobody could log in; list the host of hub.issuer and those of the providers");
    insta::assert_snapshot!(refusal("site.toml", "nowhere.toml"), @"nowhere.toml: (file): No such file or directory (os error 2); give the path of a readable TOML file");
}

#[test]
fn a_log_needs_keys_and_keeps_its_name() {
    let said = refusal("[log]\nkeys = \"", "[log]\nkeys = \"/nowhere");
    assert!(said.starts_with("gateway.toml: log.keys: /nowhere"), "{said}");
    assert!(said.ends_with(
        "make keys with `varco-audit keys weeks` and copy them here with `varco-audit keys publish`"
    ));
    let said = refusal("[log]\nkeys", "[log]\n# keys");
    assert!(said.starts_with("gateway.toml: log.keys: missing field `keys`"), "{said}");
    let said = refusal("[log]\n", "[log]\nretention = { R2b = \"6 days\" }\n");
    assert!(
        said.contains("log.retention.R2b: R2b may be kept for 7 days to 24 months, not for 6 days"),
        "{said}"
    );
    let operator = "[log]\nauthorised_operator = { statement = \"/no/such\", holders = \"/nowhere\" }\n";
    let said = refusal("[log]\n", operator);
    assert!(said.contains("log.authorised_operator.holders: /nowhere"), "{said}");
    insta::assert_snapshot!(refusal("# origin = \"accesso", "origin = \"https://accesso"), @"gateway.toml: log.origin: `https://accesso.comune.example.it/log/biblioteca-civica` cannot name a log; write host and path without scheme: accesso.example.it/log/library");
    let folder = Folder::new();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, example(folder.path())).unwrap();
    let settings = Settings::load(&file).unwrap();
    assert_eq!(settings.log.at.origin, "accesso.comune.example.it/log/biblioteca-civica");
    assert_eq!(settings.log.at.folder, folder.path().join("log"));
    let vkey = settings.log_key().unwrap().vkey();
    assert!(vkey.starts_with("accesso.comune.example.it/log/biblioteca-civica+"), "{vkey}");
    let renamed = example(folder.path()).replace("# origin = \"accesso", "origin = \"altro");
    std::fs::write(&file, renamed).unwrap();
    let said = Settings::load(&file).unwrap().log_key().unwrap_err().to_string();
    assert!(said.contains("gateway.toml: log.origin: ") && said.contains("a log keeps its name"), "{said}");
}
