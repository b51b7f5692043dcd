//! The command line of forming a cluster, letting nodes in, and changing what they are.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::ValueHint;
use clap::{Args, Subcommand, ValueEnum};
use quorate_adminapi::{MemberRole, parse_duration};
use quorate_core::{NodeId, TokenId};
use quorate_formation::NodeAddr;

use super::node_id;

/// What a node is in consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Its vote counts
    Voter,
    /// It follows without a vote
    Learner,
}

impl From<RoleArg> for MemberRole {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Voter => Self::Voter,
            RoleArg::Learner => Self::Learner,
        }
    }
}

#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  chatctl cluster init --name prod\n  chatctl init -o json")]
pub(crate) struct InitArgs {
    /// What to call the cluster
    #[arg(long, default_value = "chat")]
    pub(crate) name: String,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  chatctl cluster join h1:7401 --token-file token\n  echo \"$TOKEN\" | chatctl join h1:7401 h2:7401 --token-file - --role learner"
)]
pub(crate) struct JoinArgs {
    /// Where nodes of the cluster are reached by other nodes
    #[arg(value_name = "ADDR", required = true)]
    pub(crate) addrs: Vec<NodeAddr>,
    /// The file with the token; - for stdin
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: PathBuf,
    /// What this node is to be; without it, what the token allows
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<RoleArg>,
}

#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "Examples:\n  chatctl cluster leave -y\n  chatctl leave --dry-run")]
pub(crate) struct LeaveArgs {
    /// Also if the cluster would lose its quorum
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Clone, Copy, Debug)]
#[command(after_help = "Examples:\n  chatctl member remove 3\n  chatctl remove 3 --force -y")]
pub(crate) struct RemoveArgs {
    /// Its id
    #[arg(value_parser = node_id)]
    pub(crate) id: NodeId,
    /// Also if the cluster would lose its quorum or tolerate fewer failures
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token with which a node joins, and print it
    #[command(
        after_help = "Examples:\n  chatctl cluster token create > token\n  chatctl token create --uses 4 --ttl 8h -o json"
    )]
    Create(TokenArgs),
    /// The tokens that there are
    List,
    /// End one; who has joined with it stays
    Revoke {
        /// Its id
        id: TokenId,
    },
    /// End all tokens, and make a new one
    Rotate(TokenArgs),
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CertsCommand {
    /// The certificates of the nodes, and until when they are good
    Show {
        /// Only those that expire within this time
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        expiring: Option<Duration>,
    },
    /// Renew certificates now; they renew themselves when two thirds of their life are over
    #[command(after_help = "Examples:\n  chatctl certs renew --node 2\n  chatctl certs renew --all")]
    Renew {
        /// Of this node; without it, and without --all, of the node that is asked
        #[arg(long, value_name = "ID", value_parser = node_id, conflicts_with = "all")]
        node: Option<NodeId>,
        /// Of all nodes
        #[arg(long)]
        all: bool,
    },
    /// The cluster's CA
    #[command(subcommand)]
    Ca(CaCommand),
    /// As `ca export`
    ExportCa(ExportCaArgs),
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Its fingerprint, as links and tokens carry it, and which nodes have certificates of it
    Show,
    /// Put a new CA in its place; nobody is interrupted, and links made before go on to work
    ///
    /// Each node gets itself a certificate of the new CA. The one before is believed until all have: a node that is down is waited
    /// for, or removed.
    #[command(after_help = "Examples:\n  chatctl ca rotate\n  chatctl ca rotate --no-wait; chatctl ca show")]
    Rotate,
    /// Write it into a folder, for `snapshot restore --ca-dir`: clients know the restored cluster then
    Export(ExportCaArgs),
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Whoever has the folder can be any node of the cluster.\n\nExample:\n  chatctl certs export-ca /root/prod-ca"
)]
pub(crate) struct ExportCaArgs {
    /// The folder; no CA may be in it yet
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct TokenArgs {
    /// How long it is good
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    pub(crate) ttl: Duration,
    /// For how many nodes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=31))]
    pub(crate) uses: u32,
    /// What they may be
    #[arg(long, value_name = "ROLE", default_value = "voter")]
    pub(crate) role: RoleArg,
}

#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  chatctl member set-addr 3 --peer h3:7401\n  chatctl member set-addr 3 --peer h9:7401 --client h9:7400"
)]
pub(crate) struct SetAddrArgs {
    /// Its id
    #[arg(value_parser = node_id)]
    pub(crate) id: NodeId,
    /// Where other nodes reach it
    #[arg(value_name = "PEER_ADDR", required_unless_present_any = ["peer", "client"], conflicts_with = "peer")]
    pub(crate) peer_addr: Option<NodeAddr>,
    /// Where other nodes reach it
    #[arg(long, value_name = "ADDR")]
    pub(crate) peer: Option<NodeAddr>,
    /// Where clients reach it
    #[arg(long, value_name = "ADDR")]
    pub(crate) client: Option<NodeAddr>,
}
