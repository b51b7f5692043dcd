//! What the audit log calls each operation.

use crate::{Operation, Reach, RevokeDevices, RosterOperation, SetQuota, SetServerRole};

impl Operation {
    /// A word for programs: the command of `chatctl` that asks for it, as far as there is one.
    #[must_use]
    pub fn action(&self) -> &str {
        match self {
            Self::CreateInvite(_) => "invites.create",
            Self::RevokeInvite(_) => "invites.revoke",
            Self::SetServerRetention(_) => "retention",
            Self::SetRoomRetention { .. } => "rooms.retention",
            Self::SetQuota(_) => "quota",
            Self::CreateUser(_) => "users.create",
            Self::SetUserPassword(_) => "users.passwd",
            Self::DisableUser(_) => "users.disable",
            Self::EnableUser(_) => "users.enable",
            Self::DeleteUser(_) => "users.delete",
            Self::SetServerRole(_) => "users.role",
            Self::RevokeDevices(_) => "users.sessions.revoke",
            Self::CreateRoom(_) => "rooms.create",
            Self::ArchiveRoom(operation) if operation.archived => "rooms.archive",
            Self::ArchiveRoom(_) => "rooms.unarchive",
            Self::DeleteRoom(_) => "rooms.delete",
            Self::SetRoomOwner(_) => "rooms.set-owner",
            Self::AddBan(_) => "bans.add",
            Self::LiftBan(_) => "bans.remove",
            Self::SetLockdown(_) => "lockdown",
            Self::Note { action, .. } => action.as_str(),
            Self::Roster(operation) => operation.action(),
        }
    }

    /// What it is about, for people: never a secret, nor a hash of one.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::CreateInvite(operation) => format!("{} uses", operation.uses),
            Self::RevokeInvite(operation) => operation.invite.to_string(),
            Self::SetServerRetention(_) => "all rooms".to_owned(),
            Self::SetRoomRetention { room, .. } => room.to_string(),
            Self::SetQuota(SetQuota { user: None, .. }) => "all users".to_owned(),
            Self::SetQuota(SetQuota { user: Some(user), .. }) | Self::DisableUser(user) | Self::EnableUser(user) => {
                user.to_string()
            }
            Self::CreateUser(operation) => operation.name.to_string(),
            Self::SetUserPassword(operation) => operation.user.to_string(),
            Self::DeleteUser(operation) if operation.purge_messages => format!("{} with messages", operation.user),
            Self::DeleteUser(operation) => operation.user.to_string(),
            Self::SetServerRole(SetServerRole { user, role }) => format!("{user} {}", role.as_str()),
            Self::RevokeDevices(RevokeDevices { user, device: None }) => format!("{user} all"),
            Self::RevokeDevices(RevokeDevices {
                user,
                device: Some(device),
            }) => format!("{user} {device}"),
            Self::CreateRoom(operation) => format!("{} for {}", operation.name, operation.owner),
            Self::ArchiveRoom(operation) => operation.room.to_string(),
            Self::DeleteRoom(operation) => operation.room.to_string(),
            Self::SetRoomOwner(operation) => format!("{} {}", operation.room, operation.user),
            Self::AddBan(operation) => operation.subject.to_string(),
            Self::LiftBan(ban) => ban.to_string(),
            Self::SetLockdown(lockdown) => lockdown.as_str().to_owned(),
            Self::Note { target, .. } => target.to_string(),
            Self::Roster(operation) => operation.target(),
        }
    }
}

impl RosterOperation {
    const fn action(&self) -> &'static str {
        match self {
            Self::Found { .. } => "cluster.found",
            Self::CreateToken(_) => "cluster.token.create",
            Self::RevokeToken(_) => "cluster.token.revoke",
            Self::RotateTokens(_) => "cluster.token.rotate",
            Self::AdmitNode(_) => "cluster.join",
            Self::SettleNode(_) => "cluster.settle",
            Self::SetVoting { votes: true, .. } => "member.promote",
            Self::SetVoting { votes: false, .. } => "member.demote",
            Self::SetDrained { drained: true, .. } => "member.drain",
            Self::SetDrained { drained: false, .. } => "member.undrain",
            Self::RemoveNode { replaced_by: None, .. } => "member.remove",
            Self::RemoveNode { .. } => "member.replace",
            Self::MoveNode { .. } => "member.set-addr",
            Self::TransferLeader { .. } => "leader.transfer",
            Self::RenewCerts { .. } => "certs.renew",
            Self::RotateCa { .. } => "ca.rotate",
            Self::RetireCa { .. } => "ca.retire",
            Self::SetHandBack { .. } => "leader.hand-back",
        }
    }

    fn target(&self) -> String {
        match self {
            Self::Found { name, nodes, .. } => format!("{name} of {} nodes", nodes.len()),
            Self::CreateToken(operation) | Self::RotateTokens(operation) => format!("{} uses", operation.uses),
            Self::RevokeToken(token) => token.to_string(),
            Self::AdmitNode(operation) => operation.reach.peer.to_string(),
            Self::SettleNode(node) | Self::SetVoting { node, .. } | Self::SetDrained { node, .. } => format!("n{node}"),
            Self::RemoveNode {
                node,
                replaced_by: Some(new),
                ..
            } => format!("n{node} by n{new}"),
            Self::RemoveNode { node, .. } => format!("n{node}"),
            Self::MoveNode {
                node,
                reach: Reach { peer, client },
                ..
            } => format!("n{node} {peer} {client}"),
            Self::TransferLeader { to: Some(node) } | Self::RenewCerts { node: Some(node) } => format!("n{node}"),
            Self::TransferLeader { to: None } => "by preference".to_owned(),
            Self::RenewCerts { node: None } => "all".to_owned(),
            Self::RotateCa { .. } => "a new CA".to_owned(),
            Self::RetireCa { .. } => "the CA before".to_owned(),
            Self::SetHandBack { on } => match on {
                Some(true) => "on",
                Some(false) => "off",
                None => "as configured",
            }
            .to_owned(),
        }
    }
}
