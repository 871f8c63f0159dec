//! `varco-audit authorised-operator`: two persons say that the controller is an authorised operator.

use super::{
    officer::{Officer, now, signer, unfit},
    print,
};
use anyhow::Result;
use std::process::ExitCode;
use varco_audit::{
    both,
    expiry::AuthorisedOperator,
    keys::{self, KeyFolder},
    seal::Role,
};

/// Write what unlocks the retention of authorised operators, 12 to 72 months, into the ceremony's folder: both holders sign that
/// the controller is one. A public body is none, and may not keep so long who was connected.
///
/// Exit codes: 0 done; 1 a file cannot be read or written; 64 wrong arguments.
#[derive(Debug, clap::Args)]
pub struct Sign {
    #[command(flatten)]
    officer: Officer,
    /// Who is authorised, by its full name.
    #[arg(long)]
    body: String,
    /// The general authorisation, as the ministry's register has it (d.lgs. 259/2003 art. 11).
    #[arg(long)]
    authorisation: String,
    /// Sign it. Without it the text is only shown.
    #[arg(long)]
    yes: bool,
}

impl Sign {
    pub fn run(&self) -> Result<ExitCode> {
        let Self { body, authorisation, .. } = self;
        let said = AuthorisedOperator { body: body.clone(), authorisation: authorisation.clone(), at: now() };
        let Some(text) = said.text() else {
            return Ok(unfit("--body, --authorisation: one line each, without spaces around it"));
        };
        print(&text)?;
        if !self.yes {
            print("with --yes both sign it\n")?;
            return Ok(ExitCode::SUCCESS);
        }
        let opener = self.officer.opener()?;
        let both = [signer(&opener, Role::Requester)?, signer(&opener, Role::Approver)?];
        let signed = both::sign(&text, both)?;
        // By whom it will be read: who signs here must be known there.
        AuthorisedOperator::read(signed.as_bytes(), &self.officer.people()?)?;
        let file = KeyFolder::at(&self.officer.keys).authorised_operator();
        keys::write_new(&file, &signed, 0o644)?;
        print(&format!(
            "{}\nbring it to the hub and every gateway, with the holders' public files\n",
            file.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
