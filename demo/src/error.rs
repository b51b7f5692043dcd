//! Why the demo failed.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use quorate_client::{OpenError, RequestError};
use quorate_core::NodeId;
use quorate_formation::{ClusterFileError, NewClusterError};
use thiserror::Error;

/// Why the demo failed.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The tour kills a node, and a majority must remain.
    #[error("the tour kills a node and needs {needed} nodes or more, not {nodes}")]
    TooFewNodes {
        /// Asked for.
        nodes: u16,
        /// Needed.
        needed: u16,
    },
    /// The cluster's files could not be made.
    #[error("the cluster could not be made")]
    New(#[from] NewClusterError),
    /// The directory holds a cluster that cannot be read.
    #[error("the directory's cluster cannot be read")]
    File(#[from] ClusterFileError),
    /// Something of the system.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A daemon ended by itself.
    #[error("node {node} ended by itself ({status}); its traces are in {traces}")]
    Died {
        /// Which.
        node: NodeId,
        /// Its exit.
        status: String,
        /// What it wrote.
        traces: PathBuf,
    },
    /// A user's profile could not be opened.
    #[error("a user's profile could not be opened")]
    Profile(#[from] OpenError),
    /// A request of a user failed.
    #[error("{what} failed")]
    Request {
        /// Which request.
        what: &'static str,
        /// Why.
        #[source]
        source: RequestError,
    },
    /// Something did not happen in time.
    #[error("{what} did not happen within {} s", limit.as_secs())]
    Late {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        limit: Duration,
    },
    /// A signal came before the tour's end.
    #[error("interrupted")]
    Interrupted,
    /// The check after the tour found something that must not be.
    #[error("the promise is broken: {0}")]
    Broken(String),
}

impl DemoError {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    pub(crate) fn request(what: &'static str) -> impl FnOnce(RequestError) -> Self {
        move |source| Self::Request { what, source }
    }
}
