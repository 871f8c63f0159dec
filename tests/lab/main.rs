//! `varco-lab`: a whole site in network namespaces, for tests and for people who want to try a real client.

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;
use std::{ffi::OsString, net::IpAddr, path::PathBuf, process::ExitCode};
use varco_policy::Rate;
use varco_tests::{
    cns::{Card, Reader},
    idp::{Behaviour, Scheme},
    lab::{
        Host, Lab, Plan, card, console, demo, dhcp, door, down, enter, hold, host, login, office, report,
        space, up, web,
    },
    start,
};

#[derive(Parser)]
#[command(name = "varco-lab", about = "A whole site in network namespaces.")]
struct Arguments {
    #[command(subcommand)]
    order: Order,
}

#[derive(Args)]
struct Which {
    /// Name of the lab.
    #[arg(long, default_value = "varco")]
    name: String,
    /// Folder of the lab, instead of one named after it.
    #[arg(long)]
    state: Option<PathBuf>,
}

#[derive(Args)]
struct UpOptions {
    #[command(flatten)]
    which: Which,
    /// How many guests.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=100))]
    guests: u8,
    /// What the line carries in each direction.
    #[arg(long, default_value = "100mbit")]
    rate: Rate,
    /// The least that it carries: then it varies, and is followed by the delay of echoes.
    #[arg(long)]
    least: Option<Rate>,
    /// Length of a pass.
    #[arg(long, default_value = "4h")]
    pass_length: String,
    /// A pass without traffic for this long ends; 30m unless said, or the length of a pass where that is less.
    #[arg(long)]
    idle: Option<String>,
    /// Only the network and the Internet's servers, none of Varco's programs.
    #[arg(long)]
    bare: bool,
    /// The hub on the router, as at a single site, instead of in the Internet.
    #[arg(long)]
    one_box: bool,
    /// A provider of CIE and a node of eIDAS beside SPID's provider.
    #[arg(long)]
    schemes: bool,
    /// The site's time zone, instead of Rome's.
    #[arg(long)]
    timezone: Option<String>,
    /// Records of three years ago at the gateway, which prunes nothing until its `log_mirror` is put back.
    #[arg(long)]
    history: bool,
    /// The URL of a Redis for the hub's logins.
    #[arg(long)]
    store: Option<String>,
    /// Folder of Varco's programs, instead of the one that holds varco-lab.
    #[arg(long)]
    programs: Option<PathBuf>,
    /// Print what scripts need.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Citizen {
    /// The test citizen who logs in; `varco-idp citizens` lists them.
    #[arg(long, default_value = "ada")]
    citizen: String,
    /// How the identity provider behaves; `varco-idp behaviours` lists the ways.
    #[arg(long, default_value = "good")]
    behaviour: Behaviour,
    /// Whose identity: spid, cie or eidas; the last two of a lab that was brought up with --schemes.
    #[arg(long, default_value_t)]
    scheme: Scheme,
    /// A smart card instead of a provider; `varco-lab cards` lists them.
    #[arg(long)]
    card: Option<Card>,
    /// What reads the card.
    #[arg(long, value_enum, default_value = "file")]
    reader: Reader,
    /// What is typed where the reader asks for the PIN, instead of the right one.
    #[arg(long)]
    pin: Option<String>,
}

/// What a guest does, from a process of the guest's host.
#[derive(Subcommand)]
enum Walk {
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

/// What an administrator is sent for.
#[derive(Args, Clone)]
struct Errand {
    /// Who logs in; `carla` administers the lab's site.
    #[arg(long, default_value = "carla")]
    citizen: String,
    /// A smart card instead of a provider.
    #[arg(long)]
    card: Option<Card>,
    /// A rate to change: `guest.down.ceiling=50mbit`.
    #[arg(long)]
    set: Vec<String>,
    /// How long the trial lasts, in seconds.
    #[arg(long)]
    seconds: Option<u32>,
    /// How far to go.
    #[arg(long, value_enum, default_value = "look")]
    until: office::Step,
}

#[derive(Args)]
struct OnGuest {
    #[command(flatten)]
    which: Which,
    /// Which guest: 0, 1…
    #[arg(long)]
    guest: u8,
}

#[derive(Subcommand)]
enum Order {
    /// Bring a lab up; returns when all of it answers.
    Up(UpOptions),
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
        citizen: Citizen,
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
        errand: Errand,
    },
    /// Look at a page of the hub's console, from the office; says status, address and the page.
    Console {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        visit: console::Visit,
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
        walk: Walk,
    },
    #[command(hide = true)]
    AtOffice {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        errand: Errand,
    },
    #[command(hide = true)]
    AtConsole {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        visit: console::Visit,
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
    let find = |which: &Which| Lab::find(&which.name, which.state.as_deref());
    match order {
        Order::Up(options) => done(bring_up(options)),
        Order::Down(which) => done(down::down(&find(&which)?)),
        Order::Exec { which, host, command } => enter::become_command(&find(&which)?, host, &command),
        Order::Status { which, json } => done(print(&find(&which)?, json)),
        Order::Lease(on) => send(&find(&on.which)?, on.guest, "lease", Vec::new()),
        Order::Login { on, citizen } => log_in(&find(&on.which)?, on.guest, &citizen),
        Order::Logout { on, provider } => {
            let options = provider.then(|| "--provider".into()).into_iter().collect();
            send(&find(&on.which)?, on.guest, "logout", options)
        }
        Order::Office { which, errand } => send_to_office(&find(&which)?, &errand),
        Order::Console { which, visit } => {
            let lab = find(&which)?;
            let mut words: Vec<OsString> = vec!["/proc/self/exe".into(), "at-console".into()];
            words.extend(["--state".into(), lab.folder.clone().into()]);
            words.extend(visit.words().into_iter().map(OsString::from));
            enter::become_command(&lab, Host::Office, &words)
        }
        Order::AtConsole { which, visit } => done(at_console(&find(&which)?, &visit)),
        Order::AtOffice { which, errand } => done(at_office(&find(&which)?, errand)),
        Order::Here { on, walk } => done(here(&find(&on.which)?, on.guest, walk)),
        Order::Door { which, guest, port } => done(start::say(&door::open(&find(&which)?, guest, port)?)),
        Order::DoorKeeper { which, guest, port } => {
            done(door::keep(&find(&which)?, guest, port, |port| start::say(&door::text(port))))
        }
        Order::Cards => done(start::say(&cards())),
        Order::List => done(start::say(&list())),
        Order::Demo { name, check } => done(demo::demo(&name, beside()?, check)),
        Order::Hold(which) => done(hold::hold(&find(&which)?)),
        Order::LendUsers { process } => done(space::lend_users(process)),
        Order::Host { which, host } => done(host::become_host(&find(&which)?, host)),
        Order::Web { listen } => done(web::serve(listen)),
    }
}

fn done(outcome: Result<()>) -> Result<ExitCode> {
    outcome.map(|()| ExitCode::SUCCESS)
}

fn bring_up(options: UpOptions) -> Result<()> {
    let UpOptions {
        which,
        guests,
        rate,
        least,
        pass_length,
        idle,
        bare,
        one_box,
        schemes,
        timezone,
        history,
        store,
        programs,
        json,
    } = options;
    let idle = idle.unwrap_or_else(|| usual_idle(&pass_length));
    let cards = cfg!(debug_assertions);
    let name = which.name;
    let plan = Plan {
        name,
        guests,
        rate,
        least,
        pass_length,
        idle,
        bare,
        one_box,
        schemes,
        cards,
        timezone,
        history,
        store,
    };
    let programs = programs.map_or_else(beside, Ok)?;
    let report = up::up(plan, which.state.as_deref(), std::path::absolute(programs)?)?;
    print(&Lab::at(&report.state)?, json)
}

/// The idle limit when none is asked for: a site's settings allow none above the length of a pass.
fn usual_idle(pass_length: &str) -> String {
    let half_an_hour = SignedDuration::from_mins(30);
    match pass_length.parse::<SignedDuration>() {
        Ok(length) if length < half_an_hour => pass_length.to_owned(),
        _ => "30m".to_owned(),
    }
}

/// The folder of this program, where its siblings are.
fn beside() -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(""))
}

fn log_in(lab: &Lab, guest: u8, citizen: &Citizen) -> Result<ExitCode> {
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
fn send(lab: &Lab, guest: u8, walk: &str, options: Vec<OsString>) -> Result<ExitCode> {
    let mut words: Vec<OsString> = vec!["/proc/self/exe".into(), "here".into(), "--state".into()];
    words.extend([lab.folder.clone().into(), "--guest".into(), guest.to_string().into(), walk.into()]);
    words.extend(options);
    enter::become_command(lab, Host::Guest(guest), &words)
}

fn send_to_office(lab: &Lab, errand: &Errand) -> Result<ExitCode> {
    let mut words: Vec<OsString> = vec!["/proc/self/exe".into(), "at-office".into(), "--state".into()];
    words.extend([lab.folder.clone().into(), "--citizen".into(), errand.citizen.clone().into()]);
    if let Some(card) = errand.card {
        words.extend(["--card".into(), card.name().into()]);
    }
    for set in &errand.set {
        words.extend(["--set".into(), set.into()]);
    }
    if let Some(seconds) = errand.seconds {
        words.extend(["--seconds".into(), seconds.to_string().into()]);
    }
    let until = clap::ValueEnum::to_possible_value(&errand.until);
    words.extend(["--until".into(), until.map_or("look".into(), |v| v.get_name().into())]);
    enter::become_command(lab, Host::Office, &words)
}

fn at_office(lab: &Lab, errand: Errand) -> Result<()> {
    let Errand { citizen, card, set, seconds, until } = errand;
    let pair = |text: String| {
        let pair = text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        pair.with_context(|| format!("`{text}` is not field=rate"))
    };
    let set = set.into_iter().map(pair).collect::<Result<_>>()?;
    let card = card.map(|card| card::Shown { card, reader: Reader::File, pin: None });
    let wish = login::Wish { card, ..login::Wish::new(citizen) };
    start::say(&(office::go(lab, &wish, &office::Errand { set, seconds, until })? + "\n"))
}

fn at_console(lab: &Lab, visit: &console::Visit) -> Result<()> {
    let at = console::go(lab, visit)?;
    start::say(&format!("{} {}\n{}\n", at.status, at.url, at.text))
}

fn here(lab: &Lab, guest: u8, walk: Walk) -> Result<()> {
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

fn print(lab: &Lab, json: bool) -> Result<()> {
    let report = report::of(lab)?;
    if json {
        return start::say(&(serde_json::to_string_pretty(&report)? + "\n"));
    }
    start::say(&report.text(&lab.record()?.plan))
}

fn cards() -> String {
    Card::ALL.iter().map(|card| format!("{:<18} {}\n", card.name(), card.says())).collect()
}

fn list() -> String {
    let line = |lab: Lab| {
        let record = lab.record().ok()?;
        let up = record.holder.is_some_and(varco_tests::lab::process::Process::lives);
        let state = if up { "up" } else { "gone" };
        Some(format!("{:<32} {state:<5} {}\n", record.plan.name, lab.folder.display()))
    };
    Lab::all().into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::usual_idle;

    #[test]
    fn the_idle_limit_is_never_above_the_length_of_a_pass() {
        assert_eq!((usual_idle("1m").as_str(), usual_idle("4h").as_str()), ("1m", "30m"));
    }
}
