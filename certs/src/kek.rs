//! The key that seals the CA's key. Nodes have it in a file of their own and hand it to those that join; it is in no log, no
//! snapshot and no backup, so what is copied from a node's data does not give the CA away.
//!
//! ```text
//! the file: version u8 (1), key (32 bytes)      what is sealed: hex of version u8 (1), nonce (12 bytes), AES-256-GCM
//! ```
//! The cluster's id is authenticated along, so that a sealed key of one cluster opens in no other.

use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ca::{CaError, ClusterCa};
use crate::cluster::ClusterId;
use crate::digits;
use crate::file::{self, Readers};
use crate::provider::fill_random;

/// The name of the file with the key, in a data directory and in a folder of `chatctl cluster new`.
pub const CLUSTER_KEK_FILE: &str = "cluster.kek";

/// Bytes of the key.
pub const KEK_BYTES: usize = 32;
/// Of the file, and of what is sealed.
const VERSION: u8 = 1;

/// The key. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ClusterKek([u8; KEK_BYTES]);

/// A key that cannot be had, or that does not open what it should.
#[derive(Debug, thiserror::Error)]
pub enum KekError {
    /// The file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file holds no such key.
    #[error("{0} does not hold a cluster's key")]
    Unreadable(PathBuf),
    /// It was sealed under another key, for another cluster, or was changed.
    #[error("the CA key was not sealed for this cluster under this key")]
    Sealed,
    /// What was sealed is no CA.
    #[error(transparent)]
    Ca(#[from] CaError),
}

impl ClusterKek {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        let mut key = [0; KEK_BYTES];
        fill_random(&mut key);
        Self(key)
    }

    /// One that was sent; `None` if it has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As it is sent, to a node that has joined and nobody else.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads [`CLUSTER_KEK_FILE`] in this directory; `None` if there is none.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub fn load(dir: &Path) -> Result<Option<Self>, KekError> {
        let path = dir.join(CLUSTER_KEK_FILE);
        let content = match file::read(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KekError::Io { path, source }),
        };
        let key = content.strip_prefix(&[VERSION]).and_then(Self::from_bytes);
        key.map(Some).ok_or(KekError::Unreadable(path))
    }

    /// Writes it into this directory, for its owner only.
    ///
    /// # Errors
    /// It could not be written.
    pub fn save(&self, dir: &Path) -> Result<(), KekError> {
        let path = dir.join(CLUSTER_KEK_FILE);
        let mut content = Zeroizing::new(vec![VERSION]);
        content.extend_from_slice(&self.0);
        file::replace(&path, &content, Readers::Owner).map_err(|source| KekError::Io { path, source })
    }

    /// Seals the key of a CA for a cluster.
    #[must_use]
    pub fn seal(&self, cluster: &ClusterId, ca: &ClusterCa) -> String {
        let mut text = Zeroizing::new(ca.key_pem().as_bytes().to_vec());
        let nonce = self
            .cipher()
            .seal_in_place_append_tag(aad(cluster), &mut *text)
            .expect("a CA key is far below what one nonce may seal");
        let mut sealed = vec![VERSION];
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&text);
        digits::to_hex(&sealed)
    }

    /// The CA of a cluster, from its certificate (PEM) and its sealed key.
    ///
    /// # Errors
    /// It was not sealed for this cluster under this key.
    pub fn open(&self, cluster: &ClusterId, cert_pem: &str, sealed: &str) -> Result<ClusterCa, KekError> {
        let sealed = Zeroizing::new(digits::from_hex(sealed).ok_or(KekError::Sealed)?);
        let rest = sealed.strip_prefix(&[VERSION]).ok_or(KekError::Sealed)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE_LEN>().ok_or(KekError::Sealed)?;
        let mut text = Zeroizing::new(text.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self
            .cipher()
            .open_in_place(nonce, aad(cluster), &mut text)
            .map_err(|_| KekError::Sealed)?;
        let key_pem = std::str::from_utf8(opened).map_err(|_| KekError::Sealed)?;
        Ok(ClusterCa::from_pem(cert_pem, key_pem)?)
    }

    fn cipher(&self) -> RandomizedNonceKey {
        RandomizedNonceKey::new(&AES_256_GCM, &self.0).expect("the key has the length of the cipher's")
    }
}

fn aad(cluster: &ClusterId) -> Aad<String> {
    Aad::from(format!("quorate CA key of {cluster}"))
}

impl fmt::Debug for ClusterKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKek(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_is_opened_for_its_cluster_under_its_key_only() {
        let (id, kek) = (ClusterId::random(), ClusterKek::random());
        let ca = ClusterCa::generate(&id).unwrap();
        let sealed = kek.seal(&id, &ca);
        assert_ne!(sealed, kek.seal(&id, &ca), "each has a nonce of its own");
        let opened = kek.open(&id, ca.cert_pem(), &sealed).unwrap();
        assert_eq!(opened.fingerprint(), ca.fingerprint());
        let other = ClusterKek::random().open(&id, ca.cert_pem(), &sealed);
        assert!(matches!(other, Err(KekError::Sealed)));
        let elsewhere = kek.open(&ClusterId::random(), ca.cert_pem(), &sealed);
        assert!(matches!(elsewhere, Err(KekError::Sealed)));
        for wrong in ["", "01", "00ff", &sealed[2..], &sealed[..sealed.len() - 2]] {
            assert!(matches!(kek.open(&id, ca.cert_pem(), wrong), Err(KekError::Sealed)));
        }
    }

    #[test]
    fn the_file_is_its_owners() {
        let dir = tempfile::tempdir().unwrap();
        assert!(ClusterKek::load(dir.path()).unwrap().is_none());
        let kek = ClusterKek::random();
        kek.save(dir.path()).unwrap();
        assert_eq!(ClusterKek::load(dir.path()).unwrap(), Some(kek));
        let path = dir.path().join(CLUSTER_KEK_FILE);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777,
            0o600
        );
        std::fs::write(&path, [VERSION; KEK_BYTES]).unwrap();
        assert!(matches!(ClusterKek::load(dir.path()), Err(KekError::Unreadable(_))));
    }
}
