//! Messages: sent, read, looked for, changed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use quorate_client::{Emoji, Reason, RoomRef, Seq, Timestamp, UserName};

use crate::{target, time};

#[derive(Debug, Subcommand)]
pub(crate) enum MessageCommand {
    /// Post a message, and print its seq once it is on the disks of a majority
    #[command(after_help = "Examples:
  chat send ops 'the build is green'
  chat send @bob 'a word in private'
  chat send ops '/me goes home'
  chat send ops --reply 7 'yes'
  make 2>&1 | tail -20 | chat send ops -
  chat send ops --id deploy-4711 'deployed'

With --id the same message is posted once, however often it is sent. A text that begins with a dash goes behind `--`.")]
    Send(SendArgs),
    /// Show a part of a room's past
    #[command(after_help = "Examples:
  chat history ops
  chat history ops -n 200 --before 4000
  chat history @bob --after 17 --json")]
    History(HistoryArgs),
    /// Show the end of rooms, and follow them
    #[command(after_help = "Examples:
  chat tail ops
  chat tail -f ops @bob
  chat tail -f ops --from 1 --json")]
    Tail(TailArgs),
    /// List what is unread, and where you are mentioned
    #[command(after_help = "Examples:\n  chat unread\n  chat unread --json")]
    Unread,
    /// Mark a room as read
    #[command(after_help = "Examples:\n  chat read ops\n  chat read @bob --upto 17")]
    Read(ReadArgs),
    /// Show the messages that mention you, newest first
    #[command(after_help = "Examples:
  chat mentions
  chat mentions --unread
  chat mentions -n 10 --json

When there are more, where they begin is told on stderr: as `next: CURSOR`, with --json as {\"next\":\"CURSOR\"}; --before takes it.")]
    Mentions(MentionsArgs),
    /// Look for messages, newest first
    #[command(after_help = "Examples:
  chat search disk full
  chat search '\"disk full\"' --room ops --from bob
  chat search deploy --since 30d --until 2026-11-22T08:00:00Z -n 10

All words have to be there; words in double quotes have to stand together. When there is more, where it begins is told on \
stderr: as `next: CURSOR`, with --json as {\"next\":\"CURSOR\"}; --before takes it.")]
    Search(SearchArgs),
    /// Give an own message another text
    #[command(after_help = "Examples:\n  chat edit ops 17 'the build is red'\n  fortune | chat edit @bob 3 -")]
    Edit(EditArgs),
    /// Take the texts of messages away: own ones, or as a moderator anybody's
    #[command(after_help = "Examples:\n  chat delete ops 17\n  chat delete ops 17 18 19 --reason spam")]
    Delete(DeleteArgs),
    /// Put an emoji to a message, or take it away
    #[command(after_help = "Examples:\n  chat react ops 17 👍\n  chat react ops 17 👍 --remove")]
    React(ReactArgs),
    /// Show a message as it was posted, and each edit of it
    #[command(after_help = "Examples:\n  chat revisions ops 17")]
    Revisions(RevisionsArgs),
    /// Write all that a room remembers, or all that is yours, to a file
    #[command(
        override_usage = "chat export [OPTIONS] <ROOM|@USER> <FILE>\n       chat export [OPTIONS] --mine <FILE>",
        after_help = "Examples:
  chat export ops ops.jsonl
  chat export @bob - | gzip > bob.jsonl.gz
  chat export --mine me.jsonl

One JSON object a line. A room's lines have the seqs from the oldest kept one to the last, each once: that is checked, and told. With \
--mine the first line holds the account, its devices, bots and rooms, and your own messages follow. The file appears when it is \
complete; `-` is stdout."
    )]
    Export(ExportArgs),
}

#[derive(Args, Debug)]
pub(crate) struct SendArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) to: RoomRef,
    /// The message; `-` reads stdin, as does leaving it out
    pub(crate) text: Option<String>,
    /// The seq of the message that this one answers
    #[arg(long, value_name = "SEQ")]
    pub(crate) reply: Option<Seq>,
    /// An idempotency key: sending with it again finds the first message
    #[arg(long, value_name = "KEY")]
    pub(crate) id: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: RoomRef,
    /// At most so many events
    #[arg(short = 'n', default_value_t = 50, value_name = "COUNT")]
    pub(crate) count: usize,
    /// Only what stands before this seq
    #[arg(long, value_name = "SEQ", conflicts_with = "after")]
    pub(crate) before: Option<Seq>,
    /// Only what comes after this seq
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<Seq>,
    /// Ask the cluster rather than the node, so that nothing acknowledged is missing
    #[arg(long)]
    pub(crate) linearizable: bool,
}

#[derive(Args, Debug)]
pub(crate) struct TailArgs {
    /// Rooms, or @USERs
    #[arg(required = true, value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) rooms: Vec<RoomRef>,
    /// Go on with what is posted from now on
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Begin so many events before the end
    #[arg(short = 'n', default_value_t = 10, value_name = "COUNT")]
    pub(crate) count: u64,
    /// Begin with this seq
    #[arg(long, value_name = "SEQ")]
    pub(crate) from: Option<Seq>,
    /// Go on after what was last printed under this name; the first time, begin as without it
    #[arg(long, value_name = "NAME")]
    pub(crate) cursor: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ReadArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: RoomRef,
    /// Up to this seq rather than to the end
    #[arg(long, value_name = "SEQ")]
    pub(crate) upto: Option<Seq>,
}

#[derive(Args, Debug)]
pub(crate) struct MentionsArgs {
    /// Only those that are not read yet
    #[arg(long)]
    pub(crate) unread: bool,
    #[command(flatten)]
    pub(crate) page: FoundArgs,
}

/// Which part of what is found.
#[derive(Args, Debug)]
pub(crate) struct FoundArgs {
    /// At most so many messages
    #[arg(short = 'n', default_value_t = 50, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) count: u32,
    /// Go on where the page before ended
    #[arg(long, value_name = "CURSOR")]
    pub(crate) before: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct SearchArgs {
    /// What to look for
    #[arg(required = true, value_name = "WORDS")]
    pub(crate) words: Vec<String>,
    /// Only in this room (or with this @USER)
    #[arg(long, value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: Option<RoomRef>,
    /// Only by this author
    #[arg(long, value_name = "USER", value_parser = target::parse_user)]
    pub(crate) from: Option<UserName>,
    /// Not before this time: RFC 3339, or a duration ago (24h)
    #[arg(long, value_name = "TIME", value_parser = time::parse_moment)]
    pub(crate) since: Option<Timestamp>,
    /// Not after this time
    #[arg(long, value_name = "TIME", value_parser = time::parse_moment)]
    pub(crate) until: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) page: FoundArgs,
}

#[derive(Args, Debug)]
pub(crate) struct EditArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: RoomRef,
    /// The message
    pub(crate) seq: Seq,
    /// Its text from now on; `-` reads stdin
    pub(crate) text: String,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: RoomRef,
    /// The messages
    #[arg(required = true, value_name = "SEQ")]
    pub(crate) seqs: Vec<Seq>,
    /// Why; everybody in the room sees it
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<Reason>,
}

#[derive(Args, Debug)]
pub(crate) struct ReactArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: RoomRef,
    /// The message
    pub(crate) seq: Seq,
    pub(crate) emoji: Emoji,
    /// Take it away rather than put it there
    #[arg(long)]
    pub(crate) remove: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RevisionsArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room)]
    pub(crate) room: RoomRef,
    /// The message
    pub(crate) seq: Seq,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// A room, or @USER
    #[arg(value_name = "ROOM|@USER", value_parser = target::parse_room, required_unless_present = "mine", requires = "file")]
    pub(crate) room: Option<RoomRef>,
    /// Where to; `-` is stdout
    #[arg(value_name = "FILE", required_unless_present = "mine")]
    pub(crate) file: Option<PathBuf>,
    /// Your account, devices, bots, rooms and messages, to this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["room", "file"])]
    pub(crate) mine: Option<PathBuf>,
}
