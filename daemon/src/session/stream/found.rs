//! Lines that were found, wherever they stand.

use bytes::Bytes;
use quorate_core::{Refusal, RoomEvent, RoomEventKind, RoomId, RoomName, Seq, State, UserId};
use quorate_protocol::client::{Found, FoundPart, HISTORY_LIMIT_MAX};
use quorate_protocol::event;

use super::{Answered, Caller, Gone, Out, PART_BYTES};
use crate::session::present::shown;
use crate::session::reply::{by_core, refused, unavailable};
use crate::store::StoredEvent;

/// Lines looked up at once: bounds what one stream holds in memory, at 64 KiB a line to 4 MiB.
const LOOKED_UP_MAX: usize = 64;

/// How many lines are given to who asks for so many.
pub(super) fn lines_max(limit: u16) -> usize {
    let is_any = limit == 0 || limit > HISTORY_LIMIT_MAX;
    usize::from(if is_any { HISTORY_LIMIT_MAX } else { limit })
}

/// Where the page before ended, as so many numbers with dots in between.
pub(super) fn cursor<const N: usize>(
    text: Option<&String>,
) -> Result<Option<[u64; N]>, quorate_protocol::client::Failure> {
    let parse = |text: &String| {
        let numbers: Result<Vec<u64>, _> = text.split('.').map(str::parse).collect();
        numbers.ok().and_then(|numbers| numbers.try_into().ok())
    };
    let bad = || refused("bad-cursor", "no page ended there: begin again");
    text.map(|text| parse(text).ok_or_else(bad)).transpose()
}

/// Sends the messages at these places as they stand now; those that have lost their texts, are gone,
/// or that the look says no to are left out. Gives how many were sent.
pub(super) async fn send(
    out: &mut Out,
    caller: &Caller,
    places: &[(RoomId, Seq)],
    is_for_caller: impl Fn(&State, &RoomEvent) -> bool,
) -> Answered<usize> {
    let mut sent = 0;
    for places in places.chunks(LOOKED_UP_MAX) {
        let Ok(lines) = caller.services.reader.lines(places).await else {
            return Ok(Err(unavailable("unavailable")));
        };
        let messages = lines.into_iter().flatten().filter_map(message);
        let messages: Vec<_> = messages.collect();
        let found = caller.services.reader.with_state(|state| {
            let found = messages.into_iter().filter(|(line, _)| is_for_caller(state, line));
            let found = found.filter_map(|(line, bytes)| {
                Some(Found {
                    room: state.room(line.room)?.name.clone(),
                    seq: line.seq,
                    event: shown(state, bytes),
                })
            });
            found.collect::<Vec<_>>()
        });
        sent += found.len();
        send_parts(out, found).await?;
    }
    Ok(Ok(sent))
}

/// Lines of one room, and who asked for them.
pub(super) struct Lines {
    pub(super) user: UserId,
    pub(super) room: RoomId,
    pub(super) name: RoomName,
    pub(super) lines: Vec<StoredEvent>,
}

/// Sends them, unless the membership ended while they were read.
pub(super) async fn send_lines(out: &mut Out, caller: &Caller, lines: Lines) -> Answered<()> {
    match caller.services.reader.with_state(|state| readable(state, lines)) {
        Ok(found) => Ok(Ok(send_parts(out, found).await?)),
        Err(refusal) => Ok(Err(by_core(&refusal))),
    }
}

fn readable(state: &State, lines: Lines) -> Result<Vec<Found>, Refusal> {
    let Lines {
        user,
        room,
        name,
        lines,
    } = lines;
    state.member(room, user).ok_or(Refusal::NotAMember)?;
    let found = lines.into_iter().map(|line| Found {
        room: name.clone(),
        seq: line.seq,
        event: shown(state, line.bytes),
    });
    Ok(found.collect())
}

async fn send_parts(out: &mut Out, found: Vec<Found>) -> Result<(), Gone> {
    for found in parts(found) {
        out.send(&FoundPart { found }).await?;
    }
    Ok(())
}

/// As many as fit into a part, one at least.
fn parts(found: Vec<Found>) -> Vec<Vec<Found>> {
    let mut parts: Vec<Vec<Found>> = Vec::new();
    let mut bytes = 0;
    for one in found {
        bytes += one.event.len() + one.room.as_str().len();
        match parts.last_mut() {
            Some(part) if bytes <= PART_BYTES => part.push(one),
            _ => {
                bytes = one.event.len() + one.room.as_str().len();
                parts.push(vec![one]);
            }
        }
    }
    parts
}

/// The line, if it is a message that has its text.
fn message(stored: StoredEvent) -> Option<(RoomEvent, Bytes)> {
    let line = event::decode(&stored.bytes).ok()?;
    let has_text = matches!(line.kind, RoomEventKind::Message { .. } | RoomEventKind::Revised { .. });
    has_text.then_some((line, stored.bytes))
}

#[cfg(test)]
mod tests {
    use quorate_core::{Action, EventNo, KickUser};

    use super::*;
    use crate::session::scene::{Scene, room_name, user_name};

    #[test]
    fn lines_that_were_read_before_a_kick_are_not_sent_after_it() {
        let mut scene = Scene::of(&["ada", "bob"]);
        scene.room("ops", false, "ada", &["bob"]);
        let room = scene.state.room_by_name(&room_name("ops")).unwrap().0;
        let line = StoredEvent {
            seq: Seq(3),
            no: EventNo(3),
            bytes: Bytes::from_static(b"line"),
        };
        let read = |scene: &Scene| {
            let lines = Lines {
                user: scene.id("bob"),
                room,
                name: room_name("ops"),
                lines: vec![line.clone()],
            };
            readable(&scene.state, lines).map(|found| found.len())
        };
        assert_eq!(read(&scene), Ok(1));
        let kick = Action::KickUser(KickUser {
            room: room_name("ops"),
            user: user_name("bob"),
            reason: None,
        });
        scene.act("ada", kick).unwrap();
        assert_eq!(read(&scene), Err(Refusal::NotAMember));
    }

    fn found(bytes: usize) -> Found {
        Found {
            room: RoomName::parse("ops").unwrap(),
            seq: Seq(1),
            event: vec![0; bytes].into(),
        }
    }

    #[test]
    fn parts_are_bounded_and_hold_all_in_order() {
        let sizes = [10, 70_000, 20_000, 20_000, 20_000, 1];
        let parts = parts(sizes.map(found).to_vec());
        let counts: Vec<_> = parts.iter().map(Vec::len).collect();
        assert_eq!(counts, [1, 1, 2, 2]);
        let all: Vec<_> = parts.iter().flatten().map(|found| found.event.len()).collect();
        assert_eq!(all, sizes);
    }

    #[test]
    fn a_cursor_is_so_many_numbers() {
        let cursor = |text: &str| cursor::<2>(Some(&text.to_owned())).ok().flatten();
        assert_eq!(cursor("3.14"), Some([3, 14]));
        for bad in ["", "3", "3.14.1", "3.x", "-1.2"] {
            assert_eq!(cursor(bad), None, "{bad}");
        }
        assert_eq!(super::cursor::<1>(None), Ok(None));
    }
}
