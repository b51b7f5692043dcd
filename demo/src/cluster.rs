//! The daemons: made, started, killed, stopped.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_formation::{CLUSTER_FILE, ClusterFile, NODE_CONFIG_FILE, NodeSpec, new_cluster, node_dir};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::DemoError;

/// The file in a node's folder that its traces go to.
const TRACES_FILE: &str = "chatd.log";
/// The file in a node's folder that its process id stands in.
const PID_FILE: &str = "chatd.pid";
/// The folder in which the users' profiles are.
const USERS_DIR: &str = "users";
/// The name of a node's admin socket, in its folder.
const ADMIN_SOCKET: &str = "admin.sock";
/// How long a daemon may take to end by itself when the demo ends.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
/// How long a daemon may take to be there for operators.
const BEGIN_DEADLINE: Duration = Duration::from_secs(10);
/// How long a daemon may take to end that was taken out of the cluster.
const REMOVED_DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks for a socket.
const POLL: Duration = Duration::from_millis(5);

/// A cluster of child processes. Dropping it kills them.
#[derive(Debug)]
pub struct Cluster {
    program: PathBuf,
    dir: PathBuf,
    nodes: Vec<Node>,
    /// Removed with everything in it at the end.
    _temporary: Option<TempDir>,
}

#[derive(Debug)]
struct Node {
    spec: NodeSpec,
    child: Option<Child>,
}

impl Cluster {
    /// Makes the files of a cluster of so many nodes in `dir` (without one, in a temporary directory), unless it has them already,
    /// and starts every daemon with this `chatd`.
    ///
    /// # Errors
    /// The files cannot be made or read, or a daemon cannot be started.
    pub async fn start(program: PathBuf, nodes: u16, dir: Option<PathBuf>) -> Result<Self, DemoError> {
        let (dir, temporary) = match dir {
            Some(dir) => (dir, None),
            None => {
                let made = tempfile::Builder::new().prefix("quorate-").tempdir();
                let made = made.map_err(DemoError::io("a temporary directory cannot be made"))?;
                (made.path().to_owned(), Some(made))
            }
        };
        let file = dir.join(CLUSTER_FILE);
        let specs = if file.exists() {
            ClusterFile::load(&file)?.nodes().to_vec()
        } else {
            let specs = free_specs(nodes)?;
            new_cluster(&dir, "demo", &specs)?;
            specs
        };
        let nodes = specs.into_iter().map(|spec| Node { spec, child: None }).collect();
        let mut cluster = Self {
            program,
            dir,
            nodes,
            _temporary: temporary,
        };
        for index in 0..cluster.nodes.len() {
            cluster.spawn(index).await?;
        }
        Ok(cluster)
    }

    /// Where its files are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the users' profiles are.
    #[must_use]
    pub fn users_dir(&self) -> PathBuf {
        self.dir.join(USERS_DIR)
    }

    /// Where clients reach the nodes, by id.
    #[must_use]
    pub fn client_addrs(&self) -> Vec<(NodeId, String)> {
        self.nodes
            .iter()
            .map(|node| (node.spec.id, node.spec.client_addr.to_string()))
            .collect()
    }

    /// Where other nodes reach a node.
    #[must_use]
    pub fn peer_addr(&self, id: NodeId) -> Option<String> {
        let node = self.nodes.iter().find(|node| node.spec.id == id)?;
        Some(node.spec.peer_addr.to_string())
    }

    /// A node's admin socket.
    #[must_use]
    pub fn admin_socket(&self, id: NodeId) -> PathBuf {
        self.node_dir(id).join(ADMIN_SOCKET)
    }

    /// The folder of a node.
    pub(crate) fn node_dir(&self, id: NodeId) -> PathBuf {
        node_dir(&self.dir, id)
    }

    /// The process id of a node that runs.
    pub(crate) fn pid(&self, id: NodeId) -> Option<u32> {
        let node = self.nodes.iter().find(|node| node.spec.id == id)?;
        node.child.as_ref()?.id()
    }

    /// SIGKILL: the node has no chance to say or write anything.
    ///
    /// # Errors
    /// The system does not let it.
    pub async fn kill(&mut self, id: NodeId) -> Result<(), DemoError> {
        let Some(node) = self.nodes.iter_mut().find(|node| node.spec.id == id) else {
            return Ok(());
        };
        let Some(mut child) = node.child.take() else {
            return Ok(());
        };
        child
            .kill()
            .await
            .map_err(DemoError::io(format!("node {id} cannot be killed")))
    }

    /// SIGTERM: the node hands over what it has, tells its clients, and ends.
    ///
    /// # Errors
    /// It did not end in time, and was killed.
    pub async fn drain(&mut self, id: NodeId) -> Result<(), DemoError> {
        let node = self.nodes.iter_mut().find(|node| node.spec.id == id);
        let Some(mut child) = node.and_then(|node| node.child.take()) else {
            return Ok(());
        };
        terminate(&child)
            .await
            .map_err(DemoError::io(format!("node {id} cannot be told to end")))?;
        if timeout(STOP_DEADLINE, child.wait()).await.is_ok() {
            return Ok(());
        }
        let _ = child.kill().await;
        Err(DemoError::Late {
            what: "a node's draining",
            limit: STOP_DEADLINE,
        })
    }

    /// Starts a node again that has ended.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn restart(&mut self, id: NodeId) -> Result<(), DemoError> {
        match self.nodes.iter().position(|node| node.spec.id == id) {
            Some(index) => self.spawn(index).await,
            None => Ok(()),
        }
    }

    /// Starts a daemon that belongs to no cluster, and waits until operators can tell it of one. It is counted under the id that it
    /// gets if it is the next to join.
    ///
    /// # Errors
    /// It cannot be started.
    pub async fn begin_empty(&mut self) -> Result<NodeId, DemoError> {
        let last = self.nodes.iter().map(|node| node.spec.id.0).max().unwrap_or_default();
        let id = NodeId(last + 1);
        let specs = free_specs(1)?;
        let dir = self.node_dir(id);
        let written = tokio::fs::create_dir_all(&dir).await;
        written.map_err(DemoError::io("a node's folder cannot be made"))?;
        for spec in specs {
            let config = format!(
                "[node]\ndata_dir = \"data\"\nadmin_socket = \"{ADMIN_SOCKET}\"\n[listen]\nclient = \"{}\"\npeer = \"{}\"\n",
                spec.client_addr, spec.peer_addr
            );
            let written = tokio::fs::write(dir.join(NODE_CONFIG_FILE), config).await;
            written.map_err(DemoError::io("a node's config cannot be written"))?;
            let spec = NodeSpec { id, ..spec };
            self.nodes.push(Node { spec, child: None });
        }
        self.restart(id).await?;
        let socket = self.admin_socket(id);
        let there = async {
            while !socket.exists() {
                sleep(POLL).await;
            }
        };
        timeout(BEGIN_DEADLINE, there).await.map_err(|_| DemoError::Late {
            what: "the start of an empty node",
            limit: BEGIN_DEADLINE,
        })?;
        Ok(id)
    }

    /// Waits until the daemon of a node has ended that was taken out of the cluster, and counts it no more.
    ///
    /// # Errors
    /// It goes on.
    pub async fn until_gone(&mut self, id: NodeId) -> Result<(), DemoError> {
        let Some(index) = self.nodes.iter().position(|node| node.spec.id == id) else {
            return Ok(());
        };
        if let Some(child) = &mut self.nodes[index].child {
            let ended = timeout(REMOVED_DEADLINE, child.wait()).await;
            ended.map(drop).map_err(|_| DemoError::Late {
                what: "the end of a node that was removed",
                limit: REMOVED_DEADLINE,
            })?;
        }
        self.nodes.remove(index);
        Ok(())
    }

    /// Fails as soon as a daemon ends that nobody killed; else never returns.
    pub(crate) async fn died(&mut self) -> DemoError {
        let dir = self.dir.clone();
        let waits = self.nodes.iter_mut().filter_map(|node| {
            let (id, child) = (node.spec.id, node.child.as_mut()?);
            let traces = node_dir(&dir, id).join(TRACES_FILE);
            Some(Box::pin(async move {
                let status = child
                    .wait()
                    .await
                    .map_or_else(|error| error.to_string(), |status| status.to_string());
                DemoError::Died {
                    node: id,
                    status,
                    traces,
                }
            }))
        });
        let waits: Vec<_> = waits.collect();
        if waits.is_empty() {
            return std::future::pending().await;
        }
        futures_util::future::select_all(waits).await.0
    }

    /// Ends every daemon, and waits for that. After Ctrl-C the terminal has told them too, and they drain by themselves.
    pub async fn stop(mut self) {
        for node in &mut self.nodes {
            if let Some(child) = &mut node.child {
                let _ = terminate(child).await;
            }
        }
        for node in &mut self.nodes {
            let Some(mut child) = node.child.take() else { continue };
            if timeout(STOP_DEADLINE, child.wait()).await.is_err() {
                let _ = child.kill().await;
            }
        }
    }

    async fn spawn(&mut self, index: usize) -> Result<(), DemoError> {
        let node = &mut self.nodes[index];
        let dir = node_dir(&self.dir, node.spec.id);
        let traces = File::options().create(true).append(true).open(dir.join(TRACES_FILE));
        let traces = traces.map_err(DemoError::io("the file for traces cannot be opened"))?;
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--config").arg(dir.join(NODE_CONFIG_FILE));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(traces)
            .kill_on_drop(true);
        let child = command.spawn().map_err(DemoError::io("a daemon cannot be started"))?;
        if let Some(pid) = child.id() {
            let written = tokio::fs::write(dir.join(PID_FILE), format!("{pid}\n")).await;
            written.map_err(DemoError::io("a process id cannot be written"))?;
        }
        node.child = Some(child);
        Ok(())
    }
}

/// SIGTERM, by the system's own program: sending a signal from here would take unsafe code.
async fn terminate(child: &Child) -> std::io::Result<()> {
    let Some(pid) = child.id() else { return Ok(()) };
    let mut kill = Command::new("kill");
    kill.args(["-TERM", &pid.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    kill.status().await.map(|_| ())
}

/// Nodes 1 to `count` on addresses that are free now.
fn free_specs(count: u16) -> Result<Vec<NodeSpec>, DemoError> {
    // All are held until all are known, so that none is given twice.
    let sockets: Result<Vec<_>, _> = (0..2 * count)
        .map(|_| {
            UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| {
                let addr: SocketAddr = socket.local_addr()?;
                Ok((socket, addr))
            })
        })
        .collect();
    let sockets = sockets.map_err(DemoError::io("no free port on loopback"))?;
    let addrs: Vec<SocketAddr> = sockets.iter().map(|(_, addr)| *addr).collect();
    let specs = addrs.chunks_exact(2).zip(1_u64..).map(|(pair, id)| NodeSpec {
        id: NodeId(id),
        client_addr: pair[0].into(),
        peer_addr: pair[1].into(),
    });
    Ok(specs.collect())
}
