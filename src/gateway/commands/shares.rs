//! `plan` and `apply`: the shares of the lanes from the router's own command line. What is done here is on record as done
//! by nobody in particular: who may ask is root or the gateway's own user.

use super::{Config, ask, say, unexpected};
use crate::{
    change::changed,
    control::{Ask, Told},
    site::shares::SharesAnswer,
};
use anyhow::anyhow;
use clap::{ArgGroup, Args};
use std::str::FromStr;
use varco_policy::{Rate, ShareKey, Shares};
use varco_templates::{Lang, shares::sentence};
use varco_web::startup::Fault;

/// One rate to change.
#[derive(Debug, Clone, Copy)]
pub struct Set {
    key: ShareKey,
    rate: Rate,
}

impl FromStr for Set {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (key, rate) =
            text.split_once('=').ok_or("write share=rate, for example office.down.guaranteed=60mbit")?;
        let key = key.parse().map_err(|e: varco_policy::share_key::NotAShare| e.to_string())?;
        let rate = rate.parse().map_err(|e: varco_policy::rate::NotARate| e.to_string())?;
        Ok(Self { key, rate })
    }
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    config: Config,
    /// A rate to change: `office.down.guaranteed=60mbit`. May be given several times.
    #[arg(long, required = true)]
    set: Vec<Set>,
}

/// Arguments of `apply`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).multiple(true).args(["set", "confirm", "take_back"])))]
pub struct Apply {
    #[command(flatten)]
    config: Config,
    /// A rate to change: `office.down.guaranteed=60mbit`. May be given several times.
    #[arg(long)]
    set: Vec<Set>,
    /// How long the trial lasts, 1 to 600 seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=600))]
    seconds: u32,
    /// Keep what is on trial; with --set, try and keep it at once.
    #[arg(long)]
    confirm: bool,
    /// End the trial now.
    #[arg(long, conflicts_with_all = ["set", "confirm"])]
    take_back: bool,
}

/// Says what a change would mean and do.
pub fn plan(arguments: &Plan) -> Result<(), Fault> {
    let before = confirmed(&arguments.config)?;
    let shares = with(&before, &arguments.set);
    match heard(&arguments.config, Ask::Plan(shares))? {
        SharesAnswer::Planned(lines) => {
            say(&meaning(&before, &shares));
            lines.iter().for_each(|line| say(line));
            Ok(())
        }
        other => Err(refused(&other)),
    }
}

/// Tries, confirms or takes back.
pub fn apply(arguments: &Apply) -> Result<(), Fault> {
    let config = &arguments.config;
    if arguments.take_back {
        return done(&heard(config, Ask::TakeBack)?, "taken back: the confirmed shares are in force");
    }
    if !arguments.set.is_empty() {
        try_out(arguments)?;
    }
    if arguments.confirm {
        return done(&heard(config, Ask::Confirm)?, "confirmed");
    }
    say("keep it with:    varco-gateway apply --confirm");
    say("end it now with: varco-gateway apply --take-back");
    Ok(())
}

fn try_out(arguments: &Apply) -> Result<(), Fault> {
    let from = confirmed(&arguments.config)?;
    let (shares, seconds) = (with(&from, &arguments.set), arguments.seconds);
    match heard(&arguments.config, Ask::Try { from, shares, seconds })? {
        SharesAnswer::OnTrial(_) => {
            say(&meaning(&from, &shares));
            say(&format!("on trial for {seconds} seconds, then it is taken back unless it is confirmed"));
            Ok(())
        }
        other => Err(refused(&other)),
    }
}

fn done(answer: &SharesAnswer, said: &str) -> Result<(), Fault> {
    match answer {
        SharesAnswer::Confirmed | SharesAnswer::TakenBack => say(said),
        SharesAnswer::Later => {
            say("recorded; the enforcer does not answer, and will hear of it when it does")
        }
        other => return Err(refused(other)),
    }
    Ok(())
}

fn confirmed(config: &Config) -> Result<Shares, Fault> {
    let Told::Status(state) = ask(config, Ask::Status)? else { return Err(unexpected()) };
    Ok(state.shares.ok_or_else(unexpected)?.confirmed)
}

fn with(before: &Shares, set: &[Set]) -> Shares {
    let mut shares = *before;
    set.iter().for_each(|set| set.key.set(&mut shares, set.rate));
    shares
}

fn meaning(from: &Shares, to: &Shares) -> String {
    sentence(Lang::En, &changed(from, to))
}

fn heard(config: &Config, question: Ask) -> Result<SharesAnswer, Fault> {
    let Told::Shares(answer) = ask(config, question)? else { return Err(unexpected()) };
    Ok(answer)
}

fn refused(answer: &SharesAnswer) -> Fault {
    let why = match answer {
        SharesAnswer::Refused(why) => why.clone(),
        SharesAnswer::OtherTrial => "another change is on trial; confirm it or take it back first".into(),
        SharesAnswer::Changed => "the shares have been changed meanwhile; look at them and try again".into(),
        SharesAnswer::Same => "these shares are in force already".into(),
        SharesAnswer::NoTrial => {
            "nothing is on trial: its time was over, or somebody confirmed it or took it back".into()
        }
        SharesAnswer::GateDown => "the enforcer does not answer; nothing has changed".into(),
        SharesAnswer::RecordsFailed => "the change could not be recorded, so it was not made".into(),
        _ => return unexpected(),
    };
    Fault::Other(anyhow!(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_set_says_what_would_be_right() {
        let said = |text: &str| text.parse::<Set>().unwrap_err();
        assert!(said("office.down.guaranteed").contains("share=rate"));
        assert!(said("office.guaranteed=1mbit").contains("write lane, direction and rate"));
        assert!(said("office.down.guaranteed=fast").contains("512kbit, 100mbit, 10gbit"));
        let set: Set = "guest.up.ceiling=90mbit".parse().unwrap();
        assert_eq!((set.key.to_string(), set.rate.to_string()), ("guest.up.ceiling".into(), "90mbit".into()));
    }
}
