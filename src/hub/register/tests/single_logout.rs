//! Logins that a provider ends, and the gateways that are told.

use super::*;

/// A login of this name and session; returns its `sid`.
fn named(register: &Register, name_id: &str, session_index: Option<&str>) -> String {
    let login = Authentication { name_id, session_index, ..login() };
    register.record(&login, RITA, |_| Some("sub".into())).unwrap().unwrap().sid
}

fn ended(register: &Register, name_id: &str, indexes: &[&str]) -> usize {
    let indexes: Vec<_> = indexes.iter().map(|index| (*index).to_owned()).collect();
    register.end_sessions("", "https://idp.example", name_id, &indexes, NOW).unwrap()
}

#[test]
fn a_logout_ends_exactly_the_logins_it_names() {
    let folder = crate::testing::folder("slo");
    let register = register(&folder);
    let one = named(&register, "_1", Some("_a"));
    let other = named(&register, "_1", Some("_b"));
    let silent = named(&register, "_2", None);
    assert_eq!(ended(&register, "_unknown", &[]), 0);
    assert_eq!(
        register.end_sessions("", "https://other.example", "_1", &[], NOW).unwrap(),
        0,
        "another provider's"
    );
    assert_eq!(
        register.end_sessions("museo", "https://idp.example", "_1", &[], NOW).unwrap(),
        0,
        "another body's"
    );
    assert_eq!(ended(&register, "_1", &["_a"]), 1);
    assert!(!register.lasts(&one).unwrap() && register.lasts(&other).unwrap());
    assert_eq!(ended(&register, "_1", &[]), 1, "no session named: all of that name");
    assert_eq!(ended(&register, "_2", &["_z"]), 1, "the provider never named its session");
    assert!(!register.lasts(&silent).unwrap());
    let told: Vec<_> = register.untold("biblioteca", 10).unwrap().into_iter().map(|e| e.sid).collect();
    assert_eq!(told, [one, other, silent], "in order");
    assert_eq!(ended(&register, "_1", &[]), 0, "once");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_gateway_is_told_until_it_has_dealt_with_it_and_no_other_is() {
    let folder = crate::testing::folder("slo-told");
    {
        let register = register(&folder);
        named(&register, "_1", None);
        named(&register, "_2", None);
        assert_eq!((ended(&register, "_1", &[]), ended(&register, "_2", &[])), (1, 1));
    }
    let register = register(&folder);
    let all = register.untold("biblioteca", 10).unwrap();
    assert_eq!((all.len(), register.untold("biblioteca", 1).unwrap().len()), (2, 1), "a restart keeps them");
    assert!(register.untold("museo", 10).unwrap().is_empty());
    let jtis = || all.iter().map(|event| event.jti.as_str());
    register.told("museo", jtis()).unwrap();
    assert_eq!(register.untold("biblioteca", 10).unwrap().len(), 2, "another gateway's word is not heard");
    register.told("biblioteca", jtis().take(1)).unwrap();
    assert!(register.untold("biblioteca", 10).unwrap() == all[1..]);
    register.told("biblioteca", jtis()).unwrap();
    assert!(register.untold("biblioteca", 10).unwrap().is_empty());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_session_is_taken_once_by_its_gateway_and_forgotten_after_a_day() {
    let folder = crate::testing::folder("slo-take");
    let register = register(&folder);
    let sid = named(&register, "_1", Some("_a"));
    assert!(register.take_session(&sid, "museo").unwrap().is_none());
    let open = register.take_session(&sid, "biblioteca").unwrap().unwrap();
    assert_eq!((open.way.as_str(), open.session.session_index.as_deref()), ("spid", Some("_a")));
    assert!(register.take_session(&sid, "biblioteca").unwrap().is_none());
    named(&register, "_2", None);
    ended(&register, "_2", &[]);
    named(&register, "_3", None);
    enter(&register, &Authentication { at: NOW + 86_401, name_id: "_4", ..login() }, RITA);
    assert_eq!((count(&register, "session"), count(&register, "event")), (1, 0));
    std::fs::remove_dir_all(folder).unwrap();
}
