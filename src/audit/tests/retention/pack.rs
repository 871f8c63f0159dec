//! The evidence pack: whole as it is made, and nothing when an octet of it is another.

use crate::case::{ASKED, Case, verified};
use std::{collections::BTreeMap, fs};
use varco_audit::pack::{Trust, archive, verify};

pub fn trust(case: &Case) -> Trust {
    let people = varco_audit::holder::People::read(case.path("keys/holders").as_ref()).unwrap();
    Trust {
        hub: Some(case.hub().vkey().parse().unwrap()),
        mirror: Some(case.mirror.parse().unwrap()),
        sites: vec![case.site.parse().unwrap()],
        witnesses: Vec::new(),
        people: Some(people),
        tsa: None,
    }
}

#[test]
fn a_pack_says_what_was_asked_and_found_and_whose_keys_it_believes() {
    let case = Case::site("pack");
    let stem = case.answered(1100, ASKED, &[]);
    let pack = case.packed(&stem);
    let said = verified(&pack, &case.trust());
    let text = String::from_utf8_lossy(&said.stdout);
    assert_eq!(said.status.code(), Some(0), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(text.contains("198.18.0.3 port 1100 at 2026-11-20T10:30:00+01:00"), "{text}");
    assert!(text.contains("outcome    one") && text.contains("subject-1-known-value"), "{text}");
    assert!(text.contains("at most 20 ms off") && text.ends_with("whole\n"), "{text}");
    assert!(!text.contains("taken from the pack"), "{text}");
    // Without keys it agrees with itself, and says whose keys it took.
    let alone = verified(&pack, &[]);
    let text = String::from_utf8_lossy(&alone.stdout);
    assert_eq!(alone.status.code(), Some(0), "{}", String::from_utf8_lossy(&alone.stderr));
    assert!(text.contains("taken from the pack itself") && text.contains(&case.site), "{text}");
    // With another's keys it is not signed.
    let other = Case::site("pack-other");
    for pair in
        other.trust().chunks(2).filter(|pair| pair[0] != "--holders" || pair[1] != case.path("keys/holders"))
    {
        let said = verified(&pack, pair);
        assert_eq!(said.status.code(), Some(5), "{pair:?}: {}", String::from_utf8_lossy(&said.stderr));
    }
    let readme = &archive::read(&fs::read(&pack).unwrap()).unwrap()["LEGGIMI.txt"];
    let readme = String::from_utf8_lossy(readme);
    assert!(readme.contains("Una sola sessione") && readme.contains("decreto 12/2026"), "{readme}");
    assert!(!readme.contains('{') || readme.contains("{64}"), "{readme}");
    // Only what answers is shown: the other sessions of the slot and of the day are not.
    let octets = fs::read(&pack).unwrap();
    assert!(!String::from_utf8_lossy(&octets).contains("subject-3"));
}

#[test]
fn an_ambiguous_answer_and_that_of_nobody_have_packs_too() {
    let case = Case::site("pack-outcomes");
    for (port, instant, more, outcome) in [
        (1100, "2026-11-20T09:45:00Z", &["--tolerance", "10m"][..], "ambiguous"),
        (1100, "2026-11-20T09:45:00Z", &[], "nobody"),
    ] {
        let pack = case.packed(&case.answered(port, instant, more));
        let said = verified(&pack, &case.trust());
        let text = String::from_utf8_lossy(&said.stdout);
        assert_eq!(said.status.code(), Some(0), "{outcome}: {}", String::from_utf8_lossy(&said.stderr));
        assert!(text.contains(&format!("outcome    {outcome}")), "{text}");
    }
}

/// Every file changed, removed, exchanged with another or added, the archive spelled as it must be.
#[test]
fn each_file_that_is_changed_removed_exchanged_or_added_is_found() {
    let case = Case::site("pack-files");
    let octets = fs::read(case.packed(&case.answered(1100, ASKED, &[]))).unwrap();
    let (members, trust) = (archive::read(&octets).unwrap(), trust(&case));
    verify(&octets, &trust).unwrap();
    let found = |what: String, members: &BTreeMap<String, Vec<u8>>| {
        let bad = verify(&archive::write(members).unwrap(), &trust);
        assert!(bad.is_err(), "{what}: not found");
    };
    for (name, content) in &members {
        let mut changed = members.clone();
        changed.get_mut(name).unwrap().push(b'\n');
        found(format!("{name} longer"), &changed);
        if !content.is_empty() {
            changed.insert(name.clone(), Vec::new());
            found(format!("{name} empty"), &changed);
        }
        changed.remove(name);
        found(format!("{name} removed"), &changed);
        for (other, content_of_other) in members.iter().filter(|(other, _)| *other > name).take(3) {
            if content == content_of_other {
                continue;
            }
            let mut exchanged = members.clone();
            exchanged.insert(name.clone(), content_of_other.clone());
            exchanged.insert(other.clone(), content.clone());
            found(format!("{name} and {other} exchanged"), &exchanged);
        }
    }
    let mut more = members.clone();
    more.insert("sites/library/more".to_owned(), b"more".to_vec());
    found("a file more".to_owned(), &more);
}

/// What the two who sign could do: sign a list of other files. Then what others signed shows it.
#[test]
fn officers_who_sign_another_story_are_contradicted_by_the_logs() {
    let case = Case::site("pack-story");
    let octets = fs::read(case.packed(&case.answered(1100, ASKED, &[]))).unwrap();
    let (members, trust) = (archive::read(&octets).unwrap(), trust(&case));
    let signed = |members: &BTreeMap<String, Vec<u8>>| {
        let own = |name: &str| {
            varco_audit::holder::HolderKey::read(case.path(&format!("people/{name}.key")).as_ref()).unwrap()
        };
        let head = String::from_utf8(members["manifest"].clone()).unwrap();
        let head: String = head.lines().take(3).map(|line| format!("{line}\n")).collect();
        let list = members.iter().filter(|(name, _)| *name != "manifest");
        let list: String =
            list.map(|(name, c)| format!("{}  {name}\n", varco_audit::pack::sha256(c))).collect();
        let note = varco_audit::both::sign(&(head + &list), [&own("anna"), &own("bruno")]).unwrap();
        let mut members = members.clone();
        members.insert("manifest".to_owned(), note.into_bytes());
        verify(&archive::write(&members).unwrap(), &trust).map_err(|error| error.to_string())
    };
    signed(&members).unwrap();
    for (name, content) in &members {
        if ["manifest", "LEGGIMI.txt", "digests"].contains(&name.as_str()) || name.starts_with("keys/") {
            continue;
        }
        let mut without = members.clone();
        without.remove(name);
        if !name.contains("/heartbeats/") {
            assert!(signed(&without).is_err(), "{name} removed");
        }
        for place in (0..content.len()).step_by(content.len() / 7 + 1) {
            let mut changed = members.clone();
            changed.get_mut(name).unwrap()[place] ^= 1;
            let slots = name.ends_with("/slots");
            assert!(signed(&changed).is_err() || slots, "{name}, octet {place}");
        }
    }
}
