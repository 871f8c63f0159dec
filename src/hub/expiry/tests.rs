//! What two officers have signed takes effect in the copies of gateways' logs and in the index, by the program's own watch.

use super::*;
use crate::{
    index::tests::server::Cluster,
    lookup,
    mirror::tests::{GATEWAY, Gateway, ORIGIN, ship},
    testing::{Running, Site, eventually, log_keys},
};
use jiff::{SignedDuration, ToSpan as _, tz::TimeZone};
use std::path::Path;
use varco_audit::{
    both,
    class::Class,
    expiry::{Destroyed, Kept, Statement},
    holder::HolderKey,
    index::Span,
    seal::Role,
    tlog::{Files as _, Folder, prune},
    verify::{Asked, Problem, SILENCE, Whole, verify},
};

/// A gateway whose first 600 heartbeats are three years old.
fn gateway() -> Gateway {
    let began = app::now().to_zoned(TimeZone::UTC).checked_sub(3.years()).unwrap().timestamp();
    let mut gateway = Gateway::of(began);
    gateway.grow(700, "old");
    gateway
}

fn site(gateway: &Gateway, name: &str) -> Site {
    gateway.site(name).with_officers()
}

/// What both say at this time, with the hub's command at its socket.
fn submit_at(settings: &Path, time: Option<Timestamp>) -> anyhow::Result<()> {
    let destroyed =
        Destroyed { class: Class::R3, period: "2020-11-22".parse().unwrap(), keys: 2, early: false };
    let statement = Statement {
        at: app::now(),
        time,
        kept: Kept::default(),
        folders: vec!["/media/safe".into()],
        destroyed: vec![destroyed],
        holds: Vec::new(),
        reason: None,
    };
    let own = |role: Role| HolderKey::read(&log_keys().join(format!("{role}.key"))).unwrap();
    let signed = both::sign(&statement.text(), [&own(Role::Requester), &own(Role::Approver)]).unwrap();
    let file = settings.with_extension("expired");
    std::fs::write(&file, signed).unwrap();
    submit(settings, &file).map_err(|fault| anyhow::anyhow!("{fault:?}"))
}

/// Who looked and what was asked at these instants, in `hub.db`.
fn entered(hub: &Hub, at: &[Timestamp]) -> rusqlite::Connection {
    Views::open(hub).unwrap();
    let db = crate::database::connect(&hub.settings.state.join("hub.db")).unwrap();
    for (n, at) in (1_i64..).zip(at) {
        let view = "INSERT INTO viewed VALUES (?1, ?2, 'x', 'auditor', '/cases')";
        db.execute(view, (n, at.as_second())).unwrap();
        let case = "INSERT INTO lookup (id, question, requester, request) VALUES (?1, ?1, 'anna', '')";
        db.execute(case, [n.to_string()]).unwrap();
        let step = "INSERT INTO lookup_step VALUES (?1, 'asked', ?2, ?3)";
        db.execute(step, (n.to_string(), at.as_millisecond(), n)).unwrap();
    }
    db
}

/// As long as entries of class R4 are kept by the hub's settings, and by no clock alone.
#[test]
fn views_and_cases_go_with_their_class_at_a_confirmed_time() {
    let site = site(&gateway(), "expiry-rows");
    site.change("[log]\n", "[log]\nretention = { R4 = \"6 months\" }\n");
    let (hub, now) = (site.hub(), app::now());
    let back = |months: i64| now.to_zoned(TimeZone::UTC).checked_sub(months.months()).unwrap().timestamp();
    let db = entered(&hub, &[back(20), back(7), back(5), now]);
    let left = || {
        let count = |table: &str| {
            db.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get::<_, i64>(0))
        };
        ["viewed", "lookup", "lookup_step"].map(|table| count(table).unwrap())
    };
    // A clock that is three years ahead, and nobody else says so.
    let ahead = now.to_zoned(TimeZone::UTC).checked_add(3.years()).unwrap().timestamp();
    look(&hub, ahead).unwrap();
    assert_eq!(left(), [4; 3]);
    // A provider's answer is of a year ago: what was over then goes, whatever the clock says.
    let login = |at: Timestamp| {
        let change = "UPDATE authentication SET at = ?1, response_issued = ?1";
        db.execute(change, [at.as_second()]).unwrap();
    };
    crate::register::tests::enter_somebody(&hub.register);
    login(back(12));
    look(&hub, ahead).unwrap();
    assert_eq!(left(), [3; 3]);
    login(now);
    look(&hub, ahead).unwrap();
    assert_eq!(left(), [2; 3], "nothing came that would have removed them");
}

fn verified(hub: &Hub, copy: &Path, key: &varco_audit::tlog::VerifierKey) -> Result<Whole, Problem> {
    let files = Folder::new(copy);
    let asked = Asked {
        key: key.clone(),
        seen: Vec::new(),
        witnesses: vec![hub.mirrors.vkey().clone()],
        site: None,
        expired: 0,
        keepers: vec![hub.log.key().clone()],
        silence: SILENCE,
    };
    verify(&files, &files.paths().unwrap(), &asked)
}

fn rows(hub: &Hub) -> u64 {
    let counts = hub.index.with(|rows| rows.counts(ORIGIN, Span::ALL)).unwrap();
    counts.iter().map(|count| count.leaves).sum()
}

/// The same index in a server: what is over is in no dump of it.
#[actix_web::test]
async fn what_is_pruned_is_in_no_dump_of_postgresql() {
    let mut cluster = Cluster::make();
    cluster.start();
    let gateway = gateway();
    let site = site(&gateway, "expiry-postgres");
    let index = format!("[index]\nkind = \"postgres\"\nurl = {:?}\n", cluster.socket_url());
    site.change("[index]\nkind = \"sqlite\"\n", &index);
    let hub = Running::with(site).await;
    ship(&hub, &gateway, 0).await;
    // The server is spoken to by threads that may wait.
    let counted = || {
        let hub = hub.hub.clone();
        async { web::block(move || rows(&hub)).await.unwrap() }
    };
    assert!(eventually(async || counted().await == 700).await, "{}", counted().await);
    // The instants of the first two bundles, in milliseconds, as rows have them.
    let known: Vec<_> =
        (0..512).map(|n| (gateway.began.as_second() + n) * 1000).map(|at| at.to_string()).collect();
    let dumped = || {
        let dump = cluster.dump();
        known.iter().filter(|known| dump.contains(known.as_str())).count()
    };
    assert_eq!(dumped(), 512, "the search finds what is there");
    let of = hub.hub.clone();
    web::block(move || copies(&of, &Terms::at(app::now(), of.kept)).unwrap()).await.unwrap();
    assert_eq!((dumped(), counted().await), (0, 700 - 512));
    hub.stop().await;
}

#[actix_web::test]
async fn a_statement_of_both_prunes_the_copies_and_the_gateway_goes_on() {
    let mut gateway = gateway();
    let hub = Running::with(site(&gateway, "expiry-copies")).await;
    ship(&hub, &gateway, 0).await;
    let (key, copy) = hub.hub.mirrors.of(GATEWAY).map(|(key, copy)| (key.clone(), copy.to_owned())).unwrap();
    assert!(eventually(async || rows(&hub.hub) == 700).await);
    lookup::serve(hub.hub.clone().into_inner()).unwrap();
    let watch = actix_web::rt::spawn(watch(hub.hub.clone()));
    // The watch's first look is at the start: nobody but the clock says what time it is. Nor do two officers without a proof.
    let submitted = |time| {
        let file = hub.site.file.clone();
        web::block(move || submit_at(&file, time))
    };
    submitted(None).await.unwrap().unwrap();
    actix_web::rt::time::sleep(Duration::from_millis(500)).await;
    // Nor do they for a time that is to come.
    let ahead = app::now().saturating_add(SignedDuration::from_hours(1)).unwrap();
    assert!(submitted(Some(ahead)).await.unwrap().is_err());
    assert_eq!((prune::minimum(&Folder::new(&copy)), rows(&hub.hub)), (0, 700));
    // An hour ago it was late enough.
    let ago = app::now().saturating_sub(SignedDuration::from_hours(1)).unwrap();
    submitted(Some(ago)).await.unwrap().unwrap();
    assert!(eventually(async || rows(&hub.hub) == 700 - 512).await, "{}", rows(&hub.hub));
    assert_eq!(prune::minimum(&Folder::new(&copy)), 512);
    let left: Vec<_> = std::fs::read_dir(copy.join("tile/entries")).unwrap().flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(verified(&hub.hub, &copy, &key).unwrap().gone, 512);
    let pruned = Folder::new(&copy).read(prune::PRUNED).unwrap();
    assert!(prune::Pruned::verify(&pruned, ORIGIN, [hub.hub.log.key()]).is_ok(), "the hub's log key says so");
    // The gateway ships more.
    gateway.grow(1000, "old");
    ship(&hub, &gateway, 700).await;
    submitted(Some(app::now())).await.unwrap().unwrap();
    assert!(eventually(async || rows(&hub.hub) == 1000 - 768).await, "{}", rows(&hub.hub));
    assert_eq!(verified(&hub.hub, &copy, &key).unwrap().gone, 768);
    watch.abort();
    hub.stop().await;
}
