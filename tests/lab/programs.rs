//! The programs that a lab runs, and on which host.

use super::{
    plan::{self, Host, Plan, Provider},
    state::{Lab, Record},
    tsa,
};
use crate::cns::Certifier;
use anyhow::{Result, ensure};
use std::path::Path;

/// A program of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name in logs and reports.
    pub name: &'static str,
    /// Where it runs.
    pub host: Host,
    /// The command, argument by argument.
    pub command: Vec<String>,
}

/// Varco's programs, which must lie beside `varco-lab` or where `--programs` says.
const VARCO: [&str; 4] = ["varco-witness", "varco-hub", "varco-enforcer", "varco-gateway"];

/// Checks that every program is there.
///
/// # Errors
/// The first that is missing, with what to do.
pub fn check(folder: &Path, plan: &Plan) -> Result<()> {
    let wanted = VARCO.iter().filter(|_| !plan.bare).chain(["varco-idp", "varco-audit"].iter());
    for name in wanted {
        let remedy = "build the workspace with `make build`, or give --programs FOLDER";
        ensure!(folder.join(name).is_file(), "{name} is not in {}; {remedy}", folder.display());
    }
    Ok(())
}

/// Every program in the order of their start.
pub fn all(lab: &Lab, record: &Record) -> Vec<Program> {
    let providers = record.plan.providers().iter().map(|p| idp(lab, record, *p));
    let certifier = record.plan.cards.then(|| certifier(lab));
    let stamps = (!record.plan.bare).then(|| stamps(lab));
    let internet = [dns(lab), web(lab)].into_iter().chain(certifier).chain(stamps).chain(providers);
    let varco = VARCO.map(|name| run(lab, record, name));
    internet.chain(varco.into_iter().filter(|_| !record.plan.bare)).collect()
}

/// What is run once before the hub: it makes the keys, and takes the trust list, so that a hub that answers knows whose
/// cards are good.
pub fn before_hub(lab: &Lab, record: &Record) -> Vec<Program> {
    let keys = ["keys", "init"].as_slice();
    let trust = ["trust", "--accept"].as_slice();
    let once = |(name, words): (&'static str, &[&str])| {
        let mut program = run(lab, record, "varco-hub");
        program.name = name;
        let at = program.command.iter().position(|a| a == "run").unwrap_or_default();
        program.command.splice(at..=at, words.iter().map(|word| (*word).to_owned()));
        program
    };
    let all = [("hub-keys", keys), ("hub-trust", trust)];
    all.into_iter().filter(|(name, _)| *name == "hub-keys" || record.plan.cards).map(once).collect()
}

fn dns(lab: &Lab) -> Program {
    let file = format!("--conf-file={}", lab.path("config/dns.conf").display());
    Program { name: "dns", host: Host::Wan, command: vec!["dnsmasq".into(), file] }
}

fn web(_: &Lab) -> Program {
    let command = ["/proc/self/exe", "web", "--listen", plan::WEB].map(str::to_owned).to_vec();
    Program { name: "web", host: Host::Wan, command }
}

/// What the authority that issues cards says of their revocation.
fn certifier(lab: &Lab) -> Program {
    let certifier = Certifier::open(&lab.path("cns"));
    Program {
        name: "certifier",
        host: Host::Wan,
        command: certifier.serve(&format!("{}:80", plan::CERTIFIER)),
    }
}

/// Who stamps the hub's log with the time.
fn stamps(lab: &Lab) -> Program {
    let command = tsa::serve(&lab.path("tsa"), &format!("{}:80", plan::TSA));
    Program { name: "tsa", host: Host::Wan, command }
}

fn idp(lab: &Lab, record: &Record, provider: Provider) -> Program {
    let program = record.programs.join("varco-idp").display().to_string();
    let path = |name: &str| lab.path(name).display().to_string();
    let pairs = [
        ("--scheme", provider.scheme.to_string()),
        ("--listen", format!("{}:443", provider.address)),
        ("--url", format!("https://{}", provider.name)),
        ("--state", path(provider.program)),
        ("--certificate", path(&format!("tls/{}.pem", provider.program))),
        ("--key", path(&format!("tls/{}.key", provider.program))),
        ("--sp", format!("https://{}{}", plan::HUB_NAME, provider.service)),
    ];
    let options = pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
    let command = [program, "run".into()].into_iter().chain(options).collect();
    Program { name: provider.program, host: Host::Wan, command }
}

/// `setpriv` takes from gateway and hub what their units take from them: every capability.
fn run(lab: &Lab, record: &Record, name: &'static str) -> Program {
    let short = name.trim_start_matches("varco-");
    let drop =
        ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--"];
    let privileged = short == "enforcer";
    let program = record.programs.join(name).display().to_string();
    let config = lab.path(&format!("config/{short}.toml")).display().to_string();
    let own = [program, "run".into(), "--config".into(), config];
    let command = drop.iter().filter(|_| !privileged).map(|s| (*s).to_owned()).chain(own).collect();
    let host = match short {
        "hub" => record.plan.hub().0,
        "witness" => Host::Wan,
        _ => Host::Gateway,
    };
    Program { name: short, host, command }
}
