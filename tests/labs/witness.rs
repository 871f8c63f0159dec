//! Who vouches for the hub's log from outside: a witness that cosigns it, and an authority that stamps it with the time.

use crate::site::{Site, eventually};
use std::{fs, path::Path, process::Command};
use varco_audit::tlog::{CosignerKey, Folder, Log, NoteKey, Signed, Tiles};
use varco_tests::lab::plan::WITNESS_NAME;

fn key(site: &Site) -> NoteKey {
    NoteKey::parse(&fs::read_to_string(site.state("hub/log.key")).unwrap().into()).unwrap()
}

/// The newest checkpoint that the witness has cosigned.
fn witnessed(site: &Site) -> Option<Signed> {
    let note = fs::read(site.state("hub/log/checkpoint.witnessed")).ok()?;
    Some(Signed::verify(&note, key(site).verifier()).unwrap())
}

/// `varco-audit verify` of the hub's log, as an auditor has the keys from elsewhere.
fn verified(site: &Site, more: &[&str]) -> Result<String, String> {
    let witness = fs::read_to_string(site.state("witness/witness.key")).unwrap();
    let witness = CosignerKey::parse(&witness.into()).unwrap().vkey();
    let (log, key, tsa) = (site.state("hub/log"), key(site).vkey(), site.state("tsa/ca.pem"));
    let words = ["verify", "--log", &log, "--vkey", &key, "--witness", &witness, "--tsa", &tsa];
    let done = site.program("wan", "varco-audit", &[&words, more].concat());
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
}

/// Another past under the hub's own key: what its witness answers to one that has `more` entries than it knows.
fn forked(site: &Site, more: u64) -> (String, String) {
    let known = witnessed(site).unwrap().size;
    let folder = site.state(&format!("forked-{more}"));
    let _ = fs::remove_dir_all(&folder);
    let entries: Vec<_> = (0..known + more).map(|n| format!("another entry {n}").into_bytes()).collect();
    let (key, folder) = (key(site), Path::new(&folder));
    let origin = key.name().to_owned();
    let mut log = Log::open(folder, &origin, key).unwrap();
    let signed = log.integrate(0, &entries).unwrap().clone();
    let proof = Tiles::open(Folder::new(folder), &signed).unwrap().consistency(known).unwrap();
    let proof: String = proof.iter().map(|hash| format!("{hash}\n")).collect();
    let (body, url) = (folder.join("body"), format!("https://{WITNESS_NAME}/add-checkpoint"));
    fs::write(&body, format!("old {known}\n{proof}\n{}", signed.note())).unwrap();
    let data = format!("@{}", body.display());
    let words = ["curl", "-sS", "-m", "5", "-w", "\n%{http_code}", "--data-binary", &data, &url];
    let said = String::from_utf8(site.run("wan", &words).stdout).unwrap();
    let (body, code) = said.rsplit_once('\n').unwrap();
    (code.to_owned(), body.to_owned())
}

/// SECURITY.md R24 to R26.
#[test]
fn the_hubs_log_is_cosigned_and_stamped_a_fork_is_refused_and_a_witness_that_is_gone_is_missed() {
    let site = Site::up(1);
    assert!(eventually(15, || verified(&site, &[]).is_ok()), "{:?}", verified(&site, &[]));
    let text = verified(&site, &[]).unwrap();
    assert!(text.contains(&format!("witness    {WITNESS_NAME}")) && text.contains("timestamp  "), "{text}");

    // A fork of the same size has another root; one that is longer has no proof.
    assert!(
        eventually(5, || forked(&site, 0) == ("409".into(), "another root is known for this size\n".into()))
    );
    assert!(eventually(5, || forked(&site, 1) == ("422".into(), "the proof does not hold\n".into())));

    // The log itself goes on: a login is an entry, cosigned within some seconds, and stamped when somebody asks.
    let before = witnessed(&site).unwrap().size;
    let citizen = site.guest(0).citizen("ada");
    assert!(eventually(10, || witnessed(&site).unwrap().size > before));
    let config = site.state("config/hub.toml");
    let stamped = site.program("wan", "varco-hub", &["timestamp", "--config", &config]);
    let said = String::from_utf8(stamped.stdout).unwrap();
    let size = said.split(' ').next().unwrap().to_owned();
    assert!(size.parse::<u64>().is_ok_and(|size| size > before), "{said}{:?}", stamped.stderr);
    let [token, note] =
        ["tsr", "checkpoint"].map(|end| site.state(&format!("hub/log/timestamps/{size}.{end}")));
    let text = verified(&site, &["--timestamp", &token, "--stamped", &note]).unwrap();
    assert!(text.contains(&format!("timestamp  {size} entries existed at")), "{text}");
    let wrong = verified(&site, &["--timestamp", &token]);
    assert!(
        wrong.is_err() || size.parse() == Ok(witnessed(&site).unwrap().size),
        "of another checkpoint: {wrong:?}"
    );

    // Killed, and not started again: the hub says so once a checkpoint has waited too long, and goes on without it.
    fs::write(site.state("config/witness.toml"), "broken").unwrap();
    let pids: serde_json::Value =
        serde_json::from_slice(&fs::read(site.state("pids.json")).unwrap()).unwrap();
    assert!(Command::new("kill").args(["-9", &pids["witness"].to_string()]).status().unwrap().success());
    citizen.log_out();
    let _again = site.guest(0).citizen("ada");
    let log = || fs::read_to_string(site.state("logs/hub.log")).unwrap_or_default();
    assert!(eventually(20, || log().contains("witness-late")), "{}", log());
    assert!(site.well());
}
