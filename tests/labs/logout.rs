//! Single logout with the real programs: what the provider ends stops, and who leaves is out before the provider is asked.

use crate::site::{Site, eventually, lab, said};
use varco_audit::Entry;
use varco_tests::lab::html;

/// The office's browser opens a page, or posts one; the body of where it ends.
fn curl(site: &Site, words: &[&str]) -> String {
    let mut all = vec!["curl", "-s", "-L", "-m", "10", "-w", "\n%{http_code} %{url_effective}"];
    all.extend(words);
    String::from_utf8(site.run("office", &all).stdout).unwrap()
}

/// Why each pass that has ended did, by the records.
fn causes(site: &Site) -> Vec<String> {
    let cause = |entry| match entry {
        Entry::Ended { cause, .. } => Some(serde_json::to_value(cause).unwrap().as_str().unwrap().to_owned()),
        _ => None,
    };
    site.entries().into_iter().filter_map(cause).collect()
}

#[test]
fn who_logs_out_at_the_provider_is_cut_off_in_the_middle_of_a_download() {
    let site = Site::up(2);
    let bystander = site.guest(1).citizen("bruno");
    let citizen = site.guest(0).citizen("ada");
    let download = citizen.download();
    assert!(download.moves());
    // From anywhere: the message is the provider's, and signed.
    let page = html::read(&curl(&site, &["https://idp.varco.test/logout"]));
    let form = page.forms.first().expect("the provider asks the browser to tell the hub");
    let fields: Vec<_> = form.filled(&[]).iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut words = vec![form.action.as_str()];
    fields.iter().for_each(|field| words.extend(["--data-urlencode", field]));
    let end = curl(&site, &words);
    assert!(end.contains("200 https://idp.varco.test/slo?SAMLResponse="), "answered, signed: {end}");
    assert!(eventually(20, || !citizen.is_online()));
    assert!(download.stops());
    assert!(eventually(5, || causes(&site) == ["provider-logged-out"]), "{:?}", causes(&site));
    assert!(bystander.is_online(), "another login of the same provider");
    for name in ["hub", "gateway"] {
        let log = std::fs::read_to_string(site.state(&format!("logs/{name}.log"))).unwrap();
        assert!(!log.contains("PRVDAA") && !log.contains("NameID"), "{name} names somebody");
    }
    assert!(citizen.citizen("ada").is_online(), "a new login is welcome");
}

#[test]
fn who_leaves_is_out_first_and_then_logs_out_at_the_provider_through_the_walled_garden() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    said(&mut lab(&["logout", "--name", site.name(), "--guest", "0", "--provider"]));
    assert!(!citizen.is_online());
    assert_eq!(causes(&site), ["logged-out"]);
    let log = std::fs::read_to_string(site.state("logs/hub.log")).unwrap();
    assert!(
        !log.contains("a logout was refused") && !log.contains("answer to a logout was refused"),
        "{log}"
    );
}

/// A hub that is away costs nothing but the wait, and forgets nothing.
#[test]
fn a_logout_that_the_gateway_could_not_hear_of_is_told_later() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let killed = site.kill_nine("gateway");
    let page = html::read(&curl(&site, &["https://idp.varco.test/logout"]));
    let form = page.forms.first().unwrap();
    let fields: Vec<_> = form.filled(&[]).iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut words = vec![form.action.as_str()];
    fields.iter().for_each(|field| words.extend(["--data-urlencode", field]));
    assert!(curl(&site, &words).contains("200 https://idp.varco.test/slo"));
    assert!(site.recovered("gateway", killed));
    assert!(eventually(20, || !citizen.is_online()));
    assert!(eventually(5, || causes(&site) == ["provider-logged-out"]), "{:?}", causes(&site));
}
