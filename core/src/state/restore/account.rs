//! Accounts, devices, writers, invites.

use crate::{
    Outcome, RECEIPT_WINDOW, ReceiptSlot, RecordKey, RequestNo, RestoreError, Standing, State, Writer, WriterId,
};

use super::super::table::WriterState;
use super::{contradicts, renamed};

impl State {
    pub(super) fn index_users(&mut self) -> Result<(), RestoreError> {
        for (id, user) in &self.users {
            let from = RecordKey::User(*id);
            if self.user_names.insert(user.name.clone(), *id).is_some() {
                return Err(contradicts(from));
            }
            self.likenesses.insert((user.likeness, *id));
            self.active_users += usize::from(user.is_active());
            if user.standing == (Standing::Deleted { purging: true }) {
                self.purging.insert(*id);
            }
            if let Some(owner) = user.owner {
                self.named_user(from, owner)?;
                *self.bots_made.entry(owner).or_default() += 1;
                if user.is_active() {
                    self.bots.insert((owner, *id));
                }
            }
        }
        Ok(())
    }

    pub(super) fn index_devices(&mut self) -> Result<(), RestoreError> {
        for (id, device) in &self.devices {
            let from = RecordKey::Device(*id);
            self.named_user(from, device.user)?;
            if !self.user(device.user).is_some_and(crate::User::is_active) {
                return Err(contradicts(from));
            }
            self.user_devices.insert((device.user, *id));
        }
        Ok(())
    }

    /// Rooms must be there: receipts share their names.
    pub(super) fn index_writers(
        &mut self,
        mut receipts: Vec<(WriterId, RequestNo, ReceiptSlot, Outcome)>,
    ) -> Result<(), RestoreError> {
        for (id, state) in &self.writers {
            let Writer {
                device,
                used_at,
                binding,
                ..
            } = state.writer;
            self.idle.insert((used_at, *id));
            self.device_writers.insert((device, *id));
            match self.devices.get(&device).filter(|device| device.binding == binding) {
                Some(device) => self.user_writers.insert((device.user, used_at, *id)),
                None => self.orphans.insert(*id),
            };
        }
        receipts.sort_unstable_by_key(|(writer, request, ..)| (*writer, *request));
        let mut before = None;
        for (id, request, slot, outcome) in receipts {
            let from = RecordKey::Receipt(id, slot);
            if before.replace((id, request)) == Some((id, request)) {
                return Err(RestoreError::Duplicate(from));
            }
            let to = RecordKey::Writer(id);
            let state = self.writers.get_mut(&id).ok_or(RestoreError::Dangling { from, to })?;
            // Ascending, so each must be the next of those that the writer's count asks for.
            let kept = state.writer.last.0.min(RECEIPT_WINDOW);
            let next = RequestNo(state.writer.last.0 - kept + state.receipts.len() as u64).next();
            if request != next || request > state.writer.last || slot != ReceiptSlot::of(request) {
                return Err(contradicts(from));
            }
            let rooms = &self.rooms;
            state.receipts.push_back(renamed(outcome, |room, name| {
                let own = rooms.get(&room).map(|state| &state.room.name);
                own.filter(|own| *own == name).unwrap_or(name).clone()
            }));
        }
        let short = |state: &WriterState| state.receipts.len() as u64 != state.writer.last.0.min(RECEIPT_WINDOW);
        match self.writers.iter().find(|(_, state)| short(state)) {
            Some((id, _)) => Err(contradicts(RecordKey::Writer(*id))),
            None => Ok(()),
        }
    }

    pub(super) fn index_invites(&mut self) -> Result<(), RestoreError> {
        for (id, invite) in &self.invites {
            let is_open = 0 < invite.uses_left && invite.uses_left <= invite.uses;
            if !is_open || self.invite_keys.insert(invite.key, *id).is_some() {
                return Err(contradicts(RecordKey::Invite(*id)));
            }
        }
        Ok(())
    }
}
