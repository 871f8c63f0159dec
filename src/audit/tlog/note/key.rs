//! Keys of notes: what signs (a file of the log's owner) and what verifies (a line to give away).

use super::{is_name, line};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    digest::{SHA256, digest},
    rand::{SecureRandom as _, SystemRandom},
    signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fmt,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
    str::FromStr,
};

/// Ed25519 over the text of a note.
pub(in super::super) const ED25519_NOTE: u8 = 0x01;
/// Ed25519 over a checkpoint and a time (C2SP tlog-cosignature).
pub(in super::super) const ED25519_COSIGNATURE: u8 = 0x04;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error(transparent)]
    File(#[from] io::Error),
    /// Not a key, or of a kind that this program does not know.
    #[error("this is no Ed25519 key of a note, or not of the kind that is needed here")]
    Malformed,
    /// The key is called otherwise.
    #[error("this is the key of {found}, not of {wanted}: who signs keeps its name and its key")]
    OtherName {
        /// What it is called.
        found: String,
        /// What was looked for.
        wanted: String,
    },
    /// Others than the owner may read it.
    #[error("others may read this key: chmod 600")]
    Open,
    /// No random octets to make it of.
    #[error("the kernel gave no random octets")]
    NoRandomness,
}

/// The public half: `<name>+<key identifier>+<base64 of kind and key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    kind: u8,
    public: [u8; 32],
}

impl VerifierKey {
    fn new(name: &str, kind: u8, public: [u8; 32]) -> Self {
        Self { name: name.to_owned(), id: id(name, kind, &public), kind, public }
    }

    /// The name of the log or the witness.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is the key of a witness.
    pub const fn is_cosigner(&self) -> bool {
        self.kind == ED25519_COSIGNATURE
    }

    pub(in super::super) const fn id(&self) -> [u8; 4] {
        self.id
    }

    /// Whether a signature over a message is by this key.
    pub(in super::super) fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(message, signature).is_ok()
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (name, id, kind, public) = split(text).ok_or(KeyError::Malformed)?;
        let key = Self::new(name, kind, public);
        let known = [ED25519_NOTE, ED25519_COSIGNATURE].contains(&kind);
        if known && key.id == id { Ok(key) } else { Err(KeyError::Malformed) }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&join(&self.name, self.id, self.kind, &self.public))
    }
}

/// What signs a log's checkpoints. Its file has the form that Go's `sumdb/note` uses: `PRIVATE+KEY+…`.
pub struct NoteKey {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl NoteKey {
    /// Reads the key, or makes one that only its owner may read where there is none.
    ///
    /// # Errors
    /// When the file cannot be used, is open to others, or is the key of another name.
    pub fn load_or_make(path: &Path, name: &str) -> Result<Self, KeyError> {
        load_or_make(path, name, ED25519_NOTE)
    }

    /// Reads a key from the text of its file.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &SecretString) -> Result<Self, KeyError> {
        read(text, ED25519_NOTE)
    }

    /// The name, which is the log's origin too.
    pub fn name(&self) -> &str {
        self.verifier.name()
    }

    /// The public half.
    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The public half as the line that is given to auditors.
    pub fn vkey(&self) -> String {
        self.verifier.to_string()
    }

    /// The text, which ends in a newline, as a signed note.
    pub(in super::super) fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", line(self.name(), self.verifier.id, self.pair.sign(text.as_bytes()).as_ref()))
    }
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NoteKey").field(&self.vkey()).finish()
    }
}

/// What cosigns the checkpoints of others (kind 0x04): a witness's key, or a mirror's. A type of its own, so that it signs
/// nothing but cosignatures, and no log is signed by it.
#[derive(Debug)]
pub struct CosignerKey(NoteKey);

impl CosignerKey {
    /// Reads the key, or makes one that only its owner may read where there is none.
    ///
    /// # Errors
    /// When the file cannot be used, is open to others, is the key of another name, or no cosigner's.
    pub fn load_or_make(path: &Path, name: &str) -> Result<Self, KeyError> {
        load_or_make(path, name, ED25519_COSIGNATURE).map(Self)
    }

    /// Reads a key from the text of its file.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &SecretString) -> Result<Self, KeyError> {
        read(text, ED25519_COSIGNATURE).map(Self)
    }

    /// The name of the witness or the mirror.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The public half.
    pub const fn verifier(&self) -> &VerifierKey {
        self.0.verifier()
    }

    /// The public half as the line that is given away.
    pub fn vkey(&self) -> String {
        self.0.vkey()
    }

    /// A signature over a message, which says itself what it is.
    pub(in super::super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        signature.copy_from_slice(self.0.pair.sign(message).as_ref());
        signature
    }
}

fn load_or_make(path: &Path, name: &str, kind: u8) -> Result<NoteKey, KeyError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => return Err(KeyError::Open),
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path, name, kind)?,
        Err(error) => return Err(error.into()),
        Ok(_) => {}
    }
    let key = read(&SecretString::from(fs::read_to_string(path)?), kind)?;
    if key.name() == name {
        return Ok(key);
    }
    Err(KeyError::OtherName { found: key.name().to_owned(), wanted: name.to_owned() })
}

fn read(text: &SecretString, wanted: u8) -> Result<NoteKey, KeyError> {
    let text = text.expose_secret().trim_end().strip_prefix("PRIVATE+KEY+").ok_or(KeyError::Malformed)?;
    let (name, id, kind, seed) = split(text).ok_or(KeyError::Malformed)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::Malformed)?;
    let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Malformed)?;
    let verifier = VerifierKey::new(name, kind, public);
    if kind == wanted && verifier.id == id {
        Ok(NoteKey { pair, verifier })
    } else {
        Err(KeyError::Malformed)
    }
}

/// `SHA-256(name || 0x0A || kind || key)`, its first four octets.
fn id(name: &str, kind: u8, public: &[u8]) -> [u8; 4] {
    let hash = digest(&SHA256, &[name.as_bytes(), b"\n", &[kind], public].concat());
    [hash.as_ref()[0], hash.as_ref()[1], hash.as_ref()[2], hash.as_ref()[3]]
}

fn join(name: &str, id: [u8; 4], kind: u8, key: &[u8]) -> String {
    format!("{name}+{:08x}+{}", u32::from_be_bytes(id), STANDARD.encode([&[kind], key].concat()))
}

/// Name, identifier, kind and key of either form.
fn split(text: &str) -> Option<(&str, [u8; 4], u8, [u8; 32])> {
    let (name, rest) = text.split_once('+')?;
    let (id, key) = rest.split_once('+')?;
    let written = id.len() == 8 && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let id = u32::from_str_radix(id, 16).ok().filter(|_| written)?.to_be_bytes();
    let key = STANDARD.decode(key).ok()?;
    let (kind, key) = key.split_first()?;
    is_name(name).then_some((name, id, *kind, key.try_into().ok()?))
}

/// Durable before it is used: a checkpoint by a key that is lost could never be continued.
fn make(path: &Path, name: &str, kind: u8) -> Result<(), KeyError> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| KeyError::NoRandomness)?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| KeyError::NoRandomness)?;
    if !is_name(name) {
        return Err(KeyError::Malformed);
    }
    let id = id(name, kind, pair.public_key().as_ref());
    let text = SecretString::from(format!("PRIVATE+KEY+{}\n", join(name, id, kind, &seed)));
    let new = path.with_extension("new");
    let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.expose_secret().as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => Ok(File::open(parent)?.sync_all()?),
        None => Ok(File::open(".")?.sync_all()?),
    }
}
