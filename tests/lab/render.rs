//! The settings files of the lab's programs: those of docker/site with the lab's values.

use super::{
    plan::{self, Plan, Provider},
    state::Lab,
};
use crate::idp::citizen::Citizen;
use anyhow::Result;
use std::{fmt::Write as _, fs};
use varco_audit::tlog::{CosignerKey, NoteKey};
use varco_policy::Rate;

/// Writes every settings file into `config/`.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(lab: &Lab, plan: &Plan) -> Result<()> {
    for folder in ["config", "logs", "run", "enforcer", "gateway", "hub", "hub-keys", "witness"] {
        fs::create_dir_all(lab.path(folder))?;
    }
    fs::write(lab.path("config/site.toml"), site(plan) + &hub_here(plan))?;
    fs::write(lab.path("config/enforcer.toml"), enforcer(lab))?;
    fs::write(lab.path("config/gateway.toml"), gateway(lab, plan)?)?;
    fs::write(lab.path("config/hub.toml"), hub(lab, plan)?)?;
    fs::write(lab.path("config/witness.toml"), witness(lab)?)?;
    Ok(fs::write(lab.path("config/dns.conf"), dns(plan))?)
}

/// One hundredth of the line, times `parts`.
fn part(rate: Rate, parts: u64) -> Rate {
    Rate::from_bits((rate.bits() / 100).saturating_mul(parts).max(1000))
}

/// A loaded machine delays an echo by tens of milliseconds: that is not the line.
fn varies(least: Rate) -> String {
    format!("least = {{ up = \"{least}\", down = \"{least}\" }}\n\n[line]\nadded_delay = \"100ms\"\n")
}

fn site(plan: &Plan) -> String {
    let rate = plan.rate;
    let kept = plan.least.unwrap_or(rate);
    let (critical, office, guest) = (part(kept, 10), part(kept, 80), part(kept, 1));
    format!(
        r#"name = "{name}"
title = "Biblioteca di prova"
{zone}
[interfaces]
wan = "eth0"
guest = ["br-guest"]
office = ["br-office"]
critical = []

[link]
up = "{rate}"
down = "{rate}"
# Here the gateway itself is the narrowest place.
headroom = {{ up = 0, down = 0 }}
{varies}
[lanes]
critical = {{ guaranteed = "{critical}", ceiling = "{rate}" }}
office = {{ guaranteed = "{office}", ceiling = "{rate}" }}
guest = {{ guaranteed = "{guest}", ceiling = "{rate}" }}

[guest]
subnet = "10.64.0.0/20"
router = "{router}"
first = "10.64.0.10"
last = "10.64.15.250"
lease = "1h"

[portal]
host = "{portal}"

[slots]
addresses = ["{slots}"]
ports = 512
quarantine = "10m"

[garden]
names = [{garden}]
resolvers = ["{dns}"]

[passes]
length = "{length}"
idle = "{idle}"
"#,
        name = plan.name,
        zone = plan.timezone.iter().map(|zone| format!("timezone = \"{zone}\"\n")).collect::<String>(),
        varies = plan.least.map(varies).unwrap_or_default(),
        router = plan::GUEST_ROUTER,
        portal = plan::PORTAL_NAME,
        slots = plan::SLOTS,
        garden = garden(plan),
        dns = plan::DNS,
        length = plan.pass_length,
        idle = plan.idle,
    )
}

/// What strangers reach: the providers, and the hub unless it is on the router.
fn garden(plan: &Plan) -> String {
    let hub = (!plan.one_box).then_some(plan::HUB_NAME);
    let cards = (plan.cards && !plan.one_box).then_some(plan::CARDS_NAME);
    hub.into_iter()
        .chain(cards)
        .chain(plan.providers().iter().map(|p| p.name))
        .map(|name| format!("\"{name}\""))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The hub's address in the guest network, where it runs on the router.
fn hub_here(plan: &Plan) -> String {
    if !plan.one_box {
        return String::new();
    }
    let (name, address) = (plan::HUB_NAME, plan::HUB_HERE);
    let hub = format!("\n[hub_here]\nhost = \"{name}\"\naddress = \"{address}\"\n");
    let (name, address) = (plan::CARDS_NAME, plan::CARDS_HERE);
    let cards = format!("cards = {{ host = \"{name}\", address = \"{address}\" }}\n");
    if plan.cards { hub + &cards } else { hub }
}

fn enforcer(lab: &Lab) -> String {
    let at = lab.folder.display();
    // The lab's user is `root` in its namespaces and nobody else exists there.
    format!(
        r#"site = "{at}/config/site.toml"
socket = "{at}/run/enforcer.sock"
gateway_user = "root"
run = "{at}/run"
state = "{at}/enforcer"
"#
    )
}

fn gateway(lab: &Lab, plan: &Plan) -> Result<String> {
    let at = lab.folder.display();
    let mirror =
        CosignerKey::load_or_make(&lab.path("hub/mirror.key"), &format!("{}/mirror", plan::HUB_NAME))?.vkey();
    Ok(format!(
        r#"site = "{at}/config/site.toml"
enforcer = "{at}/run/enforcer.sock"
state = "{at}/gateway"

[portal]
certificate = "{at}/tls/portal.pem"
key = "{at}/tls/portal.key"

[admin]
listen = "{office}:8443"
url = "https://{office}:8443"
certificate = "{at}/tls/admin.pem"
key = "{at}/tls/admin.key"

[hub]
issuer = "https://{hub}"
client_id = "{name}"
client_secret_file = "{at}/hub.secret"
ca_file = "{at}/tls/ca.pem"
{unnamed}log_mirror = "{mirror}"

[log]
keys = "{at}/log-keys"
"#,
        office = plan::OFFICE_ROUTER,
        hub = plan::HUB_NAME,
        name = plan.name,
        unnamed = if plan.history { "# " } else { "" },
    ))
}

fn hub(lab: &Lab, plan: &Plan) -> Result<String> {
    let at = lab.folder.display();
    // As the gateway would make it at its first start; an operator copies what `varco-gateway log-key` prints.
    let origin = format!("{}/log/{}", plan::HUB_NAME, plan.name);
    let log_key = NoteKey::load_or_make(&lab.path("gateway/log.key"), &origin)?.vkey();
    Ok(format!(
        r#"listen = "{address}:443"
public_url = "https://{hub}"
state = "{at}/hub"
keys = "{at}/hub-keys"

[tls]
certificate = "{at}/tls/hub.pem"
key = "{at}/tls/hub.key"

[log]
keys = "{at}/log-keys"
# Sooner than at a real hub, so that a test sees both.
witness_every = "2s"
witness_late = "5s"

[[log.witness]]
url = "https://{witness_host}"
vkey = "{witness}"
ca = "{at}/tls/ca.pem"

[log.timestamp]
url = "http://{tsa}/cgi-bin/tsr"
ca = "{at}/tsa/ca.pem"

[lookup]
holders = "{at}/ceremony/holders"

[store]
{store}

[[body]]
name = "Comune di Prova"
display_name = "Comune di Prova"
url = "https://{hub}"
ipa_code = "c_x000"
email = "spid@varco.test"
telephone = "+390110000000"
locality = "Torino"
municipality = "L219"
cns = {cards}

[body.spid]
entity_id = "https://{hub}"
level = 1
eidas = {eidas}
{cie}{cns}{console}
[providers]
{trusted}
[[gateway]]
client_id = "{name}"
client_secret_file = "{at}/hub.secret"
log_key = "{log_key}"
redirect_uri = "https://{portal}/login/callback"
admin_redirect_uri = "https://{office}:8443/login/callback"
admins = ["{admin}"]
"#,
        eidas = plan.schemes,
        store = plan.store.as_ref().map_or_else(
            || "kind = \"sqlite\"".to_owned(),
            |url| format!("kind = \"redis\"\nurl = \"{url}\"")
        ),
        cards = plan.cards,
        cns = if plan.cards { cns(lab, plan) } else { String::new() },
        cie = if plan.schemes { cie() } else { String::new() },
        console = console(lab),
        witness = witness_key(lab)?.vkey(),
        witness_host = plan::WITNESS_NAME,
        tsa = plan::TSA_NAME,
        trusted = plan.providers().iter().map(|p| trusted(lab, *p)).collect::<String>(),
        office = plan::OFFICE_ROUTER,
        admin = Citizen::admin().fiscal_code(),
        address = plan.hub().1,
        hub = plan::HUB_NAME,
        name = plan.name,
        portal = plan::PORTAL_NAME,
    ))
}

/// As the witness would make it; a keeper tells what `varco-witness key` prints.
fn witness_key(lab: &Lab) -> Result<CosignerKey> {
    Ok(CosignerKey::load_or_make(&lab.path("witness/witness.key"), plan::WITNESS_NAME)?)
}

fn witness(lab: &Lab) -> Result<String> {
    let (at, address, name) = (lab.folder.display(), plan::WITNESS, plan::WITNESS_NAME);
    let log = NoteKey::load_or_make(&lab.path("hub/log.key"), &format!("{}/log", plan::HUB_NAME))?.vkey();
    Ok(format!(
        r#"listen = "{address}:443"
name = "{name}"
state = "{at}/witness"

[tls]
certificate = "{at}/tls/witness.pem"
key = "{at}/tls/witness.key"

[[log]]
vkey = "{log}"
"#
    ))
}

/// The body in CIE, as the service that it is in SPID.
fn cie() -> String {
    format!("\n[body.cie]\nentity_id = \"https://{}\"\nlevel = 1\n", plan::HUB_NAME)
}

/// Where the hub asks for cards, and whose it takes.
fn cns(lab: &Lab, plan: &Plan) -> String {
    let at = lab.folder.display();
    format!(
        r#"
[cns]
listen = "{address}:443"
url = "https://{name}"
tls = {{ certificate = "{at}/tls/cards.pem", key = "{at}/tls/cards.key" }}
trust_list_file = "{at}/cns/trust.xml"
signers = "{at}/cns/signers"
"#,
        address = plan.card_listener(),
        name = plan::CARDS_NAME,
    )
}

/// The console's listener, and a test citizen in each role.
fn console(lab: &Lab) -> String {
    let at = lab.folder.display();
    let mut table = format!(
        r#"
[console]
listen = "{address}:443"
url = "https://{name}"
tls = {{ certificate = "{at}/tls/console.pem", key = "{at}/tls/console.key" }}
"#,
        address = plan::CONSOLE,
        name = plan::CONSOLE_NAME,
    );
    for (list, user) in plan::CONSOLE_ROLES {
        let code = Citizen::of(user).map(Citizen::fiscal_code).unwrap_or_default();
        let _ = writeln!(table, "{list} = [\"{code}\"]");
    }
    table
}

/// The folder of the providers of a scheme.
fn trusted(lab: &Lab, provider: Provider) -> String {
    format!("{} = \"{}\"\n", provider.scheme, lab.path(provider.trusted).display())
}

/// The Internet's DNS. It does not know the portal: only the router's resolver does.
fn dns(plan: &Plan) -> String {
    let mut lines = format!(
        "keep-in-foreground
no-resolv
no-hosts
no-daemon
user=root
group=root
bind-interfaces
listen-address={}
pid-file=
local=/test/
local-ttl=5
",
        plan::DNS
    );
    let names = [
        (plan::HUB_NAME, plan.hub().1),
        (plan::WEB_NAME, plan::WEB),
        (plan::CARDS_NAME, plan.card_listener()),
        (plan::CONSOLE_NAME, plan::CONSOLE),
        (plan::CERTIFIER_NAME, plan::CERTIFIER),
        (plan::ELSEWHERE_NAME, plan::CERTIFIER),
        (plan::TSA_NAME, plan::TSA),
        (plan::WITNESS_NAME, plan::WITNESS),
    ];
    let providers = plan::PROVIDERS.map(|p| (p.name, p.address));
    for (name, address) in names.into_iter().chain(providers).chain(plan::PROBES.map(|p| (p, plan::WEB))) {
        let _ = writeln!(lines, "host-record={name},{address}");
    }
    lines
}
