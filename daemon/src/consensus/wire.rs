//! What Raft says between nodes, as bytes.
//!
//! Each body begins with a version byte, and then has positional MessagePack of the structs below: ours, so that an upgrade
//! of openraft changes no byte. The commands of entries are not encoded again: behind the header of an [`append`](Append)
//! they stand as the same bytes that the proposer made, and are cut out of the received frame without a copy. Kinds are
//! numbers that are never given anew.

use bytes::{BufMut, Bytes, BytesMut};
use openraft::EntryPayload;
use openraft::raft::{
    AppendEntriesRequest, SnapshotResponse, StreamAppendError, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::vote::{RaftLeaderId, leader_id_adv::LeaderId};
use quorate_core::NodeId;
use quorate_protocol::Frame;
use serde::{Deserialize, Serialize};

use super::types::{LogEntry, LogId, Membership, NodeAddrs, Proposal, TypeConfig, Vote};

/// The kinds of frames on a Raft stream. 1 to 15 belong to the hello of every peer connection.
pub(crate) mod kind {
    /// Leader → follower: entries, or none as a heartbeat. Any number on a stream, each answered in order.
    pub(crate) const APPEND: u16 = 16;
    /// The answer to one [`APPEND`].
    pub(crate) const APPEND_REPLY: u16 = 17;
    /// Candidate → voter.
    pub(crate) const VOTE: u16 = 18;
    /// The answer to [`VOTE`] and to [`PRE_VOTE`].
    pub(crate) const VOTE_REPLY: u16 = 19;
    /// Would-be candidate → voter.
    pub(crate) const PRE_VOTE: u16 = 20;
    /// Leader → everybody: this one shall lead.
    pub(crate) const TRANSFER: u16 = 21;
    /// The answer to [`TRANSFER`].
    pub(crate) const TRANSFER_REPLY: u16 = 22;
    /// Leader → follower: a snapshot begins.
    pub(crate) const SNAPSHOT_BEGIN: u16 = 23;
    /// A piece of it, as the store made it: no version byte, the store has its own.
    pub(crate) const SNAPSHOT_PART: u16 = 24;
    /// It is complete.
    pub(crate) const SNAPSHOT_END: u16 = 25;
    /// The answer to [`SNAPSHOT_END`], or earlier to a snapshot that is not wanted.
    pub(crate) const SNAPSHOT_REPLY: u16 = 26;
    /// Instead of any answer: this node takes no part, and why.
    pub(crate) const DECLINED: u16 = 31;
}

/// The first byte of each body.
const BODY_VERSION: u8 = 1;
/// Room for the length of the header of an append, behind the version byte.
const HEADER_LENGTH_BYTES: usize = 4;

/// Bytes that do not say what their kind says. Nothing after them on that stream is believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    /// A newer peer speaks: what it says is not known here.
    #[error("body version {0} is not known")]
    Version(u8),
    /// A frame of another kind was due.
    #[error("a frame of kind {0} is out of place")]
    Kind(u16),
    /// Too short, or lengths that do not add up.
    #[error("the body of kind {0} is cut short or has a rest")]
    Shape(u16),
    /// The header is not what it should be.
    #[error("the body of kind {0} cannot be read")]
    Header(u16, #[source] rmp_serde::decode::Error),
}

#[derive(Serialize, Deserialize)]
struct WireLogId(u64, u64, u64);

#[derive(Serialize, Deserialize)]
struct WireVote {
    term: u64,
    node: u64,
    committed: bool,
}

#[derive(Serialize, Deserialize)]
struct WireMembership {
    configs: Vec<Vec<u64>>,
    nodes: Vec<(u64, String, String)>,
}

/// An entry without its bytes: they follow the header, `len` of them.
#[derive(Serialize, Deserialize)]
struct WireEntry {
    log_id: WireLogId,
    /// [`ENTRY_BLANK`], [`ENTRY_COMMAND`] or [`ENTRY_MEMBERSHIP`].
    what: u8,
    len: u32,
}

const ENTRY_BLANK: u8 = 0;
const ENTRY_COMMAND: u8 = 1;
const ENTRY_MEMBERSHIP: u8 = 2;

#[derive(Serialize, Deserialize)]
struct WireAppend {
    vote: WireVote,
    prev_log_id: Option<WireLogId>,
    leader_commit: Option<WireLogId>,
    entries: Vec<WireEntry>,
}

#[derive(Serialize, Deserialize)]
struct WireAppendReply {
    /// 0 matched, 1 conflict, 2 higher vote.
    what: u8,
    log_id: Option<WireLogId>,
    vote: Option<WireVote>,
}

#[derive(Serialize, Deserialize)]
struct WireVoteRequest {
    vote: WireVote,
    last_log_id: Option<WireLogId>,
    leadership_transfer: bool,
}

#[derive(Serialize, Deserialize)]
struct WireVoteReply {
    vote: WireVote,
    granted: bool,
    last_log_id: Option<WireLogId>,
}

#[derive(Serialize, Deserialize)]
struct WireTransfer {
    from_leader: WireVote,
    to: u64,
    last_log_id: Option<WireLogId>,
    /// An operator wants the new leader to stay.
    stay: bool,
}

#[derive(Serialize, Deserialize)]
struct WireTransferReply {
    /// 0 accepted, 1 vote changed, 2 log not flushed.
    what: u8,
    expected_vote: Option<WireVote>,
    actual_vote: Option<WireVote>,
    expected_log_id: Option<WireLogId>,
    actual_log_id: Option<WireLogId>,
}

/// Why a node does not answer a Raft request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Declined {
    /// It has not been enrolled, so it must not vote or acknowledge.
    #[error("the peer is not enrolled yet")]
    NotEnrolled,
    /// The request names another sender than the certificate of the connection.
    #[error("the peer says that the request is not from this node")]
    WrongSender,
    /// Its Raft has stopped.
    #[error("the peer's Raft has stopped")]
    Stopped,
    /// It could not read the request, or said something that is not known here.
    #[error("the peer could not read the request (code {0})")]
    Unreadable(u8),
}

impl Declined {
    fn code(self) -> u8 {
        match self {
            Self::NotEnrolled => 1,
            Self::WrongSender => 2,
            Self::Stopped => 3,
            Self::Unreadable(code) => code,
        }
    }

    /// The code for a request that could not be read.
    pub(crate) const UNREADABLE: Self = Self::Unreadable(4);
}

/// Entries for a follower.
pub(crate) type Append = AppendEntriesRequest<TypeConfig>;
/// What became of them.
pub(crate) type AppendReply = Result<Option<LogId>, StreamAppendError<TypeConfig>>;

fn log_id_out(log_id: &LogId) -> WireLogId {
    WireLogId(log_id.leader_id.term, log_id.leader_id.node_id.0, log_id.index)
}

fn log_id_in(WireLogId(term, node, index): WireLogId) -> LogId {
    LogId {
        leader_id: LeaderId::new(term, NodeId(node)),
        index,
    }
}

fn vote_out(vote: &Vote) -> WireVote {
    WireVote {
        term: vote.leader_id.term,
        node: vote.leader_id.node_id.0,
        committed: vote.committed,
    }
}

fn vote_in(vote: &WireVote) -> Vote {
    Vote {
        leader_id: LeaderId::new(vote.term, NodeId(vote.node)),
        committed: vote.committed,
    }
}

fn membership_out(membership: &Membership) -> WireMembership {
    let configs = membership.get_joint_config().iter();
    let nodes = membership
        .nodes()
        .map(|(id, addrs)| (id.0, addrs.peer.clone(), addrs.client.clone()));
    WireMembership {
        configs: configs.map(|config| config.iter().map(|id| id.0).collect()).collect(),
        nodes: nodes.collect(),
    }
}

fn membership_in(wire: WireMembership, kind: u16) -> Result<Membership, WireError> {
    let configs = wire
        .configs
        .into_iter()
        .map(|config| config.into_iter().map(NodeId).collect())
        .collect();
    let nodes = wire
        .nodes
        .into_iter()
        .map(|(id, peer, client)| (NodeId(id), NodeAddrs { peer, client }));
    let nodes: std::collections::BTreeMap<NodeId, NodeAddrs> = nodes.collect();
    if nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(configs, nodes).map_err(|_| WireError::Shape(kind))
}

fn frame(kind: u16, body: &impl Serialize) -> Frame {
    let mut bytes = vec![BODY_VERSION];
    rmp_serde::encode::write(&mut bytes, body).expect("plain numbers and strings always encode into memory");
    Frame::new(kind, bytes)
}

fn expect_kind(frame: &Frame, kind: u16) -> Result<(), WireError> {
    if frame.kind == kind {
        Ok(())
    } else {
        Err(WireError::Kind(frame.kind))
    }
}

fn versioned(body: &Bytes, kind: u16) -> Result<Bytes, WireError> {
    match body.first() {
        Some(&BODY_VERSION) => Ok(body.slice(1..)),
        Some(&version) => Err(WireError::Version(version)),
        None => Err(WireError::Shape(kind)),
    }
}

fn body<T: serde::de::DeserializeOwned>(frame: &Frame, kind: u16) -> Result<T, WireError> {
    expect_kind(frame, kind)?;
    let body = versioned(&frame.body, kind)?;
    rmp_serde::from_slice(&body).map_err(|source| WireError::Header(kind, source))
}

pub(crate) fn append(request: &Append) -> Frame {
    let mut tail = Vec::with_capacity(request.entries.len());
    let mut entries = Vec::with_capacity(request.entries.len());
    for entry in &request.entries {
        let (what, bytes) = match &entry.payload {
            EntryPayload::Blank => (ENTRY_BLANK, Bytes::new()),
            EntryPayload::Normal(Proposal(command)) => (ENTRY_COMMAND, command.clone()),
            EntryPayload::Membership(membership) => {
                let bytes = rmp_serde::to_vec(&membership_out(membership)).expect("ids and addrs always encode");
                (ENTRY_MEMBERSHIP, Bytes::from(bytes))
            }
        };
        let len = u32::try_from(bytes.len()).expect("an entry is far below 4 GiB");
        entries.push(WireEntry {
            log_id: log_id_out(&entry.log_id),
            what,
            len,
        });
        tail.push(bytes);
    }
    let header = WireAppend {
        vote: vote_out(&request.vote),
        prev_log_id: request.prev_log_id.as_ref().map(log_id_out),
        leader_commit: request.leader_commit.as_ref().map(log_id_out),
        entries,
    };
    let header = rmp_serde::to_vec(&header).expect("plain numbers always encode into memory");
    let tail_len: usize = tail.iter().map(Bytes::len).sum();
    let mut body = BytesMut::with_capacity(1 + HEADER_LENGTH_BYTES + header.len() + tail_len);
    body.put_u8(BODY_VERSION);
    body.put_u32(u32::try_from(header.len()).expect("a header is far below 4 GiB"));
    body.put_slice(&header);
    for bytes in &tail {
        body.put_slice(bytes);
    }
    Frame::new(kind::APPEND, body)
}

pub(crate) fn append_in(frame: &Frame) -> Result<Append, WireError> {
    const KIND: u16 = kind::APPEND;
    expect_kind(frame, KIND)?;
    let body = versioned(&frame.body, KIND)?;
    let length = body
        .first_chunk::<HEADER_LENGTH_BYTES>()
        .ok_or(WireError::Shape(KIND))?;
    let header_end = usize::try_from(u32::from_be_bytes(*length))
        .ok()
        .and_then(|len| len.checked_add(HEADER_LENGTH_BYTES));
    let header_end = header_end
        .filter(|end| *end <= body.len())
        .ok_or(WireError::Shape(KIND))?;
    let header: WireAppend = rmp_serde::from_slice(&body[HEADER_LENGTH_BYTES..header_end])
        .map_err(|source| WireError::Header(KIND, source))?;
    let mut tail = body.slice(header_end..);
    let mut entries = Vec::with_capacity(header.entries.len());
    for wire in header.entries {
        let len = usize::try_from(wire.len)
            .ok()
            .filter(|len| *len <= tail.len())
            .ok_or(WireError::Shape(KIND))?;
        let bytes = tail.split_to(len);
        let payload = match wire.what {
            ENTRY_BLANK if bytes.is_empty() => EntryPayload::Blank,
            ENTRY_COMMAND => EntryPayload::Normal(Proposal(bytes)),
            ENTRY_MEMBERSHIP => {
                let membership = rmp_serde::from_slice(&bytes).map_err(|source| WireError::Header(KIND, source))?;
                EntryPayload::Membership(membership_in(membership, KIND)?)
            }
            _ => return Err(WireError::Shape(KIND)),
        };
        entries.push(LogEntry {
            log_id: log_id_in(wire.log_id),
            payload,
        });
    }
    if !tail.is_empty() {
        return Err(WireError::Shape(KIND));
    }
    Ok(Append {
        vote: vote_in(&header.vote),
        prev_log_id: header.prev_log_id.map(log_id_in),
        entries,
        leader_commit: header.leader_commit.map(log_id_in),
    })
}

pub(crate) fn append_reply(reply: &AppendReply) -> Frame {
    let wire = match reply {
        Ok(matched) => WireAppendReply {
            what: 0,
            log_id: matched.as_ref().map(log_id_out),
            vote: None,
        },
        Err(StreamAppendError::Conflict(at)) => WireAppendReply {
            what: 1,
            log_id: Some(log_id_out(at)),
            vote: None,
        },
        Err(StreamAppendError::HigherVote(vote)) => WireAppendReply {
            what: 2,
            log_id: None,
            vote: Some(vote_out(vote)),
        },
    };
    frame(kind::APPEND_REPLY, &wire)
}

pub(crate) fn append_reply_in(frame: &Frame) -> Result<AppendReply, WireError> {
    const KIND: u16 = kind::APPEND_REPLY;
    let wire: WireAppendReply = body(frame, KIND)?;
    match (wire.what, wire.log_id, wire.vote) {
        (0, matched, None) => Ok(Ok(matched.map(log_id_in))),
        (1, Some(at), None) => Ok(Err(StreamAppendError::Conflict(log_id_in(at)))),
        (2, None, Some(vote)) => Ok(Err(StreamAppendError::HigherVote(vote_in(&vote)))),
        _ => Err(WireError::Shape(KIND)),
    }
}

/// The frame of a vote or of a pre-vote, by its kind.
pub(crate) fn vote(kind: u16, request: &VoteRequest<TypeConfig>) -> Frame {
    let wire = WireVoteRequest {
        vote: vote_out(&request.vote),
        last_log_id: request.last_log_id.as_ref().map(log_id_out),
        leadership_transfer: request.leadership_transfer,
    };
    frame(kind, &wire)
}

pub(crate) fn vote_request_in(frame: &Frame) -> Result<VoteRequest<TypeConfig>, WireError> {
    let wire: WireVoteRequest = body(frame, frame.kind)?;
    let mut request = VoteRequest::new(vote_in(&wire.vote), wire.last_log_id.map(log_id_in));
    request.leadership_transfer = wire.leadership_transfer;
    Ok(request)
}

pub(crate) fn vote_reply(reply: &VoteResponse<TypeConfig>) -> Frame {
    let wire = WireVoteReply {
        vote: vote_out(&reply.vote),
        granted: reply.vote_granted,
        last_log_id: reply.last_log_id.as_ref().map(log_id_out),
    };
    frame(kind::VOTE_REPLY, &wire)
}

pub(crate) fn vote_reply_in(frame: &Frame) -> Result<VoteResponse<TypeConfig>, WireError> {
    let wire: WireVoteReply = body(frame, kind::VOTE_REPLY)?;
    Ok(VoteResponse::new(
        vote_in(&wire.vote),
        wire.last_log_id.map(log_id_in),
        wire.granted,
    ))
}

/// With an operator's wish that the new leader stays.
pub(crate) fn transfer(request: &TransferLeaderRequest<TypeConfig>, stay: bool) -> Frame {
    let wire = WireTransfer {
        from_leader: vote_out(request.from_leader()),
        to: request.to_node_id().0,
        last_log_id: request.last_log_id().map(log_id_out),
        stay,
    };
    frame(kind::TRANSFER, &wire)
}

pub(crate) fn transfer_in(frame: &Frame) -> Result<(TransferLeaderRequest<TypeConfig>, bool), WireError> {
    let wire: WireTransfer = body(frame, kind::TRANSFER)?;
    let last_log_id = wire.last_log_id.map(log_id_in);
    Ok((
        TransferLeaderRequest::new(vote_in(&wire.from_leader), NodeId(wire.to), last_log_id),
        wire.stay,
    ))
}

pub(crate) fn transfer_reply(reply: &TransferLeaderResponse<TypeConfig>) -> Frame {
    let mut wire = WireTransferReply {
        what: 0,
        expected_vote: None,
        actual_vote: None,
        expected_log_id: None,
        actual_log_id: None,
    };
    match reply {
        Ok(()) => {}
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            wire.what = 1;
            wire.expected_vote = Some(vote_out(expected));
            wire.actual_vote = Some(vote_out(actual));
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            wire.what = 2;
            wire.expected_log_id = expected.as_ref().map(log_id_out);
            wire.actual_log_id = actual.as_ref().map(log_id_out);
        }
    }
    frame(kind::TRANSFER_REPLY, &wire)
}

pub(crate) fn transfer_reply_in(frame: &Frame) -> Result<TransferLeaderResponse<TypeConfig>, WireError> {
    const KIND: u16 = kind::TRANSFER_REPLY;
    let wire: WireTransferReply = body(frame, KIND)?;
    match (wire.what, wire.expected_vote, wire.actual_vote) {
        (0, None, None) => Ok(Ok(())),
        (1, Some(expected), Some(actual)) => Ok(Err(TransferLeaderError::VoteChanged {
            expected: vote_in(&expected),
            actual: vote_in(&actual),
        })),
        (2, None, None) => Ok(Err(TransferLeaderError::LogNotFlushed {
            expected: wire.expected_log_id.map(log_id_in),
            actual: wire.actual_log_id.map(log_id_in),
        })),
        _ => Err(WireError::Shape(KIND)),
    }
}

/// What a snapshot reaches to is told by the frames of the store: it may be newer than what openraft asked for.
pub(crate) fn snapshot_begin(vote: &Vote) -> Frame {
    frame(kind::SNAPSHOT_BEGIN, &vote_out(vote))
}

pub(crate) fn snapshot_begin_in(frame: &Frame) -> Result<Vote, WireError> {
    let vote: WireVote = body(frame, kind::SNAPSHOT_BEGIN)?;
    Ok(vote_in(&vote))
}

pub(crate) fn snapshot_end() -> Frame {
    Frame::new(kind::SNAPSHOT_END, vec![BODY_VERSION])
}

pub(crate) fn snapshot_reply(reply: &SnapshotResponse<TypeConfig>) -> Frame {
    frame(kind::SNAPSHOT_REPLY, &vote_out(&reply.vote))
}

pub(crate) fn snapshot_reply_in(frame: &Frame) -> Result<SnapshotResponse<TypeConfig>, WireError> {
    let vote: WireVote = body(frame, kind::SNAPSHOT_REPLY)?;
    Ok(SnapshotResponse::new(vote_in(&vote)))
}

pub(crate) fn declined(why: Declined) -> Frame {
    Frame::new(kind::DECLINED, vec![BODY_VERSION, why.code()])
}

/// `Some` if the frame stands instead of an answer.
pub(crate) fn declined_in(frame: &Frame) -> Option<Declined> {
    if frame.kind != kind::DECLINED {
        return None;
    }
    Some(match frame.body.get(1).copied().unwrap_or_default() {
        1 => Declined::NotEnrolled,
        2 => Declined::WrongSender,
        3 => Declined::Stopped,
        code => Declined::Unreadable(code),
    })
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;
