//! `varco-audit ask`: a question of the authorities becomes a request.

use super::officer::{Officer, now, signer, unfit, write};
use jiff::{SignedDuration, Timestamp};
use std::{net::Ipv4Addr, path::PathBuf, process::ExitCode};
use varco_audit::{
    case::{Instant, Moment, Protocol, Question, Request, Signed, Unfit, What, instant},
    class::Class,
    keys::KeyFolder,
    seal::Role,
};

/// Write the request of a look-up: signed by the requester, the question sealed to requester and approver.
///
/// It goes to the approver and to the hub, as a file; neither it nor its name tells who is looked for.
#[derive(Debug, clap::Args)]
pub struct Ask {
    #[command(flatten)]
    officer: Officer,
    /// The act: kind, number, date.
    #[arg(long)]
    act: String,
    /// The authority that asks.
    #[arg(long)]
    authority: String,
    /// What the asker says besides.
    #[arg(long)]
    says: Option<String>,
    /// A site to look at, by its name; several times. Without it, every site whose records are there.
    #[arg(long)]
    site: Vec<String>,
    #[command(flatten)]
    slot: Slot,
    /// Ask who set the shares of the sites' lanes, from --from to --to, and not who used an address.
    #[arg(long, requires = "from", requires = "to")]
    shares: bool,
    /// The first instant, with UTC offset.
    #[arg(long, value_parser = instant, requires = "shares")]
    from: Option<Timestamp>,
    /// The last instant, with UTC offset.
    #[arg(long, value_parser = instant, requires = "shares")]
    to: Option<Timestamp>,
    /// The folder for the request, `<case>.request`.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

/// Who used an address?
#[derive(Debug, clap::Args)]
struct Slot {
    /// Public IPv4 address, as the asker's server saw it.
    #[arg(long, required_unless_present = "shares", conflicts_with = "shares")]
    ip: Option<Ipv4Addr>,
    /// Source port, as the asker's server saw it.
    #[arg(long, conflicts_with = "shares")]
    port: Option<u16>,
    /// tcp or udp.
    #[arg(long, required_unless_present = "shares", conflicts_with = "shares")]
    protocol: Option<Protocol>,
    /// The instant, with UTC offset: 2026-10-25T02:30:00+01:00.
    #[arg(long, required_unless_present = "shares", conflicts_with = "shares")]
    at: Option<Instant>,
    /// How far the asker's clock may be off, either way: 0s to 600s.
    #[arg(long, default_value = "0s", value_parser = tolerance)]
    tolerance: SignedDuration,
}

impl Ask {
    pub fn run(&self) -> anyhow::Result<ExitCode> {
        let at = now();
        let question = match self.question() {
            Ok(question) => question,
            Err(problem) => return Ok(unfit(problem)),
        };
        if let Err(problem) = question.check(at) {
            return Ok(unfit(problem));
        }
        let opener = self.officer.opener()?;
        let requester = signer(&opener, Role::Requester)?;
        let (week, pair) = KeyFolder::at(&self.officer.keys).newest(Class::R4, at)?;
        let request = Request::of(&question, &requester.name, at, (week, &pair))?;
        write(&self.folder, None, "request", &Signed::make(&request, requester)?, false)?;
        Ok(ExitCode::SUCCESS)
    }

    fn question(&self) -> Result<Question, Unfit> {
        let what = match (self.from, self.to) {
            (Some(from), Some(to)) => What::Shares { from, to },
            _ => What::Slot(self.slot.moment()?),
        };
        let Self { act, authority, says, site, .. } = self;
        let (act, authority, says, sites) = (act.clone(), authority.clone(), says.clone(), site.clone());
        Ok(Question { act, authority, says, sites, what })
    }
}

impl Slot {
    fn moment(&self) -> Result<Moment, Unfit> {
        let Self { ip, port, protocol, at, tolerance } = self;
        let port = port.ok_or(Unfit::NoPort)?;
        let seconds = tolerance.as_secs().unsigned_abs();
        let tolerance = u32::try_from(seconds).map_err(|_| Unfit::Tolerance(seconds))?;
        // What clap wants of them is that they are there.
        let (Some(address), Some(protocol), Some(at)) = (*ip, *protocol, at.clone()) else {
            return Err(Unfit::Instant(String::new()));
        };
        Ok(Moment { address, port, protocol, at, tolerance })
    }
}

fn tolerance(text: &str) -> Result<SignedDuration, String> {
    let parsed = text.parse().ok().filter(|parsed: &SignedDuration| !parsed.is_negative());
    let whole = parsed.filter(|parsed| parsed.subsec_nanos() == 0);
    whole.ok_or_else(|| format!("`{text}` is not a duration of whole seconds; write 5s or 2m"))
}
