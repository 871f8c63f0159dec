//! The page where the shares are set: from the office, through the hub, down to the kernel's queues.

use crate::site::{Site, eventually, lab};
use serde_json::Value;
use std::process::Output;

/// The ceiling of the guests downwards, as the kernel writes it.
fn ceiling(site: &Site) -> String {
    let out = text(&site.run("gateway", &["tc", "class", "show", "dev", "ifb-varco"]));
    let lane = out.lines().find(|line| line.starts_with("class htb 1:30 ")).unwrap_or_default();
    lane.split("ceil ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default().to_owned()
}

fn gateway(site: &Site, words: &[&str]) -> Output {
    let config = site.state("config/gateway.toml");
    let mut all = words.to_vec();
    all.extend(["--config", &config]);
    site.program("gateway", "varco-gateway", &all)
}

/// What the command line says of the shares.
fn shares(site: &Site) -> Value {
    let state: Value = serde_json::from_slice(&gateway(site, &["status", "--json"]).stdout).unwrap();
    state["shares"].clone()
}

fn text(out: &Output) -> String {
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// An administrator is sent to the page.
fn sent(site: &Site, words: &[&str]) -> Output {
    let mut all = vec!["office", "--name", site.name()];
    all.extend(words);
    lab(&all).output().unwrap()
}

/// The page at the end of an errand that went well.
fn page(site: &Site, words: &[&str]) -> String {
    let out = sent(site, words);
    assert!(out.status.success(), "{words:?}: {}", text(&out));
    text(&out)
}

/// Every step of every change on record: what, and by whom.
fn on_record(site: &Site) -> Vec<(String, Option<String>)> {
    // The question's end is a whole second: what was recorded within this one comes before the next.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let to = site.now();
    let case = site.case(&["--shares", "--site", site.name(), "--from", "2026-01-01T00:00:00Z", "--to", &to]);
    let out = site.answer("shares", &case);
    let steps: Vec<Value> = serde_json::from_slice(&out.stdout).unwrap();
    let step = |s: &Value| (s["step"].as_str().unwrap().to_owned(), s["by"].as_str().map(str::to_owned));
    steps.iter().map(step).collect()
}

#[test]
fn an_administrator_moves_a_share_and_only_what_is_confirmed_stays() {
    let site = Site::up(1);
    let before = ceiling(&site);
    let change = ["--set", "guest.down.ceiling=50mbit"];

    let plan = page(&site, &[&change[..], &["--until", "plan"]].concat());
    assert!(plan.contains("I visitatori potranno usare fino a 50 Mbit/s in discesa"), "{plan}");
    assert!(plan.contains("tc: class change dev ifb-varco"), "{plan}");
    assert_eq!(ceiling(&site), before, "a plan changes nothing");

    let trial = page(&site, &[&change[..], &["--until", "try", "--seconds", "4"]].concat());
    assert!(trial.contains("Quote in prova"), "{trial}");
    assert_eq!(ceiling(&site), "50Mbit");
    assert!(eventually(20, || ceiling(&site) == before && shares(&site)["trial"].is_null()));
    assert!(page(&site, &[]).contains("Nessuno ha confermato in tempo"));

    page(&site, &[&change[..], &["--until", "try"]].concat());
    page(&site, &["--until", "confirm"]);
    assert_eq!(ceiling(&site), "50Mbit");
    let killed = site.kill_nine("gateway");
    assert!(site.recovered("gateway", killed));
    assert_eq!((ceiling(&site).as_str(), &shares(&site)["trial"]), ("50Mbit", &Value::Null));
    assert_eq!(shares(&site)["confirmed"]["down"]["guest"]["ceiling"], "50mbit");

    let steps = on_record(&site);
    let words: Vec<_> = steps.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(words, ["confirmed", "tried", "taken-back", "tried", "confirmed"]);
    let by: Vec<_> = steps.iter().map(|(_, by)| by.is_some()).collect();
    assert_eq!(
        by,
        [false, true, false, true, true],
        "nobody for the first start, and for time that was over"
    );
    assert_eq!(steps[1].1, steps[4].1, "the same person has the same subject");
}

#[test]
fn a_trial_outlives_neither_gateway_nor_enforcer() {
    let site = Site::up(0);
    let before = ceiling(&site);
    let trial = ["apply", "--set", "guest.down.ceiling=50mbit", "--seconds", "600"];
    for program in ["gateway", "enforcer"] {
        let out = gateway(&site, &trial);
        assert!(out.status.success(), "{}", text(&out));
        assert_eq!(ceiling(&site), "50Mbit");
        let killed = site.kill_nine(program);
        assert!(site.recovered(program, killed));
        assert!(eventually(20, || ceiling(&site) == before && shares(&site)["trial"].is_null()), "{program}");
        assert_eq!(on_record(&site).last().unwrap().0, "taken-back", "{program}");
    }
}

#[test]
fn the_command_line_says_what_is_right_and_why_not() {
    let site = Site::up(0);
    let said = |words: &[&str], code: i32| {
        let out = gateway(&site, words);
        assert_eq!(out.status.code(), Some(code), "{words:?}: {}", text(&out));
        text(&out)
    };
    let set = ["--set", "guest.down.ceiling=60mbit"];
    let plan = said(&[&["plan"][..], &set].concat(), 0);
    assert!(plan.starts_with("Guests may use up to 60 Mbit/s down") && plan.contains("\ntc: "), "{plan}");
    assert!(said(&["plan", "--set", "guest.ceiling=60mbit"], 64).contains("office.down.guaranteed"));
    assert!(said(&["plan", "--set", "guest.down.ceiling=60"], 64).contains("512kbit, 100mbit, 10gbit"));
    assert!(said(&["apply"], 64).contains("--set"));
    assert!(said(&["apply", "--confirm"], 1).contains("nothing is on trial"));
    // Bad plans: beyond the line, under its guarantee, less for the office than site.toml allows.
    for (rate, why) in [
        ("guest.down.guaranteed=90mbit", "add up to"),
        ("guest.down.ceiling=8kbit", "is under its guarantee"),
        ("guest.down.ceiling=1gbit", "is above the link"),
        ("office.up.guaranteed=1mbit", "office would get less"),
    ] {
        for command in ["plan", "apply"] {
            let refused = said(&[command, "--set", rate], 1);
            assert!(refused.contains(why), "{rate}: {refused}");
        }
    }
    assert_eq!(on_record(&site).len(), 1, "what was refused was not tried");
    let kept = said(&[&["apply", "--confirm"][..], &set].concat(), 0);
    assert!(kept.contains("confirmed") && ceiling(&site) == "60Mbit", "{kept}");
    said(&["apply", "--set", "guest.down.ceiling=70mbit"], 0);
    let again = said(&["apply", "--set", "guest.down.ceiling=80mbit"], 1);
    assert!(again.contains("another change is on trial") && ceiling(&site) == "70Mbit", "{again}");
    said(&["apply", "--take-back"], 0);
    assert_eq!(ceiling(&site), "60Mbit");
}

/// SECURITY.md G6, I7, I8.
#[test]
fn guests_do_not_reach_the_page_and_who_has_no_role_is_refused() {
    let site = Site::up(1);
    let out = sent(&site, &["--citizen", "ada"]);
    assert!(!out.status.success() && text(&out).contains("Non tra gli amministratori"), "{}", text(&out));
    let log = std::fs::read_to_string(site.state("logs/gateway.log")).unwrap();
    assert!(!log.contains("PRVDAA"), "a log names a person");
    assert!(page(&site, &[]).contains("guest.down.ceiling"), "who is listed comes in");
    let guest = site.guest(0).leased();
    for url in ["https://10.20.0.1:8443/shares", "https://10.64.0.1:8443/shares"] {
        assert_eq!(guest.page(url), 0, "{url}");
    }
    let citizen = guest.citizen("carla");
    assert!(citizen.is_online());
    for url in ["https://10.20.0.1:8443/shares", "https://10.64.0.1:8443/shares"] {
        assert_eq!(citizen.page(url), 0, "{url}: an administrator's pass opens no office");
    }
    let out = site.run("office", &["curl", "-s", "-m", "5", "https://10.20.0.1:8443/"]);
    assert!(text(&out).contains("<table>") && !text(&out).contains("Pass in corso"), "{}", text(&out));
}
