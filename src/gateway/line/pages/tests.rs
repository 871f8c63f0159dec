//! The pages as a browser and a scraper get them.

use super::{super::ledger::Ledger, *};
use crate::store::tests::tempdir::Folder;
use actix_web::{App, body::to_bytes, test};

struct Answer {
    status: StatusCode,
    content_type: String,
    body: String,
}

async fn get(evidence: &Evidence, path: &str) -> Answer {
    let app = App::new().app_data(web::Data::new(evidence.clone())).configure(routes);
    let app = test::init_service(app).await;
    let response = test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await;
    let status = response.status();
    let content_type = response.headers().get("content-type").map(|v| v.to_str().unwrap().to_owned());
    let body = to_bytes(response.into_body()).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    Answer { status, content_type: content_type.unwrap_or_default(), body }
}

fn evidence(folder: &Folder) -> Evidence {
    Evidence {
        title: "Scuola".into(),
        school: true,
        zone: TimeZone::system(),
        state: folder.path().into(),
        board: Arc::default(),
        live: Arc::default(),
        hub: Arc::default(),
    }
}

/// An hour of minutes, up to this one.
fn an_hour(folder: &Folder) {
    let mut ledger = Ledger::new(folder.path());
    let end = u64::try_from(super::super::now().as_second()).unwrap() / 60 * 60;
    for at in (end - 3_600..end).step_by(60) {
        let minute = Minute {
            at,
            observed_ms: 60_000,
            guest_down_bytes: 300_000_000,
            office_down_bytes: 3_000_000,
            line_up_bytes: 750_000_000,
            line_down_bytes: 750_000_000,
            delay_p99_us: Some(900),
            ..Minute::default()
        };
        ledger.keep(minute).unwrap();
    }
}

/// The drawings of a page, each parsed as the XML that it must be.
fn drawings(page: &str) -> usize {
    let mut drawn = 0;
    for part in page.split("<svg").skip(1) {
        let svg = format!("<svg{}</svg>", part.split("</svg>").next().unwrap());
        let document = roxmltree::Document::parse(&svg).unwrap_or_else(|e| panic!("{e}: {svg}"));
        let root = document.root_element();
        let text = |name| root.children().find(|n| n.has_tag_name(("http://www.w3.org/2000/svg", name)));
        for name in ["title", "desc"] {
            let node = text(name).unwrap();
            assert!(!node.text().unwrap().is_empty(), "{name}");
            assert!(
                root.attribute("aria-labelledby")
                    .unwrap()
                    .split(' ')
                    .any(|id| node.attribute("id") == Some(id))
            );
        }
        let refused = |n: roxmltree::Node<'_, '_>| {
            n.attribute("style").is_some() || n.attributes().any(|a| a.name().starts_with("on"))
        };
        assert!(!root.descendants().any(|n| refused(n) || n.has_tag_name("script")));
        drawn += 1;
    }
    drawn
}

#[actix_web::test]
async fn the_page_says_the_day_and_draws_it() {
    let folder = Folder::new();
    an_hour(&folder);
    let answer = get(&evidence(&folder), "/evidence?lang=en").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(drawings(&answer.body), 4);
    assert!(answer.body.contains("40 % of the line was lent; lessons waited 0 seconds"), "{}", answer.body);
    assert!(answer.body.contains(">40.0<") && answer.body.contains("Not measured"));
    assert_eq!(answer.body.matches("<tr>").count(), 2 + 48 + 30);
}

#[actix_web::test]
async fn before_the_first_minute_there_is_a_page_too() {
    let folder = Folder::new();
    let answer = get(&evidence(&folder), "/evidence").await;
    assert_eq!((answer.status, drawings(&answer.body)), (StatusCode::OK, 4));
    assert!(answer.body.contains("Oggi: nulla è stato misurato."));
    assert!(!answer.body.contains("notice alarm"));
}

#[actix_web::test]
async fn a_broken_file_is_said_on_the_page() {
    let folder = Folder::new();
    std::fs::write(ledger::file(folder.path()), "no database at all".repeat(99)).unwrap();
    let answer = get(&evidence(&folder), "/evidence?lang=en").await;
    assert!(answer.body.contains("Evidence cannot be written or read: evidence.db:"), "{}", answer.body);
}

#[actix_web::test]
async fn the_minutes_are_exported() {
    let folder = Folder::new();
    an_hour(&folder);
    let today = Zoned::new(super::super::now(), TimeZone::system()).date();
    let from = today.yesterday().unwrap();
    let answer = get(&evidence(&folder), &format!("/evidence.csv?from={from}&to={today}")).await;
    assert_eq!(
        (answer.status, answer.content_type.as_str()),
        (StatusCode::OK, "text/csv; charset=utf-8; header=present")
    );
    assert_eq!(answer.body.matches("\r\n").count(), 61);
    for (query, status) in [
        ("from=2025-01-01&to=2026-01-31", StatusCode::OK),
        ("from=2026-01-02&to=2026-01-01", StatusCode::BAD_REQUEST),
        ("from=2026-01-02", StatusCode::BAD_REQUEST),
        ("from=x&to=2026-01-01", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(
            get(&evidence(&folder), &format!("/evidence.csv?{query}")).await.status,
            status,
            "{query}"
        );
    }
}

#[actix_web::test]
async fn what_cannot_be_read_is_not_an_empty_export() {
    let folder = Folder::new();
    let path = "/evidence.csv?from=2026-01-01&to=2026-01-31";
    assert_eq!(get(&evidence(&folder), path).await.status, StatusCode::SERVICE_UNAVAILABLE);
    std::fs::write(ledger::file(folder.path()), "no database at all".repeat(99)).unwrap();
    assert_eq!(get(&evidence(&folder), path).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[actix_web::test]
async fn a_long_export_comes_in_pieces_and_whole() {
    let folder = Folder::new();
    let mut ledger = Ledger::new(folder.path());
    (0..1_000).for_each(|n| ledger.keep(Minute { at: 1_790_000_040 + n * 60, ..Minute::default() }).unwrap());
    let answer = get(&evidence(&folder), "/evidence.csv?from=2026-09-01&to=2026-09-30").await;
    assert!(answer.body.len() > 64 * 1024, "{}", answer.body.len());
    assert_eq!(answer.body.matches("\r\n").count(), 1_001);
}

#[actix_web::test]
async fn the_metrics_say_what_they_are() {
    let folder = Folder::new();
    let answer = get(&evidence(&folder), "/metrics").await;
    assert_eq!((answer.status, answer.content_type.as_str()), (StatusCode::OK, metrics::CONTENT_TYPE));
    assert!(answer.body.contains("# TYPE varco_lane_bytes_total counter\n"));
}
