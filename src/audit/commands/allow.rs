//! `varco-audit allow`: the approver reads a request and decides.

use super::{
    officer::{Officer, closed, now, open, signer, unfit, write},
    print,
};
use std::{
    io::{IsTerminal as _, stdin},
    path::PathBuf,
    process::ExitCode,
};
use varco_audit::{
    case::{Approval, Ground, Moment, Question, Refusal, Request, Signed, What},
    seal::Role,
};

/// Read a request, and allow or refuse it: the approver's decision, signed.
///
/// It prints the question and asks at the terminal. Without a terminal it only prints, unless --yes or --refuse is given.
#[derive(Debug, clap::Args)]
pub struct Allow {
    #[command(flatten)]
    officer: Officer,
    /// The request.
    #[arg(long)]
    request: PathBuf,
    /// Allow it without being asked: who gives this has read it.
    #[arg(long, conflicts_with = "refuse")]
    yes: bool,
    /// Refuse it.
    #[arg(long, requires = "reason")]
    refuse: bool,
    /// Why: act (missing, or says something else), authority (may not ask), scope (more than the act needs), time (too
    /// late), form (a mistake). A word and no text, since the hub keeps it.
    #[arg(long, requires = "refuse")]
    reason: Option<Ground>,
    /// The folder for the decision, `<case>.approval` or `<case>.refusal`.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

impl Allow {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let (people, mut opener) = (self.officer.people()?, self.officer.opener()?);
        let request = open::<Request>(&self.request, &people)?;
        let question = match request.question(&mut opener, Role::Approver) {
            Ok(question) => question,
            Err(error) => return closed(error),
        };
        print(&text(&request, &question))?;
        let approver = signer(&opener, Role::Approver)?;
        let (case, by, at) = (request.case_id(), approver.name.clone(), now());
        if let Some(ground) = self.reason {
            let refusal = Refusal { case, by, at, ground };
            write(&self.folder, Some(case), "refusal", &Signed::make(&refusal, approver)?, false)?;
        } else if self.yes || is_meant()? {
            let approval = Approval { case, by, at };
            write(&self.folder, Some(case), "approval", &Signed::make(&approval, approver)?, false)?;
        } else {
            return Ok(unfit("nothing was signed: give --yes to allow it, or --refuse --reason …"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks at the terminal, where there is one.
fn is_meant() -> anyhow::Result<bool> {
    if !stdin().is_terminal() {
        return Ok(false);
    }
    print("allow it? type yes: ")?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// The question as the approver reads it.
fn text(request: &Signed<Request>, question: &Question) -> String {
    let Question { act, authority, says, sites, what } = question;
    let mut text = format!(
        "case       {}\nrequester  {}\nasked      {}\nact        {act}\nauthority  {authority}\n",
        request.case_id(),
        request.by,
        request.at
    );
    if let Some(says) = says {
        text += &format!("says       {says}\n");
    }
    let sites = if sites.is_empty() { "all".to_owned() } else { sites.join(", ") };
    text += &format!("sites      {sites}\n");
    text += &match what {
        What::Slot(Moment { address, port, protocol, at, tolerance }) => {
            let utc = at.at();
            format!(
                "who used   {address} port {port} {protocol}\nat         {at} ({utc}), {tolerance} s either way\n"
            )
        }
        What::Shares { from, to } => format!("who set    the shares of the lanes, from {from} to {to}\n"),
    };
    text
}
