//! What the instants of a log's leaves say of who keeps it. A site's log has a heartbeat every five minutes and says
//! when its program was started, so a stretch without either is one in which nothing was recorded, or what was is not
//! there. It is no proof: a report, for somebody to ask about.

use crate::{
    class::Class,
    content::{Body, Content},
    leaf::Leaf,
};
use jiff::{SignedDuration, Timestamp};

/// How many of a kind are told one by one.
const TOLD: usize = 10;

/// From one leaf's instant to another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// The earlier leaf's.
    pub from: Timestamp,
    /// The later leaf's.
    pub to: Timestamp,
    /// The later leaf.
    pub entry: u64,
}

/// Stretches of a kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stretches {
    /// The first of them, ten at most.
    pub first: Vec<Stretch>,
    /// How many there are.
    pub count: u64,
    /// How long the longest is.
    pub longest: SignedDuration,
}

impl Stretches {
    fn push(&mut self, stretch: Stretch) {
        if self.first.len() < TOLD {
            self.first.push(stretch);
        }
        self.count += 1;
        self.longest = self.longest.max(stretch.to.duration_since(stretch.from).abs());
    }
}

/// What was heard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Longer than the limit without a heartbeat, though the program ran.
    pub silent: Stretches,
    /// Longer than the limit until the program was started again.
    pub stopped: Stretches,
    /// A leaf that is earlier than the one before it.
    pub back: Stretches,
}

impl Heard {
    /// Whether somebody is to be asked: nothing heard, or a step back by more than the limit. That a program was stopped
    /// is on record, and a record that could not be written at once comes late and so goes back.
    pub fn is_odd(&self, limit: SignedDuration) -> bool {
        self.silent.count > 0 || self.back.longest > limit
    }
}

/// Takes leaves in order.
#[derive(Debug, Clone)]
pub struct Listening {
    limit: SignedDuration,
    /// The last heartbeat or start; at the beginning the first leaf.
    beat: Option<Timestamp>,
    last: Option<(Timestamp, u64)>,
    heard: Heard,
}

impl Listening {
    /// With what is still no silence.
    pub fn new(limit: SignedDuration) -> Self {
        Self { limit, beat: None, last: None, heard: Heard::default() }
    }

    /// The next leaf.
    pub fn take(&mut self, leaf: &Leaf<'_>) {
        let (at, entry) = (leaf.header.at, leaf.header.sequence);
        if let Some((from, _)) = self.last.replace((at, entry)).filter(|(last, _)| *last > at) {
            self.heard.back.push(Stretch { from, to: at, entry });
        }
        let from = *self.beat.get_or_insert(at);
        let stretches = match of(leaf) {
            Some(Body::Resumed { .. }) => &mut self.heard.stopped,
            Some(Body::Heartbeat { .. }) => &mut self.heard.silent,
            _ => return,
        };
        self.beat = Some(at);
        if at.duration_since(from) > self.limit {
            stretches.push(Stretch { from, to: at, entry });
        }
    }

    /// Leaves are missing here, which have expired.
    pub fn skip(&mut self) {
        self.end_stretch();
        (self.beat, self.last) = (None, None);
    }

    /// What was heard.
    pub fn end(mut self) -> Heard {
        self.end_stretch();
        self.heard
    }

    fn end_stretch(&mut self) {
        if let (Some(from), Some((to, entry))) = (self.beat, self.last)
            && to.duration_since(from) > self.limit
        {
            self.heard.silent.push(Stretch { from, to, entry });
        }
    }
}

/// What a clear leaf says of the program.
fn of(leaf: &Leaf<'_>) -> Option<Body> {
    let clear = matches!(leaf.header.class, Class::R5 | Class::R6);
    clear.then(|| serde_json::from_slice::<Content>(leaf.body).ok())?.map(|content| content.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, leaf::join};

    const LIMIT: SignedDuration = SignedDuration::from_mins(15);

    /// Of leaves at these minutes: a heartbeat `h`, a start `s`, a record `r`.
    fn heard(leaves: &[(char, i64)]) -> Heard {
        let mut listening = Listening::new(LIMIT);
        for (sequence, (kind, minute)) in leaves.iter().enumerate() {
            let at = Timestamp::from_second(60 * minute).unwrap();
            let (line, body) = match kind {
                'r' => ("R2a", None),
                's' => ("R5", Some(Body::Resumed { open: 0 })),
                _ => ("R6", Some(Body::Heartbeat { open: 0, clock: Clock::Unknown })),
            };
            let period = if body.is_some() { "-" } else { "1970-W01" };
            let content = body.map(|body| serde_json::to_vec(&Content { body, clock: None }).unwrap());
            let line = format!("varco-leaf/1 {line} library {sequence} {at} {period} -");
            let leaf = join(&line, &content.unwrap_or_else(|| vec![crate::seal::TWO]));
            listening.take(&Leaf::read(&leaf).unwrap());
        }
        listening.end()
    }

    fn minutes(stretches: &Stretches) -> Vec<(i64, i64, u64)> {
        let minute = |at: Timestamp| at.as_second() / 60;
        stretches.first.iter().map(|s| (minute(s.from), minute(s.to), s.entry)).collect()
    }

    #[test]
    fn silence_is_told_from_a_stop_and_from_time_that_goes_back() {
        let quiet = heard(&[('s', 0), ('h', 5), ('h', 20), ('r', 21)]);
        assert_eq!(quiet, Heard::default());
        let silent = heard(&[('s', 0), ('r', 9), ('h', 16), ('r', 17), ('r', 40)]);
        assert_eq!(minutes(&silent.silent), [(0, 16, 2), (16, 40, 4)], "records are no heartbeats");
        assert!(silent.is_odd(LIMIT) && silent.back.count == 0);
        let stopped = heard(&[('s', 0), ('h', 5), ('s', 900), ('h', 905)]);
        assert_eq!(minutes(&stopped.stopped), [(5, 900, 2)]);
        assert!(!stopped.is_odd(LIMIT), "it says so itself");
        let late = heard(&[('s', 20), ('h', 21), ('r', 18), ('h', 26)]);
        assert_eq!(
            (minutes(&late.back), late.back.longest),
            (vec![(21, 18, 2)], SignedDuration::from_mins(3))
        );
        assert!(!late.is_odd(LIMIT));
        let back = heard(&[('h', 60), ('h', 40)]);
        assert!(back.is_odd(LIMIT) && back.silent.count == 0);
        let many: Vec<_> = (0..40).map(|n| ('h', 20 * n)).collect();
        let many = heard(&many).silent;
        assert_eq!((many.first.len(), many.count), (TOLD, 39));
    }
}
