//! Whose a data directory is: the side file, its copy inside both data files, and the order in which
//! a directory is made so that a crash in between is told from a loss.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use quorate_certs::ClusterId;
use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use super::database::sync_dir;
use super::{OpenError, StoreError};

/// The newest format of a data directory that this program knows, and the one that it makes.
pub const FORMAT_VERSION: u32 = 2;
/// The oldest that it reads. Format 1 was of builds before any release.
const FORMAT_OLDEST: u32 = 2;

const SIDE_FILE: &str = "identity.toml";
/// The side file until all else is made: with only this one there, the node never was, and has
/// promised nothing to anybody.
const UNFINISHED_SIDE_FILE: &str = "identity.toml.forming";

/// One life of a node's data: 128 random bits, made with the directory. A peer that comes back with
/// another one has lost its log and its votes.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Incarnation(pub u128);

impl Incarnation {
    /// No directory's: recorded for a node that may never come back, it refuses all that would.
    pub(super) const NOBODYS: Self = Self(0);

    fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Incarnation({self})")
    }
}

impl FromStr for Incarnation {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl TryFrom<String> for Incarnation {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Incarnation> for String {
    fn from(incarnation: Incarnation) -> Self {
        incarnation.to_string()
    }
}

/// Whose a data directory is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// See [`FORMAT_VERSION`].
    pub format: u32,
    /// The cluster.
    pub cluster: ClusterId,
    /// The node.
    pub node: NodeId,
    /// Which of its lives.
    pub incarnation: Incarnation,
}

/// What a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// No node: one may be made here.
    Empty,
    /// A node.
    Formed(Identity),
}

/// Only the number, to be told "newer" rather than "garbled".
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Identity {
    pub(super) fn new(cluster: ClusterId, node: NodeId) -> Self {
        Self {
            format: FORMAT_VERSION,
            cluster,
            node,
            incarnation: Incarnation::random(),
        }
    }

    /// The text of the side file, and of the identity rows.
    pub(super) fn to_text(&self) -> String {
        toml::to_string(self).expect("an identity is plain strings and numbers")
    }

    fn from_text(path: &Path, text: &str) -> Result<Self, OpenError> {
        let bad = |error: toml::de::Error| OpenError::BadIdentity {
            path: path.to_owned(),
            why: error.message().to_owned(),
        };
        let FormatOnly { format } = toml::from_str(text).map_err(bad)?;
        if format > FORMAT_VERSION {
            return Err(OpenError::NewerFormat {
                found: format,
                known: FORMAT_VERSION,
            });
        }
        if format < FORMAT_OLDEST {
            return Err(OpenError::OlderFormat {
                found: format,
                oldest: FORMAT_OLDEST,
            });
        }
        toml::from_str(text).map_err(bad)
    }

    pub(super) fn check(&self, expected: Option<&(ClusterId, NodeId)>) -> Result<(), OpenError> {
        match expected {
            Some((cluster, _)) if *cluster != self.cluster => Err(OpenError::OtherCluster {
                expected: cluster.clone(),
                found: self.cluster.clone(),
            }),
            Some((_, node)) if *node != self.node => Err(OpenError::OtherNode {
                expected: *node,
                found: self.node,
            }),
            _ => Ok(()),
        }
    }
}

/// Reads the side file.
pub(super) fn read(dir: &Path, data_files: [&str; 2]) -> Result<Contents, OpenError> {
    let path = dir.join(SIDE_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Contents::Formed(Identity::from_text(&path, &text)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let orphan = data_files
                .map(|name| dir.join(name))
                .into_iter()
                .find(|path| path.exists());
            match orphan {
                Some(path) if !dir.join(UNFINISHED_SIDE_FILE).exists() => Err(OpenError::NoIdentity { path }),
                _ => Ok(Contents::Empty),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(OpenError::BadIdentity {
            path,
            why: error.to_string(),
        }),
        Err(error) => Err(StoreError::io(path)(error).into()),
    }
}

/// Marks the directory as being made. What an earlier attempt left is removed.
pub(super) fn begin(dir: &Path, data_files: [&str; 2], identity: &Identity) -> Result<(), OpenError> {
    fs::create_dir_all(dir).map_err(StoreError::io(dir))?;
    if let Some(parent) = dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        sync_dir(parent)?;
    }
    if let Contents::Formed(_) = read(dir, data_files)? {
        let found = PathBuf::from(SIDE_FILE);
        return Err(OpenError::NotEmpty {
            dir: dir.to_owned(),
            found,
        });
    }
    for name in data_files {
        match fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io(dir.join(name))(error).into());
            }
            _ => {}
        }
    }
    let path = dir.join(UNFINISHED_SIDE_FILE);
    let write = || {
        let mut file = fs::File::create(&path)?;
        file.write_all(identity.to_text().as_bytes())?;
        file.sync_all()
    };
    write().map_err(StoreError::io(&path))?;
    Ok(sync_dir(dir)?)
}

/// Marks the directory as made: from here on, a missing file is a loss.
pub(super) fn finish(dir: &Path) -> Result<(), OpenError> {
    // The data files' names first, or the side file could outlive them in a power loss.
    sync_dir(dir)?;
    let to = dir.join(SIDE_FILE);
    fs::rename(dir.join(UNFINISHED_SIDE_FILE), &to).map_err(StoreError::io(to))?;
    Ok(sync_dir(dir)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_file_reads_like_this() {
        let text = "format = 2\ncluster = \"abcdefghijklmnop\"\nnode = 3\nincarnation = \"000000000000000000000000000000ff\"\n";
        let identity = Identity {
            format: 2,
            cluster: "abcdefghijklmnop".parse().unwrap(),
            node: NodeId(3),
            incarnation: Incarnation(255),
        };
        assert_eq!(identity.to_text(), text);
        assert_eq!(Identity::from_text(Path::new("x"), text).unwrap(), identity);
    }

    #[test]
    fn a_newer_format_is_told_even_when_all_else_changed() {
        let read = Identity::from_text(Path::new("x"), "format = 9\nwhat = 'ever'\n");
        assert!(matches!(
            read,
            Err(OpenError::NewerFormat {
                found: 9,
                known: FORMAT_VERSION
            })
        ));
    }
}
