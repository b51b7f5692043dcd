//! Two keys that outlive a daemon's process, so that its next one can say to the old one's peers that it is gone.

use std::path::{Path, PathBuf};

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::file;
use crate::provider::fill_random;

/// The key under which stateless reset tokens are made, in bytes (RFC 9000, section 10.3.2).
pub const RESET_KEY_BYTES: usize = 64;
/// The key under which connection ids are checked, in bytes.
pub const CONNECTION_ID_KEY_BYTES: usize = 8;
/// The shape of the file: this byte, the reset key, the connection-id key (big-endian).
const VERSION: u8 = 1;
const FILE_BYTES: usize = 1 + RESET_KEY_BYTES + CONNECTION_ID_KEY_BYTES;

/// The secrets of a node's endpoints. Both must be the same after a restart: a packet whose connection id is not recognised
/// is dropped before a stateless reset is thought of.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct NodeSecrets {
    reset_key: [u8; RESET_KEY_BYTES],
    connection_id_key: u64,
}

/// Secrets that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file could not be read or made.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is damaged or of a newer format. It may be deleted: peers then notice the next restart more slowly, once.
    #[error("{path} does not hold a node's secrets")]
    Unreadable {
        /// Which file.
        path: PathBuf,
    },
}

impl NodeSecrets {
    /// New ones, kept nowhere.
    #[must_use]
    pub fn random() -> Self {
        let mut secrets = Self {
            reset_key: [0; RESET_KEY_BYTES],
            connection_id_key: 0,
        };
        fill_random(&mut secrets.reset_key);
        let mut key = [0; CONNECTION_ID_KEY_BYTES];
        fill_random(&mut key);
        secrets.connection_id_key = u64::from_be_bytes(key);
        secrets
    }

    /// Those in this file, or new ones if there is none.
    ///
    /// # Errors
    /// The file cannot be read, made or understood.
    pub fn load_or_create(path: &Path) -> Result<Self, SecretsError> {
        let content =
            file::read_or_create(path, || Ok(Self::random().encode())).map_err(|source| SecretsError::Io {
                path: path.to_owned(),
                source,
            })?;
        Self::decode(&content).ok_or_else(|| SecretsError::Unreadable { path: path.to_owned() })
    }

    /// The key for stateless reset tokens.
    #[must_use]
    pub fn reset_key(&self) -> &[u8; RESET_KEY_BYTES] {
        &self.reset_key
    }

    /// The key for connection ids.
    #[must_use]
    pub fn connection_id_key(&self) -> u64 {
        self.connection_id_key
    }

    fn encode(&self) -> file::Secret {
        let mut content = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
        content.push(VERSION);
        content.extend_from_slice(&self.reset_key);
        content.extend_from_slice(&self.connection_id_key.to_be_bytes());
        content
    }

    fn decode(content: &[u8]) -> Option<Self> {
        let (reset_key, rest) = content.strip_prefix(&[VERSION])?.split_first_chunk()?;
        Some(Self {
            reset_key: *reset_key,
            connection_id_key: u64::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

impl std::fmt::Debug for NodeSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeSecrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets");
        let made = NodeSecrets::load_or_create(&path).unwrap();
        assert!(NodeSecrets::load_or_create(&path).unwrap() == made);
        assert!(NodeSecrets::random() != made);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777,
            0o600
        );
    }

    #[test]
    fn a_file_of_another_shape_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets");
        let whole = NodeSecrets::random().encode();
        let mut longer = whole.to_vec();
        longer.push(0);
        let mut newer = whole.to_vec();
        newer[0] = VERSION + 1;
        for content in [&[][..], &whole[1..], &whole[..FILE_BYTES - 1], &longer, &newer] {
            std::fs::write(&path, content).unwrap();
            assert!(matches!(
                NodeSecrets::load_or_create(&path),
                Err(SecretsError::Unreadable { .. })
            ));
        }
    }
}
