//! A holder's keys in a token (PKCS#11): a smart card, a stick, an HSM. They are made in it and never leave it; what
//! leaves is signatures, and of what is opened the one secret that it was sealed under.
//!
//! Two pairs on P-256, since hardly a token has Curve25519: `<object>-sign` (CKM_ECDSA) and `<object>-open`
//! (CKM_ECDH1_DERIVE). The token does the arithmetic with the private key, `kem.rs` the rest of HPKE.

mod der;
mod kem;
mod pin;
mod uri;

use crate::{
    holder::{Holder, Opening, Verifying},
    seal::SealError,
};
use cryptoki::{
    context::{CInitializeArgs, CInitializeFlags, Pkcs11},
    error::{Error, RvError},
    mechanism::{
        Mechanism,
        elliptic_curve::{EcKdf, Ecdh1DeriveParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretBox};
use std::path::PathBuf;
pub use uri::{NotAUri, TokenUri};

/// Why a token did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The module, or what it says.
    #[error("token: {0}")]
    Pkcs11(Error),
    /// It is not there any more.
    #[error("the token was taken out: plug it in and run the command again")]
    Pulled,
    /// No such token is there.
    #[error("no token is called `{0}`: is it plugged in, and is `module-path` its module?")]
    NoToken(String),
    /// It has no such key.
    #[error("the token has no {1} key called `{0}`: is it the right one, and still plugged in?")]
    NoKey(String, &'static str),
    /// It has such a key already.
    #[error("the token has a key called `{0}` already")]
    There(String),
    /// It does not take the PIN.
    #[error("the token does not take this PIN; after too many wrong ones it is locked")]
    Pin,
    /// The PIN's file, or no terminal to ask at.
    #[error("{0}: {1}")]
    PinSource(PathBuf, String),
    /// The keys are somebody else's.
    #[error(
        "the token's key is not that of {0}: it is another person's token, or `object` names another key"
    )]
    OtherHolder(String),
    /// The key is of another curve, or written otherwise.
    #[error("`{0}` is no key on P-256")]
    OtherCurve(String),
    /// It does not open what it should.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<Error> for TokenError {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(
                RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::SessionHandleInvalid
                | RvError::SessionClosed,
                _,
            ) => Self::Pulled,
            error => Self::Pkcs11(error),
        }
    }
}

/// The object identifier of P-256 (RFC 5480 section 2.1.1.1), as CKA_EC_PARAMS has it.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

/// What a pair is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Sign,
    Open,
}

impl Use {
    const fn label(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Open => "open",
        }
    }
}

/// A token with somebody logged in.
#[derive(Debug)]
pub struct Token {
    session: Session,
    object: String,
    known: Option<(Verifying, Opening)>,
}

impl Token {
    /// Logs in to the token that the address names, with the PIN from where the address says, or from the terminal.
    ///
    /// # Errors
    /// When the module cannot be loaded, there is no such token, or the PIN is wrong.
    pub fn open(uri: &TokenUri) -> Result<Self, TokenError> {
        let module = Pkcs11::new(&uri.module)?;
        match module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Two holders may have tokens behind one module.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(error.into()),
        }
        let slot = slot(&module, &uri.token)?;
        let pin = pin::read(uri.pin.as_deref(), &uri.token)?;
        let session = module.open_rw_session(slot)?;
        match session.login(UserType::User, Some(&pin)) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinLocked | RvError::PinLenRange | RvError::PinInvalid,
                _,
            )) => return Err(TokenError::Pin),
            Err(error) => return Err(error.into()),
        }
        Ok(Self { session, object: uri.object.clone(), known: None })
    }

    /// Makes both pairs in the token, which keeps the private halves for itself.
    ///
    /// # Errors
    /// When one is there already, or the token cannot make them.
    pub fn make(&self) -> Result<(), TokenError> {
        for part in [Use::Sign, Use::Open] {
            let label = self.label(part);
            if !self.find(part, ObjectClass::PRIVATE_KEY)?.is_empty() {
                return Err(TokenError::There(label));
            }
        }
        for part in [Use::Sign, Use::Open] {
            self.pair(part)?;
        }
        Ok(())
    }

    fn pair(&self, part: Use) -> Result<(), TokenError> {
        let label = Attribute::Label(self.label(part).into_bytes());
        let public = [
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::EcParams(P256.to_vec()),
            Attribute::Verify(part == Use::Sign),
            label.clone(),
        ];
        let private = [
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(part == Use::Sign),
            Attribute::Derive(part == Use::Open),
            label,
        ];
        self.session.generate_key_pair(&Mechanism::EccKeyPairGen, &public, &private)?;
        Ok(())
    }

    /// The public halves of both pairs.
    ///
    /// # Errors
    /// When the token has them not both.
    pub fn public(&self) -> Result<(Verifying, Opening), TokenError> {
        if let Some(known) = self.known {
            return Ok(known);
        }
        let opening = Opening::p256(&self.point(Use::Open)?);
        let opening = opening.ok_or_else(|| TokenError::OtherCurve(self.label(Use::Open)))?;
        Ok((Verifying::P256(self.point(Use::Sign)?), opening))
    }

    /// The same with the public halves as the holder's file has them: not every token shows them.
    ///
    /// # Errors
    /// When the holder's keys are of another kind.
    pub fn of(self, holder: &Holder) -> Result<Self, TokenError> {
        match (holder.verifying, holder.opening) {
            (verifying @ Verifying::P256(_), opening @ Opening::P256(_)) => {
                Ok(Self { known: Some((verifying, opening)), ..self })
            }
            _ => Err(TokenError::OtherHolder(holder.name.clone())),
        }
    }

    /// Signs a text: ECDSA over its SHA-256, in DER.
    ///
    /// # Errors
    /// When the token has no such key or does not sign.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, TokenError> {
        let key = self.private(Use::Sign)?;
        let hash = digest(&SHA256, text);
        let signature = self.session.sign(&Mechanism::Ecdsa, key, hash.as_ref())?;
        der::signature(&signature).ok_or_else(|| TokenError::OtherCurve(self.label(Use::Sign)))
    }

    /// Opens what was sealed to [`Opening::P256`] of this token for the same `info` and `aad`.
    ///
    /// # Errors
    /// [`SealError::Closed`] when it was sealed to another key or for something else; or what the token says.
    pub fn open_sealed(&self, info: &str, aad: &str, sealed: &[u8]) -> Result<Vec<u8>, TokenError> {
        let (encapsulated, text) = sealed.split_at_checked(kem::POINT).ok_or(SealError::Closed)?;
        // A point beside the curve would make the token tell of its key.
        Opening::p256(encapsulated).ok_or(SealError::Closed)?;
        let Opening::P256(own) = self.public()?.1 else { return Err(SealError::NotAKey.into()) };
        let shared = self.shared(encapsulated)?;
        Ok(kem::open(shared.expose_secret(), encapsulated, &own, (info, aad), text)?)
    }

    /// The x-coordinate that both sides of a Diffie-Hellman exchange have.
    fn shared(&self, with: &[u8]) -> Result<SecretBox<Vec<u8>>, TokenError> {
        let key = self.private(Use::Open)?;
        let exchange = Mechanism::Ecdh1Derive(Ecdh1DeriveParams::new(EcKdf::null(), with));
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::GENERIC_SECRET),
            Attribute::ValueLen(32.into()),
            Attribute::Token(false),
            Attribute::Sensitive(false),
            Attribute::Extractable(true),
        ];
        let secret = self.session.derive_key(&exchange, key, &template)?;
        let value = self.session.get_attributes(secret, &[AttributeType::Value])?;
        self.session.destroy_object(secret)?;
        let value = value.into_iter().find_map(|attribute| match attribute {
            Attribute::Value(octets) => Some(SecretBox::new(Box::new(octets))),
            _ => None,
        });
        value.ok_or(TokenError::Seal(SealError::Closed))
    }

    fn label(&self, part: Use) -> String {
        format!("{}-{}", self.object, part.label())
    }

    fn find(&self, part: Use, class: ObjectClass) -> Result<Vec<ObjectHandle>, TokenError> {
        let template = [Attribute::Class(class), Attribute::Label(self.label(part).into_bytes())];
        Ok(self.session.find_objects(&template)?)
    }

    fn private(&self, part: Use) -> Result<ObjectHandle, TokenError> {
        match self.find(part, ObjectClass::PRIVATE_KEY)?[..] {
            [key] => Ok(key),
            _ => Err(TokenError::NoKey(self.label(part), "single private")),
        }
    }

    fn point(&self, part: Use) -> Result<[u8; 65], TokenError> {
        let [key] = self.find(part, ObjectClass::PUBLIC_KEY)?[..] else {
            return Err(TokenError::NoKey(self.label(part), "single public"));
        };
        let found = self.session.get_attributes(key, &[AttributeType::EcPoint])?;
        let point = found.into_iter().find_map(|attribute| match attribute {
            Attribute::EcPoint(octets) => der::point(&octets),
            _ => None,
        });
        let curve = |point: &[u8; 65]| Opening::p256(point).is_some();
        point.filter(curve).ok_or_else(|| TokenError::OtherCurve(self.label(part)))
    }
}

fn slot(module: &Pkcs11, label: &str) -> Result<Slot, TokenError> {
    for slot in module.get_slots_with_initialized_token()? {
        if module.get_token_info(slot)?.label() == label {
            return Ok(slot);
        }
    }
    Err(TokenError::NoToken(label.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    #[test]
    fn a_token_that_is_gone_is_told_from_one_that_is_broken() {
        let said = |value| TokenError::from(Error::Pkcs11(value, Function::Sign)).to_string();
        for gone in [RvError::DeviceRemoved, RvError::TokenNotPresent, RvError::SessionHandleInvalid] {
            assert!(said(gone).contains("was taken out"), "{}", said(gone));
        }
        assert!(said(RvError::DeviceError).starts_with("token: "), "{}", said(RvError::DeviceError));
    }
}
