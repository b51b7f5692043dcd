//! How a node does: what it measures of itself, and how the node that answers reaches it.

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

use crate::member::MemberRole;

/// What `status` shows of a node besides its place in consensus; part of [`crate::Member`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vitals {
    /// The time there and back from the node that answers, in microseconds; `null` for itself.
    pub rtt_us: Option<u64>,
    /// 99 of 100 syncs of its log took no longer of late, in microseconds; `null` before the first.
    pub fsync_p99_us: Option<u64>,
    /// How far its clock is ahead of the answering node's, in milliseconds; negative where it is behind.
    pub clock_ahead_ms: Option<i64>,
    /// What is free on the file system of its data, in bytes.
    pub disk_free_bytes: Option<u64>,
    /// How large that file system is, in bytes.
    pub disk_size_bytes: Option<u64>,
    /// How much of the log it has, of 100, while it is catching up.
    pub catch_up_percent: Option<u8>,
}

impl Vitals {
    /// How much of the file system is free, of 100; rounded down.
    #[must_use]
    pub fn disk_free_percent(&self) -> Option<u64> {
        let (free, size) = self
            .disk_free_bytes
            .zip(self.disk_size_bytes.filter(|size| *size > 0))?;
        // Wide enough for any disk.
        u64::try_from(u128::from(free) * 100 / u128::from(size)).ok()
    }
}

/// A row of `GET /v1/vitals`: what `top` shows and `doctor` judges. What is not known is `null`; all but the first three
/// are for a node that does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeReport {
    /// The node.
    pub id: NodeId,
    /// What it is in consensus.
    pub role: MemberRole,
    /// Whether it leads.
    pub is_leader: bool,
    /// The version of its daemon.
    pub version: Option<String>,
    /// How long its daemon has been running, in milliseconds.
    pub uptime_ms: Option<u64>,
    /// Posts that its sessions had committed, since its start.
    pub posts: Option<u64>,
    /// Durable transactions of its log, since its start.
    pub syncs: Option<u64>,
    /// Lines handed to feeds of its sessions, since its start.
    pub delivered: Option<u64>,
    /// Requests refused by a rate limit, since its start.
    pub rate_limited: Option<u64>,
    /// The last log index that it knows to be committed.
    pub committed: Option<LogIndex>,
    /// The last log index that it has applied.
    pub applied: Option<LogIndex>,
    /// How many entries it lacks.
    pub lag: Option<u64>,
    /// Clients' sessions on it.
    pub sessions: Option<u64>,
    /// Submissions that wait on it for a place in a batch.
    pub queued: Option<u64>,
    /// What its data directory takes, in bytes.
    pub data_bytes: Option<u64>,
    /// What [`crate::Member`] shows as well.
    #[serde(flatten)]
    pub vitals: Vitals,
    /// How exact the clocks' difference is, in milliseconds: half of the way there and back.
    pub clock_error_ms: Option<u64>,
    /// Files that its daemon has open, and may have.
    pub open_fds: Option<u64>,
    /// See there.
    pub max_fds: Option<u64>,
    /// Memory that its daemon takes, in bytes.
    pub resident_bytes: Option<u64>,
    /// Its UDP sockets.
    pub sockets: Vec<SocketReport>,
    /// The way from the node that answers.
    pub link: Option<LinkReport>,
    /// Where its own config says that it is reached; known to itself alone, so `null` of all but the node that answers.
    #[serde(default)]
    pub advertised: Option<Advertised>,
}

/// Where others reach a node, `host:port` each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advertised {
    /// Other nodes.
    pub peer_addr: String,
    /// Clients.
    pub client_addr: String,
}

impl NodeReport {
    /// Of a node that does not answer.
    #[must_use]
    pub fn silent(id: NodeId, role: MemberRole, is_leader: bool) -> Self {
        Self {
            id,
            role,
            is_leader,
            version: None,
            uptime_ms: None,
            posts: None,
            syncs: None,
            delivered: None,
            rate_limited: None,
            committed: None,
            applied: None,
            lag: None,
            sessions: None,
            queued: None,
            data_bytes: None,
            vitals: Vitals::default(),
            clock_error_ms: None,
            open_fds: None,
            max_fds: None,
            resident_bytes: None,
            sockets: Vec::new(),
            link: None,
            advertised: None,
        }
    }
}

/// A UDP socket of a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketReport {
    /// Which port: `client` or `peer`.
    pub port: String,
    /// The buffer that was asked for in each direction, in bytes.
    pub asked_bytes: u64,
    /// What the kernel gave for receiving, as it says itself.
    pub receive_bytes: u64,
    /// What it gave for sending.
    pub send_bytes: u64,
    /// Packets that the kernel dropped for want of room, since the socket was opened.
    pub dropped: Option<u64>,
}

/// A QUIC connection between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// The longest packet that goes through, in bytes.
    pub mtu_bytes: u16,
    /// Packets that were sent on it.
    pub sent_packets: u64,
    /// Packets of these that were lost.
    pub lost_packets: u64,
}
