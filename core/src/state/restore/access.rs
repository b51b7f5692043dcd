//! Who may come in, and what users may do.

use crate::{BanSubject, RecordKey, RestoreError, ServerRole, State};

use super::contradicts;

impl State {
    pub(super) fn index_access(&mut self) -> Result<(), RestoreError> {
        for (user, role) in &self.server_roles {
            let from = RecordKey::ServerRole(*user);
            self.named_user(from, *user)?;
            let is_active = self.user(*user).is_some_and(crate::User::is_active);
            if *role == ServerRole::User || !is_active {
                return Err(contradicts(from));
            }
        }
        let bans = std::mem::take(&mut self.server_bans);
        for (id, ban) in &bans {
            let from = RecordKey::ServerBan(*id);
            if let BanSubject::User(user) = ban.subject {
                self.named_user(from, user)?;
                if !self.user(user).is_some_and(crate::User::is_active) {
                    return Err(contradicts(from));
                }
            }
            if !self.index_server_ban(*id, ban) {
                return Err(contradicts(from));
            }
        }
        self.server_bans = bans;
        match self.audit {
            Some(head) if head.first > head.next => Err(contradicts(RecordKey::AuditHead)),
            _ => Ok(()),
        }
    }
}
