//! `make demo`: a citizen walks through a site before the reader's eyes. Each step prints the command it runs, so
//! that the reader can repeat it, and fails the demo if the site does not do what it must.

use super::{
    chart::{self, Meter},
    down, keys, lookup,
    plan::{self, Host, Plan},
    report::Report,
    state::Lab,
    up,
};
use crate::start::say;
use anyhow::{Context, Result, ensure};
use std::{
    ffi::OsStr,
    io::{BufRead, IsTerminal},
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use varco_policy::Rate;

/// The guest who walks.
const CITIZEN: Host = Host::Guest(0);
/// The guest who never logs in.
const STRANGER: Host = Host::Guest(1);
/// What the line of the demo carries.
const LINE: Rate = Rate::from_bits(100_000_000);

/// A site that is being shown.
#[derive(Debug)]
pub struct Demo {
    lab: Lab,
    report: Report,
    programs: PathBuf,
    /// Whether to go on without waiting for the reader.
    check: bool,
}

type Step = (&'static str, fn(&Demo) -> Result<()>);

const STEPS: [Step; 6] = [
    ("A device without a pass is caught", Demo::caught),
    ("A citizen logs in with SPID", Demo::logs_in),
    ("The record says who, and nothing about what", Demo::recorded),
    ("Citizens have the line while the office is idle; the office takes it back at once", Demo::shared),
    ("A second guest never sees the first, nor the office", Demo::apart),
    ("Logging out stops a running download", Demo::logs_out),
];

/// Brings a site up and walks through it. With `check` it is taken down again, else it is left up.
///
/// # Errors
/// The step that did not do what it must.
pub fn demo(name: &str, programs: PathBuf, check: bool) -> Result<()> {
    if let Ok(earlier) = Lab::find(name, None) {
        say("The site of an earlier demo is taken down first.\n")?;
        down::down(&earlier)?;
    }
    say("A whole site is coming up: the Internet, the router, an office, three guests.\n")?;
    let (length, idle) = ("4h".to_owned(), "30m".to_owned());
    let (name, rate) = (name.to_owned(), LINE);
    let plan = Plan {
        name,
        guests: 3,
        rate,
        least: None,
        pass_length: length,
        idle,
        bare: false,
        one_box: false,
        schemes: false,
        cards: cfg!(debug_assertions),
        timezone: None,
        history: false,
        store: None,
    };
    let report = up::up(plan, None, programs.clone())?;
    let demo = Demo { lab: Lab::at(&report.state)?, report, programs, check };
    let walked = demo.walk();
    if walked.is_err() || check {
        down::down(&demo.lab)?;
        return walked;
    }
    demo.farewell()
}

impl Demo {
    fn walk(&self) -> Result<()> {
        for (number, (title, step)) in STEPS.iter().enumerate() {
            self.wait()?;
            say(&format!("\n{}. {title}\n", number + 1))?;
            step(self).with_context(|| format!("step {} failed: {title}", number + 1))?;
        }
        say("\nEvery step did what it must.\n")
    }

    fn caught(&self) -> Result<()> {
        self.lab_says(0, "lease")?;
        let site = format!("http://{}/", plan::WEB_NAME);
        let caught = self.curl(CITIZEN, &["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}", &site])?;
        ensure!(caught == format!("302 {}", self.report.urls.portal), "port 80 is not sent to the portal");
        let secure = format!("https://{}/", plan::WEB);
        ensure!(self.curl(CITIZEN, &["--insecure", &secure]).is_err(), "port 443 is not refused");
        ensure!(self.run(CITIZEN, &["ping", "-c1", "-W1", plan::WEB]).is_err(), "a ping passes");
        let capport = self.curl(CITIZEN, &[&self.report.urls.capport])?;
        ensure!(capport.contains("\"captive\":true"), "the RFC 8908 answer is not captive");
        Ok(())
    }

    fn logs_in(&self) -> Result<()> {
        self.lab_says(0, "login")?;
        self.who_am_i(CITIZEN).map(|_| ())
    }

    fn recorded(&self) -> Result<()> {
        let (address, port) = self.who_am_i(CITIZEN)?;
        let at = now().to_string();
        let question = ["--ip", &address, "--port", &port, "--protocol", "tcp", "--at", &at];
        let case = lookup::allowed(&self.lab, &self.programs, &question)?;
        let mut audit = Command::new(self.programs.join("varco-audit"));
        audit.arg("who").args(case.words()).args(keys::opening(&self.lab));
        let answer = output(audit)?;
        ensure!(answer.contains("subject"), "the record does not know who");
        ensure!(!answer.contains(plan::WEB_NAME) && !answer.contains(plan::WEB), "the record knows what");
        Ok(())
    }

    fn shared(&self) -> Result<()> {
        let meter = |host, interface: &str| Meter::new(self.host(host, &["cat", &counter(interface)]));
        let guest = meter(CITIZEN, &self.report.interfaces.guest);
        let office = meter(Host::Office, &self.report.interfaces.office);
        let seen =
            chart::draw(LINE, &guest, &office, || self.download(CITIZEN), || self.download(Host::Office))?;
        ensure!(seen.guest_alone > LINE.bits() / 2, "guests do not get the idle line");
        ensure!(seen.office > LINE.bits() / 100 * 65, "the office does not get its line back");
        ensure!(seen.guest_beside < seen.guest_alone / 2, "guests do not yield");
        ensure!(seen.guest_again > LINE.bits() / 2, "guests do not get the line again");
        Ok(())
    }

    fn apart(&self) -> Result<()> {
        self.lab_says(1, "lease")?;
        let [first, office] = [self.address(CITIZEN)?, plan::OFFICE.to_owned()];
        for target in [&first, &office] {
            ensure!(self.run(STRANGER, &["ping", "-c1", "-W1", target]).is_err(), "{target} answers");
        }
        Ok(())
    }

    fn logs_out(&self) -> Result<()> {
        let mut download = self.download(CITIZEN)?;
        self.lab_says(0, "logout")?;
        let status = download.wait()?;
        say(&format!("  the download ended: {status}\n"))?;
        ensure!(!status.success(), "the download ended well");
        ensure!(self.run(CITIZEN, &["ping", "-c1", "-W1", plan::WEB]).is_err(), "a ping still passes");
        Ok(())
    }

    fn who_am_i(&self, host: Host) -> Result<(String, String)> {
        let said = self.curl(host, &[&format!("http://{}/whoami", plan::WEB_NAME)])?;
        let (address, port) = said.trim().split_once(' ').context("the web server does not say who asked")?;
        ensure!(address == plan::SLOTS, "the Internet sees {address}, not the slot's address");
        Ok((address.to_owned(), port.to_owned()))
    }

    fn address(&self, host: Host) -> Result<String> {
        let mut command = self.host(host, &["ip", "-4", "-json", "addr", "show", "dev", "wlan0"]);
        let said: serde_json::Value =
            serde_json::from_slice(&command.stdout(Stdio::piped()).output()?.stdout)?;
        let local = said.pointer("/0/addr_info/0/local").and_then(serde_json::Value::as_str);
        Ok(local.context("no address")?.to_owned())
    }

    fn download(&self, host: Host) -> Result<Child> {
        let url = format!("http://{}/stream", plan::WEB_NAME);
        let mut curl = self.host(host, &["curl", "-q", "-s", "--max-time", "60", "-o", "/dev/null", &url]);
        Ok(curl.stdin(Stdio::null()).spawn()?)
    }

    fn curl(&self, host: Host, arguments: &[&str]) -> Result<String> {
        self.run(host, &[&["curl", "-q", "-sS", "--max-time", "10"], arguments].concat())
    }

    /// Runs a command on a host and shows both it and what it says.
    fn run(&self, host: Host, words: &[&str]) -> Result<String> {
        say(&format!("  {host} $ {}\n", words.join(" ")))?;
        output(self.host(host, words))
    }

    /// A command on a host.
    fn host(&self, host: Host, words: &[&str]) -> Command {
        let mut command = self.itself();
        command.arg("exec").arg("--state").arg(&self.lab.folder).arg(host.to_string()).arg("--").args(words);
        command
    }

    /// An order to the lab about a guest.
    fn lab_says(&self, guest: u8, order: &str) -> Result<String> {
        say(&format!("  $ varco-lab {order} --name {} --guest {guest}\n", self.report.name))?;
        let mut command = self.itself();
        command.arg(order).arg("--state").arg(&self.lab.folder).args(["--guest", &guest.to_string()]);
        output(command)
    }

    fn itself(&self) -> Command {
        Command::new(self.programs.join("varco-lab"))
    }

    fn wait(&self) -> Result<()> {
        if self.check || !std::io::stdin().is_terminal() {
            return Ok(());
        }
        say("\n[Enter] ")?;
        std::io::stdin().lock().read_line(&mut String::new()).map(|_| ()).context("read the keyboard")
    }

    fn farewell(&self) -> Result<()> {
        let name = OsStr::to_string_lossy(self.lab.folder.file_name().unwrap_or_default()).into_owned();
        say("\nThe site stays up. As guest 2, from your own browser:\n")?;
        let mut door = self.itself();
        door.arg("door").arg("--state").arg(&self.lab.folder).args(["--guest", "2"]);
        output(door)?;
        if cfg!(debug_assertions) {
            say(&format!("With a smart card:  varco-lab login --name {name} --guest 1 --card good\n"))?;
        }
        say(&format!("Look around with:  varco-lab exec --name {name} guest0 -- COMMAND\n"))?;
        say(&format!("Take it down with: varco-lab down --name {name}\n"))
    }
}

/// Runs a command, shows what it says, and answers it.
fn output(mut command: Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    for line in said.lines().filter(|l| !l.is_empty()) {
        say(&format!("    {line}\n"))?;
    }
    ensure!(done.status.success(), "{}", done.status);
    Ok(said)
}

fn counter(interface: &str) -> String {
    format!("/sys/class/net/{interface}/statistics/rx_bytes")
}

#[expect(clippy::disallowed_methods, reason = "the edge: a person asks about this instant")]
fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}
