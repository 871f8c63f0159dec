//! A citizen at their device: an address, a page that says "log in", SPID, online.

use super::{
    browser::{Arrived, Browser},
    card::{self, Shown},
    dhcp,
    html::Form,
    plan::{self, Host},
    state::Lab,
};
use crate::{
    cns::Reader,
    idp::{Behaviour, Scheme, citizen::PASSWORD},
};
use anyhow::{Context, Result, bail};

/// What Android asks to find out whether it is online.
pub(super) const PROBE: &str = "http://connectivitycheck.gstatic.com/generate_204";
/// A login takes nine pages; more than this is a circle.
const MOST_PAGES: u32 = 20;

/// Who logs in, and how the identity provider behaves.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The test citizen's user name.
    pub citizen: String,
    /// How the provider answers.
    pub behaviour: Behaviour,
    /// Whose provider is chosen.
    pub scheme: Scheme,
    /// A card instead of a provider.
    pub card: Option<Shown>,
}

impl Wish {
    /// To log in with SPID, as one should.
    pub const fn new(citizen: String) -> Self {
        Self { citizen, behaviour: Behaviour::Good, scheme: Scheme::Spid, card: None }
    }

    /// entityID of the provider.
    fn provider(&self) -> String {
        let found = plan::PROVIDERS.iter().find(|p| p.scheme == self.scheme);
        format!("https://{}", found.map_or(plan::IDP_NAME, |p| p.name))
    }
}

/// Logs a guest in, from a process of the guest's host. `tell` hears each step.
///
/// # Errors
/// When a step is not as a citizen expects it.
pub fn log_in(lab: &Lab, guest: u8, wish: &Wish, mut tell: impl FnMut(&str) -> Result<()>) -> Result<()> {
    let host = Host::Guest(guest);
    let address = dhcp::lease(lab, host)?;
    tell(&format!("address   {address} from DHCP"))?;
    let browser = browser(lab, host, wish)?;
    if let Some(card) = wish.card.as_ref().filter(|card| card.reader == Reader::Chromium) {
        return card::by_chromium(lab, host, card, &browser, tell);
    }
    let mut at = browser.open(PROBE).context("the probe")?;
    if at.status == 204 {
        return tell("online    already");
    }
    for _ in 0..MOST_PAGES {
        tell(&format!(
            "{}       {}{} {}",
            at.status,
            at.url.host_str().unwrap_or("?"),
            at.url.path(),
            at.page.title
        ))?;
        let next = if card::asked(&at) { card::show(&browser, &at)? } else { step(&browser, &at, wish)? };
        if on_portal(&next) && is_online(&browser) {
            tell(&format!("online    {} answers 204", PROBE))?;
            return Ok(());
        }
        at = next;
    }
    bail!("no end after {MOST_PAGES} pages; the last is {} ({})", at.url, at.status)
}

/// A new browser, with the card of the wish in its reader.
///
/// # Errors
/// When the folder cannot be written, or there is no such card.
pub(super) fn browser(lab: &Lab, host: Host, wish: &Wish) -> Result<Browser> {
    let browser = Browser::new(&lab.path(&format!("hosts/{host}/browser")))?;
    let held = wish.card.as_ref().map(|card| card.held(lab, host)).transpose()?.flatten();
    Ok(match held {
        Some(held) => browser.holding(held),
        None => browser,
    })
}

/// Logs a guest out, from a process of the guest's host.
///
/// # Errors
/// When the portal offers no way out.
pub fn log_out(lab: &Lab, guest: u8, provider: bool) -> Result<()> {
    let browser = Browser::new(&lab.path(&format!("hosts/{}/browser", Host::Guest(guest))))?;
    let at = browser.open(&format!("https://{}/status", plan::PORTAL_NAME))?;
    let way_out = at.page.forms.iter().find(|f| f.action.contains("logout"));
    let way_out =
        way_out.with_context(|| format!("{} has no way out: {} {}", at.url, at.status, at.page.title))?;
    let after = browser.submit(&at, way_out, &[])?;
    if after.status >= 400 {
        bail!("{} says {}: {}", after.url, after.status, after.page.title);
    }
    if provider { leave_provider(&browser, after) } else { Ok(()) }
}

/// From the page after the logout through the hub and the provider, and back to the portal.
fn leave_provider(browser: &Browser, mut at: Arrived) -> Result<()> {
    let carries = |f: &&Form| ["logout_hint", "SAMLRequest", "SAMLResponse"].iter().any(|name| f.has(name));
    for _ in 0..MOST_PAGES {
        if at.status >= 400 {
            bail!("{} says {}: {}", at.url, at.status, at.page.title);
        }
        if on_portal(&at) && at.url.path() == "/left" {
            return Ok(());
        }
        at = match at.page.forms.iter().find(carries) {
            Some(form) => browser.submit(&at, form, &[])?,
            None => {
                let link = at.page.links.iter().find(|link| link.contains("SAMLRequest="));
                browser.follow(&at, link.with_context(|| format!("{} offers no way on", at.url))?)?
            }
        };
    }
    bail!("no end after {MOST_PAGES} pages; the last is {}", at.url)
}

/// Whether the Internet answers as it does to who is online.
pub(super) fn is_online(browser: &Browser) -> bool {
    browser.open(PROBE).is_ok_and(|page| page.status == 204)
}

fn on_portal(at: &Arrived) -> bool {
    at.url.host_str() == Some(plan::PORTAL_NAME)
}

/// What a person does on a page: show a card, carry a message on, type a password, choose the provider, begin.
pub(super) fn step(browser: &Browser, at: &Arrived, wish: &Wish) -> Result<Arrived> {
    if card::asked(at) {
        return card::show(browser, at);
    }
    let forms = &at.page.forms;
    if let Some(form) = forms.iter().find(|f| f.has("SAMLResponse") || f.has("SAMLRequest")) {
        return browser.submit(at, form, &[]);
    }
    if let Some(form) = forms.iter().find(|f| f.kind("password").is_some()) {
        let behaviour = wish.behaviour.name();
        let values = [("username", wish.citizen.as_str()), ("password", PASSWORD), ("behaviour", behaviour)];
        return browser.submit(at, form, &values);
    }
    if at.status >= 400 {
        bail!("{} says {}: {}", at.url, at.status, at.page.title);
    }
    let way = if wish.card.is_some() { "/cns/login".to_owned() } else { wish.provider() };
    choose(browser, at, &[&way])
        .or_else(|| choose(browser, at, &["login", "spid", "accedi", "entra"]))
        .unwrap_or_else(|| bail!("{} offers no way on: {}", at.url, at.page.title))
}

/// The first form or link that names one of `words`, never the one that logs out.
fn choose(browser: &Browser, at: &Arrived, words: &[&str]) -> Option<Result<Arrived>> {
    let decoded = |text: &str| {
        let pair = format!("x={}", text.replace('&', "%26"));
        url::form_urlencoded::parse(pair.as_bytes()).map(|(_, v)| v.to_lowercase()).collect::<String>()
    };
    let named = |text: &str| {
        let text = decoded(text);
        !text.contains("logout") && !text.contains("lang") && words.iter().any(|w| text.contains(w))
    };
    let names = |form: &&Form| named(&form.action) || form.fields.iter().any(|f| named(&f.value));
    if let Some(form) = at.page.forms.iter().find(names) {
        let button = form.fields.iter().find(|f| f.kind != "hidden" && named(&f.value));
        let values = button.map(|b| (b.name.as_str(), b.value.as_str()));
        return Some(browser.submit(at, form, values.as_slice()));
    }
    at.page.links.iter().find(|l| named(l)).map(|link| browser.follow(at, link))
}
