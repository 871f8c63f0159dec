//! What is over in the hub's log goes: bundles, as far as every entry in them is past its class's time. The keys that open
//! entries are destroyed elsewhere, by two persons, who tell the hub (`submit.rs`).

mod submit;

use crate::app::{self, Hub};
use actix_web::web::{self, Data};
use jiff::Timestamp;
use std::time::Duration;
pub use submit::{record, submit};
use varco_audit::expiry;

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Tells the log's thread what may go, at the start and every hour, for as long as the program runs. The time that counts is
/// the register's: the newest instant that a login has the signature of, never later than the clock.
pub async fn watch(hub: Data<Hub>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    loop {
        ticks.tick().await;
        let (hub, now) = (hub.clone(), app::now());
        match web::block(move || look(&hub, now)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "what is over in the log was not looked for"),
            Err(_) => return,
        }
    }
}

fn look(hub: &Hub, now: Timestamp) -> anyhow::Result<()> {
    let signed = hub.register.confirmed_time(now.as_second())?;
    let signed = signed.map(Timestamp::from_second).transpose()?;
    if let Some(time) = expiry::confirmed(now, signed) {
        hub.log.over(time);
    }
    Ok(())
}
