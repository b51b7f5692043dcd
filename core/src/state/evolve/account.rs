//! Accounts, devices, writers, invites.

use std::collections::VecDeque;

use crate::{
    Device, DeviceId, Invite, Outcome, PasswordHash, RECEIPT_WINDOW, RequestNo, Standing, State, StateEvent, User,
    UserId, Writer, WriterId,
};

use super::super::table::WriterState;
use super::DECIDED;

impl State {
    pub(super) fn evolve_account(&mut self, event: &StateEvent) {
        let now = self.clock.now;
        match event {
            StateEvent::UserRegistered {
                user,
                name,
                password,
                attempt,
                likeness,
                owner,
            } => {
                self.user_names.insert(name.clone(), *user);
                self.likenesses.insert((*likeness, *user));
                self.active_users += 1;
                if let Some(owner) = owner {
                    self.bots.insert((*owner, *user));
                    *self.bots_made.entry(*owner).or_default() += 1;
                }
                self.users.insert(
                    *user,
                    User {
                        name: name.clone(),
                        password: password.clone(),
                        registered_at: now,
                        attempt: *attempt,
                        likeness: *likeness,
                        owner: *owner,
                        standing: Standing::Active,
                        last_login: now,
                        quota: None,
                    },
                );
            }
            StateEvent::DeviceBound {
                user,
                device,
                name,
                binding,
            } => {
                self.users.get_mut(user).expect(DECIDED).last_login = now;
                self.user_devices.insert((*user, *device));
                let bound = Device {
                    user: *user,
                    name: name.clone(),
                    bound_at: now,
                    binding: *binding,
                };
                self.devices.insert(*device, bound);
            }
            StateEvent::DeviceUnbound { device } => self.unbind(*device),
            StateEvent::WriterGranted {
                writer,
                device,
                binding,
            } => {
                let granted = Writer {
                    device: *device,
                    last: RequestNo(0),
                    used_at: now,
                    binding: *binding,
                };
                self.writers.insert(
                    *writer,
                    WriterState {
                        writer: granted,
                        receipts: VecDeque::new(),
                    },
                );
                let user = self.devices.get(device).expect(DECIDED).user;
                self.idle.insert((now, *writer));
                self.device_writers.insert((*device, *writer));
                self.user_writers.insert((user, now, *writer));
            }
            StateEvent::WriterExpired { writer, .. } => self.expire(*writer),
            StateEvent::Answered {
                writer,
                request,
                outcome,
            } => self.answer(*writer, *request, outcome),
            StateEvent::PasswordChanged { user, password } => {
                self.users.get_mut(user).expect(DECIDED).password = password.clone();
            }
            StateEvent::UserDeleted { user, purge } => self.delete(*user, *purge),
            StateEvent::UserPurged { user } => {
                self.users.get_mut(user).expect(DECIDED).standing = Standing::Deleted { purging: false };
                self.purging.remove(user);
            }
            StateEvent::InviteCreated { .. } | StateEvent::InviteUsed { .. } | StateEvent::InviteEnded { .. } => {
                self.evolve_invite(event);
            }
            StateEvent::QuotaSet { user: None, quota } => {
                self.settings.get_or_insert_default().quota = quota.unwrap_or_default();
            }
            StateEvent::QuotaSet {
                user: Some(user),
                quota,
            } => {
                self.users.get_mut(user).expect(DECIDED).quota = *quota;
            }
            _ => {}
        }
    }

    fn unbind(&mut self, device: DeviceId) {
        let bound = self.devices.remove(&device).expect(DECIDED);
        self.user_devices.remove(&(bound.user, device));
        let all = (device, WriterId(0))..=(device, WriterId(u64::MAX));
        for (_, id) in self.device_writers.range(all) {
            let used_at = self.writers.get(id).expect(DECIDED).writer.used_at;
            self.user_writers.remove(&(bound.user, used_at, *id));
            self.orphans.insert(*id);
        }
    }

    fn delete(&mut self, id: UserId, purge: bool) {
        let user = self.users.get_mut(&id).expect(DECIDED);
        user.password = PasswordHash::none();
        user.standing = Standing::Deleted { purging: purge };
        self.active_users -= 1;
        if let Some(owner) = user.owner {
            self.bots.remove(&(owner, id));
        }
        if purge {
            self.purging.insert(id);
        }
    }

    fn evolve_invite(&mut self, event: &StateEvent) {
        let now = self.clock.now;
        match event {
            StateEvent::InviteCreated {
                invite,
                key,
                expires_at,
                uses,
                by,
            } => {
                self.invite_keys.insert(*key, *invite);
                let created = Invite {
                    key: *key,
                    created_at: now,
                    expires_at: *expires_at,
                    uses: *uses,
                    uses_left: *uses,
                    by: *by,
                };
                self.invites.insert(*invite, created);
            }
            StateEvent::InviteUsed { invite } => self.invites.get_mut(invite).expect(DECIDED).uses_left -= 1,
            StateEvent::InviteEnded { invite } => {
                let ended = self.invites.remove(invite).expect(DECIDED);
                self.invite_keys.remove(&ended.key);
            }
            _ => {}
        }
    }

    fn expire(&mut self, writer: WriterId) {
        let expired = self.writers.remove(&writer).expect(DECIDED).writer;
        self.idle.remove(&(expired.used_at, writer));
        self.device_writers.remove(&(expired.device, writer));
        if !self.orphans.remove(&writer) {
            let user = self.devices.get(&expired.device).expect(DECIDED).user;
            self.user_writers.remove(&(user, expired.used_at, writer));
        }
    }

    fn answer(&mut self, id: WriterId, request: RequestNo, outcome: &Outcome) {
        let now = self.clock.now;
        let WriterState { writer, receipts } = self.writers.get_mut(&id).expect(DECIDED);
        self.idle.remove(&(writer.used_at, id));
        let user = self.devices.get(&writer.device).expect(DECIDED).user;
        self.user_writers.remove(&(user, writer.used_at, id));
        writer.last = request;
        writer.used_at = now;
        self.idle.insert((now, id));
        self.user_writers.insert((user, now, id));
        if receipts.len() as u64 == RECEIPT_WINDOW {
            receipts.pop_front();
        }
        receipts.push_back(outcome.clone());
    }
}
