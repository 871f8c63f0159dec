//! What asking may cost, and where a responder may be.

use ipnet::IpNet;
use serde::Deserialize;
use std::{path::Path, time::Duration};
use varco_policy::ConfigError;

/// `[cns.asking]`: how the hub asks whether a card is revoked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long one question to a responder, or the wait for a list, may last, in seconds, 1 to 5.
    pub timeout: u64,
    /// Questions under way at once, 1 to 256; a quarter of them at one host.
    pub parallel: usize,
    /// Private networks in which responders and lists may be. Without one, only public addresses are asked.
    pub networks: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { timeout: 3, parallel: 16, networks: Vec::new() }
    }
}

impl Settings {
    /// # Errors
    /// When a number is out of its range.
    pub fn check(&self, file: &Path) -> Result<(), ConfigError> {
        let wrong = |key, problem, remedy| Err(ConfigError::new(file, key, problem, remedy));
        if !(1..=5).contains(&self.timeout) {
            return wrong("cns.asking.timeout", "not from 1 to 5 seconds", "give 3");
        }
        if !(1..=256).contains(&self.parallel) {
            return wrong("cns.asking.parallel", "not from 1 to 256", "give 16");
        }
        Ok(())
    }

    /// How long one question may last.
    pub const fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}
