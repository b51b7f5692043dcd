//! The command line about users, rooms, who stays out, and what was done.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::ValueHint;
use clap::{Args, Subcommand, ValueEnum};
use quorate_adminapi::parse_duration;
use quorate_core::BanId;

use super::RetentionArgs;

#[derive(Args, Clone, Debug)]
pub(crate) struct ListArgs {
    /// Only names like this: `*` stands for any characters, `?` for one
    #[arg(long = "match", value_name = "GLOB")]
    pub(crate) matching: Option<String>,
    /// So many rows at the most
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Only what comes after this name
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UsersCommand {
    /// The accounts, by name
    #[command(after_help = "Examples:\n  chatctl users list\n  chatctl users list --match 'a*' --limit 20 --after ada")]
    List(ListArgs),
    /// One account
    Show {
        /// Which
        user: String,
    },
    /// Make an account; its password is asked for, or read from stdin
    #[command(
        after_help = "Examples:\n  chatctl users create alice\n  echo 'correct horse' | chatctl users create alice --role moderator --password-stdin"
    )]
    Create {
        /// The name
        user: String,
        /// What it may do in all public rooms
        #[arg(long, value_enum, default_value_t = ServerRole::User)]
        role: ServerRole,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Give an account another password, and log all of its devices out
    #[command(
        after_help = "Examples:\n  chatctl users passwd alice\n  echo 'battery staple' | chatctl users passwd alice --password-stdin"
    )]
    Passwd {
        /// Whose
        user: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Keep an account as it is, and let it do nothing: its sessions end on every node
    Disable {
        /// Which
        user: String,
    },
    /// Let a disabled account do everything again
    Enable {
        /// Which
        user: String,
    },
    /// End an account and its bots, for ever: nobody gets its name again
    #[command(
        after_help = "Examples:\n  chatctl users delete mallory\n  chatctl users delete mallory --purge-messages -y"
    )]
    Delete {
        /// Which
        user: String,
        /// Take away the texts of its messages too; else they stay, by an author who is shown as deleted
        #[arg(long)]
        purge_messages: bool,
    },
    /// Say what a user may do in all public rooms
    Role {
        /// Whose
        user: String,
        /// What
        #[arg(value_enum)]
        role: ServerRole,
    },
    /// The devices that are logged in, and where the user is now; or log some of them out
    #[command(after_help = "Examples:\n  chatctl users sessions alice\n  chatctl users sessions alice --revoke-all")]
    Sessions {
        /// Whose
        user: String,
        /// Log this device out
        #[arg(long, value_name = "ID", conflicts_with = "revoke_all")]
        revoke: Option<String>,
        /// Log all devices out
        #[arg(long)]
        revoke_all: bool,
    },
    /// Write all that is a user's into a file, as JSON lines; `-` is stdout
    Export {
        /// Whose
        user: String,
        /// Where to
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct PasswordArgs {
    /// Read the password from the first line of stdin, even from a terminal
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerRole {
    /// What any user may
    User,
    /// Take texts away, kick, ban and mute in every public room
    Moderator,
    /// What an owner may in every public room, but to give it away
    Admin,
}

impl ServerRole {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum RoomsCommand {
    /// The rooms, by name; private ones too, direct ones not
    #[command(after_help = "Examples:\n  chatctl rooms list\n  chatctl rooms list --match 'ops*'")]
    List(ListArgs),
    /// One room
    Show {
        /// Which
        room: String,
    },
    /// Make a room for a user
    #[command(
        after_help = "Examples:\n  chatctl rooms create ops --owner alice\n  chatctl rooms create den --owner alice --private --topic 'quiet'"
    )]
    Create {
        /// Its name
        room: String,
        /// Who will own it; without it, the oldest account with the highest server role
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// Invisible to everybody but its members
        #[arg(long)]
        private: bool,
        /// What it is about
        #[arg(long, default_value = "")]
        topic: String,
    },
    /// Close a room for writing
    Archive {
        /// Which
        room: String,
        /// Open it again
        #[arg(long)]
        undo: bool,
    },
    /// End a room with all that was said there
    #[command(after_help = "Examples:\n  chatctl rooms delete ops\n  chatctl rooms delete ops -y")]
    Delete {
        /// Which
        room: String,
    },
    /// Who is in a room
    Members {
        /// Which
        room: String,
    },
    /// Give a room to a user, who comes in if they are not there
    #[command(name = "set-owner", after_help = "Examples:\n  chatctl rooms set-owner ops alice")]
    SetOwner {
        /// Which
        room: String,
        /// To whom
        user: String,
    },
    /// How long a room remembers; without options it shows the rule
    #[command(
        after_help = "Examples:\n  chatctl rooms retention ops --max-age 30d --max-count 10000\n  chatctl rooms retention ops --max-age off"
    )]
    Retention {
        /// Which room
        room: String,
        #[command(flatten)]
        rule: RetentionArgs,
    },
    /// Write all that a room remembers into a file, as JSON lines; `-` is stdout
    Export {
        /// Which
        room: String,
        /// Where to
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BansCommand {
    /// Who has to stay out of the cluster
    List,
    /// Keep a user, or everybody from a range of addresses, out of the cluster
    #[command(
        after_help = "Examples:\n  chatctl bans add mallory --ttl 7d --reason 'spam'\n  chatctl bans add 192.0.2.0/24\n  chatctl bans add 2001:db8::/32 --ttl 24h"
    )]
    Add {
        /// A user's name, an address or a range of addresses
        #[arg(value_name = "USER|CIDR")]
        subject: String,
        /// For how long; without it for ever
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        ttl: Option<Duration>,
        /// Why, for people
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Keep them out no longer
    Remove {
        /// The ban's id
        id: BanId,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LockdownMode {
    /// Everybody may do everything
    Off,
    /// No account is made, nor a bot
    NoRegister,
    /// And only devices that are logged in are let in
    AuthOnly,
    /// And nobody changes anything; what is there may be read
    ReadOnly,
}

impl LockdownMode {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NoRegister => "no-register",
            Self::AuthOnly => "auth-only",
            Self::ReadOnly => "read-only",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// What operators did last
    #[command(after_help = "Examples:\n  chatctl audit tail\n  chatctl audit tail -f -n 0 -o jsonl")]
    Tail {
        /// Go on with what comes
        #[arg(short, long)]
        follow: bool,
        /// So many of those that are there
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1000))]
        lines: u32,
    },
    /// Walk the chain of this node's audit log, and compare it with the other nodes': exit 0 or 1
    Verify,
}
