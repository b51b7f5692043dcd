//! Requests and their replies.

use quorate_core::{Action, Done, LogIndex, RequestNo, WriterId};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Account, AccountRow, BanRow, DeviceRow, MemberRow, RoomRow, Subscribed, UnreadRow};

/// A request with the number that its reply carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called<T> {
    /// Chosen by the client, used once in a session.
    pub call: u64,
    /// What is asked.
    pub body: T,
}

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
    /// To [`super::Subscribe`].
    #[serde(rename = "2")]
    Subscribed(Subscribed),
    /// To [`super::ListRooms`] and [`super::ShowRoom`].
    #[serde(rename = "3")]
    Rooms(Page<RoomRow>),
    /// To [`super::ListMembers`].
    #[serde(rename = "4")]
    Members(Page<MemberRow>),
    /// To [`super::WhoAmI`].
    #[serde(rename = "5")]
    Account(Account),
    /// To [`super::ListUnread`].
    #[serde(rename = "6")]
    Unread(Page<UnreadRow>),
    /// To [`super::Unsubscribe`].
    #[serde(rename = "7")]
    Unsubscribed,
    /// To [`super::ListAccounts`] and [`super::ListBots`].
    #[serde(rename = "8")]
    Accounts(Page<AccountRow>),
    /// To [`super::ListDevices`].
    #[serde(rename = "9")]
    Devices(Page<DeviceRow>),
    /// To [`super::ListBans`].
    #[serde(rename = "10")]
    Bans(Page<BanRow>),
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The rows, in their order.
    pub rows: Vec<T>,
    /// Where the next page begins; nothing when this is the last. Opaque.
    pub next: Option<String>,
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
