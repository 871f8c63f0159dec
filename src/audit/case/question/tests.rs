//! What may be asked, and what is refused and how.

use super::*;

fn question() -> Question {
    Question {
        act: "decreto 12/2026 R.G.N.R.".into(),
        authority: "Procura della Repubblica di Torino".into(),
        says: None,
        sites: vec!["biblioteca".into(), "anagrafe".into()],
        what: What::Slot(moment()),
    }
}

fn moment() -> Moment {
    Moment {
        address: [198, 18, 0, 3].into(),
        port: 1100,
        protocol: Protocol::Tcp,
        at: "2026-10-25T02:30:00+01:00".parse().unwrap(),
        tolerance: 5,
    }
}

fn asked() -> Timestamp {
    "2026-11-30T10:00:00Z".parse().unwrap()
}

fn refused(change: impl Fn(&mut Question, &mut Moment)) -> String {
    let (mut question, mut moment) = (question(), moment());
    change(&mut question, &mut moment);
    if matches!(question.what, What::Slot(_)) {
        question.what = What::Slot(moment);
    }
    question.check(asked()).unwrap_err().to_string()
}

#[test]
fn a_question_has_one_text_and_keeps_the_instant_as_it_was_written() {
    for change in [
        |_: &mut Question| {},
        |q: &mut Question| q.says = Some("il server registra la porta".into()),
        |q: &mut Question| q.sites.clear(),
        |q: &mut Question| q.what = What::Shares { from: Timestamp::UNIX_EPOCH, to: asked() },
    ] {
        let mut question = question();
        change(&mut question);
        question.check(asked()).unwrap();
        let text = question.text(&[7; 16]);
        assert_eq!(Question::parse(&text).as_ref(), Some(&question));
        assert_ne!(commitment(&text), commitment(&question.text(&[8; 16])), "the salt hides it");
        for (n, line) in text.split_inclusive('\n').enumerate() {
            assert_eq!(Question::parse(&text.replacen(line, "", 1)), None, "without line {n}");
            // What people wrote may begin with anything; `check` refuses a space there.
            let written = ["varco", "act ", "authority ", "says ", "sites "];
            if !written.iter().any(|key| line.starts_with(key)) {
                let wider = text.replacen(line, &line.replacen(' ', "  ", 1), 1);
                assert_eq!(Question::parse(&wider), None, "{line}");
            }
        }
    }
    assert!(question().text(&[7; 16]).contains("\nat 2026-10-25T02:30:00+01:00\n"));
}

#[test]
fn what_singles_out_nobody_is_refused_and_says_what_to_write() {
    for (said, text) in [
        ("no public address", refused(|_, m| m.address = [10, 0, 0, 1].into())),
        ("no public address", refused(|_, m| m.address = [192, 168, 1, 1].into())),
        ("no public address", refused(|_, m| m.address = [100, 64, 0, 1].into())),
        ("no public address", refused(|_, m| m.address = [127, 0, 0, 1].into())),
        ("no public address", refused(|_, m| m.address = [0, 0, 0, 0].into())),
        ("no public address", refused(|_, m| m.address = [224, 0, 0, 1].into())),
        ("no public address", refused(|_, m| m.address = [255; 4].into())),
        ("1024 to 65535", refused(|_, m| m.port = 443)),
        ("1024 to 65535", refused(|_, m| m.port = 0)),
        ("at most 600s", refused(|_, m| m.tolerance = 601)),
        ("not over yet", refused(|_, m| m.at = "2026-11-30T11:00:01+01:00".parse().unwrap())),
        ("--act", refused(|q, _| q.act = String::new())),
        ("--act", refused(|q, _| q.act = "two\nlines".into())),
        ("--act", refused(|q, _| q.act = " spaced".into())),
        ("--act", refused(|q, _| q.act = "è".repeat(201))),
        ("--authority", refused(|q, _| q.authority = "-".into())),
        ("--says", refused(|q, _| q.says = Some("x".repeat(501)))),
        ("no name of a site", refused(|q, _| q.sites = vec!["la biblioteca".into()])),
        ("no name of a site", refused(|q, _| q.sites = vec!["-".into()])),
        (
            "--site",
            refused(|q, _| {
                q.sites.clear();
                q.what = What::Shares { from: asked(), to: asked() };
            }),
        ),
        ("before --from", refused(|q, _| q.what = What::Shares { from: asked(), to: Timestamp::UNIX_EPOCH })),
    ] {
        assert!(text.contains(said), "{text}");
    }
    let mut widest = moment();
    (widest.tolerance, widest.port) = (600, 1024);
    widest.check(asked()).unwrap();
}

/// The night in which the clocks go back.
#[test]
fn an_instant_says_which_or_is_refused() {
    let [summer, winter] =
        ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"].map(|text| instant(text).unwrap());
    assert_eq!(winter.duration_since(summer).as_hours(), 1);
    for text in [
        "2026-10-25T02:30:00",
        "2026-10-25 02:30",
        "2026-10-25T02:30",
        "02:30",
        "yesterday",
        "2026-10-25T02:30:00[Europe/Rome]",
        "2026-10-25T02:30:00+01:00[Europe/Rome]",
        "2026-10-25T02:30:00 +01:00",
    ] {
        let said = instant(text).unwrap_err().to_string();
        assert!(said.contains("UTC offset: 2026-10-25T02:30:00+01:00") && said.contains("twice"), "{said}");
    }
}
