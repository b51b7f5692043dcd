//! A reader's place in a room, under a name that the reader gives, kept over restarts of its program.
//!
//! The reader says what it is done with, so a program that dies between an event and saying so is given that event again, and
//! never misses one. Writing is a few bytes without a sync: the place outlives the process, and after a power cut it may be
//! an earlier one.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use quorate_core::{RoomName, RoomRef, Seq};

use crate::outbox::{make_folder, own_file};
use crate::{Client, RequestError, Subscription};

/// The longest name of a cursor, in bytes.
const NAME_BYTES_MAX: usize = 64;
/// The seq of the next event, and a checksum of it; both big-endian.
const RECORD_BYTES: usize = 12;

/// A place in one room. While it is there, no other program has the cursor.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    file: File,
    next: Option<Seq>,
}

impl Cursor {
    /// The event to go on with; `None` before anything was done under this name.
    #[must_use]
    pub fn next(&self) -> Option<Seq> {
        self.next
    }

    /// All events before this one are done with.
    ///
    /// # Errors
    /// `cursor-failed`: the file cannot be written. The cursor stays where it was.
    pub fn move_to(&mut self, next: Seq) -> Result<(), RequestError> {
        if self.next == Some(next) {
            return Ok(());
        }
        let seq = next.0.to_be_bytes();
        let mut record = [0; RECORD_BYTES];
        record[..8].copy_from_slice(&seq);
        record[8..].copy_from_slice(&crc32c::crc32c(&seq).to_be_bytes());
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&record))
            .map_err(|error| failed(&self.path, &error))?;
        self.next = Some(next);
        Ok(())
    }

    fn open(folder: &Path, room: &RoomName) -> Result<Self, RequestError> {
        let path = folder.join(file_name(room));
        let opened = make_folder(folder).and_then(|()| own_file(&path, false));
        let mut file = opened.map_err(|error| failed(&path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RequestError::refused(
                    "cursor-in-use",
                    format!("another program follows {room} under this name"),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(&path, &error)),
        }
        let mut bytes = Vec::new();
        (&mut file)
            .take(RECORD_BYTES as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| failed(&path, &error))?;
        let next = read(&bytes).map_err(|error| failed(&path, &error))?;
        Ok(Self { path, file, next })
    }
}

impl Client {
    /// The place of a reader with this name (letters, digits, `-` and `_`) in a room, for the user who is logged in.
    ///
    /// # Errors
    /// `bad-name`; `not-logged-in`; `cursor-in-use`: another program has it; `cursor-failed`: its file cannot be used.
    pub fn cursor(&self, name: &str, room: &RoomRef) -> Result<Cursor, RequestError> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(is_name) {
            let message = format!("a cursor's name holds 1 to {NAME_BYTES_MAX} letters, digits, - and _");
            return Err(RequestError::refused("bad-name", message));
        }
        let user = self.user().ok_or_else(RequestError::not_logged_in)?;
        let room = match room {
            RoomRef::Name(room) => room.clone(),
            RoomRef::Direct(other) => RoomName::direct(&user, other),
        };
        Cursor::open(&self.profile().cursors_folder(&user).join(name), &room)
    }

    /// Follows a room from a cursor on; from `begin` on if nothing was done under its name yet, as [`Client::subscribe`] does.
    /// Where the cursor is past the end, the room is another one than it was made in, and is followed from its first event.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn subscribe_at(
        &self,
        room: &RoomRef,
        cursor: &mut Cursor,
        begin: Option<Seq>,
    ) -> Result<Subscription, RequestError> {
        let Some(next) = cursor.next() else {
            let subscription = self.subscribe(room, begin).await?;
            cursor.move_to(begin.unwrap_or_else(|| subscription.last().next()))?;
            return Ok(subscription);
        };
        let subscription = self.subscribe(room, Some(next)).await?;
        if next <= subscription.last().next() {
            return Ok(subscription);
        }
        cursor.move_to(Seq(1))?;
        self.subscribe(room, Some(Seq(1))).await
    }
}

/// Names of rooms hold characters of any script, and a folder is not to see two of them as one.
fn file_name(room: &RoomName) -> String {
    room.as_str().bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn read(bytes: &[u8]) -> io::Result<Option<Seq>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the cursor is damaged");
    let record: &[u8; RECORD_BYTES] = bytes.try_into().map_err(|_| damaged())?;
    let (seq, crc) = record.split_at(8);
    if crc != crc32c::crc32c(seq).to_be_bytes() {
        return Err(damaged());
    }
    Ok(Some(Seq(u64::from_be_bytes(seq.try_into().map_err(|_| damaged())?))))
}

fn failed(path: &Path, error: &io::Error) -> RequestError {
    RequestError::refused("cursor-failed", format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> RoomName {
        RoomName::parse("ops").unwrap()
    }

    #[test]
    fn the_next_program_goes_on_where_the_last_one_was() {
        let dir = tempfile::tempdir().unwrap();
        let mut cursor = Cursor::open(dir.path(), &room()).unwrap();
        assert_eq!(cursor.next(), None);
        cursor.move_to(Seq(300)).unwrap();
        cursor.move_to(Seq(7)).unwrap();
        drop(cursor);
        assert_eq!(Cursor::open(dir.path(), &room()).unwrap().next(), Some(Seq(7)));
    }

    #[test]
    fn one_program_has_a_cursor_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let _held = Cursor::open(dir.path(), &room()).unwrap();
        assert_eq!(Cursor::open(dir.path(), &room()).unwrap_err().code(), "cursor-in-use");
    }

    #[test]
    fn a_damaged_cursor_is_told_and_not_taken_for_a_new_one() {
        let dir = tempfile::tempdir().unwrap();
        Cursor::open(dir.path(), &room()).unwrap().move_to(Seq(7)).unwrap();
        let path = dir.path().join(file_name(&room()));
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[7] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(Cursor::open(dir.path(), &room()).unwrap_err().code(), "cursor-failed");
    }
}
