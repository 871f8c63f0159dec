//! `up`, and what it prints.

use super::Which;
use anyhow::Result;
use clap::Args;
use jiff::SignedDuration;
use std::path::PathBuf;
use varco_policy::Rate;
use varco_tests::{
    lab::{Lab, Plan, report, up},
    start,
};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    pub which: Which,
    /// How many guests.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub guests: u8,
    /// What the line carries in each direction.
    #[arg(long, default_value = "100mbit")]
    pub rate: Rate,
    /// The least that it carries: then it varies, and is followed by the delay of echoes.
    #[arg(long)]
    pub least: Option<Rate>,
    /// Length of a pass.
    #[arg(long, default_value = "4h")]
    pub pass_length: String,
    /// A pass without traffic for this long ends; 30m unless said, or the length of a pass where that is less.
    #[arg(long)]
    pub idle: Option<String>,
    /// Only the network and the Internet's servers, none of Varco's programs.
    #[arg(long)]
    pub bare: bool,
    /// The hub on the router, as at a single site, instead of in the Internet.
    #[arg(long)]
    pub one_box: bool,
    /// A provider of CIE and a node of eIDAS beside SPID's provider.
    #[arg(long)]
    pub schemes: bool,
    /// The site's time zone, instead of Rome's.
    #[arg(long)]
    pub timezone: Option<String>,
    /// Records of three years ago at the gateway, which prunes nothing until its `log_mirror` is put back.
    #[arg(long)]
    pub history: bool,
    /// The URL of a Redis for the hub's logins.
    #[arg(long)]
    pub store: Option<String>,
    /// Folder of Varco's programs, instead of the one that holds varco-lab.
    #[arg(long)]
    pub programs: Option<PathBuf>,
    /// Print what scripts need.
    #[arg(long)]
    pub json: bool,
}

/// Brings the lab up.
pub fn bring_up(options: Options) -> Result<()> {
    let plan = Plan {
        name: options.which.name,
        guests: options.guests,
        rate: options.rate,
        least: options.least,
        idle: options.idle.unwrap_or_else(|| usual_idle(&options.pass_length)),
        pass_length: options.pass_length,
        bare: options.bare,
        one_box: options.one_box,
        schemes: options.schemes,
        cards: cfg!(debug_assertions),
        timezone: options.timezone,
        history: options.history,
        store: options.store,
    };
    let programs = options.programs.map_or_else(beside, Ok)?;
    let report = up::up(plan, options.which.state.as_deref(), std::path::absolute(programs)?)?;
    print(&Lab::at(&report.state)?, options.json)
}

/// The idle limit when none is asked for: a site's settings allow none above the length of a pass.
fn usual_idle(pass_length: &str) -> String {
    let half_an_hour = SignedDuration::from_mins(30);
    match pass_length.parse::<SignedDuration>() {
        Ok(length) if length < half_an_hour => pass_length.to_owned(),
        _ => "30m".to_owned(),
    }
}

/// The folder of this program, where its siblings are.
pub fn beside() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(""))
}

/// What there is, for people or for scripts.
pub fn print(lab: &Lab, json: bool) -> Result<()> {
    let report = report::of(lab)?;
    if json {
        return start::say(&(serde_json::to_string_pretty(&report)? + "\n"));
    }
    start::say(&report.text(&lab.record()?.plan))
}

#[cfg(test)]
mod tests {
    use super::usual_idle;

    #[test]
    fn the_idle_limit_is_never_above_the_length_of_a_pass() {
        assert_eq!((usual_idle("1m").as_str(), usual_idle("4h").as_str()), ("1m", "30m"));
    }
}
