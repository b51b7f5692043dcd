//! Who may come in, and what users may do beyond their rooms.

use std::net::IpAddr;

use crate::{
    AuditHead, BanId, BanSubject, DeviceId, Lockdown, Network, Refusal, Role, RoomId, ServerBan, ServerRole, Standing,
    State, Timestamp, UserId,
};

impl State {
    /// What keeps an account from doing anything now: its own standing or ban, or its owner's if it is a bot.
    #[must_use]
    pub fn bar(&self, user: UserId) -> Option<Refusal> {
        let owner = self.users.get(&user).and_then(|user| user.owner);
        [Some(user), owner].into_iter().flatten().find_map(|user| {
            let is_disabled = self
                .users
                .get(&user)
                .is_some_and(|user| user.standing == Standing::Disabled);
            let disabled = is_disabled.then_some(Refusal::Disabled);
            disabled.or_else(|| self.user_ban(user).map(|_| Refusal::BannedFromCluster))
        })
    }

    /// What keeps a device that comes from there from having a session now.
    #[must_use]
    pub fn bar_at_the_door(&self, device: &DeviceId, addr: IpAddr) -> Option<Refusal> {
        if self.network_ban(addr).is_some() {
            return Some(Refusal::BannedFromCluster);
        }
        match self.device(device) {
            Some(device) => self.bar(device.user),
            None => (self.lockdown >= Lockdown::AuthOnly).then_some(Refusal::LockedDown),
        }
    }

    /// The devices that an account's bar is about: its own, and its bots'.
    pub fn devices_barred_with(&self, user: UserId) -> impl Iterator<Item = DeviceId> + '_ {
        let all = std::iter::once(user).chain(self.bots_of(user).map(|(bot, _)| bot));
        all.flat_map(|user| self.devices_of(user).map(|(device, _)| device))
    }

    /// The ban that keeps an account out of the cluster now.
    #[must_use]
    pub fn user_ban(&self, user: UserId) -> Option<(BanId, &ServerBan)> {
        self.server_ban(*self.user_bans.get(&user)?)
    }

    /// The ban that keeps out now whoever comes from there.
    #[must_use]
    pub fn network_ban(&self, addr: IpAddr) -> Option<(BanId, &ServerBan)> {
        if self.network_bans.is_empty() {
            return None;
        }
        Network::around(addr).find_map(|network| self.server_ban(*self.network_bans.get(&network)?))
    }

    fn server_ban(&self, id: BanId) -> Option<(BanId, &ServerBan)> {
        let ban = self.server_bans.get(&id).filter(|ban| ban.holds(self.now()))?;
        Some((id, ban))
    }

    /// All bans from the cluster, by id; some may have run out.
    pub fn server_bans(&self) -> impl Iterator<Item = (BanId, &ServerBan)> + '_ {
        self.server_bans.iter().map(|(id, ban)| (*id, ban))
    }

    /// What nobody may do for now.
    #[must_use]
    pub const fn lockdown(&self) -> Lockdown {
        self.lockdown
    }

    /// What a user may do in all public rooms.
    #[must_use]
    pub fn server_role(&self, user: UserId) -> ServerRole {
        self.server_roles.get(&user).copied().unwrap_or_default()
    }

    /// What a user may do in a room: the role of a member, or what reaches into public rooms, whichever is more.
    #[must_use]
    pub fn role_in(&self, room: RoomId, user: UserId) -> Option<Role> {
        let member = self.member(room, user).map(|member| member.role);
        let is_public = self.room(room).is_some_and(|room| !room.private);
        let server = self.server_role(user).in_public_rooms().filter(|_| is_public);
        member.into_iter().chain(server).max_by_key(|role| role.rank())
    }

    /// Where the audit log begins and ends.
    #[must_use]
    pub fn audit(&self) -> AuditHead {
        self.audit.unwrap_or_default()
    }

    /// Bans from the cluster that have run out, those first that did so first.
    pub(in crate::state) fn server_bans_over(&self, now: Timestamp) -> impl Iterator<Item = BanId> + '_ {
        let over = self.server_ban_ends.range(..=(now, BanId(u64::MAX)));
        over.map(|(_, ban)| *ban)
    }

    /// The ban of a subject, whether or not it has run out.
    pub(in crate::state) fn ban_of(&self, subject: &BanSubject) -> Option<BanId> {
        match subject {
            BanSubject::User(user) => self.user_bans.get(user).copied(),
            BanSubject::Network(network) => self.network_bans.get(network).copied(),
        }
    }
}
