//! What `up` and `status` print. The keys are a contract: other people's scripts read them.

use super::{
    plan::{self, Host, Plan},
    state::Lab,
};
use crate::cns::card::PIN;
use anyhow::Result;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs, path::PathBuf};

/// Identifiers of the lab's programs, written by the holder at every change.
pub const PIDS: &str = "pids.json";
/// The identifier of the main dnsmasq, written by the enforcer.
pub const DNSMASQ: &str = "run/dnsmasq-main.pid";

/// A lab as other people's scripts see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Name of the lab.
    pub name: String,
    /// Addresses of hosts.
    pub addresses: Addresses,
    /// Names of interfaces as the hosts see their own.
    pub interfaces: Interfaces,
    /// Where everything is.
    pub urls: Urls,
    /// Process identifiers; none for a program that is not running now.
    pub pids: Pids,
    /// Folder of configuration, logs, databases.
    pub state: PathBuf,
    /// A metadata file put there is a trusted identity provider within five seconds.
    pub idp_metadata_dir: PathBuf,
}

/// Addresses of hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the hosts' own names")]
pub struct Addresses {
    pub wan: String,
    pub office: String,
    pub gateway_guest_side: String,
}

/// Names of interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the hosts' own names")]
pub struct Interfaces {
    pub guest: String,
    pub office: String,
    pub wan: String,
}

/// Where everything is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "each is what it says")]
pub struct Urls {
    pub portal: String,
    pub capport: String,
    pub hub: String,
    pub spid_metadata: String,
    /// Takes `?entityID=`.
    pub spid_login: String,
    pub idp: String,
    pub admin: String,
    /// Of the hub's console: from the office.
    pub console: String,
}

/// Process identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the programs' own names")]
pub struct Pids {
    pub gateway: Option<i32>,
    pub enforcer: Option<i32>,
    pub hub: Option<i32>,
    /// The one that gives leases, and DNS to those with a pass.
    pub dnsmasq: Option<i32>,
}

/// The lab as it stands now.
///
/// # Errors
/// When it is not up.
pub fn of(lab: &Lab) -> Result<Report> {
    let record = lab.record()?;
    let holder = record.holder.filter(|h| h.lives());
    anyhow::ensure!(holder.is_some(), "the lab `{}` is not up: its holder is gone", record.plan.name);
    let pids: BTreeMap<String, Option<i32>> = lab.read(PIDS)?;
    let pid = |name: &str| pids.get(name).copied().flatten();
    let dnsmasq = fs::read_to_string(lab.path(DNSMASQ)).ok().and_then(|t| t.trim().parse().ok());
    Ok(Report {
        name: record.plan.name,
        addresses: addresses(),
        interfaces: Interfaces { guest: "wlan0".into(), office: "eth0".into(), wan: "eth0".into() },
        urls: urls(),
        pids: Pids { gateway: pid("gateway"), enforcer: pid("enforcer"), hub: pid("hub"), dnsmasq },
        state: lab.folder.clone(),
        idp_metadata_dir: lab.path("idp-metadata"),
    })
}

fn addresses() -> Addresses {
    let [wan, office, guest_side] = [plan::WAN, plan::OFFICE, plan::GUEST_ROUTER].map(str::to_owned);
    Addresses { wan, office, gateway_guest_side: guest_side }
}

fn urls() -> Urls {
    let (portal, hub, idp) = (plan::PORTAL_NAME, plan::HUB_NAME, plan::IDP_NAME);
    Urls {
        portal: format!("https://{portal}/"),
        capport: format!("https://{portal}/capport"),
        hub: format!("https://{hub}"),
        spid_metadata: format!("https://{hub}/spid/metadata"),
        spid_login: format!("https://{hub}/spid/login"),
        idp: format!("https://{idp}"),
        admin: format!("https://{}:8443/", plan::OFFICE_ROUTER),
        console: format!("https://{}/", plan::CONSOLE_NAME),
    }
}

impl Report {
    /// For people.
    pub fn text(&self, plan: &Plan) -> String {
        let hosts: Vec<_> = (0..plan.guests).map(|n| Host::Guest(n).to_string()).collect();
        let cards = if plan.cards && !plan.bare { self.cards() } else { String::new() };
        format!(
            "lab {}: wan, gateway, office, {}\nportal    {}\nhub       {}\nidp       {}\nadmin     {}\nconsole   {}\nstate     {}\n{cards}",
            self.name,
            hosts.join(", "),
            self.urls.portal,
            self.urls.hub,
            self.urls.idp,
            self.urls.admin,
            self.urls.console,
            self.state.display()
        )
    }

    fn cards(&self) -> String {
        let card = self.state.join("cns/cards/good.p12");
        format!(
            "card      {}, ada's CNS, password and PIN {PIN}: import it into a browser, or\n          \
             varco-lab login --name {} --guest 0 --card good; varco-lab cards lists others\n",
            card.display(),
            self.name
        )
    }
}
