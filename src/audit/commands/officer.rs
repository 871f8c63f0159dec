//! What the commands of a case have in common: whose keys, whose signatures, and where documents go.

use super::{print, source::Source};
use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use jiff::Timestamp;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};
use varco_audit::{
    case::{CaseId, Document, NoPermit, Permit, Request, Signed},
    holder::{HolderKey, People},
    keys::{self, KeyFolder},
    opener::{OpenError, Opener},
    seal::Role,
    tlog::VerifierKey,
    token::{Token, TokenUri},
};
use varco_policy::config::EXIT_USAGE;

use super::verify::{log_key, read, witness_key};

/// A record that would answer cannot be opened with the keys given, or is gone.
pub const EXIT_CLOSED: u8 = 7;
/// No receipt allows it.
pub const EXIT_NOT_ALLOWED: u8 = 8;

/// Whose keys open, and whose signatures count.
#[derive(Debug, Args)]
pub struct Officer {
    /// The ceremony's folder: the weeks' keys, and in `holders` whose signatures count.
    #[arg(long, default_value = "/etc/varco/log-keys")]
    pub keys: PathBuf,
    /// A holder's own keys: NAME.key, or a token as
    /// pkcs11:token=LABEL;object=NAME?module-path=FILE&pin-source=file:FILE. Without pin-source the PIN is asked for.
    #[arg(long = "holder")]
    holders: Vec<String>,
}

impl Officer {
    /// Who is there, with what is sealed to them.
    pub fn opener(&self) -> Result<Opener> {
        let holders = self.holders.iter().map(|own| self.own(own)).collect::<Result<_>>()?;
        Ok(Opener::new(KeyFolder::at(&self.keys), holders))
    }

    /// Whose signatures count.
    pub fn people(&self) -> Result<People> {
        Ok(People::read(&KeyFolder::at(&self.keys).people())?)
    }

    fn own(&self, own: &str) -> Result<HolderKey> {
        if !TokenUri::is_meant(own) {
            return Ok(HolderKey::read(Path::new(own))?);
        }
        let uri: TokenUri = own.parse()?;
        let people = self.people()?;
        let holder = people.get(&uri.object);
        let holder = holder.ok_or_else(|| anyhow!("`{}` is none of the holders known here", uri.object))?;
        Ok(HolderKey::in_token(Token::open(&uri)?, holder)?)
    }
}

/// The holder of a role among those given.
pub fn signer(opener: &Opener, role: Role) -> Result<&HolderKey> {
    opener.holder(role).ok_or_else(|| anyhow!("give --holder with the key of a {role}"))
}

/// What allows a look-up.
#[derive(Debug, Args)]
pub struct Allowed {
    /// The request.
    #[arg(long)]
    request: PathBuf,
    /// The hub's receipt: the proof that this very request was allowed and recorded. Nothing is opened without it.
    #[arg(long)]
    receipt: Option<PathBuf>,
    /// The public key of the hub's log; not to be taken from who gave you the receipt.
    #[arg(long, value_parser = log_key)]
    hub_vkey: VerifierKey,
    /// The public key of a witness that must have cosigned the receipt. Several times.
    #[arg(long, value_parser = witness_key)]
    witness: Vec<VerifierKey>,
}

impl Allowed {
    /// The permission; or the exit code that tells why there is none. Nothing was opened then.
    pub fn permit(
        &self,
        people: &People,
        opener: &mut Opener,
        role: Role,
    ) -> Result<Result<Permit, ExitCode>> {
        let request = open::<Request>(&self.request, people)?;
        let Some(receipt) = &self.receipt else {
            eprintln!(
                "case {} is not allowed: give --receipt with the hub's receipt for it",
                request.case_id()
            );
            return Ok(Err(ExitCode::from(EXIT_NOT_ALLOWED)));
        };
        let hub = (&self.hub_vkey, &self.witness[..]);
        match Permit::of(&request, &read(receipt)?, hub, (opener, role)) {
            Ok(permit) => Ok(Ok(permit)),
            Err(NoPermit::NotAllowed(error)) => {
                eprintln!("{error}");
                Ok(Err(ExitCode::from(EXIT_NOT_ALLOWED)))
            }
            Err(NoPermit::Open(error)) => closed(error).map(Err),
        }
    }
}

/// What a look into the records of a case takes; it begins at the requester's.
#[derive(Debug, Args)]
pub struct Look {
    #[command(flatten)]
    allowed: Allowed,
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    officer: Officer,
}

impl Look {
    /// The permission and what opens; or the exit code that tells why there is none.
    pub fn begin(&self) -> Result<Result<(Permit, Opener), ExitCode>> {
        let (people, mut opener) = (self.officer.people()?, self.officer.opener()?);
        let permit = self.allowed.permit(&people, &mut opener, Role::Requester)?;
        Ok(permit.map(|permit| (permit, opener)))
    }
}

/// Reads a document that is signed by a holder of the right role.
pub fn open<D: Document>(path: &Path, people: &People) -> Result<Signed<D>> {
    Signed::read(&read(path)?, people).with_context(|| path.display().to_string())
}

/// Tells that a key is missing, which is no damage.
pub fn closed(error: OpenError) -> Result<ExitCode> {
    let OpenError::NoKey { role, .. } = &error else { return Err(error.into()) };
    eprintln!("{error}");
    eprintln!("give --holder with the key of a {role}, and --keys with the folder of the ceremony");
    Ok(ExitCode::from(EXIT_CLOSED))
}

/// Arguments that are understood and cannot be taken.
pub fn unfit(problem: impl std::fmt::Display) -> ExitCode {
    eprintln!("{problem}");
    ExitCode::from(EXIT_USAGE)
}

/// Writes a signed document into a folder, as `<case>.<kind>`, never over another, and says where.
pub fn write(folder: &Path, case: Option<CaseId>, kind: &str, signed: &str, quiet: bool) -> Result<()> {
    let case = case.unwrap_or_else(|| CaseId::of(signed.as_bytes()));
    let path = folder.join(format!("{case}.{kind}"));
    keys::write_new(&path, signed, 0o600)?;
    if quiet { Ok(()) } else { print(&format!("case {case}\n{}\n", path.display())) }
}

#[expect(clippy::disallowed_methods, reason = "the edge: an officer signs now")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
