//! A look-up by the lab's two officers, with the real programs: from the authorities' question to the hub's receipt.

use super::state::Lab;
use anyhow::{Context, Result, ensure};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use varco_audit::tlog::NoteKey;

/// A case of which the documents are there.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is called.
    pub id: String,
    /// The folder of its documents, `<id>.request` and so on.
    pub folder: PathBuf,
    /// The hub's public key.
    pub hub_vkey: String,
}

impl Case {
    /// A document of it.
    pub fn file(&self, kind: &str) -> String {
        self.folder.join(format!("{}.{kind}", self.id)).display().to_string()
    }

    /// What tells `varco-audit` that the look-up is allowed, and where its documents go.
    pub fn words(&self) -> Vec<String> {
        let (request, receipt) = (self.file("request"), self.file("receipt"));
        let folder = self.folder.display().to_string();
        ["--request", &request, "--receipt", &receipt, "--hub-vkey", &self.hub_vkey, "--folder", &folder]
            .map(str::to_owned)
            .to_vec()
    }
}

/// Anna asks, Bruno allows, the hub records and gives its receipt. `question` is what `varco-audit ask` is told of it.
///
/// # Errors
/// When a program fails: the hub must run.
pub fn allowed(lab: &Lab, programs: &Path, question: &[&str]) -> Result<Case> {
    let case = signed(lab, programs, question)?;
    let (request, approval) = (case.file("request"), case.file("approval"));
    submit(lab, programs, &[&request, &approval])?;
    let (receipt, config) = (case.file("receipt"), lab.path("config/hub.toml").display().to_string());
    said(
        programs.join("varco-hub"),
        &["lookup", "receipt", &case.id, "--out", &receipt, "--config", &config],
    )?;
    Ok(case)
}

/// Anna asks and Bruno allows, at their own machines: the hub has heard of nothing yet.
///
/// # Errors
/// When a program fails.
pub fn signed(lab: &Lab, programs: &Path, question: &[&str]) -> Result<Case> {
    let path = |name: &str| lab.path(name).display().to_string();
    let (keys, folder) = (path("ceremony"), lab.path("cases"));
    fs::create_dir_all(&folder)?;
    let documents = folder.display().to_string();
    let audit = |command: &str, officer: &str, more: &[&str]| {
        let own = path(&format!("officers/{officer}.key"));
        let who = [command, "--keys", &keys, "--holder", &own, "--folder", &documents];
        said(programs.join("varco-audit"), &[&who[..], more].concat())
    };
    let act = ["--act", "decreto 1/2026", "--authority", "Procura di prova"];
    let request = last(&audit("ask", "anna", &[&act[..], question].concat())?)?;
    audit("allow", "bruno", &["--request", &request, "--yes"])?;
    let id =
        Path::new(&request).file_stem().context("the request has no name")?.to_string_lossy().into_owned();
    let hub_vkey = NoteKey::parse(&fs::read_to_string(lab.path("hub/log.key"))?.into())?.vkey();
    Ok(Case { id, folder, hub_vkey })
}

/// Gives documents to the hub.
///
/// # Errors
/// When it does not take them.
pub fn submit(lab: &Lab, programs: &Path, documents: &[&str]) -> Result<()> {
    let config = lab.path("config/hub.toml").display().to_string();
    let words = [&["lookup", "submit"][..], documents, &["--config", &config]].concat();
    said(programs.join("varco-hub"), &words).map(drop)
}

fn said(program: PathBuf, words: &[&str]) -> Result<String> {
    let name = program.display().to_string();
    let done = Command::new(program).args(words).output().with_context(|| name.clone())?;
    ensure!(done.status.success(), "{name} {words:?}: {}", String::from_utf8_lossy(&done.stderr).trim());
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn last(said: &str) -> Result<String> {
    said.lines().last().map(str::to_owned).context("no document was written")
}
