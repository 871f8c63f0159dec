//! Making a pack, with both persons there: what the answer follows from is looked up in copies of the logs, opened record by
//! record, and put together. What comes out is verified before anybody gets it.

mod hub;
mod site;
mod source;

use super::{
    archive::{self, Members},
    explain, manifest, names,
    report::{BadPack, Report},
    trust::{self, Trust},
    verify::verify,
};
use crate::{
    both,
    case::{Answer, Approval, BadDocument, CaseId, Request, Signed, Step, What},
    holder::HolderError,
    opener::{OpenError, Opener},
    seal::Role,
    tlog::{BadCheckpoint, TileError},
};
use hub::HubLog;
use jiff::Timestamp;
use site::SiteFiles;
use std::{
    collections::BTreeSet,
    io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// What a pack is made of.
#[derive(Debug)]
pub struct Make<'a> {
    /// The request, as it was signed.
    pub request: &'a [u8],
    /// The approval.
    pub approval: &'a [u8],
    /// The answer.
    pub answer: &'a [u8],
    /// The hub's log, or a copy.
    pub hub: &'a Path,
    /// The sites' logs, as the hub has them.
    pub sites: &'a [SiteLog],
    /// By which keys all of it is verified.
    pub trust: &'a Trust,
    /// SHA-256 and name of programs and settings.
    pub digests: &'a [(String, String)],
    /// When.
    pub at: Timestamp,
}

/// A site's log.
#[derive(Debug)]
pub struct SiteLog {
    /// The site.
    pub site: String,
    /// The hub's copy.
    pub folder: PathBuf,
    /// Public addresses and the ports of a slot.
    pub slots: Vec<(Ipv4Addr, u16)>,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum NoPack {
    /// A key that is needed was not given.
    #[error("give the keys of hub, mirror and sites and the holders: nothing is taken on trust here")]
    Keys,
    /// A document.
    #[error("{0}: {1}")]
    Document(&'static str, BadDocument),
    /// The officers' keys.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Signing.
    #[error(transparent)]
    Holder(#[from] HolderError),
    /// Nobody of a role is there.
    #[error("no --holder is {0}")]
    Nobody(Role),
    /// A file.
    #[error("{0}: {1}")]
    File(PathBuf, io::Error),
    /// A log.
    #[error("{0}: {1}")]
    Tiles(PathBuf, TileError),
    /// A checkpoint.
    #[error("{0}: checkpoint: {1}")]
    Checkpoint(PathBuf, BadCheckpoint),
    /// A step that the hub's log does not have.
    #[error("the hub's log does not say that this case was {0}: hand it in, and copy the log again")]
    NotRecorded(Step),
    /// No witness cosigned a checkpoint that has the case.
    #[error(
        "no checkpoint of the hub that has this case is cosigned by each witness yet: copy its log again in a minute"
    )]
    NotWitnessed,
    /// No authority stamped a checkpoint that has the case.
    #[error(
        "no checkpoint of the hub that has this case is stamped yet: `varco-hub timestamp`, and copy its log again"
    )]
    NoTimestamp,
    /// A site of the answer whose log was not given.
    #[error("{0}: give its log, --site {0}=FOLDER=SITE.TOML")]
    NoSite(String),
    /// A checkpoint that the hub has not recorded.
    #[error("{0}: the hub's log does not have this checkpoint of it: copy the hub's log after the site's")]
    NotCopied(String),
    /// The log is older than the answer.
    #[error("{0}: the log is older than the one that was searched: copy it again")]
    Older(String),
    /// What was made is not whole.
    #[error("what was made does not verify: {0}")]
    Bad(#[from] BadPack),
}

/// Makes a pack, and what its verification says.
///
/// # Errors
/// [`NoPack`].
pub fn make(make: &Make<'_>, opener: &mut Opener) -> Result<(Vec<u8>, Report), NoPack> {
    let keys = make.trust.complete(&Members::new()).ok_or(NoPack::Keys)?;
    let people = &keys.people;
    let request = Signed::<Request>::read(make.request, people);
    let request = request.map_err(|error| NoPack::Document(names::REQUEST, error))?;
    let approval = Signed::<Approval>::of_case(make.approval, people, request.case_id());
    approval.map_err(|error| NoPack::Document(names::APPROVAL, error))?;
    let answer = Signed::<Answer>::of_case(make.answer, people, request.case_id());
    let answer = answer.map_err(|error| NoPack::Document(names::ANSWER, error))?;
    let (text, question) = request.open(opener, Role::Approver)?;
    let mut members = trust::files(&keys);
    let mut put = |name: &str, content: &[u8]| members.insert(name.to_owned(), content.to_vec());
    put(names::REQUEST, make.request);
    put(names::APPROVAL, make.approval);
    put(names::ANSWER, make.answer);
    put(names::QUESTION, text.as_bytes());
    let digests: String = make.digests.iter().map(|(hash, name)| format!("{hash}  {name}\n")).collect();
    put(names::DIGESTS, digests.as_bytes());
    let sites = match &question.what {
        What::Slot(_) => needed(&answer, make.sites)?,
        What::Shares { .. } => Vec::new(),
    };
    let mut log = HubLog::open(make.hub, &keys, request.case_id(), &sites, make.trust.tsa.is_some())?;
    members.extend(log.checkpoint());
    members.extend(log.steps(opener)?);
    members.extend(log.copied()?);
    if let What::Slot(moment) = &question.what {
        for site in sites {
            members.extend(SiteFiles::open(site, &keys)?.files(moment, &answer, opener)?);
        }
    }
    let vouched = explain::Vouched {
        sites: keys.sites.len(),
        witnesses: keys.witnesses.len(),
        stamped: members.contains_key(names::TIMESTAMP),
    };
    let readme = explain::text(&request, &question, &answer, vouched, make.at);
    members.insert(names::README.to_owned(), readme.into_bytes());
    sealed(members, (request.case_id(), make.at), opener).and_then(|octets| {
        let report = verify(&octets, make.trust)?;
        Ok((octets, report))
    })
}

/// Signs the list of the files, and puts them into an archive.
fn sealed(mut members: Members, (case, at): (CaseId, Timestamp), opener: &Opener) -> Result<Vec<u8>, NoPack> {
    let holder = |role| opener.holder(role).ok_or(NoPack::Nobody(role));
    let text = manifest::text(manifest::Head { case, at }, &members);
    let signed = both::sign(&text, [holder(Role::Requester)?, holder(Role::Approver)?])?;
    members.insert(manifest::NAME.to_owned(), signed.into_bytes());
    archive::write(&members).map_err(|error| NoPack::File(names::README.into(), error))
}

/// The logs of the sites that the answer names; of all that were given where it names none.
fn needed<'a>(answer: &Answer, given: &'a [SiteLog]) -> Result<Vec<&'a SiteLog>, NoPack> {
    let named: BTreeSet<_> = answer.sessions.iter().map(|session| session.site.as_str()).collect();
    if named.is_empty() {
        return Ok(given.iter().collect());
    }
    let log = |site: &&str| {
        let found = given.iter().find(|log| log.site == *site);
        found.ok_or_else(|| NoPack::NoSite((*site).to_owned()))
    };
    named.iter().map(log).collect()
}
