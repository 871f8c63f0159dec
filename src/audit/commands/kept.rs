//! How long each class is kept here, told to the commands that do not read a server's settings.

use super::verify::read;
use anyhow::{Context as _, Result};
use std::{collections::BTreeMap, path::PathBuf};
use varco_audit::{
    expiry::{AuthorisedOperator, Kept, Profile},
    holder::People,
};

/// What the controller has decided.
#[derive(Debug, clap::Args)]
pub struct Decided {
    /// What the controller has decided otherwise than the default, as in `[log.retention]` of hub and gateways: R2b="30 days".
    /// Several times.
    #[arg(long, value_name = "CLASS=LENGTH", value_parser = one)]
    kept: Vec<(String, String)>,
    /// The statement of `varco-audit authorised-operator`, where the controller is an authorised operator: its ranges are others.
    #[arg(long, value_name = "FILE")]
    authorised_operator: Option<PathBuf>,
}

impl Decided {
    /// How long each class is kept. Who is an operator, two of these people have signed.
    pub fn lengths(&self, people: impl FnOnce() -> Result<People>) -> Result<Kept> {
        let profile = match &self.authorised_operator {
            None => Profile::PublicBody,
            Some(file) => {
                AuthorisedOperator::read(&read(file)?, &people()?)
                    .with_context(|| file.display().to_string())?;
                Profile::AuthorisedOperator
            }
        };
        let table: BTreeMap<_, _> = self.kept.iter().cloned().collect();
        Ok(Kept::of(profile, &table).map_err(|(_, bad)| bad)?)
    }
}

fn one(text: &str) -> Result<(String, String), String> {
    let (class, length) = text.split_once('=').ok_or_else(|| format!("`{text}`: write R2b=\"30 days\""))?;
    Ok((class.to_owned(), length.to_owned()))
}
