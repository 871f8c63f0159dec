//! Documents that are handed in, receipts, and the sheet.

use super::*;
use crate::{
    console::cases::hand_in::LARGEST,
    lookup::tests::{approval, request},
};
use varco_audit::{case::Receipt, pack::sha256};

/// A form as browsers send it in parts (RFC 7578): name, name of the file where it is one, value.
async fn in_parts(console: &mut Browser, path: &str, parts: &[(&str, Option<&str>, &str)]) -> Response {
    let part = |(name, file, value): &(&str, Option<&str>, &str)| {
        let file = file.map(|file| format!("; filename=\"{file}\"\r\nContent-Type: text/plain"));
        let file = file.unwrap_or_default();
        format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n")
    };
    let body = parts.iter().map(part).collect::<String>() + "--edge--\r\n";
    let request = console.client.post(format!("{}{path}", console.base)).body(body);
    console.send(request.header("Content-Type", "multipart/form-data; boundary=edge")).await
}

/// Hands a document in, as the page's form does: as a file, or as text that was pasted.
async fn send(console: &mut Browser, path: &str, (file, text): (&str, &str)) -> (u16, String) {
    let hidden = form(console.get("/cases").await).await;
    let name = if file.is_empty() { "" } else { "x.request" };
    let parts = [("form", None, hidden.as_str()), ("file", Some(name), file), ("text", None, text)];
    let answer = in_parts(console, path, &parts).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn hand_in(console: &mut Browser, path: &str, document: &str) -> (u16, String) {
    send(console, path, (document, "")).await
}

/// SECURITY.md C1: each half at its own role, in whichever order they are tried; the receipt is what officers' programs take.
#[actix_web::test]
async fn one_asks_and_another_allows() {
    let (hub, idp) = start("console-case").await;
    let (mut anna, mut bruno) = (enter(&hub, &idp, ANNA).await, enter(&hub, &idp, BRUNO).await);
    let now = app::now();
    let (case, asked) = request(now);
    let allowed = approval(case, now);
    // Nobody holds the other half, whatever the form and whatever the document.
    assert_eq!(hand_in(&mut anna, "/cases/decision", &allowed).await.0, 403);
    assert_eq!(hand_in(&mut anna, "/cases/request", &allowed).await.0, 422);
    assert_eq!(hand_in(&mut bruno, "/cases/request", &asked).await.0, 403);
    assert_eq!(hand_in(&mut bruno, "/cases/decision", &asked).await.0, 422);
    let early = hand_in(&mut bruno, "/cases/decision", &allowed).await;
    assert!(
        early.0 == 422 && early.1.contains("Prima va consegnata quella"),
        "it was not asked: {}",
        early.1
    );
    for fields in [&[("text", asked.as_str())][..], &[("form", "x"), ("text", &asked)]] {
        assert_eq!(anna.post("/cases/request", fields).await.status(), StatusCode::FORBIDDEN, "not in parts");
    }
    let forged = [("form", None, "x"), ("file", Some("x.request"), asked.as_str())];
    assert_eq!(in_parts(&mut anna, "/cases/request", &forged).await.status(), StatusCode::FORBIDDEN);
    // Lines end in two characters where a text was pasted.
    let pasted = asked.replace('\n', "\r\n");
    let (status_of, page) = send(&mut anna, "/cases/request", ("", &pasted)).await;
    assert!(status_of == 200 && page.contains(&case.to_string()) && page.contains("chiesta"), "{page}");
    let receipt = format!("/cases/{case}/receipt");
    assert_eq!(status(&mut anna, &receipt).await, 404, "not allowed yet");
    assert_eq!(hand_in(&mut bruno, "/cases/decision", &allowed).await.0, 200);
    let before = next(&hub);
    let page = anna.get(&format!("/cases/{case}")).await.text().await.unwrap();
    assert!(page.contains("approvata") && page.contains(&receipt), "{page}");
    assert_eq!(next(&hub), before + 1, "that she looked is an entry");
    let steps = anna.get(&format!("/cases/{case}/steps.csv")).await.text().await.unwrap();
    assert!(steps.starts_with("Passo,Quando,Voce del registro,") && steps.lines().count() == 3, "{steps}");
    assert_eq!(next(&hub), before + 2);
    let before = next(&hub) - 1;
    let receipt = anna.get(&receipt).await.text().await.unwrap();
    assert_eq!(next(&hub), before + 2);
    let read = Receipt::verify(receipt.as_bytes(), case, hub.hub.log.key(), &[]).unwrap();
    the_sheet(&hub, &mut anna, case, read.index).await;
    let mut dino = enter(&hub, &idp, DINO).await;
    for below in ["", "/receipt", "/steps.csv", "/sheet"] {
        assert_eq!(status(&mut dino, &format!("/cases/{case}{below}")).await, 403, "{below}");
    }
    let mut carla = enter(&hub, &idp, CARLA).await;
    assert_eq!(status(&mut carla, &format!("/cases/{case}")).await, 200);
    assert_eq!(status(&mut carla, &format!("/cases/{case}/receipt")).await, 403);
    let long = "x".repeat(LARGEST);
    assert_eq!(hand_in(&mut anna, "/cases/request", &long).await.0, 413);
    hub.stop().await;
}

/// What can be printed has the entries, the head that covers them, and room for a signature; no address, and nobody.
async fn the_sheet(hub: &Running, anna: &mut Browser, case: CaseId, allowed: u64) {
    let view = next(hub);
    let page = anna.get(&format!("/cases/{case}/sheet")).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("style-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let page = page.text().await.unwrap();
    assert_eq!(next(hub), view + 1, "that it was opened is an entry");
    let octets = hub.hub.log.leaf(allowed).unwrap().unwrap();
    let (entry, head) = (sha256(&octets), hub.hub.log.checkpoint().unwrap());
    for known in [&case.to_string(), &entry, &head.origin, &hub.hub.log.key().to_string()] {
        assert!(page.contains(known), "{known}: {page}");
    }
    assert!(page.contains(&format!("La consultazione è la voce {view} dello")), "{page}");
    assert!(page.contains("Luogo e data") && page.contains("varco_verify.py pack"), "{page}");
    for never in ["198.18.", "requester", "decreto", "Procura", "style=", "<script"] {
        assert!(!page.contains(never), "{never}: {page}");
    }
    let english = anna.get(&format!("/cases/{case}/sheet?lang=en")).await.text().await.unwrap();
    assert!(english.contains("Place and date") && english.contains(&entry), "{english}");
    assert_eq!(status(anna, "/cases/00000000000000000000000000000000/sheet").await, 404);
    assert!(anna.get("/assets/console.css").await.text().await.unwrap().contains("@media print"));
}
