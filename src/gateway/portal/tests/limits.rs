//! Opening hours and limits as citizens meet them.

use super::{
    browser::Browser,
    building::{Building, rules},
    on_record, web_block,
};
use crate::{
    control::{self, Ask, Told},
    site::Rules,
};
use actix_web::http::StatusCode;
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use varco_policy::{Limits, Rate, Schedule, Size, pass::EndCause};

/// Open for a whole day, so many days from now.
fn open_in(days: i64) -> Rules {
    #[expect(clippy::disallowed_methods, reason = "the pages under test read the real clock")]
    let now = Timestamp::now();
    let day = now.to_zoned(TimeZone::UTC).saturating_add(days.days());
    let row = format!("{} = ['00:00-24:00']", day.strftime("%a").to_string().to_lowercase());
    let hours = varco_policy::config::parse("hours".as_ref(), &row).unwrap();
    Rules { schedule: Schedule::new(TimeZone::UTC, Some(hours)), ..rules() }
}

fn limited(limits: Limits) -> Rules {
    Rules { limits, ..rules() }
}

async fn capport(citizen: &mut Browser) -> serde_json::Value {
    serde_json::from_str(&citizen.get("/capport").await.body).unwrap()
}

#[actix_web::test]
async fn a_closed_site_says_when_it_opens_instead_of_a_login() {
    let building = Building::open_under(open_in(3)).await;
    let mut citizen = Browser::new(&building, 2);
    let page = citizen.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("We are closed now") && page.body.contains("It opens again on"),
        "{}",
        page.body
    );
    assert!(page.body.contains(", 00:00") && !page.body.contains("action=\"/login\""), "{}", page.body);
}

/// It closes between the entrance and the way back from the hub.
#[actix_web::test]
async fn who_comes_back_from_the_hub_after_closing_time_is_not_let_in() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    citizen.get("/").await;
    let building = building.restart_under(open_in(3)).await;
    citizen.base = building.base.clone();
    // The form was fetched while it was open.
    let form = format!("form={}", varco_web::token::digest(&citizen.cookies["__Host-form"]));
    let refused = citizen.post("/login", &form).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.body.contains("We are closed now"), "{}", refused.body);
    assert!(building.enforcer.devices().is_empty());
    assert_eq!(on_record(&building).0, 0);
}

#[actix_web::test]
async fn a_pass_that_ends_by_its_length_can_be_extended() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    let slots = building.enforcer.slots();
    assert!(citizen.get("/status").await.body.contains("your access lasts until then"));
    assert_eq!(capport(&mut citizen).await["can-extend-session"], true);
    let back = citizen.extend().await;
    assert_eq!((back.status, back.location.as_str()), (StatusCode::SEE_OTHER, "/status"), "{}", back.body);
    assert_eq!(on_record(&building), (2, vec![EndCause::Replaced]));
    assert_eq!(building.enforcer.devices(), [citizen.device()]);
    assert_ne!(building.enforcer.slots(), slots, "it is another pass");
}

#[actix_web::test]
async fn a_pass_that_ends_by_the_day_cannot_be_extended_and_says_so() {
    let time = Some(SignedDuration::from_mins(30));
    let building = Building::open_under(limited(Limits { daily_time: time, ..Limits::default() })).await;
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    let page = citizen.get("/status").await.body;
    let midnight_is_near = page.contains("your access lasts until then");
    assert!(midnight_is_near || page.contains("you have used all of today"), "{page}");
    assert!(page.contains("Time you have left today"), "{page}");
    let can_extend = capport(&mut citizen).await["can-extend-session"].as_bool().unwrap();
    assert_eq!(can_extend, midnight_is_near);
    if !can_extend {
        let form = format!("form={}", varco_web::token::digest(&citizen.cookies["__Host-form"]));
        assert_eq!(citizen.post("/login", &form).await.location, "/status");
        assert_eq!(on_record(&building), (1, vec![]));
    }
}

#[actix_web::test]
async fn the_volume_of_the_day_ends_the_pass_and_no_restart_gives_it_anew() {
    let volume = Some(Size::from_bytes(10_000_000));
    let building = Building::open_under(limited(Limits { daily_volume: volume, ..Limits::default() })).await;
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    assert_eq!(capport(&mut citizen).await["bytes-remaining"], 10_000_000);
    building.enforcer.carry(citizen.device(), 4_000_000);
    building.until(|b| b.left_of_the_day() == Some(6_000_000)).await;
    assert_eq!(capport(&mut citizen).await["bytes-remaining"], 6_000_000);
    assert!(citizen.get("/status").await.body.contains("6 MB"));
    let building = building.restart().await;
    citizen.base = building.base.clone();
    building.enforcer.carry(citizen.device(), 6_000_000);
    building.until(|b| on_record(b).1 == [EndCause::Spent]).await;
    assert!(building.enforcer.devices().is_empty());
    let building = building.restart().await;
    // The person, not the device: another one is refused as well.
    let mut other = Browser::new(&building, 3);
    let refused = other.log_in().await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(
        refused.body.contains("That is all for today") && refused.body.contains("00:00"),
        "{}",
        refused.body
    );
    assert_eq!(on_record(&building).0, 1);
}

#[actix_web::test]
async fn a_third_device_takes_the_place_of_the_oldest_and_a_full_site_says_so() {
    let two = Limits { passes_per_person: 2, guests: Some(2), ..Limits::default() };
    let building = Building::open_under(limited(two)).await;
    let mut citizens = [2, 3, 4].map(|n| Browser::new(&building, n));
    for citizen in &mut citizens {
        assert_eq!(citizen.log_in().await.location, "/status");
    }
    assert_eq!(building.enforcer.devices(), [citizens[1].device(), citizens[2].device()]);
    assert!(citizens[0].get("/status").await.body.contains("You are not online"));
    assert_eq!(on_record(&building), (3, vec![EndCause::Replaced]));
    // Everybody is the same person here, so a full site needs room for the person.
    let roomy = Limits { passes_per_person: 9, guests: Some(2), ..Limits::default() };
    let building = building.restart_under(limited(roomy)).await;
    let mut late = Browser::new(&building, 5);
    let refused = late.log_in().await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.body.contains("The network is full"), "{}", refused.body);
}

#[actix_web::test]
async fn an_operator_gives_a_pass_a_rate_and_it_outlives_a_restart() {
    let building = Building::open().await;
    let mut citizen = Browser::new(&building, 2);
    citizen.log_in().await;
    let slow = Some(Rate::from_bits(5_000_000));
    let folder = building.state().to_owned();
    let told = web_block(move || {
        let Told::Passes(passes) = control::ask(&folder, Ask::Passes).unwrap() else { panic!("no list") };
        let ask = Ask::Rate { pass: passes[0].id, rate: slow };
        (
            control::ask(&folder, ask).unwrap(),
            control::ask(&folder, Ask::Rate { pass: varco_policy::PassId(uuid::Uuid::nil()), rate: None })
                .unwrap(),
        )
    })
    .await;
    assert_eq!(told, (Told::RateSet, Told::NoPass));
    assert_eq!(building.enforcer.rates(), [slow]);
    building.enforcer.forget_rates();
    let building = building.restart().await;
    building.until(|b| b.enforcer.rates() == [slow]).await;
    assert_eq!(on_record(&building), (1, vec![]), "its flows go on");
}
