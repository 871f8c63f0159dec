//! The sentence, the form and that no page runs or loads anything.

use super::*;

fn change(lane: &'static str, up: bool, ceiling: bool, from: &str, to: &str, rises: bool) -> Changed {
    Changed { lane, up, ceiling, from: from.into(), to: to.into(), rises }
}

#[test]
fn a_change_is_one_sentence() {
    let office = change("office", false, false, "80mbit", "60mbit", false);
    let guest = change("guest", false, true, "20mbit", "90mbit", true);
    let both = [
        change("critical", true, false, "512kbit", "10gbit", true),
        change("critical", false, false, "512kbit", "10gbit", true),
    ];
    let said = |lang, changes: &[Changed]| sentence(lang, changes);
    assert_eq!(
        said(Lang::It, &[office.clone(), guest.clone()]),
        "La banda garantita agli uffici scende da 80 Mbit/s a 60 Mbit/s in discesa; i visitatori potranno usare fino a \
         90 Mbit/s in discesa invece di 20 Mbit/s."
    );
    assert_eq!(
        said(Lang::En, &[office, guest]),
        "What the office is guaranteed falls from 80 Mbit/s to 60 Mbit/s down; guests may use up to 90 Mbit/s down \
         instead of 20 Mbit/s."
    );
    assert_eq!(
        said(Lang::It, &both),
        "La banda garantita alla corsia critica sale da 512 kbit/s a 10 Gbit/s in entrambe le direzioni."
    );
    assert_eq!(said(Lang::It, &[]), "Non cambia nulla.");
}

fn form(problem: Option<Problem>, mend: Option<Mend>) -> Form {
    let field = Field {
        lane: "office",
        up: false,
        ceiling: false,
        name: "office.down.guaranteed".into(),
        value: "<80 mbit>".into(),
        problem,
    };
    Form { fields: vec![field], base: "b".into(), mend }
}

#[test]
fn a_mistake_is_beside_its_field_and_nothing_typed_is_lost() {
    let visit = Visit { lang: Lang::It, site: "Biblioteca", form: "token" };
    let page = mend(visit, &form(Some(Problem::NotARate), Some(Mend::Fields))).into_string();
    for part in [
        "value=\"&lt;80 mbit&gt;\"",
        "aria-describedby=\"hint office.down.guaranteed-error\"",
        "aria-invalid=\"true\"",
        "id=\"office.down.guaranteed-error\"",
        "per esempio 80mbit",
        "name=\"form\" value=\"token\"",
        "role=\"alert\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn every_page_exists_in_every_language_and_runs_nothing() {
    let lanes = [LaneNow {
        lane: "guest",
        up: true,
        guaranteed: "1mbit".into(),
        ceiling: "100mbit".into(),
        rate: Some("7kbit".into()),
        waiting: 3,
    }];
    let changes = [change("guest", true, true, "1mbit", "2mbit", true)];
    let sold = Mend::SoldTwice { up: true, sum: "101mbit".into(), link: "100mbit".into() };
    for lang in Lang::ALL {
        let visit = Visit { lang, site: "Library <b>", form: "t" };
        let good = form(None, None);
        let mut pages = vec![
            sign_in(visit),
            preview(visit, &changes, &["tc: <change>".into()], &good, 60),
            trial(visit, &lanes, &changes, "base", 42),
            mend(visit, &form(None, Some(sold.clone()))),
            mend(visit, &form(Some(Problem::AboveLink("1gbit".into())), Some(Mend::Refused("no".into())))),
            trouble(visit, Trouble::KernelRefused, Some("<no>")),
        ];
        for ended in
            [Ended::Asked, Ended::TimeOver, Ended::EnforcerLost, Ended::Refused, Ended::RecordsFailed]
        {
            pages.push(shares(visit, &lanes, &good, Some(ended)));
        }
        for page in pages {
            let page = page.into_string();
            assert!(page.contains("<h1>") && page.contains("Library &lt;b&gt;"), "{page}");
            assert!(!page.contains("<script") && !page.contains("style=") && !page.contains('{'), "{page}");
        }
    }
}
