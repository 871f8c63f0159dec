//! The pages of the shares as browsers in the office meet them, with the real loop, store and relying party.

use crate::{
    control::{self, Ask, Told},
    hub::tests::provider::Mischief,
    portal::tests::{
        browser::{Answer, Browser},
        building::{Building, told},
        enforcer::Mood,
    },
    site::shares::SharesAnswer,
};
use actix_web::http::StatusCode;
use varco_audit::{Entry, SharesStep};
use varco_policy::{ShareKey, Shares};

const L2: &str = "https://www.spid.gov.it/SpidL2";

/// A building, and an administrator who is logged in.
async fn logged_in() -> (Building, Browser) {
    let building = Building::open().await;
    building.provider.says(&["site-admin"], L2);
    let mut admin = Browser::in_office(&building, 2);
    let back = admin.go_to_the_hub_from("/shares").await;
    let answer = admin.get(&back).await;
    assert_eq!(
        (answer.status, answer.location.as_str()),
        (StatusCode::SEE_OTHER, "/shares"),
        "{}",
        answer.body
    );
    (building, admin)
}

/// The values of the form on a page, with some of them changed.
fn filled(page: &str, changes: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for tag in page.split("<input ").skip(1) {
        let tag = tag.split('>').next().unwrap();
        let of = |name: &str| {
            let rest = tag.split(&format!("{name}=\"")).nth(1)?;
            Some(rest.split('"').next().unwrap().to_owned())
        };
        let (Some(name), Some(value)) = (of("name"), of("value")) else { continue };
        let changed = changes.iter().find(|(changed, _)| *changed == name);
        form.append_pair(&name, changed.map_or(&value, |(_, value)| value));
    }
    form.finish()
}

/// Sends the form of the page at `page`.
async fn send(admin: &mut Browser, page: &str, action: &str, changes: &[(&str, &str)]) -> Answer {
    let page = admin.get(page).await.body;
    let form = filled(&page, changes);
    admin.post(action, &form).await
}

/// Puts a ceiling of the guests on trial through the preview.
async fn try_ceiling(admin: &mut Browser, rate: &str, seconds: &str) -> Answer {
    let preview = send(admin, "/shares", "/shares/plan", &[("guest.down.ceiling", rate)]).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    admin.post("/shares/try", &filled(&preview.body, &[("seconds", seconds)])).await
}

fn ceiling(shares: &Shares) -> String {
    "guest.down.ceiling".parse::<ShareKey>().unwrap().of(shares).to_string()
}

fn steps(building: &Building) -> Vec<(SharesStep, String, Option<String>)> {
    let step = |entry| match entry {
        Entry::Shares { step, by, shares, .. } => {
            Some((step, ceiling(&shares), by.map(|by| by.as_str().to_owned())))
        }
        _ => None,
    };
    building.entries().into_iter().filter_map(step).collect()
}

#[actix_web::test]
async fn an_administrator_sees_tries_and_confirms_a_change() {
    let (building, mut admin) = logged_in().await;
    let page = admin.get("/shares").await;
    assert!(page.body.contains("name=\"guest.down.ceiling\" value=\"100mbit\""), "{}", page.body);
    let preview = send(&mut admin, "/shares", "/shares/plan", &[("guest.down.ceiling", "90mbit")]).await;
    assert!(preview.body.contains("Guests may use up to 90 Mbit/s down instead of 100 Mbit/s."));
    assert!(preview.body.contains("tc: class change dev &lt;eth0&gt;"), "the exact difference");
    assert_eq!(building.enforcer.shares().1, None, "nothing is tried yet");
    let tried = admin.post("/shares/try", &filled(&preview.body, &[])).await;
    assert_eq!((tried.status, tried.location.as_str()), (StatusCode::SEE_OTHER, "/shares"), "{}", tried.body);
    assert_eq!(building.enforcer.shares().1.map(|s| ceiling(&s)), Some("90mbit".into()));
    let trial = admin.get("/shares").await;
    assert!(trial.body.contains("Shares on trial"), "{}", trial.body);
    let again: i64 = trial.headers["refresh"].to_str().unwrap().parse().unwrap();
    assert!((2..=62).contains(&again), "the page says the end by itself: {again}");
    // What another has on their page is not what they would keep.
    let stale = admin.post("/shares/confirm", &filled(&trial.body, &[("base", "other")])).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    // Another administrator may confirm it.
    let mut other = Browser::in_office(&building, 3);
    let back = other.go_to_the_hub_from("/shares").await;
    other.get(&back).await;
    assert_eq!(send(&mut other, "/shares", "/shares/confirm", &[]).await.location, "/shares");
    let (in_force, trial) = building.enforcer.shares();
    assert_eq!((in_force.map(|s| ceiling(&s)), trial), (Some("90mbit".into()), None));
    let who = Some("pairwise-1".to_owned());
    let said = [
        (SharesStep::Confirmed, "100mbit".to_owned(), None),
        (SharesStep::Tried, "90mbit".to_owned(), who.clone()),
        (SharesStep::Confirmed, "90mbit".to_owned(), who),
    ];
    assert_eq!(steps(&building), said);
    let building = building.restart().await;
    assert_eq!(building.enforcer.shares().0.map(|s| ceiling(&s)), Some("90mbit".into()), "kept");
}

#[actix_web::test]
async fn what_is_not_confirmed_takes_itself_back_and_the_page_says_so() {
    let (building, mut admin) = logged_in().await;
    try_ceiling(&mut admin, "90mbit", "1").await;
    building.until(|b| b.board.status().shares.is_some_and(|s| s.trial.is_none())).await;
    building.until(|b| b.enforcer.shares().1.is_none()).await;
    assert!(admin.get("/shares").await.body.contains("Nobody confirmed in time"));
    let late = send(&mut admin, "/shares", "/shares/confirm", &[]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert_eq!(steps(&building).last().unwrap(), &(SharesStep::TakenBack, "100mbit".into(), None));
    // And on request at once.
    try_ceiling(&mut admin, "80mbit", "60").await;
    let other = send(&mut admin, "/shares", "/shares/take-back", &[]).await;
    assert_eq!(other.location, "/shares", "{}", other.body);
    assert_eq!(steps(&building).last().unwrap().2, Some("pairwise-1".into()));
    assert!(admin.get("/shares").await.body.contains("The trial was taken back"));
}

#[actix_web::test]
async fn mistakes_are_said_at_the_field_and_nothing_typed_is_lost() {
    let (building, mut admin) = logged_in().await;
    let changes = [("office.up.guaranteed", "lots"), ("guest.down.ceiling", "90mbit")];
    let page = send(&mut admin, "/shares", "/shares/plan", &changes).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["value=\"lots\"", "value=\"90mbit\"", "Not a rate", "id=\"office.up.guaranteed-error\""] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let page = send(&mut admin, "/shares", "/shares/plan", &[("office.up.guaranteed", "99mbit")]).await;
    assert!(page.body.contains("add up to 101mbit, the line carries 100mbit"), "{}", page.body);
    building.enforcer.refuse_plans();
    let page = send(&mut admin, "/shares", "/shares/plan", &[("guest.down.ceiling", "90mbit")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.body.contains("too little for the office") && page.body.contains("value=\"90mbit\""));
    assert_eq!(steps(&building).len(), 1, "nothing was tried");
}

#[actix_web::test]
async fn a_change_made_from_other_shares_is_not_tried() {
    let (building, mut admin) = logged_in().await;
    let preview = send(&mut admin, "/shares", "/shares/plan", &[("guest.down.ceiling", "90mbit")]).await;
    try_ceiling(&mut admin, "80mbit", "60").await;
    let second = admin.post("/shares/try", &filled(&preview.body, &[])).await;
    assert!(second.body.contains("Another change is on trial"), "{}", second.body);
    send(&mut admin, "/shares", "/shares/confirm", &[]).await;
    let old = admin.post("/shares/try", &filled(&preview.body, &[])).await;
    assert!(old.body.contains("The shares have changed meanwhile"), "{}", old.body);
    assert_eq!(building.enforcer.shares().0.map(|s| ceiling(&s)), Some("80mbit".into()));
}

/// SECURITY.md I7, I8.
#[actix_web::test]
async fn who_has_no_role_or_one_factor_gets_a_page_and_no_session() {
    let building = Building::open().await;
    for (roles, acr, said) in [
        (&[][..], L2, "Not an administrator of this site"),
        (&["auditor"][..], L2, "Not an administrator of this site"),
        (&["site-admin"][..], "https://www.spid.gov.it/SpidL1", "A login with two factors is needed"),
        (&["site-admin"][..], "urn:anything", "A login with two factors is needed"),
    ] {
        building.provider.says(roles, acr);
        let mut person = Browser::in_office(&building, 2);
        let back = person.go_to_the_hub_from("/shares").await;
        let answer = person.get(&back).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains(said), "{}", answer.body);
        assert!(!person.cookies.contains_key("__Host-admin"));
        assert!(person.get("/shares").await.body.contains("A login is needed"));
    }
    // SECURITY.md N17: a card and its PIN are two.
    building.provider.says(&["site-admin"], "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI");
    let mut admin = Browser::in_office(&building, 2);
    let back = admin.go_to_the_hub_from("/shares").await;
    admin.get(&back).await;
    assert!(admin.cookies.contains_key("__Host-admin"));
}

/// SECURITY.md I8.
#[actix_web::test]
async fn an_answer_of_the_hub_is_good_at_one_address_in_one_browser_once() {
    let building = Building::open().await;
    building.provider.says(&["site-admin"], L2);
    let mut admin = Browser::in_office(&building, 2);
    let answer = admin.go_to_the_hub_from("/shares").await;
    let mut thief = Browser::in_office(&building, 3);
    thief.cookies = admin.cookies.clone();
    assert_eq!(thief.get(&answer).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(admin.get(&answer).await.status, StatusCode::BAD_REQUEST, "the thief has used it up");
    let answer = admin.go_to_the_hub_from("/shares").await;
    let mut other_browser = Browser::in_office(&building, 2);
    assert_eq!(other_browser.get(&answer).await.status, StatusCode::BAD_REQUEST);
    building.provider.misbehave(Mischief::Nonce);
    let answer = admin.go_to_the_hub_from("/shares").await;
    assert_eq!(admin.get(&answer).await.status, StatusCode::FORBIDDEN);
}

/// SECURITY.md I8.
#[actix_web::test]
async fn without_a_session_or_a_form_of_ours_nothing_is_done() {
    let (building, mut admin) = logged_in().await;
    let form = filled(&admin.get("/shares").await.body, &[("guest.down.ceiling", "90mbit")]);
    let paths = ["plan", "edit", "try", "confirm", "take-back"].map(|path| format!("/shares/{path}"));
    let mut stranger = Browser::in_office(&building, 2);
    stranger.cookies.insert("__Host-form".into(), admin.cookies["__Host-form"].clone());
    for path in &paths {
        assert_eq!(stranger.post(path, &form).await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(admin.post(path, "form=guess").await.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(admin.get(path).await.location, "/shares", "{path}");
    }
    for path in ["/login", "/logout"] {
        assert_eq!(admin.post(path, "form=guess").await.status, StatusCode::FORBIDDEN, "{path}");
    }
    let out = admin.post_form("/shares", "/logout").await;
    assert_eq!(out.location, "/");
    assert!(!admin.cookies.contains_key("__Host-admin"));
    assert!(admin.get("/shares").await.body.contains("A login is needed"));
    assert_eq!(steps(&building).len(), 1, "nothing was tried");
}

#[actix_web::test]
async fn numbers_about_people_and_foreign_names() {
    let (building, mut admin) = logged_in().await;
    let mut clerk = Browser::in_office(&building, 9);
    let page = clerk.get("/").await.body;
    assert!(page.contains("State of the site") && !page.contains("Passes in use"), "{page}");
    assert!(admin.get("/").await.body.contains("Passes in use"));
    clerk.host = "evil.example".to_owned();
    for path in ["/", "/shares", "/login/callback"] {
        assert_eq!(clerk.get(path).await.status, StatusCode::MISDIRECTED_REQUEST, "{path}");
    }
    assert_eq!(clerk.get("/health").await.status, StatusCode::SERVICE_UNAVAILABLE, "no hub was looked for");
    let policy = admin.get("/shares").await.headers["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self' http://127.0.0.1:"));
}

#[actix_web::test]
async fn without_hub_or_enforcer_a_page_says_so() {
    let (building, mut admin) = logged_in().await;
    building.enforcer.be(Mood::Dying);
    building.until(|b| !b.board.status().enforcer_ready).await;
    let page = send(&mut admin, "/shares", "/shares/plan", &[("guest.down.ceiling", "90mbit")]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("The gate does not answer"), "{}", page.body);
    let building = Building::open().await;
    building.provider.stop().await;
    let mut other = Browser::in_office(&building, 3);
    let refused = other.post_form("/shares", "/login").await;
    assert!(refused.body.contains("The login service does not answer"), "{}", refused.body);
}

#[test]
fn the_building_of_the_tests_can_be_changed() {
    let shares = told().lanes.shares();
    assert!(told().link.keeps(&shares).is_ok());
}

#[actix_web::test]
async fn the_command_line_does_the_same_and_is_nobody_in_the_records() {
    let building = Building::open().await;
    let folder = building.state().to_owned();
    let asked = actix_web::web::block(move || {
        let ask = |question| control::ask(&folder, question).unwrap();
        let Told::Status(state) = ask(Ask::Status) else { panic!("no state") };
        let from = state.shares.unwrap().confirmed;
        let mut shares = from;
        "guest.down.ceiling".parse::<ShareKey>().unwrap().set(&mut shares, "90mbit".parse().unwrap());
        let Told::Shares(SharesAnswer::Planned(lines)) = ask(Ask::Plan(shares)) else { panic!("no plan") };
        assert_eq!(lines.len(), 1);
        assert_eq!(ask(Ask::Confirm), Told::Shares(SharesAnswer::NoTrial));
        assert_eq!(ask(Ask::Try { from, shares, seconds: 601 }), Told::Failed);
        let Told::Shares(SharesAnswer::OnTrial(_)) = ask(Ask::Try { from, shares, seconds: 600 }) else {
            panic!("no trial")
        };
        let Told::Status(state) = ask(Ask::Status) else { panic!("no state") };
        let trial = state.shares.unwrap().trial.unwrap();
        assert!((590..=600).contains(&trial.seconds) && trial.shares == shares);
        assert_eq!(ask(Ask::Confirm), Told::Shares(SharesAnswer::Confirmed));
        assert_eq!(ask(Ask::TakeBack), Told::Shares(SharesAnswer::NoTrial));
    });
    asked.await.unwrap();
    let last = (SharesStep::Confirmed, "90mbit".to_owned(), None);
    assert_eq!(steps(&building).last(), Some(&last));
}
