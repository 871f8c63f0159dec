//! What has expired cannot be read from any file, index, backup or Redis key: a site with records of three years ago, the real
//! programs, the real ceremony, and a search for what is known.

use crate::{
    seized::files,
    shipping::keys,
    site::{Site, eventually},
};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};
use varco_audit::{
    leaf::{Leaf, Mark},
    tlog::{Checkpoint, Files as _, Folder, Note, Tiles, prune},
};
use varco_tests::lab::history;

/// Debian's redis-server, which keeps what it has on the disk too.
struct Redis {
    child: Child,
    folder: PathBuf,
}

impl Redis {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("varco-expired-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "1 1", "--appendonly", "yes", "--unixsocket", "redis.sock"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let redis = Self { child, folder };
        assert!((0..100).any(|_| redis.socket().exists() || {
            sleep(Duration::from_millis(50));
            false
        }));
        redis
    }

    fn socket(&self) -> PathBuf {
        self.folder.join("redis.sock")
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn says(&self, words: &[&str]) -> Vec<u8> {
        Command::new("redis-cli").arg("-s").arg(self.socket()).args(words).output().unwrap().stdout
    }

    /// Every key, what it holds, and its files, written now.
    fn everything(&self) -> Vec<(String, Vec<u8>)> {
        let keys = String::from_utf8(self.says(&["--scan"])).unwrap();
        let mut all = vec![("redis keys".to_owned(), keys.clone().into_bytes())];
        for key in keys.lines() {
            all.push((
                format!("redis {key}"),
                [self.says(&["get", key]), self.says(&["dump", key])].concat(),
            ));
        }
        self.says(&["save"]);
        all.extend(files(&self.folder));
        all
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What is known of the records of then: what their headers and sealed octets are, and what is sealed in them.
struct Known {
    /// Of which something is found before: whole leaves, header lines, tags in text and in an index.
    outside: Vec<Vec<u8>>,
    /// What is never found: it is sealed.
    inside: Vec<Vec<u8>>,
}

impl Known {
    fn of(leaves: &[Vec<u8>]) -> Self {
        let mut outside = Vec::new();
        // Those of the first two bundles: the third has records of now.
        for octets in leaves[..100].iter().chain(leaves[100..512].iter().step_by(20)) {
            let leaf = Leaf::read(octets).unwrap();
            outside.extend([octets.clone(), leaf.line.as_bytes().to_vec()]);
            if let Mark::Tag(tag) = &leaf.header.mark {
                outside.extend([tag.to_string().into_bytes(), tag.octets().to_vec()]);
            }
            // What is clear in a heartbeat stands in those of now too.
            if leaf.header.period.is_some() {
                outside.push(leaf.body[leaf.body.len() - 32..].to_vec());
            }
        }
        let address = std::net::Ipv4Addr::from(history::ADDRESS).to_string().into_bytes();
        let mut inside = vec![address];
        for number in 0..12 {
            let pass = history::pass(number);
            inside.extend(
                [history::subject(number), history::device(number), pass.to_string()].map(String::into_bytes),
            );
            inside.push(pass.0.as_bytes().to_vec());
        }
        Self { outside, inside }
    }
}

/// Where any of the values is; each place is read once for all of them.
fn found(places: &[(String, Vec<u8>)], values: &[Vec<u8>]) -> Vec<String> {
    let begins_with = |two: &[u8]| usize::from(two[0]) << 8 | usize::from(two[1]);
    let mut by_beginning = vec![Vec::new(); 1 << 16];
    values.iter().for_each(|value| by_beginning[begins_with(value)].push(value));
    let holds = |octets: &[u8]| {
        let at = |(place, two): (usize, &[u8])| {
            by_beginning[begins_with(two)].iter().any(|value| octets[place..].starts_with(value))
        };
        octets.windows(2).enumerate().any(at)
    };
    places.iter().filter(|(_, octets)| holds(octets)).map(|(name, _)| name.clone()).collect()
}

fn everything(site: &Site, redis: &Redis) -> Vec<(String, Vec<u8>)> {
    let below = |name: &str| files(Path::new(&site.state(name)));
    [below("gateway"), below("hub"), below("logs"), redis.everything()].concat()
}

/// The log's leaves, from the folder.
fn leaves(site: &Site) -> Vec<Vec<u8>> {
    let folder = Folder::new(site.state("gateway/log").as_ref());
    let checkpoint = Note::parse(&folder.read("checkpoint").unwrap()).unwrap();
    let checkpoint = Checkpoint::parse(&checkpoint.text).unwrap();
    let mut leaves = Vec::new();
    let mut tiles = Tiles::open(folder, &checkpoint).unwrap();
    tiles.leaves(0..checkpoint.size, |_, leaf| leaves.push(leaf.to_vec())).unwrap();
    leaves
}

/// Both officers' ceremony, and what they signed, brought to the hub's socket.
fn ceremony(site: &Site, hub: &str) -> String {
    let path = |name: &str| site.state(name);
    let audit = |words: &[&str]| {
        let done = site.program("wan", "varco-audit", words);
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let log = path("hub/log");
    let shown = std::fs::read_to_string(format!("{log}/checkpoint")).unwrap();
    let newest = shown.lines().nth(1).unwrap().parse::<u64>().unwrap() - 1;
    let proof = audit(&["prove", "--log", &log, "--vkey", hub, "--index", &newest.to_string()]);
    std::fs::write(path("time"), proof).unwrap();
    let (anna, bruno) = (path("officers/anna.key"), path("officers/bruno.key"));
    let (keys, time, folder) = (path("ceremony"), path("time"), path("officers"));
    let both = ["--holder", &anna, "--holder", &bruno, "--folder", &folder, "--yes"];
    let said = audit(&[&["expire", "--keys", &keys, "--time", &time, "--hub-vkey", hub][..], &both].concat());
    let file = said.lines().find(|line| line.ends_with(".expired")).unwrap().to_owned();
    let config = path("config/hub.toml");
    let done = site.program("wan", "varco-hub", &["expiry", "submit", &file, "--config", &config]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    said
}

/// As OPERATING.md says: databases by SQLite, the logs' folders as they are, keys left out.
fn backup(site: &Site) -> Vec<(String, Vec<u8>)> {
    let at = site.state("backup");
    std::fs::create_dir(&at).unwrap();
    for (from, to) in [("gateway/site.db", "site.db"), ("hub/hub.db", "hub.db")] {
        let db = rusqlite::Connection::open(site.state(from)).unwrap();
        db.execute("VACUUM INTO ?1", [format!("{at}/{to}")]).unwrap();
    }
    for (from, to) in [("gateway/log", "gateway-log"), ("hub/log", "hub-log"), ("hub/sites", "copies")] {
        let copied =
            Command::new("cp").args(["-r", &site.state(from), &format!("{at}/{to}")]).status().unwrap();
        assert!(copied.success());
    }
    files(Path::new(&at))
}

#[test]
fn what_has_expired_is_in_no_file_index_backup_or_redis_key() {
    let redis = Redis::start();
    let site = Site::up_with(1, &["--history", "--store", &redis.url()]);
    let [hub, mirror, copy] = keys(&site);
    // The gateway's own thread has brought the old journal into the log, and the hub has a copy, with an index.
    let copied = || site.shipped()["waiting"] == 0 && site.shipped()["acknowledged"] == site.log()["size"];
    assert!(eventually(40, copied), "{}", site.shipped());
    let leaves = leaves(&site);
    let known = Known::of(&leaves);
    site.guest(0).citizen("ada");
    let before = |values: &[Vec<u8>]| found(&everything(&site, &redis), values);
    let indexed = || {
        before(&known.outside)
            .iter()
            .any(|path| path.ends_with("/index.db") || path.ends_with("/index.db-wal"))
    };
    assert!(eventually(20, indexed), "the index has the tags");
    let places = before(&known.outside);
    for part in [
        "/gateway/log/tile/entries/000",
        "/gateway/log/tile/entries/001",
        &format!("{copy}/tile/entries/001"),
    ] {
        assert!(places.iter().any(|path| path.ends_with(part)), "{part}: {places:?}");
    }
    assert_eq!(before(&known.inside), [""; 0], "what is sealed");
    assert!(!before(&[b"varco:".to_vec()]).is_empty(), "the search reads Redis");
    // Both officers destroy what opens it; the hub lets go of its copies, and its index, by itself.
    let said = ceremony(&site, &hub);
    let week = history::week().to_string();
    for class in ["R2a", "R2b", "R4"] {
        assert!(said.contains(&format!("{week} {class}: ")), "{said}");
    }
    assert!(eventually(20, || prune::minimum(&Folder::new(Path::new(&copy))) == 512), "the copy");
    // The operator names the hub's key at the gateway, which lets go of its own.
    let config = site.state("config/gateway.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("# log_mirror", "log_mirror")).unwrap();
    assert!(!mirror.is_empty());
    site.kill_nine("gateway");
    // The hub starts again too, on copies and an index that it pruned.
    let killed = site.kill_nine("hub");
    let own = site.state("gateway/log");
    assert!(eventually(40, || prune::minimum(&Folder::new(Path::new(&own))) == 512), "the gateway's log");
    // What it has recorded since is shipped to the copy that was pruned.
    assert!(eventually(40, copied), "{}", site.shipped());
    assert!(site.recovered("hub", killed));
    let everywhere = [everything(&site, &redis), backup(&site)].concat();
    let left = [found(&everywhere, &known.outside), found(&everywhere, &known.inside)].concat();
    assert_eq!(left, [""; 0]);
    // What opened it is in no folder of the ceremony, and the proofs of the rest hold.
    assert!(
        !files(Path::new(&site.state("ceremony")))
            .iter()
            .any(|(path, _)| { path.contains(&week) && path.ends_with(".sealed") })
    );
    let gateway = site.program("gateway", "varco-gateway", &["log-key", "--config", &config]).stdout;
    let gateway = String::from_utf8(gateway).unwrap();
    for (folder, keeper) in [(&own, &gateway), (&copy, &hub)] {
        let words = ["verify", "--log", folder, "--vkey", gateway.trim(), "--keeper", keeper.trim()];
        let done = site.program("wan", "varco-audit", &words);
        assert!(done.status.success(), "{folder}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
