//! `varco-idp`: an identity provider of SPID, of CIE or of eIDAS for tests. Never part of a production build.

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};
use varco_tests::{
    idp::{Behaviour, CITIZENS, Scheme, Signer, citizen::PASSWORD, metadata, server},
    start,
};

#[derive(Parser)]
#[command(
    name = "varco-idp",
    about = "An identity provider for tests: it signs real SAML and misbehaves on demand."
)]
struct Arguments {
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Serve over HTTPS until stopped.
    Run {
        /// Address and port, for example 198.18.0.20:443.
        #[arg(long)]
        listen: SocketAddr,
        /// entityID and base of the endpoints, for example https://idp.varco.test.
        #[arg(long)]
        url: String,
        /// Folder of the signing keys; made if it is missing.
        #[arg(long)]
        state: PathBuf,
        /// TLS certificate chain, PEM.
        #[arg(long)]
        certificate: PathBuf,
        /// TLS key, PEM.
        #[arg(long)]
        key: PathBuf,
        /// Metadata of a service provider: a file or an https URL; may be repeated.
        #[arg(long = "sp")]
        service_providers: Vec<String>,
        /// How to answer unless the login form says otherwise.
        #[arg(long, default_value = "good")]
        behaviour: Behaviour,
        /// Whose rules it follows: spid, cie or eidas.
        #[arg(long, default_value_t)]
        scheme: Scheme,
    },
    /// Print the provider's metadata.
    Metadata {
        /// Whose rules it follows: spid, cie or eidas.
        #[arg(long, default_value_t)]
        scheme: Scheme,
        /// entityID and base of the endpoints.
        #[arg(long)]
        url: String,
        /// Folder of the signing keys; made if it is missing.
        #[arg(long)]
        state: PathBuf,
    },
    /// List the behaviours.
    Behaviours,
    /// List the test citizens.
    Citizens,
}

fn main() -> ExitCode {
    start::program(|arguments: Arguments| obey(arguments.order))
}

fn obey(order: Order) -> Result<()> {
    match order {
        Order::Run { listen, url, state, certificate, key, service_providers, behaviour, scheme } => {
            server::run(server::Settings {
                scheme,
                listen,
                url,
                state,
                certificate,
                key,
                service_providers,
                behaviour,
            })
        }
        Order::Metadata { scheme, url, state } => {
            start::say(&metadata::write(scheme, &url, &Signer::open(&state)?)?)
        }
        Order::Behaviours => {
            let line = |b: &Behaviour| format!("{:<22}{:?}: {}\n", b.name(), b.verdict(), b.says());
            start::say(&Behaviour::ALL.iter().map(line).collect::<String>())
        }
        Order::Citizens => {
            let line = |c: &varco_tests::idp::Citizen| {
                format!("{:<10}{PASSWORD:<8}{}  {} {}\n", c.user, c.fiscal_code(), c.name, c.family_name)
            };
            start::say(&CITIZENS.iter().map(line).collect::<String>())
        }
    }
}
