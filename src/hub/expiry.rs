//! What is over goes from the hub: bundles of its own log and of the copies of gateways' logs, as far as every entry in them is
//! past its class's time or sealed to keys that are gone, and with them the rows of the index. The keys that open entries are
//! destroyed elsewhere, by two persons, who tell the hub (`submit.rs`, `table.rs`).
//!
//! So do the rows of `hub.db` that say in clear what entries of class R4 say: who looked at what, and the cases.
//!
//! Order for each log: `pruned` says what is gone, the files go (`tlog/prune.rs`), then the rows. A stop in between leaves files
//! or rows that are said to be gone: the next round removes them.

mod submit;
mod table;
#[cfg(test)]
mod tests;

use crate::{
    app::{self, Hub},
    console::views::Views,
    index::Index,
    lookup,
};
use actix_web::web::{self, Data};
use jiff::Timestamp;
use std::time::Duration;
pub use submit::{record, submit};
pub use table::create;
use varco_audit::{
    class::Class,
    expiry::{self, Terms},
    index::IndexError,
    week::Period,
};

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Lets go of what may go: at the start, every hour, and when a statement of two officers was recorded, for as long as the
/// program runs.
pub async fn watch(hub: Data<Hub>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = hub.expired.notified() => {}
        }
        let (hub, now) = (hub.clone(), app::now());
        match web::block(move || look(&hub, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "what is over in the log was not looked for"),
            Err(_) => return,
        }
    }
}

fn look(hub: &Hub, now: Timestamp) -> anyhow::Result<()> {
    if let Some(terms) = terms(hub, now)? {
        rows(hub, &terms)?;
        // Its thread prunes, and tells the index.
        hub.log.over(terms.clone());
        copies(hub, &terms)?;
    }
    Ok(hub.log.empty_wal()?)
}

/// By what it is decided what is over; `None` where nobody but our clock says what time it is. Others do: the newest login that has
/// an instant signed by its provider, and two officers in a statement, to whom this log proved it and whose clock was not before
/// it. It is never later than the clock.
fn terms(hub: &Hub, now: Timestamp) -> anyhow::Result<Option<Terms>> {
    let login = hub.register.confirmed_time(now.as_second())?.map(Timestamp::from_second).transpose()?;
    let (mut officers, mut destroyed) = Default::default();
    if let Some(lookup) = &hub.lookup {
        let db = lookup.db();
        (officers, destroyed) = (table::time(&db)?, table::destroyed(&db)?);
    }
    let time = expiry::confirmed(now, login.max(officers));
    Ok(time.map(|time| Terms { destroyed, ..Terms::at(time, hub.kept) }))
}

/// What is over of the views and the cases, which are kept as long as their entries are.
fn rows(hub: &Hub, terms: &Terms) -> rusqlite::Result<()> {
    let is_over = |at| terms.kept.ends(Class::R4, Period::of(Class::R4.length(), at)) <= terms.time;
    let views = Views::open(hub)?.forget(is_over)?;
    let cases = hub.lookup.as_ref().map_or(Ok(0), |lookup| lookup::forget(lookup, is_over))?;
    if views + cases > 0 {
        tracing::info!(views, cases, "views and cases that were over are gone");
    }
    Ok(())
}

/// What is over of the copies. One that is damaged keeps no other from being pruned.
fn copies(hub: &Hub, terms: &Terms) -> anyhow::Result<()> {
    let keeper = hub.log.keeper()?;
    for (client, key, _) in hub.mirrors.all() {
        let pruned = hub.mirrors.prune(client, terms, &keeper, |over| {
            if over.files > 0 {
                tracing::info!(
                    client,
                    over.minimum,
                    over.files,
                    "bundles of the copy that were over are gone"
                );
            }
            Ok(forget(&hub.index, key.name(), over.minimum)?)
        });
        if let Err(error) = pruned {
            tracing::error!(client, %error, alarm = "log-not-pruned", "what is over of the copy is still there");
        }
    }
    Ok(())
}

/// Removes the rows of what is gone, now. Who fills the index does it too, should this fail (`index/follow.rs`).
///
/// # Errors
/// When the index fails.
pub fn forget(index: &Index, origin: &str, minimum: u64) -> Result<(), IndexError> {
    index.with(|rows| match rows.place(origin)? {
        Some(place) if place.minimum < minimum => rows.forget(origin, minimum),
        _ => Ok(()),
    })
}
