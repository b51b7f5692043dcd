//! What nodes say to each other under the ALPN `chat-relay/1`: submissions on their way to the
//! leader, one hop, and the read index on its way back; and signals, which nobody answers.
//!
//! Bodies are positional MessagePack; a stream carries many calls at once, and answers come as they
//! are ready. Signals ([`Presence`], [`Typing`]) go on streams of their own and may get lost.

use bytes::Bytes;
use quorate_core::{AuditHash, AuditNo, DeviceId, LogIndex, NodeId, Outcome, RoomId, Timestamp, UserId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::Frame;

/// Commands in one [`Submit`] at the most.
pub const BATCH_MAX: usize = 512;
/// Users in one [`Presence`] at the most: some 50 kB.
pub const PRESENCE_USERS_MAX: usize = 4096;
/// Pairs in one [`Typing`] at the most: what people can type in a quarter of a second on one node.
pub const TYPING_MAX: usize = 1024;

/// Hashes in one [`Hashes`] at the most: some 30 kB.
pub const HASHES_MAX: usize = 1025;

/// A frame's kind. Numbers are never given anew.
pub mod kind {
    /// [`super::Submit`].
    pub const SUBMIT: u16 = 1;
    /// [`super::Submitted`].
    pub const SUBMITTED: u16 = 2;
    /// [`super::AskReadIndex`].
    pub const ASK_READ_INDEX: u16 = 3;
    /// [`super::ReadIndex`].
    pub const READ_INDEX: u16 = 4;
    /// [`super::AskFacts`].
    pub const ASK_FACTS: u16 = 5;
    /// [`super::Facts`].
    pub const FACTS: u16 = 6;
    /// [`super::Presence`].
    pub const PRESENCE: u16 = 7;
    /// [`super::Typing`].
    pub const TYPING: u16 = 8;
    /// [`super::AskHashes`].
    pub const ASK_HASHES: u16 = 60;
    /// [`super::Hashes`].
    pub const HASHES: u16 = 61;
    /// [`super::AskDevices`].
    pub const ASK_DEVICES: u16 = 62;
    /// [`super::Devices`].
    pub const DEVICES: u16 = 63;
    /// [`super::AskTransfer`].
    pub const ASK_TRANSFER: u16 = 40;
    /// [`super::Transferred`].
    pub const TRANSFERRED: u16 = 41;
}

/// Commands ([`crate::entry::encode_command`]) for the leader to propose, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// Matches the answer.
    pub call: u64,
    /// At most [`BATCH_MAX`].
    pub commands: Vec<Bytes>,
}

/// What the commands came to, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// From the request.
    pub call: u64,
    /// One for each command.
    pub ends: Vec<End>,
}

/// The three ends of a write, the first two of which are both "applied" to Raft.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// It is in the log for ever, and came to this.
    #[serde(rename = "1")]
    Applied {
        /// Where in the log.
        index: LogIndex,
        /// What it came to.
        outcome: Outcome,
    },
    /// It surely is not in the log, and never will be by this request.
    #[serde(rename = "2")]
    NotProposed {
        /// Who leads, as far as known.
        leader: Option<NodeId>,
    },
    /// It may be in the log, now or later.
    #[serde(rename = "3")]
    Unknown,
}

/// Up to where must a node have applied to serve a linearizable read that begins now?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskReadIndex {
    /// Matches the answer.
    pub call: u64,
}

/// Up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadIndex {
    /// From the request.
    pub call: u64,
    /// `None`: the node asked does not lead, or no longer has a quorum.
    pub index: Option<LogIndex>,
}

/// Hand leadership on, as an operator wants it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskTransfer {
    /// Matches the answer.
    pub call: u64,
    /// To whom, who then keeps it; without it, to whoever leads by preference.
    pub to: Option<NodeId>,
}

/// What came of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// From the request.
    pub call: u64,
    /// How it ended.
    pub end: TransferEnd,
}

/// How a transfer of leadership ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransferEnd {
    /// This node leads.
    #[serde(rename = "1")]
    Leads(NodeId),
    /// The node asked does not lead.
    #[serde(rename = "2")]
    NotLeader,
    /// The other has no vote.
    #[serde(rename = "3")]
    NotVoter,
    /// The other is down or behind, or must not lead. Nothing was begun.
    #[serde(rename = "4")]
    NotFit,
    /// It was begun, and the other did not take it.
    #[serde(rename = "5")]
    NotTaken,
}

/// How is the node?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskFacts {
    /// Matches the answer.
    pub call: u64,
}

/// What a node says of itself, for the status that operators see on any node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// From the request.
    pub call: u64,
    /// Its program's version.
    pub version: String,
    /// Its term.
    pub term: u64,
    /// The last entry in its log.
    pub last_log: LogIndex,
    /// What it knows to be committed.
    pub committed: LogIndex,
    /// What it has applied.
    pub applied: LogIndex,
    /// Client sessions that are open on it.
    pub sessions: u64,
    /// Bytes on its disk.
    pub disk_bytes: u64,
    /// When its certificate ends, in seconds since 1970-01-01T00:00:00Z.
    pub cert_expires: u64,
    /// It is about to go.
    pub draining: bool,
    /// If it leads: what it knows of the other nodes.
    pub peers: Vec<PeerFacts>,
    /// What its clock says.
    pub now: Timestamp,
    /// The next entry of its audit log; 0 of a node that does not tell.
    #[serde(default)]
    pub audit_next: AuditNo,
    /// The chain over the entries before that one.
    #[serde(default)]
    pub audit_hash: Option<AuditHash>,
}

/// What a leader knows of another node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerFacts {
    /// Which.
    pub node: NodeId,
    /// Up to here the node's log is known to be the leader's.
    pub matched: Option<LogIndex>,
    /// Milliseconds since the node last acknowledged something.
    pub last_contact_ms: Option<u64>,
}

/// Which hashes of the chat state has the node noted?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskHashes {
    /// Matches the answer.
    pub call: u64,
}

/// Hashes of the chat state, each as it was when all up to an index was applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hashes {
    /// From the request.
    pub call: u64,
    /// Rising indexes, at most [`HASHES_MAX`]: those that every node notes, and the newest.
    pub noted: Vec<(LogIndex, u128)>,
}

/// Which of these devices have sessions on the node?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskDevices {
    /// Matches the answer.
    pub call: u64,
    /// At most as many as a user may have.
    pub devices: Vec<DeviceId>,
}

/// Devices' sessions on the node that says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// From the request.
    pub call: u64,
    /// How many each has, in the order of the question.
    pub sessions: Vec<u32>,
}

/// Who is on the node that says it. A signal: not answered, and what gets lost is made good by the next
/// full list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// What these are.
    pub list: List,
    /// At most [`PRESENCE_USERS_MAX`].
    pub users: Vec<Present>,
}

/// What the users of a [`Presence`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum List {
    /// Those for whom something has changed.
    #[serde(rename = "1")]
    Change,
    /// A part of the full list, to go on in the next frame of this stream.
    #[serde(rename = "2")]
    Part,
    /// The last part of it (the only one, of a short list): nobody else is there.
    #[serde(rename = "3")]
    Last,
}

/// A user on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {
    /// Who.
    pub user: UserId,
    /// How.
    pub there: There,
}

/// Whether a user is there, on one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum There {
    /// Not any more.
    #[serde(rename = "1")]
    Gone,
    /// All sessions are away.
    #[serde(rename = "2")]
    Away,
    /// At least one session is not.
    #[serde(rename = "3")]
    Online,
}

/// Users of the node that says it are writing. A signal: not answered, and it may get lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where, and who. At most [`TYPING_MAX`].
    pub places: Vec<(RoomId, UserId)>,
}

/// The frame of a body.
pub fn frame<B: Serialize>(kind: u16, body: &B) -> Frame {
    let bytes = rmp_serde::to_vec(body).expect("bodies hold nothing that MessagePack cannot");
    Frame {
        kind,
        body: bytes.into(),
    }
}

/// The body of a frame.
///
/// # Errors
/// The bytes do not parse.
pub fn parse<B: DeserializeOwned>(frame: &Frame) -> Result<B, rmp_serde::decode::Error> {
    rmp_serde::from_slice(&frame.body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_keeps_its_golden_bytes() {
        let answer = Submitted {
            call: 3,
            ends: vec![
                End::NotProposed {
                    leader: Some(NodeId(5)),
                },
                End::Unknown,
            ],
        };
        let sent = frame(kind::SUBMITTED, &answer);
        assert_eq!(sent.body, b"\x92\x03\x92\x81\xa12\x91\x05\xa13".as_slice());
        assert_eq!(parse::<Submitted>(&sent).unwrap(), answer);
    }

    #[test]
    fn hashes_keep_their_golden_bytes() {
        let hashes = Hashes {
            call: 3,
            noted: vec![(LogIndex(64), 0x0102)],
        };
        let sent = frame(kind::HASHES, &hashes);
        assert_eq!((kind::ASK_HASHES, sent.kind), (60, 61));
        let golden = b"\x92\x03\x91\x92\x40\xc4\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02";
        assert_eq!(sent.body, golden.as_slice());
        assert_eq!(parse::<Hashes>(&sent).unwrap(), hashes);
    }

    #[test]
    fn a_question_about_devices_keeps_its_golden_bytes() {
        let asked = AskDevices {
            call: 3,
            devices: vec![DeviceId([7; 32])],
        };
        let sent = frame(kind::ASK_DEVICES, &asked);
        assert_eq!((sent.kind, kind::DEVICES), (62, 63));
        let golden = [b"\x92\x03\x91\xc4 ".as_slice(), &[7; 32]].concat();
        assert_eq!(sent.body, golden);
        assert_eq!(parse::<AskDevices>(&sent).unwrap(), asked);
        let told = Devices {
            call: 3,
            sessions: vec![2],
        };
        let sent = frame(kind::DEVICES, &told);
        assert_eq!(sent.body, b"\x92\x03\x91\x02".as_slice());
        assert_eq!(parse::<Devices>(&sent).unwrap(), told);
    }

    #[test]
    fn signals_keep_their_golden_bytes() {
        let presence = Presence {
            list: List::Last,
            users: vec![
                Present {
                    user: UserId(7),
                    there: There::Away,
                },
                Present {
                    user: UserId(300),
                    there: There::Online,
                },
            ],
        };
        let sent = frame(kind::PRESENCE, &presence);
        assert_eq!(sent.kind, 7);
        assert_eq!(sent.body, b"\x92\xa13\x92\x92\x07\xa12\x92\xcd\x01\x2c\xa13".as_slice());
        assert_eq!(parse::<Presence>(&sent).unwrap(), presence);

        let typing = Typing {
            places: vec![(RoomId(2), UserId(7))],
        };
        let sent = frame(kind::TYPING, &typing);
        assert_eq!(sent.kind, 8);
        assert_eq!(sent.body, b"\x91\x91\x92\x02\x07".as_slice());
        assert_eq!(parse::<Typing>(&sent).unwrap(), typing);
    }
}
