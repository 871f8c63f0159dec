//! Entries and their proofs.

use super::*;
use varco_audit::tlog::proof::Proof;

#[actix_web::test]
async fn an_entry_has_a_header_and_a_proof_and_no_content() {
    let (hub, idp) = start("console-entry").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let proof = anna.get("/entry/@hub/0/proof").await;
    assert!(proof.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    let proof = proof.text().await.unwrap();
    let read = Proof::parse(proof.as_bytes()).unwrap();
    assert!(read.verify(hub.hub.log.key()).unwrap().is_some());
    let page = anna.get("/entry/@hub/0").await.text().await.unwrap();
    assert!(page.contains("R5") && page.contains("Scarica la prova") && !page.contains("resumed"), "{page}");
    for nowhere in ["/entry/@hub/999999", "/entry/nowhere/0", "/entry/@hub/999999/proof"] {
        assert_eq!(status(&mut anna, nowhere).await, 404, "{nowhere}");
    }
    hub.stop().await;
}
