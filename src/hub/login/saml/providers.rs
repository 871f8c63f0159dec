//! The identity providers we trust: folders of metadata files, and a registry's list. Whoever can write those folders is
//! trusted; the registry's list is verified by [`super::List`].

use super::{names::MD, provider::Provider, scheme::Scheme};
use roxmltree::{Document, ParsingOptions};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
};

/// Longest metadata file, in octets. That of the whole SPID federation is about 300 KiB.
const MAX_OCTETS: u64 = 8 * 1024 * 1024;
/// Most nodes of a metadata file.
const MAX_NODES: u32 = 500_000;

/// The trusted providers, by entityID.
#[derive(Debug, Clone, Default)]
pub struct Providers(BTreeMap<String, Provider>);

/// A metadata file, or a provider in one, that is not used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file.display(), self.why)
    }
}

impl Providers {
    /// Reads every `*.xml` of each scheme's folder, in the order of their names. What is wrong in one file costs that
    /// file or provider only; of two descriptions of one provider the first counts.
    pub fn load<'a>(folders: impl IntoIterator<Item = (Scheme, &'a Path)>) -> (Self, Vec<Problem>) {
        let (mut providers, mut problems) = (Self::default(), Vec::new());
        for (scheme, dir) in folders {
            providers.read_folder(scheme, dir, &mut problems);
        }
        (providers, problems)
    }

    fn read_folder(&mut self, scheme: Scheme, dir: &Path, problems: &mut Vec<Problem>) {
        let problem = |file: &Path, why: String| Problem { file: file.to_path_buf(), why };
        let files = files(dir).unwrap_or_else(|e| {
            problems.push(problem(dir, e.to_string()));
            Vec::new()
        });
        for file in files {
            match read_file(scheme, &file) {
                Ok(found) => {
                    let refused = found.into_iter().filter_map(|p| p.and_then(|p| self.add(p)).err());
                    problems.extend(refused.map(|why| problem(&file, why)));
                }
                Err(why) => problems.push(problem(&file, why)),
            }
        }
    }

    /// Adds those of a verified list. One that the operator described in a folder stays as it is there.
    pub fn add_listed(&mut self, listed: impl IntoIterator<Item = Provider>) {
        for provider in listed {
            self.0.entry(provider.entity_id.clone()).or_insert(provider);
        }
    }

    /// Calls providers as citizens know them, by entityID.
    pub fn rename(&mut self, names: &BTreeMap<String, String>) {
        for (entity_id, name) in names {
            if let Some(provider) = self.0.get_mut(entity_id) {
                provider.name.clone_from(name);
            }
        }
    }

    /// The provider of this entityID.
    pub fn get(&self, entity_id: &str) -> Option<&Provider> {
        self.0.get(entity_id)
    }

    /// Every provider, ordered by entityID. Shown to citizens in random order (SPID button rules).
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.values()
    }

    /// The origins that a login page posts to or is redirected to, for the `form-action` of its security policy.
    pub fn sso_origins(&self) -> BTreeSet<String> {
        let urls = self.iter().flat_map(|p| p.sso_redirect.iter().chain(&p.sso_post));
        urls.map(|url| url.origin().ascii_serialization()).collect()
    }

    fn add(&mut self, provider: Provider) -> Result<(), String> {
        if self.0.contains_key(&provider.entity_id) {
            return Err(format!("{} is described in an earlier file", provider.entity_id));
        }
        self.0.insert(provider.entity_id.clone(), provider);
        Ok(())
    }
}

fn files(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let all = std::fs::read_dir(dir)?.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<_> = all.into_iter().filter(|f| f.extension().is_some_and(|e| e == "xml")).collect();
    files.sort();
    Ok(files)
}

/// Each provider of a file, or why it is refused; an error when the file as a whole cannot be used.
fn read_file(scheme: Scheme, file: &Path) -> Result<Vec<Result<Provider, String>>, String> {
    if std::fs::metadata(file).map_err(|e| e.to_string())?.len() > MAX_OCTETS {
        return Err(format!("more than {MAX_OCTETS} octets"));
    }
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text.trim_start_matches('\u{feff}').trim_start(), options)
        .map_err(|e| e.to_string())?;
    let entities = document.descendants().filter(|n| n.has_tag_name((MD, "EntityDescriptor")));
    let found: Vec<_> = entities.filter_map(|entity| Provider::read(scheme, entity).transpose()).collect();
    if found.is_empty() { Err("it describes no identity provider".to_owned()) } else { Ok(found) }
}
