//! An authority of OpenSSL's own: a root, an issuer below it, and units that sign timestamps.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// How a unit's key is made.
pub const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
pub const P384: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"];
pub const RSA: &[&str] = &["-newkey", "rsa:2048"];
/// What a unit's certificate says.
pub const FOR_TIMESTAMPS: &str = "extendedKeyUsage=critical,timeStamping";

/// What authorities may do otherwise, as lines of their settings.
pub const HABITS: [&str; 5] = [
    "clock_precision_digits = 6",
    "accuracy = microsecs:1",
    "tsa_name = no\nordering = no",
    "ess_cert_id_chain = yes",
    "ess_cert_id_alg = sha512",
];
/// Units whose certificate is for something else, or for more.
pub const OTHER_PURPOSES: [(&str, &str); 5] = [
    ("tls", "extendedKeyUsage=critical,serverAuth"),
    ("two", "extendedKeyUsage=critical,timeStamping,serverAuth"),
    ("mild", "extendedKeyUsage=timeStamping"),
    ("any", "extendedKeyUsage=critical,anyExtendedKeyUsage"),
    ("none", "keyUsage=digitalSignature"),
];

/// A stamp, and of which kind.
pub struct Kind {
    pub name: String,
    pub reply: Vec<u8>,
    /// ring has no ECDSA with SHA-512.
    pub is_known: bool,
}

/// A folder with the authority's files, gone at the end.
pub struct Tsa(pub PathBuf);

impl Tsa {
    /// With a root, an issuer and a unit called `tsa`, all with keys on P-256.
    pub fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("varco-tsa-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let tsa = Self(folder);
        let root = [
            "req", "-x509", "-nodes", "-subj", "/CN=Root", "-days", "30", "-keyout", "root.key", "-out",
            "root.pem",
        ];
        tsa.openssl(&[&root[..], P256].concat());
        tsa.certificate(
            "issuer",
            P256,
            "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign",
            "root",
            "30",
        );
        tsa.unit("tsa", P256, FOR_TIMESTAMPS);
        tsa
    }

    /// One more unit below the issuer.
    pub fn unit(&self, name: &str, key: &[&str], says: &str) {
        self.certificate(name, key, says, "issuer", "30");
    }

    pub fn certificate(&self, name: &str, key: &[&str], says: &str, by: &str, days: &str) {
        let file = |end: &str| format!("{name}.{end}");
        let subject = format!("/O=Prova/CN={name}");
        let request =
            ["req", "-new", "-nodes", "-subj", &subject, "-keyout", &file("key"), "-out", &file("csr")];
        self.openssl(&[&request[..], key].concat());
        std::fs::write(self.0.join(file("ext")), says).unwrap();
        let (ca, ca_key) = (format!("{by}.pem"), format!("{by}.key"));
        self.openssl(&[
            "x509",
            "-req",
            "-in",
            &file("csr"),
            "-out",
            &file("pem"),
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
            "-CAcreateserial",
            "-days",
            days,
            "-extfile",
            &file("ext"),
        ]);
    }

    /// Units that are out of their time or below one that is no authority: `over`, `late` below `old`, `below`.
    pub fn units_of_nobody(&self) {
        self.certificate("over", P256, FOR_TIMESTAMPS, "issuer", "-1");
        self.certificate("below", P256, FOR_TIMESTAMPS, "tsa", "30");
        self.certificate(
            "old",
            P256,
            "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign",
            "root",
            "-1",
        );
        self.certificate("late", P256, FOR_TIMESTAMPS, "old", "30");
    }

    /// An answer by each kind of key and hash.
    pub fn kinds(&self, query: &[u8]) -> Vec<Kind> {
        self.unit("rsa", RSA, FOR_TIMESTAMPS);
        self.unit("p384", P384, FOR_TIMESTAMPS);
        let mut kinds = Vec::new();
        for unit in ["tsa", "rsa", "p384"] {
            for digest in ["sha256", "sha384", "sha512"] {
                let reply = self.reply(query, unit, &format!("signer_digest = {digest}"));
                let is_known = unit == "rsa" || digest != "sha512";
                kinds.push(Kind { name: format!("{unit} {digest}"), reply, is_known });
            }
        }
        let good = self.reply(query, "rsa", "");
        for hash in ["sha256", "sha384", "sha512"] {
            let pss = ["-md", hash, "-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest"];
            let reply = self.signed_by(&good, "rsa", &pss);
            kinds.push(Kind { name: format!("pss {hash}"), reply, is_known: true });
        }
        kinds
    }

    /// The answer to a question for this text as `openssl ts` asks it, with these words.
    pub fn asked(&self, text: &[u8], words: &[&str], unit: &str, more: &str) -> Vec<u8> {
        std::fs::write(self.0.join("text"), text).unwrap();
        self.openssl(&[&["ts", "-query", "-data", "text", "-out", "theirs"], words].concat());
        self.reply(&std::fs::read(self.0.join("theirs")).unwrap(), unit, more)
    }

    /// The last statement that was signed once more (see [`Self::signed_by`]), by the unit `tsa` as another kind of message.
    pub fn as_another_message(&self) -> Vec<u8> {
        let data = [
            "cms",
            "-sign",
            "-cades",
            "-binary",
            "-nodetach",
            "-outform",
            "DER",
            "-in",
            "info",
            "-out",
            "data",
        ];
        self.openssl(&[&data[..], &["-signer", "tsa.pem", "-inkey", "tsa.key"]].concat());
        granted(&std::fs::read(self.0.join("data")).unwrap())
    }

    /// What `openssl ts` answers, as the named unit; `more` are lines of its settings.
    pub fn reply(&self, query: &[u8], unit: &str, more: &str) -> Vec<u8> {
        let settings = format!(
            "[tsa]\ndefault_tsa = one\n[one]\nserial = serial\ncrypto_device = builtin\nsigner_cert = {unit}.pem\n\
             certs = issuer.pem\nsigner_key = {unit}.key\nsigner_digest = sha256\ndefault_policy = 1.3.6.1.4.1.32473.1\n\
             digests = sha256, sha384, sha512\naccuracy = secs:1, millisecs:500\nordering = yes\ntsa_name = yes\n\
             ess_cert_id_alg = sha256\n{more}\n"
        );
        std::fs::write(self.0.join("tsa.cnf"), settings).unwrap();
        std::fs::write(self.0.join("query"), query).unwrap();
        self.openssl(&["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply"]);
        std::fs::read(self.0.join("reply")).unwrap()
    }

    /// Another's signature over the same statement: what `openssl ts` itself refuses to make.
    pub fn signed_by(&self, reply: &[u8], unit: &str, how: &[&str]) -> Vec<u8> {
        std::fs::write(self.0.join("reply"), reply).unwrap();
        self.openssl(&["ts", "-reply", "-in", "reply", "-token_out", "-out", "token"]);
        self.openssl(&["cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info"]);
        let (certificate, key) = (format!("{unit}.pem"), format!("{unit}.key"));
        let sign = [
            "cms",
            "-sign",
            "-binary",
            "-nodetach",
            "-nosmimecap",
            "-outform",
            "DER",
            "-econtent_type",
            "1.2.840.113549.1.9.16.1.4",
            "-in",
            "info",
            "-out",
            "other",
            "-signer",
            &certificate,
            "-inkey",
            &key,
            "-certfile",
            "issuer.pem",
        ];
        let cades: &[&str] = if how.contains(&"-noattr") { &[] } else { &["-cades"] };
        self.openssl(&[&sign[..], cades, how].concat());
        granted(&std::fs::read(self.0.join("other")).unwrap())
    }

    pub fn pem(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(format!("{name}.pem"))).unwrap()
    }

    pub fn openssl(&self, words: &[&str]) -> Vec<u8> {
        let output = openssl(&self.0, words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }
}

impl Drop for Tsa {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs OpenSSL in a folder.
pub fn openssl(folder: &Path, words: &[&str]) -> Output {
    Command::new("openssl").args(words).current_dir(folder).output().unwrap()
}

/// A token as a granted answer.
pub fn granted(token: &[u8]) -> Vec<u8> {
    let inner = [&[0x30, 3, 2, 1, 0], token].concat();
    let length = u16::try_from(inner.len()).unwrap().to_be_bytes();
    [&[0x30, 0x82], &length[..], &inner].concat()
}
