//! The enforcer's own settings, `enforcer.toml`, and the site's.

use nix::unistd::User;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use varco_policy::{ConfigError, Site, config};

/// `enforcer.toml` as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: PathBuf,
    socket: PathBuf,
    gateway_user: UserRef,
    run: PathBuf,
    state: PathBuf,
    #[serde(default)]
    dnsmasq_user: Option<UserRef>,
}

/// A user by name or by number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum UserRef {
    Number(u32),
    Name(String),
}

/// What the enforcer needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The building.
    pub site: Site,
    /// Where the gateway asks.
    pub socket: PathBuf,
    /// The only user that may ask.
    pub gateway_uid: u32,
    /// dnsmasq's rendered settings and process identifiers; emptied at boot.
    pub run: PathBuf,
    /// dnsmasq's leases; kept.
    pub state: PathBuf,
    /// The user that dnsmasq becomes after its start; the enforcer's own where none is named.
    pub dnsmasq_user: Option<String>,
}

impl Settings {
    /// Reads and checks `enforcer.toml` and the `site.toml` that it names.
    ///
    /// # Errors
    /// The first mistake, with file, key and remedy.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let file: File = config::load(path)?;
        for (key, value) in
            [("site", &file.site), ("socket", &file.socket), ("run", &file.run), ("state", &file.state)]
        {
            absolute(path, key, value)?;
        }
        short(path, "socket", &file.socket)?;
        let dnsmasq_user = match &file.dnsmasq_user {
            Some(user) => Some(find(path, "dnsmasq_user", user)?.name),
            None => None,
        };
        Ok(Self {
            site: Site::load(&file.site)?,
            gateway_uid: uid_of(path, &file.gateway_user)?,
            socket: file.socket,
            run: file.run,
            state: file.state,
            dnsmasq_user,
        })
    }
}

/// Paths go into dnsmasq's settings, one a line.
fn absolute(path: &Path, key: &str, value: &Path) -> Result<(), ConfigError> {
    let plain =
        value.to_str().is_some_and(|t| t.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'#'));
    if value.is_absolute() && plain {
        return Ok(());
    }
    let problem = format!("`{}` is not a plain absolute path", value.display());
    Err(ConfigError::new(path, key, problem, "begin it with / and use no spaces, quotes or #"))
}

/// `sun_path` holds 108 bytes with the one that ends it (unix(7)).
fn short(path: &Path, key: &str, socket: &Path) -> Result<(), ConfigError> {
    let long = socket.as_os_str().len();
    if long < 108 {
        return Ok(());
    }
    let problem = format!("{long} bytes are too long for the name of a socket");
    Err(ConfigError::new(path, key, problem, "give at most 107 bytes: /run/varco-enforcer/enforcer.sock"))
}

/// A number need not be anybody's: in a user namespace nobody is listed.
fn uid_of(path: &Path, user: &UserRef) -> Result<u32, ConfigError> {
    match user {
        UserRef::Number(uid) => Ok(*uid),
        UserRef::Name(_) => find(path, "gateway_user", user).map(|u| u.uid.as_raw()),
    }
}

fn find(path: &Path, key: &str, user: &UserRef) -> Result<User, ConfigError> {
    let (found, shown) = match user {
        UserRef::Number(uid) => (User::from_uid((*uid).into()), uid.to_string()),
        UserRef::Name(name) => (User::from_name(name), name.clone()),
    };
    let remedy = "create the user, or name one that exists";
    match found {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(ConfigError::new(path, key, format!("there is no user `{shown}`"), remedy)),
        Err(e) => Err(ConfigError::new(path, key, format!("`{shown}` cannot be looked up: {e}"), remedy)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let dir = std::env::temp_dir().join(format!("varco-settings-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("enforcer.toml");
        std::fs::write(&file, text).unwrap();
        let said = Settings::load(&file).unwrap_err().to_string().replace(dir.to_str().unwrap(), "");
        std::fs::remove_dir_all(&dir).unwrap();
        said
    }

    #[test]
    fn the_example_is_complete() {
        let file: File = config::load(Path::new("../docker/site/enforcer.toml")).unwrap();
        assert_eq!(file.site, Path::new("/etc/varco/site.toml"));
    }

    #[test]
    fn a_mistake_is_named_with_its_key_and_a_remedy() {
        let good = "site='/s'\nsocket='/x'\nrun='/r'\nstate='/t'\n";
        insta::assert_snapshot!(refusal(&format!("{}gateway_user=0", good.replace("'/r'", "'r r'"))), @"/enforcer.toml: run: `r r` is not a plain absolute path; begin it with / and use no spaces, quotes or #");
        insta::assert_snapshot!(refusal(&format!("{good}gateway_user='no-such-user'\ndnsmasq_user='nobody-here'")), @"/enforcer.toml: dnsmasq_user: there is no user `nobody-here`; create the user, or name one that exists");
        insta::assert_snapshot!(refusal(&format!("{}gateway_user=0", good.replace("'/x'", &format!("'/{}'", "x".repeat(107))))), @"/enforcer.toml: socket: 108 bytes are too long for the name of a socket; give at most 107 bytes: /run/varco-enforcer/enforcer.sock");
        insta::assert_snapshot!(refusal(&format!("{good}gateway_user=0\nport=1")), @r#"/enforcer.toml: port: unknown field `port`, expected one of `site`, `socket`, `gateway_user`, `run`, `state`, `dnsmasq_user`; correct line 6; docker/site holds a complete example"#);
    }
}
