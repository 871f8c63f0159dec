//! How long the line takes: rounds of echoes to hosts beyond it. Decides without I/O; time is what has passed since the
//! start of the program.
//!
//! The delay added is the time of an answer less the least of the last five minutes from the same host. Of the hosts that
//! answer a round, the least delayed one counts: a queue at the building's own line delays them all, a queue
//! elsewhere only some.

use std::{collections::VecDeque, time::Duration};

/// An answer that takes longer is lost: no lesson waits a second.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// The least time of an answer is looked for in this many spans of [`SPAN`]: five minutes. Longer than a queue stays
/// full where the line is shaped, shorter than a new route may go unnoticed.
const SPANS: usize = 10;
const SPAN: Duration = Duration::from_secs(30);
/// A host that has missed so many rounds is no longer waited for.
const SILENT: u32 = 5;

/// What a round has told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The delay added, in microseconds.
    Added(u32),
    /// No host answered in time.
    Lost,
}

/// The least time of an answer in a sliding window.
#[derive(Debug, Default)]
struct Baseline(VecDeque<(u64, u32)>);

impl Baseline {
    /// Takes a time in microseconds; gives how far it is above the least, itself included.
    fn added(&mut self, now: Duration, time: u32) -> u32 {
        let span = now.as_secs() / SPAN.as_secs();
        while self.0.front().is_some_and(|(first, _)| first + SPANS as u64 <= span) {
            self.0.pop_front();
        }
        match self.0.back_mut() {
            Some((last, least)) if *last == span => *least = time.min(*least),
            _ => self.0.push_back((span, time)),
        }
        time - self.0.iter().map(|(_, least)| *least).min().unwrap_or(time)
    }
}

#[derive(Debug, Default)]
struct Reflector {
    baseline: Baseline,
    missed: u32,
}

#[derive(Debug)]
struct Round {
    number: u16,
    sent: Duration,
    /// The delay added, by host; `None` for those that have not answered.
    added: Vec<Option<u32>>,
}

/// The rounds under way.
#[derive(Debug)]
pub struct Probe {
    every: Duration,
    next: Duration,
    number: u16,
    reflectors: Vec<Reflector>,
    rounds: VecDeque<Round>,
}

impl Probe {
    /// Asks `reflectors` hosts, `every` so often, first at once.
    pub fn new(reflectors: usize, every: Duration) -> Self {
        let reflectors = (0..reflectors).map(|_| Reflector::default()).collect();
        Self { every, next: Duration::ZERO, number: 0, reflectors, rounds: VecDeque::new() }
    }

    /// The number of a round that begins now, if it is time: all hosts are to be asked.
    pub fn begin(&mut self, now: Duration) -> Option<u16> {
        if now < self.next || self.reflectors.is_empty() {
            return None;
        }
        // After a pause, as of a machine that slept, what was missed is not made up for.
        self.next = (self.next + self.every).max(now + Duration::from_millis(1));
        self.number = self.number.wrapping_add(1);
        let added = vec![None; self.reflectors.len()];
        self.rounds.push_back(Round { number: self.number, sent: now, added });
        Some(self.number)
    }

    /// Host `reflector` has answered round `number`. One that is unknown, closed or answered already is not heard.
    pub fn heard(&mut self, reflector: usize, number: u16, now: Duration) {
        let Some(round) = self.rounds.iter_mut().find(|round| round.number == number) else { return };
        let Some(host) = self.reflectors.get_mut(reflector) else { return };
        let Some(added) = round.added.get_mut(reflector).filter(|added| added.is_none()) else { return };
        let time = now.saturating_sub(round.sent);
        if time > PATIENCE {
            return;
        }
        let micros = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        *added = Some(host.baseline.added(now, micros));
        host.missed = 0;
    }

    /// What the oldest round has told, once every host that still answers has done so or its time is over.
    pub fn told(&mut self, now: Duration) -> Option<Told> {
        let round = self.rounds.front()?;
        let over = now.saturating_sub(round.sent) > PATIENCE;
        let answered = |(added, host): (&Option<u32>, &Reflector)| added.is_some() || host.missed >= SILENT;
        let whole =
            round.added.iter().any(Option::is_some) && round.added.iter().zip(&self.reflectors).all(answered);
        if !over && !whole {
            return None;
        }
        let round = self.rounds.pop_front()?;
        for (host, _) in self.reflectors.iter_mut().zip(&round.added).filter(|(_, added)| added.is_none()) {
            host.missed = host.missed.saturating_add(1);
        }
        Some(round.added.into_iter().flatten().min().map_or(Told::Lost, Told::Added))
    }

    /// When to look again at the latest.
    pub fn deadline(&self) -> Duration {
        let over = self.rounds.front().map(|round| round.sent + PATIENCE + Duration::from_millis(1));
        over.map_or(self.next, |over| over.min(self.next))
    }

    /// Whether this host has been silent for so many rounds that its socket may be what is wrong, as after a change of
    /// the router's own address; every 25 rounds again.
    pub fn is_stuck(&self, reflector: usize) -> bool {
        self.reflectors.get(reflector).is_some_and(|host| host.missed > 0 && host.missed % 25 == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(200);

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A round at `at` that each host answers after so many milliseconds, or never.
    fn round(probe: &mut Probe, at: Duration, answers: &[Option<u64>]) -> Option<Told> {
        let number = probe.begin(at).unwrap();
        let mut last = at;
        for (host, after) in answers.iter().enumerate() {
            if let Some(after) = after {
                probe.heard(host, number, at + ms(*after));
                last = last.max(at + ms(*after));
            }
        }
        probe.told(last).or_else(|| probe.told(at + PATIENCE + ms(1)))
    }

    #[test]
    fn what_is_added_is_what_is_above_the_least() {
        let mut probe = Probe::new(1, EVERY);
        assert_eq!(round(&mut probe, ms(0), &[Some(20)]), Some(Told::Added(0)));
        assert_eq!(round(&mut probe, ms(200), &[Some(75)]), Some(Told::Added(55_000)));
        assert_eq!(round(&mut probe, ms(400), &[Some(18)]), Some(Told::Added(0)));
        assert_eq!(round(&mut probe, ms(600), &[Some(20)]), Some(Told::Added(2_000)));
    }

    #[test]
    fn a_longer_way_is_the_new_least_after_five_minutes() {
        let mut probe = Probe::new(1, Duration::from_secs(10));
        assert_eq!(round(&mut probe, ms(0), &[Some(10)]), Some(Told::Added(0)));
        let told: Vec<_> =
            (1..=31).map(|n| round(&mut probe, ms(n * 10_000), &[Some(40)]).unwrap()).collect();
        assert_eq!(told[28], Told::Added(30_000), "290 seconds later");
        assert_eq!(told[29], Told::Added(0), "300 seconds later");
    }

    #[test]
    fn the_least_delayed_host_counts_and_a_lost_one_is_no_alarm() {
        let mut probe = Probe::new(3, EVERY);
        assert_eq!(round(&mut probe, ms(0), &[Some(10), Some(30), Some(20)]), Some(Told::Added(0)));
        let told = round(&mut probe, ms(200), &[Some(90), Some(37), Some(60)]);
        assert_eq!(told, Some(Told::Added(7_000)), "one host is far behind a queue of its own");
        assert_eq!(round(&mut probe, ms(400), &[None, Some(30), None]), Some(Told::Added(0)));
    }

    #[test]
    fn a_silent_host_is_waited_for_until_it_is_known_to_be_silent() {
        let mut probe = Probe::new(2, Duration::from_secs(2));
        for n in 0..u64::from(SILENT) {
            let at = ms(n * 2_000);
            let number = probe.begin(at).unwrap();
            probe.heard(0, number, at + ms(10));
            assert_eq!(probe.told(at + ms(10)), None, "round {n}");
            assert_eq!(probe.told(at + ms(1_001)), Some(Told::Added(0)), "round {n}");
        }
        let number = probe.begin(ms(10_000)).unwrap();
        probe.heard(0, number, ms(10_010));
        assert_eq!(probe.told(ms(10_010)), Some(Told::Added(0)), "at once");
        let number = probe.begin(ms(12_000)).unwrap();
        probe.heard(1, number, ms(12_005));
        assert_eq!(probe.told(ms(12_005)), None, "the silent one speaks again; the other is still expected");
    }

    #[test]
    fn a_round_without_an_answer_is_lost() {
        let mut probe = Probe::new(2, EVERY);
        let number = probe.begin(ms(0)).unwrap();
        assert_eq!(probe.told(ms(1_000)), None);
        assert_eq!(probe.told(ms(1_001)), Some(Told::Lost));
        probe.heard(0, number, ms(1_002));
        assert_eq!(probe.told(ms(2_000)), None, "too late for anything");
    }

    #[test]
    fn rounds_overlap_and_none_is_made_up_for() {
        let mut probe = Probe::new(1, EVERY);
        let first = probe.begin(ms(0)).unwrap();
        assert_eq!(probe.begin(ms(199)), None);
        let second = probe.begin(ms(200)).unwrap();
        assert_eq!(probe.deadline(), ms(400));
        probe.heard(0, second, ms(210));
        probe.heard(0, first, ms(230));
        assert_eq!(probe.told(ms(230)), Some(Told::Added(220_000)));
        assert_eq!(probe.told(ms(230)), Some(Told::Added(0)));
        assert!(probe.begin(ms(9_000)).is_some());
        assert_eq!(probe.begin(ms(9_000)), None, "one round after a pause, not forty");
        assert!(probe.deadline() > ms(9_000));
    }

    #[test]
    fn a_host_that_never_answers_gets_a_new_socket_now_and_then() {
        let mut probe = Probe::new(1, Duration::from_secs(2));
        let stuck: Vec<_> = (0..60_u64)
            .filter(|n| {
                round(&mut probe, ms(n * 2_000), &[None]);
                probe.is_stuck(0)
            })
            .collect();
        assert_eq!(stuck, [24, 49]);
    }

    #[test]
    fn without_hosts_nothing_is_asked() {
        assert_eq!(Probe::new(0, EVERY).begin(ms(5)), None);
    }
}
