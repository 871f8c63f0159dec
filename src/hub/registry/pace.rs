//! When the registry is asked again.

use jiff::SignedDuration;

/// The first wait after a failure.
const FIRST: SignedDuration = SignedDuration::from_mins(2);
/// The least time between two requests that succeed.
const LEAST: SignedDuration = SignedDuration::from_hours(1);

/// How long to wait: `every`, or less where the list itself wants to be asked for sooner; after failures two minutes, then
/// double, up to `every`. The lot takes up to a fifth away, so that a fleet does not ask in step.
pub fn wait(
    every: SignedDuration,
    fresh_for: Option<SignedDuration>,
    failures: u32,
    lot: u8,
) -> SignedDuration {
    let calm = fresh_for.map_or(every, |fresh| fresh.min(every)).max(LEAST);
    let doubled = 1_i32.checked_shl(failures.saturating_sub(1)).filter(|n| *n > 0);
    let retry = doubled.and_then(|n| FIRST.checked_mul(n)).unwrap_or(calm);
    let whole = if failures == 0 { calm } else { retry.min(calm) };
    let part = whole.checked_div(5 * 256).unwrap_or_default();
    whole.saturating_sub(part.checked_mul(i32::from(lot)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    #[test]
    fn failures_are_asked_again_sooner_and_ever_more_slowly() {
        let minutes = |failures, lot| wait(DAY, None, failures, lot).as_mins();
        assert_eq!(
            [0, 1, 2, 3, 9, 10, 11, 40].map(|n| minutes(n, 0)),
            [1440, 2, 4, 8, 512, 1024, 1440, 1440]
        );
        assert!((1152..1160).contains(&minutes(0, 255)), "{}", minutes(0, 255));
        assert!(wait(DAY, None, 1, 255) >= SignedDuration::from_secs(96));
    }

    #[test]
    fn a_list_may_want_to_be_asked_for_sooner_but_not_all_the_time() {
        assert_eq!(wait(DAY, Some(SignedDuration::from_hours(6)), 0, 0).as_hours(), 6);
        assert_eq!(wait(DAY, Some(SignedDuration::from_hours(720)), 0, 0).as_hours(), 24);
        assert_eq!(wait(DAY, Some(SignedDuration::ZERO), 0, 0).as_hours(), 1);
    }
}
