//! The line's thread: it hears the probe, looks at the queues, steers a varying line and ends the minutes.

use super::{
    ask::Asker,
    autorate::{Autorate, Bounds, differ},
    collect::Collector,
    counters::Counters,
    live::Live,
    minute::Minute,
    probe::Told,
    waiting::{LOOK, Looks},
};
use crate::board::Board;
use std::{
    path::PathBuf,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};
use varco_policy::{
    Site,
    wire::{Capacity, PortsInUse, Reply, Request},
};

/// How often the ports in use are counted: the kernel lists every connection for it.
const PORTS: Duration = Duration::from_secs(20);
/// How often the enforcer is told again what the line carries: it forgets after 15 seconds.
const CARRY_AGAIN: Duration = Duration::from_secs(5);

/// What the thread works with.
#[derive(Debug)]
pub struct Watch {
    asker: Asker,
    board: Arc<Board>,
    live: Arc<Live>,
    minutes: SyncSender<Minute>,
    looks: Looks,
    collector: Collector,
    autorate: Option<Autorate>,
    pub(super) counters: Counters,
    link: Capacity,
    /// What the enforcer was last told, on which of its connections, and when.
    carried: Option<(u64, Capacity, Duration)>,
    /// Whether it refused to follow, which is logged once.
    refused: bool,
    next_look: Duration,
    next_ports: Duration,
}

impl Watch {
    /// Watches the line of `site`; minutes go to `minutes`.
    pub fn new(
        site: &Site,
        socket: PathBuf,
        board: Arc<Board>,
        live: Arc<Live>,
        minutes: SyncSender<Minute>,
    ) -> Self {
        Self {
            asker: Asker::new(socket),
            board,
            live,
            minutes,
            looks: Looks::default(),
            collector: Collector::default(),
            autorate: autorate(site),
            counters: Counters::of(&site.interfaces.wan),
            link: site.link.shaped(),
            carried: None,
            refused: false,
            next_look: Duration::ZERO,
            next_ports: PORTS,
        }
    }

    /// A round of the probe has told this.
    pub fn heard(&mut self, now: Duration, told: Told) {
        self.collector.told(told);
        self.live.change(|live| live.counts.told(told));
        let Some(autorate) = &mut self.autorate else { return };
        // Without counters, as while the interface is away, nothing is known of the load.
        let Ok(achieved) = self.counters.achieved(now) else { return };
        let before = autorate.is_alarmed();
        autorate.step(now, told, achieved);
        let (alarmed, capacity) = (autorate.is_alarmed(), autorate.capacity());
        match (before, alarmed) {
            (false, true) => tracing::warn!("the line carries less than link.least: guarantees may not hold"),
            (true, false) => tracing::info!("the line carries its least again"),
            _ => {}
        }
        self.live.change(|live| live.alarm = alarmed);
        self.carry(now, capacity);
    }

    /// Tells the enforcer what the line carries, if that has changed or it may have forgotten.
    fn carry(&mut self, now: Duration, capacity: Capacity) {
        let known = self.carried.filter(|(connection, ..)| *connection == self.asker.connections());
        if known.is_some_and(|(_, told, at)| !differ(told, capacity) && now < at + CARRY_AGAIN) {
            return;
        }
        let reply = self.asker.ask(now, &Request::Carry(capacity));
        self.carried = reply.is_some().then_some((self.asker.connections(), capacity, now));
        match reply {
            Some(Reply::Carrying(shaped)) => {
                self.refused = false;
                self.live.change(|live| live.line = Some(shaped));
            }
            Some(other) if !self.refused => {
                self.refused = true;
                tracing::warn!(?other, "the enforcer does not follow the line");
            }
            _ => {}
        }
    }

    /// When to look again.
    pub const fn deadline(&self) -> Duration {
        self.next_look
    }

    /// Looks at the queues, if it is time.
    pub fn look(&mut self, now: Duration) {
        if now < self.next_look {
            return;
        }
        let status = self.board.status();
        self.collector.status(&status);
        let lanes = match self.asker.ask(now, &Request::Lanes) {
            Some(Reply::Lanes(lanes)) => lanes,
            _ => Vec::new(),
        };
        let shaped = self.carried.filter(|_| !self.refused).and_then(|_| self.live.now().line);
        let measured = status.measured.as_ref().and_then(|measured| measured.capacity);
        let line = shaped.or(measured).unwrap_or(self.link);
        let alarmed = self.autorate.as_ref().is_some_and(Autorate::is_alarmed);
        let second = self.looks.take(now, lanes.clone(), line);
        if let Some(second) = &second {
            self.collector.second(second, line, alarmed);
        }
        self.live.change(|live| {
            (live.lanes, live.line) = (lanes, Some(line));
            if let Some(second) = &second {
                live.counts.second(second, alarmed);
            }
        });
        self.next_look = self.next_after(now);
        self.count_ports(now, status.online);
    }

    /// Seconds do not drift by the time that a look takes.
    fn next_after(&self, now: Duration) -> Duration {
        let end = self.looks.begun().map_or(now + LOOK, |begun| begun + LOOK);
        (now + self.looks.next()).min(end).max(now + Duration::from_millis(20))
    }

    fn count_ports(&mut self, now: Duration, online: usize) {
        if now < self.next_ports {
            return;
        }
        self.next_ports = now + PORTS;
        if online == 0 {
            return self.live.change(|live| live.ports = Some(PortsInUse::default()));
        }
        if let Some(Reply::Ports(ports)) = self.asker.ask(now, &Request::Ports) {
            self.collector.ports(ports);
            self.live.change(|live| live.ports = Some(ports));
        }
    }

    /// Ends the minute that began at `at`, in seconds since 1970.
    pub fn close_minute(&mut self, at: u64) {
        let Some(minute) = self.collector.close_minute(at) else { return };
        // The writer is an hour behind: the disk hangs, and it has said so.
        if self.minutes.try_send(minute).is_err() {
            tracing::debug!("a minute of evidence is given up");
        }
    }
}

fn autorate(site: &Site) -> Option<Autorate> {
    let least = site.link.least?;
    let up = Bounds { least: least.up, most: site.link.up };
    let down = Bounds { least: least.down, most: site.link.down };
    Some(Autorate::new(up, down, site.line.added_delay.unsigned_abs()))
}
