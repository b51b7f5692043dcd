//! Rooms and who is in them.

use clap::{Args, Subcommand, ValueEnum};
use quorate_client::{RETENTION_AGE_MIN, Reason, Role, RoomName, RoomRef, Span, Topic, UserName};

use crate::{target, time};

#[derive(Debug, Subcommand)]
pub(crate) enum RoomCommand {
    /// List the rooms that you are in or invited to
    #[command(after_help = "Examples:\n  chat rooms\n  chat rooms --all --json")]
    Rooms {
        /// The public ones too
        #[arg(long)]
        all: bool,
    },
    /// Make a room; you are its owner
    #[command(after_help = "Examples:
  chat create ops --topic 'What is on fire'
  chat create plans --private")]
    Create(CreateArgs),
    /// Become a member of a room
    #[command(after_help = "Examples:\n  chat join ops")]
    Join { room: RoomName },
    /// Be a member no longer, or decline an invitation
    #[command(after_help = "Examples:\n  chat leave ops

When the last owner leaves, the longest-standing moderator (else member) becomes the owner.")]
    Leave { room: RoomName },
    /// Let somebody join a private room
    #[command(after_help = "Examples:\n  chat invite plans bob")]
    Invite(Whom),
    /// End somebody's membership; they may join again
    #[command(after_help = "Examples:\n  chat kick ops bob --reason 'wrong room'")]
    Kick(KickArgs),
    /// Keep somebody out
    #[command(after_help = "Examples:\n  chat ban ops mallory\n  chat ban ops mallory --for 24h --reason spam")]
    Ban(MemberArgs),
    /// Keep somebody out no longer
    #[command(after_help = "Examples:\n  chat unban ops mallory")]
    Unban(Whom),
    /// List who is kept out
    #[command(after_help = "Examples:\n  chat bans ops\n  chat bans ops --json")]
    Bans { room: RoomName },
    /// Let a member only read
    #[command(after_help = "Examples:\n  chat mute ops bob --for 15m --reason 'calm down'")]
    Mute(MemberArgs),
    /// Let a member write again
    #[command(after_help = "Examples:\n  chat unmute ops bob")]
    Unmute(Whom),
    /// Say what a member may do
    #[command(after_help = "Examples:\n  chat role ops bob moderator\n  chat role ops eve read-only")]
    Role {
        #[command(flatten)]
        whom: Whom,
        role: RoleArg,
    },
    /// Give a room to another member; you are a moderator then
    #[command(after_help = "Examples:\n  chat transfer ops bob")]
    Transfer(Whom),
    /// Close a room for writing
    #[command(after_help = "Examples:\n  chat archive ops")]
    Archive { room: RoomName },
    /// Open an archived room again
    #[command(after_help = "Examples:\n  chat unarchive ops")]
    Unarchive { room: RoomName },
    /// End a room with all that was said in it
    #[command(after_help = "Examples:
  chat delete-room ops
  chat delete-room ops --yes

The room's name has to be typed, unless --yes is given. Without a terminal to type it on and without --yes nothing happens, and the \
program ends with 7.")]
    DeleteRoom {
        room: RoomName,
        /// Do not ask for the name to be typed
        #[arg(long, short)]
        yes: bool,
    },
    /// Show or set how long a room remembers
    #[command(after_help = "Examples:
  chat retention ops
  chat retention ops --max-age 30d
  chat retention ops --max-age off --max-count 10000

What is over either bound goes, oldest first. A bound that is not named stays as it is; `off` lifts it, and the servers' own \
rule holds, if there is one. Both bounds are written, the one that is not named as it was read just before: of two who change \
them at the same moment the later one holds. An age is a minute (1m) or more.")]
    Retention(RetentionArgs),
    /// List the members of a room
    #[command(after_help = "Examples:\n  chat members ops\n  chat members @bob --json")]
    Members {
        /// A room, or @USER
        #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
        room: RoomRef,
    },
    /// Say what a room is about
    #[command(after_help = "Examples:\n  chat topic ops 'What is on fire'\n  chat topic ops ''")]
    Topic { room: RoomName, topic: Topic },
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    pub(crate) room: RoomName,
    /// Invisible to everybody but its members
    #[arg(long)]
    pub(crate) private: bool,
    /// What it is about
    #[arg(long, default_value = "")]
    pub(crate) topic: Topic,
}

/// Somebody in a room.
#[derive(Args, Debug)]
pub(crate) struct Whom {
    pub(crate) room: RoomName,
    #[arg(value_parser = target::parse_user)]
    pub(crate) user: UserName,
}

#[derive(Args, Debug)]
pub(crate) struct KickArgs {
    #[command(flatten)]
    pub(crate) whom: Whom,
    /// Why; everybody in the room sees it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<Reason>,
}

/// What is done to a member for some time.
#[derive(Args, Debug)]
pub(crate) struct MemberArgs {
    #[command(flatten)]
    pub(crate) whom: Whom,
    /// For how long (15m, 24h, 30d); without it for ever
    #[arg(long = "for", value_name = "DURATION", value_parser = time::parse_span)]
    pub(crate) lasting: Option<Span>,
    /// Why; everybody in the room sees it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<Reason>,
}

#[derive(Args, Debug)]
pub(crate) struct RetentionArgs {
    pub(crate) room: RoomName,
    /// Messages older than this go (24h, 30d); `off`: none for their age
    #[arg(long, value_name = "DURATION|off", value_parser = parse_age)]
    pub(crate) max_age: Option<Limit<Span>>,
    /// So many messages are kept at the most; `off`: all
    #[arg(long, value_name = "COUNT|off", value_parser = parse_count)]
    pub(crate) max_count: Option<Limit<u64>>,
}

/// A bound that may be lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Limit<T> {
    Off,
    To(T),
}

impl<T> Limit<T> {
    /// The bound, if there is one.
    pub(crate) fn bound(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::To(bound) => Some(bound),
        }
    }
}

/// Reads a duration or `off`.
pub(crate) fn parse_age(text: &str) -> Result<Limit<Span>, String> {
    match text {
        "off" => Ok(Limit::Off),
        text => match time::parse_span(text)? {
            Span(ms) if u128::from(ms) < RETENTION_AGE_MIN.as_millis() => {
                Err("a room remembers for a minute (1m) at least".to_owned())
            }
            span => Ok(Limit::To(span)),
        },
    }
}

fn parse_count(text: &str) -> Result<Limit<u64>, String> {
    match (text, text.parse()) {
        ("off", _) => Ok(Limit::Off),
        (_, Ok(count)) => Ok(Limit::To(count)),
        (_, Err(_)) => Err("a number, or off".to_owned()),
    }
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Everything
    Owner,
    /// All but to give the room away, archive or delete it, and to make moderators
    Moderator,
    /// Post and read
    Member,
    /// Read
    ReadOnly,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Owner => Self::Owner,
            RoleArg::Moderator => Self::Moderator,
            RoleArg::Member => Self::Member,
            RoleArg::ReadOnly => Self::ReadOnly,
        }
    }
}
