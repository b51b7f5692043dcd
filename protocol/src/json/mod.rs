//! The JSON forms that scripts rely on, whichever program writes them: `chat`, and the daemon where an operator takes
//! along what a user or a room has.

mod event;
mod row;
mod time;

pub use event::event;
pub use row::{account, account_row, ban, device, member, presence, retention, role, room, unread};
pub use time::{UNITS, is_in_calendar, show, show_span};
