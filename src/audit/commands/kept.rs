//! How long each class is kept here, told to the commands that do not read a server's settings.

use super::verify::read;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use varco_audit::{
    expiry::{AuthorisedOperator, Kept, Profile},
    holder::People,
    keys::KeyFolder,
};

/// What the controller has decided.
#[derive(Debug, clap::Args)]
pub struct Decided {
    /// What the controller has decided otherwise than the default, as in `[log.retention]` of hub and gateways: R2b="30 days".
    /// Several times.
    #[arg(long, value_name = "CLASS=LENGTH", value_parser = one)]
    kept: Vec<(String, String)>,
}

impl Decided {
    /// How long each class is kept by who held this ceremony: an authorised operator, where its folder says so, signed by two
    /// of its holders.
    pub fn lengths(&self, ceremony: &KeyFolder) -> Result<Kept> {
        let file = ceremony.authorised_operator();
        let mut profile = Profile::PublicBody;
        if std::fs::exists(&file)? {
            let people = People::read(&ceremony.people())?;
            AuthorisedOperator::read(&read(&file)?, &people).with_context(|| file.display().to_string())?;
            profile = Profile::AuthorisedOperator;
        }
        let table: BTreeMap<_, _> = self.kept.iter().cloned().collect();
        Ok(Kept::of(profile, &table).map_err(|(_, bad)| bad)?)
    }
}

fn one(text: &str) -> Result<(String, String), String> {
    let (class, length) = text.split_once('=').ok_or_else(|| format!("`{text}`: write R2b=\"30 days\""))?;
    Ok((class.to_owned(), length.to_owned()))
}
