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
pub use cluster::Cluster;
pub use error::DemoError;
pub use people::{enter, wait_for_leader};

use std::path::PathBuf;

use tokio::signal::unix::{Signal, SignalKind, signal};

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
    let mut signals = Signals::new().map_err(DemoError::io("signals cannot be waited for"))?;
    let program = std::env::current_exe().map_err(DemoError::io("this program's path is not known"))?;
    let mut cluster = Cluster::start(program, demo.nodes, demo.dir).await?;
    let result = tokio::select! {
        result = play(&mut cluster, demo.tour) => result,
        // The end of a cluster that was to be played with; a tour has not shown what it was to show.
        () = signals.wait() => if demo.tour { Err(DemoError::Interrupted) } else { Ok(()) },
    };
    cluster.stop().await;
    result
}

async fn play(cluster: &mut Cluster, tour: bool) -> Result<(), DemoError> {
    if tour {
        tour::give(cluster).await
    } else {
        show::stay(cluster).await
    }
}

/// Ctrl-C, or an order to end: the daemons must not outlive the demo.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
