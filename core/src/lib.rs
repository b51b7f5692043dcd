//! The chat state machine.
//!
//! Knows no clock, dice, disk, socket, thread or codec: everything it needs comes in through
//! [`Entry`], and everything it does goes out through [`Applied`]. The same entries in the same
//! order give the same state, the same outcomes and the same events on every node, whatever the
//! machine, the day or the version of the store behind it.

// On disk and on the wire an enum variant is its hand-written number (the serde `rename` on it):
// numbers are never given anew, so variants may be renamed and reordered, never renumbered.
mod command;
mod event;
mod id;
mod name;
mod outcome;
mod record;
mod state;

pub use command::{
    Action, BindDevice, Command, CreateRoom, Entry, GrantWriter, JoinRoom, LeaveRoom, MarkRead, Origin, PostMessage,
    RegisterUser, RoomRef, SetTopic, Submission, UnbindDevice,
};
pub use event::{Event, RoomEvent, RoomEventKind, StateEvent};
pub use id::{DeviceId, EventNo, LogIndex, NodeId, RequestNo, RoomId, Seq, Timestamp, UserId, WriterId};
pub use name::{
    BODY_BYTES_MAX, Body, BodyError, DEVICE_NAME_CHARS_MAX, DeviceName, MESSAGE_ID_BYTES_MAX, MessageId,
    MessageIdError, NameError, PASSWORD_HASH_BYTES_MAX, PasswordHash, ROOM_NAME_CHARS_MAX, RoomName, TOPIC_CHARS_MAX,
    Topic, USER_NAME_CHARS_MAX, UserName,
};
pub use outcome::{Applied, Bound, Done, Outcome, Refusal};
pub use record::{
    Clock, Device, Member, Placed, Receipt, ReceiptSlot, Record, RecordKey, Role, Room, StateHash, User, Writer,
};
pub use state::{
    DEVICES_PER_USER_MAX, EXPIRIES_PER_ENTRY_MAX, MEMBERS_PER_ROOM_MAX, RECEIPT_WINDOW, ROOMS_MAX, ROOMS_PER_USER_MAX,
    RestoreError, State, USERS_MAX, WRITER_IDLE_MAX, WRITERS_PER_DEVICE_MAX,
};
