//! Somebody of the authority at a computer of the office, who looks at the hub's console.

use super::{
    browser::{Arrived, Browser},
    login::{self, Wish},
    plan::{self, Host},
    state::Lab,
};
use anyhow::{Context, Result, bail};

/// A login takes eight pages; more than this is a circle.
const MOST_PAGES: u32 = 20;

/// What is looked at or sent, and by whom.
#[derive(Debug, Clone, clap::Args)]
pub struct Visit {
    /// Who enters: anna is an auditor, bruno an approver, franca the privacy officer, carla an operator.
    #[arg(long, default_value = "anna")]
    pub citizen: String,
    /// A form of the page that is sent, by its address: `/cases/request`.
    #[arg(long)]
    pub form: Option<String>,
    /// A field of the form, `month=2026-11`; for one that takes a file its path.
    #[arg(long, requires = "form")]
    pub set: Vec<String>,
    /// The page.
    #[arg(default_value = "/integrity")]
    pub page: String,
}

impl Visit {
    /// The visit as arguments.
    pub fn words(&self) -> Vec<String> {
        let form = self.form.iter().flat_map(|form| ["--form".to_owned(), form.clone()]);
        let set = self.set.iter().flat_map(|pair| ["--set".to_owned(), pair.clone()]);
        let citizen = ["--citizen".to_owned(), self.citizen.clone()];
        citizen.into_iter().chain(form).chain(set).chain([self.page.clone()]).collect()
    }
}

/// Opens the page, from a process of the office's host, logging in where the last visit's session is over. Returns the page
/// at the end, a refusal too.
///
/// # Errors
/// When nothing answers, or a page is not as somebody expects it who logs in.
pub fn go(lab: &Lab, visit: &Visit) -> Result<Arrived> {
    let folder = lab.path(&format!("hosts/{}/console-{}", Host::Office, visit.citizen));
    let browser = Browser::again(&folder)?;
    let mut page = browser.open(&address(&visit.page))?;
    if page.page.forms.iter().any(|form| form.action == "/login") {
        let entered = log_in(&browser, visit)?;
        if entered.status != 200 {
            return Ok(entered);
        }
        page = browser.open(&address(&visit.page))?;
    }
    let Some(action) = &visit.form else { return Ok(page) };
    let form = page.page.forms.iter().find(|form| form.action == *action);
    let form = form.with_context(|| format!("{} has no form to {action}: {}", page.url, page.page.title))?;
    let values = visit
        .set
        .iter()
        .map(|pair| pair.split_once('=').with_context(|| format!("`{pair}` is not field=value")));
    let values = values.collect::<Result<Vec<_>>>()?;
    if let Some((unknown, _)) = values.iter().find(|(name, _)| !form.has(name)) {
        bail!("the form has no field `{unknown}`");
    }
    browser.submit(&page, form, &values)
}

fn address(path: &str) -> String {
    format!("https://{}{path}", plan::CONSOLE_NAME)
}

/// The last page of the login: that one is in, or that one is not listed.
fn log_in(browser: &Browser, visit: &Visit) -> Result<Arrived> {
    let wish = Wish::new(visit.citizen.clone());
    let mut at = browser.open(&address("/"))?;
    for _ in 0..MOST_PAGES {
        if at.url.host_str() == Some(plan::CONSOLE_NAME) && at.url.path() == "/login/callback" {
            return Ok(at);
        }
        at = login::step(browser, &at, &wish)?;
    }
    bail!("no end after {MOST_PAGES} pages; the last is {} ({})", at.url, at.status)
}
