//! The flags of `chatd run` that set what the file could set.

/// Flags that go before the environment and the file. Relative paths are relative to the working directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct Flags {
    /// The id of this node
    #[arg(long, value_name = "N", visible_alias = "replica-id")]
    pub node_id: Option<String>,
    /// Where the log and the state are kept
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// The UDP address for clients
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// The UDP address for the other nodes
    #[arg(long, value_name = "ADDR")]
    pub peer_listen: Option<String>,
    /// The Unix socket of the admin API
    #[arg(long, value_name = "PATH")]
    pub admin_socket: Option<String>,
}

impl Flags {
    /// The flags that were given: name, section, key, value.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str, &str)> {
        [
            ("--node-id", "node", "id", &self.node_id),
            ("--data-dir", "node", "data_dir", &self.data_dir),
            ("--listen", "listen", "client", &self.listen),
            ("--peer-listen", "listen", "peer", &self.peer_listen),
            ("--admin-socket", "node", "admin_socket", &self.admin_socket),
        ]
        .into_iter()
        .filter_map(|(flag, section, name, value)| Some((flag, section, name, value.as_deref()?)))
    }
}
