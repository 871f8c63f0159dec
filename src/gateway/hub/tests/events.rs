//! Logout Tokens: what is taken, and what is not.

use super::super::events::Ended;
use super::{
    Hub, HubError, SignedDuration, now,
    provider::{Forged, Provider},
};

async fn hub() -> (Provider, Hub) {
    let provider = Provider::start().await;
    let hub = provider.hub();
    (provider, hub)
}

fn refusal(result: Result<Ended, HubError>) -> String {
    match result {
        Err(HubError::Refused(why) | HubError::Unreachable(why)) => why,
        other => panic!("not refused: {other:?}"),
    }
}

#[actix_web::test]
async fn a_logout_token_names_person_and_login() {
    let (provider, hub) = hub().await;
    let ended = hub.ended("j", &provider.logout_token("j", Forged::Nothing), now()).await.unwrap();
    assert_eq!((ended.person.as_str(), ended.sid.as_ref().unwrap().as_str()), ("pairwise-1", "login-1"));
    let ended = hub.ended("j", &provider.logout_token("j", Forged::NoSid), now()).await.unwrap();
    assert_eq!(ended.sid, None, "each login of the person");
}

#[actix_web::test]
async fn what_is_no_logout_token_for_us_is_refused() {
    let (provider, hub) = hub().await;
    for (forged, because) in [
        (Forged::Nonce, "nonce"),
        (Forged::NoEvent, "not a logout"),
        (Forged::OtherEvent, "not a logout"),
        (Forged::Stale, "not of now"),
        (Forged::Early, "not of now"),
        (Forged::Expired, "xpired"),
        (Forged::Audience, "audience"),
        (Forged::Issuer, "issuer"),
        (Forged::Key, "ignature"),
        (Forged::Hmac, "algorithm"),
        (Forged::Subject, "printable"),
        (Forged::Sid, "printable"),
    ] {
        let why = refusal(hub.ended("j", &provider.logout_token("j", forged), now()).await);
        assert!(why.contains(because), "{forged:?}: {why}");
    }
    let token = provider.logout_token("another", Forged::Nothing);
    assert!(refusal(hub.ended("j", &token, now()).await).contains("another jti"));
    for text in ["", "x", "a.b.c", &token[1..]] {
        assert!(hub.ended("j", text, now()).await.is_err(), "{text:?}");
    }
}

/// A refused event is gone at the hub: one that only a wrong clock speaks against must not be.
#[actix_web::test]
async fn a_wrong_clock_refuses_no_event() {
    let (provider, hub) = hub().await;
    for forged in [Forged::Stale, Forged::Early, Forged::Expired] {
        let answer = hub.ended("j", &provider.logout_token("j", forged), now()).await;
        assert!(matches!(answer, Err(HubError::Unreachable(_))), "{forged:?}: {answer:?}");
    }
}

#[actix_web::test]
async fn new_keys_are_fetched_for_events_too() {
    let (provider, hub) = hub().await;
    let before = now() - SignedDuration::from_secs(30);
    hub.refresh(before).await.unwrap();
    provider.change_keys();
    assert!(hub.ended("j", &provider.logout_token("j", Forged::Nothing), now()).await.is_ok());
}
