//! Mistakes in `[cns]`: file, key, problem, remedy.

use crate::{config::Settings, testing::Site};

/// What a mistake is written in place of.
const HERE: &str = "revocation = \"hard\" # here";

fn refusal(from: &str, to: &str) -> String {
    let site = Site::make("cns-settings").with_cards("revocation = \"hard\" # here");
    site.change(from, to);
    Settings::load(&site.file).unwrap_err().to_string()
}

#[test]
fn each_mistake_is_named() {
    for (from, to, said) in [
        ("cns = true\n", "", "cns: no body offers it; "),
        (HERE, "bad = 1", "unknown field `bad`"),
        (HERE, "revocation = \"never\"", "cns.revocation: unknown variant `never`"),
        ("/signers\"", "/no/such\"", "cns.signers: "),
        (HERE, "policies = []", "cns.policies: no card would be one"),
        (
            HERE,
            "policies = [{ name = \"CNS\", oid = \"CN\", card = \"digits\" }]",
            "cns.policies[0]: \"CN\" of \"CNS\" is no policy",
        ),
        (
            HERE,
            "policies = [{ name = \"CNS\", oid = \"1.2.3\", card = \"other\" }]",
            "cns.policies[0].card: unknown variant",
        ),
    ] {
        let answer = refusal(from, to);
        assert!(answer.contains("hub.toml: ") && answer.contains(said), "{answer}");
    }
}

#[test]
fn the_listener_has_an_origin_and_a_port_of_its_own() {
    let site = Site::make("cns-origin").with_cards("");
    let text = std::fs::read_to_string(&site.file).unwrap();
    let line =
        text.lines().find(|line| line.starts_with("url = \"https://accesso.comune.example.it:")).unwrap();
    for (to, said) in [
        (
            "url = \"https://accesso.comune.example.it\"",
            "cns.url: https://accesso.comune.example.it/ is public_url's",
        ),
        ("url = \"https://cns.example.it/x\"", "cns.url: has a path or a query; "),
        ("url = \"http://cns.example.it\"", "cns.url: http://cns.example.it/ is not a plain https address"),
    ] {
        std::fs::write(&site.file, text.replacen(line, to, 1)).unwrap();
        let answer = Settings::load(&site.file).unwrap_err().to_string();
        assert!(answer.contains(said), "{answer}");
    }
    std::fs::write(&site.file, text.replacen(line, "url = \"https://cns.example.it\"", 1)).unwrap();
    Settings::load(&site.file).unwrap();
}

#[test]
fn a_body_offers_cards_only_where_something_asks_for_them() {
    let site = Site::make("cns-unasked");
    site.change("municipality = \"L219\"", "municipality = \"L219\"\ncns = true");
    let answer = Settings::load(&site.file).unwrap_err().to_string();
    assert!(answer.contains("body[0].cns: nothing asks for cards; add a [cns] table"), "{answer}");
}
