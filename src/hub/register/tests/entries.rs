//! Rows against entries: what was changed, put in or taken away by somebody who may write `hub.db`.

use super::*;
use crate::register::entries::{Compared, EntriesError, compare};
use varco_audit::records::{Records, RecordsError};

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
    let compared =
        |same, other: &[i64], taken: &[u64]| Compared { same, other: other.into(), taken: taken.into() };
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
    for leaf in ["leaf", "NULL", "77"] {
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
