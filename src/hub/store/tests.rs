//! One set of rules, run on both stores.

use super::*;
use std::process::{Child, Command, Stdio};

const NOW: i64 = 1_800_000_000;

/// Debian's redis-server on a Unix socket of its own, ended with the test.
pub(crate) struct Server {
    child: Child,
    folder: std::path::PathBuf,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = crate::testing::folder("redis");
        let child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "redis.sock"])
            .current_dir(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("Debian's redis-server is installed");
        let server = Self { child, folder };
        for _ in 0..500 {
            if Redis::open(&server.url()).unwrap().check().await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("redis-server did not come up");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.join("redis.sock").display())
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

use super::{redis::Redis, sqlite::Sqlite};

async fn one_taker_of_sixteen_gets_it(store: &Store) {
    store.put(Kind::Code, "single", &7, 60, NOW).await.unwrap();
    let takers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.take::<u8>(Kind::Code, "single", NOW).await.unwrap() })
        })
        .collect();
    let mut got = 0;
    for taker in takers {
        got += usize::from(taker.await.unwrap() == Some(7));
    }
    assert_eq!(got, 1);
}

async fn expired_is_gone(store: &Store) {
    store.put(Kind::Login, "old", &1, 60, NOW).await.unwrap();
    assert_eq!(store.peek::<u8>(Kind::Login, "old", NOW + 59).await.unwrap(), Some(1));
    assert_eq!(store.peek::<u8>(Kind::Login, "old", NOW + 60).await.unwrap(), None);
    assert_eq!(store.take::<u8>(Kind::Login, "old", NOW + 60).await.unwrap(), None);
}

async fn kinds_do_not_mix(store: &Store) {
    store.put(Kind::Login, "same", &1, 60, NOW).await.unwrap();
    store.put(Kind::Request, "same", &2, 60, NOW).await.unwrap();
    assert_eq!(store.take::<u8>(Kind::Code, "same", NOW).await.unwrap(), None);
    assert_eq!(store.take::<u8>(Kind::Login, "same", NOW).await.unwrap(), Some(1));
    assert_eq!(store.take::<u8>(Kind::Request, "same", NOW).await.unwrap(), Some(2));
}

async fn values_of_all_sizes_come_back(store: &Store) {
    for size in [0, 1, 4096, 1 << 20] {
        let value = "è".repeat(size);
        store.put(Kind::Request, "size", &value, 60, NOW).await.unwrap();
        assert_eq!(store.peek::<String>(Kind::Request, "size", NOW).await.unwrap().as_ref(), Some(&value));
    }
    store.put(Kind::Request, "size", &"new", 60, NOW).await.unwrap();
    assert_eq!(store.take::<String>(Kind::Request, "size", NOW).await.unwrap().as_deref(), Some("new"));
}

async fn conforms(store: &Store) {
    store.check().await.unwrap();
    one_taker_of_sixteen_gets_it(store).await;
    expired_is_gone(store).await;
    kinds_do_not_mix(store).await;
    values_of_all_sizes_come_back(store).await;
}

#[actix_web::test]
async fn sqlite_conforms_and_prunes() {
    let folder = crate::testing::folder("sqlite");
    let store = Store::Sqlite(Sqlite::open(&folder.join("hub.db")).unwrap());
    conforms(&store).await;
    store.put(Kind::Code, "a", &1, 60, NOW).await.unwrap();
    store.put(Kind::Code, "b", &1, 60, NOW + 3600).await.unwrap();
    let db = rusqlite::Connection::open(folder.join("hub.db")).unwrap();
    let keys: Vec<String> = db
        .prepare("SELECT key FROM login_state")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(keys, [digest("b")], "the expired row is pruned and no key is stored in clear");
    std::fs::remove_dir_all(folder).unwrap();
}

/// SECURITY.md S8: nobody without a pass fills the disk by beginning logins.
#[actix_web::test]
async fn sqlite_keeps_the_latest_and_no_more() {
    let folder = crate::testing::folder("sqlite-full");
    let store = Store::Sqlite(Sqlite::open(&folder.join("hub.db")).unwrap());
    store.put(Kind::Code, "another kind", &1, 60, NOW).await.unwrap();
    for n in 0..=sqlite::MOST {
        store.put(Kind::Request, &n.to_string(), &n, 900, NOW + n).await.unwrap();
    }
    let last = NOW + 50;
    assert_eq!(store.peek::<i64>(Kind::Request, "0", last).await.unwrap(), None, "the oldest made room");
    assert_eq!(store.peek::<i64>(Kind::Request, "1", last).await.unwrap(), Some(1));
    assert_eq!(store.take::<u8>(Kind::Code, "another kind", last).await.unwrap(), Some(1));
    // Requests that live a day push out none that live a quarter of an hour.
    for n in 0..=sqlite::MOST {
        store.put(Kind::LongRequest, &n.to_string(), &n, 86_400, NOW).await.unwrap();
    }
    assert_eq!(store.peek::<i64>(Kind::Request, "1", last).await.unwrap(), Some(1));
    std::fs::remove_dir_all(folder).unwrap();
}

#[actix_web::test]
async fn redis_conforms_and_its_end_is_an_error_not_a_hang() {
    let mut server = Server::start().await;
    let store = Store::Redis(Redis::open(&server.url()).unwrap());
    conforms(&store).await;
    server.stop();
    let late = tokio::time::timeout(PATIENCE_OF_THE_TEST, store.take::<u8>(Kind::Code, "x", NOW)).await;
    assert!(late.expect("the store gives up by itself").is_err());
}

#[actix_web::test]
async fn a_silent_redis_is_an_error_not_a_hang() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let store = Store::Redis(Redis::open(&format!("redis://{}", silent.local_addr().unwrap())).unwrap());
    let late = tokio::time::timeout(PATIENCE_OF_THE_TEST, store.check()).await;
    assert!(late.expect("the store gives up by itself").is_err());
}

#[actix_web::test]
async fn a_lost_sqlite_file_is_an_error() {
    let folder = crate::testing::folder("sqlite-lost");
    let store = Store::Sqlite(Sqlite::open(&folder.join("hub.db")).unwrap());
    rusqlite::Connection::open(folder.join("hub.db"))
        .unwrap()
        .execute_batch("DROP TABLE login_state")
        .unwrap();
    assert!(store.put(Kind::Code, "x", &1, 60, NOW).await.is_err());
    assert!(store.check().await.is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

/// Far above the store's own limit, so that only a hang reaches it.
const PATIENCE_OF_THE_TEST: Duration = Duration::from_secs(60);
