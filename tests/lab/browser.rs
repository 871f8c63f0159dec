//! A browser without JavaScript: `curl` with a cookie jar, following redirects and submitting forms.

use super::html::{self, Form};
use crate::cns::reader::Held;
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use url::Url;

/// A browser with its cookies.
#[derive(Debug)]
pub struct Browser {
    jar: PathBuf,
    body: PathBuf,
    held: Option<Held>,
}

/// A page that has arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    /// HTTP status.
    pub status: u16,
    /// Its address after all redirects.
    pub url: Url,
    /// Its text.
    pub text: String,
    /// Its forms and links.
    pub page: html::Page,
}

impl Browser {
    /// A new browser that keeps its cookies in `folder`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn new(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let browser = Self { jar: folder.join("cookies"), body: folder.join("page.html"), held: None };
        fs::write(&browser.jar, "")?;
        Ok(browser)
    }

    /// The browser that was last used there, with its cookies; else a new one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn again(folder: &Path) -> Result<Self> {
        if !folder.join("cookies").is_file() {
            return Self::new(folder);
        }
        Ok(Self { jar: folder.join("cookies"), body: folder.join("page.html"), held: None })
    }

    /// The same browser with a card in its reader.
    pub fn holding(self, held: Held) -> Self {
        Self { held: Some(held), ..self }
    }

    /// The card in its reader.
    pub fn held(&self) -> Option<&Held> {
        self.held.as_ref()
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn open(&self, url: &str) -> Result<Arrived> {
        self.fetch(&[url.to_owned()])
    }

    /// Follows a link of a page.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn follow(&self, from: &Arrived, link: &str) -> Result<Arrived> {
        self.open(from.url.join(link)?.as_str())
    }

    /// Submits a form of a page.
    ///
    /// # Errors
    /// When nothing answers.
    pub fn submit(&self, from: &Arrived, form: &Form, values: &[(&str, &str)]) -> Result<Arrived> {
        let target = from.url.join(&form.action)?;
        let pairs = form.filled(values);
        let encoded = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        if !form.post {
            let mut target = target;
            target.set_query(Some(&encoded));
            return self.open(target.as_str());
        }
        let origin = format!("Origin: {}", from.url.origin().ascii_serialization());
        let mut words = vec!["--header".into(), origin, target.to_string()];
        if form.parts {
            words.extend(parts(form, values));
        } else {
            let data = self.body.with_extension("form");
            fs::write(&data, encoded)?;
            words.extend(["--data".into(), format!("@{}", data.display())]);
        }
        self.fetch(&words)
    }

    fn fetch(&self, arguments: &[String]) -> Result<Arrived> {
        let mut curl = Command::new("curl");
        curl.args(["-q", "--silent", "--show-error", "--location", "--max-redirs", "20", "--max-time", "20"]);
        curl.args(["--noproxy", "*", "--user-agent", "varco-lab", "--header", "Accept-Language: it"]);
        curl.arg("--cookie")
            .arg(&self.jar)
            .arg("--cookie-jar")
            .arg(&self.jar)
            .arg("--output")
            .arg(&self.body);
        curl.args(["--write-out", "%{http_code} %{url_effective}"]).args(arguments);
        if let Some(held) = &self.held {
            held.tell(&mut curl);
        }
        fs::write(&self.body, "")?;
        let done = curl.output().context("start curl (Debian package curl)")?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr).trim());
        let said = String::from_utf8(done.stdout)?;
        let (status, url) = said.split_once(' ').context("curl said nothing")?;
        let text = String::from_utf8_lossy(&fs::read(&self.body)?).into_owned();
        let page = html::read(&text);
        Ok(Arrived { status: status.parse()?, url: Url::parse(url)?, text, page })
    }
}

/// A form with files (RFC 7578): where none was chosen, an empty one without a name is sent, as browsers do.
fn parts(form: &Form, values: &[(&str, &str)]) -> Vec<String> {
    let is_file = |name: &str| form.fields.iter().any(|field| field.name == name && field.kind == "file");
    let part = |(name, value): (String, String)| match (is_file(&name), value.is_empty()) {
        (false, _) => ["--form-string".to_owned(), format!("{name}={value}")],
        (true, true) => ["--form".to_owned(), format!("{name}=;filename=;type=application/octet-stream")],
        (true, false) => ["--form".to_owned(), format!("{name}=@{value}")],
    };
    form.filled(values).into_iter().flat_map(part).collect()
}
