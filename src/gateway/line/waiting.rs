//! Whether the office had to wait, from looks at the counters of its queues.
//!
//! The time between two looks is a *second*: 0.95 s or more. Meanwhile, while the office's queue is not seen empty, it is
//! looked at every 200 ms; once seen empty, the second is one without a standing queue: a burst that clears is no wait,
//! as CoDel (RFC 8289) has it. In a second with a standing queue, and in one direction, the office
//! - *waited* when it got less than 95 % of its guarantee, whoever took it; or when it got less than 95 % of its ceiling
//!   while guests got more than their guarantee by over 2 % of it; the ceiling is the line's where that carries less;
//! - was *full* in every other case: it had its ceiling, or all that nobody else is guaranteed.
//!
//! So above its guarantee, with guests at theirs, the wait is 0 by definition: it wanted more than is its own. Limits:
//! a wait of less than two looks is not seen (the probe's delay is there for that); 5 % and 2 % are what
//! a token bucket's bursts move in a second; a queue elsewhere than at the gateway is not seen.

use std::time::Duration;
use varco_policy::{
    Lane, Rate,
    wire::{Capacity, Direction, LaneUsage},
};

/// How often the queues are looked at.
pub const LOOK: Duration = Duration::from_secs(1);
/// How often while the office's queue stands.
pub const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Looks so far apart say nothing about the time between them.
const TOO_LONG: Duration = Duration::from_secs(3);
/// A look a little early ends a second all the same.
const SECOND: Duration = Duration::from_millis(950);

const DIRECTIONS: [Direction; 2] = [Direction::Up, Direction::Down];

/// How the office fared in a direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fared {
    /// No queue stood.
    #[default]
    Well,
    /// It had all that is its own and wanted more.
    Full,
    /// It wanted more and did not get what is its own.
    Waited,
}

/// A second that has been observed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Second {
    /// How long it was.
    pub length: Duration,
    /// What each lane carried and dropped: bytes, packets.
    pub lanes: Vec<(Lane, Direction, u64, u64)>,
    /// Towards the Internet, from the Internet.
    pub office: [Fared; 2],
}

/// The looks of the second under way.
#[derive(Debug, Default)]
pub struct Looks {
    first: Option<(Duration, Vec<LaneUsage>)>,
    stands: [bool; 2],
}

impl Looks {
    /// Takes a look at a line that is shaped to `line`; gives the second that it ends. A second in which counters began anew, or that is longer than three
    /// seconds, is not known and not given.
    pub fn take(&mut self, now: Duration, lanes: Vec<LaneUsage>, line: Capacity) -> Option<Second> {
        let queued = DIRECTIONS.map(|direction| waits(&lanes, direction));
        let second = match &self.first {
            Some((begun, first)) => {
                let length = now.saturating_sub(*begun);
                let stands = [self.stands[0] && queued[0], self.stands[1] && queued[1]];
                if length < SECOND {
                    self.stands = stands;
                    return None;
                }
                if length > TOO_LONG { None } else { second(length, first, &lanes, line, stands) }
            }
            None => None,
        };
        (self.first, self.stands) = (Some((now, lanes)), queued);
        second
    }

    /// When to look again: soon while a queue stands.
    pub fn next(&self) -> Duration {
        if self.stands == [false, false] { LOOK } else { LOOK_AGAIN }
    }

    /// When the second under way has begun.
    pub fn begun(&self) -> Option<Duration> {
        self.first.as_ref().map(|(begun, _)| *begun)
    }
}

fn of(lanes: &[LaneUsage], lane: Lane, direction: Direction) -> Option<&LaneUsage> {
    lanes.iter().find(|usage| usage.lane == lane && usage.direction == direction)
}

fn waits(lanes: &[LaneUsage], direction: Direction) -> bool {
    of(lanes, Lane::Office, direction).is_some_and(|usage| usage.backlog > 0)
}

fn second(
    length: Duration,
    first: &[LaneUsage],
    last: &[LaneUsage],
    line: Capacity,
    stands: [bool; 2],
) -> Option<Second> {
    let since = |now: &LaneUsage| {
        let before = of(first, now.lane, now.direction)?;
        let bytes = now.bytes.checked_sub(before.bytes)?;
        Some((now.lane, now.direction, bytes, now.drops.checked_sub(before.drops)?))
    };
    let lanes = last.iter().map(since).collect::<Option<Vec<_>>>()?;
    if lanes.is_empty() {
        return None;
    }
    let mut office = [Fared::Well; 2];
    for ((fared, direction), stands) in office.iter_mut().zip(DIRECTIONS).zip(stands) {
        if stands {
            let line = if direction == Direction::Up { line.up } else { line.down };
            *fared = fare(length, &lanes, last, line, direction).unwrap_or_default();
        }
    }
    Some(Second { length, lanes, office })
}

fn fare(
    length: Duration,
    carried: &[(Lane, Direction, u64, u64)],
    shares: &[LaneUsage],
    line: Rate,
    direction: Direction,
) -> Option<Fared> {
    let rate = |lane| {
        let bytes =
            carried.iter().find(|(l, d, ..)| (*l, *d) == (lane, direction)).map(|(_, _, bytes, _)| *bytes);
        u128::from(bytes.unwrap_or(0)) * 8_000_000 / length.as_micros().max(1)
    };
    let bits = |rate: Rate| u128::from(rate.bits());
    let office = of(shares, Lane::Office, direction)?;
    let (guaranteed, ceiling) = (bits(office.guaranteed), bits(office.ceiling.min(line)));
    let lent = of(shares, Lane::Guest, direction).map_or(0, |guest| bits(guest.guaranteed)) + ceiling / 50;
    let got = rate(Lane::Office);
    let below = |share: u128| got * 100 < share * 95;
    let waited = below(guaranteed) || (below(ceiling) && rate(Lane::Guest) > lent);
    Some(if waited { Fared::Waited } else { Fared::Full })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MBIT: u64 = 125_000;
    const LINE: Capacity = Capacity { up: Rate::from_bits(100_000_000), down: Rate::from_bits(100_000_000) };

    /// The lanes of a line of 100 Mbit/s, `at` seconds after they began: office and guest at these rates in Mbit/s from the
    /// Internet, so many bytes of the office waiting.
    fn lanes(at: u64, office: u64, guest: u64, backlog: u64) -> Vec<LaneUsage> {
        let usage = |lane, direction, guaranteed: u64, mbit: u64, backlog| LaneUsage {
            lane,
            direction,
            bytes: at * mbit * MBIT,
            packets: 0,
            drops: at,
            overlimits: 0,
            backlog,
            guaranteed: Rate::from_bits(guaranteed * 1_000_000),
            ceiling: Rate::from_bits(100_000_000),
        };
        vec![
            usage(Lane::Office, Direction::Up, 80, 0, 0),
            usage(Lane::Guest, Direction::Up, 1, 0, 0),
            usage(Lane::Office, Direction::Down, 80, office, backlog),
            usage(Lane::Guest, Direction::Down, 1, guest, 0),
        ]
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fared(office: u64, guest: u64) -> Fared {
        let mut looks = Looks::default();
        assert_eq!(looks.take(secs(0), lanes(0, office, guest, 9_000), LINE), None);
        assert_eq!(looks.next(), LOOK_AGAIN);
        for tenths in [2, 4, 6, 8] {
            let at = Duration::from_millis(tenths * 100);
            assert_eq!(looks.take(at, lanes(0, office, guest, 9_000), LINE), None);
        }
        let second = looks.take(secs(1), lanes(1, office, guest, 9_000), LINE).unwrap();
        assert_eq!(second.office[0], Fared::Well);
        second.office[1]
    }

    #[test]
    fn the_office_waits_only_below_what_is_its_own() {
        assert_eq!(fared(50, 50), Fared::Waited, "below its guarantee because of guests");
        assert_eq!(fared(50, 1), Fared::Waited, "below its guarantee, whoever took it");
        assert_eq!(fared(85, 15), Fared::Waited, "above its guarantee while guests are lent what it wants");
        assert_eq!(fared(85, 1), Fared::Full, "above its guarantee, guests at theirs");
        assert_eq!(fared(98, 2), Fared::Full, "its ceiling");
    }

    #[test]
    fn on_a_line_that_carries_less_the_ceiling_is_the_lines() {
        let line = Capacity { down: Rate::from_bits(90_000_000), ..LINE };
        let fared = |office, guest| {
            let mut looks = Looks::default();
            looks.take(secs(0), lanes(0, office, guest, 9_000), line);
            looks.take(secs(1), lanes(1, office, guest, 9_000), line).unwrap().office[1]
        };
        assert_eq!((fared(86, 4), fared(84, 6)), (Fared::Full, Fared::Waited));
    }

    #[test]
    fn a_queue_that_was_seen_empty_is_no_wait() {
        let mut looks = Looks::default();
        looks.take(secs(0), lanes(0, 50, 50, 9_000), LINE);
        looks.take(Duration::from_millis(200), lanes(0, 50, 50, 0), LINE);
        assert_eq!(looks.next(), LOOK, "there is nothing more to find out");
        let second = looks.take(secs(1), lanes(1, 50, 50, 9_000), LINE).unwrap();
        assert_eq!(second.office[1], Fared::Well);
        assert_eq!(second.lanes[3], (Lane::Guest, Direction::Down, 50 * MBIT, 1));
    }

    #[test]
    fn an_office_that_begins_within_the_second_is_not_waiting_yet() {
        let mut looks = Looks::default();
        looks.take(secs(0), lanes(0, 40, 60, 0), LINE);
        assert_eq!(looks.take(secs(1), lanes(1, 40, 60, 9_000), LINE).unwrap().office[1], Fared::Well);
        assert_eq!(looks.next(), LOOK_AGAIN);
    }

    #[test]
    fn what_is_not_known_is_not_told() {
        let mut looks = Looks::default();
        looks.take(secs(0), lanes(9, 1, 1, 0), LINE);
        assert_eq!(looks.take(secs(1), lanes(0, 1, 1, 0), LINE), None, "the counters began anew");
        assert_eq!(looks.take(secs(9), lanes(8, 1, 1, 0), LINE), None, "nobody looked for eight seconds");
        assert!(looks.take(secs(10), lanes(9, 1, 1, 0), LINE).is_some());
        assert_eq!(looks.take(secs(11), Vec::new(), LINE), None, "no lanes");
    }
}
