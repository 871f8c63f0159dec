//! A live chart in a terminal: two rates as bars, one line for each instant.

/// How wide a bar of the whole line is, in characters.
const WIDTH: u64 = 30;

/// Rates in one interval, in kbit/s.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sample {
    /// Of the guest.
    pub guest: u64,
    /// Of the office.
    pub office: u64,
}

/// A line of the chart; `line` is what the link carries, in kbit/s.
pub fn line(second: u32, sample: Sample, line: u64, note: &str) -> String {
    let bar = |rate: u64, sign: &str| {
        let filled = usize::try_from((rate * WIDTH).div_ceil(line.max(1)).min(WIDTH)).unwrap_or(0);
        format!("{}{}", sign.repeat(filled), " ".repeat(30 - filled))
    };
    let (guest, office) = (bar(sample.guest, "▒"), bar(sample.office, "█"));
    let megabits = |rate: u64| rate / 1000;
    format!(
        "{second:>3} s  guest {:>4} Mbit/s |{guest}|  office {:>4} Mbit/s |{office}|  {note}",
        megabits(sample.guest),
        megabits(sample.office),
    )
}

/// What three phases of the chart must show: the guest has the line, gives way to the office, has it again.
///
/// # Errors
/// What is not so.
pub fn judge(alone: u64, beside: u64, after: u64) -> Result<(), String> {
    if beside * 2 > alone {
        return Err(format!("the guest did not give way: {alone} kbit/s alone, {beside} beside the office"));
    }
    if after * 2 < alone {
        return Err(format!("the guest did not get the line back: {alone} kbit/s before, {after} after"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_rates_are_high() {
        let text = line(3, Sample { guest: 50_000, office: 100_000 }, 100_000, "x");
        assert_eq!((text.matches('▒').count(), text.matches('█').count()), (15, 30));
    }

    #[test]
    fn a_guest_that_does_not_give_way_is_noticed() {
        assert!(judge(95, 9, 94).is_ok());
        assert!(judge(95, 60, 94).is_err());
        assert!(judge(95, 9, 30).is_err());
    }
}
