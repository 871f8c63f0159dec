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
