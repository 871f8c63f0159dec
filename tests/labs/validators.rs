//! The validators that SPID, CIE and eIDAS bodies are checked with before they go live (`make validators`), against the
//! real hub over HTTPS. `spid-sp-test` reads the metadata, asks for a request and answers it as an identity provider, in
//! 111 ways. `--production` makes it check TLS, and the certificate in the metadata, too.
//!
//! What it cannot see, and other tests do: its eight wrapped responses (xsw1 to xsw8) have lost their namespaces, so they
//! are no SAML at all; it never reads a page; it knows no SHA-1, no DOCTYPE, no replay, no other provider's answer.

use crate::site::{Site, eventually, said};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path, process::Command};
use varco_tests::{ca, idp::xml::REDIRECT};

/// What must be accepted: a service provider that refuses everything passes all the others.
const GOOD: [&str; 7] = ["1", "31", "94", "95", "96", "109", "110"];
/// May be accepted or refused, it says. Its attributes that were not asked are lost before they are sent, which makes it
/// the first response again: accepted.
const GOOD_AGAIN: &str = "103";
/// What fails here: it asks the register of public administrations, which is in the Internet.
const OFFLINE: &str = "The IPACode element MUST have a valid value present on IPA";

/// What one profile of the validator is to do.
struct Profile {
    name: &'static str,
    /// Where its provider's metadata goes.
    trusted: &'static str,
    /// Before `/metadata` and `/login`.
    path: &'static str,
    /// How many checks it makes at least: each endpoint and each attribute adds some.
    least: (usize, usize),
    responses: usize,
}

/// The validator as a provider of this name, with a key pair of its own: the one it brings along has expired.
struct Validator<'a> {
    site: &'a Site,
    entity_id: &'static str,
    folder: String,
}

fn tool(name: &str) -> String {
    let target = Path::new(env!("CARGO_BIN_EXE_varco-lab")).ancestors().nth(2).unwrap();
    let path = target.join("validators/bin").join(name);
    assert!(path.exists(), "{} is missing: `make validators` installs it", path.display());
    path.display().to_string()
}

impl<'a> Validator<'a> {
    fn new(site: &'a Site, entity_id: &'static str) -> Self {
        let folder = site.state(&format!("validators/{}", entity_id.trim_start_matches("https://")));
        let at = Path::new(&folder);
        fs::create_dir_all(at).unwrap();
        ca::self_signed(at, "own", "spid-sp-test").unwrap();
        fs::rename(at.join("own.key"), at.join("private.key")).unwrap();
        fs::rename(at.join("own.pem"), at.join("public.cert")).unwrap();
        Self { site, entity_id, folder }
    }

    fn run(&self, words: &[&str]) -> String {
        let (name, keys) =
            (format!("IDP_ENTITYID={}", self.entity_id), format!("IDP_CERT_PATH={}", self.folder));
        let program = tool("spid_sp_test");
        let mut all = vec!["env", &name, &keys, "PYTHONWARNINGS=ignore", &program];
        all.extend(words);
        said(&mut self.site.on("wan", &all))
    }

    fn login(&self, profile: &Profile) -> String {
        format!("https://accesso.varco.test{}/login?entityID={}", profile.path, self.entity_id)
    }

    /// Makes the hub trust it, as a provider whose metadata `change` has changed.
    fn trusted(self, profile: &Profile, change: impl Fn(&str) -> String) -> Self {
        let metadata = change(&self.run(&["--idp-metadata"]));
        fs::write(self.site.state(&format!("{}/validator.xml", profile.trusted)), metadata).unwrap();
        let login = self.login(profile);
        let words = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", &login];
        let offered = || ["200", "302"].map(str::as_bytes).contains(&&*self.site.run("wan", &words).stdout);
        assert!(eventually(10, offered), "{login} does not lead to the provider");
        self
    }

    /// What it finds: metadata, request and, if `responses`, responses.
    fn examine(&self, profile: &Profile, more: &[&str]) -> Findings {
        let metadata = format!("https://accesso.varco.test{}/metadata", profile.path);
        let report = format!("{}/report.json", self.folder);
        let (login, name) = (self.login(profile), profile.name);
        let mut words = vec!["--metadata-url", &metadata, "--authn-url", &login, "--profile", name];
        words.extend(["--production", "--extra", "--debug", "CRITICAL", "--exit-zero"]);
        words.extend(["-rf", "json", "-o", &report]);
        words.extend(more);
        self.run(&words);
        Findings(serde_json::from_slice(&fs::read(report).unwrap()).unwrap())
    }
}

/// The validator's report.
struct Findings(Value);

/// One of its checks.
struct Check<'a> {
    number: &'a str,
    name: &'a str,
    saw: &'a str,
    well: bool,
}

impl<'a> Check<'a> {
    fn of(value: &'a Value) -> Self {
        let text = |key: &str| value[key].as_str().unwrap_or_default();
        Self {
            number: text("test_id"),
            name: text("test"),
            saw: text("value"),
            well: value["result"] == "success",
        }
    }
}

impl Findings {
    fn of(&self, part: &str) -> Vec<Check<'_>> {
        let classes = self.0["test"]["sp"][part].as_object().unwrap().values();
        classes.flat_map(|checks| checks.as_array().unwrap()).map(Check::of).collect()
    }

    /// That at least so many checks were made and none failed but what `excused` names.
    fn are_well(&self, part: &str, least: usize, excused: &[&str]) {
        let checks = self.of(part);
        let failed = checks.iter().filter(|c| !c.well && !excused.contains(&c.name));
        let failed: Vec<_> = failed.map(|c| format!("{} {}: {}", c.number, c.name, c.saw)).collect();
        assert!(failed.is_empty(), "{part}: {failed:#?}");
        assert!(checks.len() >= least, "{part}: only {} checks", checks.len());
    }

    /// That each response was sent, each good one accepted, each other refused.
    fn tell_good_from_bad(&self, sent: usize) {
        let responses = self.of("response");
        let accepted: BTreeSet<_> =
            responses.iter().filter(|c| c.saw.contains("200")).map(|c| c.number).collect();
        for number in GOOD {
            assert!(accepted.contains(number), "response {number} is good and was refused");
        }
        self.are_well("response", sent, &[]);
        let others: Vec<_> = accepted.into_iter().filter(|number| !GOOD.contains(number)).collect();
        assert_eq!(others, [GOOD_AGAIN]);
        assert_eq!(responses.len(), sent);
    }
}

/// How many logins the hub's register holds.
fn registered(site: &Site) -> usize {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let register = Connection::open_with_flags(site.state("hub/hub.db"), flags).unwrap();
    let count: i64 = register.query_row("SELECT count(*) FROM authentication", [], |row| row.get(0)).unwrap();
    usize::try_from(count).unwrap()
}

/// Runs a whole profile at a site of its own.
fn examine(profile: &Profile, more: &[&str]) -> Site {
    let site = Site::up_with(0, &["--schemes"]);
    let validator = Validator::new(&site, "https://validator.varco.test").trusted(profile, str::to_owned);
    let words: Vec<_> = ["--test-response"].iter().chain(more).copied().collect();
    let found = validator.examine(profile, &words);
    found.are_well("metadata_extra", profile.least.0, &[OFFLINE]);
    found.are_well("authnrequest_extra", profile.least.1, &[]);
    found.tell_good_from_bad(profile.responses);
    // Accepted by the hub's own account too, and nothing else was.
    assert_eq!(registered(&site), GOOD.len() + 1);
    site
}

/// That the certificate which `varco-hub keys init` made is as Avviso 29 v3 wants it. The other validator runs this one too
/// but misspells the sector, and so never looks for the policy of public bodies.
fn a_public_bodys_certificate(file: &str) {
    let report = format!("{file}.txt");
    let words =
        ["validator", "--sector", "public", "--crt-file", file, "--out-form", "txt", "--out-file", &report];
    said(Command::new(tool("spid-compliant-certificates")).args(words));
    let report = fs::read_to_string(report).unwrap();
    assert!(!report.contains("failure"), "{report}");
    assert_eq!(report.lines().filter(|line| line.contains("[success][")).count(), 37, "{report}");
}

#[test]
fn spid_finds_nothing_to_mend() {
    let profile = Profile {
        name: "spid-sp-public",
        trusted: "idp-metadata",
        path: "/spid",
        least: (146, 42),
        responses: 111,
    };
    let site = examine(&profile, &[]);
    a_public_bodys_certificate(&site.state("hub-keys/spid.pem"));
    // The hub asks by redirect where it may; a provider that takes POST alone is asked so.
    let post = Validator::new(&site, "https://post.varco.test").trusted(&profile, |metadata| {
        let elements = metadata.split_inclusive('>');
        elements.filter(|e| !(e.contains("SingleSignOnService") && e.contains(REDIRECT))).collect()
    });
    post.examine(&profile, &[]).are_well("authnrequest_extra", 48, &[]);
}

#[test]
fn cie_finds_nothing_to_mend() {
    let profile = Profile {
        name: "cie-sp-public",
        trusted: "idp-cie-metadata",
        path: "/cie",
        least: (70, 42),
        // Not those that refuse an assertion's issuer without a format: CIE leaves it out.
        responses: 109,
    };
    examine(&profile, &[]);
}

#[test]
fn the_node_of_eidas_finds_nothing_to_mend() {
    let profile = Profile {
        name: "ficep-eidas-sp",
        trusted: "idp-eidas-metadata",
        path: "/spid",
        least: (105, 42),
        responses: 111,
    };
    examine(&profile, &[]);
}
