//! The folder of a cluster's CA: `ca.crt`, `ca.key`, and `lineage.crt` if others were before it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use quorate_certs::{CaError, ClusterCa};

use crate::create::{NewClusterError, Readers, failed, make_dir, write_new};

const CA_CERT_FILE: &str = "ca.crt";
const CA_KEY_FILE: &str = "ca.key";
const LINEAGE_FILE: &str = "lineage.crt";

/// A folder that holds no CA.
#[derive(Debug, thiserror::Error)]
pub enum CaDirError {
    /// A file is missing or cannot be read.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The two files make no CA.
    #[error("{dir} holds no CA of a cluster")]
    Ca {
        /// The folder.
        dir: PathBuf,
        /// Why not.
        source: CaError,
    },
}

/// Writes a CA and what leads to it from those before (PEM, empty for the first) into a folder, which is made where it is missing,
/// for its owner only. No file of it may be there yet.
///
/// # Errors
/// A file is there, or could not be written.
pub fn save_ca(dir: &Path, ca: &ClusterCa, lineage: &str) -> Result<(), NewClusterError> {
    make_dir(dir, Readers::Owner)?;
    let write = |name: &str, text: &str, readers| {
        let path = dir.join(name);
        write_new(&path, text.as_bytes(), readers).map_err(|source| failed(&path, source))
    };
    write(CA_KEY_FILE, &ca.key_pem(), Readers::Owner)?;
    if !lineage.is_empty() {
        write(LINEAGE_FILE, lineage, Readers::All)?;
    }
    write(CA_CERT_FILE, ca.cert_pem(), Readers::All)
}

/// Reads what [`save_ca`] wrote: the CA, and its lineage.
///
/// # Errors
/// See [`CaDirError`].
pub fn load_ca(dir: &Path) -> Result<(ClusterCa, String), CaDirError> {
    let read = |name: &str| {
        let path = dir.join(name);
        fs::read_to_string(&path).map_err(|source| CaDirError::Io { path, source })
    };
    // The key's text is not wiped here: the program that reads it ends after it has signed one certificate.
    let (cert, key) = (read(CA_CERT_FILE)?, read(CA_KEY_FILE)?);
    let ca = ClusterCa::from_pem(&cert, &key).map_err(|source| CaDirError::Ca {
        dir: dir.to_owned(),
        source,
    })?;
    let lineage = match read(LINEAGE_FILE) {
        Err(CaDirError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => String::new(),
        lineage => lineage?,
    };
    Ok((ca, lineage))
}
