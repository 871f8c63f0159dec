//! Debian's PostgreSQL in a folder of the test, ended with it. It refuses to run as root, so there it runs as `nobody`.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Of the user that comes over the network.
pub const PASSWORD: &str = "a-password-of-the-test";
/// `nobody` of Debian.
const NOBODY: u32 = 65_534;

pub struct Cluster {
    folder: PathBuf,
    programs: PathBuf,
    child: Option<Child>,
    port: u16,
}

impl Cluster {
    pub fn make() -> Self {
        let folder = crate::testing::folder("postgres");
        let versions = fs::read_dir("/usr/lib/postgresql").expect("Debian's postgresql is installed");
        let newest = versions.map(|version| version.unwrap().path()).max().unwrap();
        let this = Self { folder, programs: newest.join("bin"), child: None, port: 0 };
        this.give(&this.folder);
        let data = this.data();
        let words =
            ["--no-sync", "--auth=trust", "--username=varco", "--encoding=UTF8", "--locale=C", "--pgdata"];
        assert!(
            this.command("initdb").args(words).arg(&data).stdout(Stdio::null()).status().unwrap().success()
        );
        this.certificate("server");
        let hba = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        this
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// A certificate that vouches for itself, and its key, as the server wants them.
    fn certificate(&self, name: &str) -> PathBuf {
        let (chain, key) = (self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key")));
        crate::testing::certificate(&chain, &key);
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        self.give(&key);
        chain
    }

    fn is_root() -> bool {
        std::os::unix::fs::MetadataExt::uid(&fs::metadata("/proc/self").unwrap()) == 0
    }

    fn give(&self, path: &Path) {
        if Self::is_root() {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    /// One of its programs, as somebody whom it takes.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if Self::is_root() {
            let id = NOBODY.to_string();
            let mut command = Command::new("setpriv");
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(&self.folder);
        command
    }

    pub fn start(&mut self) {
        if self.port == 0 {
            // Chosen only now: other tests take free ports too.
            self.port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        }
        let log = fs::File::create(self.folder.join("server.log")).unwrap();
        let key = |name: &str| self.folder.join(name).display().to_string();
        let settings = [
            format!("unix_socket_directories={}", self.folder.display()),
            "listen_addresses=127.0.0.1".into(),
            format!("port={}", self.port),
            "ssl=on".into(),
            format!("ssl_cert_file={}", key("server.pem")),
            format!("ssl_key_file={}", key("server.key")),
            "fsync=off".into(),
            "max_connections=20".into(),
        ];
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).stdout(Stdio::null()).stderr(log);
        settings.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        self.child = Some(command.spawn().unwrap());
        for _ in 0..500 {
            if self.says("SELECT 1").is_some() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{}", fs::read_to_string(self.folder.join("server.log")).unwrap_or_default());
    }

    /// What `psql` answers as its owner.
    fn says(&self, question: &str) -> Option<String> {
        let mut psql = self.command("psql");
        psql.args(["-X", "-A", "-t", "-U", "varco", "-d", "postgres", "-p", &self.port.to_string(), "-h"]);
        let done = psql.arg(&self.folder).args(["-c", question]).output().unwrap();
        done.status.success().then(|| String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    /// All that is in it, as `pg_dump` writes it.
    pub fn dump(&self) -> String {
        let mut dump = self.command("pg_dump");
        dump.args(["-U", "varco", "-d", "postgres", "-p", &self.port.to_string(), "-h"]).arg(&self.folder);
        let done = dump.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    pub fn socket_url(&self) -> String {
        format!("postgresql://varco@/postgres?host={}&port={}", self.folder.display(), self.port)
    }

    /// How it is reached over the network, and who vouches for it.
    pub fn network(&self) -> (String, PathBuf) {
        self.says(&format!("ALTER ROLE varco PASSWORD '{PASSWORD}'")).unwrap();
        let url = format!("postgresql://varco:{PASSWORD}@127.0.0.1:{}/postgres", self.port);
        (url, self.folder.join("server.pem"))
    }

    /// Who vouches for somebody else.
    pub fn stranger(&self) -> PathBuf {
        self.certificate("stranger")
    }

    pub fn version(&self, version: i32) {
        self.says(&format!("UPDATE varco_index.version SET version = {version}")).unwrap();
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub fn stop(&mut self) {
        // SIGINT is its fast shutdown: the connections are ended.
        self.signal("-INT");
        self.child.take().unwrap().wait().unwrap();
    }

    pub fn restart(&mut self) {
        self.stop();
        self.start();
    }

    /// Lets the processes that answer stand still.
    pub fn pause(&self) {
        self.backends("-STOP");
    }

    pub fn resume(&self) {
        self.backends("-CONT");
    }

    /// Signals the server and what it has started for connections.
    fn backends(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        for child in children.split_whitespace() {
            // A connection may have ended meanwhile, and its process with it.
            Command::new("kill").args([signal, child]).output().unwrap();
        }
        self.signal(signal);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.resume();
            self.stop();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}
