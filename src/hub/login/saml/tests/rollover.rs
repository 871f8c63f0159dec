//! The switch from one pair to the next, cut at every step.

use super::{super::Keys, fixture::*};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

fn read(folder: &Path, name: &str) -> Vec<u8> {
    std::fs::read(folder.join(name)).unwrap()
}

/// A folder with a pair and the one that follows.
fn begun() -> Folder {
    let folder = Folder::new();
    for (signer, name) in [(idp(), "spid"), (stranger(), "spid-next")] {
        folder.write(&format!("{name}.key"), signer.key.private_key_to_pem_pkcs8().unwrap());
        folder.write(&format!("{name}.pem"), signer.certificate.to_pem().unwrap());
    }
    folder
}

fn whole(folder: &Folder) -> bool {
    let keys = Keys::load(&folder.0).unwrap();
    keys.certificate().public_key().unwrap().public_eq(keys.private())
}

fn aside(folder: &Folder) -> Vec<PathBuf> {
    let names = std::fs::read_dir(&folder.0).unwrap().map(|file| file.unwrap().path());
    let mut kept: Vec<_> = names.filter(|n| n.to_string_lossy().contains("spid-until-")).collect();
    kept.sort();
    kept
}

/// The switch went through: the second pair signs, the first is kept, nothing follows.
fn rolled(folder: &Folder) {
    assert!(whole(folder));
    let keys = Keys::load(&folder.0).unwrap();
    assert_eq!(keys.certificate().to_der().unwrap(), stranger().certificate.to_der().unwrap());
    assert!(keys.next().is_none() && !folder.0.join("spid-next.key").exists());
    let kept = aside(folder);
    let [key, certificate] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(std::fs::read(key).unwrap(), idp().key.private_key_to_pem_pkcs8().unwrap());
    assert_eq!(std::fs::read(certificate).unwrap(), idp().certificate.to_pem().unwrap());
    assert_eq!(read(&folder.0, "spid.key"), stranger().key.private_key_to_pem_pkcs8().unwrap());
}

#[test]
fn a_switch_cut_at_any_step_signs_with_a_whole_pair_and_goes_on() {
    let name = {
        let folder = begun();
        let name = Keys::roll(&folder.0).unwrap();
        rolled(&folder);
        name
    };
    // The steps in their order: two second names, two renames.
    let steps: [fn(&Path, &str); 4] = [
        |f, kept| std::fs::hard_link(f.join("spid.key"), f.join(format!("{kept}.key"))).unwrap(),
        |f, kept| std::fs::hard_link(f.join("spid.pem"), f.join(format!("{kept}.pem"))).unwrap(),
        |f, _| std::fs::rename(f.join("spid-next.key"), f.join("spid.key")).unwrap(),
        |f, _| std::fs::rename(f.join("spid-next.pem"), f.join("spid.pem")).unwrap(),
    ];
    for cut in 0..=steps.len() {
        let folder = begun();
        steps[..cut].iter().for_each(|step| step(&folder.0, &name));
        assert!(whole(&folder), "cut after {cut} steps");
        if cut < steps.len() {
            assert_eq!(Keys::roll(&folder.0).unwrap(), name, "cut after {cut} steps");
        }
        rolled(&folder);
        assert!(Keys::roll(&folder.0).is_err(), "there is nothing more to switch to");
        rolled(&folder);
    }
}

#[test]
fn a_pair_that_follows_is_made_once_and_anew_when_its_making_was_cut() {
    let folder = Folder::new();
    Keys::make(&folder.0, &body(), US, now()).unwrap();
    Keys::make_next(&folder.0, &body(), US, now()).unwrap();
    let mode = std::fs::metadata(folder.0.join("spid-next.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = read(&folder.0, "spid-next.key");
    assert!(Keys::make_next(&folder.0, &body(), US, now()).is_err());
    assert_eq!(read(&folder.0, "spid-next.key"), before);
    std::fs::remove_file(folder.0.join("spid-next.pem")).unwrap();
    assert!(whole(&folder) && Keys::load(&folder.0).unwrap().next().is_none());
    Keys::make_next(&folder.0, &body(), US, now()).unwrap();
    assert!(whole(&folder) && read(&folder.0, "spid-next.key") != before);
}

#[test]
fn a_pair_that_follows_must_be_a_pair() {
    let folder = begun();
    folder.write("spid-next.pem", idp().certificate.to_pem().unwrap());
    let said = |fault: Option<super::super::Fault>| fault.unwrap().to_string();
    assert!(said(Keys::load(&folder.0).err()).contains("not the certificate of spid-next.key"));
    assert!(said(Keys::roll(&folder.0).err()).contains("not the certificate of spid-next.key"));
    assert!(aside(&folder).is_empty(), "nothing was touched");
}
