//! The line: how long it takes, what it carries where that varies, and the evidence of what was lent of it.
//!
//! Threads of their own, with an own connection to the enforcer. The site's state machine knows nothing of them, and
//! nothing they meet, a full disk or a silent host, keeps anybody from being admitted.

pub mod ask;
pub mod autorate;
pub mod collect;
pub mod counters;
pub mod csv;
pub mod echo;
pub mod evidence;
pub mod ledger;
pub mod live;
pub mod metrics;
pub mod minute;
pub mod pages;
pub mod ping;
pub mod probe;
pub mod stream;
pub mod tally;
#[cfg(test)]
mod tests;
pub mod waiting;
pub mod watch;

use crate::{board::Board, settings::Settings};
use jiff::Timestamp;
use ledger::Ledger;
use live::Live;
use minute::Minute;
use probe::Told;
use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, channel, sync_channel},
    },
    time::{Duration, Instant},
};
use watch::Watch;

/// How often the hosts are asked where the line varies.
const OFTEN: Duration = Duration::from_millis(200);
/// And where it does not.
const SELDOM: Duration = Duration::from_secs(1);
/// Minutes that may wait for the disk.
const MINUTES: usize = 60;

/// Watches the line of a site until the process ends.
///
/// # Errors
/// When a thread cannot be started.
pub fn start(settings: &Settings, board: Arc<Board>) -> io::Result<Arc<Live>> {
    let live = Arc::new(Live::default());
    let (minutes, kept) = sync_channel(MINUTES);
    let (told, heard) = channel::<Told>();
    let site = &settings.site;
    let watch = Watch::new(site, settings.enforcer.clone(), board, Arc::clone(&live), minutes);
    let every = if site.link.least.is_some() { OFTEN } else { SELDOM };
    ping::start(site.reflectors().to_vec(), every, told)?;
    let watched = Watched(Arc::clone(&live));
    std::thread::Builder::new().name("line".into()).spawn(move || {
        let _watched = watched;
        run(watch, &heard);
    })?;
    let (ledger, watched) = (Ledger::new(&settings.state), Watched(Arc::clone(&live)));
    std::thread::Builder::new().name("evidence".into()).spawn(move || keep(ledger, &kept, &watched.0))?;
    Ok(live)
}

/// Held by a thread of the line. When it ends the gateway goes on, and the pages say that evidence does not.
struct Watched(Arc<Live>);

impl Drop for Watched {
    fn drop(&mut self) {
        tracing::error!("the line is no longer watched; restart the gateway to have evidence again");
        self.0.change(|live| {
            live.fault = Some("the line is no longer watched: restart the gateway".into());
            live.lanes.clear();
        });
    }
}

fn run(mut watch: Watch, heard: &Receiver<Told>) {
    let start = instant();
    let now = || instant() - start;
    let mut minute = this_minute();
    loop {
        match heard.recv_timeout(watch.deadline().saturating_sub(now())) {
            Ok(told) => watch.heard(now(), told),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return tracing::error!("the probe has ended"),
        }
        watch.look(now());
        let current = this_minute();
        if current != minute {
            watch.close_minute(std::mem::replace(&mut minute, current));
        }
    }
}

/// Writes minutes. That it cannot be done is logged and shown, no more.
fn keep(mut ledger: Ledger, minutes: &Receiver<Minute>, live: &Live) {
    for minute in minutes {
        let fault = ledger.keep(minute).err().map(|error| error.to_string());
        let before = live.now().fault;
        match &fault {
            Some(error) if before.is_none() => tracing::error!(error, "the evidence cannot be written"),
            None if before.is_some() => tracing::info!("the evidence is written again"),
            _ => {}
        }
        live.change(|live| live.fault = fault);
    }
}

/// When the minute that is now began, in seconds since 1970.
fn this_minute() -> u64 {
    let seconds = u64::try_from(now().as_second()).unwrap_or(0);
    seconds - seconds % 60
}

#[expect(clippy::disallowed_methods, reason = "the line's thread is the edge where minutes get their time")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "the line's thread is the edge where looks get their time")]
fn instant() -> Instant {
    Instant::now()
}
