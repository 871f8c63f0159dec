//! The lists in memory: looked up at every login, fetched once for all who wait, and again in time.

use super::{
    doubt::Doubt,
    kept::{Folder, Memory},
    list::{self, Floor, List},
    net::{Limits, Net},
    question::{Authority, Point, Question},
};
use crate::login::cns::standing::{Proof, Source, Standing};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::watch, task::spawn_blocking, time::timeout};
use url::Url;

/// How old a list may be before a login waits for a newer one. Where none comes, an old one in force answers.
const RENEWED: SignedDuration = SignedDuration::from_hours(1);
/// How long a list may take to come; who waits for it waits less, and finds it when they come back.
const COMING: Duration = Duration::from_secs(60);
/// Most lists in memory; issuers have a few each, of at most 10 MB here.
const LISTS: usize = 64;

type Key = [u8; 32];
/// What was tried in vain, when it is over.
type Flight = watch::Receiver<Option<Vec<String>>>;

/// The lists.
#[derive(Debug)]
pub struct Lists {
    net: Arc<Net>,
    folder: Folder,
    kept: Mutex<HashMap<Key, Arc<Kept>>>,
    flights: Mutex<HashMap<Key, Flight>>,
}

/// A list in force.
#[derive(Debug)]
struct Kept {
    list: List,
    url: Url,
    taken: Timestamp,
}

/// What is fetched, and for whom.
#[derive(Debug, Clone)]
struct Wanted {
    key: Key,
    point: Point,
    issuer: Authority,
    now: Timestamp,
}

impl Lists {
    /// None yet.
    pub fn new(net: Arc<Net>, folder: Folder) -> Arc<Self> {
        Arc::new(Self { net, folder, kept: Mutex::default(), flights: Mutex::default() })
    }

    /// What the issuer's lists say of a certificate.
    ///
    /// # Errors
    /// What was tried in vain.
    pub async fn ask(
        self: &Arc<Self>,
        question: &Question,
        issuer: &Authority,
        now: Timestamp,
    ) -> Result<Standing, Vec<String>> {
        let mut tried = Vec::new();
        for point in &question.points {
            let wanted =
                Wanted { key: key(point, issuer), point: point.clone(), issuer: issuer.clone(), now };
            match self.of_point(question, wanted).await {
                Ok(standing) => return Ok(standing),
                Err(vain) => tried.extend(vain),
            }
        }
        Err(tried)
    }

    async fn of_point(
        self: &Arc<Self>,
        question: &Question,
        wanted: Wanted,
    ) -> Result<Standing, Vec<String>> {
        let (key, point, now) = (wanted.key, wanted.point.clone(), wanted.now);
        let kept = match self.in_force(&key, now) {
            Some(kept) if !kept.is_old(now) => kept,
            old => {
                let tried = self.arrival(self.flight(wanted)).await;
                self.in_force(&key, now).or(old).ok_or(tried)?
            }
        };
        let since =
            kept.list.lookup(question.serial, &point, now).map_err(|e| vec![format!("{}: {e}", kept.url)])?;
        Ok(kept.standing(since))
    }

    fn in_force(&self, key: &Key, now: Timestamp) -> Option<Arc<Kept>> {
        lock(&self.kept).get(key).filter(|kept| kept.list.in_force(now)).cloned()
    }

    /// Waits for a list as long as a citizen should.
    async fn arrival(&self, mut flight: Flight) -> Vec<String> {
        let landed = timeout(self.net.patience, flight.wait_for(Option::is_some)).await;
        let tried = landed.ok().and_then(|landed| landed.ok().and_then(|tried| tried.clone()));
        tried.unwrap_or_else(|| vec!["the list is still coming".to_owned()])
    }

    /// The fetching of a list that is under way, or one that begins now.
    fn flight(self: &Arc<Self>, wanted: Wanted) -> Flight {
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(&wanted.key) {
            return flight.clone();
        }
        let (end, flight) = watch::channel(None);
        flights.insert(wanted.key, flight.clone());
        let landing = Landing { lists: self.clone(), key: wanted.key };
        tokio::spawn(async move {
            let tried = landing.lists.fetch(&wanted).await;
            drop(landing);
            end.send_replace(Some(tried));
        });
        flight
    }

    /// From the disk, or from the first address that gives a good one. Returns what was tried in vain.
    async fn fetch(self: &Arc<Self>, wanted: &Wanted) -> Vec<String> {
        let mut tried = Vec::new();
        let floor = match self.from_disk(wanted).await {
            Ok(floor) => floor,
            Err(doubt) => return vec![format!("kept list: {doubt}")],
        };
        if self.in_force(&wanted.key, wanted.now).is_some_and(|kept| !kept.is_old(wanted.now)) {
            return tried;
        }
        for url in &wanted.point.urls {
            match self.from_address(wanted, url, floor.clone()).await {
                Ok(()) => return tried,
                Err(doubt) => tried.push(format!("{url}: {doubt}")),
            }
        }
        tried
    }

    /// Takes the list on the disk if there is one in force and none in memory; whoever can write there is not trusted.
    async fn from_disk(self: &Arc<Self>, wanted: &Wanted) -> Result<Option<Floor>, Doubt> {
        if let Some(kept) = lock(&self.kept).get(&wanted.key) {
            return Ok(Some(kept.list.floor()));
        }
        let (lists, wanted) = (self.clone(), wanted.clone());
        apart(move || {
            let (octets, memory) = lists.folder.read(&wanted.key);
            let floor = memory.as_ref().map(Memory::floor);
            if let (Some(octets), Some(memory)) = (octets, memory)
                && let Ok(list) = wanted.verify(&octets, floor.as_ref())
            {
                lists.keep(wanted.key, Kept { list, url: memory.url, taken: memory.taken });
            }
            Ok(floor)
        })
        .await
    }

    async fn from_address(
        self: &Arc<Self>,
        wanted: &Wanted,
        url: &Url,
        floor: Option<Floor>,
    ) -> Result<(), Doubt> {
        let limits = Limits { time: COMING, octets: list::MOST };
        let octets = self.net.list(url, limits, wanted.now).await?;
        let (lists, wanted, from) = (self.clone(), wanted.clone(), url.clone());
        let now = wanted.now;
        let taken = apart(move || {
            let list = wanted.verify(&octets, floor.as_ref())?;
            let memory = Memory::new(&list.floor(), from.clone(), now);
            if let Err(doubt) = lists.folder.write(&wanted.key, &octets, &memory) {
                tracing::warn!(%doubt, "a revocation list is in memory only");
            }
            lists.keep(wanted.key, Kept { list, url: from, taken: now });
            Ok(())
        });
        let taken = taken.await;
        self.net.listed(url, taken.is_ok(), now);
        taken
    }

    /// Puts a list in force. Where there are too many, the one that was taken first goes; it is still on the disk.
    fn keep(&self, key: Key, one: Kept) {
        let mut kept = lock(&self.kept);
        if kept.len() >= LISTS && !kept.contains_key(&key) {
            let first = kept.iter().min_by_key(|(_, kept)| kept.taken).map(|(key, _)| *key);
            first.map(|first| kept.remove(&first));
        }
        kept.insert(key, Arc::new(one));
    }
}

impl Wanted {
    fn verify(&self, octets: &[u8], floor: Option<&Floor>) -> Result<List, Doubt> {
        let list = List::verify(octets, &self.issuer, self.now)?;
        list.covers(&self.point)?;
        floor.map_or(Ok(()), |floor| list.not_below(floor))?;
        Ok(list)
    }
}

impl Kept {
    fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.taken) > RENEWED
    }

    fn standing(&self, since: Option<Timestamp>) -> Standing {
        let (url, produced) = (self.url.clone(), self.list.made());
        let proof = Proof { source: Source::Crl, url, produced, digest: self.list.digest, answer: None };
        match since {
            None => Standing::Good(proof),
            Some(since) => Standing::Revoked { since, proof },
        }
    }
}

/// The end of a flight, however it ends.
struct Landing {
    lists: Arc<Lists>,
    key: Key,
}

impl Drop for Landing {
    fn drop(&mut self) {
        lock(&self.lists.flights).remove(&self.key);
    }
}

/// The issuer's key and the names of the point: the addresses of one point share a list, and what it may not be below.
fn key(point: &Point, issuer: &Authority) -> Key {
    let names = point.urls.iter().map(Url::as_str).collect::<Vec<_>>().join(" ");
    let mut digest = openssl::sha::Sha256::new();
    digest.update(&openssl::sha::sha256(&issuer.key_octets));
    digest.update(&openssl::sha::sha256(&issuer.name));
    digest.update(names.as_bytes());
    digest.finish()
}

/// Work that would hold the others up.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Doubt> + Send + 'static,
) -> Result<T, Doubt> {
    spawn_blocking(work).await.map_err(|e| Doubt::new("disk", e)).and_then(|done| done)
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
