//! The shares as they are now: one row, changed in the transaction of its entry.

use super::{StoreError, json, optional_json};
use crate::site::shares::{Kept, Told};
use rusqlite::{Connection, OptionalExtension, Transaction};
use varco_audit::SharesStep;
use varco_policy::Shares;

/// The row; `None` before the first start.
pub fn read(connection: &Connection) -> Result<Option<Kept>, StoreError> {
    let mut select = connection.prepare("SELECT confirmed, trial, told FROM shares")?;
    let row = |row: &rusqlite::Row<'_>| {
        Ok(Kept { confirmed: json(row, 0)?, trial: optional_json(row, 1)?, told: json(row, 2)? })
    };
    Ok(select.query_row((), row).optional()?)
}

/// Goes a step further; whether that changed anything. A trial on trial already, and taking back what is not there, change
/// nothing: so each can be recorded again.
pub fn step(transaction: &Transaction<'_>, step: SharesStep, shares: &Shares) -> Result<bool, StoreError> {
    let shares = serde_json::to_string(shares)?;
    let changed = match step {
        SharesStep::Tried => transaction
            .prepare_cached("UPDATE shares SET trial = ?1 WHERE trial IS NOT ?1")?
            .execute([&shares])?,
        SharesStep::TakenBack => transaction
            .prepare_cached(
                "UPDATE shares SET confirmed = ?1, trial = NULL WHERE confirmed <> ?1 OR trial IS NOT NULL",
            )?
            .execute([&shares])?,
        SharesStep::Confirmed => transaction
            .prepare_cached(
                "INSERT INTO shares (id, confirmed, told) VALUES (1, ?1, '')
                 ON CONFLICT DO UPDATE SET confirmed = ?1, trial = NULL
                 WHERE confirmed <> ?1 OR trial IS NOT NULL",
            )?
            .execute([&shares])?,
    };
    Ok(changed == 1)
}

/// Notes what `site.toml` says of the line.
pub fn told(transaction: &Transaction<'_>, told: &Told) -> Result<(), StoreError> {
    transaction.prepare_cached("UPDATE shares SET told = ?1")?.execute([serde_json::to_string(told)?])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Store,
            tests::{keys, tempdir::Folder},
        },
        *,
    };
    use crate::site::{Change, shares::take_up};
    use jiff::{SignedDuration, Timestamp};
    use varco_audit::Entry;
    use varco_policy::{Rate, Site, Subject};

    fn told() -> Told {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Told::of(&Site::load(&root.join("docker/site/site.toml")).unwrap())
    }

    fn other(mbit: u64) -> Shares {
        let mut shares = told().lanes.shares();
        shares.up.guest.ceiling = Rate::from_bits(mbit * 1_000_000);
        shares
    }

    fn open(folder: &Folder) -> (Store, Shares) {
        let (quarantine, at) = (SignedDuration::from_mins(10), Timestamp::UNIX_EPOCH);
        let mut store = Store::open(folder.path(), keys::recorder(at), quarantine).unwrap();
        let kept = store.shares().unwrap();
        let (shares, changes) = take_up(kept, told(), Timestamp::UNIX_EPOCH);
        store.commit(&changes, Timestamp::UNIX_EPOCH).unwrap();
        (store, shares)
    }

    fn goes(store: &mut Store, step: SharesStep, shares: Shares) {
        let by = Some(Subject::try_from("an-admin".to_owned()).unwrap());
        let change = Change::Shares { at: Timestamp::UNIX_EPOCH, step, by, shares };
        // Recorded again, as after a failure: it counts once.
        for _ in 0..2 {
            store.commit(std::slice::from_ref(&change), Timestamp::UNIX_EPOCH).unwrap();
        }
    }

    fn entries(folder: &Folder) -> Vec<(SharesStep, Shares, bool)> {
        let step = |entry| match entry {
            Entry::Shares { step, shares, by, .. } => Some((step, shares, by.is_some())),
            _ => None,
        };
        keys::entries(folder.path()).into_iter().filter_map(step).collect()
    }

    #[test]
    fn the_row_and_the_entries_go_together_through_restarts() {
        let folder = Folder::new();
        let (mut store, first) = open(&folder);
        assert_eq!(first, told().lanes.shares());
        goes(&mut store, SharesStep::TakenBack, first);
        goes(&mut store, SharesStep::Tried, other(90));
        drop(store);
        let (mut store, shares) = open(&folder);
        assert_eq!(shares, first, "the trial is over");
        goes(&mut store, SharesStep::Tried, other(80));
        goes(&mut store, SharesStep::Confirmed, other(80));
        drop(store);
        let (store, shares) = open(&folder);
        assert_eq!(shares, other(80));
        let kept = store.shares().unwrap().unwrap();
        assert_eq!((kept.trial, kept.told), (None, told()));
        let said = [
            (SharesStep::Confirmed, first, false),
            (SharesStep::Tried, other(90), true),
            (SharesStep::TakenBack, first, false),
            (SharesStep::Tried, other(80), true),
            (SharesStep::Confirmed, other(80), true),
        ];
        assert_eq!(entries(&folder), said);
    }
}
