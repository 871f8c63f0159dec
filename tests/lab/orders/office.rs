//! What an administrator does in the office.

use super::go_on;
use anyhow::{Context, Result};
use clap::Args;
use std::{ffi::OsString, process::ExitCode};
use varco_tests::{
    cns::{Card, Reader},
    lab::{Host, Lab, card, login, office},
    start,
};

/// What an administrator is sent for.
#[derive(Args, Clone)]
pub struct Errand {
    /// Who logs in; `carla` administers the lab's site.
    #[arg(long, default_value = "carla")]
    pub citizen: String,
    /// A smart card instead of a provider.
    #[arg(long)]
    pub card: Option<Card>,
    /// A rate to change: `guest.down.ceiling=50mbit`.
    #[arg(long)]
    pub set: Vec<String>,
    /// How long the trial lasts, in seconds.
    #[arg(long)]
    pub seconds: Option<u32>,
    /// How far to go.
    #[arg(long, value_enum, default_value = "look")]
    pub until: office::Step,
}

/// Sends the administrator.
pub fn send(lab: &Lab, errand: &Errand) -> Result<ExitCode> {
    let mut words: Vec<OsString> = vec!["--citizen".into(), errand.citizen.clone().into()];
    if let Some(card) = errand.card {
        words.extend(["--card".into(), card.name().into()]);
    }
    for set in &errand.set {
        words.extend(["--set".into(), set.into()]);
    }
    if let Some(seconds) = errand.seconds {
        words.extend(["--seconds".into(), seconds.to_string().into()]);
    }
    let until = clap::ValueEnum::to_possible_value(&errand.until);
    words.extend(["--until".into(), until.map_or("look".into(), |v| v.get_name().into())]);
    go_on(lab, Host::Office, "at-office", words)
}

/// The errand itself.
pub fn run(lab: &Lab, errand: Errand) -> Result<()> {
    let Errand { citizen, card, set, seconds, until } = errand;
    let pair = |text: String| {
        let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.with_context(|| format!("`{text}` is not field=rate"))
    };
    let set = set.into_iter().map(pair).collect::<Result<_>>()?;
    let card = card.map(|card| card::Shown { card, reader: Reader::File, pin: None });
    let wish = login::Wish { card, ..login::Wish::new(citizen) };
    start::say(&(office::go(lab, &wish, &office::Errand { set, seconds, until })? + "\n"))
}
