//! The outcome on standard output.

use super::Looked;
use crate::login::saml::{Outcome, Verdict};
use anyhow::Context;
use std::io::Write;

pub fn all(looked: &[Looked], json: bool) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string_pretty(looked)? } else { text(looked) };
    writeln!(std::io::stdout(), "{}", text.trim_end()).context("standard output")
}

fn text(looked: &[Looked]) -> String {
    looked.iter().map(|l| format!("{}\n{}\n", l.what, lines(&l.outcomes))).collect()
}

fn lines(outcomes: &[Outcome]) -> String {
    let mut counts = [0_usize; 3];
    let mut lines = String::new();
    for Outcome { rule, source, verdict } in outcomes {
        let (place, sign, why) = match verdict {
            Verdict::Good => (0, "✓", None),
            Verdict::Missing(why) => (1, "✗", Some(why)),
            Verdict::Skipped(why) => (2, "–", Some(why)),
        };
        if let Some(count) = counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        let why = why.map(|why| format!(": {}", one_line(why))).unwrap_or_default();
        lines.push_str(&format!("  {sign} {rule} ({source}){why}\n"));
    }
    let [good, missing, skipped] = counts;
    format!("{lines}  {good} rispettate, {missing} no, {skipped} non guardate\n")
}

/// What a server wrote must not look like a line of ours.
fn one_line(why: &str) -> String {
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
