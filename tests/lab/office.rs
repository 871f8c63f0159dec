//! A site's administrator at a computer of the office: a login through the hub, and a change of shares.

use super::{
    browser::{Arrived, Browser},
    html::Form,
    login::{self, Wish},
    plan::{self, Host},
    state::Lab,
};
use anyhow::{Context, Result, bail, ensure};

/// A login takes eight pages; more than this is a circle.
const MOST_PAGES: u32 = 20;

/// What an administrator does on the page of the shares.
#[derive(Debug, Clone, Default)]
pub struct Errand {
    /// Rates to change, by their field: `guest.down.ceiling`.
    pub set: Vec<(String, String)>,
    /// How long the trial lasts, instead of what the page says.
    pub seconds: Option<u32>,
    /// As far as this.
    pub until: Step,
}

/// How far an errand goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Step {
    /// The page of the shares is looked at.
    #[default]
    Look,
    /// The preview of a change.
    Plan,
    /// On trial.
    Try,
    /// What is on trial is confirmed.
    Confirm,
    /// What is on trial is taken back.
    TakeBack,
}

/// Logs in and does the errand, from a process of the office's host. Returns the page at its end.
///
/// # Errors
/// When a page is not as an administrator expects it.
pub fn go(lab: &Lab, wish: &Wish, errand: &Errand) -> Result<String> {
    let browser = login::browser(lab, Host::Office, wish)?;
    let page = log_in(&browser, wish)?;
    let page = match errand.until {
        Step::Look => page,
        Step::Plan => preview(&browser, &page, errand)?,
        Step::Try => try_out(&browser, &page, errand)?,
        Step::Confirm => press(&browser, &page, "/shares/confirm")?,
        Step::TakeBack => press(&browser, &page, "/shares/take-back")?,
    };
    ensure!(page.status == 200, "{} says {}: {}", page.url, page.status, page.page.title);
    Ok(page.text)
}

/// The page of the shares, after the login.
fn log_in(browser: &Browser, wish: &Wish) -> Result<Arrived> {
    let shares = format!("https://{}:8443/shares", plan::OFFICE_ROUTER);
    let mut at = browser.open(&shares)?;
    for _ in 0..MOST_PAGES {
        if at.url.as_str() == shares && at.page.forms.iter().any(|form| form.action != "/login") {
            return Ok(at);
        }
        at = login::step(browser, &at, wish)?;
    }
    bail!("no end after {MOST_PAGES} pages; the last is {} ({})", at.url, at.status)
}

fn preview(browser: &Browser, page: &Arrived, errand: &Errand) -> Result<Arrived> {
    let form = form(page, "/shares/plan")?;
    let values: Vec<_> = errand.set.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    if let Some((unknown, _)) = values.iter().find(|(name, _)| !form.has(name)) {
        bail!("the form has no field `{unknown}`");
    }
    browser.submit(page, form, &values)
}

fn try_out(browser: &Browser, page: &Arrived, errand: &Errand) -> Result<Arrived> {
    let preview = preview(browser, page, errand)?;
    let seconds = errand.seconds.map(|seconds| seconds.to_string());
    let values: Vec<_> = seconds.iter().map(|seconds| ("seconds", seconds.as_str())).collect();
    browser.submit(&preview, form(&preview, "/shares/try")?, &values)
}

fn press(browser: &Browser, page: &Arrived, action: &str) -> Result<Arrived> {
    browser.submit(page, form(page, action)?, &[])
}

fn form<'a>(page: &'a Arrived, action: &str) -> Result<&'a Form> {
    let found = page.page.forms.iter().find(|form| form.action == action);
    found.with_context(|| format!("{} has no way to {action}: {}", page.url, page.page.title))
}
