//! Time stamps in packs: which checkpoint a pack is made at, and what both verifiers say of its stamp.

use crate::{
    case::{ASKED, Case, python, verified},
    tsa::Tsa,
};
use std::{fs, path::Path};
use varco_audit::{
    content::Body,
    pack::archive,
    timestamp::{Nonce, Query},
    tlog::Note,
};

/// Stamps the newest checkpoint of the hub's log, as the hub does; the text is another where one is given.
fn stamp(case: &Case, tsa: &Tsa, text: Option<&str>) {
    let log = case.hub().log();
    let note = fs::read(format!("{log}/checkpoint")).unwrap();
    let own = Note::parse(&note).unwrap().text;
    let size = own.lines().nth(1).unwrap().to_owned();
    let query = Query::new(text.unwrap_or(&own).as_bytes(), Nonce::new([3; 16]).unwrap()).unwrap();
    fs::create_dir_all(format!("{log}/timestamps")).unwrap();
    fs::write(format!("{log}/timestamps/{size}.tsr"), tsa.reply(&query.octets, "tsa", "")).unwrap();
    fs::write(format!("{log}/timestamps/{size}.checkpoint"), note).unwrap();
}

/// Both verifiers with this authority, or with none: their exit code, and what they say.
fn both(pack: &Path, case: &Case, tsa: Option<&str>) -> (Option<i32>, String) {
    let trust = case.trust().into_iter().chain(tsa.into_iter().flat_map(|tsa| ["--tsa".into(), tsa.into()]));
    let trust: Vec<_> = trust.collect();
    let (ours, theirs) = (verified(pack, &trust), python(pack, &trust));
    let said = [ours.stdout, ours.stderr, b"---\n".to_vec(), theirs.stdout, theirs.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert_eq!(ours.status.code(), theirs.status.code(), "{said}");
    (ours.status.code(), said)
}

/// What the pack says of itself to who has never seen one.
fn readme(pack: &Path) -> String {
    let members = archive::read(&fs::read(pack).unwrap()).unwrap();
    String::from_utf8(members["LEGGIMI.txt"].clone()).unwrap()
}

#[test]
fn a_pack_is_made_at_a_stamped_checkpoint_and_both_verifiers_read_the_stamp() {
    let (case, tsa, other) = (Case::site("pack-stamp"), Tsa::new("pack"), Tsa::new("pack-other"));
    let root = tsa.0.join("root.pem").display().to_string();
    let stem = case.answered(1100, ASKED, &[]);
    stamp(&case, &tsa, None);
    // The log goes on.
    case.hub().record(&[Body::Copied { checkpoint: "of another site".into() }], "2026-11-30T11:00:00Z");
    let made = case.pack_with(&stem, &["--tsa", &root]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let pack = Path::new(&stem).with_extension("pack.tar");
    let (code, said) = both(&pack, &case, Some(&root));
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("by CN=tsa,O=Prova").count(), 2, "{said}");
    let (code, said) = both(&pack, &case, None);
    assert_eq!((code, said.matches("there, and not verified").count()), (Some(0), 2), "{said}");
    let wrong = other.0.join("root.pem").display().to_string();
    assert_eq!(both(&pack, &case, Some(&wrong)).0, Some(5));
    // What a magistrate does with openssl, as LEGGIMI.txt says.
    let members = archive::read(&fs::read(&pack).unwrap()).unwrap();
    assert!(readme(&pack).contains("--holders CARTELLA --tsa CERTIFICATO FILE"), "{}", readme(&pack));
    let note = String::from_utf8(members["hub/checkpoint"].clone()).unwrap();
    fs::write(tsa.0.join("text"), note.split_once("\n\n").unwrap().0.to_owned() + "\n").unwrap();
    fs::write(tsa.0.join("token"), &members["hub/timestamp.tsr"]).unwrap();
    tsa.openssl(&["ts", "-verify", "-in", "token", "-data", "text", "-CAfile", "root.pem"]);
}

#[test]
fn a_pack_without_a_stamp_or_with_that_of_another_text_is_no_stamped_one() {
    let (case, tsa) = (Case::site("pack-no-stamp"), Tsa::new("pack-no"));
    let root = tsa.0.join("root.pem").display().to_string();
    // A stamp from before the case says nothing of it.
    stamp(&case, &tsa, None);
    let stem = case.answered(1100, ASKED, &[]);
    let refused = case.pack_with(&stem, &["--tsa", &root]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("`varco-hub timestamp`"), "{said}");
    let pack = case.packed(&stem);
    assert!(!archive::read(&fs::read(&pack).unwrap()).unwrap().contains_key("hub/timestamp.tsr"));
    let words = readme(&pack);
    assert!(words.contains("una marca temporale non c'è") && !words.contains("CERTIFICATO"), "{words}");
    let (code, said) = both(&pack, &case, None);
    assert_eq!((code, said.matches("timestamp").count()), (Some(0), 2), "{said}");
    assert_eq!(both(&pack, &case, Some(&root)).0, Some(4), "it is missing");

    fs::remove_file(&pack).unwrap();
    stamp(&case, &tsa, Some("another text\n"));
    let refused = case.pack_with(&stem, &["--tsa", &root]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("it stamps another text"), "{said}");
    let pack = case.packed(&stem);
    assert_eq!(both(&pack, &case, Some(&root)).0, Some(5));
}
