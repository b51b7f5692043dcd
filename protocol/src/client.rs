//! What a client and a node say to each other under the ALPN `chat/1`.
//!
//! A session is one long-lived stream: [`Hello`] and [`Welcome`] first, then requests and replies in
//! any order (matched by [`Called::call`]), pings, feeds and notices. Histories have streams of
//! their own: one request frame, then [`HistoryPart`]s and a [`HistoryEnd`].
//!
//! Bodies are MessagePack maps with field names: unknown fields are ignored, absent ones take their
//! default, so a minor version may add fields. A request of an unknown kind is refused; a feed's
//! event of an unknown kind is skipped.

use bytes::Bytes;
use quorate_core::{
    Action, DeviceId, Done, LogIndex, NodeId, RequestNo, Role, RoomName, RoomRef, Seq, Timestamp, Topic, UserName,
    WriterId,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::Frame;

/// The highest minor version spoken here.
pub const MINOR: u16 = 1;
/// Events that a history answers at the most.
pub const HISTORY_LIMIT_MAX: u16 = 500;

/// A frame's kind. Numbers are never given anew.
pub mod kind {
    /// Client's first frame.
    pub const HELLO: u16 = 0x01;
    /// Node's first frame.
    pub const WELCOME: u16 = 0x02;
    /// Client asks whether the node is there.
    pub const PING: u16 = 0x03;
    /// The node is.
    pub const PONG: u16 = 0x04;
    /// The node is about to go.
    pub const GOODBYE: u16 = 0x05;
    /// Another node leads, or none.
    pub const LEADER: u16 = 0x06;
    /// [`super::Register`].
    pub const REGISTER: u16 = 0x10;
    /// [`super::Login`].
    pub const LOGIN: u16 = 0x11;
    /// [`super::Logout`].
    pub const LOGOUT: u16 = 0x12;
    /// [`super::Grant`].
    pub const GRANT: u16 = 0x13;
    /// [`super::Submit`].
    pub const SUBMIT: u16 = 0x14;
    /// [`super::Subscribe`].
    pub const SUBSCRIBE: u16 = 0x15;
    /// [`super::Unsubscribe`].
    pub const UNSUBSCRIBE: u16 = 0x16;
    /// [`super::ListRooms`].
    pub const LIST_ROOMS: u16 = 0x17;
    /// [`super::ShowRoom`].
    pub const SHOW_ROOM: u16 = 0x18;
    /// [`super::ListMembers`].
    pub const LIST_MEMBERS: u16 = 0x19;
    /// [`super::WhoAmI`].
    pub const WHO_AM_I: u16 = 0x1a;
    /// [`super::ListUnread`].
    pub const LIST_UNREAD: u16 = 0x1b;
    /// [`super::History`], on a stream of its own.
    pub const HISTORY: u16 = 0x20;
    /// [`super::Reply`].
    pub const REPLY: u16 = 0x40;
    /// [`super::Feed`].
    pub const FEED: u16 = 0x41;
    /// [`super::FeedEnded`].
    pub const FEED_ENDED: u16 = 0x42;
    /// [`super::HistoryPart`].
    pub const HISTORY_PART: u16 = 0x43;
    /// [`super::HistoryEnd`].
    pub const HISTORY_END: u16 = 0x44;
}

/// Something that travels as a frame's body.
pub trait Body: Serialize + DeserializeOwned {
    /// The kind of its frame.
    const KIND: u16;
}

/// A frame whose body does not parse as what its kind says.
#[derive(Debug, Error)]
#[error("a frame of kind {kind:#06x} does not parse")]
pub struct BodyError {
    /// The frame's kind.
    pub kind: u16,
    /// Why not.
    #[source]
    pub source: rmp_serde::decode::Error,
}

/// The frame of a body.
pub fn frame<B: Body>(body: &B) -> Frame {
    let bytes = rmp_serde::to_vec_named(body).expect("bodies hold nothing that MessagePack cannot");
    Frame {
        kind: B::KIND,
        body: bytes.into(),
    }
}

/// The body of a frame. The caller has looked at the frame's kind.
///
/// # Errors
/// The bytes do not parse.
pub fn parse<B: Body>(frame: &Frame) -> Result<B, BodyError> {
    rmp_serde::from_slice(&frame.body).map_err(|source| BodyError {
        kind: frame.kind,
        source,
    })
}

macro_rules! bodies {
    ($($name:ty = $kind:ident;)*) => {
        $(impl Body for $name {
            const KIND: u16 = kind::$kind;
        })*
    };
}

bodies! {
    Hello = HELLO;
    Welcome = WELCOME;
    Ping = PING;
    Pong = PONG;
    Goodbye = GOODBYE;
    Leader = LEADER;
    Called<Register> = REGISTER;
    Called<Login> = LOGIN;
    Called<Logout> = LOGOUT;
    Called<Grant> = GRANT;
    Called<Submit> = SUBMIT;
    Called<Subscribe> = SUBSCRIBE;
    Called<Unsubscribe> = UNSUBSCRIBE;
    Called<ListRooms> = LIST_ROOMS;
    Called<ShowRoom> = SHOW_ROOM;
    Called<ListMembers> = LIST_MEMBERS;
    Called<WhoAmI> = WHO_AM_I;
    Called<ListUnread> = LIST_UNREAD;
    History = HISTORY;
    Reply = REPLY;
    Feed = FEED;
    FeedEnded = FEED_ENDED;
    HistoryPart = HISTORY_PART;
    HistoryEnd = HISTORY_END;
}

/// The client's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The highest minor version that the client speaks.
    pub minor: u16,
    /// The client's name and version, for traces.
    pub program: String,
    /// The highest applied index that the client has seen; the node answers when it is there too.
    pub seen: LogIndex,
}

/// The node's first frame: the session is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The minor version in use.
    pub minor: u16,
    /// The cluster's id.
    pub cluster: String,
    /// The node's id.
    pub node: NodeId,
    /// The node's version.
    pub version: String,
    /// The node's clock.
    pub now: Timestamp,
    /// Whom the device speaks for, if for anybody.
    pub user: Option<UserName>,
    /// Who leads.
    pub leader: Option<NodeId>,
    /// Where the nodes are reached, in the order of their ids.
    pub nodes: Vec<NodeAddr>,
    /// The node has applied up to here.
    pub seen: LogIndex,
}

/// Where a node is reached by clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddr {
    /// Which.
    pub id: NodeId,
    /// `host:port`.
    pub addr: String,
}

/// Is the node there?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back.
    pub token: u64,
}

/// It is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// From the ping.
    pub token: u64,
}

/// The node is about to go: move to another one, then close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Why.
    pub reason: String,
}

/// Another node leads, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Who.
    pub leader: Option<NodeId>,
}

/// A request with the number that its reply carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called<T> {
    /// Chosen by the client, used once in a session.
    pub call: u64,
    /// What is asked.
    pub body: T,
}

/// Makes an account and logs the device in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The name asked for, unparsed.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the user calls this installation.
    pub device: String,
    /// Made once an attempt: the same attempt sent again finds its own success.
    pub attempt: u128,
}

impl std::fmt::Debug for Register {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Register")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Logs the device in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The account, unparsed.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the user calls this installation.
    pub device: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Logs the device out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {}

/// Asks for a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {}

/// A numbered request of a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit {
    /// The outbox.
    pub writer: WriterId,
    /// Its position there.
    pub request: RequestNo,
    /// What is asked.
    pub action: Action,
}

/// Follows a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Chosen by the client, used once in a session: names the feed.
    pub feed: u32,
    /// Which room.
    pub room: RoomRef,
    /// From this seq on; what comes after now without.
    pub from: Option<Seq>,
}

/// Follows a room no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// Which feed.
    pub feed: u32,
}

/// Lists rooms by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRooms {
    /// All public ones too, not only those that the user is in.
    pub all: bool,
    /// The last name of the page before.
    pub after: Option<RoomName>,
}

/// Shows one room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShowRoom {
    /// Which.
    pub room: RoomRef,
}

/// Lists a room's members by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListMembers {
    /// Which room.
    pub room: RoomRef,
    /// The last name of the page before.
    pub after: Option<UserName>,
}

/// Who does this device speak for?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI {}

/// Lists the user's rooms with what is unread in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListUnread {
    /// The last name of the page before.
    pub after: Option<RoomName>,
}

/// Asks for a part of a room's past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Which room.
    pub room: RoomRef,
    /// Which part of it.
    pub part: Part,
    /// At most so many events, up to [`HISTORY_LIMIT_MAX`].
    pub limit: u16,
    /// Answer no older state than the cluster had when this was asked.
    pub linearizable: bool,
    /// Answer no older state than this.
    pub seen: LogIndex,
}

/// Which part of a room's past. Bounds are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The newest.
    #[serde(rename = "1")]
    Newest,
    /// What comes after this one.
    #[serde(rename = "2")]
    After(Seq),
    /// What stands before this one.
    #[serde(rename = "3")]
    Before(Seq),
}

/// The reply to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Which request.
    pub call: u64,
    /// What it came to.
    pub result: Result<Answer, Failure>,
    /// The state that the answer comes from: carried by the client from node to node.
    pub seen: LogIndex,
}

/// What a request came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To what changes something.
    #[serde(rename = "1")]
    Done(Done),
    /// To [`Subscribe`].
    #[serde(rename = "2")]
    Subscribed(Subscribed),
    /// To [`ListRooms`] and [`ShowRoom`].
    #[serde(rename = "3")]
    Rooms(Page<RoomRow>),
    /// To [`ListMembers`].
    #[serde(rename = "4")]
    Members(Page<MemberRow>),
    /// To [`WhoAmI`].
    #[serde(rename = "5")]
    Account(Account),
    /// To [`ListUnread`].
    #[serde(rename = "6")]
    Unread(Page<UnreadRow>),
    /// To [`Unsubscribe`].
    #[serde(rename = "7")]
    Unsubscribed,
}

/// See [`Answer::Subscribed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// The room's name, which for a direct room the client may not know.
    pub room: RoomName,
    /// The feed begins here; later than asked when the room's past does not reach back.
    pub from: Seq,
    /// The room's last seq.
    pub last: Seq,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, in their order.
    pub rows: Vec<T>,
    /// There are more.
    pub more: bool,
}

/// A room in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRow {
    /// Its name.
    pub name: RoomName,
    /// What it is about.
    pub topic: Topic,
    /// Invisible to everybody but its members.
    pub private: bool,
    /// How many members it has.
    pub members: u32,
    /// The seq of its last event.
    pub last: Seq,
    /// What the asker is there, if a member.
    pub role: Option<Role>,
}

/// A member in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who.
    pub user: UserName,
    /// What they may do.
    pub role: Role,
}

/// An account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub user: UserName,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// The device of this session.
    pub device: DeviceId,
}

/// What is unread in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadRow {
    /// The room's name.
    pub room: RoomName,
    /// Messages of others past the mark.
    pub unread: u64,
    /// The mark.
    pub read: Seq,
    /// The seq of the room's last event.
    pub last: Seq,
}

/// Why a request was not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Failure {
    /// Told no: asking again the same way is answered the same way.
    #[error("{message}")]
    #[serde(rename = "1")]
    Refused {
        /// Stable, in kebab-case.
        code: String,
        /// For people.
        message: String,
        /// With the code `gap`: the request number that is next.
        expected: Option<RequestNo>,
    },
    /// Surely not done, for want of a leader, a quorum or a free place: worth asking again.
    #[error("not now: {code}")]
    #[serde(rename = "2")]
    Unavailable {
        /// Stable, in kebab-case.
        code: String,
    },
    /// Perhaps done. The same request number finds out.
    #[error("the outcome is unknown")]
    #[serde(rename = "3")]
    Unknown,
}

/// Events of a followed room, in order and without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Which feed.
    pub feed: u32,
    /// The seq of the first event; each further one is the next.
    pub first: Seq,
    /// The events ([`crate::event`]).
    pub events: Vec<Bytes>,
    /// The state that they come from.
    pub seen: LogIndex,
}

/// A feed is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEnded {
    /// Which feed.
    pub feed: u32,
    /// Why, in kebab-case.
    pub code: String,
}

/// A part of a history, ascending; the next part begins with the next seq.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPart {
    /// The seq of the first event; each further one is the next.
    pub first: Seq,
    /// The events ([`crate::event`]).
    pub events: Vec<Bytes>,
}

/// A history is complete, or not to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEnd {
    /// The room's bounds.
    pub result: Result<Bounds, Failure>,
    /// The state that it comes from.
    pub seen: LogIndex,
}

/// A room's bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Its name.
    pub room: RoomName,
    /// The oldest seq still kept.
    pub first: Seq,
    /// The last seq.
    pub last: Seq,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_from_its_frame() {
        let hello = Hello {
            minor: 1,
            program: "t/1".into(),
            seen: LogIndex(7),
        };
        let sent = frame(&hello);
        assert_eq!(sent.kind, kind::HELLO);
        assert_eq!(parse::<Hello>(&sent).unwrap(), hello);
    }

    #[test]
    fn a_request_keeps_its_golden_bytes() {
        let ask = Called {
            call: 5,
            body: Subscribe {
                feed: 2,
                room: RoomRef::Name(RoomName::parse("ops").unwrap()),
                from: Some(Seq(1)),
            },
        };
        let golden = b"\x82\xa4call\x05\xa4body\x83\xa4feed\x02\xa4room\x81\xa11\xa3ops\xa4from\x01";
        assert_eq!(frame(&ask).body, golden.as_slice());
    }

    #[test]
    fn a_field_of_a_later_minor_is_ignored() {
        let body = b"\x82\xa5token\x07\xa5extra\xc3";
        let frame = Frame {
            kind: kind::PING,
            body: Bytes::from_static(body),
        };
        assert_eq!(parse::<Ping>(&frame).unwrap(), Ping { token: 7 });
    }

    #[test]
    fn a_password_is_not_in_what_debug_prints() {
        let login = Login {
            user: "al".into(),
            password: "hunter2".into(),
            device: "d".into(),
        };
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
