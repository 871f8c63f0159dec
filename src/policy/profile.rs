//! Site profiles: named settings that a `site.toml` starts from, shipped as data in `profiles` beside it.

use crate::config::{self, ConfigError};
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::{Table, Value};

/// Reads a settings file. Where it has a key `profile`, `profiles/<profile>.toml` beside it is read first, and
/// what the file itself says comes before what the profile says.
///
/// # Errors
/// As [`config::load`], and when there is no such profile.
pub fn load<T: DeserializeOwned>(file: &Path) -> Result<T, ConfigError> {
    // The mistakes of the file itself are told by the reader that knows their lines.
    let Ok(own) = config::load::<Table>(file) else { return config::load(file) };
    let Some(profile) = own.get("profile") else { return config::load(file) };
    let plain = |name: &&str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
    let Some(name) = profile.as_str().filter(plain) else {
        let problem = format!("{profile} is not the name of a profile");
        return Err(ConfigError::new(file, "profile", problem, "write one of the folder profiles: school"));
    };
    let base = file.with_file_name("profiles").join(format!("{name}.toml"));
    let mut whole = config::load::<Table>(&base)?;
    lay_over(&mut whole, own);
    serde_path_to_error::deserialize(Value::Table(whole)).map_err(|e| {
        let remedy = format!("correct it here or in {}", base.display());
        let key = e.path().to_string();
        ConfigError::new(file, &key, e.into_inner().message(), remedy)
    })
}

/// Tables are joined key by key, but for shares and lists: those are taken whole.
fn lay_over(base: &mut Table, own: Table) {
    for (key, value) in own {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(under)), Value::Table(over)) if !is_share(&over) => lay_over(under, over),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

fn is_share(table: &Table) -> bool {
    ["guaranteed", "ceiling", "up", "down"].iter().any(|key| table.get(*key).is_some_and(Value::is_table))
        || table.contains_key("guaranteed")
}

#[cfg(test)]
mod tests {
    use crate::{Lane, Site};

    const OWN: &str =
        "name = 'prova'\ntitle = 'Prova'\nprofile = 'NAME'\n[interfaces]\nwan = 'eth0'\noffice = ['eth1']\n";
    const GUESTS: &str = "guest = ['br-guest', 'eth2.30']\n[guest]\nsubnet = '10.64.0.0/20'\nrouter = '10.64.0.1'\n\
        first = '10.64.0.10'\nlast = '10.64.15.250'\nlease = '1h'\n[portal]\nhost = 'wifi.example.it'\n\
        [slots]\naddresses = ['198.18.0.3']\n[garden]\nnames = []\nresolvers = ['198.18.0.53']\n[passes]\n";

    fn site(test: &str, text: &str) -> Result<Site, String> {
        let dir = std::env::temp_dir().join(format!("varco-profile-{test}-{}", std::process::id()));
        std::fs::create_dir_all(dir.join("profiles")).unwrap();
        for profile in std::fs::read_dir("../../docker/site/profiles").unwrap() {
            let profile = profile.unwrap();
            std::fs::copy(profile.path(), dir.join("profiles").join(profile.file_name())).unwrap();
        }
        std::fs::write(dir.join("site.toml"), text).unwrap();
        let site = Site::load(&dir.join("site.toml"));
        std::fs::remove_dir_all(&dir).unwrap();
        site.map_err(|e| e.to_string().replace(dir.to_str().unwrap(), ""))
    }

    fn of_profile(name: &str) -> Result<Site, String> {
        let guests = if name == "police" { "" } else { GUESTS };
        site(name, &(OWN.replace("NAME", name) + guests))
    }

    #[test]
    fn every_profile_makes_a_good_site() {
        let files = std::fs::read_dir("../../docker/site/profiles").unwrap();
        let mut names: Vec<_> =
            files.map(|f| f.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["hospital", "library", "mast", "police", "school", "town-hall"]);
        for name in names {
            let site = of_profile(&name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(site.interfaces.guest.is_empty(), name == "police", "{name}");
            assert!(site.link.least.is_some() == (name == "mast"), "{name}");
        }
        assert_eq!(
            of_profile("school").unwrap().shares().down.of(Lane::Office).guaranteed,
            "5gbit".parse().unwrap()
        );
    }

    #[test]
    fn the_site_comes_before_its_profile() {
        let text = OWN.replace("NAME", "school")
            + GUESTS
            + "length = '1h'\n[lanes]\ncritical.least = '30mbit'\nguest.least = '1mbit'\noffice = { up = { guaranteed = '1gbit', ceiling = '2gbit' }, \
               down = { guaranteed = '3gbit', ceiling = '4gbit' } }\n";
        let site = site("own", &text).unwrap();
        assert_eq!(site.shares().down.office.guaranteed, "3gbit".parse().unwrap());
        let floor = site.lanes.floor().up;
        let least = [floor.critical, floor.guest].map(|share| share.guaranteed.to_string());
        assert_eq!(least, ["30mbit", "1mbit"]);
        assert_eq!(site.shares().down.guest.ceiling, "10gbit".parse().unwrap());
        assert_eq!((site.passes.length.as_hours(), site.passes.idle.as_mins()), (1, 20));
    }

    #[test]
    fn mistakes_are_named() {
        let said = |text: String| site("bad", &text).unwrap_err();
        assert!(said(OWN.replace("NAME", "../x") + GUESTS).starts_with("/site.toml: profile: "));
        assert!(said(OWN.replace("NAME", "castle") + GUESTS).starts_with("/profiles/castle.toml: (file): "));
        assert!(
            said(OWN.replace("NAME", "school")).starts_with("/site.toml: interfaces: missing field `guest`")
        );
        let networks = |text: &str| {
            let lists = format!("[networks]\noffice = ['10.20.0.0/16']\n{text}\n");
            said(OWN.replace("NAME", "school") + GUESTS + &lists)
        };
        insta::assert_snapshot!(networks("critical = ['10.64.3.0/24']"), @"/site.toml: networks.critical: 10.64.3.0/24 and the guest network 10.64.0.0/20 share addresses; name networks of the building only");
        insta::assert_snapshot!(networks("critical = ['10.20.9.0/24', '10.20.0.0/17']"), @"/site.toml: networks.critical: 10.20.0.0/17 and 10.20.9.0/24 share addresses; name the larger of them alone");
        let least = "[link]\nleast = { up = '5mbit', down = '60mbit' }\n";
        let said = said(OWN.replace("NAME", "mast") + GUESTS + least);
        assert!(said.starts_with("/site.toml: link.least: the guarantees add up to 9500kbit"), "{said}");
    }
}
