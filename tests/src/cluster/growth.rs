//! A cluster that grows: nodes that begin empty, found it or join it, and are taken out.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::{Cluster, ClusterOptions};
use crate::{Finished, free_udp_ports, programs, run, until};

/// Until a node has joined and caught up: a debug build on a busy machine.
const JOIN_DEADLINE: Duration = Duration::from_secs(60);
/// Until an empty node answers on its admin socket.
const WAITING_DEADLINE: Duration = Duration::from_secs(30);

impl Cluster {
    /// A cluster of one node, which was told to found it.
    ///
    /// # Panics
    /// It does not.
    #[must_use]
    pub fn founded(options: ClusterOptions) -> Self {
        let mut cluster = Self::unformed(options);
        let first = cluster.begin_empty();
        let made = cluster
            .ctl(first, &["-o", "json", "cluster", "init", "--name", "grown"])
            .success();
        assert_eq!(made.data()["node"], first, "the first node");
        cluster.wait_healthy();
        cluster
    }

    /// Starts a node that knows of no cluster, and waits until it says so. Its number here is the id that the cluster will
    /// give it if it is the next to join.
    ///
    /// # Panics
    /// It does not begin.
    pub fn begin_empty(&mut self) -> u64 {
        let id = self.addrs.keys().last().map_or(1, |last| last + 1);
        let ports = free_udp_ports(2);
        let addr = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (client, peer) = (addr(ports[0]), addr(ports[1]));
        self.addrs.insert(id, (client, peer));
        let dir = self.node_dir(id);
        fs::create_dir_all(&dir).expect("the temp dir is writable");
        let config = format!(
            "[node]\ndata_dir = \"data\"\nadmin_socket = \"admin.sock\"\n[listen]\nclient = \"{client}\"\npeer = \"{peer}\"\n"
        );
        fs::write(dir.join("chatd.toml"), config).expect("the temp dir is writable");
        self.start(id);
        let waits = || {
            let told = self.ctl(id, &["-o", "json", "status"]);
            (told.error_code().as_deref() == Some("not-formed")).then_some(())
        };
        until("the empty node says that it waits", WAITING_DEADLINE, waits);
        id
    }

    /// A token, in a file.
    ///
    /// # Panics
    /// The node does not make one.
    #[must_use]
    pub fn token(&self, at: u64, options: &[&str]) -> (PathBuf, String) {
        let args = [&["-o", "json", "cluster", "token", "create"], options].concat();
        let made = self.ctl(at, &args).success().data();
        let path = self.home().join(format!("token-{}", made["id"]));
        fs::write(&path, made["token"].as_str().expect("a token is text")).expect("the temp dir is writable");
        (path, made["id"].to_string())
    }

    /// Tells an empty node to join with the token in this file, through these nodes.
    ///
    /// # Panics
    /// It does not answer in time.
    #[must_use]
    pub fn try_join(&self, id: u64, through: u64, token: &Path) -> Finished {
        self.try_join_with(id, through, token, &[])
    }

    /// The same, with more flags.
    ///
    /// # Panics
    /// It does not answer in time.
    #[must_use]
    pub fn try_join_with(&self, id: u64, through: u64, token: &Path, flags: &[&str]) -> Finished {
        let mut command = Command::new(&programs().chatctl);
        command
            .arg("--socket")
            .arg(self.node_dir(id).join("admin.sock"))
            .args([
                "-o",
                "json",
                "cluster",
                "join",
                &self.peer_addr(through),
                "--token-file",
            ])
            .arg(token)
            .args(flags);
        run(&mut command, "", JOIN_DEADLINE)
    }

    /// Starts an empty node and has it join through this one, as what the token's options say.
    ///
    /// # Panics
    /// It does not become a node that has caught up, or gets another id than the next.
    pub fn join(&mut self, through: u64, options: &[&str]) -> u64 {
        let id = self.begin_empty();
        let (token, _) = self.token(through, options);
        let joined = self.try_join(id, through, &token).success();
        assert_eq!(joined.data()["node"], id, "ids are given in order");
        id
    }

    /// Starts a node that is down in another place, as on a machine with another address: with other ports, of which the
    /// config's file knows nothing. Does not wait.
    ///
    /// # Panics
    /// It runs.
    pub fn start_elsewhere(&mut self, id: u64) {
        let ports = free_udp_ports(2);
        let addr = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let place = (addr(ports[0]), addr(ports[1]));
        self.addrs.insert(id, place);
        self.listens.insert(id, place);
        self.start(id);
    }

    /// Waits until a node's daemon has ended by itself.
    ///
    /// # Panics
    /// It has not by the deadline.
    pub fn wait_ended(&mut self, id: u64, deadline: Duration) -> (ExitStatus, String) {
        let status = self.daemon(id).wait(deadline);
        let trace = self.daemon(id).trace_text();
        self.daemons.remove(&id);
        (status, trace)
    }
}
