//! The walls of the house: who may depend on what, and that the examples we ship are good.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};
use varco_policy::Site;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Every crate's normal dependencies, by name, as cargo resolves them.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--format-version", "1", "--locked"]).current_dir(root());
    let metadata: Value = serde_json::from_slice(&cargo.output().unwrap().stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let id_and_name = |p: &Value| (text(&p["id"]), text(&p["name"]));
    let names: BTreeMap<_, _> = packages.iter().map(id_and_name).collect();
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let normal = |dep: &&Value| dep["dep_kinds"].as_array().unwrap().iter().any(|k| k["kind"].is_null());
        let found = node["deps"].as_array().unwrap().iter().filter(normal);
        let found = found.map(|dep| names[&text(&dep["pkg"])].clone());
        all.entry(names[&text(&node["id"])].clone()).or_default().extend(found);
    }
    all
}

fn reaches(all: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(name) = next.pop() {
        for dep in &all[&name] {
            if seen.insert(dep.clone()) {
                next.push(dep.clone());
            }
        }
    }
    seen
}

#[test]
fn each_crate_stays_behind_its_walls() {
    let all = dependencies();
    let web = ["tokio", "actix-web"];
    let identity = ["samael", "openssl", "varco-hub"];
    let kernel = ["nftables", "netlink-packet-core", "netlink-sys", "varco-firewall"];
    let site = ["varco-gateway"];
    let walls: [(&str, Vec<&[&str]>); 8] = [
        (
            "varco-policy",
            vec![&web, &identity, &kernel, &site, &["varco-web", "varco-templates", "varco-audit"]],
        ),
        ("varco-audit", vec![&web, &identity, &kernel, &site, &["varco-web", "varco-templates"]]),
        ("varco-templates", vec![&web, &identity, &kernel, &site, &["varco-web"]]),
        ("varco-firewall", vec![&web, &identity, &site, &["varco-web", "rustls"]]),
        ("varco-web", vec![&identity, &kernel, &site]),
        ("varco-gateway", vec![&identity, &kernel, &["varco-witness"]]),
        ("varco-hub", vec![&kernel, &site, &["varco-witness"]]),
        ("varco-witness", vec![&identity, &kernel, &site, &["reqwest"]]),
    ];
    for (name, forbidden) in walls {
        let reached = reaches(&all, name);
        assert!(!reached.contains("varco-tests"), "{name} reaches the tests");
        for crate_name in forbidden.into_iter().flatten() {
            assert!(!reached.contains(*crate_name), "{name} reaches {crate_name}");
        }
    }
    assert!(reaches(&all, "varco-hub").contains("samael"), "the walls are looked for in the wrong place");
}

#[test]
fn the_example_of_a_site_is_good() {
    let site = Site::load(&root().join("docker/site/site.toml")).unwrap();
    assert_eq!(site.slots.ports, 512);
}

#[test]
fn what_asks_for_cards_here_has_an_address_of_its_own() {
    let good = std::fs::read_to_string(root().join("docker/site/site.toml")).unwrap();
    let folder = std::env::temp_dir().join(format!("varco-house-cards-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("site.toml");
    let load = |address: &str| {
        let hub = "[hub_here]\nhost = \"hub.example.it\"\naddress = \"10.64.0.2\"\ncards = ";
        let cards = format!("{{ host = \"cns.example.it\", address = \"{address}\" }}");
        std::fs::write(&file, good.replacen("# [hub_here]", &format!("{hub}{cards}"), 1)).unwrap();
        Site::load(&file).map_err(|error| error.to_string())
    };
    let own: Vec<_> = load("10.64.0.3").unwrap().own_addresses().map(|address| address.to_string()).collect();
    assert_eq!(own, ["10.64.0.1", "10.64.0.2", "10.64.0.3"]);
    for address in ["10.64.0.1", "10.64.0.2", "10.64.0.77", "198.18.0.3"] {
        let refusal = load(address).unwrap_err();
        assert!(refusal.contains("hub_here.cards.address: "), "{refusal}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn each_broken_promise_of_a_site_is_named_by_file_and_key() {
    let good = std::fs::read_to_string(root().join("docker/site/site.toml")).unwrap();
    let folder = std::env::temp_dir().join(format!("varco-house-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("site.toml");
    for (was, is, key) in [
        (r#"guaranteed = "74mbit""#, r#"guaranteed = "95mbit""#, "lanes: the guarantees add up to 106mbit"),
        (r#"guaranteed = "74mbit""#, r#"guaranteed = "80mbit""#, "lanes: the guarantees add up to 91mbit"),
        (r#"least = "40mbit""#, r#"least = "80mbit""#, "lanes.office.least: 80mbit is more than"),
        ("down = 15 }", "down = 60 }", "link.headroom: 60 % is out of range"),
        (
            "# [networks]",
            "[networks]\noffice = [\"10.64.1.0/24\"]",
            "networks.office: 10.64.1.0/24 and the guest",
        ),
        (
            r#"ceiling = "100mbit""#,
            r#"ceiling = "1kbit""#,
            "lanes: critical.ceiling 1kbit is under its guarantee",
        ),
        (r#"router = "10.64.0.1""#, r#"router = "10.99.0.1""#, "guest.router: 10.99.0.1 is not a host of"),
        (r#"first = "10.64.0.10""#, r#"first = "10.64.0.1""#, "guest.first: 10.64.0.1 to"),
        (r#"office = ["br-office"]"#, r#"office = ["br-guest"]"#, "interfaces: br-guest is named twice"),
        ("# interfaces = [", "interfaces = [\"eth7\"]\n# [", "guest.interfaces: eth7 is not in"),
        (r#"ports = 512"#, r#"ports = 500"#, "slots.ports: 500 ports do not divide"),
        (r#"idle = "30m""#, r#"idle = "5h""#, "passes.idle: "),
        (r#"idle = "30m""#, r#"idle = "2h""#, "passes.idle: 2h is longer than guest.lease"),
        (r#"length = "4h""#, r#"length = "4 furlongs""#, "passes.length: "),
        (r#"quarantine = "10m""#, r#"quarantine = "10s""#, "slots.quarantine: "),
        (r#"title = "#, r#"titel = "#, "titel: unknown field"),
        (
            r#"# [hub_here]"#,
            "[hub_here]\nhost = \"hub.example.it\"\naddress = \"10.64.0.1\"",
            "hub_here.address: ",
        ),
        (r#"# [hub_here]"#, "[hub_here]\nhost = \"hub\"\naddress = \"10.64.0.2\"", "hub_here.host: "),
        (r#"title = "Biblioteca civica""#, r#"title = " ""#, "title: no title"),
        (r#"["198.18.0.3"]"#, r#"["10.64.3.3"]"#, "slots.addresses: 10.64.3.3 is inside guest.subnet"),
        (r#"["198.18.0.53"]"#, r#"["10.64.3.3"]"#, "garden.resolvers: 10.64.3.3 is inside guest.subnet"),
        (
            r#"# [line]"#,
            "[line]\nreflectors = [\"10.64.3.3\"]",
            "line.reflectors: 10.64.3.3 is inside guest.subnet",
        ),
        (r#"# [line]"#, "[line]\nadded_delay = \"2s\"", "line.added_delay: 2s is out of range"),
        (r#""wifi.biblioteca.example.it""#, r#""10.64.0.1""#, "portal.host: "),
        (r#"wan = "eth0""#, r#"wan = "eth0; drop""#, "interfaces.wan: "),
        (
            r#"timezone = "Europe/Rome""#,
            r#"timezone = "Europe/Atlantis""#,
            "timezone: this system has no time zone",
        ),
        ("# [hours]", "[hours]\nmon = []", "hours: the site never opens"),
        (
            "# [hours]",
            "[hours]\nmon = ['08:00-13:00']\nclosed = ['2026-12-24/2072-01-06']",
            "hours.closed: 2026-12-24/2072-01-06: the site does not open for a year",
        ),
        (
            "# [hours]",
            "[hours]\nmon = ['08:00-13:00', '12:00-14:00']",
            "hours.mon: 12:00-14:00 begins before",
        ),
        ("# [hours]", "[hours]\nmon = ['22:00-02:00']", "hours.mon"),
        ("passes_per_person = 3", "passes_per_person = 0", "limits.passes_per_person: "),
        (r#"# daily_time = "3h""#, r#"daily_time = "0s""#, "limits.daily_time: "),
        (
            r#"# daily_volume = "2GB""#,
            r#"daily_volume = "2 GB""#,
            "limits.daily_volume: `2 GB` is not an amount",
        ),
    ] {
        assert!(good.contains(was), "{was}");
        std::fs::write(&file, good.replacen(was, is, 1)).unwrap();
        let said = Site::load(&file).unwrap_err().to_string();
        assert!(
            said.starts_with(&format!("{}: {key}", file.display())),
            "{key} is not what was said: {said}"
        );
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// What a build is told by its profile in our Cargo.toml decides, not what a test says of it.
#[test]
fn a_release_takes_no_signer_for_development() {
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let profiles = manifest["profile"].as_table().unwrap();
    assert!(!profiles["release"].as_table().unwrap().contains_key("package"), "not built alike");
    let file = root().join("src/hub/login/cns/trust/development.rs").canonicalize().unwrap();
    let folder = std::env::temp_dir().join(format!("varco-house-release-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let main = format!(
        "#[path = {file:?}]\nmod development;\nfn main() {{ print!(\"{{}}\", development::TAKES_DEVELOPMENT) }}\n"
    );
    std::fs::write(folder.join("main.rs"), main).unwrap();
    let package = "[package]\nname = \"house\"\nedition = \"2024\"\n[[bin]]\nname = \"house\"\npath = \"main.rs\"\n[workspace]\n";
    let release = toml::to_string(&profiles["release"]).unwrap();
    std::fs::write(folder.join("Cargo.toml"), format!("{package}[profile.release]\n{release}")).unwrap();
    for (profile, takes) in [("release", "false"), ("dev", "true")] {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--offline", "--profile", profile]).current_dir(&folder);
        let done = cargo.env("CARGO_TARGET_DIR", folder.join("target")).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), takes, "{}", String::from_utf8_lossy(&done.stderr));
    }
    std::fs::remove_dir_all(folder).unwrap();
}
