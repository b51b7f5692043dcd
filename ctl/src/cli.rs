//! The command line.

mod people;
mod roster;
mod snapshot;
mod telemetry;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::ValueHint;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quorate_adminapi::{parse_bytes, parse_duration};
use quorate_core::{InviteId, NodeId};
use quorate_formation::NodeSpec;

pub(crate) use people::{AuditCommand, BansCommand, ListArgs, LockdownMode, PasswordArgs, RoomsCommand, UsersCommand};
pub(crate) use roster::{
    CaCommand, CertsCommand, InitArgs, JoinArgs, LeaveArgs, RemoveArgs, SetAddrArgs, TokenArgs, TokenCommand,
};
pub(crate) use snapshot::{LogArgs, QuorumArgs, RecoverCommand, RestoreArgs, SnapshotCommand};
pub(crate) use telemetry::{ConfigCommand, DebugCommand, EventsArgs, LogLevelCommand, VersionArgs};

const DEFAULT_SOCKET: &str = "/run/chatd/admin.sock";
/// Faster, and the screen says nothing more but costs the daemon more.
const WATCH_INTERVAL_MIN: Duration = Duration::from_millis(100);

const EXIT_CODES: &str = "\
Exit codes: 0 ok, 1 error, 2 usage, 3 not found, 4 permission, 5 cluster unhealthy, 6 no quorum, \
7 refused by a safety check, 8 timed out with the outcome unknown, 130 interrupted";

/// Look after a chat cluster
///
/// Any node answers; it asks the leader where that is needed.
#[derive(Debug, Parser)]
#[command(name = "chatctl", version, after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// The admin socket of the daemon to ask
    #[arg(long, global = true, value_name = "PATH", env = "CHATCTL_SOCKET", default_value = DEFAULT_SOCKET)]
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) socket: PathBuf,
    /// How long to wait for an answer
    #[arg(long, global = true, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,
    /// The form of the answer
    #[arg(short, long, global = true, value_name = "FORM", default_value = "table")]
    pub(crate) output: OutputForm,
    /// Leave out the heads of tables
    #[arg(long, global = true)]
    pub(crate) no_headers: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Tell on stderr what is asked of the daemon
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Answer yes where a command asks for confirmation
    #[arg(short, long, global = true)]
    pub(crate) yes: bool,
    /// Change nothing, and show what would be changed
    #[arg(long, global = true)]
    pub(crate) dry_run: bool,
    /// Ask again and again, every 2s or as given
    #[arg(long, global = true, value_name = "DURATION", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "2s", value_parser = watch_interval)]
    pub(crate) watch: Option<Duration>,
    /// Answer from this node as it knows things by itself, without a quorum
    #[arg(long, global = true)]
    pub(crate) stale: bool,
    /// Do not wait for what takes long
    #[arg(long, global = true)]
    pub(crate) no_wait: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputForm {
    /// Columns, as many as fit the terminal
    Table,
    /// All columns
    Wide,
    /// One object with `schema`, `data` and `warnings`
    Json,
    /// The data alone, one object a line; warnings are on stderr
    Jsonl,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Form a cluster
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// The cluster and its nodes on one screen
    Status,
    /// Whether the cluster is healthy: exit 0 or 5
    Health(HealthArgs),
    /// The nodes of the cluster
    #[command(subcommand)]
    Member(MemberCommand),
    /// The node that leads
    #[command(subcommand)]
    Leader(LeaderCommand),
    /// What this node's consensus knows by itself
    #[command(subcommand)]
    Raft(RaftCommand),
    /// Links with which new users may register, where that is for invited ones only
    #[command(subcommand)]
    Invites(InvitesCommand),
    /// Accounts, from the operators' side
    #[command(subcommand)]
    Users(UsersCommand),
    /// Rooms, from the operators' side
    #[command(subcommand)]
    Rooms(RoomsCommand),
    /// Who has to stay out of the cluster
    #[command(subcommand)]
    Bans(BansCommand),
    /// What nobody may do for now; without a mode it shows the present one
    #[command(after_help = "Examples:\n  chatctl lockdown no-register\n  chatctl lockdown off")]
    Lockdown {
        /// Each but the first forbids what the one before it does, and more
        #[arg(value_enum)]
        mode: Option<LockdownMode>,
    },
    /// What operators did, and were refused
    #[command(subcommand)]
    Audit(AuditCommand),
    /// How long all rooms remember that have no rule of their own
    ///
    /// Without options it shows the rule.
    #[command(after_help = "Examples:\n  chatctl retention --max-age 365d\n  chatctl retention --max-age off")]
    Retention(RetentionArgs),
    /// How much users may keep
    ///
    /// Without options it shows the rule.
    #[command(
        after_help = "Examples:\n  chatctl quota --max-text-bytes 100MiB\n  chatctl quota --user alice --max-rooms 5"
    )]
    Quota(QuotaArgs),
    /// Backups: taken from a running node, looked into and restored without one
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
    /// What is left to do when a majority is gone for good
    #[command(subcommand)]
    Recover(RecoverCommand),
    /// The metrics of this node, as OpenMetrics text
    Metrics,
    /// The versions of this program and of the daemon
    #[command(after_help = "Examples:\n  chatctl version\n  chatctl version --cluster")]
    Version(VersionArgs),
    /// Look for what is wrong or soon will be, and say what mends it: exit 0 or 5
    ///
    /// Looks at all nodes and changes nothing: quorum, versions, clocks, syncs, disks, certificates, UDP buffers, the paths
    /// between the nodes, open files. It works without a quorum too.
    #[command(
        after_help = "Examples:\n  chatctl doctor\n  chatctl doctor -o json | jq '.data.checks[] | select(.fix)'"
    )]
    Doctor,
    /// What each node is doing: a screen that refreshes itself
    ///
    /// Rates are of one second. Where stdout is no terminal, and in JSON, there is one screen; --watch makes it many.
    #[command(after_help = "Examples:\n  chatctl top\n  chatctl top -o json\n  chatctl top --watch=5s")]
    Top,
    /// What has happened to this node: leaders, peers, snapshots, certificates, overload
    #[command(after_help = "Examples:\n  chatctl events\n  chatctl events -f\n  chatctl events -f -o jsonl | jq .text")]
    Events(EventsArgs),
    /// The config of the daemon
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Which traces the daemon writes
    #[command(subcommand)]
    LogLevel(LogLevelCommand),
    /// What helps to find a fault
    #[command(subcommand)]
    Debug(DebugCommand),
    /// The certificates of the nodes
    #[command(subcommand)]
    Certs(CertsCommand),
    /// The cluster's CA: show, rotate and export it
    #[command(subcommand)]
    Ca(CaCommand),
    /// Form a cluster of this node alone
    #[command(hide = true)]
    Init(InitArgs),
    /// Make this node one of a cluster that there is
    #[command(hide = true)]
    Join(JoinArgs),
    /// Take this node out of its cluster, for ever
    #[command(hide = true)]
    Leave(LeaveArgs),
    /// Take a node out of the cluster, for ever
    #[command(hide = true)]
    Remove(RemoveArgs),
    /// What lets nodes in
    #[command(subcommand, hide = true)]
    Token(TokenCommand),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Write manual pages
    Man {
        /// The folder for them; made if there is none
        #[arg(value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Make the files of a cluster that is formed all at once
    ///
    /// Writes the list of nodes, a CA, and for each node a folder with its config, certificate and key. Start each with
    /// `chatd --config DIR/node-N/chatd.toml`; they form the cluster by themselves.
    New(NewArgs),
    /// Form a cluster of this node alone, to which others join
    ///
    /// For a daemon that runs with an empty data directory. Prints the command that joins the next node.
    Init(InitArgs),
    /// Make this node one of a cluster that there is
    ///
    /// For a daemon that runs with an empty data directory. Waits until the node has caught up and, if it may, votes.
    Join(JoinArgs),
    /// Take this node out of its cluster, for ever
    ///
    /// Leadership goes to another node first. The daemon ends by itself.
    Leave(LeaveArgs),
    /// What lets nodes in
    #[command(subcommand)]
    Token(TokenCommand),
    /// The cluster and its nodes on one screen
    #[command(hide = true)]
    Status,
    /// Whether the cluster is healthy: exit 0 or 5
    #[command(hide = true)]
    Health(HealthArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The folder to make; it must be empty or not there
    #[arg(long, value_hint = ValueHint::DirPath)]
    pub(crate) dir: PathBuf,
    /// A node: its id, and where clients and the other nodes reach it; once for each node
    #[arg(long, value_name = "ID=CLIENT_ADDR,PEER_ADDR", required = true, value_parser = node_spec)]
    pub(crate) node: Vec<NodeSpec>,
    /// What to call the cluster
    #[arg(long, default_value = "chat")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Unhealthy if the cluster would not survive so many more failures
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) min_tolerance: u32,
    /// The form of the answer; nagios exits 0 to 3
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<HealthFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HealthFormat {
    /// One line for people
    Text,
    /// As -o json
    Json,
    /// One line with performance data, and the exit codes of a monitoring plug-in
    Nagios,
    /// Metrics for a text file collector
    Prometheus,
}

#[derive(Debug, Subcommand)]
pub(crate) enum InvitesCommand {
    /// Make an invite, and print its link
    #[command(after_help = "Examples:\n  chatctl invites create\n  chatctl invites create --ttl 7d --uses 20 -o json")]
    Create {
        /// How long it is good
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = parse_duration)]
        ttl: Duration,
        /// For how many registrations
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        uses: u32,
    },
    /// The invites that are open
    List,
    /// End one; who has registered with it stays
    Revoke {
        /// Its id
        id: InviteId,
    },
}

/// A bound, or none.
pub(crate) type Bound<T> = Option<T>;

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct RetentionArgs {
    /// Messages older than this go; `off` for none
    #[arg(long, value_name = "DURATION", value_parser = bound(parse_duration))]
    pub(crate) max_age: Option<Bound<Duration>>,
    /// So many messages are kept at the most; `off` for all
    #[arg(long, value_name = "N", value_parser = bound(number::<u64>))]
    pub(crate) max_count: Option<Bound<u64>>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct QuotaArgs {
    /// Whose; without it, everybody's who has none of their own
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// The user has no quota of their own any more
    #[arg(long, requires = "user", conflicts_with_all = ["max_text_bytes", "max_rooms"])]
    pub(crate) default: bool,
    /// How much text, like 100MiB; `off` for any amount
    #[arg(long, value_name = "SIZE", value_parser = bound(parse_bytes))]
    pub(crate) max_text_bytes: Option<Bound<u64>>,
    /// How many rooms a user may own; `off` for any number
    #[arg(long, value_name = "N", value_parser = bound(number::<u32>))]
    pub(crate) max_rooms: Option<Bound<u32>>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// All nodes
    List,
    /// One node
    Show {
        /// Its id
        #[arg(value_parser = node_id)]
        id: NodeId,
    },
    /// Give a learner a vote, once it has caught up
    #[command(after_help = "Examples:\n  chatctl member promote 4")]
    Promote {
        /// Its id
        #[arg(value_parser = node_id)]
        id: NodeId,
    },
    /// Take a voter's vote; it goes on following
    #[command(after_help = "Examples:\n  chatctl member demote 4")]
    Demote {
        /// Its id
        #[arg(value_parser = node_id)]
        id: NodeId,
        /// Also if the cluster would lose its quorum
        #[arg(long)]
        force: bool,
    },
    /// Take a node out of the cluster, for ever, be it alive or dead
    Remove(RemoveArgs),
    /// Say where a node is reached
    SetAddr(SetAddrArgs),
    /// Lead a node's clients elsewhere, and do not let it lead
    #[command(after_help = "Examples:\n  chatctl member drain 2")]
    Drain {
        /// Its id
        #[arg(value_parser = node_id)]
        id: NodeId,
        /// Also if nobody is left who could lead
        #[arg(long)]
        force: bool,
    },
    /// Let a drained node take clients and lead again
    #[command(after_help = "Examples:\n  chatctl member undrain 2")]
    Undrain {
        /// Its id
        #[arg(value_parser = node_id)]
        id: NodeId,
    },
    /// Give a voter's vote to a learner, in one change, and take the voter out for ever
    #[command(after_help = "Examples:\n  chatctl member replace 3 6")]
    Replace {
        /// Who goes
        #[arg(value_parser = node_id)]
        old: NodeId,
        /// Who gets its vote: it has joined as a learner
        #[arg(value_parser = node_id)]
        new: NodeId,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LeaderCommand {
    /// Which node leads
    Show,
    /// Hand leadership to another node
    ///
    /// With --to that node keeps it until it stops leading; without, the highest id has it back.
    #[command(after_help = "Examples:\n  chatctl leader transfer --to 2\n  chatctl leader transfer")]
    Transfer {
        /// To which node
        #[arg(long, value_name = "ID", value_parser = node_id)]
        to: Option<NodeId>,
    },
    /// Say whether a higher id gets leadership by itself once it is well
    #[command(after_help = "Examples:\n  chatctl leader hand-back off\n  chatctl leader hand-back as-configured")]
    HandBack {
        /// `as-configured`: as `raft.hand_back` of whoever leads says
        #[arg(value_name = "MODE")]
        mode: HandBackArg,
    },
}

/// Whether a higher id gets leadership by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HandBackArg {
    On,
    Off,
    AsConfigured,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RaftCommand {
    /// Term, vote and log indexes of this node
    Info,
    /// The entries of this node's log; without a range, the last ones
    ///
    /// Shows what was asked, not what it says. What opens an account or the cluster is never shown, be it as a hash.
    #[command(after_help = "Examples:\n  chatctl raft log\n  chatctl raft log --from 900 --to 920 -o jsonl")]
    Log(LogArgs),
    /// Whether all nodes have the same chat state: exit 0 or 1, or 5 if none could be compared
    ///
    /// Each node notes a hash of its state at fixed log indexes; they are compared at one that most nodes have.
    #[command(after_help = "Examples:\n  chatctl raft verify\n  chatctl raft verify --all -o json")]
    Verify {
        /// Compare at every index that two nodes have noted
        #[arg(long)]
        all: bool,
    },
}

/// A value, or `off`.
fn bound<T, E: std::fmt::Display>(
    parse: impl Fn(&str) -> Result<T, E> + Clone + Send + Sync + 'static,
) -> impl Fn(&str) -> Result<Bound<T>, String> + Clone + Send + Sync + 'static {
    move |text| match text {
        "off" => Ok(None),
        value => parse(value).map(Some).map_err(|error| error.to_string()),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| "a whole number, or off, is wanted here".to_owned())
}

/// `3` or, as nodes are shown, `n3`.
fn node_id(text: &str) -> Result<NodeId, String> {
    let digits = text.strip_prefix('n').unwrap_or(text);
    digits.parse().map_err(|_| "a node id is a whole number".to_owned())
}

/// `1=CLIENT_ADDR,PEER_ADDR`.
fn node_spec(text: &str) -> Result<NodeSpec, String> {
    let form = || "a node is given as ID=CLIENT_ADDR,PEER_ADDR, like 1=h1:7400,h1:7401".to_owned();
    let (id, addrs) = text.split_once('=').ok_or_else(form)?;
    let (client, peer) = addrs.split_once(',').ok_or_else(form)?;
    Ok(NodeSpec {
        id: node_id(id)?,
        client_addr: client.parse().map_err(|error| format!("{client}: {error}"))?,
        peer_addr: peer.parse().map_err(|error| format!("{peer}: {error}"))?,
    })
}

fn watch_interval(text: &str) -> Result<Duration, String> {
    let interval = parse_duration(text).map_err(|error| error.to_string())?;
    let long_enough = interval >= WATCH_INTERVAL_MIN;
    long_enough
        .then_some(interval)
        .ok_or_else(|| format!("at least {} ms", WATCH_INTERVAL_MIN.as_millis()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// A command has a noun. What is shorter is a word for one of those, and is not in the help.
    #[test]
    fn the_words_at_the_top_are_the_nouns_and_no_verb_stands_among_them() {
        let words = |hidden: bool| {
            let command = Cli::command();
            let found = command.get_subcommands().filter(|word| word.is_hide_set() == hidden);
            let mut words: Vec<String> = found.map(|word| word.get_name().to_owned()).collect();
            words.sort_unstable();
            words
        };
        let nouns = "audit bans ca certs cluster completions config debug doctor events health invites leader lockdown \
                     log-level man member metrics quota raft recover retention rooms snapshot status top users version";
        assert_eq!(words(false).join(" "), nouns);
        assert_eq!(words(true).join(" "), "init join leave remove token");
        let aliases = Cli::command()
            .get_subcommands()
            .map(|word| word.get_all_aliases().count())
            .sum::<usize>();
        assert_eq!(aliases, 0);
    }

    #[test]
    fn a_node_is_read_with_names_and_with_ipv6_addresses() {
        let spec = node_spec("3=[::1]:7400,h3:7401").unwrap();
        assert_eq!(
            (spec.id, spec.client_addr.to_string(), spec.peer_addr.to_string()),
            (NodeId(3), "[::1]:7400".to_owned(), "h3:7401".to_owned())
        );
        for text in ["", "1", "1=h:1", "x=h:1,h:2", "1=h,h:2", "1=h:1,h:2,h:3"] {
            assert!(node_spec(text).is_err(), "{text}");
        }
    }
}
