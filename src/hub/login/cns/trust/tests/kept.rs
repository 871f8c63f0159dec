//! A hub that asks for its trust list, keeps it, and is told by the operator.

use super::{super::*, *};
use crate::{
    registry::Failure,
    testing::{
        self,
        registry::{Answers, Server},
    },
};
use std::path::PathBuf;

struct Bench {
    folder: PathBuf,
    settings: TrustSettings,
    trust: Trust,
    server: Server,
}

impl Bench {
    fn start(name: &str) -> Self {
        let folder = testing::folder(name);
        let server = Server::start(&folder);
        std::fs::create_dir(folder.join("signers")).unwrap();
        let pem = SIGNER.certificate.to_pem().unwrap();
        std::fs::write(folder.join("signers/development.pem"), pem).unwrap();
        let settings = TrustSettings {
            trust_list: Some(server.url.parse().unwrap()),
            trust_list_ca: Some(server.ca.clone()),
            trust_list_file: None,
            signers: folder.join("signers"),
            trust_list_grace: None,
        };
        let trust = Trust::load("hub.toml".as_ref(), &settings, &folder).unwrap();
        Self { folder, settings, trust, server }
    }

    /// The hub, started again.
    fn again(&self) -> Trust {
        Trust::load("hub.toml".as_ref(), &self.settings, &self.folder).unwrap()
    }

    async fn renew(&self, text: String) -> Result<Vec<String>, Failure> {
        self.server.serve(Answers::With(text));
        let asked = self.trust.registry.renew(now(), false).await?;
        assert!(self.trust.refresh());
        Ok(asked.changes.iter().map(ToString::to_string).collect())
    }

    async fn refused(&self, text: String, expected: &str, accept: bool) {
        self.server.serve(Answers::With(text));
        match self.trust.registry.renew(now(), accept).await {
            Err(Failure::Refused { rule, .. }) => assert_eq!(rule, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }

    fn number(&self) -> Result<u64, NoList> {
        self.trust.current(now()).map(|issuers| issuers.number)
    }

    async fn end(self) {
        self.server.stop().await;
        std::fs::remove_dir_all(self.folder).unwrap();
    }
}

#[actix_web::test]
async fn a_list_is_taken_its_changes_told_and_kept_over_a_restart() {
    let bench = Bench::start("trust-good");
    assert_eq!(bench.number(), Err(NoList::None));
    let told = bench.renew(draft(5, 3).signed(&SIGNER)).await.unwrap();
    assert!(told.len() == 3 && told.iter().all(|line| line.starts_with("added ")), "{told:?}");
    let mut next = draft(6, 4);
    next.services[0].status = "deprecatedatnationallevel";
    next.services[1].name = "Issuer two".into();
    let told = bench.renew(next.signed(&SIGNER)).await.unwrap();
    let has = |kind: &str, name: &str| told.iter().any(|line| line.starts_with(kind) && line.ends_with(name));
    assert!(told.len() == 3 && has("removed ", " Issuer 1"), "{told:?}");
    assert!(has("changed name ", " Issuer two") && has("added ", " Issuer 4"), "{told:?}");
    let names = |trust: &Trust| -> Vec<_> {
        trust.current(now()).unwrap().all.iter().map(|i| i.name.clone()).collect()
    };
    assert_eq!(
        names(&bench.trust),
        ["Issuer two", "Issuer 3", "Issuer 4"],
        "a withdrawn issuer's cards open nothing"
    );
    assert_eq!(names(&bench.again()), names(&bench.trust));
    bench.end().await;
}

#[actix_web::test]
async fn what_does_not_hold_leaves_the_last_good_list_in_force() {
    let bench = Bench::start("trust-bad");
    bench.renew(draft(5, 3).signed(&SIGNER)).await.unwrap();
    let next = draft(6, 3).signed(&SIGNER);
    bench.refused(next.replace("Issuer 1", "Issuer 9"), "signature", false).await;
    bench.refused(draft(6, 3).signed(&STRANGER), "signer", true).await;
    bench.refused(next[..next.len() / 2].to_owned(), "well-formed", true).await;
    bench
        .refused(
            Draft { next_update: "2026-11-20T00:00:00Z".into(), ..draft(6, 3) }.signed(&SIGNER),
            "expired",
            true,
        )
        .await;
    for answers in
        [Answers::Status(503), Answers::Elsewhere, Answers::With(" ".repeat(TrustList::LONGEST + 1))]
    {
        bench.server.serve(answers);
        let failure = bench.trust.registry.renew(now(), true).await.unwrap_err();
        assert!(matches!(failure, Failure::Unreachable(_)), "{failure}");
    }
    assert!(!bench.trust.refresh(), "nothing was written");
    assert_eq!((bench.number(), bench.again().current(now()).unwrap().number), (Ok(5), 5));
    bench.end().await;
}

#[actix_web::test]
async fn the_number_never_goes_back_not_even_by_the_operators_word() {
    let bench = Bench::start("trust-number");
    let old = draft(5, 3).signed(&SIGNER);
    bench.renew(old.clone()).await.unwrap();
    bench.renew(draft(7, 3).signed(&SIGNER)).await.unwrap();
    for accept in [false, true] {
        bench.refused(old.clone(), "number", accept).await;
        bench.refused(draft(6, 4).signed(&SIGNER), "number", accept).await;
        bench.refused(draft(7, 4).signed(&SIGNER), "number", accept).await;
    }
    let earlier = Draft { issued: "2026-10-31T10:00:00Z".into(), ..draft(8, 3) }.signed(&SIGNER);
    bench.refused(earlier, "roll-back", false).await;
    // Nor when what was known is lost: the list in force says its own number.
    std::fs::write(bench.folder.join("trust/status.json"), "{").unwrap();
    bench.refused(draft(6, 3).signed(&SIGNER), "number", true).await;
    bench.refused(draft(8, 3).signed(&SIGNER), "memory-lost", false).await;
    bench.trust.registry.renew(now(), true).await.unwrap();
    assert!(bench.trust.refresh() && bench.number() == Ok(8));
    bench.end().await;
}

#[actix_web::test]
async fn one_issuer_that_vanishes_is_believed_and_most_of_them_wait_for_the_operator() {
    let bench = Bench::start("trust-shrunk");
    bench.renew(draft(1, 5).signed(&SIGNER)).await.unwrap();
    let told = bench.renew(draft(2, 4).signed(&SIGNER)).await.unwrap();
    assert!(told.len() == 1 && told[0].ends_with("Issuer 5"), "{told:?}");
    bench.refused(draft(3, 1).signed(&SIGNER), "shrunk", false).await;
    let (changes, doubt) = bench.trust.registry.preview(now()).await.unwrap();
    assert!(changes.len() == 3 && doubt.unwrap().to_string().contains("3 of 4 issuers"));
    assert_eq!(bench.trust.current(now()).unwrap().all.len(), 4, "a look changes nothing");
    bench.trust.registry.renew(now(), true).await.unwrap();
    assert!(bench.trust.refresh());
    assert_eq!(bench.trust.current(now()).unwrap().all.len(), 1);
    bench.end().await;
}

#[actix_web::test]
async fn a_list_that_is_over_recognises_nobody() {
    let bench = Bench::start("trust-over");
    bench.renew(draft(1, 2).signed(&SIGNER)).await.unwrap();
    let since: Timestamp = "2027-05-01T10:00:00Z".parse().unwrap();
    let grace = bench.settings.grace();
    let at = |at: Timestamp| bench.trust.current(at).map(|issuers| issuers.all.len());
    assert_eq!(at(since + grace - SignedDuration::from_secs(1)), Ok(2));
    assert_eq!(at(since + grace), Err(NoList::Expired { since }));
    assert_eq!(bench.again().current(since + grace).unwrap_err(), NoList::Expired { since });
    let strict = TrustSettings { trust_list_grace: Some(0), ..bench.settings.clone() };
    let strict = Trust::load("hub.toml".as_ref(), &strict, &bench.folder).unwrap();
    assert_eq!(strict.current(since).unwrap_err(), NoList::Expired { since });
    bench.end().await;
}

#[actix_web::test]
async fn an_issuer_is_recognised_from_its_day_on() {
    let bench = Bench::start("trust-since");
    let mut draft = draft(1, 3);
    draft.services[1].since = "2026-12-01T00:00:00Z";
    bench.renew(draft.signed(&SIGNER)).await.unwrap();
    let at = |at: &str| bench.trust.current(at.parse().unwrap()).unwrap().all.len();
    assert_eq!((at("2026-11-30T23:59:59Z"), at("2026-12-01T00:00:00Z")), (2, 3));
    bench.end().await;
}

#[actix_web::test]
async fn a_list_changed_on_the_disk_is_not_believed_and_is_replaced() {
    let bench = Bench::start("trust-disk");
    let good = draft(1, 2).signed(&SIGNER);
    bench.renew(good.clone()).await.unwrap();
    let file = bench.trust.registry.kept().file();
    let changed = std::fs::read_to_string(&file).unwrap().replace("Issuer 1", "Issuer 100");
    std::fs::write(&file, changed).unwrap();
    assert!(bench.trust.refresh());
    let names = |issuers: &Issuers| issuers.all.iter().any(|issuer| issuer.name == "Issuer 100");
    assert!(!names(&bench.trust.current(now()).unwrap()), "what was verified before goes on");
    assert_eq!(bench.again().current(now()).unwrap_err(), NoList::None);
    std::fs::remove_file(&file).unwrap();
    assert!(bench.trust.refresh());
    assert_eq!(bench.number(), Ok(1));
    let since: Timestamp = "2027-05-01T10:00:00Z".parse().unwrap();
    let over = bench.trust.current(since + bench.settings.grace()).unwrap_err();
    assert_eq!(over, NoList::Expired { since }, "but not longer than it would have");
    bench.renew(good).await.unwrap();
    assert_eq!((bench.number(), bench.again().current(now()).unwrap().number), (Ok(1), 1));
    bench.end().await;
}

/// A list of this month, whenever the test runs: a hub that runs reads the clock.
fn recent(number: u64, issuers: usize) -> Draft {
    Draft { issued: day(-20), next_update: day(90), ..draft(number, issuers) }
}

fn day(days: i64) -> String {
    let at = crate::app::now() + SignedDuration::from_hours(24 * days);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Half a minute at most.
async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not within half a minute: {what}");
}

/// Its source confirmed the list just now, so that it would be asked again tomorrow.
#[actix_web::test]
async fn a_hub_that_starts_with_a_damaged_list_asks_at_once() {
    let bench = Bench::start("trust-damaged");
    bench.server.serve(Answers::With(recent(1, 2).signed(&SIGNER)));
    bench.trust.registry.renew(crate::app::now(), false).await.unwrap();
    std::fs::write(bench.trust.registry.kept().file(), "<x/>").unwrap();
    let trust = Arc::new(bench.again());
    assert_eq!(trust.current(crate::app::now()).unwrap_err(), NoList::None);
    let watching = actix_web::rt::spawn(watch(Arc::clone(&trust)));
    eventually("a good list", || trust.current(crate::app::now()).is_ok()).await;
    watching.abort();
    bench.end().await;
}

#[actix_web::test]
async fn a_hub_that_runs_goes_on_when_its_list_is_damaged_and_asks_at_once() {
    let bench = Bench::start("trust-goes-on");
    bench.server.serve(Answers::With(recent(1, 2).signed(&SIGNER)));
    bench.trust.registry.renew(crate::app::now(), false).await.unwrap();
    let trust = Arc::new(bench.again());
    let watching = actix_web::rt::spawn(watch(Arc::clone(&trust)));
    let file = bench.trust.registry.kept().file();
    for damage in ["<x/>", "", "<y/>"] {
        std::fs::write(&file, damage).unwrap();
        let status = || trust.registry.kept().status();
        eventually("the file is good again", || {
            assert_eq!(status().why, None, "{damage}");
            assert!(trust.current(crate::app::now()).is_ok(), "{damage}");
            matches!(trust.registry.kept().list(crate::app::now()), Ok(Some(_)))
        })
        .await;
    }
    watching.abort();
    bench.end().await;
}

/// A list that was changed, and one that is over, while a good one is in force: it stays, for a hub that runs and for one
/// that starts.
#[actix_web::test]
async fn a_hub_that_runs_stays_with_its_good_list() {
    let bench = Bench::start("trust-stays");
    let source = bench.folder.join("TSL-IT.xml");
    let settings =
        TrustSettings { trust_list: None, trust_list_file: Some(source.clone()), ..bench.settings.clone() };
    std::fs::write(&source, recent(1, 2).signed(&SIGNER)).unwrap();
    let trust = Arc::new(Trust::load("hub.toml".as_ref(), &settings, &bench.folder).unwrap());
    let watching = actix_web::rt::spawn(watch(Arc::clone(&trust)));
    let number = |trust: &Trust| trust.current(crate::app::now()).map(|issuers| issuers.number);
    eventually("the first list", || number(&trust) == Ok(1)).await;
    let over = Draft { issued: day(-100), next_update: day(-1), ..draft(3, 2) };
    let tampered = change(&recent(2, 2).signed(&SIGNER), "Issuer 2", "Issuer 3");
    for (failures, bad, rule) in [(1, tampered, "signature"), (2, over.signed(&SIGNER), "expired")] {
        std::fs::write(&source, bad).unwrap();
        eventually(rule, || trust.registry.kept().status().failures == failures).await;
        let why = trust.registry.kept().status().why.unwrap_or_default();
        assert!(why.contains(&format!("refused: {rule}: ")), "{why}");
        assert_eq!((number(&trust), number(&bench.again())), (Ok(1), Ok(1)), "{rule}");
    }
    std::fs::write(&source, recent(4, 3).signed(&SIGNER)).unwrap();
    eventually("the next good one", || number(&trust) == Ok(4)).await;
    watching.abort();
    bench.end().await;
}

#[actix_web::test]
async fn a_hub_that_runs_follows_a_file() {
    let bench = Bench::start("trust-file");
    let source = bench.folder.join("TSL-IT.xml");
    let settings =
        TrustSettings { trust_list: None, trust_list_file: Some(source.clone()), ..bench.settings.clone() };
    std::fs::write(&source, draft(1, 2).signed(&SIGNER)).unwrap();
    let trust = Arc::new(Trust::load("hub.toml".as_ref(), &settings, &bench.folder).unwrap());
    let watching = actix_web::rt::spawn(watch(Arc::clone(&trust)));
    for number in [1, 2] {
        let known = || trust.current(now()).is_ok_and(|issuers| issuers.number == number);
        for _ in 0..1200 {
            if known() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert!(known(), "{number}: {:?}", trust.registry.kept().status());
        std::fs::write(&source, draft(2, 3).signed(&SIGNER)).unwrap();
    }
    watching.abort();
    bench.end().await;
}

#[test]
fn the_settings_are_checked() {
    let folder = testing::folder("trust-settings");
    let said = |settings: &TrustSettings| {
        Trust::load("hub.toml".as_ref(), settings, &folder).unwrap_err().to_string()
    };
    let good = TrustSettings {
        trust_list: None,
        trust_list_ca: None,
        trust_list_file: None,
        signers: folder.join("signers"),
        trust_list_grace: None,
    };
    assert!(
        said(&good).contains("cns.signers: ") && said(&good).contains("certs/README.md"),
        "{}",
        said(&good)
    );
    std::fs::create_dir(folder.join("signers")).unwrap();
    assert!(said(&good).contains("no certificate in a *.pem"), "{}", said(&good));
    let pem = folder.join("signers/a.pem");
    std::fs::write(&pem, ISSUERS[0].to_pem().unwrap()).unwrap();
    assert!(said(&good).contains("no RSA key of 2048 bits"), "{}", said(&good));
    std::fs::write(&pem, SIGNER.certificate.to_pem().unwrap()).unwrap();
    assert!(Trust::load("hub.toml".as_ref(), &good, &folder).is_ok());
    let empty = folder.join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for (key, wrong) in [
        ("trust_list", TrustSettings { trust_list: Some("http://x.it/".parse().unwrap()), ..good.clone() }),
        (
            "trust_list_file",
            TrustSettings {
                trust_list: Some("https://x.it/".parse().unwrap()),
                trust_list_file: Some("x".into()),
                ..good.clone()
            },
        ),
        ("trust_list_grace", TrustSettings { trust_list_grace: Some(721), ..good.clone() }),
        ("trust_list_ca", TrustSettings { trust_list_ca: Some("/nonexistent".into()), ..good.clone() }),
        ("trust_list_ca", TrustSettings { trust_list_ca: Some(empty), ..good.clone() }),
    ] {
        assert!(said(&wrong).contains(&format!("cns.{key}: ")), "{}", said(&wrong));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_signer_for_development_is_refused_by_a_release() {
    let folder = testing::folder("trust-development");
    std::fs::write(folder.join("a.pem"), SIGNER.certificate.to_pem().unwrap()).unwrap();
    assert_eq!(crate::testing::trust::DEVELOPMENT, DEVELOPMENT);
    assert!(signers::load(&folder, true).is_ok());
    let why = signers::load(&folder, false).unwrap_err();
    assert!(why.contains("a.pem: a signer for development"), "{why}");
    let other = Signer::new("Italian Trusted List Management Office", (0, 1));
    std::fs::write(folder.join("a.pem"), other.certificate.to_pem().unwrap()).unwrap();
    assert!(signers::load(&folder, false).is_ok());
    std::fs::remove_dir_all(&folder).unwrap();
}
