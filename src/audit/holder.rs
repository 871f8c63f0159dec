//! Holders: persons who hold long-term keys in one role. Nobody has both roles: two persons open a record.
//!
//! Each has two pairs: one signs what they say of a case, one opens the weeks' keys. They are in a file, `<name>.key`
//! (Ed25519, X25519), that is the holder's own and never leaves them, or in a token that they never leave either (P-256;
//! `token.rs`). `<name>.pub` has the public halves of both: what the ceremony seals to, and what signatures are verified by.

mod opening;
mod people;
mod signing;

use crate::{
    keys::{self, KeyError},
    seal::{self, Private, Role, SealError},
    token::{Token, TokenError},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
pub use opening::Opening;
pub use people::People;
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use secrecy::{ExposeSecret as _, SecretBox, SecretString};
pub use signing::Verifying;
use std::path::{Path, PathBuf};

const PUBLIC: &str = "varco-holder/2";
const PRIVATE: &str = "varco-holder-key/2";

/// A holder, as the ceremony and the hub know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Their name in files: 1 to 32 lower-case letters, digits and dashes.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// What verifies their signatures.
    pub verifying: Verifying,
    /// What is sealed to them.
    pub opening: Opening,
}

/// A holder's own keys.
#[derive(Debug)]
pub struct HolderKey {
    /// Their name in files.
    pub name: String,
    /// Their role.
    pub role: Role,
    own: Own,
}

#[derive(Debug)]
enum Own {
    File { signing: Box<Ed25519KeyPair>, opening: Private },
    Token(Box<Token>),
}

/// Why a holder's key did not sign or open.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// A file.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl HolderError {
    /// Whether nothing is wrong but that it was sealed to somebody else, or for something else.
    pub const fn is_closed(&self) -> bool {
        matches!(self, Self::Seal(SealError::Closed) | Self::Token(TokenError::Seal(SealError::Closed)))
    }
}

impl Holder {
    /// Reads `<name>.pub`.
    ///
    /// # Errors
    /// When the file cannot be read or names no holder.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
        Self::parse(&text).ok_or_else(|| KeyError::NotAKey(path.to_owned()))
    }

    /// Reads the line of a holder; `None` for anything that is not written as [`Self::line`] writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<_> = text.split_whitespace().collect();
        let [PUBLIC, role, name, signing, opening] = words[..] else { return None };
        let verifying = Verifying::parse(signing, name)?;
        let opening = Opening::parse(opening)?;
        let holder = Self { name: name.to_owned(), role: role.parse().ok()?, verifying, opening };
        (is_name(name) && holder.line() == text).then_some(holder)
    }

    /// The line of `<name>.pub`: role, name, the signing key as signed notes have it, the opening key.
    pub fn line(&self) -> String {
        let Self { name, role, verifying, opening } = self;
        format!("{PUBLIC} {role} {name} {} {opening}\n", verifying.vkey(name))
    }

    /// Whether this person is the other: by name, or by a key.
    pub fn is(&self, other: &Self) -> bool {
        self.name == other.name || self.verifying == other.verifying || self.opening == other.opening
    }
}

impl HolderKey {
    /// Makes a holder's pairs in files in `folder`; the paths of the private and the public one.
    ///
    /// # Errors
    /// When the name is unfit, a file is there already, or the folder cannot be written.
    pub fn make(name: &str, role: Role, folder: &Path) -> Result<(PathBuf, PathBuf), KeyError> {
        check_name(name)?;
        let mut seed = SecretBox::new(Box::new([0; 32]));
        let random = secrecy::ExposeSecretMut::expose_secret_mut(&mut seed);
        SystemRandom::new().fill(random).map_err(|_| SealError::NoRandomness)?;
        let own = folder.join(format!("{name}.key"));
        let opening = Private::fresh()?;
        let signing = signing_key(seed.expose_secret()).ok_or_else(|| KeyError::NotAKey(own.clone()))?;
        let verifying = verifying(&signing).ok_or_else(|| KeyError::NotAKey(own.clone()))?;
        let holder =
            Holder { name: name.to_owned(), role, verifying, opening: Opening::X25519(opening.public()?) };
        let [seed, private] = [seed.expose_secret(), opening.expose()].map(|key| URL_SAFE_NO_PAD.encode(key));
        let line = SecretString::from(format!("{PRIVATE} {role} {name} {seed} {private}\n"));
        keys::make_folder(folder, 0o700)?;
        keys::write_new(&own, line.expose_secret(), 0o600)?;
        Ok((own, write_public(&holder, folder)?))
    }

    /// Makes the public file of a holder whose keys are in a token, from those that it has, or from those made in it now.
    ///
    /// # Errors
    /// When the name is unfit, the token does not have both pairs, or the file is there already.
    pub fn of_token(token: &Token, name: &str, role: Role, folder: &Path) -> Result<PathBuf, HolderError> {
        check_name(name)?;
        let (verifying, opening) = token.public()?;
        let holder = Holder { name: name.to_owned(), role, verifying, opening };
        keys::make_folder(folder, 0o700)?;
        Ok(write_public(&holder, folder)?)
    }

    /// Reads `<name>.key`.
    ///
    /// # Errors
    /// When the file cannot be read or is no holder's key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read_to_string(path).map_err(|error| KeyError::File(path.to_owned(), error))?;
        parse(&text.into()).ok_or_else(|| KeyError::NotAKey(path.to_owned()))
    }

    /// The keys of `holder` in a token. That they are theirs is tried with a signature.
    ///
    /// # Errors
    /// When the token is another person's, or does not answer.
    pub fn in_token(token: Token, holder: &Holder) -> Result<Self, HolderError> {
        let tried = "varco: is this your token?\n";
        if !holder.verifying.holds(tried.as_bytes(), &token.sign(tried.as_bytes())?) {
            return Err(TokenError::OtherHolder(holder.name.clone()).into());
        }
        let own = Own::Token(Box::new(token.of(holder)?));
        Ok(Self { name: holder.name.clone(), role: holder.role, own })
    }

    /// Signs a text, which ends in a newline: a note with this one signature (C2SP signed-note).
    ///
    /// # Errors
    /// When the token does not sign.
    pub fn sign(&self, text: &str) -> Result<String, HolderError> {
        let (verifying, signature) = match &self.own {
            Own::File { signing, .. } => {
                let verifying = verifying(signing).ok_or(SealError::NotAKey)?;
                (verifying, signing.sign(text.as_bytes()).as_ref().to_vec())
            }
            Own::Token(token) => (token.public()?.0, token.sign(text.as_bytes())?),
        };
        Ok(format!("{text}\n{}", verifying.signature_line(&self.name, &signature)))
    }

    /// Opens what was sealed to this holder ([`Opening::seal`]) for the same `info` and `aad`.
    ///
    /// # Errors
    /// [`SealError::Closed`] when it was sealed to another key or for something else; or what the token says.
    pub fn open(&self, info: &str, aad: &str, sealed: &[u8]) -> Result<Vec<u8>, HolderError> {
        match &self.own {
            Own::File { opening, .. } => Ok(seal::open(opening, info, aad, sealed)?),
            Own::Token(token) => Ok(token.open_sealed(info, aad, sealed)?),
        }
    }
}

fn parse(text: &SecretString) -> Option<HolderKey> {
    let words: Vec<_> = text.expose_secret().split_whitespace().collect();
    let [PRIVATE, role, name, seed, opening] = words[..] else { return None };
    let octets = |text| URL_SAFE_NO_PAD.decode(text).ok().map(|octets| SecretBox::new(Box::new(octets)));
    let signing = Box::new(signing_key(octets(seed)?.expose_secret())?);
    let opening = Private::from_octets(octets(opening)?.expose_secret())?;
    let (name, role) = (is_name(name).then(|| name.to_owned())?, role.parse().ok()?);
    Some(HolderKey { name, role, own: Own::File { signing, opening } })
}

fn signing_key(seed: &[u8]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed).ok()
}

fn verifying(signing: &Ed25519KeyPair) -> Option<Verifying> {
    signing.public_key().as_ref().try_into().ok().map(Verifying::Ed25519)
}

fn write_public(holder: &Holder, folder: &Path) -> Result<PathBuf, KeyError> {
    let path = folder.join(format!("{}.pub", holder.name));
    keys::write_new(&path, &holder.line(), 0o644)?;
    Ok(path)
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let problem = format!("`{name}` cannot name a holder; use 1 to 32 lower-case letters, digits, dashes");
    if is_name(name) { Ok(()) } else { Err(KeyError::Asked(problem)) }
}

/// Whether a holder may be called this.
pub fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=32).contains(&name.len()) && name.bytes().all(plain)
}
