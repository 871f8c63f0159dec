//! Rows against entries: what was changed, put in or taken away by somebody who may write `hub.db`.

use super::*;
use crate::register::entries::{Compared, EntriesError, Likeness, compare, likeness};
use std::time::Duration;
use varco_audit::{
    content::Body,
    expiry::Terms,
    records::{Records, RecordsError},
    tlog::{Folder, prune},
};

/// What the comparison says of a folder after this was done to its database.
fn after(name: &str, change: &str) -> Compared {
    let folder = crate::testing::folder(name);
    let register = register(&folder);
    for n in 0..3 {
        enter(&register, &Authentication { at: NOW + n, ..login() }, RITA);
    }
    let file = folder.join("hub.db");
    Connection::open(&file).unwrap().execute_batch(change).unwrap();
    let open = || Records::open(None, Some(&file)).map_err(|error: RecordsError| EntriesError::from(error));
    let compared = compare::<EntriesError>(&file, open).unwrap();
    // What comes while it is compared is no difference.
    let late = compare::<EntriesError>(&file, || {
        let records = open();
        enter(&register, &login(), LUCA);
        records
    });
    let late = late.unwrap();
    assert_eq!((late.same, &late.other), (compared.same + 1, &compared.other), "{change}");
    std::fs::remove_dir_all(folder).unwrap();
    compared
}

#[test]
fn what_was_changed_put_in_or_taken_away_is_told() {
    let compared = |same, other: &[i64], taken: &[u64]| Compared {
        same,
        other: other.into(),
        taken: taken.into(),
        alone: 0,
    };
    assert_eq!(after("entries-whole", ""), compared(3, &[], &[]));
    for (n, column) in
        ["at = at + 1", "level = 3", "response_issuer = 'x'", "pair = zeroblob(9)", "subject = NULL"]
            .into_iter()
            .enumerate()
    {
        let change = format!("UPDATE authentication SET {column} WHERE number = 2");
        assert_eq!(after(&format!("entries-{n}"), &change), compared(2, &[2], &[]), "{column}");
    }
    let taken = after("entries-taken", "DELETE FROM authentication WHERE number = 2");
    assert_eq!(taken, compared(2, &[], &[1]));
    assert!(taken.to_string().contains("entry 1 of the log has no row"), "{taken}");
    let put_in = "INSERT INTO authentication SELECT 9, at, month, way, body, request_id, request_issued, response_id,
        response_issued, response_issuer, assertion_id, name_id, name_qualifier, level, person, client_id, subject, pair";
    // Two days after the others it cannot be of before logins had entries.
    let late = put_in.replace("SELECT 9, at", "SELECT 9, at + 172800");
    for (put_in, leaf) in [(put_in, "leaf"), (&late, "NULL"), (put_in, "77")] {
        let change = format!("{put_in}, {leaf} FROM authentication WHERE number = 2");
        assert_eq!(after(&format!("entries-put-{leaf}"), &change), compared(3, &[9], &[]), "{leaf}");
    }
    let swapped = "UPDATE authentication SET leaf = 1 - leaf WHERE leaf < 2";
    assert_eq!(after("entries-swapped", swapped), compared(1, &[2, 1], &[]));
}

/// A month that was destroyed at its time leaves entries without rows.
#[test]
fn what_was_destroyed_at_its_time_is_not_missed() {
    let month = Month::of(NOW);
    let change = format!(
        "DELETE FROM authentication WHERE number < 3; INSERT INTO destroyed VALUES ('{month}', {NOW}, 2);"
    );
    let compared = after("entries-destroyed", &change);
    assert_eq!(compared, Compared { same: 1, ..Compared::default() });
}

/// Logins of before version 2 of the tables have no entry that is known.
#[test]
fn what_never_had_an_entry_has_nothing_to_compare_with() {
    let put_in = "INSERT INTO authentication SELECT 9, at - 9, month, way, body, request_id, request_issued, response_id,
        response_issued, response_issuer, assertion_id, name_id, name_qualifier, level, person, client_id, subject, pair, NULL
        FROM authentication WHERE number = 1";
    let compared = after("entries-older", put_in);
    assert_eq!(compared, Compared { same: 3, alone: 1, ..Compared::default() });
    assert!(compared.is_whole());
    assert!(compared.to_string().contains("1 logins have nothing to compare with"), "{compared}");
}

/// An entry ends 24 months after its Monday, its row with the month.
#[test]
fn rows_whose_entries_are_pruned_have_nothing_to_compare_with() {
    let site = crate::testing::Site::make("entries-pruned");
    let hub = site.hub();
    let put = |at: i64| enter(&hub.register, &Authentication { at, ..login() }, RITA);
    for n in 0..3 {
        put(NOW + n);
    }
    let later = Timestamp::from_second(NOW + 30 * 24 * 3600).unwrap();
    let fill = vec![Body::Copied { checkpoint: String::new() }; 300];
    hub.log.record(&fill, later).unwrap();
    put(later.as_second());
    let newest = hub.log.record(&fill[..1], later).unwrap();
    hub.log.prove(newest).unwrap();
    hub.log.over(Terms::at("2100-01-01T00:00:00Z".parse().unwrap(), hub.kept));
    let (folder, file) = (hub.log.folder(), site.folder.join("state/hub.db"));
    let gone = || prune::minimum(&Folder::new(folder)) == 256 && !folder.join("tile/entries/000").exists();
    assert!(
        (0..200).any(|_| gone() || {
            std::thread::sleep(Duration::from_millis(50));
            false
        }),
        "it is pruned"
    );
    let compare = || {
        let open = || Records::open(Some(folder), Some(&file)).map_err(EntriesError::from);
        compare::<EntriesError>(&file, open).unwrap()
    };
    assert_eq!(compare(), Compared { same: 1, alone: 3, ..Compared::default() });
    let db = Connection::open(&file).unwrap();
    let mut records = Records::open(Some(folder), Some(&file)).unwrap();
    assert_eq!(likeness(&db, 1, &mut records).unwrap(), Likeness::Alone);
    assert_eq!(likeness(&db, 4, &mut records).unwrap(), Likeness::Same);
    // What is of after the first entry that is there should have its own.
    db.execute("UPDATE authentication SET at = at + 32 * 86400 WHERE number = 1", ()).unwrap();
    assert_eq!(compare(), Compared { same: 1, other: vec![1], alone: 2, ..Compared::default() });
    assert_eq!(likeness(&db, 1, &mut records).unwrap(), Likeness::Other);
}
