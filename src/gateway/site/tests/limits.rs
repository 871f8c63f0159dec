//! Opening hours and what a person may use of a day. The world begins on Monday the 12th, 13:46:40; the day is UTC's.

mod day;
mod hours;
mod places;
mod rates;
mod restart;
mod watchman;

use super::{
    super::*,
    world::{Fate, LENGTH, World, device, id, person, rules},
};
use varco_policy::{PassId, Size};

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;

fn at(text: &str) -> Timestamp {
    format!("1970-01-{text}:00Z").parse().unwrap()
}

fn open(hours: &str) -> Rules {
    let hours = varco_policy::config::parse("hours".as_ref(), hours).unwrap();
    Rules { schedule: Schedule::new(jiff::tz::TimeZone::UTC, Some(hours)), ..rules() }
}

fn limited(limits: Limits) -> Rules {
    Rules { limits, length: SignedDuration::from_hours(4), idle: SignedDuration::from_hours(24), ..rules() }
}

fn daily_time(minutes: i64) -> Rules {
    limited(Limits { daily_time: Some(SignedDuration::from_mins(minutes)), ..Limits::default() })
}

fn daily_volume(bytes: u64) -> Rules {
    limited(Limits { daily_volume: Some(Size::from_bytes(bytes)), ..Limits::default() })
}

impl World {
    fn until(&mut self, time: &str) {
        let seconds = at(time).duration_since(self.now).as_secs();
        self.pass_time(seconds);
    }

    /// Minute by minute, as the loop would wake up.
    fn pass_time(&mut self, seconds: i64) {
        for _ in 0..seconds / MINUTE {
            self.wait(MINUTE);
            self.settle();
        }
        self.wait(seconds % MINUTE);
        self.settle();
    }

    fn moves(&mut self, n: u8, bytes: u64) {
        *self.bytes.get_mut(&device(n)).unwrap() += bytes;
        self.wait(5);
        self.settle();
    }

    fn is_in(&self, pass: PassId) -> bool {
        matches!(self.answer_of(pass), Some(Answer::Online(_))) && !self.ended.contains_key(&pass)
    }

    fn comes(&mut self, n: u8, who: u8) -> PassId {
        let pass = self.log_in_as(device(n), who);
        self.settle();
        pass
    }
}
