use super::*;

const NOW: i64 = 1_800_000_000;
const RITA: &str = "TINIT-RSSRTI80A41L219X";

fn register(folder: &Path) -> Register {
    Register::open(&folder.join("hub.db"), Sealer::new(&[7; 32]).unwrap()).unwrap()
}

fn login() -> Authentication<'static> {
    Authentication {
        at: NOW,
        way: "spid",
        request_id: "_q",
        request_issued: NOW - 60,
        response_id: "_r",
        response_issued: NOW - 1,
        response_issuer: "https://idp.example",
        assertion_id: "_a",
        name_id: "_n",
        name_qualifier: "https://idp.example",
        level: 1,
        request_xml: "<AuthnRequest/>",
        response_xml: "<Response>TINIT-RSSRTI80A41L219X</Response>",
        gateway: Some(("biblioteca", "sub")),
    }
}

#[test]
fn a_person_keeps_the_same_random_id() {
    let folder = crate::testing::folder("register");
    let id = register(&folder).person(RITA, NOW).unwrap();
    assert_eq!(register(&folder).person(RITA, NOW + 9).unwrap(), id);
    assert_ne!(register(&folder).person("TINIT-BNCLCU90A01L219X", NOW).unwrap(), id);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn nothing_in_the_file_says_who_it_is() {
    let folder = crate::testing::folder("register-sealed");
    {
        let register = register(&folder);
        let person = register.person(RITA, NOW).unwrap();
        register.record(&login(), &person).unwrap();
    }
    for file in std::fs::read_dir(&folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(16).any(|w| w == b"RSSRTI80A41L219X"));
    }
    let register = register(&folder);
    let pair: Vec<u8> =
        register.db().query_row("SELECT pair FROM authentication", [], |row| row.get(0)).unwrap();
    let text = String::from_utf8(register.sealer.open("pair:_q", &pair).unwrap()).unwrap();
    assert!(text.contains("<AuthnRequest/>") && text.contains(RITA));
    assert_eq!(register.sealer.open("pair:_other", &pair), Err(seal::SealError::Closed));
    assert_eq!(
        Sealer::new(&[8; 32]).unwrap().open("pair:_q", &pair),
        Err(seal::SealError::Closed),
        "another key"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_login_of_nobody_is_not_written() {
    let folder = crate::testing::folder("register-nobody");
    assert!(register(&folder).record(&login(), "nobody").is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_write_waits_for_the_disk() {
    let folder = crate::testing::folder("register-sync");
    let register = register(&folder);
    let level: i64 = register.db().pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
    assert_eq!(level, 2, "FULL");
    std::fs::remove_dir_all(folder).unwrap();
}
