//! What operators take along of a user or a room: the very lines that the user's own program writes.

use bytes::Bytes;
use quorate_core::{
    DeviceId, OwnMessage, RoomEvent, RoomEventKind, RoomId, RoomName, RoomStanding, Seq, State, UserId, UserName,
};
use quorate_protocol::client::{Answer, ListUnread, UnreadRow};
use quorate_protocol::{event, json};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::mpsc;

use super::{Look, account, room};
use crate::presence::Board;
use crate::relay;
use crate::session::present::shown;
use crate::store::{HistoryError, Range, Reader, StoredEvent};

/// Lines read at once.
const PAGE_LINES: usize = 500;
/// The same of a user's messages, which lie all over the rows.
const PAGE_FOUND: usize = 64;
/// Bytes of lines read at once, about.
const PAGE_BYTES: usize = 256 * 1024;
/// Pages that wait for who takes them.
const PAGES_MAX: usize = 2;

/// Pages of whole lines. An error ends them: they are not all then.
pub type Pages = mpsc::Receiver<Result<Bytes, ExportError>>;

/// Why an export breaks off.
#[derive(Debug, Error)]
pub enum ExportError {
    /// What is stored cannot be read now.
    #[error(transparent)]
    Read(#[from] HistoryError),
    /// A line is of a kind that is not known here.
    #[error("a line is not understood: {0}")]
    Line(#[from] event::EventError),
    /// A line that must be there is not.
    #[error("the lines from {0} on are missing")]
    Missing(Seq),
}

/// Reads what is exported. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Exports {
    reader: Reader,
    board: Board,
}

impl Exports {
    /// Out of this store.
    #[must_use]
    pub fn new(reader: Reader, board: Board) -> Self {
        Self { reader, board }
    }

    /// The account, its devices, bots and rooms in one line, and its messages in those after it; nothing of an account
    /// that is not there.
    pub fn user(&self, name: &UserName) -> Option<Pages> {
        let (user, first) = self.reader.with_state(|state| {
            let (user, _) = state.user_by_name(name)?;
            Some((user, self.about(state, user)?))
        })?;
        let (to, pages) = mpsc::channel(PAGES_MAX);
        let exports = self.clone();
        tokio::spawn(async move {
            if to.send(Ok(first)).await.is_ok() {
                exports.messages(user, &to).await;
            }
        });
        Some(pages)
    }

    /// What a room remembers, up to the line that is its last now; nothing of a room that is not there.
    pub fn room(&self, name: &RoomName) -> Option<Pages> {
        let (room, last) = self.reader.with_state(|state| {
            let (id, room) = state.room_by_name(name)?;
            Some((id, room.last_seq))
        })?;
        let (to, pages) = mpsc::channel(PAGES_MAX);
        let (exports, name) = (self.clone(), name.clone());
        tokio::spawn(async move { exports.lines(room, &name, last, &to).await });
        Some(pages)
    }

    fn about(&self, state: &State, user: UserId) -> Option<Bytes> {
        let look = Look {
            state,
            board: &self.board,
            user,
            // Nobody's: no device of theirs asks.
            device: DeviceId([0; 32]),
            now: state.now().max(relay::now()),
        };
        let Ok(Answer::Account(account)) = account::own(&look) else {
            return None;
        };
        let mut about = json::account(&account);
        about.as_object_mut()?.remove("device");
        let (Answer::Devices(devices), Answer::Accounts(bots)) = (account::devices(&look), account::bots(&look)) else {
            return None;
        };
        let device = |row| {
            let mut device = json::device(row, look.device);
            device.as_object_mut().map(|object| object.remove("current"));
            device
        };
        let marks = unread(&look);
        let rooms = room::mine(&look).into_iter().map(|row| {
            let mut object = json::room(&row);
            if let Ok(at) = marks.binary_search_by(|mark| mark.room.cmp(&row.name)) {
                object["last_read"] = json!(marks[at].read.0);
                object["unread"] = json!(marks[at].unread);
                object["mentions"] = json!(marks[at].mentions);
            }
            object
        });
        Some(page([json!({
            "account": about,
            "devices": devices.rows.iter().map(device).collect::<Vec<_>>(),
            "bots": bots.rows.iter().map(json::account_row).collect::<Vec<_>>(),
            "rooms": rooms.collect::<Vec<_>>(),
        })]))
    }

    async fn messages(&self, user: UserId, to: &mpsc::Sender<Result<Bytes, ExportError>>) {
        let mut after: Option<OwnMessage> = None;
        loop {
            let messages = self
                .reader
                .with_state(|state| state.messages_by(user, after, PAGE_FOUND));
            let Some(last) = messages.last().copied() else { return };
            after = Some(last);
            let read = self.found(user, &messages).await;
            let is_over = read.is_err();
            if to.send(read).await.is_err() || is_over {
                return;
            }
        }
    }

    async fn found(&self, user: UserId, messages: &[OwnMessage]) -> Result<Bytes, ExportError> {
        let places: Vec<_> = messages.iter().map(|message| (message.room, message.seq)).collect();
        let lines = self.reader.lines(&places).await?;
        let lines = self.reader.with_state(|state| {
            let lines = lines.into_iter().flatten().filter_map(|line| {
                let decoded = event::decode(&line.bytes);
                match decoded {
                    Ok(found) if !is_message(&found) || found.author != user => None,
                    Ok(found) => {
                        let room = state.room(found.room)?;
                        (room.standing != RoomStanding::Deleted).then(|| form(state, &room.name, line))
                    }
                    Err(error) => Some(Err(error.into())),
                }
            });
            lines.collect::<Result<Vec<_>, ExportError>>()
        });
        Ok(page(lines?))
    }

    async fn lines(&self, id: RoomId, name: &RoomName, last: Seq, to: &mpsc::Sender<Result<Bytes, ExportError>>) {
        let mut after = Seq(0);
        while after < last {
            let read = self.stretch(id, name, after, last).await;
            let next = match read {
                Ok((end, lines)) => to.send(Ok(lines)).await.map(|()| end),
                Err(error) => to.send(Err(error)).await.map(|()| last),
            };
            let Ok(next) = next else { return };
            after = next;
        }
    }

    /// The lines after this one, and the last of them.
    async fn stretch(&self, id: RoomId, name: &RoomName, after: Seq, last: Seq) -> Result<(Seq, Bytes), ExportError> {
        let mut lines = self
            .reader
            .history(id, Range::After(after), PAGE_LINES, PAGE_BYTES)
            .await?;
        lines.retain(|line| line.seq <= last);
        let Some(end) = lines.last().map(|line| line.seq) else {
            // All that was left has been cut off meanwhile, or nothing has.
            let first = self
                .reader
                .with_state(|state| state.room(id).map(|room| room.first_seq));
            return match first {
                Some(first) if first <= last => Err(ExportError::Missing(after.next())),
                _ => Ok((last, Bytes::new())),
            };
        };
        let lines = self.reader.with_state(|state| {
            let lines = lines.into_iter().map(|line| form(state, name, line));
            lines.collect::<Result<Vec<_>, ExportError>>()
        });
        Ok((end, page(lines?)))
    }
}

/// What is unread in all of the user's rooms, by name.
fn unread(look: &Look<'_>) -> Vec<UnreadRow> {
    let mut all = Vec::new();
    let mut ask = ListUnread { after: None, limit: 0 };
    while let Ok(Answer::Unread(page)) = room::unread(look, &ask) {
        all.extend(page.rows);
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    all
}

fn is_message(line: &RoomEvent) -> bool {
    matches!(line.kind, RoomEventKind::Message { .. } | RoomEventKind::Revised { .. })
}

/// A line as it is shown to users.
fn form(state: &State, room: &RoomName, line: StoredEvent) -> Result<Value, ExportError> {
    let event = event::decode(&shown(state, line.bytes))?;
    Ok(json::event(room, &event.author_name, (line.seq, event.at), &event.kind))
}

fn page(lines: impl IntoIterator<Item = Value>) -> Bytes {
    let lines = lines.into_iter().map(|line| format!("{line}\n"));
    lines.collect::<String>().into()
}
