//! The key that signs ID tokens: RS256 by `ring`, whose RSA takes the same time whatever the key.

use anyhow::{Context, anyhow};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey, SigningError,
    core::{CoreJsonWebKey, CoreJwsSigningAlgorithm},
};
use ring::{digest, rand::SystemRandom, signature};
use std::path::Path;

/// An RSA key and its public half as a JWK.
pub struct SigningKey {
    pair: signature::RsaKeyPair,
    public: CoreJsonWebKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a PEM private key of 2048 to 4096 bits. Its id is the digest of its modulus.
    ///
    /// # Errors
    /// When the file cannot be read or holds no such key.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let name = || path.display().to_string();
        let pem = std::fs::read(path).with_context(name)?;
        let rsa = openssl::rsa::Rsa::private_key_from_pem(&pem).with_context(name)?;
        let pair = signature::RsaKeyPair::from_der(&rsa.private_key_to_der()?)
            .map_err(|e| anyhow!("{}: {e}", path.display()))?;
        let modulus = rsa.n().to_vec();
        let id = digest::digest(&digest::SHA256, &modulus);
        let id = URL_SAFE_NO_PAD.encode(id.as_ref().get(..12).unwrap_or_default());
        let public = CoreJsonWebKey::new_rsa(modulus, rsa.e().to_vec(), Some(JsonWebKeyId::new(id)));
        Ok(Self { pair, public })
    }
}

impl PrivateSigningKey for SigningKey {
    type VerificationKey = CoreJsonWebKey;

    fn sign(&self, algorithm: &CoreJwsSigningAlgorithm, message: &[u8]) -> Result<Vec<u8>, SigningError> {
        if *algorithm != CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256 {
            return Err(SigningError::UnsupportedAlg(format!("{algorithm:?}")));
        }
        let mut out = vec![0; self.pair.public().modulus_len()];
        self.pair
            .sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut out)
            .map_err(|_| SigningError::CryptoError)?;
        Ok(out)
    }

    fn as_verification_key(&self) -> CoreJsonWebKey {
        self.public.clone()
    }
}
