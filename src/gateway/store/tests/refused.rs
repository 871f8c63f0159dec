//! A disk that is full, and folders that are not the store's.

use super::*;

#[test]
fn a_full_disk_fails_whole_and_works_again_with_room() {
    let folder = folder();
    let mut store = open(folder.path()).unwrap();
    store.commit(&[Change::Started(pass(0))], at(0)).unwrap();
    store.limit_pages(1);
    let many: Vec<_> = (1..100).map(|n| Change::Started(pass(n))).collect();
    let error = store.commit(&many, at(1)).unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    assert_eq!(store.open_passes().unwrap().len(), 1, "all or none");
    store.limit_pages(1_000_000);
    store.commit(&many, at(2)).unwrap();
    assert_eq!(store.open_passes().unwrap().len(), 100);
    assert_eq!(entries(folder.path()).len(), 100);
}

#[test]
fn two_gateways_a_newer_database_and_a_missing_folder_are_refused() {
    let folder = folder();
    let store = open(folder.path()).unwrap();
    assert!(matches!(open(folder.path()), Err(StoreError::InUse)));
    store.connection.pragma_update(None, "user_version", 99).unwrap();
    drop(store);
    let newer = open(folder.path());
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, known: 5 })));
    assert!(matches!(open(&folder.path().join("no")), Err(StoreError::Folder(_))));
}

#[test]
fn what_is_not_a_database_is_refused() {
    let folder = folder();
    std::fs::write(folder.path().join("site.db"), "this is no database, and long enough to be read as one")
        .unwrap();
    assert!(open(folder.path()).is_err());
}
