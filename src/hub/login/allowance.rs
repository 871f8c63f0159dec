//! How many refused answers an hour the register takes: anybody can make requests and answer them with nothing.

use std::sync::{Mutex, PoisonError};

/// Refused answers an hour that no provider signed: enough to see that somebody tries.
const UNSIGNED: u32 = 60;
/// Refused answers an hour that a provider signed: each took a step at the provider.
const SIGNED: u32 = 3_600;

/// What is left of the hour.
#[derive(Debug, Default)]
pub struct Allowance(Mutex<Hour>);

#[derive(Debug, Default)]
struct Hour {
    number: i64,
    unsigned: Count,
    signed: Count,
}

#[derive(Debug, Default)]
struct Count {
    written: u32,
    lost: u64,
}

/// What to do with one more.
#[derive(Debug, PartialEq, Eq)]
pub enum Take {
    /// Write it. So many of the hours before were not, if any.
    Write {
        /// Not written since it was told last.
        lost: u64,
    },
    /// Count it only.
    Count,
}

impl Allowance {
    /// Takes one at `now`, in Unix seconds.
    pub fn take(&self, signed: bool, now: i64) -> Take {
        let mut hour = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.div_euclid(3_600);
        if hour.number != number {
            hour.number = number;
            hour.unsigned.written = 0;
            hour.signed.written = 0;
        }
        let (count, most) = if signed { (&mut hour.signed, SIGNED) } else { (&mut hour.unsigned, UNSIGNED) };
        if count.written >= most {
            count.lost = count.lost.saturating_add(1);
            return Take::Count;
        }
        count.written += 1;
        Take::Write { lost: std::mem::take(&mut count.lost) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_has_so_many_and_tells_of_the_others_in_the_next() {
        let allowance = Allowance::default();
        let hour = |n: i64| 3_600 * (500_000 + n);
        for _ in 0..UNSIGNED {
            assert_eq!(allowance.take(false, hour(0)), Take::Write { lost: 0 });
        }
        for _ in 0..7 {
            assert_eq!(allowance.take(false, hour(1) - 1), Take::Count);
        }
        assert_eq!(
            allowance.take(true, hour(1) - 1),
            Take::Write { lost: 0 },
            "signed ones are counted apart"
        );
        assert_eq!(allowance.take(false, hour(1)), Take::Write { lost: 7 });
        assert_eq!(allowance.take(false, hour(1)), Take::Write { lost: 0 });
        for _ in 1..SIGNED {
            assert_eq!(allowance.take(true, hour(0)), Take::Write { lost: 0 });
        }
    }

    #[test]
    fn signed_ones_end_too() {
        let allowance = Allowance::default();
        for _ in 0..SIGNED {
            assert_eq!(allowance.take(true, 0), Take::Write { lost: 0 });
        }
        assert_eq!(allowance.take(true, 3_599), Take::Count);
        assert_eq!(allowance.take(false, 3_599), Take::Write { lost: 0 });
    }
}
