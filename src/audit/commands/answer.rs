//! `varco-audit answer`: the approver's half of a look-up.

use super::{
    officer::{Allowed, EXIT_CLOSED, Officer, now, open, signer, write},
    print,
    verify::log_key,
};
use serde::Serialize;
use std::{fmt::Write as _, path::PathBuf, process::ExitCode};
use varco_audit::{
    Clock,
    case::{
        Answer, AnswerError, BadDocument, CaseId, Found, Outcome, Permit, Session, Sessions, Signed, What,
        sessions,
    },
    opener::{OpenError, Opener},
    seal::Role,
    tlog::VerifierKey,
};

/// Nobody held the slot.
const EXIT_NOBODY: u8 = 2;
/// More than one pass held the slot within the tolerance.
const EXIT_AMBIGUOUS: u8 = 3;
/// A record is not what was signed.
const EXIT_ALTERED: u8 = 4;
/// A log is not signed by its key.
const EXIT_NOT_SIGNED: u8 = 5;

/// Open what the requester found, and answer: who held the address and port.
///
/// The answer is printed, and written signed for the hub and the evidence pack; it says no address.
///
/// Exit codes: 0 one session; 2 nobody; 3 ambiguous; 4 a record is not what its log's checkpoint stands for; 5 that is not
/// signed by the log's key; 7 closed: a record that would answer cannot be opened; 8 not allowed.
#[derive(Debug, clap::Args)]
pub struct Give {
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    officer: Officer,
    /// What the requester found.
    #[arg(long, required_unless_present = "closed")]
    found: Option<PathBuf>,
    /// Answer that what would answer cannot be opened any more: its keys were destroyed, or its records are gone.
    #[arg(long, conflicts_with = "found")]
    closed: bool,
    /// The public key of a site's log, not to be taken from the requester. Several times.
    #[arg(long, value_parser = log_key)]
    vkey: Vec<VerifierKey>,
    #[command(flatten)]
    form: Form,
}

/// How an answer is given.
#[derive(Debug, clap::Args)]
pub struct Form {
    /// The folder for the answer, `<case>.answer`.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Give {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let (people, mut opener) = (self.officer.people()?, self.officer.opener()?);
        let permit = match self.allowed.permit(&people, &mut opener, Role::Approver)? {
            Ok(permit) => permit,
            Err(code) => return Ok(code),
        };
        let Some(found) = &self.found else {
            let approver = signer(&opener, Role::Approver)?;
            let answer = Answer::without(permit.case(), &approver.name, now(), Outcome::Closed);
            self.form.sign(&answer, &opener)?;
            return Ok(ExitCode::from(EXIT_CLOSED));
        };
        let found = open::<Found>(found, &people)?;
        if found.case != permit.case() {
            return Err(BadDocument::OtherCase { found: found.case, wanted: permit.case() }.into());
        }
        self.form.give(&permit, &found, &mut opener, &self.vkey)
    }
}

/// An answer as JSON has it.
#[derive(Serialize)]
struct Printed<'a> {
    case: CaseId,
    outcome: Outcome,
    #[serde(flatten)]
    sessions: &'a Sessions,
}

impl Form {
    /// Opens, prints and signs.
    pub fn give(
        &self,
        permit: &Permit,
        found: &Found,
        opener: &mut Opener,
        logs: &[VerifierKey],
    ) -> anyhow::Result<ExitCode> {
        let sessions = match sessions(permit, found, opener, logs) {
            Ok(sessions) => sessions,
            Err(error) => return failed(error),
        };
        let approver = signer(opener, Role::Approver)?;
        let answer = Answer::of(permit.case(), &approver.name, now(), &sessions);
        let printed = Printed { case: answer.case, outcome: answer.outcome, sessions: &sessions };
        print(&if self.json {
            serde_json::to_string_pretty(&printed)? + "\n"
        } else {
            text(permit, &sessions)?
        })?;
        self.sign(&answer, opener)?;
        Ok(match answer.outcome {
            Outcome::Nobody => ExitCode::from(EXIT_NOBODY),
            Outcome::Ambiguous => ExitCode::from(EXIT_AMBIGUOUS),
            _ => ExitCode::SUCCESS,
        })
    }

    /// Writes the signed answer; with JSON nothing more is printed.
    pub fn sign(&self, answer: &Answer, opener: &Opener) -> anyhow::Result<()> {
        let signed = Signed::make(answer, signer(opener, Role::Approver)?)?;
        write(&self.folder, Some(answer.case), "answer", &signed, self.json)
    }

    /// Whether JSON is wanted.
    pub const fn json(&self) -> bool {
        self.json
    }
}

fn failed(error: AnswerError) -> anyhow::Result<ExitCode> {
    let code = match &error {
        error if error.is_closed() => EXIT_CLOSED,
        AnswerError::Unproved(..) => EXIT_ALTERED,
        AnswerError::NoKey(_) | AnswerError::Checkpoint(..) | AnswerError::Note(..) => EXIT_NOT_SIGNED,
        _ => return Err(error.into()),
    };
    eprintln!("{error}");
    if let AnswerError::Open(OpenError::NoKey { role, .. }) = &error {
        eprintln!("give --holder with the key of a {role}, and --keys with the folder of the ceremony");
    }
    Ok(ExitCode::from(code))
}

fn text(permit: &Permit, found: &Sessions) -> anyhow::Result<String> {
    let mut text = String::new();
    if let What::Slot(moment) = &permit.question().what {
        let (address, port, at) = (moment.address, moment.port, &moment.at);
        writeln!(
            text,
            "asked    {address} port {port} {} at {at}, {} s either way",
            moment.protocol, moment.tolerance
        )?;
    }
    match found.sessions.len() {
        0 => text += "nobody held this address and port at that instant\n",
        1 => {}
        n => writeln!(text, "ambiguous: {n} passes held this address and port within the tolerance")?,
    }
    found.sessions.iter().try_for_each(|session| session_text(&mut text, session))?;
    writeln!(text, "clocks   {}", clock(found.clock))?;
    Ok(text)
}

fn session_text(text: &mut String, session: &Session) -> anyhow::Result<()> {
    let Session { site, pass, subject, slot, from, until, .. } = session;
    writeln!(text, "\nsite     {site}\npass     {pass}\nsubject  {}", subject.as_str())?;
    writeln!(text, "slot     {} ports {}-{}", slot.address, slot.first_port, slot.last_port)?;
    writeln!(text, "from     {from}\nuntil    {until}\nended    {}", cause(session)?)?;
    for again in &session.ended_again {
        writeln!(text, "         ended again {again}: an old copy of the site's records was restored")?;
    }
    if let Some(doubtful) = session.clock {
        writeln!(text, "clock    {}", clock(doubtful))?;
    }
    if session.not_in_log {
        text.push_str("log      not in the log yet: signed by nobody, and no evidence\n");
    }
    text.push('\n');
    Ok(())
}

fn clock(clock: Clock) -> String {
    match clock {
        Clock::Unknown => "nobody knew how right it was; taken to be within 2 minutes".to_owned(),
        Clock::WithinMs(ms) => format!("may have been {ms} ms off; counted in"),
    }
}

fn cause(session: &Session) -> anyhow::Result<String> {
    match session.cause {
        Some(cause) => Ok(serde_json::to_value(cause)?.as_str().unwrap_or_default().to_owned()),
        None => Ok("not yet, or its end was not recorded: `until` is the latest".to_owned()),
    }
}
