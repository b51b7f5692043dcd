//! What a command is called where operators look at the log, and whether its bytes may be shown to them.
//!
//! Both matches are exhaustive on purpose: who adds a command decides here whether it carries a secret.

use super::{Action, Command, Operation, Sweep};

impl Command {
    /// In kebab-case, the request of a writer by its own name; what an operator asks as the audit log calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::RegisterUser(_) => "register-user",
            Self::BindDevice(_) => "bind-device",
            Self::UnbindDevice(_) => "unbind-device",
            Self::GrantWriter(_) => "grant-writer",
            Self::Submit(submission) => submission.action.name(),
            Self::ChangePassword(_) => "change-password",
            Self::DeleteUser(_) => "delete-user",
            Self::CreateBot(_) => "create-bot",
            Self::SetBotPassword(_) => "set-bot-password",
            Self::DeleteBot(_) => "delete-bot",
            Self::Sweep(sweep) => sweep.name(),
            Self::Operate(operate) => operate.operation.action(),
        }
    }

    /// Whether it carries what opens an account or the cluster, be it as a hash only: such bytes are shown to nobody.
    #[must_use]
    pub const fn carries_secret(&self) -> bool {
        match self {
            Self::RegisterUser(_)
            | Self::BindDevice(_)
            | Self::ChangePassword(_)
            | Self::DeleteUser(_)
            | Self::CreateBot(_)
            | Self::SetBotPassword(_) => true,
            Self::UnbindDevice(_) | Self::GrantWriter(_) | Self::Submit(_) | Self::DeleteBot(_) | Self::Sweep(_) => {
                false
            }
            Self::Operate(operate) => operate.operation.carries_secret(),
        }
    }
}

impl Action {
    const fn name(&self) -> &'static str {
        match self {
            Self::CreateRoom(_) => "create-room",
            Self::JoinRoom(_) => "join-room",
            Self::LeaveRoom(_) => "leave-room",
            Self::PostMessage(_) => "post-message",
            Self::SetTopic(_) => "set-topic",
            Self::MarkRead(_) => "mark-read",
            Self::InviteUser(_) => "invite-user",
            Self::KickUser(_) => "kick-user",
            Self::BanUser(_) => "ban-user",
            Self::UnbanUser(_) => "unban-user",
            Self::MuteUser(_) => "mute-user",
            Self::UnmuteUser(_) => "unmute-user",
            Self::SetRole(_) => "set-role",
            Self::TransferRoom(_) => "transfer-room",
            Self::ArchiveRoom(_) => "archive-room",
            Self::DeleteRoom(_) => "delete-room",
            Self::EditMessage(_) => "edit-message",
            Self::RedactMessage(_) => "redact-message",
            Self::React(_) => "react",
            Self::SetRetention(_) => "set-retention",
        }
    }
}

impl Sweep {
    const fn name(&self) -> &'static str {
        match self {
            Self::Room(_) => "sweep-room",
            Self::User(_) => "sweep-user",
            Self::Expired => "sweep-expired",
            Self::Closing => "sweep-closing",
        }
    }
}

impl Operation {
    const fn carries_secret(&self) -> bool {
        match self {
            // The digest of what is in the link; the hash of a password; the CA's sealed key and the digests of tokens.
            Self::CreateInvite(_) | Self::CreateUser(_) | Self::SetUserPassword(_) | Self::Roster(_) => true,
            Self::RevokeInvite(_)
            | Self::SetServerRetention(_)
            | Self::SetRoomRetention { .. }
            | Self::SetQuota(_)
            | Self::DisableUser(_)
            | Self::EnableUser(_)
            | Self::DeleteUser(_)
            | Self::SetServerRole(_)
            | Self::RevokeDevices(_)
            | Self::CreateRoom(_)
            | Self::ArchiveRoom(_)
            | Self::DeleteRoom(_)
            | Self::SetRoomOwner(_)
            | Self::AddBan(_)
            | Self::LiftBan(_)
            | Self::SetLockdown(_)
            | Self::Note { .. } => false,
        }
    }
}
