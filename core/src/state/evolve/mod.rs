//! Facts become state. Nothing here can fail: an event was decided on this very state, so what it
//! names exists; were that ever untrue, going on would make nodes differ, so it ends the process.

mod access;
mod account;
mod message;
mod room;
mod roster;

use crate::{Event, RoomEvent, RoomEventKind, State, StateEvent};

const DECIDED: &str = "the event was decided on this state";

impl State {
    pub(super) fn evolve(&mut self, event: &Event) {
        match event {
            Event::State(event) => self.evolve_state(event),
            Event::Room(event) => self.evolve_room(event),
        }
    }

    fn evolve_state(&mut self, event: &StateEvent) {
        match event {
            StateEvent::ClockAdvanced { now } => self.clock.now = *now,
            StateEvent::UserRegistered { .. }
            | StateEvent::DeviceBound { .. }
            | StateEvent::DeviceUnbound { .. }
            | StateEvent::WriterGranted { .. }
            | StateEvent::WriterExpired { .. }
            | StateEvent::Answered { .. }
            | StateEvent::PasswordChanged { .. }
            | StateEvent::UserDeleted { .. }
            | StateEvent::UserPurged { .. }
            | StateEvent::InviteCreated { .. }
            | StateEvent::InviteUsed { .. }
            | StateEvent::InviteEnded { .. }
            | StateEvent::QuotaSet { .. } => self.evolve_account(event),
            StateEvent::RoomCreated { .. }
            | StateEvent::RetentionSet { .. }
            | StateEvent::MemberRemoved { .. }
            | StateEvent::InvitationEnded { .. }
            | StateEvent::BanEnded { .. }
            | StateEvent::RestrictionEnded { .. }
            | StateEvent::RoomDeleted { .. }
            | StateEvent::RoomForgotten { .. } => self.evolve_place(event),
            StateEvent::UserDisabled { .. }
            | StateEvent::UserEnabled { .. }
            | StateEvent::ServerRoleSet { .. }
            | StateEvent::ServerBanAdded { .. }
            | StateEvent::ServerBanEnded { .. }
            | StateEvent::LockdownSet { .. }
            | StateEvent::Audited { .. } => self.evolve_access(event),
            StateEvent::Roster(event) => self.evolve_roster(event),
            StateEvent::ReadMarked { .. }
            | StateEvent::MessagesPurged { .. }
            | StateEvent::HistoryCut { .. }
            | StateEvent::Mentioned { .. }
            | StateEvent::RoomCalled { .. }
            | StateEvent::MentionsDropped { .. } => self.evolve_past(event),
        }
    }

    fn evolve_room(&mut self, event: &RoomEvent) {
        self.clock.next_event = event.no.next();
        self.evolve_line(event);
        match &event.kind {
            RoomEventKind::Message { .. }
            | RoomEventKind::Edited { .. }
            | RoomEventKind::Redacted { .. }
            | RoomEventKind::Reacted { .. }
            | RoomEventKind::Unreacted { .. } => self.evolve_message(event),
            RoomEventKind::Joined
            | RoomEventKind::Left
            | RoomEventKind::TopicSet { .. }
            | RoomEventKind::Invited { .. }
            | RoomEventKind::Kicked { .. }
            | RoomEventKind::Banned { .. }
            | RoomEventKind::Unbanned { .. }
            | RoomEventKind::Muted { .. }
            | RoomEventKind::Unmuted { .. }
            | RoomEventKind::RoleSet { .. }
            | RoomEventKind::Archived
            | RoomEventKind::Unarchived => self.evolve_membership(event),
            // Rows only: no decision makes one.
            RoomEventKind::Revised { .. } | RoomEventKind::Withdrawn { .. } | RoomEventKind::EditWithdrawn { .. } => {}
        }
    }
}
