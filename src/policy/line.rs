//! How the line is watched: the part `[line]` of `site.toml`.

use crate::{config::ConfigError, site::within};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::{net::Ipv4Addr, path::Path};

/// The most hosts that are asked: each gets up to five packets a second.
const MOST_REFLECTORS: usize = 8;

/// How the line is watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineSettings {
    /// Hosts beyond the line that answer an ICMP echo or, where the gateway may not send one, a DNS query. None here: the
    /// resolvers of the walled garden.
    #[serde(default)]
    pub reflectors: Vec<Ipv4Addr>,
    /// The delay, above the least of the last minutes, at which a varying line counts as full. 1 ms to 1 s.
    #[serde(default = "added_delay")]
    pub added_delay: SignedDuration,
}

fn added_delay() -> SignedDuration {
    SignedDuration::from_millis(15)
}

impl Default for LineSettings {
    fn default() -> Self {
        Self { reflectors: Vec::new(), added_delay: added_delay() }
    }
}

impl LineSettings {
    pub(crate) fn check(&self, file: &Path) -> Result<(), ConfigError> {
        if self.reflectors.len() > MOST_REFLECTORS {
            let problem = format!("{} hosts", self.reflectors.len());
            return Err(ConfigError::new(file, "line.reflectors", problem, "list eight at most"));
        }
        let (least, most) = (SignedDuration::from_millis(1), SignedDuration::from_secs(1));
        within(file, "line.added_delay", self.added_delay, least, most)
    }
}
