//! Who set the shares: asked of the real program and a real database.

#![expect(clippy::unwrap_used, reason = "a step that fails fails the test")]

#[expect(dead_code, reason = "another test uses the rest of it")]
mod site;

use site::{Records, does};
use varco_audit::{Entry, SharesStep};
use varco_policy::{
    Rate, Shares, Subject,
    lane::{Lanes, Share},
};

fn shares(guest: u64) -> Shares {
    let rate = |mbit: u64| Rate::from_bits(mbit * 1_000_000);
    let share = |mbit| Share { guaranteed: rate(1), ceiling: rate(mbit) };
    let up = Lanes { critical: share(100), office: share(100), guest: share(100) };
    Shares { up, down: Lanes { guest: share(guest), ..up } }
}

fn entry(minute: u32, step: SharesStep, by: Option<&str>, guest: u64) -> Entry {
    let at = format!("2026-11-22T10:{minute:02}:00Z").parse().unwrap();
    let by = by.map(|by| Subject::try_from(by.to_owned()).unwrap());
    Entry::Shares { at, site: "library".into(), step, by, shares: shares(guest) }
}

#[test]
fn each_step_says_when_what_who_and_which_rates() {
    let entries = [
        entry(0, SharesStep::Confirmed, None, 100),
        Entry::Resumed { at: "2026-11-22T10:00:00Z".parse().unwrap(), site: "library".into(), open: 0 },
        entry(5, SharesStep::Tried, Some("pairwise-a"), 90),
        entry(6, SharesStep::TakenBack, None, 100),
        entry(7, SharesStep::Tried, Some("pairwise-b"), 80),
        entry(8, SharesStep::Confirmed, Some("pairwise-a"), 80),
    ];
    let records = Records::with("shares", &entries);
    let file = records.path("site.db");
    let ask = |from: &str, more: &[&str]| {
        let asked = records.ask_for(&[
            "--shares",
            "--site",
            "library",
            "--from",
            from,
            "--to",
            "2026-11-22T10:08:00Z",
        ]);
        let words = [records.allow(&asked), records.holders(), records.to_cases()].concat();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        does(&[&["shares", "--records", &file][..], more, &words].concat())
    };
    let text = ask("2026-11-22T10:00:00Z", &[]);
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(
        first.starts_with("2026-11-22T10:00:00Z confirmed by -: critical.up.guaranteed 1mbit, "),
        "{first}"
    );
    let said =
        "2026-11-22T10:05:00Z tried by pairwise-a: guest.down.ceiling 100mbit -> 90mbit (not in the log yet)
2026-11-22T10:06:00Z taken-back by -: guest.down.ceiling 90mbit -> 100mbit (not in the log yet)
2026-11-22T10:07:00Z tried by pairwise-b: guest.down.ceiling 100mbit -> 80mbit (not in the log yet)
2026-11-22T10:08:00Z confirmed by pairwise-a: the same shares (not in the log yet)
";
    assert!(rest.starts_with(said), "{rest}");
    let all: serde_json::Value = serde_json::from_str(&ask("2026-11-22T10:06:00Z", &["--json"])).unwrap();
    assert_eq!(
        (all.as_array().unwrap().len(), &all[2]["by"]),
        (3, &"pairwise-a".into()),
        "of that time only"
    );
}

#[test]
fn a_look_at_what_administrators_did_is_a_case_too() {
    let records = Records::with("shares-case", &[entry(0, SharesStep::Confirmed, None, 100)]);
    let (file, holders) = (records.path("site.db"), records.holders());
    let shares = |case: &[String], code: i32| {
        let words = [case, &holders, &records.to_cases()].concat();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let out = site::audit(&[&["shares", "--records", &file][..], &words].concat());
        assert_eq!(out.status.code(), Some(code), "{}", String::from_utf8_lossy(&out.stderr));
        assert!(out.stdout.is_empty());
    };
    let window = ["--from", "2026-11-22T00:00:00Z", "--to", "2026-11-23T00:00:00Z"];
    let asked = records.ask_for(&[&["--shares", "--site", "library"][..], &window].concat());
    let case = records.allow(&asked);
    shares(&[&case[..2], &case[4..]].concat(), 8);
    shares(&records.allow(&records.ask(1100, "2026-11-22T10:00:00Z", &[])), 64);
    assert_eq!(records.ask_for(&[&["--shares"][..], &window].concat()).status.code(), Some(64), "of no site");
}
