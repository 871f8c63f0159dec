//! Smart cards at a site: whatever reads a good one leads online, and nothing that is not good opens the gate.

use crate::site::{Guest, Site, eventually, lab};
use std::{fs, process::Output};
use varco_tests::cns::{Card, Certifier, trust::List};

/// Where the hub asks for cards.
const CARDS: &str = "https://tessera.varco.test";

/// A guest logs in with a card.
fn shows(guest: &Guest<'_>, card: &str, more: &[&str]) -> Output {
    let number = guest.number.to_string();
    let mut command = lab(&["login", "--name", guest.site.name(), "--guest", &number, "--card", card]);
    command.args(more).output().unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// The title of a page of the hub about cards.
fn title(page: &str) -> String {
    let words: toml::Table = include_str!("../../templates/text/it/card.toml").parse().unwrap();
    words[page]["title"].as_str().unwrap().to_owned()
}

/// Whom the site knows the passes' holders as.
fn subjects(site: &Site) -> Vec<String> {
    let file = site.state("gateway/site.db");
    let database =
        rusqlite::Connection::open_with_flags(file, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut passes = database.prepare("SELECT body FROM pass").unwrap();
    let bodies = passes.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let subject = |body: rusqlite::Result<String>| {
        let pass: serde_json::Value = serde_json::from_str(&body.unwrap()).unwrap();
        pass["subject"].to_string()
    };
    bodies.map(subject).collect()
}

/// One site for everything about cards: bringing one up is what takes the time.
#[test]
fn good_cards_lead_online_and_nothing_else_opens_the_gate() {
    let site = Site::up(4);
    let stranger = site.guest(3).leased();
    nothing_bad_opens(&stranger);
    what_the_device_refuses(&stranger);
    whoever_reads_it(&site);
    one_person_is_one_person(&site);
    an_administrator_enters(&site);
    nobody_answers(&stranger);
    no_list(&stranger);
    assert!(!stranger.is_online());
    let log = fs::read_to_string(site.state("logs/hub.log")).unwrap();
    assert!(!log.contains("X000") && !log.contains("742000999999"), "a log names a person or a card");
}

fn refused(guest: &Guest<'_>, card: &str, page: &str, more: &[&str]) {
    let out = shows(guest, card, more);
    let said = text(&out);
    assert!(!out.status.success() && !guest.is_online(), "{card}: {said}");
    assert!(said.contains(CARDS) && said.contains(&title(page)), "{card} wants {page}: {said}");
}

fn nothing_bad_opens(stranger: &Guest<'_>) {
    for card in Card::ALL {
        if let Some(page) = card.page() {
            refused(stranger, card.name(), page, &[]);
        }
    }
    // Three cards have one page, since a citizen can do the same about each: the log says which it was.
    let log = fs::read_to_string(stranger.site.state("logs/hub.log")).unwrap();
    for rules in [&[" silence: "][..], &[" replay: "], &[" signer: ", " signature: "]] {
        assert!(rules.iter().any(|rule| log.contains(rule)), "{rules:?}: {log}");
    }
    refused(stranger, "none", "no_card", &["--reader", "chromium"]);
}

/// Without a page of its own: TLS itself says no, or the device does.
fn what_the_device_refuses(stranger: &Guest<'_>) {
    let site = stranger.site;
    let path = |end: &str| site.state(&format!("cns/cards/good.{end}"));
    let card = ["--cert", &path("pem"), "--key", &path("key")];
    let curl = |more: &[&str]| {
        let words = [&["curl", "-sS", "-m", "10", "-o", "/dev/null"], &card[..], more].concat();
        stranger.run(&words)
    };
    let url = format!("{CARDS}/health");
    assert!(curl(&["--tls-max", "1.2", &url]).status.success());
    // RFC 5246 7.2.2: protocol_version (70).
    let newer = curl(&["--tlsv1.3", &url]);
    assert!(newer.status.code() == Some(35) && text(&newer).contains("protocol version"), "{}", text(&newer));
    for reader in ["curl", "openssl"] {
        let out = shows(stranger, "good", &["--reader", reader, "--pin", "00000000"]);
        let said = text(&out);
        assert!(!out.status.success() && !stranger.is_online(), "{reader}: {said}");
        assert!(said.contains("Login to token failed"), "{reader}: {said}");
    }
}

fn whoever_reads_it(site: &Site) {
    for (number, card, reader) in
        [(0, "good", "curl"), (1, "by-list", "openssl"), (2, "fallback", "chromium"), (3, "cie", "file")]
    {
        let guest = site.guest(number);
        let out = shows(&guest, card, &["--reader", reader]);
        assert!(out.status.success() && guest.is_online(), "{reader}: {}", text(&out));
        assert!(guest.tcp(crate::site::SERVER).is_some(), "{reader}");
    }
    site.guest(3).log_out();
}

/// Whichever way they log in.
fn one_person_is_one_person(site: &Site) {
    let before = subjects(site);
    site.guest(1).log_out();
    let ada = site.guest(1).citizen("ada");
    assert!(ada.is_online());
    let after = subjects(site);
    assert_eq!((before.len(), after.len()), (3, 3));
    let twice = after.iter().filter(|one| after.iter().filter(|other| other == one).count() == 2).count();
    assert_eq!(twice, 2, "ada by card and ada by SPID: {after:?}");
}

/// A card counts for what SPID's second level does.
fn an_administrator_enters(site: &Site) {
    let sent = |card| lab(&["office", "--name", site.name(), "--card", card]).output().unwrap();
    let carla = sent("cie");
    assert!(carla.status.success() && text(&carla).contains("guest.down.ceiling"), "{}", text(&carla));
    let ada = sent("good");
    assert!(!ada.status.success() && text(&ada).contains("Non tra gli amministratori"), "{}", text(&ada));
}

/// Changes the hub's settings and files while it rests after its end.
fn changed(site: &Site, change: impl FnOnce()) {
    let killed = site.kill_nine("hub");
    change();
    let url = format!("{CARDS}/health");
    assert!(site.recovered("hub", killed));
    assert!(eventually(20, || site.succeeds("office", &["curl", "-sf", "-m", "3", "-o", "/dev/null", &url])));
}

/// A list that was changed, or is over, is none. The hub remembers no better one here.
fn no_list(stranger: &Guest<'_>) {
    let site = stranger.site;
    let certifier = Certifier::open(site.state("cns").as_ref());
    for (number, list) in [(2, List::Tampered), (3, List::Expired)] {
        changed(site, || {
            fs::remove_dir_all(site.state("hub/trust")).unwrap();
            certifier.publish(list, number).unwrap();
        });
        refused(stranger, "good", "no_list", &[]);
        let log = fs::read_to_string(site.state("logs/hub.log")).unwrap();
        assert!(log.contains(if list == List::Tampered {
            "list was changed"
        } else {
            "next update was due"
        }));
    }
    certifier.publish(List::Good, 4).unwrap();
    assert!(eventually(30, || shows(stranger, "good", &[]).status.success()), "a good list is taken again");
    stranger.log_out();
}

/// The hard policy is tried with all the others.
fn nobody_answers(stranger: &Guest<'_>) {
    let (site, file) = (stranger.site, stranger.site.state("config/hub.toml"));
    let hard = fs::read_to_string(&file).unwrap();
    let soft = hard.replace("[cns]\n", "[cns]\nrevocation = \"soft\"\n");
    assert_ne!(hard, soft);
    changed(site, || fs::write(&file, soft).unwrap());
    refused(stranger, "revoked-by-ocsp", "revoked", &[]);
    let out = shows(stranger, "ocsp-down", &[]);
    assert!(out.status.success() && stranger.is_online(), "{}", text(&out));
    let log = fs::read_to_string(site.state("logs/hub.log")).unwrap();
    assert!(log.contains("nobody says whether a card is revoked; the settings let it in"));
    stranger.log_out();
    changed(site, || fs::write(&file, hard).unwrap());
}
