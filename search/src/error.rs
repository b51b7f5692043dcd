//! What may go wrong with an index, told by what the caller does next.

use std::error::Error;
use std::io;
use std::path::PathBuf;

/// An index could not be opened, changed or committed. Drop the index that said so: it takes no further changes.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Another process (or another part of this one) has the index open. Leave it alone.
    #[error("the search index in {dir} is in use elsewhere")]
    Locked {
        /// The index' directory.
        dir: PathBuf,
    },
    /// The disk or the system said no. Go on without search until an operator has looked at it.
    #[error("the search index cannot be read or written ({kind})")]
    Io {
        /// What the system said; `StorageFull` for a full disk.
        kind: io::ErrorKind,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What is on the disk makes no sense. Make the index anew with [`Index::create`](crate::Index::create).
    #[error("the search index is damaged")]
    Damaged {
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// A search could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The disk or the system said no. Tell the searching user that search does not work now.
    #[error("the search index cannot be read ({kind})")]
    Io {
        /// What the system said.
        kind: io::ErrorKind,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What is on the disk makes no sense. The index' owner has to make it anew.
    #[error("the search index is damaged")]
    Damaged {
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}
