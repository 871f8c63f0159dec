//! The register on a real file: what is sealed, what expires, what an older version left, what a full disk does.

mod entries;
mod older;
mod single_logout;

use super::*;
use crate::register::{expire::Destroyed, keys::Held};
use jiff::Timestamp;

const NOW: i64 = 1_800_000_000;
const RITA: &str = "TINIT-RSSRTI80A41L219X";
const LUCA: &str = "TINIT-BNCLCU90A01L219X";

fn register(folder: &Path) -> Register {
    open(folder).unwrap()
}

fn open(folder: &Path) -> Result<Register, RegisterError> {
    let file = folder.join("hub.db");
    Register::open(&file, sealer(folder), crate::log::tests::journal(&file))
}

fn sealer(folder: &Path) -> Sealer {
    Sealer::new(&[7; 32], folder.join("keys")).unwrap()
}

fn login() -> Authentication<'static> {
    Authentication {
        at: NOW,
        way: "spid",
        body: "",
        request_id: "_q",
        request_issued: NOW - 60,
        response_id: "_r",
        response_issued: NOW - 1,
        response_issuer: "https://idp.example",
        assertion_id: "_a",
        name_id: "_n",
        name_qualifier: "https://idp.example",
        session_index: Some("_s"),
        level: 1,
        evidence: Evidence::Messages {
            request: "<AuthnRequest/>",
            response: "<Response>TINIT-RSSRTI80A41L219X</Response>",
        },
        client_id: Some("biblioteca"),
    }
}

/// Writes a login and returns the person's random id.
fn enter(register: &Register, login: &Authentication<'_>, person: &str) -> String {
    let mut seen = String::new();
    let entered = register.record(login, person, |id| {
        seen = id.to_owned();
        Some(format!("subject of {id}"))
    });
    entered.unwrap().unwrap();
    seen
}

/// A login of somebody, for tests of other parts.
pub fn enter_somebody(register: &Register) {
    enter(register, &login(), RITA);
}

fn count(register: &Register, table: &str) -> i64 {
    register.db().query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn pair(register: &Register, request_id: &str) -> Vec<u8> {
    let query = "SELECT pair FROM authentication WHERE request_id = ?1";
    register.db().query_row(query, [request_id], |row| row.get(0)).unwrap()
}

/// Whether any file of the folder, below too, holds these bytes.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, bytes);
        }
        std::fs::read(path).unwrap().windows(bytes.len()).any(|window| window == bytes)
    })
}

#[test]
fn a_person_keeps_the_same_random_id_and_each_login_has_its_own_sid() {
    let folder = crate::testing::folder("register");
    let id = enter(&register(&folder), &login(), RITA);
    assert_eq!(enter(&register(&folder), &Authentication { at: NOW + 9, ..login() }, RITA), id);
    assert_ne!(enter(&register(&folder), &login(), LUCA), id);
    let sid =
        |register: &Register| register.record(&login(), RITA, |_| Some("s".into())).unwrap().unwrap().sid;
    let register = register(&folder);
    let (one, other) = (sid(&register), sid(&register));
    assert_eq!(one.len(), 22, "128 bits");
    assert_ne!(one, other);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_in_the_files_says_who_it_is_and_only_the_months_key_opens() {
    let folder = crate::testing::folder("register-sealed");
    enter(&register(&folder), &login(), RITA);
    assert!(!holds(&folder, b"RSSRTI80A41L219X"));
    let register = register(&folder);
    let month = Month::of(NOW);
    let private = register.sealer.months.private(month).unwrap().unwrap();
    let sealed = pair(&register, "_q");
    let text = String::from_utf8(seal::open(&private, month, "pair:_q", &sealed).unwrap()).unwrap();
    assert!(text.contains("<AuthnRequest/>") && text.contains(RITA));
    let closed = Err(seal::SealError::Closed);
    assert_eq!(seal::open(&private, month, "pair:_other", &sealed), closed, "another row");
    assert_eq!(seal::open(&private, "2027-02".parse().unwrap(), "pair:_q", &sealed), closed, "another month");
    assert_eq!(seal::open(&seal::fresh_private().unwrap(), month, "pair:_q", &sealed), closed, "another key");
    for at in [0, 1, 32, 33, sealed.len() - 1] {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert_eq!(seal::open(&private, month, "pair:_q", &changed), closed, "octet {at}");
    }
    assert_eq!(sealed[0], 2, "the first octet names the method");
    std::fs::remove_dir_all(folder).unwrap();
}

/// A login of nobody's gateway: recorded, without a session.
#[test]
fn a_login_that_no_gateway_asked_for_leaves_no_session() {
    let folder = crate::testing::folder("register-plain");
    let register = register(&folder);
    let entered = register.record(&Authentication { client_id: None, ..login() }, RITA, |_| Some("s".into()));
    assert!(entered.unwrap().is_none());
    assert_eq!((count(&register, "authentication"), count(&register, "session")), (1, 0));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_write_waits_for_the_disk_and_what_goes_is_overwritten() {
    let folder = crate::testing::folder("register-sync");
    let register = register(&folder);
    let pragma = |name| register.db().pragma_query_value::<i64, _>(None, name, |row| row.get(0)).unwrap();
    assert_eq!((pragma("synchronous"), pragma("secure_delete")), (2, 1), "FULL, on");
    std::fs::remove_dir_all(folder).unwrap();
}

/// SECURITY.md R8.
#[test]
fn a_full_disk_refuses_the_login_and_loses_nothing() {
    let folder = crate::testing::folder("register-full");
    let register = register(&folder);
    enter(&register, &login(), RITA);
    let pages: i64 = register.db().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    register.db().pragma_update(None, "max_page_count", pages).unwrap();
    let long = "x".repeat(100_000);
    let evidence = Evidence::Messages { request: "", response: &long };
    let large = Authentication { request_id: "_q2", evidence, ..login() };
    let refused = register.record(&large, LUCA, |_| Some("s".into()));
    assert!(matches!(refused, Err(RegisterError::Database(_))));
    assert_eq!((count(&register, "authentication"), count(&register, "person")), (1, 1), "all or nothing");
    assert_eq!(count(&register, "session"), 1);
    register.db().pragma_update(None, "max_page_count", pages * 1000).unwrap();
    enter(&register, &large, LUCA);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_locked_database_refuses_and_goes_on_afterwards() {
    let folder = crate::testing::folder("register-locked");
    let register = register(&folder);
    register.db().busy_timeout(std::time::Duration::from_millis(10)).unwrap();
    let other = Connection::open(folder.join("hub.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(register.record(&login(), RITA, |_| None).is_err());
    other.execute_batch("COMMIT").unwrap();
    enter(&register, &login(), RITA);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Without a key for the month nothing is written: it could not be kept from being read.
#[test]
fn a_month_without_a_key_refuses_the_login() {
    let folder = crate::testing::folder("register-no-key");
    let register = register(&folder);
    std::fs::create_dir_all(folder.join("keys")).unwrap();
    std::fs::write(folder.join("keys/2027-01.pub"), b"short").unwrap();
    let refused = register.record(&login(), RITA, |_| None);
    assert!(matches!(refused, Err(RegisterError::Key(_))), "{}", refused.is_ok());
    assert_eq!((count(&register, "authentication"), count(&register, "person")), (0, 0));
    std::fs::remove_dir_all(folder).unwrap();
}

/// SECURITY.md R8: nobody without an identity fills the disk.
#[test]
fn refusals_of_a_day_with_one_reason_are_one_row() {
    let folder = crate::testing::folder("register-refused");
    let register = register(&folder);
    let refused =
        Refused { at: NOW, way: "spid", request_id: "_1", provider: "https://idp.example", reason: "nr25" };
    for n in 0..1000 {
        register.refuse(&Refused { at: NOW + n, ..refused.clone() }).unwrap();
    }
    register.refuse(&Refused { reason: "nr19", request_id: "_2", ..refused.clone() }).unwrap();
    register.refuse(&Refused { at: NOW + 86_400, ..refused.clone() }).unwrap();
    assert_eq!(count(&register, "refusal"), 3);
    let most: (i64, i64, i64) = register
        .db()
        .query_row("SELECT count, first, last FROM refusal ORDER BY count DESC", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap();
    assert_eq!(most, (1000, NOW, NOW + 999));
    std::fs::remove_dir_all(folder).unwrap();
}

/// Seconds at noon of a day.
fn at(date: &str) -> i64 {
    format!("{date}T12:00:00Z").parse::<Timestamp>().unwrap().as_second()
}

/// Logins of Rita in October 2024, of both in November 2024, and of Luca on the last day.
fn two_years(folder: &Path, last: &str) -> Register {
    let register = register(folder);
    for (request_id, date, person) in [
        ("_1", "2024-10-01", RITA),
        ("_2", "2024-10-31", RITA),
        ("_3", "2024-10-31", LUCA),
        ("_4", "2024-11-01", LUCA),
        ("_5", last, LUCA),
    ] {
        enter(&register, &Authentication { at: at(date), request_id, ..login() }, person);
    }
    register
}

#[test]
fn month_twenty_five_goes_with_its_key_and_the_persons_who_have_no_other_login() {
    let folder = crate::testing::folder("expire");
    let register = two_years(&folder, "2026-10-31");
    assert_eq!(register.expire(at("2026-10-31")).unwrap(), Destroyed::default(), "24 months are not over");
    let sealed = pair(&register, "_1");
    enter(&register, &Authentication { at: at("2026-11-01"), request_id: "_6", ..login() }, LUCA);
    let october: Month = "2024-10".parse().unwrap();
    let destroyed = register.expire(at("2026-11-01")).unwrap();
    assert_eq!(destroyed, Destroyed { months: [october].into(), logins: 3, persons: 1 });
    assert_eq!((count(&register, "authentication"), count(&register, "person")), (3, 1));
    assert_eq!(register.sealer.months.held(october), Held::Nothing);
    assert!(!holds(&folder, &sealed[40..80]), "nothing of it is left in any file");
    let kept: (String, i64) = register
        .db()
        .query_row("SELECT month, logins FROM destroyed", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(kept, ("2024-10".into(), 3));
    assert_eq!(register.expire(at("2026-11-01")).unwrap(), Destroyed::default());
    let report = report::Report::read(&folder.join("hub.db"), &register.sealer.months).unwrap().to_string();
    assert!(
        report.contains("2024-10  0         0         none; 3 logins destroyed at 2026-11-01T"),
        "{report}"
    );
    assert!(report.contains("2024-11  1         0         here\n"), "{report}");
    assert!(report.contains("what is before 2024-11 is destroyed"), "{report}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// SECURITY.md R7.
#[test]
fn a_clock_that_is_wrong_destroys_nothing() {
    let folder = crate::testing::folder("expire-clock");
    let register = two_years(&folder, "2026-10-31");
    for wrong in ["2026-11-30", "2030-01-01", "9999-12-29", "1970-01-01", "2024-12-01"] {
        assert_eq!(register.expire(at(wrong)).unwrap(), Destroyed::default(), "{wrong}");
    }
    for extreme in [i64::MIN, i64::MAX, 0, -1] {
        assert_eq!(register.expire(extreme).unwrap(), Destroyed::default(), "{extreme}");
    }
    assert_eq!((count(&register, "authentication"), count(&register, "person")), (5, 2));
    assert_eq!(register.sealer.months.months().unwrap().len(), 3);
    // A clock set back does not destroy what only the later time would.
    enter(&register, &Authentication { at: at("2026-11-02"), request_id: "_6", ..login() }, LUCA);
    assert_eq!(register.expire(at("2026-10-30")).unwrap(), Destroyed::default());
    assert_eq!(
        register.expire(at("2031-01-01")).unwrap().logins,
        3,
        "no more than the newest login confirms"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_register_without_a_login_destroys_no_key() {
    let folder = crate::testing::folder("expire-empty");
    let register = register(&folder);
    register.sealer.months.public("2020-01".parse().unwrap()).unwrap();
    assert_eq!(register.expire(NOW).unwrap(), Destroyed::default());
    assert_eq!(register.sealer.months.months().unwrap().len(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_stop_between_key_and_rows_is_made_good() {
    let folder = crate::testing::folder("expire-stop");
    let register = two_years(&folder, "2026-11-01");
    register.sealer.months.destroy("2024-10".parse().unwrap()).unwrap();
    let destroyed = register.expire(at("2026-11-01")).unwrap();
    assert_eq!((destroyed.months.len(), destroyed.logins, destroyed.persons), (0, 3, 1));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn refusals_last_half_a_year() {
    let folder = crate::testing::folder("expire-refused");
    let register = register(&folder);
    for date in ["2026-05-01", "2026-06-01", "2026-11-30"] {
        let refused = Refused { at: at(date), way: "spid", request_id: "_1", provider: "p", reason: "nr25" };
        register.refuse(&refused).unwrap();
    }
    register.expire(at("2026-11-30")).unwrap();
    assert_eq!(count(&register, "refusal"), 3, "no login confirms the time");
    enter(&register, &Authentication { at: at("2026-11-30"), ..login() }, RITA);
    register.expire(at("2026-11-30")).unwrap();
    assert_eq!(count(&register, "refusal"), 2);
    std::fs::remove_dir_all(folder).unwrap();
}
