//! A gateway's log, as its copy here tells of it.

use super::*;
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use std::path::Path;
use varco_audit::{
    Clock,
    content::Content,
    leaf::{Header, Mark, join},
    tlog::{Log, NoteKey},
};
use varco_policy::pass::EndCause;

const ORIGIN: &str = "accesso.comune.example.it/log/biblioteca-civica";

/// The log of a gateway as its copy here has it: sums of yesterday, a difference that was found, and silence since.
fn copied(folder: &Path, key: NoteKey, yesterday: Date) {
    let ago = |minutes| app::now().checked_sub(SignedDuration::from_mins(minutes)).unwrap();
    let ended = [(EndCause::LoggedOut, 4), (EndCause::Expired, 1)].into();
    let bodies = [
        (ago(90), Body::Heartbeat { open: 5, clock: Clock::Unknown }, Mark::None),
        (ago(60), Body::Day { day: yesterday, began: 5, ended }, Mark::Day),
        (ago(40), Body::Reconciled { missing: 1, unknown: 0 }, Mark::None),
        (ago(40), Body::Heartbeat { open: 5, clock: Clock::Unknown }, Mark::None),
    ];
    let leaf = |(n, (at, body, mark)): (usize, (Timestamp, Body, Mark))| {
        let class = body.class();
        let site = "biblioteca-civica".to_owned();
        let header = Header { class, site, sequence: n as u64, at, period: None, mark };
        join(&header.to_string(), &serde_json::to_vec(&Content { body, clock: None }).unwrap())
    };
    let leaves: Vec<_> = bodies.into_iter().enumerate().map(leaf).collect();
    Log::open(folder, ORIGIN, key).unwrap().integrate(0, &leaves).unwrap();
}

/// The copy's own files are what the pages read: what is wrong with them is said by name.
#[actix_web::test]
async fn sums_and_alarms_come_by_the_copy() {
    let site = Site::make("console-copy");
    let key = NoteKey::load_or_make(&site.folder.join("gateway.key"), ORIGIN).unwrap();
    let line = format!("client_id = \"biblioteca-civica\"\nlog_key = \"{}\"", key.vkey());
    site.change("client_id = \"biblioteca-civica\"", &line);
    let (hub, idp) = start_with(site).await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let row =
        |page: &str| page.lines().find(|line| line.starts_with("biblioteca")).unwrap_or_default().to_owned();
    assert_eq!(status(&mut anna, "/sessions").await, 200, "nothing ever came");
    assert_eq!(status(&mut anna, "/search?log=biblioteca-civica").await, 200);
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert!(row(&integrity).starts_with("biblioteca-civica,mai inviato,nessuno,"), "{integrity}");

    let folder = crate::mirror::folder(&hub.site.folder.join("state"), ORIGIN);
    let zone = TimeZone::get("Europe/Rome").unwrap();
    let yesterday = app::now().to_zoned(zone).date().yesterday().unwrap();
    copied(&folder, key, yesterday);
    hub.hub.follow.copied(ORIGIN, &(0..4));
    let sums = format!("biblioteca-civica,{yesterday},5,");
    let page = once(&mut anna, "/sessions.csv", |page| !row(page).is_empty()).await;
    // Four logged out; one whose time was over is too few to be told.
    assert!(
        row(&page).starts_with(&sums) && row(&page).contains(",4,") && !row(&page).contains(",1,"),
        "{page}"
    );
    let counts = anna.get("/counts.csv").await.text().await.unwrap();
    assert!(counts.contains(",1,3\r\n") || counts.contains(",1,2\r\n"), "{counts}");
    let shown = anna.get("/sessions").await.text().await.unwrap();
    assert!(shown.contains("meno di 3") && shown.contains(&yesterday.to_string()), "{shown}");

    // The sums of a day are clear, whatever they are: nothing of them but the header is to be had.
    let entry = anna.get("/entry/biblioteca-civica/1").await.text().await.unwrap();
    assert!(!entry.contains("/proof") && entry.contains("non c'è una prova"), "{entry}");
    let proofs = [0, 1, 2].map(|n| format!("/entry/biblioteca-civica/{n}/proof"));
    for (proof, expected) in proofs.iter().zip([200, 404, 200]) {
        assert_eq!(status(&mut anna, proof).await, expected, "{proof}");
    }

    let alarms = |page: &str| row(page).split(',').nth(1).unwrap_or_default().to_owned();
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert_eq!(alarms(&integrity), "silenzio; differenze", "{integrity}");
    std::fs::create_dir(folder.join("forked")).unwrap();
    let old = app::now().checked_sub(SignedDuration::from_hours(2)).unwrap();
    std::fs::File::options()
        .append(true)
        .open(folder.join("checkpoint"))
        .unwrap()
        .set_modified(old.into())
        .unwrap();
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert_eq!(alarms(&integrity), "due versioni; invio fermo; silenzio; differenze", "{integrity}");
    let page = anna.get("/integrity").await.text().await.unwrap();
    assert!(page.contains("Conservate entrambe le versioni") && page.contains("role=\"alert\""), "{page}");
    let tile = folder.join("tile/0/000.p/4");
    let mut octets = std::fs::read(&tile).unwrap();
    octets[0] ^= 1;
    std::fs::write(&tile, octets).unwrap();
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert!(alarms(&integrity).starts_with("danneggiato; due versioni"), "{integrity}");
    hub.stop().await;
}
