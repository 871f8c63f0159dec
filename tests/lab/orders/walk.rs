//! What a guest does: an order sends the guest, and goes on in a process of the guest's host.

use super::go_on;
use anyhow::Result;
use clap::{Args, Subcommand};
use std::{ffi::OsString, process::ExitCode};
use varco_tests::{
    cns::{Card, Reader},
    idp::{Behaviour, Scheme},
    lab::{Host, Lab, card, dhcp, login},
    start,
};

#[derive(Args)]
pub struct Citizen {
    /// The test citizen who logs in; `varco-idp citizens` lists them.
    #[arg(long, default_value = "ada")]
    pub citizen: String,
    /// How the identity provider behaves; `varco-idp behaviours` lists the ways.
    #[arg(long, default_value = "good")]
    pub behaviour: Behaviour,
    /// Whose identity: spid, cie or eidas; the last two of a lab that was brought up with --schemes.
    #[arg(long, default_value_t)]
    pub scheme: Scheme,
    /// A smart card instead of a provider; `varco-lab cards` lists them.
    #[arg(long)]
    pub card: Option<Card>,
    /// What reads the card.
    #[arg(long, value_enum, default_value = "file")]
    pub reader: Reader,
    /// What is typed where the reader asks for the PIN, instead of the right one.
    #[arg(long)]
    pub pin: Option<String>,
}

/// What a guest does, from a process of the guest's host.
#[derive(Subcommand)]
pub enum Walk {
    Lease,
    Login {
        #[command(flatten)]
        citizen: Citizen,
    },
    Logout {
        #[arg(long)]
        provider: bool,
    },
}

/// Sends a guest to the login.
pub fn log_in(lab: &Lab, guest: u8, citizen: &Citizen) -> Result<ExitCode> {
    let options = [
        ("--citizen", citizen.citizen.clone()),
        ("--behaviour", citizen.behaviour.to_string()),
        ("--scheme", citizen.scheme.to_string()),
    ];
    let reader = clap::ValueEnum::to_possible_value(&citizen.reader).map(|v| v.get_name().to_owned());
    let card = [
        ("--card", citizen.card.map(|c| c.to_string())),
        ("--reader", reader),
        ("--pin", citizen.pin.clone()),
    ];
    let card = card.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let words = options.into_iter().chain(card).flat_map(|(name, value)| [name.into(), value.into()]);
    send(lab, guest, "login", words.collect())
}

/// A walk is a command of this program on the guest.
pub fn send(lab: &Lab, guest: u8, walk: &str, options: Vec<OsString>) -> Result<ExitCode> {
    let words = ["--guest".into(), guest.to_string().into(), walk.into()];
    go_on(lab, Host::Guest(guest), "here", words.into_iter().chain(options).collect())
}

/// The walk itself.
pub fn here(lab: &Lab, guest: u8, walk: Walk) -> Result<()> {
    match walk {
        Walk::Lease => start::say(&format!("{} from DHCP\n", dhcp::lease(lab, Host::Guest(guest))?)),
        Walk::Login { citizen: Citizen { citizen, behaviour, scheme, card, reader, pin } } => {
            let card = card.map(|card| card::Shown { card, reader, pin });
            let wish = login::Wish { citizen, behaviour, scheme, card };
            login::log_in(lab, guest, &wish, |step| start::say(&format!("{step}\n")))
        }
        Walk::Logout { provider } => login::log_out(lab, guest, provider),
    }
}
