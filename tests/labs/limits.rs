//! What a person may use of a site: one device too many, a day that is spent, a closed door.

use crate::{
    passes::passes,
    site::{Guest, SERVER, Site, eventually},
};
use std::fs;

/// The building's settings are changed by its operator, and the gateway started again.
fn with(site: &Site, added: &str) {
    let path = site.state("config/site.toml");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}\n{added}\n")).unwrap();
    let killed = site.kill_nine("gateway");
    assert!(site.recovered("gateway", killed));
}

/// What the portal's entrance says.
fn entrance(guest: &Guest<'_>) -> String {
    let words = ["curl", "-sk", "-m", "5", "https://wifi.varco.test/?lang=en"];
    String::from_utf8(guest.run(&words).stdout).unwrap()
}

/// Open all week, but not today.
fn quiet_today(site: &Site) -> String {
    let day = |when: &str| {
        let said = site.run("gateway", &["date", "-d", when, "+%F"]).stdout;
        String::from_utf8(said).unwrap().trim().to_owned()
    };
    let week =
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|day| format!("{day} = ['00:00-24:00']"));
    format!("[hours]\nclosed = ['{}/{}']\n{}", day("yesterday"), day("tomorrow"), week.join("\n"))
}

#[test]
fn a_person_has_so_many_passes_so_much_of_a_day_and_comes_in_when_it_is_open() {
    let site = Site::up(3);
    with(&site, "[limits]\npasses_per_person = 1\ndaily_volume = '20MB'");
    let first = site.guest(0).citizen("ada");
    assert!(first.is_online());
    // The same person elsewhere: the first device gives way, and nobody else notices.
    let other = site.guest(2).citizen("bruno");
    let second = site.guest(1).citizen("ada");
    assert!(second.is_online() && other.is_online());
    assert!(!first.is_online() && !first.pings(SERVER));
    // More than a day's worth, by the person's last device.
    let url = format!("http://{SERVER}/stream");
    second.run(&["curl", "-s", "-m", "6", "-o", "/dev/null", &url]);
    assert!(eventually(15, || !second.is_online()));
    assert!(other.is_online());
    let refused = first.try_login("ada", "good");
    assert!(!refused.status.success(), "the person is refused, on whatever device");
    assert!(!first.is_online());
    with(&site, &quiet_today(&site));
    assert!(entrance(&first).contains("We are closed now"));
    assert!(eventually(10, || !other.is_online()), "closed for who is in as well");
}

#[test]
fn an_operator_slows_a_pass_down_and_back_without_a_break() {
    let site = Site::up(1);
    let citizen = site.guest(0).citizen("ada");
    let running = citizen.download();
    let config = site.state("config/gateway.toml");
    let pass = passes(&site).remove(0).remove(0);
    let rate = |words: &[&str]| {
        let all = [&["rate", "--config", &config, "--pass", &pass], words].concat();
        let out = site.program("gateway", "varco-gateway", &all);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let slowed = || {
        let classes = site.run("gateway", &["tc", "class", "show", "dev", "eth0"]).stdout;
        String::from_utf8(classes).unwrap().contains("ceil 3Mbit")
    };
    assert!(!slowed());
    rate(&["--rate", "3mbit"]);
    assert!(slowed() && running.moves());
    // It is on record: a gateway that starts again asks for the same.
    let killed = site.kill_nine("gateway");
    assert!(site.recovered("gateway", killed));
    assert!(slowed() && running.moves());
    rate(&[]);
    assert!(running.moves());
    assert!(eventually(15, || !slowed()), "the class of its own goes");
    assert_eq!(passes(&site).len(), 1);
}
