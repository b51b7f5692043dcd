//! What a client and a node say to each other under the ALPN `chat/1`.
//!
//! A session is one long-lived stream: [`Hello`] and [`Welcome`] first, then requests and replies in
//! any order (matched by [`Called::call`]), pings, feeds and notices. Histories, searches and the
//! like have streams of their own: one request frame, then parts and an end.
//!
//! Bodies are MessagePack maps with field names: unknown fields are ignored, absent ones take their
//! default, so a minor version may add fields. A request of an unknown kind is refused; a feed's
//! event of an unknown kind is skipped.

mod account;
mod feed;
mod presence;
mod reply;
mod room;
mod session;

pub use account::{
    Account, AccountRow, ChangePassword, ChangeToken, CreateBot, DeleteAccount, DeleteBot, DeviceRow, Grant,
    ListAccounts, ListBots, ListDevices, Login, Logout, Register, RevokeDevice, WhoAmI,
};
pub use feed::{
    Bounds, Feed, FeedEnded, Found, FoundEnd, FoundPart, History, HistoryEnd, HistoryPart, Mentions, OwnMessages, Part,
    Revisions, Search, Subscribe, Subscribed, Unsubscribe,
};
pub use presence::{IsTyping, Presence, SetAway, Typing};
pub use reply::{Answer, Called, Failure, Page, Reply, Submit};
pub use room::{BanRow, ListBans, ListMembers, ListRooms, ListUnread, MemberRow, RoomRow, ShowRoom, UnreadRow};
pub use session::{Goodbye, Hello, Leader, NodeAddr, Nodes, Ping, Pong, Welcome};

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::Frame;

/// The highest minor version spoken here.
pub const MINOR: u16 = 1;
/// Events that a history answers at the most, and rows that a list does.
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
    /// Other nodes are there, or in other places.
    pub const NODES: u16 = 0x38;
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
    /// [`super::ChangePassword`].
    pub const CHANGE_PASSWORD: u16 = 0x1c;
    /// [`super::DeleteAccount`].
    pub const DELETE_ACCOUNT: u16 = 0x1d;
    /// [`super::ListAccounts`].
    pub const LIST_ACCOUNTS: u16 = 0x1e;
    /// [`super::ListDevices`].
    pub const LIST_DEVICES: u16 = 0x1f;
    /// [`super::History`], on a stream of its own.
    pub const HISTORY: u16 = 0x20;
    /// [`super::RevokeDevice`].
    pub const REVOKE_DEVICE: u16 = 0x21;
    /// [`super::CreateBot`].
    pub const CREATE_BOT: u16 = 0x22;
    /// [`super::ChangeToken`].
    pub const CHANGE_TOKEN: u16 = 0x23;
    /// [`super::DeleteBot`].
    pub const DELETE_BOT: u16 = 0x24;
    /// [`super::ListBots`].
    pub const LIST_BOTS: u16 = 0x25;
    /// [`super::ListBans`].
    pub const LIST_BANS: u16 = 0x26;
    /// [`super::Search`], on a stream of its own.
    pub const SEARCH: u16 = 0x28;
    /// [`super::Mentions`], on a stream of its own.
    pub const MENTIONS: u16 = 0x29;
    /// [`super::OwnMessages`], on a stream of its own.
    pub const OWN_MESSAGES: u16 = 0x2a;
    /// [`super::Revisions`], on a stream of its own.
    pub const REVISIONS: u16 = 0x2b;
    /// [`super::SetAway`].
    pub const SET_AWAY: u16 = 0x30;
    /// [`super::Typing`].
    pub const TYPING: u16 = 0x31;
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
    /// [`super::FoundPart`].
    pub const FOUND_PART: u16 = 0x45;
    /// [`super::FoundEnd`].
    pub const FOUND_END: u16 = 0x46;
    /// [`super::IsTyping`].
    pub const IS_TYPING: u16 = 0x47;
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
    Nodes = NODES;
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
    Called<ChangePassword> = CHANGE_PASSWORD;
    Called<DeleteAccount> = DELETE_ACCOUNT;
    Called<ListAccounts> = LIST_ACCOUNTS;
    Called<ListDevices> = LIST_DEVICES;
    Called<RevokeDevice> = REVOKE_DEVICE;
    Called<CreateBot> = CREATE_BOT;
    Called<ChangeToken> = CHANGE_TOKEN;
    Called<DeleteBot> = DELETE_BOT;
    Called<ListBots> = LIST_BOTS;
    Called<ListBans> = LIST_BANS;
    History = HISTORY;
    Search = SEARCH;
    Mentions = MENTIONS;
    OwnMessages = OWN_MESSAGES;
    Revisions = REVISIONS;
    SetAway = SET_AWAY;
    Typing = TYPING;
    Reply = REPLY;
    Feed = FEED;
    FeedEnded = FEED_ENDED;
    HistoryPart = HISTORY_PART;
    HistoryEnd = HISTORY_END;
    FoundPart = FOUND_PART;
    FoundEnd = FOUND_END;
    IsTyping = IS_TYPING;
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use quorate_core::{LogIndex, RoomName, RoomRef, Seq};

    use super::*;

    #[test]
    fn a_body_comes_back_from_its_frame() {
        let hello = Hello {
            minor: 1,
            program: "t/1".into(),
            seen: LogIndex(7),
            cluster: Some("c".into()),
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
