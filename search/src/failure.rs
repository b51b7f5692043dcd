//! Sorts what tantivy says (and its panics) into a disk that fails and an index that is damaged.

use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

use crate::error::{IndexError, SearchError};

/// Something that failed, before it is known to whom it is told.
#[derive(Debug)]
pub(crate) enum Failure {
    Locked,
    Io {
        kind: io::ErrorKind,
        source: Box<dyn Error + Send + Sync>,
    },
    Damaged {
        source: Box<dyn Error + Send + Sync>,
    },
}

/// Runs what reads the index' files. tantivy answers damage with an error or, where it trusts its own files, with a panic:
/// both are the same to us, and neither may take the thread with it.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, TantivyError>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => done.map_err(Failure::from),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            Err(Failure::damaged(Panicked(
                said.unwrap_or_else(|| "no reason".to_owned()),
            )))
        }
    }
}

/// tantivy panicked.
#[derive(Debug, thiserror::Error)]
#[error("tantivy panicked: {0}")]
struct Panicked(String);

impl Failure {
    pub(crate) fn damaged(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Damaged { source: source.into() }
    }

    pub(crate) fn into_index_error(self, dir: &Path) -> IndexError {
        match self {
            Self::Locked => IndexError::Locked { dir: dir.to_owned() },
            Self::Io { kind, source } => IndexError::Io { kind, source },
            Self::Damaged { source } => IndexError::Damaged { source },
        }
    }

    pub(crate) fn into_search_error(self) -> SearchError {
        match self {
            // A search takes no lock that another holds; were it ever to, it would be an answer of the system.
            Self::Locked => SearchError::Io {
                kind: io::ErrorKind::ResourceBusy,
                source: "the index is in use elsewhere".into(),
            },
            Self::Io { kind, source } => SearchError::Io { kind, source },
            Self::Damaged { source } => SearchError::Damaged { source },
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match told_by(error.kind()) {
            Some(kind) => Self::Io {
                kind,
                source: error.into(),
            },
            None => Self::damaged(error),
        }
    }
}

impl From<TantivyError> for Failure {
    fn from(error: TantivyError) -> Self {
        let io = match &error {
            TantivyError::LockFailure(LockError::LockBusy, _) => return Self::Locked,
            TantivyError::LockFailure(LockError::IoError(io), _)
            | TantivyError::IoError(io)
            | TantivyError::OpenDirectoryError(
                OpenDirectoryError::FailedToCreateTempDir(io) | OpenDirectoryError::IoError { io_error: io, .. },
            )
            | TantivyError::OpenReadError(OpenReadError::IoError { io_error: io, .. })
            | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: io, .. }) => told_by(io.kind()),
            TantivyError::OpenDirectoryError(OpenDirectoryError::DoesNotExist(_)) => Some(io::ErrorKind::NotFound),
            TantivyError::OpenDirectoryError(OpenDirectoryError::NotADirectory(_)) => {
                Some(io::ErrorKind::NotADirectory)
            }
            // A thread could not be started.
            TantivyError::SystemError(_) => Some(io::ErrorKind::Other),
            _ => None,
        };
        match io {
            Some(kind) => Self::Io {
                kind,
                source: error.into(),
            },
            None => Self::damaged(error),
        }
    }
}

/// The kind, if it was the system that spoke. tantivy wraps its own complaints about file contents in `io::Error`s as well.
fn told_by(kind: io::ErrorKind) -> Option<io::ErrorKind> {
    match kind {
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof => None,
        kind => Some(kind),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tantivy::error::DataCorruption;

    use super::*;

    #[test]
    fn a_full_disk_is_not_damage() {
        let full = TantivyError::OpenWriteError(OpenWriteError::IoError {
            io_error: Arc::new(io::ErrorKind::StorageFull.into()),
            filepath: "a.idx".into(),
        });
        let Failure::Io { kind, source } = Failure::from(full) else {
            panic!("a full disk was taken for damage")
        };
        assert_eq!(kind, io::ErrorKind::StorageFull);
        assert!(source.to_string().contains("a.idx"), "the source is lost: {source}");
    }

    #[test]
    fn contents_that_make_no_sense_are_damage() {
        let cut = TantivyError::IoError(Arc::new(io::ErrorKind::UnexpectedEof.into()));
        let told = TantivyError::DataCorruption(DataCorruption::comment_only("junk"));
        let gone = TantivyError::OpenReadError(OpenReadError::FileDoesNotExist("a.idx".into()));
        for error in [cut, told, gone] {
            assert!(matches!(Failure::from(error), Failure::Damaged { .. }));
        }
    }

    #[test]
    fn a_panic_is_damage_and_keeps_its_words() {
        let failed = guarded::<()>(|| panic!("out of range, {}", 7)).unwrap_err();
        let Failure::Damaged { source } = failed else {
            panic!("a panic was taken for {failed:?}")
        };
        assert_eq!(source.to_string(), "tantivy panicked: out of range, 7");
    }
}
