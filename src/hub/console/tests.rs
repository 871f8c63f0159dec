//! Each role at each page, and who has none; a browser that is led here by others.

use crate::{
    app,
    lookup::tests::{approval, request},
    testing::{
        Browser, Running, Site,
        idp::{Idp, Request, Says},
        location, log_keys,
    },
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use openidconnect::reqwest::{Response, StatusCode};
use std::path::Path;
use varco_audit::{
    Clock,
    case::{CaseId, Receipt},
    content::{Body, Content},
    keys::KeyFolder,
    leaf::{Header, Mark, join},
    pack::sha256,
    tlog::{Log, NoteKey, proof::Proof},
};
use varco_policy::pass::EndCause;

const ANNA: &str = "VRDNNA80A41X000M";
const BRUNO: &str = "BNCBRN75B02X000O";
const CARLA: &str = "NRECRL70C43X000V";
const DINO: &str = "GLLDNI85D04X000W";
const MARIO: &str = "RSSMRA80A01H501U";

/// Role and person.
const PEOPLE: [(&str, &str); 4] =
    [("auditor", ANNA), ("approver", BRUNO), ("privacy", CARLA), ("operator", DINO)];

fn lists() -> String {
    format!(
        "auditors = [\"{ANNA}\"]\napprovers = [\"{BRUNO}\"]\nprivacy = [\"{CARLA}\"]\noperators = [\"{DINO}\"]"
    )
}

async fn start(name: &str) -> (Running, Idp) {
    start_with(Site::make(name)).await
}

async fn start_with(site: Site) -> (Running, Idp) {
    let site = site.with_console(&lists());
    let holders = KeyFolder::at(log_keys()).people();
    let table = format!("\n[lookup]\nholders = {:?}\n[store]\n", holders.display().to_string());
    site.change("\n[store]\n", &table);
    let idp = Idp::new("https://idp.example.it", true);
    idp.register(&site.folder.join("idp/idp.xml"));
    (Running::with(site).await, idp)
}

/// The hidden value of the page's forms.
async fn form(page: Response) -> String {
    let page = page.text().await.unwrap();
    page.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// From the console to the hub, to the provider and back to the hub: the address of the callback.
async fn walk(hub: &Running, idp: &Idp, console: &mut Browser, person: &'static str) -> String {
    let hidden = form(console.get("/").await).await;
    let asked = console.post("/login", &[("form", &hidden)]).await;
    assert_eq!(asked.status(), StatusCode::SEE_OTHER);
    let mut at_hub = hub.browser();
    at_hub.get(&location(&asked)).await;
    let sent = at_hub.get(&format!("/spid/login?entityID={}", idp.entity_id)).await;
    let asked = Request { acs: format!("{}/spid/acs", hub.base), ..idp.read(&location(&sent)) };
    assert_eq!(asked.level, "https://www.spid.gov.it/SpidL2", "two factors");
    let message = idp.answer(&asked, &Says::Citizen(person), app::now());
    let message = [("SAMLResponse", message.as_str()), ("RelayState", &asked.relay_state)];
    location(&at_hub.post("/spid/acs", &message).await)
}

/// Somebody who has logged in.
async fn enter(hub: &Running, idp: &Idp, person: &'static str) -> Browser {
    let mut console = hub.console_browser();
    let back = walk(hub, idp, &mut console, person).await;
    assert!(back.starts_with(&format!("{}/login/callback?code=", hub.console)), "{back}");
    let entered = console.get(&back).await;
    assert_eq!(entered.status(), StatusCode::OK);
    assert_eq!(entered.headers()["refresh"], "0; url=/integrity");
    let cookies: Vec<_> =
        entered.headers().get_all("Set-Cookie").iter().map(|c| c.to_str().unwrap()).collect();
    let session = cookies.iter().find(|c| c.starts_with(super::session::COOKIE)).unwrap();
    for part in ["HttpOnly", "Secure", "Path=/", "SameSite=Strict"] {
        assert!(session.contains(part), "{session}");
    }
    console
}

async fn status(console: &mut Browser, path: &str) -> u16 {
    console.get(path).await.status().as_u16()
}

/// Every page, and who may see it: auditor, approver, privacy officer, operator.
const PAGES: [(&str, [bool; 4]); 16] = [
    ("/integrity", [true, true, true, true]),
    ("/integrity.csv", [true, true, true, true]),
    ("/sessions", [true, false, false, false]),
    ("/sessions.csv?from=2026-11-01", [true, false, false, false]),
    ("/counts.csv", [true, false, false, false]),
    ("/retention", [true, false, true, false]),
    ("/holds.csv", [true, false, true, false]),
    ("/due.csv", [true, false, true, false]),
    ("/search", [true, false, false, false]),
    ("/search.csv?log=@hub", [true, false, false, false]),
    ("/entry/@hub/0", [true, false, false, false]),
    ("/entry/@hub/0/proof", [true, false, false, false]),
    ("/cases", [true, true, true, false]),
    ("/cases.csv", [true, true, true, false]),
    ("/looked", [true, false, true, false]),
    ("/looked.csv", [true, false, true, false]),
];

/// SECURITY.md C2.
#[actix_web::test]
async fn each_role_sees_its_own_pages() {
    let (hub, idp) = start("console-roles").await;
    for (n, (role, person)) in PEOPLE.into_iter().enumerate() {
        let mut console = enter(&hub, &idp, person).await;
        for (page, may) in PAGES {
            let wanted = if may[n] { 200 } else { 403 };
            assert_eq!(status(&mut console, page).await, wanted, "{role} {page}");
        }
        for nowhere in ["/admin", "/integrity/x", "/../hub.toml", "/integrity.csv.csv"] {
            assert_eq!(status(&mut console, nowhere).await, 404, "{role} {nowhere}");
        }
    }
    hub.stop().await;
}

#[actix_web::test]
async fn there_is_no_page_without_a_login() {
    let (hub, _idp) = start("console-stranger").await;
    let mut stranger = hub.console_browser();
    for (page, _) in PAGES {
        let answer = stranger.get(page).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{page}");
        assert!(answer.text().await.unwrap().contains("Prima entrate"));
    }
    assert_eq!(status(&mut stranger, "/nowhere").await, 403, "which pages there are is not said");
    stranger.cookies.insert(super::session::COOKIE.into(), "a-guess".into());
    assert_eq!(status(&mut stranger, "/integrity").await, 403);
    hub.stop().await;
}

#[actix_web::test]
async fn who_is_not_listed_does_not_enter_and_is_on_record() {
    let (hub, idp) = start("console-unlisted").await;
    let mut mario = hub.console_browser();
    let back = walk(&hub, &idp, &mut mario, MARIO).await;
    let refused = mario.get(&back).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(!mario.cookies.contains_key(super::session::COOKIE));
    assert!(refused.text().await.unwrap().contains("non vi ha assegnato un ruolo"));
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    let row = "SELECT count(*) FROM authentication WHERE client_id = '@console' AND level = 2";
    assert_eq!(db.query_row(row, [], |row| row.get::<_, i64>(0)).unwrap(), 1);
    hub.stop().await;
}

/// Somebody else's answer, an old one, one of another browser, one that names another issuer.
#[actix_web::test]
async fn an_answer_is_good_once_and_in_the_browser_that_asked() {
    let (hub, idp) = start("console-replay").await;
    let mut anna = hub.console_browser();
    let back = walk(&hub, &idp, &mut anna, ANNA).await;
    let mut thief = hub.console_browser();
    assert_eq!(status(&mut thief, &back).await, 400, "no cookie of the login");
    let other = back.replace(&format!("iss={}", "https"), "iss=http");
    assert_ne!(other, back);
    assert_eq!(status(&mut anna, &other).await, 400);
    assert_eq!(status(&mut anna, &back).await, 400, "its state is used up");
    // A login that somebody else began is no way into a session of theirs.
    let mut bruno = hub.console_browser();
    let of_bruno = walk(&hub, &idp, &mut bruno, BRUNO).await;
    walk(&hub, &idp, &mut anna, ANNA).await;
    assert_eq!(status(&mut anna, &of_bruno).await, 400);
    assert!(!anna.cookies.contains_key(super::session::COOKIE));
    hub.stop().await;
}

/// The console's codes are good in the hub alone: nobody has its secret.
#[actix_web::test]
async fn a_code_of_the_console_opens_nothing_at_the_token_endpoint() {
    let (hub, idp) = start("console-code").await;
    let mut anna = hub.console_browser();
    let back = walk(&hub, &idp, &mut anna, ANNA).await;
    let code = back.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let redirect = format!("{}/login/callback", hub.console);
    for secret in ["", crate::testing::SECRET] {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "@console"),
            ("client_secret", secret),
            ("code", &code),
            ("redirect_uri", &redirect),
            ("code_verifier", "verifier-verifier-verifier-verifier-verifier"),
        ];
        assert_eq!(hub.browser().post("/oidc/token", &form).await.status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(anna.get(&back).await.status(), StatusCode::OK, "and is still hers");
    hub.stop().await;
}

#[actix_web::test]
async fn forms_are_our_own_and_a_logout_is_one() {
    let (hub, idp) = start("console-forms").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    for path in ["/login", "/logout"] {
        for fields in [&[("form", "forged")][..], &[]] {
            assert_eq!(anna.post(path, fields).await.status(), StatusCode::FORBIDDEN, "{path}");
        }
    }
    let secret = anna.cookies[super::session::COOKIE].clone();
    let hidden = form(anna.get("/integrity").await).await;
    assert_eq!(anna.post("/logout", &[("form", &hidden)]).await.status(), StatusCode::SEE_OTHER);
    assert!(!anna.cookies.contains_key(super::session::COOKIE));
    anna.cookies.insert(super::session::COOKIE.into(), secret);
    assert_eq!(status(&mut anna, "/integrity").await, 403, "the value is worth nothing any more");
    hub.stop().await;
}

/// A value that was planted before the login is not the one after it; nor is there a session of the login before.
#[actix_web::test]
async fn each_login_has_a_session_of_its_own() {
    let (hub, idp) = start("console-fixation").await;
    let mut anna = hub.console_browser();
    anna.cookies.insert(super::session::COOKIE.into(), "planted".into());
    let back = walk(&hub, &idp, &mut anna, ANNA).await;
    assert_eq!(anna.get(&back).await.status(), StatusCode::OK);
    assert_ne!(anna.cookies[super::session::COOKIE], "planted");
    assert_eq!(status(&mut anna, "/integrity").await, 200);
    let mut elsewhere = enter(&hub, &idp, ANNA).await;
    assert_eq!(status(&mut elsewhere, "/integrity").await, 200);
    assert_eq!(status(&mut anna, "/integrity").await, 403, "one session a person");
    hub.stop().await;
}

#[actix_web::test]
async fn a_login_that_the_provider_ends_is_ended_here() {
    let (hub, idp) = start("console-ended").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    assert_eq!(status(&mut anna, "/integrity").await, 200);
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    assert_eq!(db.execute("DELETE FROM session WHERE client_id = '@console'", []).unwrap(), 1);
    assert_eq!(status(&mut anna, "/integrity").await, 403);
    hub.stop().await;
}

#[actix_web::test]
async fn nothing_frames_the_console_and_it_answers_to_its_own_name() {
    let (hub, _idp) = start("console-headers").await;
    let answer = hub.console_browser().get("/").await;
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    let policy = header("content-security-policy");
    assert!(
        policy.contains("frame-ancestors 'none'") && policy.starts_with("default-src 'none'"),
        "{policy}"
    );
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
    assert!(policy.contains(&format!("form-action 'self' {}", hub.base)), "{policy}");
    assert_eq!(header("x-frame-options"), "DENY");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    // The hub's own name, or any other, is not answered here; and the console's paths are none at the hub.
    for host in ["accesso.comune.example.it", "evil.example", "127.0.0.1"] {
        let asked = hub.client.get(format!("{}/", hub.console)).header("Host", host);
        assert_eq!(asked.send().await.unwrap().status(), StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    assert_eq!(hub.browser().get("/integrity").await.status(), StatusCode::NOT_FOUND);
    hub.stop().await;
}

/// SECURITY.md C4: it is in the log before it is on the page, and a page that cannot be recorded is not shown.
#[actix_web::test]
async fn who_looks_is_seen() {
    let (hub, idp) = start("console-looked").await;
    let mut carla = enter(&hub, &idp, CARLA).await;
    let before = next(&hub);
    assert_eq!(status(&mut carla, "/integrity").await, 200);
    assert_eq!(next(&hub), before, "nothing personal is there");
    let page = carla.get("/looked").await.text().await.unwrap();
    assert_eq!(next(&hub), before + 1);
    assert!(
        page.contains("/looked?month=") && page.contains("responsabile della protezione dei dati"),
        "{page}"
    );
    assert!(
        page.contains(&format!("<td class=\"number\">{before}</td>")),
        "its own view is the newest: {page}"
    );
    let leaf = hub.hub.log.leaf(before).unwrap().unwrap();
    let text = String::from_utf8_lossy(&leaf).into_owned();
    assert!(text.starts_with("varco-leaf/1 R4 @hub ") && !text.contains("privacy"), "sealed: {text}");
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.execute_batch("CREATE TRIGGER full BEFORE INSERT ON viewed BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    for path in ["/looked", "/looked.csv", "/cases", "/cases.csv", "/retention", "/holds.csv"] {
        let refused = carla.get(path).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!refused.text().await.unwrap().contains("/looked?month="));
    }
    assert_eq!(next(&hub), before + 1);
    hub.stop().await;
}

/// How many leaves the hub's log was ever given.
fn next(hub: &Running) -> u64 {
    let state = hub.hub.log.state();
    state.size + state.waiting
}

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

/// The steps of cases in the hub's log are the list of cases once more.
#[actix_web::test]
async fn who_searches_the_steps_of_cases_is_seen() {
    let (hub, idp) = start("console-steps").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let before = next(&hub);
    assert_eq!(status(&mut anna, "/search?log=@hub").await, 200);
    assert_eq!(next(&hub), before, "no case is there");
    let case = CaseId::of(b"a request");
    let by = ["anna".to_owned(), "bruno".to_owned()];
    let body = Body::Held { case, by, until: app::now(), records: 2, digest: "00".repeat(32) };
    let held = hub.hub.log.record(&[body], app::now()).unwrap();
    hub.hub.log.prove(held).unwrap();
    let pages = [
        "/search?log=@hub".to_owned(),
        "/search.csv?log=@hub".to_owned(),
        format!("/search?log=@hub&sequence={held}"),
        format!("/entry/@hub/{held}"),
        format!("/entry/@hub/{held}/proof"),
    ];
    for (page, n) in pages.iter().zip(1..) {
        let shown = anna.get(page).await.text().await.unwrap();
        assert!(shown.contains(&case.to_string()) || page.ends_with("/proof"), "{page}: {shown}");
        assert_eq!(next(&hub), held + 1 + n, "{page}");
    }
    let db = rusqlite::Connection::open(hub.site.folder.join("state/hub.db")).unwrap();
    db.execute_batch("CREATE TRIGGER full BEFORE INSERT ON viewed BEGIN SELECT RAISE(ABORT, 'full'); END")
        .unwrap();
    for page in &pages {
        let refused = anna.get(page).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{page}");
    }
    hub.stop().await;
}

/// What is typed comes back on the page, as text.
#[actix_web::test]
async fn what_is_typed_is_text() {
    let (hub, idp) = start("console-escape").await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let typed = "%22%3E%3Cscript%3Ealert(1)%3C/script%3E";
    for page in
        ["/search?log=@hub&sequence=", "/search?class=", "/sessions?log=", "/looked?month=", "/integrity?"]
    {
        let text = anna.get(&format!("{page}{typed}")).await.text().await.unwrap();
        assert!(!text.contains("<script"), "{page}: {text}");
    }
    hub.stop().await;
}

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
    let long = "x".repeat(super::cases::hand_in::LARGEST);
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

const ORIGIN: &str = "accesso.comune.example.it/log/biblioteca-civica";

/// The log of a gateway as its copy here has it: sums of yesterday, a difference that was found, and silence since.
fn copied(folder: &Path, key: NoteKey, yesterday: Date) {
    let ago = |minutes| app::now().checked_sub(SignedDuration::from_mins(minutes)).unwrap();
    let ended = [(EndCause::LoggedOut, 4), (EndCause::Expired, 1)].into();
    let bodies = [
        (ago(90), Body::Heartbeat { open: 5, clock: Clock::Unknown }, Mark::None),
        (ago(60), Body::Day { day: yesterday, began: 5, ended }, Mark::Day),
        (ago(40), Body::Reconciled { missing: 1, unknown: 0 }, Mark::None),
        (ago(40), Body::Heartbeat { open: 5, clock: Clock::Unknown }, Mark::None),
    ];
    let leaf = |(n, (at, body, mark)): (usize, (Timestamp, Body, Mark))| {
        let class = body.class();
        let site = "biblioteca-civica".to_owned();
        let header = Header { class, site, sequence: n as u64, at, period: None, mark };
        join(&header.to_string(), &serde_json::to_vec(&Content { body, clock: None }).unwrap())
    };
    let leaves: Vec<_> = bodies.into_iter().enumerate().map(leaf).collect();
    Log::open(folder, ORIGIN, key).unwrap().integrate(0, &leaves).unwrap();
}

/// The copy's own files are what the pages read: what is wrong with them is said by name.
#[actix_web::test]
async fn sums_and_alarms_come_by_the_copy() {
    let site = Site::make("console-copy");
    let key = NoteKey::load_or_make(&site.folder.join("gateway.key"), ORIGIN).unwrap();
    let line = format!("client_id = \"biblioteca-civica\"\nlog_key = \"{}\"", key.vkey());
    site.change("client_id = \"biblioteca-civica\"", &line);
    let (hub, idp) = start_with(site).await;
    let mut anna = enter(&hub, &idp, ANNA).await;
    let row =
        |page: &str| page.lines().find(|line| line.starts_with("biblioteca")).unwrap_or_default().to_owned();
    assert_eq!(status(&mut anna, "/sessions").await, 200, "nothing ever came");
    assert_eq!(status(&mut anna, "/search?log=biblioteca-civica").await, 200);
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert!(row(&integrity).starts_with("biblioteca-civica,mai inviato,nessuno,"), "{integrity}");

    let folder = crate::mirror::folder(&hub.site.folder.join("state"), ORIGIN);
    let zone = TimeZone::get("Europe/Rome").unwrap();
    let yesterday = app::now().to_zoned(zone).date().yesterday().unwrap();
    copied(&folder, key, yesterday);
    hub.hub.follow.copied(ORIGIN, &(0..4));
    let sums = format!("biblioteca-civica,{yesterday},5,");
    let mut page = String::new();
    for _ in 0..100 {
        page = anna.get("/sessions.csv").await.text().await.unwrap();
        if !row(&page).is_empty() {
            break;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    // Four logged out; one whose time was over is too few to be told.
    assert!(
        row(&page).starts_with(&sums) && row(&page).contains(",4,") && !row(&page).contains(",1,"),
        "{page}"
    );
    let counts = anna.get("/counts.csv").await.text().await.unwrap();
    assert!(counts.contains(",1,3\r\n") || counts.contains(",1,2\r\n"), "{counts}");
    let shown = anna.get("/sessions").await.text().await.unwrap();
    assert!(shown.contains("meno di 3") && shown.contains(&yesterday.to_string()), "{shown}");

    // The sums of a day are clear, whatever they are: nothing of them but the header is to be had.
    let entry = anna.get("/entry/biblioteca-civica/1").await.text().await.unwrap();
    assert!(!entry.contains("/proof") && entry.contains("non c'è una prova"), "{entry}");
    let proofs = [0, 1, 2].map(|n| format!("/entry/biblioteca-civica/{n}/proof"));
    for (proof, expected) in proofs.iter().zip([200, 404, 200]) {
        assert_eq!(status(&mut anna, proof).await, expected, "{proof}");
    }

    let alarms = |page: &str| row(page).split(',').nth(1).unwrap_or_default().to_owned();
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert_eq!(alarms(&integrity), "silenzio; differenze", "{integrity}");
    std::fs::create_dir(folder.join("forked")).unwrap();
    let old = app::now().checked_sub(SignedDuration::from_hours(2)).unwrap();
    std::fs::File::options()
        .append(true)
        .open(folder.join("checkpoint"))
        .unwrap()
        .set_modified(old.into())
        .unwrap();
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert_eq!(alarms(&integrity), "due versioni; invio fermo; silenzio; differenze", "{integrity}");
    let page = anna.get("/integrity").await.text().await.unwrap();
    assert!(page.contains("Conservate entrambe le versioni") && page.contains("role=\"alert\""), "{page}");
    let tile = folder.join("tile/0/000.p/4");
    let mut octets = std::fs::read(&tile).unwrap();
    octets[0] ^= 1;
    std::fs::write(&tile, octets).unwrap();
    let integrity = anna.get("/integrity.csv").await.text().await.unwrap();
    assert!(alarms(&integrity).starts_with("danneggiato; due versioni"), "{integrity}");
    hub.stop().await;
}

/// What both officers said of keys and holds is on the page of what is kept.
#[actix_web::test]
async fn what_is_held_and_what_was_destroyed_is_told() {
    let site = Site::make("console-retention");
    site.change("[log]\n", "[log]\nretention = { R2b = \"7 days\" }\n");
    let (hub, idp) = start_with(site).await;
    let case = CaseId::of(b"a request");
    let by = || ["anna".to_owned(), "bruno".to_owned()];
    let bodies = [
        Body::Held { case, by: by(), until: app::now(), records: 2, digest: "00".repeat(32) },
        Body::Expired {
            class: "R2b".to_owned(),
            period: "2026-W20".to_owned(),
            by: by(),
            keys: 4,
            early: true,
            statement: "00".repeat(32),
        },
    ];
    let first = hub.hub.log.record(&bodies, app::now()).unwrap();
    hub.hub.log.prove(first + 1).unwrap();
    hub.hub.follow.copied(hub.hub.log.key().name(), &(0..first + 2));
    let mut carla = enter(&hub, &idp, CARLA).await;
    let mut page = String::new();
    for _ in 0..100 {
        page = carla.get("/retention").await.text().await.unwrap();
        if page.contains(&case.to_string()) {
            break;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(page.contains(&format!("href=\"/cases/{case}\"")) && page.contains("congelati"), "{page}");
    assert!(page.contains("2026-W20") && page.contains(&format!("(voce {})", first + 1)), "{page}");
    // The keys of 1970 are over, and nobody has destroyed them; this week's are kept. They end as the hub's settings say.
    let due = carla.get("/due.csv").await.text().await.unwrap();
    assert!(
        due.contains("R2b attribuzione di indirizzo e porte,1970-W01,1970-01-05")
            && due.contains("da distruggere"),
        "{due}"
    );
    assert!(due.contains("conservate") && due.contains("distrutte prima del termine"), "{due}");
    let holds = carla.get("/holds.csv").await.text().await.unwrap();
    assert!(
        holds.lines().count() == 2 && holds.contains(&case.to_string()) && !holds.contains("anna"),
        "{holds}"
    );
    hub.stop().await;
}
