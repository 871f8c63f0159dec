//! Whether metadata is where everybody can fetch it.

use super::tls;
use crate::{
    login::saml::{MAX_LIST, Outcome},
    registry::{Limits, client, octets},
};
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use openssl::x509::X509;
use reqwest::{Response, header};
use url::Url;

/// *Regole tecniche SPID*.
pub const RT: &str = "Regole tecniche SPID, metadata";
/// How far the clocks may be apart, in seconds: providers refuse requests from another minute.
const MOST_APART: i64 = 60;

/// Fetches what is at an address, and says what everybody who fetches it would meet.
pub async fn address(target: &str, ca: Option<&[X509]>, now: Timestamp) -> (Vec<Outcome>, Option<Vec<u8>>) {
    let reached =
        "il metadata si raggiunge su https, con una catena di certificati valida e senza reindirizzamenti";
    let missing = |why: String| (vec![Outcome::of(reached, RT, Err(why))], None);
    let url = match Url::parse(target) {
        Ok(url) if url.scheme() == "https" => url,
        _ => return missing("non è un indirizzo https".to_owned()),
    };
    let answer = match get(&url, ca).await {
        Ok(answer) => answer,
        Err(why) => return missing(format!("{why:#}")),
    };
    let mut outcomes = vec![Outcome::of(reached, RT, Ok(()))];
    outcomes.extend([path(&url), kind(&answer), clock(&answer, now)]);
    outcomes.extend(tls::versions(&url).await);
    match octets(answer, MAX_LIST).await {
        Ok(octets) => (outcomes, Some(octets)),
        Err(why) => {
            outcomes.push(Outcome::of("il metadata si legge per intero", RT, Err(format!("{why:#}"))));
            (outcomes, None)
        }
    }
}

async fn get(url: &Url, ca: Option<&[X509]>) -> anyhow::Result<Response> {
    let answer = client(ca, Limits::default())?.get(url.clone()).send().await?;
    anyhow::ensure!(answer.status() == reqwest::StatusCode::OK, "risponde {}", answer.status());
    Ok(answer)
}

fn path(url: &Url) -> Outcome {
    let good = url.path().ends_with("/metadata") && url.query().is_none();
    let held = if good { Ok(()) } else { Err(format!("è {}: pubblicalo a …/metadata", url.path())) };
    Outcome::of("l'indirizzo finisce in /metadata, senza parametri", RT, held)
}

fn kind(answer: &Response) -> Outcome {
    let known = ["application/samlmetadata+xml", "application/xml", "text/xml"];
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let bare = kind.split(';').next().unwrap_or_default().trim();
    let good = known.iter().any(|k| bare.eq_ignore_ascii_case(k));
    let held = if good { Ok(()) } else { Err(format!("è «{kind}»: servilo come {}", known.join(", "))) };
    Outcome::of("il tipo del contenuto è XML", "SAML 2.0 Metadata, appendice A", held)
}

fn clock(answer: &Response, now: Timestamp) -> Outcome {
    let rule = "l'orologio del server e il nostro differiscono di meno di un minuto";
    let source = "Regole tecniche SPID, single sign-on";
    let date = answer.headers().get(header::DATE).and_then(|v| v.to_str().ok());
    let parsed = date.and_then(|date| DateTimeParser::new().parse_timestamp(date).ok());
    let Some(theirs) = parsed else { return Outcome::skipped(rule, source, "il server non dice che ora è") };
    let apart = theirs.duration_since(now).abs().as_secs();
    let advice = format!("differiscono di {apart} secondi: attiva NTP su entrambi");
    Outcome::of(rule, source, if apart < MOST_APART { Ok(()) } else { Err(advice) })
}
