//! `varco-audit count`: how many look-ups there were, from the headers of the hub's log.

use super::{print, source::failed, verify::log_key};
use jiff::tz::TimeZone;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::{
    case::Step,
    index::{Marked, Month, by_month},
    records::{Records, RecordsError},
    tlog::VerifierKey,
};

/// What is counted, in the order in which it is printed.
const COUNTED: [Step; 4] = [Step::Asked, Step::Allowed, Step::Refused, Step::Answered];

/// How many look-ups were asked for, allowed, refused and answered, by month of UTC: what the hub publishes, from its log.
/// No key opens anything for it.
///
/// Exit codes: 0 counted; 1 cannot be read; 4 not what was signed; 5 not signed by the key; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Count {
    /// The hub's log folder, or a copy of it.
    #[arg(long)]
    log: PathBuf,
    /// The log's public key; not to be taken from the one who gave you the folder.
    #[arg(long, value_parser = log_key)]
    vkey: VerifierKey,
    /// An index that you made of the log. Without it every entry is read.
    #[arg(long)]
    index: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Count {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let marked = match self.marked() {
            Ok(marked) => marked,
            Err(error) => return failed(error.into()),
        };
        let counts = by_month(&marked, &TimeZone::UTC);
        let mut months = BTreeMap::<Month, [u64; 4]>::new();
        for ((month, kind), count) in counts {
            let place = COUNTED.iter().position(|step| step.as_str() == kind);
            if let Some(place) = place {
                months.entry(month).or_default()[place] = count;
            }
        }
        print(&if self.json { json(&months)? } else { text(&months)? })?;
        Ok(ExitCode::SUCCESS)
    }

    fn marked(&self) -> Result<Vec<Marked>, RecordsError> {
        let records = Records::open(Some(&self.log), None)?.signed_by(&self.vkey)?;
        let mut records = match &self.index {
            Some(file) => records.indexed(file)?,
            None => records,
        };
        let mut marked = Vec::new();
        for step in COUNTED {
            marked.extend(records.marked(&format!("{step}:"))?);
        }
        Ok(marked)
    }
}

fn text(months: &BTreeMap<Month, [u64; 4]>) -> anyhow::Result<String> {
    let mut text = "month    asked  allowed  refused  answered\n".to_owned();
    for (month, [asked, allowed, refused, answered]) in months {
        writeln!(text, "{}  {asked:>5}  {allowed:>7}  {refused:>7}  {answered:>8}", name(*month))?;
    }
    Ok(text)
}

fn json(months: &BTreeMap<Month, [u64; 4]>) -> anyhow::Result<String> {
    let line = |(month, [asked, allowed, refused, answered]): (&Month, &[u64; 4])| {
        serde_json::json!({
            "month": name(*month), "asked": asked, "allowed": allowed, "refused": refused, "answered": answered
        })
    };
    Ok(serde_json::to_string_pretty(&months.iter().map(line).collect::<Vec<_>>())? + "\n")
}

fn name(Month { year, month }: Month) -> String {
    format!("{year:04}-{month:02}")
}
