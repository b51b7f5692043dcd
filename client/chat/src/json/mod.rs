//! The JSON forms that scripts rely on.

mod event;
mod row;

pub(crate) use event::{event, posted};
pub(crate) use row::{account, account_row, ban, device, member, presence, retention, role, room, unread};
