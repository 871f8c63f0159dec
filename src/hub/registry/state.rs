//! What the commands say of any list: its state, and what its source would change.

use super::{Registry, Signed};
use crate::app;
use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

/// What is known of a list, for the operator.
#[derive(Debug, Serialize)]
pub struct State {
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    taken: Option<Timestamp>,
    confirmed: Option<Timestamp>,
    valid_until: Option<Timestamp>,
    stale: bool,
    failures: u32,
    why: Option<String>,
}

impl State {
    /// What is known at `now`.
    pub fn of<L: Signed>(registry: &Registry<L>, now: Timestamp) -> Self {
        let status = registry.kept().status();
        Self {
            url: registry.source.to_string(),
            number: status.number,
            stale: registry.kept().stale(&status, now),
            taken: status.taken,
            confirmed: status.confirmed,
            valid_until: status.valid_until,
            failures: status.failures,
            why: status.why,
        }
    }

    /// As text.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let at = |instant: Option<Timestamp>| instant.map_or_else(|| "never".to_owned(), |t| t.to_string());
        let mut lines = vec![format!("{name} {}{}", self.url, if self.stale { " STALE" } else { "" })];
        lines.push(format!("  taken {}, confirmed {}", at(self.taken), at(self.confirmed)));
        lines.extend(self.number.map(|number| format!("  number {number}")));
        lines.extend(self.valid_until.map(|end| format!("  valid until {end}")));
        lines.extend(self.why.as_ref().map(|why| format!("  failed {} times: {why}", self.failures)));
        lines
    }
}

/// Asks the source once and says what changes: now, when the operator accepts it, or what would, and whether the operator is
/// waited for. `command` is what they would write.
///
/// # Errors
/// When it cannot be had, or is not to be taken.
pub fn ask<L: Signed>(
    registry: &Registry<L>,
    accept: bool,
    json: bool,
    command: &str,
) -> anyhow::Result<String> {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let asked = tokio.block_on(async {
        if accept {
            return registry.renew(app::now(), true).await.map(|asked| (asked.changes, None));
        }
        registry.preview(app::now()).await
    });
    let (changes, doubt) = asked.context(L::WORDS)?;
    let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
    let doubt = doubt.map(|doubt| doubt.to_string());
    if json {
        return Ok(serde_json::to_string_pretty(&serde_json::json!({ "changes": lines, "doubt": doubt }))?);
    }
    let none = lines.is_empty().then(|| "no change".to_owned());
    let doubt = doubt.map(|doubt| format!("{doubt}\nit stays out of force until: {command} --accept"));
    Ok(none.into_iter().chain(lines).chain(doubt).collect::<Vec<_>>().join("\n"))
}
