//! How long somebody who posts waits when a node goes: the longest time between two acknowledgements around it.
//!
//! Daemons are processes of their own on this machine, with real certificates and disks. The poster is a client in this process,
//! connected to the node that the case asks for, with a few posts ahead of the answers. A node that went comes back before the next
//! round, unless another took its place: the cluster of a replacing case is new by and by.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quorate_client::{Client, NodeId, Options, OutboxKind, Post, Profile, RoomName, RoomRef, Topic};
use quorate_demo::Cluster;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::Outcome;

/// Between two posts: the gap is known to so much.
const PACE: Duration = Duration::from_millis(5);
/// Posts ahead of the answers.
const WINDOW: usize = 8;
/// Posts that are acknowledged before anything happens, and afterwards before the round is over.
const SETTLED_POSTS: usize = 60;
/// A round that takes longer has failed.
const ROUND_DEADLINE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);
const USER: &str = "alice";

/// What to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The daemon's program; beside it is chatctl
    #[arg(long, value_name = "FILE")]
    chatd: PathBuf,
    /// How many nodes
    #[arg(long, default_value_t = 5)]
    nodes: u16,
    /// How often each thing is done
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Which things
    #[arg(long, value_delimiter = ',', default_values = ["leader", "node", "leader-and-node", "hand-over", "drain", "rolling", "replace", "replace-leader"])]
    cases: Vec<Case>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What goes, and from where that is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Case {
    /// The leader gets SIGKILL; the poster is connected to another node
    Leader,
    /// The poster's node gets SIGKILL; it is not the leader
    Node,
    /// The leader gets SIGKILL, and the poster is connected to it
    LeaderAndNode,
    /// The leader gets SIGTERM; the poster is connected to another node
    HandOver,
    /// The poster's node gets SIGTERM; it is not the leader
    Drain,
    /// All nodes one after the other get SIGTERM and are started again
    Rolling,
    /// A new node joins and takes the vote of the one that has been there longest; the poster is connected to that
    Replace,
    /// A new node joins and takes the vote of the leader; the poster is connected to another node
    ReplaceLeader,
}

impl Case {
    fn name(self) -> String {
        use clap::ValueEnum;
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn is_planned(self) -> bool {
        matches!(self, Self::HandOver | Self::Drain | Self::Rolling)
    }

    fn wants_the_leader(self) -> bool {
        matches!(
            self,
            Self::Leader | Self::LeaderAndNode | Self::HandOver | Self::ReplaceLeader
        )
    }

    fn poster_is_there(self) -> bool {
        matches!(self, Self::Node | Self::LeaderAndNode | Self::Drain | Self::Replace)
    }

    fn is_for_good(self) -> bool {
        matches!(self, Self::Replace | Self::ReplaceLeader)
    }
}

pub(crate) async fn run(args: &Args) -> Outcome<()> {
    let mut report = serde_json::Map::new();
    for case in &args.cases {
        // A cluster of its own for each: what a case leaves behind is nobody else's.
        let mut cluster = Cluster::start(args.chatd.clone(), args.nodes, None).await?;
        let chatctl = args.chatd.with_file_name("chatctl");
        let measured = measure(&mut cluster, *case, args.rounds, &chatctl).await;
        cluster.stop().await;
        let gaps = Gaps::of(measured?);
        if !args.json {
            println!("{:16} {gaps}", case.name());
        }
        report.insert(case.name(), gaps.to_json());
    }
    if args.json {
        println!("{}", Value::Object(report));
    }
    Ok(())
}

async fn measure(cluster: &mut Cluster, case: Case, rounds: usize, chatctl: &Path) -> Outcome<Vec<Round>> {
    let room = RoomName::parse("gaps")?;
    let addrs = cluster.client_addrs();
    let watcher = quorate_demo::enter(
        &cluster.users_dir(),
        USER,
        addrs.iter().map(|(_, addr)| addr.clone()).collect(),
    )
    .await?;
    watcher.create_room(&room, false, Topic::default()).await?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        let leader = until_led(cluster).await?;
        let addrs = cluster.client_addrs();
        let other = addrs
            .iter()
            .map(|(id, _)| *id)
            .find(|id| *id != leader)
            .ok_or("one node has nobody to go on with")?;
        let goes = if case.wants_the_leader() { leader } else { other };
        let at = match case.poster_is_there() {
            true => goes,
            false => addrs
                .iter()
                .map(|(id, _)| *id)
                .find(|id| *id != goes)
                .ok_or("a cluster has several nodes")?,
        };
        let round = timeout(ROUND_DEADLINE, round(cluster, case, (goes, at), &room, chatctl));
        measured.push(round.await.map_err(|_| "a round did not end")??);
    }
    watcher.close().await;
    Ok(measured)
}

/// What one round has shown.
struct Round {
    gap: Duration,
    failed: usize,
}

async fn round(
    cluster: &mut Cluster,
    case: Case,
    (goes, at): (NodeId, NodeId),
    room: &RoomName,
    chatctl: &Path,
) -> Outcome<Round> {
    let client = connect(cluster, at).await?;
    let poster = Poster::start(client.clone(), room.clone());
    poster.until_more(SETTLED_POSTS).await;
    let began = Instant::now();
    if case == Case::Rolling {
        for (node, _) in cluster.client_addrs() {
            cluster.drain(node).await?;
            cluster.restart(node).await?;
            until_led(cluster).await?;
            poster.until_more(SETTLED_POSTS).await;
        }
    } else if case.is_for_good() {
        replace(cluster, goes, chatctl).await?;
    } else if case.is_planned() {
        cluster.drain(goes).await?;
    } else {
        cluster.kill(goes).await?;
    }
    poster.until_more(SETTLED_POSTS).await;
    let round = poster.stop(began).await?;
    client.close().await;
    if case != Case::Rolling && !case.is_for_good() {
        cluster.restart(goes).await?;
    }
    Ok(round)
}

/// A new node joins and takes the vote of this one, whose daemon ends by itself.
async fn replace(cluster: &mut Cluster, old: NodeId, chatctl: &Path) -> Outcome<()> {
    let nodes = cluster.client_addrs();
    let through = nodes.iter().map(|(id, _)| *id).find(|id| *id != old);
    let through = through.ok_or("one node has nobody to go on with")?;
    let peer = cluster.peer_addr(through).ok_or("every node has an addr")?;
    let new = cluster.begin_empty().await?;
    let (asked, newcomer) = (cluster.admin_socket(through), cluster.admin_socket(new));
    let made = ["-o", "json", "cluster", "token", "create", "--role", "learner"];
    let made: Value = serde_json::from_str(&operate(chatctl, &asked, &made, "").await?)?;
    let token = made["data"]["token"].as_str().ok_or("a token is text")?;
    let join = ["-o", "json", "cluster", "join", &peer, "--token-file", "-"];
    let joined: Value = serde_json::from_str(&operate(chatctl, &newcomer, &join, token).await?)?;
    if joined["data"]["node"] != new.0 {
        return Err(format!("node {new} has joined under another id: {joined}").into());
    }
    let (gone, heir) = (old.to_string(), new.to_string());
    operate(chatctl, &asked, &["-y", "member", "replace", &gone, &heir], "").await?;
    cluster.until_gone(old).await?;
    Ok(())
}

/// What `chatctl` answers.
async fn operate(chatctl: &Path, socket: &Path, args: &[&str], input: &str) -> Outcome<String> {
    let mut command = Command::new(chatctl);
    command.arg("--socket").arg(socket).args(args);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who does not read it need not.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let ended = child.wait_with_output().await?;
    if !ended.status.success() {
        let told = String::from_utf8_lossy(&ended.stderr);
        return Err(format!("chatctl {} failed: {told}", args.join(" ")).into());
    }
    Ok(String::from_utf8(ended.stdout)?)
}

/// A session of the user with this node, and the others known.
async fn connect(cluster: &Cluster, node: NodeId) -> Outcome<Client> {
    let profile = Profile::open(&cluster.users_dir().join(USER))?;
    let mut addrs = cluster.client_addrs();
    addrs.sort_by_key(|(id, _)| *id != node);
    // Another order than the last one, so that nothing is remembered of where the last session was.
    profile.set_servers(Vec::new())?;
    profile.set_servers(addrs.into_iter().map(|(_, addr)| addr).collect())?;
    let options = Options {
        outbox: OutboxKind::Memory,
    };
    let client = Client::open(&profile, options)?;
    let session = client.connected(ROUND_DEADLINE).await?;
    if session.node != node {
        return Err(format!("the poster is connected to node {}, not {node}", session.node).into());
    }
    Ok(client)
}

/// Waits until all nodes say that the same one leads: each is asked by itself, in a session of its own.
async fn until_led(cluster: &Cluster) -> Outcome<NodeId> {
    let led = async {
        loop {
            let mut leaders = Vec::new();
            for (node, _) in cluster.client_addrs() {
                if let Ok(client) = connect(cluster, node).await {
                    leaders.push(client.leader());
                    client.close().await;
                } else {
                    leaders.push(None);
                }
            }
            match leaders.first() {
                Some(Some(first)) if leaders.iter().all(|leader| *leader == Some(*first)) => return *first,
                _ => sleep(POLL).await,
            }
        }
    };
    timeout(ROUND_DEADLINE, led)
        .await
        .map_err(|_| "the nodes do not agree on a leader".into())
}

/// Somebody who posts.
struct Poster {
    acked: Arc<Mutex<Vec<Instant>>>,
    stop: Arc<tokio::sync::Notify>,
    task: JoinHandle<usize>,
}

impl Poster {
    fn start(client: Client, room: RoomName) -> Self {
        let (acked, stop) = (
            Arc::<Mutex<Vec<Instant>>>::default(),
            Arc::<tokio::sync::Notify>::default(),
        );
        let task = tokio::spawn(post(client, room, Arc::clone(&acked), Arc::clone(&stop)));
        Self { acked, stop, task }
    }

    fn count(&self) -> usize {
        self.acked.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    async fn until_more(&self, posts: usize) {
        let wanted = self.count() + posts;
        while self.count() < wanted && !self.task.is_finished() {
            sleep(POLL).await;
        }
    }

    /// The longest gap that ended after `from`.
    async fn stop(self, from: Instant) -> Outcome<Round> {
        self.stop.notify_one();
        let failed = self.task.await?;
        let acked = self.acked.lock().unwrap_or_else(PoisonError::into_inner);
        let gaps = acked
            .windows(2)
            .filter(|pair| pair[1] >= from)
            .map(|pair| pair[1] - pair[0]);
        Ok(Round {
            gap: gaps.max().unwrap_or_default(),
            failed,
        })
    }
}

/// Posts until stopped. How many posts were not acknowledged.
async fn post(
    client: Client,
    room: RoomName,
    acked: Arc<Mutex<Vec<Instant>>>,
    stop: Arc<tokio::sync::Notify>,
) -> usize {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = FuturesUnordered::new();
    let (mut failed, mut stopped) = (0, false);
    while !stopped || !under_way.is_empty() {
        tokio::select! {
            _ = pace.tick(), if !stopped && under_way.len() < WINDOW => {
                match Post::new(RoomRef::Name(room.clone()), "how long does this take?") {
                    Ok(post) => under_way.push(client.post(post)),
                    Err(_) => failed += 1,
                }
            }
            Some(answer) = under_way.next(), if !under_way.is_empty() => match answer {
                Ok(_) => acked.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now()),
                Err(_) => failed += 1,
            },
            () = stop.notified(), if !stopped => stopped = true,
        }
    }
    failed
}

/// The gaps of all rounds of a case.
struct Gaps {
    sorted_ms: Vec<f64>,
    failed: usize,
}

impl Gaps {
    fn of(rounds: Vec<Round>) -> Self {
        let failed = rounds.iter().map(|round| round.failed).sum();
        let mut sorted_ms: Vec<f64> = rounds.iter().map(|round| round.gap.as_secs_f64() * 1000.0).collect();
        sorted_ms.sort_by(f64::total_cmp);
        Self { sorted_ms, failed }
    }

    fn median(&self) -> f64 {
        let middle = self.sorted_ms.len() / 2;
        match self.sorted_ms.len() {
            0 => 0.0,
            even if even % 2 == 0 => f64::midpoint(self.sorted_ms[middle - 1], self.sorted_ms[middle]),
            _ => self.sorted_ms[middle],
        }
    }

    fn worst(&self) -> f64 {
        self.sorted_ms.last().copied().unwrap_or_default()
    }

    fn to_json(&self) -> Value {
        json!({
            "rounds": self.sorted_ms.len(),
            "gap_ms": {"median": self.median().round(), "worst": self.worst().round()},
            "posts_that_failed": self.failed,
        })
    }
}

impl std::fmt::Display for Gaps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "median {:>5.0} ms  worst {:>5.0} ms  of {} rounds, {} posts failed",
            self.median(),
            self.worst(),
            self.sorted_ms.len(),
            self.failed
        )
    }
}
