//! `authority.toml`: the CA as a founder hands it to the cluster, its key sealed under the cluster's own
//! ([`ClusterKek`](quorate_certs::ClusterKek)), which lies in a file beside it.

use std::io;
use std::path::{Path, PathBuf};

use quorate_certs::{ClusterCa, ClusterId, ClusterKek};
use serde::{Deserialize, Serialize};

use crate::create::{Readers, write_new};

/// The name of the file, in a data directory and in a node's folder of `chatctl cluster new`.
pub const AUTHORITY_FILE: &str = "authority.toml";

/// The folder with a node's certificate and key, in a data directory that was not told of them by a config.
pub const CERT_DIR: &str = "cert";

/// The name of a cluster that nobody named.
pub const UNNAMED: &str = "quorate";

/// The content of `authority.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorityFile {
    /// What operators call the cluster.
    pub name: String,
    /// The uid of who founded the cluster; without it, of whoever owns the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_uid: Option<u32>,
    /// The CA's key, sealed.
    pub sealed_key: String,
    /// The CA's certificate, PEM.
    pub cert: String,
    /// What leads to it from CAs before it, PEM.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lineage: String,
}

/// An `authority.toml` that cannot be used, or not be written.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityFileError {
    /// The file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text is no TOML of the right shape.
    #[error("{path} is not the file of a cluster's CA")]
    Form {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
}

impl AuthorityFile {
    /// Of this CA, sealed under this key.
    #[must_use]
    pub fn seal(name: &str, by_uid: Option<u32>, cluster: &ClusterId, ca: &ClusterCa, kek: &ClusterKek) -> Self {
        Self::seal_with(name, by_uid, (cluster, kek), ca, "")
    }

    /// The same, of a CA with a lineage.
    #[must_use]
    pub fn seal_with(
        name: &str,
        by_uid: Option<u32>,
        (cluster, kek): (&ClusterId, &ClusterKek),
        ca: &ClusterCa,
        lineage: &str,
    ) -> Self {
        Self {
            name: name.to_owned(),
            by_uid,
            sealed_key: kek.seal(cluster, ca),
            cert: ca.cert_pem().to_owned(),
            lineage: lineage.to_owned(),
        }
    }

    /// Reads the file in this directory; `None` if there is none.
    ///
    /// # Errors
    /// It is there and cannot be used.
    pub fn load(dir: &Path) -> Result<Option<Self>, AuthorityFileError> {
        let path = dir.join(AUTHORITY_FILE);
        match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map(Some)
                .map_err(|error| AuthorityFileError::Form {
                    path,
                    source: Box::new(error),
                }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(AuthorityFileError::Io { path, source }),
        }
    }

    /// Writes the file into this directory, in which there is none yet.
    ///
    /// # Errors
    /// It is there, or it could not be written.
    pub fn save(&self, dir: &Path) -> Result<(), AuthorityFileError> {
        let path = dir.join(AUTHORITY_FILE);
        let text = toml::to_string(self).expect("texts and a number are TOML");
        write_new(&path, text.as_bytes(), Readers::Owner).map_err(|source| AuthorityFileError::Io { path, source })
    }
}
