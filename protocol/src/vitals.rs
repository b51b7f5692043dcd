//! How a node does, in frames between those of [`crate::relay`], for operators' tools.
//!
//! Apart from the rest, since these numbers come and go with versions: the body is a MessagePack map. Whoever does not know a
//! field skips it, one that is missing is 0 or none, and a node that does not know the kinds does not answer.

use quorate_core::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Frame;

/// Frames' kinds, among those of the relay. Numbers are never given anew.
pub mod kind {
    /// [`super::AskVitals`].
    pub const ASK_VITALS: u16 = 80;
    /// [`super::Vitals`].
    pub const VITALS: u16 = 81;
}

/// How does the node do?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskVitals {
    /// Matches the answer.
    pub call: u64,
}

/// What a node has measured of itself. Counters begin with its daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Vitals {
    /// From the request.
    pub call: u64,
    /// What its clock says.
    pub now: Timestamp,
    /// How long its daemon has been running.
    pub uptime_ms: u64,
    /// Posts that its sessions had committed.
    pub posts: u64,
    /// Durable transactions of its log.
    pub syncs: u64,
    /// Events handed to feeds.
    pub delivered: u64,
    /// Requests refused by a rate limit.
    pub rate_limited: u64,
    /// Submissions that wait for a place in a batch.
    pub queued: u64,
    /// 99 of 100 syncs of late took no longer.
    pub fsync_p99_us: Option<u64>,
    /// Free on the file system of its data.
    pub disk_free_bytes: Option<u64>,
    /// The size of that file system.
    pub disk_size_bytes: Option<u64>,
    /// Files that its daemon has open.
    pub open_fds: Option<u64>,
    /// Files that it may have open.
    pub max_fds: Option<u64>,
    /// Memory that it takes.
    pub resident_bytes: Option<u64>,
    /// Its UDP sockets: two.
    pub sockets: Vec<Socket>,
    /// The fingerprint of the CA whose certificate it uses, in hex.
    pub ca: Option<String>,
}

/// A UDP socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Socket {
    /// `client` or `peer`.
    pub port: String,
    /// The buffer asked for in each direction.
    pub asked_bytes: u64,
    /// What the kernel gave for receiving.
    pub receive_bytes: u64,
    /// What it gave for sending.
    pub send_bytes: u64,
    /// Packets that it dropped for want of room.
    pub dropped: Option<u64>,
}

/// The frame of an answer.
///
/// # Panics
/// Never: the body holds nothing that MessagePack cannot.
#[must_use]
pub fn frame(vitals: &Vitals) -> Frame {
    let body = rmp_serde::to_vec_named(vitals).expect("numbers and texts are MessagePack");
    Frame {
        kind: kind::VITALS,
        body: body.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::relay::parse;

    #[test]
    fn an_answer_comes_back_as_it_was() {
        let vitals = Vitals {
            call: 7,
            now: Timestamp(1),
            fsync_p99_us: Some(2000),
            sockets: vec![Socket {
                port: "peer".to_owned(),
                dropped: Some(3),
                ..Socket::default()
            }],
            ..Vitals::default()
        };
        assert_eq!(parse::<Vitals>(&frame(&vitals)).unwrap(), vitals);
    }

    #[test]
    fn a_node_of_another_version_is_understood() {
        let body = rmp_serde::to_vec_named(&BTreeMap::from([("posts", 5), ("moons", 2)])).unwrap();
        let other = Frame {
            kind: kind::VITALS,
            body: body.into(),
        };
        let read: Vitals = parse(&other).unwrap();
        assert_eq!((read.posts, read.syncs), (5, 0));
    }
}
