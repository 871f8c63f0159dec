//! `varco-audit find`: the requester's half of a look-up.

use super::{
    officer::{Look, now, signer, write},
    print,
    source::{Source, failed},
};
use std::{path::PathBuf, process::ExitCode};
use varco_audit::{
    case::{FindError, Found, Permit, Searched, Signed, find},
    opener::Opener,
    seal::Role,
};

/// Find the records that may answer a request that was allowed, and take off their outer layer: for the approver.
///
/// Exit codes: 0 done, whatever was found; 7 a record that would answer cannot be found with the keys given; 8 not allowed.
#[derive(Debug, clap::Args)]
pub struct Find {
    #[command(flatten)]
    look: Look,
    /// The folder for what was found, `<case>.found`. It goes to the approver and to nobody else.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

impl Find {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let (permit, mut opener) = match self.look.begin()? {
            Ok(allowed) => allowed,
            Err(code) => return Ok(code),
        };
        let searched = match search(&permit, &self.look.source, &mut opener) {
            Ok(searched) => searched,
            Err(error) => return failed(error),
        };
        let requester = signer(&opener, Role::Requester)?;
        let found = Found { case: permit.case(), by: requester.name.clone(), at: now(), searched };
        for Searched { site, leaves, .. } in &found.searched {
            print(&format!("{site}: {} records\n", leaves.len()))?;
        }
        write(&self.folder, Some(found.case), "found", &Signed::make(&found, requester)?, false)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Searches the records of each site that the case is about.
pub fn search(permit: &Permit, source: &Source, opener: &mut Opener) -> Result<Vec<Searched>, FindError> {
    let searched = source.ask(opener, |records, opener| find(permit, records, opener))?;
    let searched: Vec<_> = searched.into_iter().flatten().collect();
    if searched.is_empty() { Err(FindError::NoSite) } else { Ok(searched) }
}
