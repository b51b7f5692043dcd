//! A device's key. The device is known by the SHA-256 of the public half; the certificate around it says nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use quorate_core::DeviceId;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ED25519, PublicKeyData};
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use zeroize::{Zeroize, Zeroizing};

use crate::file;
use crate::node::signing_key;
use crate::provider::sha256;

/// A device key that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// The file could not be read or made.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no private key.
    #[error("{path} holds no device key")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The crypto library failed.
    #[error("a device key could not be made")]
    Make(#[from] rcgen::Error),
}

/// A device's key (Ed25519) in the self-signed certificate that TLS wants around it. Cheap to clone.
#[derive(Clone)]
pub struct DeviceKey {
    id: DeviceId,
    certified: Arc<CertifiedKey>,
}

impl DeviceKey {
    /// A new key, kept nowhere.
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn generate() -> Result<Self, DeviceKeyError> {
        with_wiped(KeyPair::generate_for(&PKCS_ED25519)?, Self::of)
    }

    /// The key in this file, or a new one if there is none. All processes that do this at once get the same key. A file
    /// that is there and holds no key is an error and stays: the account is bound to what it held.
    ///
    /// # Errors
    /// The file cannot be read, made or understood.
    pub fn load_or_create(path: &Path) -> Result<Self, DeviceKeyError> {
        let unreadable = |source| DeviceKeyError::Unreadable {
            path: path.to_owned(),
            source,
        };
        let fresh = || {
            let key = KeyPair::generate_for(&PKCS_ED25519).map_err(std::io::Error::other)?;
            Ok(with_wiped(key, |key| Zeroizing::new(key.serialize_pem().into_bytes())))
        };
        let pem = file::read_or_create(path, fresh).map_err(|source| DeviceKeyError::Io {
            path: path.to_owned(),
            source,
        })?;
        let pem = std::str::from_utf8(&pem).map_err(|error| unreadable(Box::new(error)))?;
        let key = KeyPair::from_pem(pem).map_err(|error| unreadable(Box::new(error)))?;
        with_wiped(key, Self::of)
    }

    /// The id of the device.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        self.id
    }

    pub(crate) fn of(key: &KeyPair) -> Result<Self, DeviceKeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "device");
        let cert = params.self_signed(key)?;
        let pem = Zeroizing::new(key.serialize_pem());
        let signing = signing_key(&pem).ok_or(rcgen::Error::UnsupportedSignatureAlgorithm)?;
        let certified = Arc::new(CertifiedKey::new(vec![cert.der().clone()], signing));
        Ok(Self {
            id: DeviceId(sha256(&key.subject_public_key_info())),
            certified,
        })
    }

    #[cfg(test)]
    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

fn with_wiped<T>(mut key: KeyPair, use_it: impl FnOnce(&KeyPair) -> T) -> T {
    let result = use_it(&key);
    key.zeroize();
    result
}

impl ResolvesClientCert for DeviceKey {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[rustls::SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

impl std::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DeviceKey({})", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/device.key");
        let made = DeviceKey::load_or_create(&path).unwrap();
        assert_eq!(DeviceKey::load_or_create(&path).unwrap().id(), made.id());
        assert_ne!(DeviceKey::generate().unwrap().id(), made.id());
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777,
            0o600
        );
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing is left beside it"
        );
    }

    #[test]
    fn those_that_race_for_it_get_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.key");
        let racers: Vec<_> = (0..8)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || DeviceKey::load_or_create(&path).unwrap().id())
            })
            .collect();
        let ids: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn a_file_without_a_key_is_an_error_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.key");
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(
            DeviceKey::load_or_create(&path),
            Err(DeviceKeyError::Unreadable { .. })
        ));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
    }
}
