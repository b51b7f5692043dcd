//! Accounts, the devices that speak for them, their bots, and invites.

use std::ops::Bound::{Excluded, Unbounded};

use crate::{
    Device, DeviceId, Glob, Invite, InviteId, InviteKey, Likeness, Quota, Standing, State, Timestamp, User, UserId,
    UserName, WriterId,
};

const DEVICES: (DeviceId, DeviceId) = (DeviceId([0; 32]), DeviceId([u8::MAX; 32]));

impl State {
    /// An account by its id, also one that is no more.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    /// An account by its name.
    #[must_use]
    pub fn user_by_name(&self, name: &UserName) -> Option<(UserId, &User)> {
        self.user_record_by_name(name).filter(|(_, user)| user.is_active())
    }

    /// An account by its name, also one that is no more: its name stays its own.
    #[must_use]
    pub fn user_record_by_name(&self, name: &UserName) -> Option<(UserId, &User)> {
        let id = *self.user_names.get(name)?;
        Some((id, self.users.get(&id)?))
    }

    /// All accounts whose names come after this one (or all), by name, without those that are no
    /// more.
    pub fn users<'a>(&'a self, after: Option<&UserName>) -> impl Iterator<Item = (UserId, &'a User)> + use<'a> {
        let from = after.map_or(Unbounded, |name| Excluded(name.clone()));
        self.user_names
            .range((from, Unbounded))
            .filter_map(|(_, id)| Some((*id, self.users.get(id)?)))
            .filter(|(_, user)| user.is_active())
    }

    /// The accounts among which those are whose names are like this (or all), after this name: those that begin as
    /// the pattern does. Whether a name is like it is for the caller to see.
    pub fn users_like<'a>(
        &'a self,
        glob: Option<&Glob>,
        after: Option<&UserName>,
    ) -> impl Iterator<Item = (UserId, &'a User)> + use<'a> {
        let prefix = glob.map(Glob::prefix).unwrap_or_default();
        let seek = seek(&prefix);
        // The name that is all of the prefix is passed over by looking behind it.
        let is_begin = |name: &UserName| after.is_none_or(|after| name > after);
        let exact = seek.as_ref().filter(|name| is_begin(name));
        let exact = exact.and_then(|name| self.user_by_name(name));
        let behind = after.max(seek.as_ref());
        let candidates = exact.into_iter().chain(self.users(behind));
        let is_past = move |name: &str| !name.starts_with(&prefix) && *name > *prefix;
        candidates.take_while(move |(_, user)| !is_past(user.name.as_str()))
    }

    /// How many accounts there are, without those that are no more.
    #[must_use]
    pub const fn users_count(&self) -> usize {
        self.active_users
    }

    /// How many names were ever given to accounts: those that are no more keep theirs.
    #[must_use]
    pub fn names_count(&self) -> usize {
        self.users.len()
    }

    /// How many bots a user has ever made, with those that are no more.
    #[must_use]
    pub fn bots_made_by(&self, user: UserId) -> u32 {
        self.bots_made.get(&user).copied().unwrap_or_default()
    }

    /// A bound device.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// The devices that speak for a user, by id.
    pub fn devices_of(&self, user: UserId) -> impl Iterator<Item = (DeviceId, &Device)> + '_ {
        self.user_devices
            .range((user, DEVICES.0)..=(user, DEVICES.1))
            .filter_map(|(_, id)| Some((*id, self.devices.get(id)?)))
    }

    /// When anything was last written from a device, in log time, as far as that is remembered.
    #[must_use]
    pub fn last_write(&self, device: &DeviceId) -> Option<Timestamp> {
        let writers = (*device, WriterId(0))..=(*device, WriterId(u64::MAX));
        let writers = self.device_writers.range(writers);
        writers
            .filter_map(|(_, id)| Some(self.writers.get(id)?.writer.used_at))
            .max()
    }

    /// The bots that belong to a user, by id.
    pub fn bots_of(&self, user: UserId) -> impl Iterator<Item = (UserId, &User)> + '_ {
        self.bots
            .range((user, UserId(0))..=(user, UserId(u64::MAX)))
            .filter_map(|(_, bot)| Some((*bot, self.users.get(bot)?)))
    }

    /// How much a user may keep: the user's own quota, else everybody's.
    #[must_use]
    pub fn quota(&self, user: UserId) -> Quota {
        let own = self.users.get(&user).and_then(|user| user.quota);
        own.unwrap_or(self.settings().quota)
    }

    /// What is kept of the texts of a user's messages, in bytes: those that they were posted with and
    /// those of all their edits, until a message loses its texts.
    #[must_use]
    pub fn text_bytes(&self, user: UserId) -> u64 {
        self.text_bytes.get(&user).copied().unwrap_or_default()
    }

    /// All invites, by id; some may have run out.
    pub fn invites(&self) -> impl Iterator<Item = (InviteId, &Invite)> + '_ {
        self.invites.iter().map(|(id, invite)| (*id, invite))
    }

    /// The invite that this key shows, whether or not it is still good.
    #[must_use]
    pub fn invite_by_key(&self, key: &InviteKey) -> Option<(InviteId, &Invite)> {
        let id = *self.invite_keys.get(key)?;
        Some((id, self.invites.get(&id)?))
    }

    /// The accounts whose names look like this, also those that are no more.
    pub(in crate::state) fn look_alikes(&self, likeness: Likeness) -> impl Iterator<Item = &User> + '_ {
        self.likenesses
            .range((likeness, UserId(0))..=(likeness, UserId(u64::MAX)))
            .filter_map(|(_, id)| self.users.get(id))
    }
}

/// The longest name that a prefix begins with: no name before it has the prefix.
fn seek(prefix: &str) -> Option<UserName> {
    let ends = prefix.char_indices().map(|(at, c)| at + c.len_utf8());
    let mut ends: Vec<_> = ends.collect();
    ends.reverse();
    ends.into_iter()
        .find_map(|end| UserName::try_from(prefix[..end].to_owned()).ok())
}

impl User {
    /// Whether it is there: it was not deleted. One that is disabled is.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        !matches!(self.standing, Standing::Deleted { .. })
    }
}

impl Invite {
    /// Whether it lets somebody in at that log time.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.uses_left > 0 && now < self.expires_at
    }
}
