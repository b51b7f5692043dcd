//! Who may come in, what users may do, and where the audit log ends.

use crate::{AuditHead, AuditNo, BanId, BanSubject, Lockdown, ServerBan, ServerRole, Standing, State, StateEvent};

use super::DECIDED;

impl State {
    pub(super) fn evolve_access(&mut self, event: &StateEvent) {
        match event {
            StateEvent::UserDisabled { user } => {
                self.users.get_mut(user).expect(DECIDED).standing = Standing::Disabled;
            }
            StateEvent::UserEnabled { user } => {
                self.users.get_mut(user).expect(DECIDED).standing = Standing::Active;
            }
            StateEvent::ServerRoleSet { user, role } => {
                match role {
                    ServerRole::User => self.server_roles.remove(user),
                    role => self.server_roles.insert(*user, *role),
                };
            }
            StateEvent::ServerBanAdded {
                ban,
                subject,
                by,
                until,
                reason,
            } => {
                let added = ServerBan {
                    subject: *subject,
                    by: *by,
                    at: self.clock.now,
                    until: *until,
                    reason: reason.clone(),
                };
                self.index_server_ban(*ban, &added);
                self.server_bans.insert(*ban, added);
            }
            StateEvent::ServerBanEnded { ban } => {
                let ended = self.server_bans.remove(ban).expect(DECIDED);
                match ended.subject {
                    BanSubject::User(user) => self.user_bans.remove(&user),
                    BanSubject::Network(network) => self.network_bans.remove(&network),
                };
                if let Some(until) = ended.until {
                    self.server_ban_ends.remove(&(until, *ban));
                }
            }
            StateEvent::LockdownSet { lockdown } => self.lockdown = *lockdown,
            StateEvent::Audited { no, hash, dropped, .. } => {
                let before = self.audit.unwrap_or_default();
                self.audit = Some(AuditHead {
                    first: dropped.map_or(before.first, AuditNo::next),
                    next: no.next(),
                    hash: *hash,
                });
            }
            _ => {}
        }
    }

    /// In the indexes; whether nobody was there in its place.
    pub(in crate::state) fn index_server_ban(&mut self, id: BanId, ban: &ServerBan) -> bool {
        self.server_ban_ends.extend(ban.until.map(|until| (until, id)));
        match ban.subject {
            BanSubject::User(user) => self.user_bans.insert(user, id).is_none(),
            BanSubject::Network(network) => self.network_bans.insert(network, id).is_none(),
        }
    }
}

impl Lockdown {
    /// Whether it keeps a record.
    pub(in crate::state) fn kept(self) -> Option<Self> {
        (self != Self::Off).then_some(self)
    }
}
