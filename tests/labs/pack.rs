//! The evidence pack of a case that a running site has answered, and the magistrate who gets it: with the file, the keys that
//! others gave, and no network.

use crate::{
    shipping,
    site::{Site, eventually},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use varco_audit::{pack::archive, tlog::CosignerKey};
use varco_tests::lab::{lookup::Case, plan};

/// Public keys, as each of those who have one tells it.
struct Keys {
    hub: String,
    mirror: String,
    site: String,
    witness: String,
}

impl Keys {
    fn of(site: &Site) -> Self {
        let [hub, mirror, _] = shipping::keys(site);
        let config = site.state("config/gateway.toml");
        let gateway = site.program("gateway", "varco-gateway", &["log-key", "--config", &config]).stdout;
        let witness = fs::read_to_string(site.state("witness/witness.key")).unwrap();
        let witness = CosignerKey::parse(&witness.into()).unwrap().vkey();
        Self { hub, mirror, site: String::from_utf8(gateway).unwrap().trim().to_owned(), witness }
    }
}

/// The officers make the pack of their case, and a magistrate verifies it by what is written in it.
pub fn a_magistrate_verifies_the_pack_by_what_it_says_itself(site: &Site, case: &Case) {
    let keys = Keys::of(site);
    let pack = made(site, case, &keys);
    let magistrate = Magistrate::gets(site, &pack);
    let words = magistrate.words();
    assert!(words.contains("decreto 1/2026") && words.contains("Una sola sessione corrisponde"), "{words}");
    magistrate.does_what_is_written(case, &keys, &words);
    magistrate.has_all_of_it(site, case);
    magistrate.finds_an_octet_that_is_another(&keys);
}

/// `varco-audit pack` at the officers' machine, from copies of the logs: the site's first, and then the hub's, which has the
/// time stamped. A log that grows while it is copied is copied again.
fn made(site: &Site, case: &Case, keys: &Keys) -> PathBuf {
    let (config, desk) = (site.state("config/hub.toml"), site.state("desk"));
    let [.., copy] = shipping::keys(site);
    let copied = |from: &str, to: &str| {
        let to = format!("{desk}/{to}");
        Command::new("cp").args(["-r", from, &to]).status().unwrap().success()
    };
    let mut last = String::new();
    let done = eventually(20, || {
        let _ = fs::remove_dir_all(&desk);
        fs::create_dir_all(&desk).unwrap();
        let stamped =
            || site.program("wan", "varco-hub", &["timestamp", "--config", &config]).status.success();
        if !(copied(&copy, "site") && stamped() && copied(&site.state("hub/log"), "hub")) {
            return false;
        }
        let out = pack(site, case, keys, &desk);
        last = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        out.status.success()
    });
    assert!(done, "{last}");
    format!("{desk}/{}.pack.tar", case.id).into()
}

fn pack(site: &Site, case: &Case, keys: &Keys, desk: &str) -> Output {
    let officer = |name: &str| site.state(&format!("officers/{name}.key"));
    let of = format!("{}={desk}/site={}", site.name(), site.state("config/site.toml"));
    let programs = Path::new(env!("CARGO_BIN_EXE_varco-lab")).parent().unwrap();
    let gateway = programs.join("varco-gateway").display().to_string();
    let words = [
        ["pack", "--request", &case.file("request"), "--approval", &case.file("approval")],
        ["--answer", &case.file("answer"), "--keys", &site.state("ceremony"), "--folder"],
        [desk, "--holder", &officer("anna"), "--holder", &officer("bruno")],
        ["--hub-log", &format!("{desk}/hub"), "--hub-vkey", &keys.hub, "--mirror"],
        [&keys.mirror, "--site", &of, "--vkey", &keys.site],
        ["--witness", &keys.witness, "--tsa", &site.state("tsa/ca.pem"), "--digest"],
        [
            &gateway,
            "--digest",
            &site.state("config/hub.toml"),
            "--digest",
            &site.state("config/gateway.toml"),
        ],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    site.program("wan", "varco-audit", &words)
}

/// A folder with the pack, the officers' public keys, the authority's certificate, and the second verifier.
struct Magistrate<'a> {
    site: &'a Site,
    folder: PathBuf,
    pack: String,
}

impl<'a> Magistrate<'a> {
    fn gets(site: &'a Site, pack: &Path) -> Self {
        let folder = PathBuf::from(site.state("magistrate"));
        fs::create_dir_all(folder.join("people")).unwrap();
        let name = pack.file_name().unwrap().to_string_lossy().into_owned();
        fs::copy(pack, folder.join(&name)).unwrap();
        for who in ["anna", "bruno"] {
            let public = format!("{who}.pub");
            fs::copy(site.state(&format!("officers/{public}")), folder.join("people").join(public)).unwrap();
        }
        fs::copy(site.state("tsa/ca.pem"), folder.join("authority.pem")).unwrap();
        let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/audit/verifier");
        for file in fs::read_dir(verifier).unwrap().flatten().filter(|file| file.path().is_file()) {
            fs::copy(file.path(), folder.join(file.file_name())).unwrap();
        }
        Self { site, folder, pack: name }
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap_or_default()
    }

    /// `LEGGIMI.txt`, as `tar` takes it out.
    fn words(&self) -> String {
        let out = self.types(&format!("tar xOf {} LEGGIMI.txt", self.pack));
        String::from_utf8(out.stdout).unwrap()
    }

    /// Types something in the folder, on a machine without a network and with nothing but Debian and `varco-audit`.
    fn types(&self, text: &str) -> Output {
        let programs = Path::new(env!("CARGO_BIN_EXE_varco-lab")).parent().unwrap().display();
        let path = format!("PATH=/usr/bin:/bin:{programs}");
        let line = format!("cd '{}'\n{text}", self.folder.display());
        let alone = ["unshare", "--net", "env", "-i", "LANG=C.UTF-8", &path];
        self.site.run("office", &[&alone[..], &["bash", "-euo", "pipefail", "-c", &line]].concat())
    }

    /// Every command of section 4, with the words in capitals replaced and nothing else.
    fn does_what_is_written(&self, case: &Case, keys: &Keys, words: &str) {
        let section = words.split("4. COME VERIFICARLO").nth(1).unwrap();
        let section = section.split("5. CHE COSA CONTIENE").next().unwrap();
        let commands = section.split("Con il programma dell'ente").nth(1).unwrap();
        let blocks: Vec<_> = blocks(commands).into_iter().map(|block| self.filled(&block, keys)).collect();
        assert_eq!(blocks.len(), 5, "{blocks:?}");
        let said: Vec<_> = blocks.iter().map(|block| self.said(block)).collect();
        let [ours, theirs, by_hand, signature, stamp] = &said[..] else { panic!("{said:?}") };
        for whole in [ours, theirs] {
            assert!(whole.ends_with("whole\n") && !whole.contains("taken from the pack"), "{whole}");
            assert!(whole.contains(&format!("{} at 20", plan::WITNESS_NAME)), "{whole}");
            assert!(!whole.contains("not verified") && whole.contains("Autorità di marcatura"), "{whole}");
        }
        let listed = archive::read(&self.file(&self.pack)).unwrap().len() - 1;
        assert_eq!(by_hand.matches(": OK\n").count(), listed, "{by_hand}");
        let mut digests = by_hand.lines().rev().take(2);
        let request = String::from_utf8(self.file("request")).unwrap();
        assert!(request.contains(&format!("question {}\n", digests.next().unwrap())), "{request}");
        assert_eq!(digests.next(), Some(case.id.as_str()));
        assert!(signature.contains("Signature Verified Successfully"), "{signature}");
        assert!(stamp.contains("Verification: OK"), "{stamp}");
    }

    fn said(&self, block: &str) -> String {
        let out = self.types(block);
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        assert!(out.status.success(), "{block}\n{}{}", text(&out.stdout), text(&out.stderr));
        // `openssl ts` says that it is well on the other one.
        text(&[out.stdout, out.stderr].concat())
    }

    fn filled(&self, block: &str, keys: &Keys) -> String {
        let places = [
            ("FILE", self.pack.as_str()),
            ("CENTRALE", &keys.hub),
            ("COPIA", &keys.mirror),
            ("SITO", &keys.site),
            ("TESTIMONE", &keys.witness),
            ("CARTELLA", "people"),
            ("CERTIFICATO", "authority.pem"),
            ("NOME", "anna"),
        ];
        places.into_iter().fold(block.to_owned(), |block, (place, value)| block.replace(place, value))
    }

    /// What the specification says that a pack holds, unpacked by `tar`.
    fn has_all_of_it(&self, site: &Site, case: &Case) {
        let at = format!("sites/{}", site.name());
        let steps = ["asked", "allowed", "answered"];
        let proofs = steps.iter().flat_map(|step| [format!("hub/{step}.proof"), format!("hub/{step}.keys")]);
        let documents = ["request", "question", "approval", "answer", "manifest", "LEGGIMI.txt", "digests"];
        let of_hub = ["hub/checkpoint", "hub/timestamp.tsr", "keys/hub.vkey", "keys/witnesses/000.vkey"];
        let of_site = ["slots", "copied.proof"].map(|name| format!("{at}/{name}"));
        let all = documents.into_iter().chain(of_hub).map(str::to_owned).chain(proofs).chain(of_site);
        for name in all {
            assert!(!self.file(&name).is_empty(), "{name} is missing");
        }
        // Empty where the log has not grown since it was searched.
        assert!(self.folder.join(&at).join("searched.proof").exists());
        for kind in ["request", "approval", "answer"] {
            assert_eq!(self.file(kind), fs::read(case.file(kind)).unwrap(), "{kind}");
        }
        let text = |name: &str| String::from_utf8(self.file(name)).unwrap();
        assert!(text("hub/checkpoint").contains(&format!("\n\u{2014} {} ", plan::WITNESS_NAME)));
        assert_eq!(text(&format!("{at}/slots")), format!("{} 512\n", plan::SLOTS));
        let digests = text("digests");
        for name in ["varco-audit", "varco-gateway", "site.toml", "hub.toml", "gateway.toml"] {
            assert!(digests.lines().any(|line| line.ends_with(&format!("  {name}"))), "{digests}");
        }
        assert!(text("LEGGIMI.txt").contains("quanto fosse esatto l'orologio del sito"));
        // Each record with its proof under a checkpoint that the hub's mirror has cosigned, and what opens it.
        let records: Vec<_> = names(&self.folder.join(&at).join("records"));
        let proofs: Vec<_> = records.iter().filter(|name| name.ends_with(".proof")).collect();
        assert!(proofs.len() >= 2 && records.len() == 2 * proofs.len(), "{records:?}");
        for proof in proofs {
            let proof = text(&format!("{at}/records/{proof}"));
            assert!(proof.contains(&format!("\u{2014} {}/mirror ", plan::HUB_NAME)), "{proof}");
        }
        assert!(!names(&self.folder.join(&at).join("heartbeats")).is_empty());
    }

    /// One bit, in a document, a record, the stamp and the words that nobody but the officers signed.
    fn finds_an_octet_that_is_another(&self, keys: &Keys) {
        let (octets, members) = (self.file(&self.pack), archive::read(&self.file(&self.pack)).unwrap());
        let record = members.keys().find(|name| name.contains("/records/")).unwrap();
        for name in ["answer", record, "hub/timestamp.tsr", "LEGGIMI.txt"] {
            let content = &members[name];
            let begin = octets.windows(content.len()).position(|window| window == content).unwrap();
            let mut changed = octets.clone();
            changed[begin + content.len() / 2] ^= 1;
            fs::write(self.folder.join("changed.tar"), changed).unwrap();
            let options = self.filled(
                "--hub-vkey CENTRALE --mirror COPIA --vkey SITO --witness TESTIMONE --holders CARTELLA --tsa CERTIFICATO",
                keys,
            );
            for line in [
                format!("varco-audit verify --pack changed.tar {options}"),
                format!("python3 varco_verify.py pack {options} changed.tar"),
            ] {
                let out = self.types(&line);
                assert!(matches!(out.status.code(), Some(4 | 5)), "{name}, {line}: {out:?}");
                assert!(!String::from_utf8_lossy(&out.stdout).contains("whole"), "{name}, {line}");
            }
        }
    }
}

/// Lines that are indented, together where they stand together.
fn blocks(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").filter(|part| part.trim_start_matches('\n').starts_with("    "));
    parts.map(str::to_owned).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
