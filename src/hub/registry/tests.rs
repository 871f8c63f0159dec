//! A hub in front of a registry that is good, broken, or in another's hands.

use super::{Registry, watch::Failure};
use crate::{
    app,
    config::{ProviderSettings, RegistrySettings},
    login::{saml::Unfit, trusted::Trusted},
    testing::{
        self,
        idp::Idp,
        registry::{Answers, Server, sign, unsigned},
    },
};
use jiff::{SignedDuration, Timestamp};
use openssl::{
    asn1::Asn1Time,
    hash::MessageDigest,
    pkey::{PKey, Private},
    rsa::Rsa,
    x509::X509,
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Duration,
};

static IDPS: LazyLock<Vec<Idp>> =
    LazyLock::new(|| (1..=5).map(|n| Idp::new(&format!("https://idp{n}.example.it"), true)).collect());
static KEY: LazyLock<PKey<Private>> = LazyLock::new(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap());
static STRANGER: LazyLock<PKey<Private>> =
    LazyLock::new(|| PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap());

fn members(count: usize) -> String {
    IDPS.iter().take(count).map(Idp::metadata).collect()
}

fn list(attributes: &str, count: usize) -> String {
    sign(&KEY, &unsigned(attributes, &members(count)))
}

/// The certificate of who signs.
fn signer() -> X509 {
    let mut signer = X509::builder().unwrap();
    signer.set_pubkey(&KEY).unwrap();
    signer.set_not_before(&Asn1Time::from_unix(0).unwrap()).unwrap();
    signer.set_not_after(&Asn1Time::from_unix(1).unwrap()).unwrap();
    signer.sign(&KEY, MessageDigest::sha256()).unwrap();
    signer.build()
}

struct Bench {
    folder: PathBuf,
    registry: Registry,
    server: Server,
}

impl Bench {
    fn start(name: &str) -> Self {
        let folder = testing::folder(name);
        let server = Server::start(&folder);
        std::fs::write(folder.join("signer.pem"), signer().to_pem().unwrap()).unwrap();
        let settings = RegistrySettings {
            url: server.url.parse().unwrap(),
            signer: folder.join("signer.pem"),
            every_hours: 24,
            ca: Some(server.ca.clone()),
        };
        let mut registry = Registry::open("hub.toml".as_ref(), &settings, &folder).unwrap();
        registry.limits.total = Duration::from_millis(500);
        Self { folder, registry, server }
    }

    async fn renew(&self, answers: Answers) -> Result<Vec<String>, Failure> {
        self.server.serve(answers);
        let asked = self.registry.renew(app::now(), false).await?;
        Ok(asked.changes.iter().map(ToString::to_string).collect())
    }

    async fn refused(&self, text: String, expected: &str) {
        match self.renew(Answers::With(text)).await {
            Err(Failure::Refused { rule, .. }) => assert_eq!(rule, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }

    fn in_force(&self) -> usize {
        self.at(app::now()).unwrap()
    }

    fn at(&self, now: Timestamp) -> Result<usize, Unfit> {
        Ok(self.registry.kept().list(now)?.map_or(0, |list| list.providers.len()))
    }

    async fn end(self) {
        self.server.stop().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

#[actix_web::test]
async fn a_signed_list_is_taken_kept_and_its_changes_are_told() {
    let bench = Bench::start("registry-good");
    assert_eq!(bench.in_force(), 0, "none yet");
    let two = list("", 2);
    let told = bench.renew(Answers::With(two.clone())).await.unwrap();
    assert_eq!(told, ["added https://idp1.example.it", "added https://idp2.example.it"]);
    assert_eq!(bench.renew(Answers::With(two)).await.unwrap(), [""; 0], "the same again");
    let moved = IDPS[0].metadata().replace("/SingleSignOnService", "/sso");
    let renewed = Idp::new("https://idp2.example.it", true).metadata();
    let told = bench.renew(Answers::With(sign(&KEY, &unsigned("", &(moved + &renewed))))).await.unwrap();
    assert_eq!(told[0], "changed endpoint https://idp1.example.it");
    assert!(
        told[1].starts_with("changed key https://idp2.example.it +") && told[1].contains(" -"),
        "{told:?}"
    );
    assert_eq!(bench.in_force(), 2);
    bench.end().await;
}

#[actix_web::test]
async fn what_does_not_hold_leaves_the_last_good_list_in_force() {
    let bench = Bench::start("registry-bad");
    let good = list("", 3);
    bench.renew(Answers::With(good.clone())).await.unwrap();
    let on_disk = std::fs::read(bench.registry.kept().file()).unwrap();
    bench.refused(good.replace("idp2.example.it", "evil.example.it"), "signature").await;
    bench.refused(sign(&STRANGER, &unsigned("", &members(3))), "signature").await;
    bench.refused(list(r#"validUntil="2026-01-01T00:00:00Z""#, 3), "expired").await;
    let body = good.split_once("?>").unwrap().1;
    bench.refused(format!("<!DOCTYPE md:EntitiesDescriptor>{body}"), "doctype").await;
    let evil = Idp::new("https://evil.example.it", true).metadata();
    let wrapped = format!(
        r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ID="_outer">{evil}{body}</md:EntitiesDescriptor>"#
    );
    bench.refused(wrapped, "unsigned").await;
    bench.refused(unsigned("", &members(3)), "signature-form").await;
    bench.refused("<html><body>Manutenzione</body></html>".to_owned(), "root").await;
    for answers in [
        Answers::With(" ".repeat(crate::login::saml::MAX_LIST + 1)),
        Answers::Slowly,
        Answers::Elsewhere,
        Answers::Status(500),
        Answers::Status(204),
    ] {
        let failure = bench.renew(answers.clone()).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    }
    assert_eq!((bench.in_force(), std::fs::read(bench.registry.kept().file()).unwrap()), (3, on_disk));
    bench.end().await;
}

#[actix_web::test]
async fn a_host_that_no_authority_vouches_for_is_not_heard() {
    let mut bench = Bench::start("registry-tls");
    let other = testing::folder("registry-other");
    testing::certificate(&other.join("a.pem"), &other.join("a.key"));
    bench.registry.ca = Some(super::certificates(&other.join("a.pem")).unwrap());
    let failure = bench.renew(Answers::With(list("", 2))).await.unwrap_err();
    assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    std::fs::remove_dir_all(other).unwrap();
    bench.end().await;
}

#[actix_web::test]
async fn an_old_list_does_not_come_back() {
    let bench = Bench::start("registry-rollback");
    let (first, second) = (list("", 3), list("", 4));
    bench.renew(Answers::With(first.clone())).await.unwrap();
    bench.renew(Answers::With(second)).await.unwrap();
    // Octets that the signature does not cover make no new list of it.
    bench.refused(first.replacen("<ds:SignatureValue>", "<ds:SignatureValue> ", 1), "roll-back").await;
    bench.refused(first.clone(), "roll-back").await;
    assert_eq!(bench.in_force(), 4);
    bench.server.serve(Answers::With(first));
    bench.registry.renew(app::now(), true).await.unwrap();
    assert_eq!(bench.in_force(), 3, "the operator's word");
    bench.renew(Answers::With(list(r#"validUntil="2099-01-02T00:00:00Z""#, 3))).await.unwrap();
    bench.refused(list(r#"validUntil="2099-01-01T00:00:00Z""#, 3), "roll-back").await;
    bench.renew(Answers::With(list(r#"validUntil="2099-01-03T00:00:00Z""#, 3))).await.unwrap();
    bench.end().await;
}

#[actix_web::test]
async fn without_its_memory_only_the_operator_takes_a_list() {
    let bench = Bench::start("registry-memory");
    bench.renew(Answers::With(list("", 3))).await.unwrap();
    let status = bench.folder.join("registry/status.json");
    assert!(status.is_file());
    std::fs::write(&status, "{").unwrap();
    bench.refused(list("", 4), "memory-lost").await;
    bench.registry.failed(&Failure::Unreachable("away".to_owned()), app::now());
    bench.refused(list("", 4), "memory-lost").await;
    assert_eq!(bench.in_force(), 3);
    bench.registry.renew(app::now(), true).await.unwrap();
    assert_eq!(bench.renew(Answers::With(list("", 5))).await.unwrap(), ["added https://idp5.example.it"]);
    bench.end().await;
}

/// The validity of a list inside the list, and of a provider's role, count too.
#[actix_web::test]
async fn what_holds_a_provider_ends_it() {
    let bench = Bench::start("registry-nested");
    let over = r#"validUntil="2026-01-01T00:00:00Z""#;
    let role =
        IDPS[1].metadata().replacen("<md:IDPSSODescriptor", &format!("<md:IDPSSODescriptor {over}"), 1);
    let group = format!("<md:EntitiesDescriptor {over}>{}</md:EntitiesDescriptor>", IDPS[2].metadata());
    let all = IDPS[0].metadata() + &role + &group;
    assert_eq!(all.matches(over).count(), 2);
    let told = bench.renew(Answers::With(sign(&KEY, &unsigned("", &all)))).await.unwrap();
    assert_eq!(told, ["added https://idp1.example.it"]);
    let many = format!("<x {}/>", (0..20_001).map(|n| format!("a{n}='' ")).collect::<String>());
    bench.refused(many, "attributes").await;
    bench.end().await;
}

#[actix_web::test]
async fn one_that_vanishes_is_believed_and_half_of_them_waits_for_the_operator() {
    let bench = Bench::start("registry-shrunk");
    bench.renew(Answers::With(list("", 5))).await.unwrap();
    assert_eq!(bench.renew(Answers::With(list("", 4))).await.unwrap(), ["removed https://idp5.example.it"]);
    bench.refused(list("", 1), "shrunk").await;
    let (changes, doubt) = bench.registry.preview(app::now()).await.unwrap();
    assert!(changes.len() == 3 && doubt.is_some(), "{changes:?}");
    assert_eq!(bench.in_force(), 4, "a look changes nothing");
    bench.registry.renew(app::now(), true).await.unwrap();
    assert_eq!(bench.in_force(), 1);
    bench.server.serve(Answers::With(sign(&STRANGER, &unsigned("", &members(2)))));
    assert!(
        bench.registry.renew(app::now(), true).await.is_err(),
        "no word of the operator makes a signature"
    );
    bench.end().await;
}

#[actix_web::test]
async fn a_list_ends_after_its_validity_and_the_grace() {
    let bench = Bench::start("registry-ends");
    let end: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    bench.renew(Answers::With(list(&format!("validUntil=\"{end}\""), 2))).await.unwrap();
    assert_eq!(bench.at(end + super::GRACE - SignedDuration::from_secs(1)), Ok(2));
    assert_eq!(bench.at(end + super::GRACE).unwrap_err().rule, "expired");
    bench.end().await;
}

#[actix_web::test]
async fn a_list_changed_on_the_disk_is_not_believed_and_is_replaced() {
    let bench = Bench::start("registry-disk");
    let good = list("", 2);
    bench.renew(Answers::With(good.clone())).await.unwrap();
    let file = bench.registry.kept().file();
    let changed = std::fs::read_to_string(&file).unwrap().replace("idp1.example.it", "evil.example.it");
    std::fs::write(&file, changed).unwrap();
    assert_eq!(bench.at(app::now()).unwrap_err().rule, "signature");
    bench.renew(Answers::With(good)).await.unwrap();
    assert_eq!(bench.in_force(), 2);
    bench.end().await;
}

#[actix_web::test]
async fn failures_are_counted_and_silence_becomes_stale() {
    let bench = Bench::start("registry-stale");
    let kept = bench.registry.kept();
    assert!(kept.stale(&kept.status(), app::now()), "never confirmed");
    bench.renew(Answers::With(list("", 2))).await.unwrap();
    let status = kept.fail("it answered 503").unwrap();
    assert_eq!((status.failures, kept.fail("again").unwrap().failures), (1, 2));
    let at = status.confirmed.unwrap();
    assert!(!kept.stale(&status, at + SignedDuration::from_hours(72)));
    assert!(kept.stale(&status, at + SignedDuration::from_hours(73)));
    bench.renew(Answers::With(list("", 2))).await.unwrap();
    assert_eq!((kept.status().failures, kept.status().why), (0, None));
    bench.end().await;
}

#[actix_web::test]
async fn the_hub_trusts_the_list_and_the_operators_files_before_it() {
    let bench = Bench::start("registry-trusted");
    let folder = bench.folder.join("idp");
    std::fs::create_dir(&folder).unwrap();
    let by_hand = Idp::new("https://idp1.example.it", true);
    by_hand.register(&folder.join("by-hand.xml"));
    let folders = ProviderSettings {
        spid: Some(folder.clone()),
        cie: None,
        eidas: None,
        names: BTreeMap::new(),
        registry: None,
    };
    let registry = Some(Arc::new(bench.registry.clone()));
    let trusted = Trusted::load(&folders, registry, app::now());
    assert_eq!(trusted.current().iter().count(), 1);
    let end: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    bench.renew(Answers::With(list(&format!("validUntil=\"{end}\""), 3))).await.unwrap();
    assert!(trusted.refresh(app::now()), "the new list is seen without a restart");
    assert!(!trusted.refresh(app::now()));
    let now = trusted.current();
    assert_eq!(now.iter().count(), 3);
    let hand = std::fs::read_to_string(folder.join("by-hand.xml")).unwrap();
    let key =
        |id: &str| openssl::base64::encode_block(&now.get(id).unwrap().certificates[0].to_der().unwrap());
    assert!(hand.contains(&key("https://idp1.example.it")), "the operator's word comes first");
    assert!(!hand.contains(&key("https://idp2.example.it")));
    assert!(trusted.refresh(end + super::GRACE), "its end is noticed although no file changed");
    assert_eq!(trusted.current().iter().count(), 1);
    bench.end().await;
}

#[actix_web::test]
async fn a_hub_that_runs_asks_at_its_start_and_counts_what_fails() {
    let bench = Bench::start("registry-watch");
    for (answers, providers, failures) in [
        (Answers::With(sign(&STRANGER, &unsigned("", &members(2)))), 0, 1),
        (Answers::With(list("", 2)), 2, 0),
    ] {
        bench.server.serve(answers);
        let watching = actix_web::rt::spawn(super::watch(Arc::new(bench.registry.clone())));
        let kept = bench.registry.kept();
        let done = || (bench.in_force(), kept.status().failures) == (providers, failures);
        for _ in 0..400 {
            if done() && kept.status() != super::kept::Status::default() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        watching.abort();
        assert!(done(), "{:?}", kept.status());
    }
    bench.end().await;
}

#[test]
fn the_files_of_the_settings_are_checked() {
    let folder = testing::folder("registry-settings");
    let table = RegistrySettings {
        url: "https://registry.example.it/".parse().unwrap(),
        signer: folder.join("signer.pem"),
        every_hours: 24,
        ca: None,
    };
    let opened = |table: &RegistrySettings| Registry::open("hub.toml".as_ref(), table, &folder);
    let said = || opened(&table).unwrap_err().to_string();
    assert!(said().contains("providers.registry.signer: ") && said().contains("signer.pem"), "{}", said());
    std::fs::write(folder.join("signer.pem"), "no certificate").unwrap();
    assert!(said().contains("no certificate in it"), "{}", said());
    testing::certificate(&folder.join("weak.pem"), &folder.join("weak.key"));
    std::fs::copy(folder.join("weak.pem"), folder.join("signer.pem")).unwrap();
    assert!(said().contains("no RSA certificate"), "{}", said());
    std::fs::write(folder.join("signer.pem"), signer().to_pem().unwrap()).unwrap();
    assert!(opened(&table).is_ok());
    let ca = folder.join("ca.pem");
    std::fs::write(&ca, "").unwrap();
    let table = RegistrySettings { ca: Some(ca.clone()), ..table };
    let said = opened(&table).unwrap_err().to_string();
    assert!(said.contains("providers.registry.ca: ") && said.contains("no certificate in it"), "{said}");
    std::fs::copy(folder.join("weak.pem"), &ca).unwrap();
    assert!(opened(&table).is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}
