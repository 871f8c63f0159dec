//! Numbers from samples. Whole numbers only: a ratio is in thousandths.

/// A whole, in thousandths.
pub const WHOLE: u64 = 1_000;

/// The middle sample, or the mean of the two in the middle; 0 of none.
pub fn median(samples: &[u64]) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let middle = sorted.len() / 2;
    match (sorted.get(middle), sorted.len() % 2) {
        (None, _) => 0,
        (Some(upper), 0) => sorted.get(middle.wrapping_sub(1)).map_or(*upper, |lower| lower.midpoint(*upper)),
        (Some(only), _) => *only,
    }
}

/// The smallest sample that `percent` of all do not exceed (nearest rank); 0 of none.
pub fn percentile(samples: &[u64], percent: usize) -> u64 {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).clamp(1, sorted.len().max(1));
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// How much `a` is of `b`, in thousandths; 0 where `b` is.
pub fn ratio(a: u64, b: u64) -> u64 {
    clamp(u128::from(a) * u128::from(WHOLE) / u128::from(b).max(1)) * u64::from(b > 0)
}

/// Jain's index of fairness, (Σx)² / (n Σx²), in thousandths: 1000 when all have the same, 1000/n when one has all.
pub fn jain(shares: &[u64]) -> u64 {
    let wide = || shares.iter().map(|share| u128::from(*share));
    let (sum, squares) = (wide().sum::<u128>(), wide().map(|x| x * x).sum::<u128>());
    let count = shares.len() as u128;
    clamp(sum * sum * u128::from(WHOLE) / (count * squares).max(1))
}

/// How many samples until a rate is back: the first after which `window` in a row carry `part` thousandths of
/// `target` (bytes in one sample) on average. `None` when it never is.
pub fn recovered(samples: &[u64], window: usize, target: u64, part: u64) -> Option<usize> {
    let enough = |bytes: &[u64]| ratio(bytes.iter().sum(), target * window as u64) >= part;
    samples.windows(window.max(1)).position(enough)
}

fn clamp(value: u128) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_not_moved_by_one_bad_run() {
        assert_eq!(median(&[]), 0);
        assert_eq!(median(&[7]), 7);
        assert_eq!(median(&[9, 1]), 5);
        assert_eq!(median(&[5, 1, 1_000_000, 4, 6]), 5);
        assert_eq!(median(&[u64::MAX, u64::MAX]), u64::MAX);
    }

    #[test]
    fn percentiles_are_samples() {
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(
            (percentile(&hundred, 50), percentile(&hundred, 99), percentile(&hundred, 100)),
            (50, 99, 100)
        );
        assert_eq!((percentile(&[3], 99), percentile(&[3], 0), percentile(&[], 50)), (3, 3, 0));
    }

    #[test]
    fn ratios_are_in_thousandths() {
        assert_eq!((ratio(98, 100), ratio(1, 3), ratio(0, 5), ratio(5, 0)), (980, 333, 0, 0));
        assert_eq!(ratio(u64::MAX, 1), u64::MAX);
    }

    #[test]
    fn the_index_of_fairness_is_jains() {
        assert_eq!(jain(&[10, 10, 10, 10]), 1_000);
        assert_eq!(jain(&[10, 0, 0, 0]), 250);
        assert_eq!(jain(&[2, 1]), 900);
        assert_eq!(jain(&[0, 0]), 0);
        assert_eq!(jain(&[3_000_000_000_000; 50]), 1_000);
    }

    #[test]
    fn a_rate_is_back_when_it_stays() {
        let samples = [0, 0, 120, 0, 0, 90, 100, 100, 100];
        assert_eq!(recovered(&samples, 3, 100, 900), Some(5));
        assert_eq!(recovered(&samples, 3, 200, 900), None);
        assert_eq!(recovered(&[], 3, 100, 900), None);
    }
}
