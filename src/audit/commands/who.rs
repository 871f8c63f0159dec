//! `varco-audit who`: both halves of a look-up at one machine.

use super::{
    answer::Form,
    find::search,
    officer::{Look, now, signer},
    source::failed,
};
use std::process::ExitCode;
use varco_audit::{case::Found, seal::Role};

/// Which pass used a public address and port at an instant: `find` and `answer` in one, with both officers present.
///
/// Exit codes: 0 one session; 1 records missing or damaged; 2 nobody; 3 ambiguous; 4, 5 a log is not what was signed, or not
/// by its key; 7 closed: a record that would answer cannot be opened; 8 not allowed.
#[derive(Debug, clap::Args)]
pub struct Who {
    #[command(flatten)]
    look: Look,
    #[command(flatten)]
    form: Form,
}

impl Who {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let (permit, mut opener) = match self.look.begin()? {
            Ok(allowed) => allowed,
            Err(code) => return Ok(code),
        };
        let searched = match search(&permit, &self.look.source, &mut opener) {
            Ok(searched) => searched,
            Err(error) => return failed(error),
        };
        let by = signer(&opener, Role::Requester)?.name.clone();
        let found = Found { case: permit.case(), by, at: now(), searched };
        self.form.give(&permit, &found, &mut opener, &self.look.source.vkey)
    }
}
