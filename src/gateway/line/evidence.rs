//! `varco-gateway evidence`: the minutes as CSV on standard output, or a day in a sentence. Reads `evidence.db` itself,
//! whether the gateway runs or not.

use super::{
    csv, ledger,
    pages::{is_school, said, span},
    tally::{Tally, day},
};
use crate::settings::Settings;
use anyhow::{Context, anyhow};
use clap::Args;
use jiff::{Zoned, civil::Date, tz::TimeZone};
use std::io::{self, BufWriter, Write};
use varco_templates::{Lang, evidence::sentence};
use varco_web::startup::Fault;

/// What is asked for. Dates are days of the site, both included.
#[derive(Debug, Args)]
pub struct Asked {
    /// The first day of the CSV: 2026-11-01.
    #[arg(long, requires = "to", required_unless_present = "day", conflicts_with = "day")]
    from: Option<Date>,
    /// Its last day.
    #[arg(long, requires = "from")]
    to: Option<Date>,
    /// A day, in a sentence.
    #[arg(long)]
    day: Option<Date>,
    /// The language of the sentence: it, en.
    #[arg(long, default_value = "it", value_parser = language)]
    lang: Lang,
}

impl Asked {
    /// Whether the first day is not after the last.
    pub fn is_sensible(&self) -> bool {
        self.from.zip(self.to).is_none_or(|(first, last)| first <= last)
    }
}

fn language(tag: &str) -> Result<Lang, String> {
    Lang::from_tag(tag).ok_or_else(|| "it or en".to_owned())
}

/// Prints it.
///
/// # Errors
/// When there is no evidence yet or it cannot be read.
pub fn print(settings: &Settings, asked: &Asked) -> Result<(), Fault> {
    let zone = settings.site.timezone.zone().clone();
    let mut to = BufWriter::new(io::stdout().lock());
    let written = match *asked {
        Asked { day: Some(date), lang, .. } => tell(settings, date, lang, &zone, &mut to),
        Asked { from: Some(first), to: Some(last), .. } => export(settings, first, last, &zone, &mut to),
        _ => Err(anyhow!("give --day, or --from and --to")),
    };
    written.and_then(|()| Ok(to.flush()?)).or_else(unheard).map_err(Fault::Other)
}

/// Nobody listening any more, as `head`, is no failure.
fn unheard(error: anyhow::Error) -> anyhow::Result<()> {
    let broken = error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe);
    if broken { Ok(()) } else { Err(error) }
}

fn tell(
    settings: &Settings,
    date: Date,
    lang: Lang,
    zone: &TimeZone,
    mut to: impl Write,
) -> anyhow::Result<()> {
    let span = day(date, zone).context("there is no such day")?;
    let mut tally = None;
    ledger::read(&settings.state, span.from, span.to, |minute| {
        tally.get_or_insert_with(Tally::default).add(&minute);
        true
    })?;
    let now = Zoned::new(super::now(), zone.clone());
    let facts = said(is_school(&settings.site), date, span, tally.as_ref(), &now);
    Ok(writeln!(to, "{}", sentence(lang, &facts))?)
}

fn export(
    settings: &Settings,
    first: Date,
    last: Date,
    zone: &TimeZone,
    mut to: impl Write,
) -> anyhow::Result<()> {
    let span = span(first, last, zone).context("--from is after --to")?;
    to.write_all(csv::header().as_bytes())?;
    let mut written = Ok(());
    ledger::read(&settings.state, span.from, span.to, |minute| {
        written = to.write_all(csv::line(&minute).as_bytes());
        written.is_ok()
    })?;
    Ok(written?)
}
