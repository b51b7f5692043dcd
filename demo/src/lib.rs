//! A whole cluster on one machine: daemons as child processes on loopback, with real certificates
//! and real disks, and two users to talk on it.
//!
//! Either it stays up to be played with, or it gives the tour: a conversation, a leader killed with
//! SIGKILL in the middle of it, and a check of what both users got.
//!
//! Knows the cluster only as its operators and users do: by its files, its processes and the client
//! library.

mod check;
mod cluster;
mod error;
mod people;
mod show;
mod tour;

pub use check::{Ledger, Verdict};
pub use error::DemoError;

use std::path::PathBuf;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Demo {
    /// How many nodes.
    pub nodes: u16,
    /// Where to keep the cluster; a temporary directory without.
    pub dir: Option<PathBuf>,
    /// Give the tour and end.
    pub tour: bool,
}

/// Runs the demo to its end: the tour's, or Ctrl-C. The daemons end with it.
///
/// # Errors
/// The cluster could not be made or formed, or the tour found something that must not be.
pub async fn run(demo: Demo) -> Result<(), DemoError> {
    if demo.tour && demo.nodes < tour::NODES_MIN {
        return Err(DemoError::TooFewNodes {
            nodes: demo.nodes,
            needed: tour::NODES_MIN,
        });
    }
    let mut cluster = cluster::Cluster::start(&demo).await?;
    let result = if demo.tour {
        tour::give(&mut cluster).await
    } else {
        show::stay(&mut cluster).await
    };
    cluster.stop().await;
    result
}
