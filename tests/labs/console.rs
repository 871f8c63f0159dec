//! Those who look after the log at the hub's console, from the office: each with their own role, each on record.

use crate::site::{Site, eventually, lab};
use std::{fs, path::Path, process::Command};
use varco_audit::{
    content::Body,
    holder::HolderKey,
    keys::KeyFolder,
    leaf::Leaf,
    opener::Opener,
    tlog::{Folder, NoteKey, Signed, Tiles},
};
use varco_tests::{
    idp::citizen::Citizen,
    lab::{
        lookup::{self, Case},
        plan,
    },
};

/// Who: auditor, approver, privacy officer, operator.
const PEOPLE: [&str; 4] = ["anna", "bruno", "franca", "carla"];

/// Every page, who may see it, and whether seeing it is an entry.
const PAGES: [(&str, [bool; 4], bool); 6] = [
    ("/integrity", [true, true, true, true], false),
    ("/sessions", [true, false, false, false], false),
    ("/search", [true, false, false, false], false),
    ("/cases", [true, true, true, false], true),
    ("/retention", [true, false, true, false], true),
    ("/looked", [true, false, true, false], true),
];

/// A page: its status and its text.
fn page(site: &Site, who: &str, words: &[&str]) -> (u16, String) {
    let mut command = lab(&["console", "--name", site.name(), "--citizen", who]);
    let out = command.args(words).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.success(), "{who} {words:?}: {}", String::from_utf8_lossy(&out.stderr));
    let (first, page) = text.split_once('\n').unwrap();
    (first.split(' ').next().unwrap().parse().unwrap(), page.to_owned())
}

/// What the hub's log says of views, as both officers together read it: by whom in which role, and what.
fn views(site: &Site) -> Vec<(String, String)> {
    let path = |name: &str| site.lab().path(name);
    let own = |name: &str| HolderKey::read(&path(&format!("officers/{name}.key"))).unwrap();
    let mut opener = Opener::new(KeyFolder::at(&path("ceremony")), vec![own("anna"), own("bruno")]);
    let key = NoteKey::parse(&fs::read_to_string(path("hub/log.key")).unwrap().into()).unwrap();
    let note = fs::read(path("hub/log/checkpoint")).unwrap();
    let signed = Signed::verify(&note, key.verifier()).unwrap();
    let mut tiles = Tiles::open(Folder::new(&path("hub/log")), &signed).unwrap();
    let mut seen = Vec::new();
    let read = tiles.leaves(0..signed.size, |_, entry| {
        let content = opener.open(&Leaf::read(entry).unwrap()).unwrap();
        if let Body::Viewed { roles, what, .. } = content.body {
            seen.push((roles.join(", "), what));
        }
    });
    read.unwrap();
    seen
}

/// One site for all of it: bringing one up is what takes the time.
#[test]
fn who_looks_after_the_log_does_so_from_the_office_and_is_on_record() {
    let site = Site::up_with(3, &["--timezone", "Pacific/Pago_Pago"]);
    nobody_else_comes_in(&site);
    let citizens = ["ada", "dario", "elena"];
    for (number, who) in (0..3).zip(citizens) {
        site.guest(number).citizen(who);
    }
    guests_reach_nothing(&site);
    each_in_their_role(&site);
    let case = a_case_is_asked_and_allowed(&site);
    the_sites_log_is_whole(&site);
    the_sessions_of_a_day(&site);
    let log = fs::read_to_string(site.state("logs/hub.log")).unwrap();
    for known in citizens.iter().chain(&PEOPLE).map(|who| Citizen::of(who).unwrap().fiscal_code()) {
        assert!(!log.contains(&known), "a log names a person");
    }
    let receipt = format!("/cases/{}/receipt", case.id);
    let looked = |what: &str| views(&site).iter().filter(|(_, seen)| seen == what).count();
    assert!(eventually(20, || looked(&receipt) == 1), "{:?}", views(&site));
}

fn nobody_else_comes_in(site: &Site) {
    let (status, refused) = page(site, "ada", &["/integrity"]);
    assert!(status == 403 && refused.contains("non vi ha assegnato un ruolo"), "{refused}");
}

/// The listener has an address of the office, which is closed to guests, with a pass too.
fn guests_reach_nothing(site: &Site) {
    let urls = [format!("https://{}/", plan::CONSOLE_NAME), format!("https://{}/", plan::CONSOLE)];
    let guest = site.guest(0);
    assert!(guest.is_online());
    for url in &urls {
        assert_eq!(guest.page(url), 0, "{url}");
    }
    assert!(!guest.pings(plan::CONSOLE));
    let answers = ["curl", "-s", "-m", "5", "-o", "/dev/null", &urls[0]];
    assert!(site.succeeds("office", &answers));
}

fn each_in_their_role(site: &Site) {
    let mut wanted = Vec::<(String, String)>::new();
    let month = site.run("office", &["env", "TZ=Europe/Rome", "date", "+?month=%Y-%m"]).stdout;
    let month = String::from_utf8(month).unwrap().trim().to_owned();
    for (n, (who, role)) in PEOPLE.into_iter().zip(["auditor", "approver", "privacy", "operator"]).enumerate()
    {
        for (path, may, recorded) in PAGES {
            let (status, text) = page(site, who, &[path]);
            assert_eq!(status, if may[n] { 200 } else { 403 }, "{who} {path}");
            assert!(may[n] || text.contains("Non è una pagina del vostro ruolo"), "{who} {path}: {text}");
            assert_eq!(text.contains(&format!("href=\"{path}\"")), may[n], "{who}: the menu has {path}");
            if may[n] && recorded {
                let query = if path == "/looked" { &month } else { "" };
                wanted.push((role.to_owned(), format!("{path}{query}")));
            }
        }
    }
    assert!(eventually(20, || views(site) == wanted), "{:?}", views(site));
}

/// From the documents that the officers have made at their machines to the receipt, and the answer that it opens.
fn a_case_is_asked_and_allowed(site: &Site) -> Case {
    let programs = Path::new(env!("CARGO_BIN_EXE_varco-lab")).parent().unwrap();
    let (address, port) = site.guest(0).tcp(crate::site::SERVER).unwrap();
    let port = port.to_string();
    let question = ["--ip", &address, "--port", &port, "--protocol", "tcp", "--at", &site.now()];
    let case = lookup::signed(&site.lab(), programs, &question).unwrap();
    let hands_in = |who: &str, half: &str, kind: &str| {
        let document = format!("file={}", case.file(kind));
        page(site, who, &["/cases", "--form", &format!("/cases/{half}"), "--set", &document])
    };
    assert_eq!(hands_in("bruno", "decision", "approval").0, 422, "it was not asked");
    let (status, asked) = hands_in("anna", "request", "request");
    assert!(status == 200 && asked.contains(&case.id), "{asked}");
    assert_eq!(hands_in("bruno", "decision", "approval").0, 200);
    let (_, shown) = page(site, "franca", &[&format!("/cases/{}", case.id)]);
    assert!(shown.contains("approvata") && !shown.contains(&address), "{shown}");
    let (status, receipt) = page(site, "anna", &[&format!("/cases/{}/receipt", case.id)]);
    assert!(status == 200 && receipt.starts_with("c2sp.org/tlog-proof@v1\n"), "{receipt}");
    the_sheet_says_who_vouches_for_the_log(site, &case, &address);
    fs::write(case.file("receipt"), receipt.trim_end_matches('\n').to_owned() + "\n").unwrap();
    let answered = site.answer("who", &case);
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    case
}

/// Its witness and the timestamp of a checkpoint that has the case, in both languages, as the auditor's program tells them.
fn the_sheet_says_who_vouches_for_the_log(site: &Site, case: &Case, address: &str) {
    let sheet = |lang: &str| {
        let (status, sheet) = page(site, "bruno", &[&format!("/cases/{}/sheet{lang}", case.id)]);
        assert!(status == 200 && sheet.contains(&case.hub_vkey) && !sheet.contains(address), "{sheet}");
        sheet
    };
    let config = site.state("config/hub.toml");
    let stamped = site.program("wan", "varco-hub", &["timestamp", "--config", &config]);
    assert!(stamped.status.success(), "{}", String::from_utf8_lossy(&stamped.stderr));
    let lines = [
        ("", "Ha firmato il", "non ha firmato questo checkpoint", "sul checkpoint di "),
        ("?lang=en", "Cosigned at", "has not cosigned this checkpoint", "on the checkpoint of "),
    ];
    for (lang, column, missing, on) in lines {
        let mut shown = String::new();
        let is_whole = eventually(15, || {
            shown = sheet(lang);
            shown.contains(column) && !shown.contains(missing) && shown.contains(on)
        });
        assert!(is_whole, "{shown}");
        let row = shown.split(plan::WITNESS_NAME).nth(1).unwrap_or_default();
        assert!(row.split("</tr>").next().is_some_and(|row| row.contains("202")), "{shown}");
        let size = shown.split(on).nth(1).and_then(|after| after.split(' ').next()).unwrap();
        let (log, tsa) = (site.state("hub/log"), site.state("tsa/ca.pem"));
        let [token, note] = ["tsr", "checkpoint"].map(|end| format!("{log}/timestamps/{size}.{end}"));
        let stamp = ["--tsa", &tsa, "--timestamp", &token, "--stamped", &note];
        let words = [&["verify", "--log", &log, "--vkey", &case.hub_vkey][..], &stamp].concat();
        let told = String::from_utf8(site.program("wan", "varco-audit", &words).stdout).unwrap();
        assert!(told.contains(&format!("timestamp  {size} entries existed at")), "{told}");
        assert!(shown.contains("Autorità di marcatura di prova"), "{shown}");
    }
}

fn the_sites_log_is_whole(site: &Site) {
    let row = || {
        let (_, table) = page(site, "carla", &["/integrity.csv"]);
        let begins = format!("{},", site.name());
        table.lines().find(|line| line.starts_with(&begins)).unwrap_or_default().to_owned()
    };
    let whole = || format!("{},integro,{},", site.name(), site.shipped()["acknowledged"]);
    assert!(eventually(30, || row().starts_with(&whole())), "{} {}", row(), whole());
}

/// The day is over, since the site is told another time zone: the gateway records its sums, and ships them.
fn the_sessions_of_a_day(site: &Site) {
    site.guest(0).log_out();
    let day = site.run("gateway", &["env", "TZ=Pacific/Pago_Pago", "date", "+%Y-%m-%d"]).stdout;
    let day = String::from_utf8(day).unwrap().trim().to_owned();
    let (_, before) = page(site, "anna", &["/sessions.csv"]);
    assert_eq!(before.trim().lines().count(), 1, "no day is over: {before}");
    let file = site.state("config/site.toml");
    let moved = fs::read_to_string(&file).unwrap().replace("Pacific/Pago_Pago", "Pacific/Kiritimati");
    fs::write(&file, moved).unwrap();
    let pid = site.status()["pids"]["gateway"].to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    let row = || {
        let (_, table) = page(site, "anna", &["/sessions.csv"]);
        table.lines().find(|line| line.starts_with(site.name())).unwrap_or_default().to_owned()
    };
    // Three began; that one logged out is less than what may be told.
    let sums = format!("{},{day},3,", site.name());
    assert!(eventually(60, || row().starts_with(&sums)), "{} for {sums}", row());
    assert!(!row().contains(",1,") && row().contains("meno di 3"), "{}", row());
    let (status, shown) = page(site, "anna", &["/sessions"]);
    assert!(status == 200 && shown.contains(&day), "{shown}");
    let (_, counts) = page(site, "anna", &["/counts.csv"]);
    assert!(counts.lines().any(|line| line.starts_with(site.name())), "{counts}");
}
