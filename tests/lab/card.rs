//! A citizen with a smart card.

use super::{
    browser::{Arrived, Browser},
    login,
    plan::{self, Host},
    state::Lab,
};
use crate::cns::{Card, Certifier, Reader, chromium::Chromium, reader::Held};
use anyhow::{Result, bail};

/// Where a page has the way on: the portal's button, and the hub's to cards. Each is pressed once.
const WAYS: [&str; 3] =
    ["a[href*='/cns/login']", "form[action*='/cns/login'] button", "form[action='/login'] button"];

/// A card that is shown, and how.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The card.
    pub card: Card,
    /// What reads it.
    pub reader: Reader,
    /// What is typed as PIN, instead of the right one.
    pub pin: Option<String>,
}

impl Shown {
    /// The card in its reader; a token is made at its first use. `None` where nobody has put one in.
    ///
    /// # Errors
    /// When the token cannot be made.
    pub fn held(&self, lab: &Lab, host: Host) -> Result<Option<Held>> {
        if self.card == Card::None {
            return Ok(None);
        }
        let certifier = Certifier::open(&lab.path("cns"));
        let (certificate, key) = (certifier.card(self.card, "pem"), certifier.card(self.card, "key"));
        let token = lab.path(&format!("hosts/{host}/token-{}", self.card));
        Held::new(self.reader, &certificate, &key, self.pin.as_deref(), &token).map(Some)
    }
}

/// Whether the hub asks for a card here.
pub fn asked(at: &Arrived) -> bool {
    at.url.host_str() == Some(plan::CARDS_NAME)
}

/// Arrived where the card is asked for, without one. curl would have shown one and been sent on; `openssl` shows it now.
///
/// # Errors
/// What the page says.
pub fn show(browser: &Browser, at: &Arrived) -> Result<Arrived> {
    match browser.held().filter(|held| held.is_openssl()) {
        Some(held) => browser.open(&held.redirect(&at.url, &[])?),
        None => bail!("{} says {}: {}", at.url, at.status, at.page.title),
    }
}

/// Logs in with Chromium; `probe` finds out whether that has led online.
///
/// # Errors
/// When a step is not as a citizen expects it.
pub fn by_chromium(
    lab: &Lab,
    host: Host,
    shown: &Shown,
    probe: &Browser,
    mut tell: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    let card = Certifier::open(&lab.path("cns")).card(shown.card, "p12");
    let card = (shown.card != Card::None).then_some(card.as_path());
    let home = lab.path(&format!("hosts/{host}/chromium"));
    let mut chromium = Chromium::start(&home, &lab.path("tls/ca.pem"), card)?;
    chromium.open(login::PROBE)?;
    let portal = format!("https://{}/", plan::PORTAL_NAME);
    let last = chromium.walk(&WAYS, |page| page.url.starts_with(&portal) && login::is_online(probe))?;
    if !last.url.starts_with(&portal) {
        bail!("{} says: {}", last.url, last.title);
    }
    tell(&format!("online    {} answers 204", login::PROBE))
}
