//! A daemon as a child process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use quorate_formation::NODE_CONFIG_FILE;
use tokio::process::{Child, Command};

use crate::Outcome;

/// How long a daemon may take until it serves.
const SERVE_DEADLINE: Duration = Duration::from_secs(120);
const SERVE_POLL: Duration = Duration::from_millis(20);

pub(super) struct Daemon {
    child: Child,
    socket: PathBuf,
    started_in: Duration,
}

impl Daemon {
    /// Starts it on a node's folder, and waits until it serves. It neither limits posts nor makes an index, which would
    /// be measured too.
    pub(super) async fn start(programs: &Path, node: &Path) -> Outcome<Self> {
        let began = Instant::now();
        let child = Command::new(programs.join("chatd"))
            .arg("--config")
            .arg(node.join(NODE_CONFIG_FILE))
            .env("CHATD_LIMITS__POSTS_PER_SECOND", "0")
            .env("CHATD_SEARCH__ENABLED", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(node.join("bench.log"))?)
            .kill_on_drop(true)
            .spawn()?;
        let socket = node.join("admin.sock");
        while !is_healthy(programs, &socket).await? {
            if began.elapsed() > SERVE_DEADLINE {
                return Err("the daemon does not serve; see bench.log in its folder".into());
            }
            tokio::time::sleep(SERVE_POLL).await;
        }
        Ok(Self {
            child,
            socket,
            started_in: began.elapsed(),
        })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// From the start of the process until it led.
    pub(super) fn started_in(&self) -> Duration {
        self.started_in
    }

    /// SIGKILL, as a power cut is for a process.
    pub(super) async fn kill(mut self) -> Outcome<()> {
        Ok(self.child.kill().await?)
    }
}

async fn is_healthy(programs: &Path, socket: &Path) -> Outcome<bool> {
    let health = Command::new(programs.join("chatctl"))
        .arg("--socket")
        .arg(socket)
        .arg("health")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await?;
    Ok(health.success())
}
