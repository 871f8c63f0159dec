//! `varco-lab`: a whole site in network namespaces, for tests and for people who want to try a real client.

mod orders;

use anyhow::Result;
use clap::{Parser, Subcommand};
use orders::{OnGuest, Which, console, list, office, up, walk};
use std::{ffi::OsString, net::IpAddr, process::ExitCode};
use varco_tests::{
    lab::{Host, console::Visit, demo, dhcp, door, down, enter, hold, host, space, web},
    start,
};

#[derive(Parser)]
#[command(name = "varco-lab", about = "A whole site in network namespaces.")]
struct Arguments {
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Bring a lab up; returns when all of it answers.
    Up(up::Options),
    /// Take a lab down: exactly what it made.
    Down(Which),
    /// Run a command on a host: wan, gateway, office, guest0, guest1…
    Exec {
        #[command(flatten)]
        which: Which,
        /// The host.
        host: Host,
        /// The command.
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
    /// What `up` printed, with the process identifiers of now.
    Status {
        #[command(flatten)]
        which: Which,
        /// Print what scripts need.
        #[arg(long)]
        json: bool,
    },
    /// Get a guest an address from DHCP, and no more.
    Lease(OnGuest),
    /// Walk a guest through DHCP and a SPID login.
    Login {
        #[command(flatten)]
        on: OnGuest,
        #[command(flatten)]
        citizen: walk::Citizen,
    },
    /// Log a guest out at the portal.
    Logout {
        #[command(flatten)]
        on: OnGuest,
        /// At the identity provider too, as the portal offers then.
        #[arg(long)]
        provider: bool,
    },
    /// Send an administrator to the page of the shares, from the office; says the page at the end.
    Office {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        errand: office::Errand,
    },
    /// Look at a page of the hub's console, from the office; says status, address and the page.
    Console {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        visit: Visit,
    },
    /// Open a door for a browser of this machine: what comes in goes on from a guest. Open until the lab is down.
    Door {
        #[command(flatten)]
        which: Which,
        /// Which guest: 0, 1…
        #[arg(long)]
        guest: u8,
        /// Port on 127.0.0.1; 0 for any.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Name the smart cards of a lab.
    Cards,
    /// Name the labs there are.
    List,
    /// Bring a site up and walk a citizen through it before your eyes.
    Demo {
        /// Name of the lab.
        #[arg(long, default_value = "demo")]
        name: String,
        /// Do not wait for the reader, take the lab down at the end, fail if a step fails.
        #[arg(long)]
        check: bool,
    },
    #[command(hide = true)]
    Hold(Which),
    #[command(hide = true)]
    LendUsers { process: i32 },
    #[command(hide = true)]
    Host {
        #[command(flatten)]
        which: Which,
        host: Host,
    },
    #[command(hide = true)]
    Here {
        #[command(flatten)]
        on: OnGuest,
        #[command(subcommand)]
        walk: walk::Walk,
    },
    #[command(hide = true)]
    AtOffice {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        errand: office::Errand,
    },
    #[command(hide = true)]
    AtConsole {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        visit: Visit,
    },
    #[command(hide = true)]
    DoorKeeper {
        #[command(flatten)]
        which: Which,
        #[arg(long)]
        guest: u8,
        #[arg(long)]
        port: u16,
    },
    #[command(hide = true)]
    Web {
        #[arg(long)]
        listen: IpAddr,
    },
}

fn main() -> ExitCode {
    // udhcpc calls a program and nothing but a program: here it is this one under another name.
    let mut words = std::env::args();
    if words.next().is_some_and(|name| name.ends_with(dhcp::SCRIPT)) {
        return match dhcp::script(&words.next().unwrap_or_default()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => {
                eprintln!("{e:#}");
                ExitCode::FAILURE
            }
        };
    }
    start::coded(|arguments: Arguments| obey(arguments.order))
}

fn obey(order: Order) -> Result<ExitCode> {
    match order {
        Order::Up(options) => done(up::bring_up(options)),
        Order::Down(which) => done(down::down(&which.find()?)),
        Order::Exec { which, host, command } => enter::become_command(&which.find()?, host, &command),
        Order::Status { which, json } => done(up::print(&which.find()?, json)),
        Order::Lease(on) => walk::send(&on.which.find()?, on.guest, "lease", Vec::new()),
        Order::Login { on, citizen } => walk::log_in(&on.which.find()?, on.guest, &citizen),
        Order::Logout { on, provider } => {
            let options = provider.then(|| "--provider".into()).into_iter().collect();
            walk::send(&on.which.find()?, on.guest, "logout", options)
        }
        Order::Office { which, errand } => office::send(&which.find()?, &errand),
        Order::Console { which, visit } => console::send(&which.find()?, &visit),
        Order::AtConsole { which, visit } => done(console::run(&which.find()?, &visit)),
        Order::AtOffice { which, errand } => done(office::run(&which.find()?, errand)),
        Order::Here { on, walk } => done(walk::here(&on.which.find()?, on.guest, walk)),
        Order::Door { which, guest, port } => done(start::say(&door::open(&which.find()?, guest, port)?)),
        Order::DoorKeeper { which, guest, port } => {
            done(door::keep(&which.find()?, guest, port, |port| start::say(&door::text(port))))
        }
        Order::Cards => done(start::say(&list::cards())),
        Order::List => done(start::say(&list::list())),
        Order::Demo { name, check } => done(demo::demo(&name, up::beside()?, check)),
        Order::Hold(which) => done(hold::hold(&which.find()?)),
        Order::LendUsers { process } => done(space::lend_users(process)),
        Order::Host { which, host } => done(host::become_host(&which.find()?, host)),
        Order::Web { listen } => done(web::serve(listen)),
    }
}

fn done(outcome: Result<()>) -> Result<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}
