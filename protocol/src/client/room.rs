//! Rooms, members, unread counts.

use quorate_core::{Retention, Role, RoomName, RoomRef, Seq, Timestamp, Topic, UserName};
use serde::{Deserialize, Serialize};

use super::Presence;

/// Lists rooms by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListRooms {
    /// All public ones too, not only those that the user is in.
    pub all: bool,
    /// Where the page before ended ([`super::Page::next`]).
    pub after: Option<String>,
    /// At most so many rows.
    pub limit: u16,
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
    /// Where the page before ended ([`super::Page::next`]).
    pub after: Option<String>,
    /// At most so many rows.
    pub limit: u16,
}

/// Lists the user's rooms with what is unread in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListUnread {
    /// Where the page before ended ([`super::Page::next`]).
    pub after: Option<String>,
    /// At most so many rows.
    pub limit: u16,
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
    /// The oldest seq still kept.
    pub first: Seq,
    /// Closed for writing.
    pub archived: bool,
    /// Its own rule of how long it remembers.
    pub retention: Retention,
    /// What the asker is there, if a member.
    pub role: Option<Role>,
    /// The asker may join, though the room is private.
    pub invited: bool,
}

/// A member in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRow {
    /// Who.
    pub user: UserName,
    /// What they may do.
    pub role: Role,
    /// They may not write now.
    pub muted: bool,
    /// Whether they are there now.
    pub presence: Presence,
}

/// What is unread in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadRow {
    /// The room's name.
    pub room: RoomName,
    /// Messages of others past the mark.
    pub unread: u64,
    /// Messages past the mark that mention the user, or call the room.
    pub mentions: u64,
    /// The mark.
    pub read: Seq,
    /// The seq of the room's last event.
    pub last: Seq,
}

/// Lists who is kept out of a room, by name; for its moderators.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListBans {
    /// Which room.
    pub room: RoomName,
    /// Where the page before ended ([`super::Page::next`]).
    pub after: Option<String>,
    /// At most so many rows.
    pub limit: u16,
}

/// Who is kept out of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanRow {
    /// Who.
    pub user: UserName,
    /// Who said so.
    pub by: UserName,
    /// Until when; without it for ever.
    pub until: Option<Timestamp>,
}
