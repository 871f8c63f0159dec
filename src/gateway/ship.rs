//! Shipping the log to the hub, which keeps a copy (C2SP tlog-mirror). A task of its own, on a timer: no admission waits for
//! it, and a hub that is away costs nothing but the wait.
//!
//! Order: the hub is asked to follow our newest checkpoint → entries are sent from where it is → its cosignature on that
//! checkpoint is the acknowledgement: verified, then kept durably in `log.shipped`. Nothing above it is ever pruned. A start,
//! and every round after a failure, begins with the first step: the hub says where it is.

mod shipped;
mod state;
mod talk;
#[cfg(test)]
mod tests;

pub use shipped::Shipped;
pub use state::{ShipState, Shipping};
pub use talk::Refused;

use crate::{board::Board, hub::Hub, settings::Settings};
use jiff::Timestamp;
use std::{sync::Arc, time::Duration};
use varco_audit::expiry::{Kept, Terms};

/// Between two looks whether there is something to ship.
const EVERY: Duration = Duration::from_secs(10);
/// The shortest and the longest wait after a hub that did not answer.
const AWAY: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(600));
/// How long after a refusal the hub is asked again: somebody has to do something first.
const REFUSED: Duration = Duration::from_secs(600);

/// What goes on and what was found.
#[derive(Debug)]
pub struct Ship {
    hub: Arc<Hub>,
    shipped: Shipped,
    board: Arc<Board>,
    kept: Kept,
    /// What was said of the hub last, so that it is said once.
    said: Option<String>,
    away: Duration,
}

impl Ship {
    /// Ships the log of these settings.
    ///
    /// # Errors
    /// When the log's key or what was shipped cannot be read.
    pub fn new(settings: &Settings, hub: Arc<Hub>, board: Arc<Board>) -> anyhow::Result<Self> {
        let key = settings.log.at.key()?.verifier().clone();
        let mirror = settings.hub.log_mirror.clone();
        let shipped = Shipped::open(&settings.log.at.folder, &settings.state, key, mirror)?;
        board.shipping.acknowledge(shipped.size());
        Ok(Self { hub, shipped, board, kept: settings.log.kept, said: None, away: AWAY.0 })
    }

    /// Ships for as long as the program runs.
    pub async fn watch(mut self) {
        loop {
            let wait = self.round(now()).await;
            tokio::time::sleep(wait).await;
        }
    }

    /// Ships what there is; how long to rest then.
    pub async fn round(&mut self, now: Timestamp) -> Duration {
        if let Some((size, signed)) = self.shipped.acknowledged() {
            // Bundles that are over may go: below what the hub has, and never by our clock alone.
            self.board.log.acknowledged(size, Terms::at(signed.min(now), self.kept));
        }
        let size = self.board.log.integrated();
        // Before a hub is asked that may hang.
        self.board.shipping.look(size, now);
        if size <= self.shipped.size() {
            return EVERY;
        }
        let outcome = talk::ship(&self.hub, &mut self.shipped).await;
        self.board.shipping.acknowledge(self.shipped.size());
        self.board.shipping.look(self.board.log.integrated(), now);
        match outcome {
            Ok(()) => {
                self.away = AWAY.0;
                self.board.shipping.taken(true);
                if self.said.take().is_some() {
                    tracing::info!("the log is shipped again");
                }
                EVERY
            }
            Err(refused) => self.tell(&refused),
        }
    }

    /// Tells what is new of it; how long to rest.
    fn tell(&mut self, refused: &Refused) -> Duration {
        let text = refused.to_string();
        self.board.shipping.taken(!matches!(refused, Refused::NotCopied));
        let before = self.said.replace(text.clone());
        if matches!(refused, Refused::Away(_)) {
            if before.is_none() {
                tracing::warn!("{text}: the log waits");
            }
            let wait = self.away;
            self.away = (self.away * 2).min(AWAY.1);
            return wait;
        }
        say(refused, &text, before.as_ref() != Some(&text));
        REFUSED
    }
}

/// A log that has divided is told each time, everything else once.
fn say(refused: &Refused, text: &str, new: bool) {
    let alarm = match refused {
        Refused::Forked(_) => Some("log-forked"),
        Refused::Log(_) | Refused::Answer(_) if new => Some("log-not-shipped"),
        _ => None,
    };
    if let Some(alarm) = alarm {
        tracing::error!(alarm, "{text}");
    } else if new {
        tracing::warn!("{text}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the task that ships reads the clock here")]
fn now() -> Timestamp {
    Timestamp::now()
}
