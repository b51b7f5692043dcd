//! A cluster of real daemons on loopback.

mod growth;

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::net::Way;
use crate::{Daemon, End, Finished, Net, Rpc, Seed, Signal, Turn, free_udp_ports, poll, programs, run, until};

/// Until daemons that were just started are a healthy cluster. Five debug builds on two cores take a tenth of it.
const HEALTHY_DEADLINE: Duration = Duration::from_secs(60);
/// Until one command of `chatctl` has answered: its own deadline of 10 s, and the start of a process on a busy machine.
const CTL_DEADLINE: Duration = Duration::from_secs(20);
/// Until a process has ended that was sent SIGKILL.
const KILLED_DEADLINE: Duration = Duration::from_secs(10);
/// Until nodes that are all up agree on what was written last.
const AGREED_DEADLINE: Duration = Duration::from_secs(60);

/// How a cluster is made.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// How many nodes.
    pub nodes: u64,
    /// Environment of every daemon, `CHATD_SECTION__KEY`.
    pub env: BTreeMap<String, String>,
    /// With a seed: all datagrams go through a [`Net`] with these dice.
    pub net: Option<Seed>,
}

impl ClusterOptions {
    /// So many nodes, with no limits on how fast one user on one address may be: tests are fast.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        let env = ["POSTS_PER_SECOND", "REGISTRATIONS_PER_MINUTE"]
            .map(|key| (format!("CHATD_LIMITS__{key}"), "0".to_owned()));
        Self {
            nodes,
            env: env.into(),
            net: None,
        }
    }

    /// Puts a network in between that can be made bad.
    #[must_use]
    pub fn through_net(mut self, seed: Seed) -> Self {
        self.net = Some(seed);
        self
    }

    /// Sets one key of the config, as in `raft`, `hand_back`, `off`.
    #[must_use]
    pub fn set(mut self, section: &str, key: &str, value: &str) -> Self {
        let name = format!("CHATD_{}__{}", section.to_uppercase(), key.to_uppercase());
        self.env.insert(name, value.to_owned());
        self
    }
}

/// What a node says of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusView {
    /// Who leads.
    pub leader: Option<u64>,
    /// In which term.
    pub term: u64,
    /// Voters in all.
    pub voters: u64,
    /// Voters that are up.
    pub voters_up: u64,
    /// How many of them are needed.
    pub quorum: u64,
    /// The nodes, by id.
    pub nodes: BTreeMap<u64, NodeStatus>,
    /// What an operator should look at.
    pub warnings: Vec<String>,
}

/// What a node says of another, or of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// `voter` or `learner`.
    pub role: String,
    /// `up`, `down`, `catching-up`, `draining` or `removed`.
    pub state: String,
}

/// What one node's consensus knows by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RaftView {
    /// The node.
    pub id: u64,
    /// Its term.
    pub term: u64,
    /// The last entry in its log.
    pub last_log_index: Option<u64>,
    /// What it has applied.
    pub applied: Option<u64>,
    /// The last entry that its log has no more.
    pub purged: Option<u64>,
    /// The index at which the state hash was taken.
    pub hash_index: u64,
    /// The state hash.
    pub hash: String,
}

/// A cluster formed by `chatctl cluster new`. Dropped, its daemons are killed; while a test panics their last trace lines are
/// printed. With `QUORATE_KEEP` set its folder stays.
#[derive(Debug)]
pub struct Cluster {
    dir: TempDir,
    options: ClusterOptions,
    /// Where clients and nodes are told to reach each.
    addrs: BTreeMap<u64, (SocketAddr, SocketAddr)>,
    /// Where each listens, where that is another place.
    listens: BTreeMap<u64, (SocketAddr, SocketAddr)>,
    net: Option<Net>,
    daemons: BTreeMap<u64, Daemon>,
    _turn: Turn,
}

impl Cluster {
    /// Forms and starts a cluster of so many nodes, and waits until it is healthy.
    ///
    /// # Panics
    /// It does not become healthy.
    #[must_use]
    pub fn new(nodes: u64) -> Self {
        Self::with(ClusterOptions::new(nodes))
    }

    /// As [`Cluster::new`], with options.
    ///
    /// # Panics
    /// It does not become healthy.
    #[must_use]
    pub fn with(options: ClusterOptions) -> Self {
        let mut cluster = Self::formed(options);
        for id in cluster.ids() {
            cluster.start(id);
        }
        cluster.wait_healthy();
        cluster
    }

    /// Forms a cluster and starts nothing.
    ///
    /// # Panics
    /// `chatctl cluster new` fails.
    #[must_use]
    pub fn formed(options: ClusterOptions) -> Self {
        let mut cluster = Self::unformed(options);
        let options = &cluster.options;
        cluster.addrs = free_addrs(options.nodes);
        if let Some(seed) = options.net {
            cluster.listens = free_addrs(options.nodes);
            cluster.net = Some(open_net(seed, &cluster.addrs, &cluster.listens));
        }
        let mut command = Command::new(&programs().chatctl);
        command.args(["cluster", "new", "--dir"]).arg(cluster.path());
        for (id, (client, peer)) in &cluster.addrs {
            command.arg("--node").arg(format!("{id}={client},{peer}"));
        }
        let _ = run(&mut command, "", CTL_DEADLINE).success();
        cluster
    }

    /// A folder, and nothing in it.
    fn unformed(options: ClusterOptions) -> Self {
        let turn = Turn::wait();
        Self {
            dir: folder(),
            options,
            addrs: BTreeMap::new(),
            listens: BTreeMap::new(),
            net: None,
            daemons: BTreeMap::new(),
            _turn: turn,
        }
    }

    /// All ids, running or not.
    #[must_use]
    pub fn ids(&self) -> Vec<u64> {
        self.addrs.keys().copied().collect()
    }

    /// The ids of the daemons that were started and not killed.
    #[must_use]
    pub fn running(&self) -> Vec<u64> {
        self.daemons.keys().copied().collect()
    }

    /// The network in between.
    ///
    /// # Panics
    /// The cluster was made without.
    #[must_use]
    pub fn net(&self) -> &Net {
        self.net
            .as_ref()
            .expect("the cluster was made with a network in between")
    }

    /// Where the cluster's files are: `ca/`, `cluster.toml`, `node-N/`.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("c")
    }

    /// A node's folder.
    #[must_use]
    pub fn node_dir(&self, id: u64) -> PathBuf {
        self.path().join(format!("node-{id}"))
    }

    /// A folder for `CHAT_HOME`, and for anything else of the test.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.dir.path()
    }

    /// Where clients reach a node.
    #[must_use]
    pub fn client_addr(&self, id: u64) -> String {
        self.addrs[&id].0.to_string()
    }

    /// Where other nodes reach a node.
    #[must_use]
    pub fn peer_addr(&self, id: u64) -> String {
        self.addrs[&id].1.to_string()
    }

    /// The addresses of all nodes for `--server`, this one first.
    #[must_use]
    pub fn servers_from(&self, first: u64) -> String {
        let others = self.ids().into_iter().filter(|id| *id != first);
        let addrs = std::iter::once(first).chain(others).map(|id| self.client_addr(id));
        addrs.collect::<Vec<_>>().join(",")
    }

    /// The daemon's command for a node.
    #[must_use]
    pub fn chatd(&self, id: u64) -> Command {
        let mut command = Command::new(&programs().chatd);
        command
            .arg("--config")
            .arg(self.node_dir(id).join("chatd.toml"))
            .envs(&self.options.env);
        if let Some((client, peer)) = self.listens.get(&id) {
            command.args(["--listen", &client.to_string(), "--peer-listen", &peer.to_string()]);
            command.env("CHATD_LISTEN__ADVERTISE_CLIENT", self.client_addr(id));
            command.env("CHATD_LISTEN__ADVERTISE_PEER", self.peer_addr(id));
        }
        command
    }

    /// Starts a node's daemon, for the first time or again. Does not wait.
    ///
    /// # Panics
    /// It runs.
    pub fn start(&mut self, id: u64) {
        assert!(!self.daemons.contains_key(&id), "node {id} runs");
        let trace = self.node_dir(id).join("trace.log");
        let daemon = Daemon::start(&mut self.chatd(id), &trace);
        self.daemons.insert(id, daemon);
    }

    /// The daemon of a node that was started.
    ///
    /// # Panics
    /// It was not, or was killed.
    pub fn daemon(&mut self, id: u64) -> &mut Daemon {
        self.daemons
            .get_mut(&id)
            .unwrap_or_else(|| panic!("node {id} does not run"))
    }

    /// SIGKILL, as a power cut is for a process. Waits until it is gone.
    ///
    /// # Panics
    /// It does not run.
    pub fn kill(&mut self, id: u64) {
        self.daemon(id).signal(Signal::Kill);
        self.daemon(id).wait(KILLED_DEADLINE);
        self.daemons.remove(&id);
    }

    /// SIGKILL for all at once, as a power cut is for all machines, and what is on their disks begins again.
    ///
    /// # Panics
    /// One does not run, or they do not become healthy again.
    pub fn kill_all_and_start(&mut self) {
        for id in self.ids() {
            self.kill(id);
        }
        for id in self.ids() {
            self.start(id);
        }
        self.wait_healthy();
    }

    /// SIGTERM; waits for the end and answers how it ended.
    ///
    /// # Panics
    /// It does not run, or does not end by the deadline.
    pub fn stop(&mut self, id: u64, deadline: Duration) -> ExitStatus {
        self.daemon(id).signal(Signal::Terminate);
        let status = self.daemon(id).wait(deadline);
        self.daemons.remove(&id);
        status
    }

    /// SIGSTOP: the process is there, and does nothing.
    ///
    /// # Panics
    /// It does not run.
    pub fn pause(&mut self, id: u64) {
        self.daemon(id).signal(Signal::Stop);
    }

    /// SIGCONT.
    ///
    /// # Panics
    /// It does not run.
    pub fn resume(&mut self, id: u64) {
        self.daemon(id).signal(Signal::Continue);
    }

    /// Runs `chatctl` with these arguments against a node's admin socket.
    ///
    /// # Panics
    /// It does not end in time.
    #[track_caller]
    pub fn ctl(&self, id: u64, args: &[&str]) -> Finished {
        self.ctl_with(id, args, "")
    }

    /// The same, with something on stdin.
    ///
    /// # Panics
    /// It does not end in time.
    #[track_caller]
    pub fn ctl_with(&self, id: u64, args: &[&str], stdin: &str) -> Finished {
        let mut command = Command::new(&programs().chatctl);
        command
            .arg("--socket")
            .arg(self.node_dir(id).join("admin.sock"))
            .args(args);
        run(&mut command, stdin, CTL_DEADLINE)
    }

    /// Runs `chat` with these arguments under a profile of this name.
    ///
    /// # Panics
    /// It does not end in time.
    #[track_caller]
    pub fn chat(&self, profile: &str, args: &[&str], stdin: &str, deadline: Duration) -> Finished {
        run(self.chat_command(profile).args(args), stdin, deadline)
    }

    /// The command of `chat` with a profile of this name.
    #[must_use]
    pub fn chat_command(&self, profile: &str) -> Command {
        let mut command = Command::new(&programs().chat);
        command
            .env("CHAT_HOME", self.home().join("chat"))
            .args(["--profile", profile]);
        command
    }

    /// A `chat rpc` of its own profile, whose first choice is this node.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn rpc(&self, profile: &str, first: u64) -> Rpc {
        let mut command = self.chat_command(profile);
        command.args(["rpc", "--server", &self.servers_from(first)]);
        Rpc::start(&mut command, profile)
    }

    /// The `chat rpc` of a profile that was used before, begun as its user would: it knows where to dial.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn rpc_again(&self, profile: &str) -> Rpc {
        Rpc::start(self.chat_command(profile).arg("rpc"), profile)
    }

    /// What a node says of the cluster; `None` while it does not answer, or has no quorum.
    #[must_use]
    pub fn status(&self, id: u64) -> Option<StatusView> {
        let finished = self.ctl(id, &["-o", "json", "--timeout", "2s", "status"]);
        (finished.code == Some(0)).then(|| StatusView::read(&finished.json()))
    }

    /// What a node knows by itself.
    ///
    /// # Panics
    /// It does not answer although it runs.
    #[must_use]
    pub fn stale_status(&self, id: u64) -> StatusView {
        StatusView::read(&self.ctl(id, &["--stale", "-o", "json", "status"]).success().json())
    }

    /// What a node's consensus knows; `None` while it does not answer.
    #[must_use]
    pub fn raft_info(&self, id: u64) -> Option<RaftView> {
        let finished = self.ctl(id, &["-o", "json", "raft", "info"]);
        (finished.code == Some(0)).then(|| RaftView::read(&finished.data()))
    }

    /// Who leads, by any running node's word.
    ///
    /// # Panics
    /// Nobody does within the deadline for a healthy cluster.
    #[must_use]
    pub fn leader(&self) -> u64 {
        self.leader_where("a node leads", HEALTHY_DEADLINE, |_| true)
    }

    /// Who leads, once the leader is as wanted.
    ///
    /// # Panics
    /// That is not so within the deadline.
    #[must_use]
    pub fn leader_where(&self, what: &str, deadline: Duration, wanted: impl Fn(u64) -> bool) -> u64 {
        let look = || {
            let leader = self.running().into_iter().find_map(|id| self.status(id)?.leader)?;
            (wanted(leader) && self.daemons.contains_key(&leader)).then_some(leader)
        };
        until(what, deadline, look)
    }

    /// Waits until every running node knows one leader, and all voters are up that are running.
    ///
    /// # Panics
    /// That is not so within a minute.
    pub fn wait_healthy(&self) {
        let running = self.running();
        let healthy = |id: &u64| {
            let status = self.status(*id)?;
            let up = |id: &u64| status.nodes.get(id).is_some_and(|node| node.state == "up");
            (status.leader.is_some() && running.iter().all(up)).then_some(status.leader)
        };
        let look = || {
            let leaders: Option<Vec<_>> = running.iter().map(healthy).collect();
            leaders?.windows(2).all(|pair| pair[0] == pair[1]).then_some(())
        };
        until("the cluster is healthy", HEALTHY_DEADLINE, look);
    }

    /// Waits until all running nodes have applied the same, and answers the state hash on which they agree.
    ///
    /// # Panics
    /// They do not agree within a minute.
    pub fn wait_equal_hashes(&self) -> String {
        let views = || {
            self.running()
                .into_iter()
                .map(|id| self.raft_info(id))
                .collect::<Option<Vec<_>>>()
        };
        let agreed = poll(AGREED_DEADLINE, || {
            let views = views()?;
            let same =
                |a: &RaftView, b: &RaftView| (a.applied, a.hash_index, &a.hash) == (b.applied, b.hash_index, &b.hash);
            views
                .windows(2)
                .all(|pair| same(&pair[0], &pair[1]))
                .then(|| views[0].clone())
        });
        let agreed = agreed.unwrap_or_else(|| panic!("the nodes do not agree: {:#?}", views()));
        println!(
            "state hash {} at {}, applied {:?}, on nodes {:?}",
            agreed.hash,
            agreed.hash_index,
            agreed.applied,
            self.running()
        );
        agreed.hash
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for id in self.ids() {
                let trace = std::fs::read_to_string(self.node_dir(id).join("trace.log")).unwrap_or_default();
                let lines: Vec<&str> = trace.lines().collect();
                let tail = &lines[lines.len().saturating_sub(25)..];
                let state = self.daemons.get_mut(&id).map(Daemon::ended);
                eprintln!("--- node {id} ({state:?})\n{}", tail.join("\n"));
            }
        }
    }
}

/// A folder for a test's files, which goes with it unless `QUORATE_KEEP` is set.
///
/// # Panics
/// There is no place for one.
#[must_use]
pub fn folder() -> TempDir {
    let mut dir = tempfile::Builder::new()
        .prefix("quorate-")
        .tempdir()
        .expect("the temp dir is writable");
    dir.disable_cleanup(std::env::var_os("QUORATE_KEEP").is_some());
    dir
}

/// Free addresses on loopback, a pair for each node.
fn free_addrs(nodes: u64) -> BTreeMap<u64, (SocketAddr, SocketAddr)> {
    let count = usize::try_from(nodes).expect("a cluster is small");
    let ports = free_udp_ports(2 * count);
    let addr = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let pairs = ports.chunks(2).map(|pair| (addr(pair[0]), addr(pair[1])));
    (1..=nodes).zip(pairs).collect()
}

fn open_net(
    seed: Seed,
    announced: &BTreeMap<u64, (SocketAddr, SocketAddr)>,
    listens: &BTreeMap<u64, (SocketAddr, SocketAddr)>,
) -> Net {
    let net = Net::new(seed);
    let known: HashMap<SocketAddr, End> = listens.iter().map(|(id, (_, peer))| (*peer, End::Node(*id))).collect();
    for (id, (client, peer)) in announced {
        let (listens_client, listens_peer) = listens[id];
        let way = |announced: &SocketAddr, listens| Way {
            announced: *announced,
            listens,
        };
        net.open(way(client, listens_client), End::Node(*id), HashMap::new());
        net.open(way(peer, listens_peer), End::Node(*id), known.clone());
    }
    net
}

impl StatusView {
    fn read(envelope: &Value) -> Self {
        let data = &envelope["data"];
        let number = |value: &Value| value.as_u64().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let node = |node: &Value| {
            let status = NodeStatus {
                role: text(&node["role"]),
                state: text(&node["state"]),
            };
            (number(&node["id"]), status)
        };
        Self {
            leader: data["cluster"]["leader"].as_u64(),
            term: number(&data["cluster"]["term"]),
            voters: number(&data["cluster"]["voters"]),
            voters_up: number(&data["cluster"]["voters_up"]),
            quorum: number(&data["cluster"]["quorum"]),
            nodes: list(&data["nodes"]).iter().map(node).collect(),
            warnings: list(&envelope["warnings"]).iter().map(text).collect(),
        }
    }
}

impl RaftView {
    fn read(data: &Value) -> Self {
        Self {
            id: data["id"].as_u64().unwrap_or_default(),
            term: data["term"].as_u64().unwrap_or_default(),
            last_log_index: data["last_log_index"].as_u64(),
            applied: data["applied"].as_u64(),
            purged: data["purged"].as_u64(),
            hash_index: data["state_hash"]["index"].as_u64().unwrap_or_default(),
            hash: data["state_hash"]["hash"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
