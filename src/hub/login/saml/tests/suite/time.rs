//! Clocks: a minute either way is forgiven, a second more is not. To the second where the clock stands; the endpoint's runs.

use super::{
    super::stage::{
        ASSERTION_ISSUED, AUTHENTICATED, CONFIRMED_UNTIL, NOT_BEFORE, RESPONSE_ISSUED, Stage, VALID_UNTIL,
    },
    Case, cases,
};

/// Writes an instant as it must not be written.
fn written(s: &Stage, as_it_is: impl Fn(&str) -> String) -> String {
    let good = s.t(RESPONSE_ISSUED);
    s.with(&good, &as_it_is(&good))
}

cases! {
    response_a_minute_older_than_the_request: |s| s.at(RESPONSE_ISSUED, -151) => "response-issue-instant";
    response_of_yesterday: |s| s.at(RESPONSE_ISSUED, -86_400) => "response-issue-instant";
    response_of_more_than_a_minute_to_come: |s| s.at(RESPONSE_ISSUED, 66) => "response-issue-instant";
    response_of_tomorrow: |s| s.at(RESPONSE_ISSUED, 86_400) => "response-issue-instant";
    response_instant_with_an_offset: |s| written(s, |t| t.replace('Z', "+01:00")) => "response-issue-instant";
    response_instant_with_the_offset_of_utc: |s| written(s, |t| t.replace('Z', "+00:00")) => "response-issue-instant";
    response_instant_without_zone: |s| written(s, |t| t.replace('Z', "")) => "response-issue-instant";
    response_instant_in_small_letters: |s| written(s, |t| t.to_ascii_lowercase()) => "response-issue-instant";
    response_instant_with_a_space: |s| written(s, |t| t.replace('T', " ")) => "response-issue-instant";
    response_instant_without_seconds: |s| written(s, |t| format!("{}Z", &t[..16])) => "response-issue-instant";
    response_instant_with_an_empty_fraction: |s| written(s, |t| t.replace('Z', ".Z")) => "response-issue-instant";
    response_instant_with_a_long_fraction: |s| written(s, |t| t.replace('Z', ".0000000000Z")) => "response-issue-instant";
    response_instant_with_letters: |s| written(s, |t| t.replace("20", "2O")) => "response-issue-instant";
    response_instant_that_is_none: |s| written(s, |t| format!("{}-13-41T25:61:61Z", &t[..4])) => "response-issue-instant";
    response_instant_of_a_week: |s| written(s, |t| format!("{}-W47-7T12:00Z", &t[..4])) => "response-issue-instant";
    response_instant_empty: |s| written(s, |_| String::new()) => "response-issue-instant";
    response_instant_missing: |s| s.with(&format!(r#" IssueInstant="{}""#, s.t(RESPONSE_ISSUED)), "") => "response-issue-instant";
    assertion_a_minute_older_than_the_request: |s| s.at(ASSERTION_ISSUED, -151) => "assertion-issue-instant";
    assertion_of_more_than_a_minute_to_come: |s| s.at(ASSERTION_ISSUED, 66) => "assertion-issue-instant";
    assertion_instant_missing: |s| s.with(&format!(r#" IssueInstant="{}""#, s.t(ASSERTION_ISSUED)), "") => "assertion-issue-instant";
    assertion_instant_with_an_offset: |s| s.with(&s.t(ASSERTION_ISSUED), &s.t(ASSERTION_ISSUED).replace('Z', "+00:00")) => "assertion-issue-instant";
    confirmation_over_a_minute_ago: |s| s.at(CONFIRMED_UNTIL, -60) => "confirmation-time";
    confirmation_over_yesterday: |s| s.at(CONFIRMED_UNTIL, -86_400) => "confirmation-time";
    confirmation_without_end: |s| s.with(&format!(r#" NotOnOrAfter="{}""#, s.t(CONFIRMED_UNTIL)), "") => "confirmation-time";
    confirmation_with_an_empty_end: |s| s.with(&s.t(CONFIRMED_UNTIL), "") => "confirmation-time";
    confirmation_that_begins_in_more_than_a_minute: |s| s.with("Data InResponseTo", &format!(r#"Data NotBefore="{}" InResponseTo"#, s.t(66))) => "confirmation-time";
    confirmation_that_begins_at_no_instant: |s| s.with("Data InResponseTo", r#"Data NotBefore="now" InResponseTo"#) => "confirmation-time";
    assertion_over_a_minute_ago: |s| s.at(VALID_UNTIL, -60) => "conditions-time";
    assertion_over_yesterday: |s| s.at(VALID_UNTIL, -86_400) => "conditions-time";
    assertion_valid_for_ever: |s| s.with(&format!(r#" NotOnOrAfter="{}""#, s.t(VALID_UNTIL)), "") => "conditions-time";
    assertion_that_begins_in_more_than_a_minute: |s| s.at(NOT_BEFORE, 66) => "conditions-time";
    assertion_without_a_beginning: |s| s.with(&format!(r#" NotBefore="{}""#, s.t(NOT_BEFORE)), "") => "conditions-time";
    login_of_more_than_a_minute_to_come: |s| s.at(AUTHENTICATED, 66) => "authn-statement";
    login_of_no_instant: |s| s.with(&format!(r#" AuthnInstant="{}""#, s.t(AUTHENTICATED)), "") => "authn-statement";
    session_over_a_minute_ago: |s| s.with("SessionIndex=", &format!(r#"SessionNotOnOrAfter="{}" SessionIndex="#, s.t(-60))) => "authn-statement";
    session_with_an_empty_end: |s| s.with("SessionIndex=", r#"SessionNotOnOrAfter="" SessionIndex="#) => "authn-statement";
}

#[cfg(test)]
mod tests {
    use super::{
        super::super::{super::Level, fixture::*},
        *,
    };

    /// To the second, at a clock that stands.
    #[test]
    fn fifty_nine_seconds_are_forgiven_and_sixty_one_are_not() {
        let s = Stage::fixed();
        let session = |end: i64| {
            s.with("SessionIndex=", &format!(r#"SessionNotOnOrAfter="{}" SessionIndex="#, s.t(end)))
        };
        let confirmed = |begin: i64| {
            s.with("Data InResponseTo", &format!(r#"Data NotBefore="{}" InResponseTo"#, s.t(begin)))
        };
        let cases = [
            // The request was sent 90 seconds ago.
            (s.at(RESPONSE_ISSUED, -150), s.at(RESPONSE_ISSUED, -151), "response-issue-instant"),
            (s.at(RESPONSE_ISSUED, 60), s.at(RESPONSE_ISSUED, 61), "response-issue-instant"),
            (s.at(ASSERTION_ISSUED, -150), s.at(ASSERTION_ISSUED, -151), "assertion-issue-instant"),
            (s.at(ASSERTION_ISSUED, 60), s.at(ASSERTION_ISSUED, 61), "assertion-issue-instant"),
            (s.at(CONFIRMED_UNTIL, -59), s.at(CONFIRMED_UNTIL, -60), "confirmation-time"),
            (confirmed(60), confirmed(61), "confirmation-time"),
            (s.at(VALID_UNTIL, -59), s.at(VALID_UNTIL, -60), "conditions-time"),
            (s.at(NOT_BEFORE, 60), s.at(NOT_BEFORE, 61), "conditions-time"),
            (s.at(AUTHENTICATED, 60), s.at(AUTHENTICATED, 61), "authn-statement"),
            (session(-59), session(-60), "authn-statement"),
        ];
        for (forgiven, refused, rule) in cases {
            assert_eq!(received(&forgiven).unwrap().level, Level::L1, "{rule}");
            assert_eq!(refusal(&refused), rule);
        }
    }
}
