//! The portal as devices and browsers meet it: over a real connection, with the real loop, store and relying party. The
//! identity provider and the enforcer are small programs that fail as the real ones do.

pub(crate) mod browser;
pub(crate) mod building;
pub(crate) mod enforcer;
mod limits;
mod probes;

use crate::{
    control::{self, Ask, Told},
    hub::tests::provider::{Forged, Mischief},
};
use actix_web::http::StatusCode;
use browser::Browser;
use building::Building;
use enforcer::Mood;
use varco_audit::Entry;
use varco_policy::pass::EndCause;

/// Causes of all ends, and how many starts, on record.
fn on_record(building: &Building) -> (usize, Vec<EndCause>) {
    let entries = building.entries();
    let starts = entries.iter().filter(|e| matches!(e, Entry::Started { .. })).count();
    let ends = entries.iter().filter_map(|e| match e {
        Entry::Ended { cause, .. } => Some(*cause),
        _ => None,
    });
    (starts, ends.collect())
}

#[actix_web::test]
async fn a_citizen_enters_and_leaves() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    let start = citizen.get("/").await;
    assert!(start.body.contains("action=\"/login\""));
    let back = citizen.log_in().await;
    assert_eq!((back.status, back.location.as_str()), (StatusCode::SEE_OTHER, "/status"));
    assert!(citizen.get("/status").await.body.contains("You are online"));
    assert_eq!(citizen.get("/").await.location, "/status");
    assert_eq!(building.enforcer.devices(), [citizen.device()]);
    let out = citizen.post_form("/status", "/logout").await;
    assert!(out.body.contains("You are logged out"), "{}", out.body);
    assert!(building.enforcer.devices().is_empty());
    assert!(citizen.get("/status").await.body.contains("You are not online"));
    assert_eq!(on_record(&building), (1, vec![EndCause::LoggedOut]));
}

#[actix_web::test]
async fn a_second_device_gains_nothing_from_the_first() {
    let building = Building::open().await;
    let (mut citizen, mut neighbour) = (Browser::new(&building, 2), Browser::new(&building, 3));
    citizen.log_in().await;
    assert!(neighbour.get("/status").await.body.contains("You are not online"));
    neighbour.log_in().await;
    assert_eq!(building.enforcer.devices().len(), 2);
    assert_eq!(building.enforcer.slots().len(), 2);
}

#[actix_web::test]
async fn an_answer_of_the_hub_is_good_on_one_device_in_one_browser_once() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    let answer = citizen.go_to_the_hub().await;
    let mut thief = Browser::new(&building, 3);
    thief.cookies = citizen.cookies.clone();
    assert_eq!(thief.get(&answer).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(citizen.get(&answer).await.status, StatusCode::BAD_REQUEST, "the thief has used it up");
    let answer = citizen.go_to_the_hub().await;
    let mut other_browser = Browser::new(&building, 2);
    assert_eq!(other_browser.get(&answer).await.status, StatusCode::BAD_REQUEST);
    assert!(building.enforcer.devices().is_empty());
    assert_eq!(on_record(&building).0, 0);
    let answer = citizen.go_to_the_hub().await;
    assert_eq!(citizen.get(&answer).await.location, "/status");
    assert_eq!(citizen.get(&answer).await.location, "/status", "the browser's back button");
    assert_eq!(on_record(&building).0, 1);
}

#[actix_web::test]
async fn forms_of_other_sites_do_nothing() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    citizen.get("/").await;
    for path in ["/login", "/logout"] {
        assert_eq!(citizen.post(path, "form=guess").await.status, StatusCode::FORBIDDEN);
    }
}

#[actix_web::test]
async fn a_login_that_is_not_confirmed_lets_nobody_in() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    building.provider.misbehave(Mischief::Nonce);
    let refused = citizen.log_in().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.body.contains("The login did not succeed"));
    assert_eq!(on_record(&building).0, 0);
}

#[actix_web::test]
async fn without_the_hub_a_page_says_so() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    building.provider.stop().await;
    let refused = citizen.post_form("/", "/login").await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.body.contains("The login service does not answer"));
}

#[actix_web::test]
async fn a_kernel_that_refuses_lets_nobody_in_and_the_record_says_so() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    building.enforcer.be(Mood::Refusing);
    let refused = citizen.log_in().await;
    assert!(refused.body.contains("Access is not available for the moment"), "{}", refused.body);
    building.enforcer.be(Mood::Good);
    building.until(|b| on_record(b).1 == [EndCause::Expelled]).await;
    assert!(building.enforcer.devices().is_empty());
}

#[actix_web::test]
async fn an_enforcer_that_dies_after_admitting_is_told_to_expel() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    building.enforcer.be(Mood::DyingAfter);
    let refused = citizen.log_in().await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(building.enforcer.devices().len(), 1, "the kernel has it");
    building.enforcer.be(Mood::Good);
    building.until(|b| b.enforcer.devices().is_empty() && !on_record(b).1.is_empty()).await;
    assert_eq!(on_record(&building), (1, vec![EndCause::Expelled]));
}

#[actix_web::test]
async fn without_the_enforcer_nothing_is_recorded() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    building.enforcer.be(Mood::Dying);
    building.until(|b| !b.board.status().enforcer_ready).await;
    let refused = citizen.log_in().await;
    assert!(refused.body.contains("Access is not available for the moment"));
    assert_eq!(on_record(&building).0, 0);
    assert_eq!(citizen.get("/health").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[actix_web::test]
async fn a_full_disk_keeps_who_is_in_and_lets_nobody_in() {
    let building = Building::open_with(|store| store.limit_pages(16)).await;
    let mut last = None;
    for n in 2..200 {
        let mut citizen = Browser::new(&building, n);
        let answer = citizen.log_in().await;
        if answer.status != StatusCode::SEE_OTHER {
            last = Some(answer);
            break;
        }
    }
    let refused = last.expect("16 pages are full before 200 passes");
    assert!(refused.body.contains("Access is suspended for the moment"), "{}", refused.body);
    let mut first = Browser::new(&building, 2);
    assert!(first.get("/status").await.body.contains("You are online"));
    assert_eq!(building.enforcer.devices().len(), on_record(&building).0);
}

/// SECURITY.md S18: the log waits, nobody else does.
#[actix_web::test]
async fn a_log_that_cannot_be_written_keeps_nobody_out_and_is_told() {
    let building = Building::open_with(|store| store.spoil_log()).await;
    let mut citizen = Browser::new(&building, 2);
    assert_eq!(citizen.log_in().await.status, StatusCode::SEE_OTHER);
    building.until(|b| b.board.log.state().failing).await;
    assert!(building.board.log.state().waiting > 0);
    assert!(citizen.get("/status").await.body.contains("You are online"));
    assert_eq!(citizen.get("/health").await.status, StatusCode::OK, "guests can be admitted");
    let office = Browser::in_office(&building, 3).get("/health").await.body;
    assert!(office.contains("\"log\":false"), "{office}");
    std::fs::remove_file(building.state().join("log")).unwrap();
    let building = building.restart().await;
    building.until(|b| b.board.log.state().waiting == 0).await;
    assert!(!building.board.log.state().failing);
    assert_eq!(on_record(&building).0, 1);
}

#[actix_web::test]
async fn a_restart_keeps_pass_and_slot_and_an_operator_can_expel() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    let slots = building.enforcer.slots();
    let building = building.restart().await;
    let mut citizen = Browser::new(&building, 2);
    assert!(citizen.get("/status").await.body.contains("You are online"));
    assert_eq!(building.enforcer.slots(), slots);
    let folder = building.state().to_owned();
    let told = web_block(move || {
        let Told::Passes(passes) = control::ask(&folder, Ask::Passes).unwrap() else { panic!("no list") };
        control::ask(&folder, Ask::Expel(passes[0].id)).unwrap()
    })
    .await;
    assert_eq!(told, Told::Ended);
    assert!(building.enforcer.devices().is_empty());
    assert!(citizen.get("/status").await.body.contains("You are not online"));
    assert_eq!(on_record(&building), (1, vec![EndCause::Expelled]));
}

async fn web_block<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    actix_web::web::block(work).await.unwrap()
}

#[actix_web::test]
async fn a_device_without_a_hardware_address_is_told_to_reconnect() {
    let building = Building::open().await;
    let mut stranger = Browser::new(&building, 254);
    let answer = stranger.get("/").await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body.contains("We do not recognise the device"));
}

#[actix_web::test]
async fn other_hosts_are_misdirected() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    for host in ["evil.example", "", "wifi.library.example.it.evil.example"] {
        citizen.host = host.to_owned();
        let answer = citizen.get("/").await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert!(answer.headers.contains_key("content-security-policy"), "every answer carries them: I6");
    }
    citizen.host = "WIFI.library.example.it:443".to_owned();
    assert_eq!(citizen.get("/").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn pages_carry_strict_headers_and_the_hub_as_form_target() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    let page = citizen.get("/?lang=it").await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' http://127.0.0.1:"), "{policy}");
    assert!(page.body.contains("lang=\"it\"") && page.body.contains("Wi-Fi gratuito"));
}

#[actix_web::test]
async fn the_captive_portal_api_says_what_rfc_8908_says() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    let before = citizen.get("/capport").await;
    assert_eq!(before.headers["content-type"], "application/captive+json");
    assert_eq!(before.headers["cache-control"], "private, no-store");
    insta::assert_snapshot!(before.body, @r#"{"captive":true,"user-portal-url":"https://wifi.library.example.it/","can-extend-session":false}"#);
    citizen.log_in().await;
    let after: serde_json::Value = serde_json::from_str(&citizen.get("/capport").await.body).unwrap();
    assert_eq!(after["captive"], false);
    assert_eq!(after["user-portal-url"], "https://wifi.library.example.it/status");
    let seconds = after["seconds-remaining"].as_i64().unwrap();
    assert!((1..=3600).contains(&seconds), "{seconds}");
    assert_eq!(after["can-extend-session"], true);
    assert!(after.get("bytes-remaining").is_none(), "the site has no such limit");
}

/// SECURITY.md I12.
#[actix_web::test]
async fn what_the_provider_ends_is_cut_off_and_then_acknowledged() {
    let building = Building::open().await;
    building.provider.names_the_login("login-1");
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    building.provider.tell("forged", building.provider.logout_token("forged", Forged::Key));
    building.provider.tell("good", building.provider.logout_token("good", Forged::Nothing));
    building.until(|b| b.provider.heard().0 == ["good"]).await;
    assert!(building.enforcer.devices().is_empty(), "acknowledged after the end");
    building.until(|b| b.provider.heard().1 == ["forged"]).await;
    assert_eq!(on_record(&building), (1, vec![EndCause::ProviderLoggedOut]));
    assert!(citizen.get("/status").await.body.contains("You are not online"));
    // Whoever logs in anew is in.
    building.provider.names_the_login("login-2");
    citizen.log_in().await;
    assert_eq!(building.enforcer.devices().len(), 1);
}

#[actix_web::test]
async fn who_logs_out_is_out_before_anything_is_offered() {
    let building = Building::open().await;
    building.provider.names_the_login("login-1");
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    let building = building.restart().await;
    let mut citizen = citizen.at(&building);
    let out = citizen.post_form("/status", "/logout").await;
    assert!(building.enforcer.devices().is_empty());
    assert!(out.body.contains("name=\"logout_hint\" value=\"login-1\""), "{}", out.body);
    assert!(out.body.contains("/logout\"><input type=\"hidden\" name=\"client_id\" value=\"biblioteca\">"));
    assert!(out.body.contains("value=\"https://wifi.biblioteca.example.it/left\""));
    assert!(citizen.get("/left").await.body.contains("You are logged out"));
    // A hub that is away takes nothing from the logout.
    building.provider.names_the_login("login-2");
    citizen.log_in().await;
    building.provider.stop().await;
    let out = citizen.post_form("/status", "/logout").await;
    assert!(out.body.contains("You are logged out") && building.enforcer.devices().is_empty());
}
