//! Makes the folder of a new cluster.
//!
//! ```text
//! DIR/ca/ca.crt ca.key            DIR/node-N/chatd.toml ca.crt node.crt node.key cluster.kek authority.toml
//! DIR/cluster.toml
//! ```
//! `cluster.toml` comes last: a folder without it was left half-made, and its daemons refuse to start.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use quorate_certs::{CaError, ClusterCa, ClusterId, ClusterKek, IdentityError, KekError};
use quorate_core::NodeId;

use crate::authority::{AuthorityFile, AuthorityFileError};
use crate::ca_dir::save_ca;
use crate::file::{ClusterFile, ClusterFileError, NodeSpec, RosterError, check_roster};

/// The list of nodes, in the cluster's folder.
pub const CLUSTER_FILE: &str = "cluster.toml";
/// The folder of the CA, in the cluster's. It is not needed to run the nodes, and belongs on another machine.
pub const CA_DIR: &str = "ca";
/// The config of a daemon, in its node's folder.
pub const NODE_CONFIG_FILE: &str = "chatd.toml";

/// What was made.
#[derive(Clone, Debug)]
pub struct NewCluster {
    /// The content of `cluster.toml`.
    pub file: ClusterFile,
    /// Where that is.
    pub path: PathBuf,
    /// The nodes, by id.
    pub nodes: Vec<NewNode>,
}

/// A node that was made.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// As it is in `cluster.toml`.
    pub spec: NodeSpec,
    /// What its daemon is started with: `chatd --config THIS`.
    pub config: PathBuf,
    /// Its admin socket, once the daemon runs.
    pub admin_socket: PathBuf,
}

/// A cluster that was not made.
#[derive(Debug, thiserror::Error)]
pub enum NewClusterError {
    /// The nodes cannot be a cluster.
    #[error(transparent)]
    Roster(#[from] RosterError),
    /// The folder has something in it.
    #[error("{0} is not empty")]
    NotEmpty(PathBuf),
    /// A file could not be written.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The list of nodes could not be written.
    #[error(transparent)]
    ClusterFile(#[from] ClusterFileError),
    /// The CA could not be made, or not sign.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The CA could not be written for the cluster.
    #[error(transparent)]
    Authority(#[from] AuthorityFileError),
    /// The key that seals it could not be written.
    #[error(transparent)]
    Kek(#[from] KekError),
    /// A node's certificate could not be written.
    #[error("the certificate of node {node}")]
    Identity {
        /// Which node.
        node: NodeId,
        /// Why.
        source: IdentityError,
    },
}

/// The folder of a node.
#[must_use]
pub fn node_dir(dir: &Path, node: NodeId) -> PathBuf {
    dir.join(format!("node-{node}"))
}

/// Makes a cluster in a folder that is empty or not there: see the module for what is in it then. Each node's `data` and
/// `admin.sock` are beside its config, so that all of them can run on one machine.
///
/// # Errors
/// The nodes cannot be a cluster, the folder is not empty, or writing failed (what was written stays).
pub fn new_cluster(dir: &Path, name: &str, nodes: &[NodeSpec]) -> Result<NewCluster, NewClusterError> {
    check_roster(name, nodes)?;
    make_dir(dir, Readers::All)?;
    if fs::read_dir(dir)
        .map_err(|source| failed(dir, source))?
        .next()
        .is_some()
    {
        return Err(NewClusterError::NotEmpty(dir.to_owned()));
    }

    let id = ClusterId::random();
    let ca = ClusterCa::generate(&id)?;
    let kek = ClusterKek::random();
    let authority = AuthorityFile::seal(name, None, &id, &ca, &kek);
    let file = ClusterFile::new(id, name, ca.fingerprint(), nodes)?;
    save_ca(&dir.join(CA_DIR), &ca, "")?;
    let nodes = file
        .nodes()
        .iter()
        .map(|spec| write_node(dir, spec, &ca, (&authority, &kek)))
        .collect::<Result<Vec<_>, _>>()?;
    let path = dir.join(CLUSTER_FILE);
    file.save(&path)?;
    Ok(NewCluster { file, path, nodes })
}

fn write_node(
    dir: &Path,
    spec: &NodeSpec,
    ca: &ClusterCa,
    (authority, kek): (&AuthorityFile, &ClusterKek),
) -> Result<NewNode, NewClusterError> {
    let dir = node_dir(dir, spec.id);
    make_dir(&dir, Readers::Owner)?;
    let identity = ca.issue_node(ca.cluster(), spec.id)?;
    identity
        .save(&dir)
        .map_err(|source| NewClusterError::Identity { node: spec.id, source })?;
    kek.save(&dir)?;
    authority.save(&dir)?;
    let config = dir.join(NODE_CONFIG_FILE);
    write_new(&config, node_config(spec).as_bytes(), Readers::All).map_err(|source| failed(&config, source))?;
    Ok(NewNode {
        spec: spec.clone(),
        config,
        admin_socket: dir.join("admin.sock"),
    })
}

/// The config of a node. Certificate and key are not named: they are looked for beside this file.
fn node_config(spec: &NodeSpec) -> String {
    let NodeSpec {
        id,
        client_addr,
        peer_addr,
    } = spec;
    format!(
        "\
# Node {id}. Relative paths are relative to this file.

[node]
id = {id}
data_dir = \"data\"
admin_socket = \"admin.sock\"

[listen]
client = \"{}\"
peer = \"{}\"
advertise_client = \"{client_addr}\"
advertise_peer = \"{peer_addr}\"

[cluster]
file = \"../{CLUSTER_FILE}\"
",
        client_addr.listen_addr(),
        peer_addr.listen_addr(),
    )
}

pub(crate) fn failed(path: &Path, source: io::Error) -> NewClusterError {
    NewClusterError::Io {
        path: path.to_owned(),
        source,
    }
}

/// Who may read a file or enter a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    All,
}

pub(crate) fn make_dir(path: &Path, readers: Readers) -> Result<(), NewClusterError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, if readers == Readers::Owner { 0o700 } else { 0o755 });
    builder.create(path).map_err(|source| failed(path, source))
}

/// Writes a file that is not there yet; it is on the disk on return.
pub(crate) fn write_new(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, if readers == Readers::Owner { 0o600 } else { 0o644 });
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    let dir = path
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
}
