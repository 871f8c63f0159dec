//! How long each class is kept here, told to the commands that do not read a server's settings.

use std::collections::BTreeMap;
use varco_audit::expiry::{BadKept, Kept};

/// What the controller has decided.
#[derive(Debug, clap::Args)]
pub struct Decided {
    /// What the controller has decided otherwise than the default, as in `[log.retention]` of hub and gateways: R2b="30 days".
    /// Several times.
    #[arg(long, value_name = "CLASS=LENGTH", value_parser = one)]
    kept: Vec<(String, String)>,
}

impl Decided {
    /// How long each class is kept.
    pub fn lengths(&self) -> Result<Kept, BadKept> {
        let table: BTreeMap<_, _> = self.kept.iter().cloned().collect();
        Kept::of(&table).map_err(|(_, bad)| bad)
    }
}

fn one(text: &str) -> Result<(String, String), String> {
    let (class, length) = text.split_once('=').ok_or_else(|| format!("`{text}`: write R2b=\"30 days\""))?;
    let tried = Kept::default().set(class, length);
    tried.map(|()| (class.to_owned(), length.to_owned())).map_err(|bad| bad.to_string())
}
