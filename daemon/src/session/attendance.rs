//! Whether a session's user is there, and where they are writing.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{DeviceId, Role, RoomId, RoomRef, RoomStanding, State, Timestamp, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::{self, SetAway, Typing};
use quorate_transport::CloseCode;
use tokio::time::Instant;

use super::request::Handled;
use super::services::Services;
use crate::presence::Stay;
use crate::relay;

/// A session says no more often than this that its user is writing.
const TYPING_INTERVAL: Duration = Duration::from_secs(1);

/// A session's.
pub(super) struct Attendance {
    services: Arc<Services>,
    device: DeviceId,
    away: bool,
    stay: Option<(UserId, Stay)>,
    typed_at: Option<Instant>,
}

impl Attendance {
    pub(super) fn new(services: &Arc<Services>, device: DeviceId) -> Self {
        Self {
            services: Arc::clone(services),
            device,
            away: false,
            stay: None,
            typed_at: None,
        }
    }

    /// The session speaks for this user from now on, or for nobody.
    pub(super) fn speak_for(&mut self, user: Option<UserId>) {
        if self.stay.as_ref().map(|(user, _)| *user) == user {
            return;
        }
        self.stay = user.map(|user| (user, self.services.board.enter(user)));
        self.tell_away();
    }

    pub(super) fn set_away(&mut self, frame: &Frame) -> Result<Handled, Handled> {
        let SetAway { away } = parse(frame)?;
        self.away = away;
        self.tell_away();
        Ok(Handled::Quiet)
    }

    /// Passed on when the user may write there, and not too often.
    pub(super) fn typing(&mut self, frame: &Frame) -> Result<Handled, Handled> {
        let Typing { room } = parse(frame)?;
        let now = Instant::now();
        let is_early = self.typed_at.is_some_and(|at| now < at + TYPING_INTERVAL);
        if let (false, Some((user, _))) = (is_early, &self.stay) {
            self.typed_at = Some(now);
            let clock = relay::now();
            let writes = |state: &State| {
                let is_users = state.device(&self.device).is_some_and(|device| device.user == *user);
                writes_to(state, *user, &room, clock).filter(|_| is_users)
            };
            if let Some(room) = self.services.reader.with_state(writes) {
                self.services.board.typing(room, *user);
            }
        }
        Ok(Handled::Quiet)
    }

    fn tell_away(&self) {
        if let Some((_, stay)) = &self.stay {
            stay.set_away(self.away);
        }
    }
}

fn parse<B: client::Body>(frame: &Frame) -> Result<B, Handled> {
    let bad = |_| Handled::Close((CloseCode::Protocol, "the notice does not parse"));
    client::parse(frame).map_err(bad)
}

/// The room, if the user may write there.
fn writes_to(state: &State, user: UserId, room: &RoomRef, clock: Timestamp) -> Option<RoomId> {
    let id = state.readable_room(user, room).ok()?;
    let (room, member) = (state.room(id)?, state.member(id, user)?);
    let may = room.standing == RoomStanding::Open
        && member.role != Role::ReadOnly
        && member.muted_until <= state.now().max(clock);
    may.then_some(id)
}

#[cfg(test)]
mod tests {
    use quorate_core::{Action, ArchiveRoom, MuteUser, SetRole, Span};

    use super::*;
    use crate::session::scene::{Scene, room_name, user_name};

    fn writes(scene: &Scene, name: &str, later: u64) -> bool {
        let room = RoomRef::Name(room_name("ops"));
        let clock = Timestamp(scene.state.now().0 + later);
        writes_to(&scene.state, scene.id(name), &room, clock).is_some()
    }

    #[test]
    fn only_who_may_write_is_writing() {
        let mut scene = Scene::of(&["ada", "bob", "carl", "eve"]);
        scene.room("ops", false, "ada", &["bob", "carl"]);
        let (room, role) = (room_name("ops"), Role::ReadOnly);
        let silence = Action::SetRole(SetRole {
            room: room.clone(),
            user: user_name("bob"),
            role,
        });
        scene.act("ada", silence).unwrap();
        let mute = Action::MuteUser(MuteUser {
            room: room.clone(),
            user: user_name("carl"),
            lasts: Some(Span(5000)),
            reason: None,
        });
        scene.act("ada", mute).unwrap();
        let may = ["ada", "bob", "carl", "eve"].map(|name| writes(&scene, name, 0));
        assert_eq!(may, [true, false, false, false]);
        assert!(writes(&scene, "carl", 6000), "the time is over");
        let archive = Action::ArchiveRoom(ArchiveRoom { room, archived: true });
        scene.act("ada", archive).unwrap();
        assert!(!writes(&scene, "ada", 0));
    }
}
