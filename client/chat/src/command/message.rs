//! Messages: sending, reading, changing.

use std::io::{self, IsTerminal};

use quorate_client::{BODY_BYTES_MAX, Body, BodyError, Client, OutboxKind, Post, Range, RequestError, RoomRef, Seq};
use serde_json::json;

use super::tail::Tail;
use super::{ask, export, once, open, paged, search};
use crate::cli::{
    Cli, DeleteArgs, EditArgs, HistoryArgs, MessageCommand, ReactArgs, ReadArgs, RevisionsArgs, SendArgs,
};
use crate::exit::Exit;
use crate::{interrupt, json as forms, output};

/// A little more than a message may hold and the newline behind it, so that one that is too long is told so.
const STDIN_MAX_BYTES: u64 = BODY_BYTES_MAX as u64 + 2;

pub(super) async fn run(cli: &Cli, command: &MessageCommand) -> Result<(), Exit> {
    let json = cli.json;
    let outbox = match command {
        MessageCommand::Send(_) | MessageCommand::Edit(_) | MessageCommand::Delete(_) | MessageCommand::React(_) => {
            OutboxKind::Durable
        }
        // Nothing to keep, and no time to finish what others left.
        _ => OutboxKind::Memory,
    };
    let client = &open(cli, outbox)?;
    match command {
        MessageCommand::Send(args) => {
            let post = post(args).await?;
            once(client, async |client| send(client, post, json).await).await
        }
        MessageCommand::History(args) => once(client, async |client| history(client, args, json).await).await,
        MessageCommand::Tail(args) => {
            let tail = Tail {
                rooms: &args.rooms,
                count: args.count,
                from: args.from,
                cursor: args.cursor.as_deref(),
                json,
            };
            match args.follow {
                true => interrupt::or(tail.follow(client)).await,
                false => once(client, async |client| tail.show(client).await).await,
            }
        }
        MessageCommand::Unread => once(client, async |client| unread(client, json).await).await,
        MessageCommand::Read(args) => once(client, async |client| read(client, args, json).await).await,
        MessageCommand::Mentions(args) => paged(client, search::mentions(client, args, json)).await,
        MessageCommand::Search(args) => paged(client, search::search(client, args, json)).await,
        MessageCommand::Edit(args) => {
            let text = match args.text.as_str() {
                "-" => stdin().await?,
                text => text.to_owned(),
            };
            let body = parse_body(&args.room, &text)?;
            once(client, async |client| edit(client, args, body, json).await).await
        }
        MessageCommand::Delete(args) => Box::pin(once(client, async |client| delete(client, args, json).await)).await,
        MessageCommand::React(args) => once(client, async |client| react(client, args, json).await).await,
        MessageCommand::Revisions(args) => once(client, async |client| revisions(client, args, json).await).await,
        MessageCommand::Export(args) => paged(client, export::run(client, args, json)).await,
    }
}

/// The message, before anybody is asked for anything: stdin may take its time.
async fn post(args: &SendArgs) -> Result<Post, Exit> {
    let text = match args.text.as_deref() {
        Some("-") => stdin().await?,
        Some(text) => text.to_owned(),
        None if io::stdin().is_terminal() => return Err(Exit::usage("what is to be sent? give TEXT, or - for stdin")),
        None => stdin().await?,
    };
    let mut post = Post::new(args.to.clone(), &text)?;
    post.reply_to = args.reply;
    match &args.id {
        Some(id) => Ok(post.with_id(id)?),
        None => Ok(post),
    }
}

async fn send(client: &Client, post: Post, json: bool) -> Result<(), Exit> {
    let posted = client.post(post).await?;
    output::either(json, &forms::posted(&posted), &posted.seq.to_string())
}

/// All of stdin, without the newline that ends it.
async fn stdin() -> Result<String, Exit> {
    Ok(text(ask::all(STDIN_MAX_BYTES).await?)?)
}

/// What is too long may end within a character, and is told as too long.
fn text(mut bytes: Vec<u8>) -> Result<String, RequestError> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    let refused = |code: &str, message: String| RequestError::Refused {
        code: code.to_owned(),
        message,
    };
    if bytes.len() > BODY_BYTES_MAX {
        return Err(refused("too-large", BodyError::TooLarge.to_string()));
    }
    String::from_utf8(bytes).map_err(|_| refused("bad-body", "stdin is not UTF-8".to_owned()))
}

async fn history(client: &Client, args: &HistoryArgs, json: bool) -> Result<(), Exit> {
    let range = match (args.before, args.after) {
        (Some(seq), _) => Range::Before(seq),
        (None, Some(seq)) => Range::After(seq),
        (None, None) => Range::Newest,
    };
    let history = client.history(&args.room, range, args.count, args.linearizable).await?;
    history
        .events
        .iter()
        .try_for_each(|event| output::event(json, event, false))
}

async fn unread(client: &Client, json: bool) -> Result<(), Exit> {
    let rows = client.unread().await?;
    // People want to see what is unread, programs all rooms.
    let shown = rows.iter().filter(|row| json || row.unread > 0);
    let rows = shown.map(|row| {
        let mentions = match row.mentions {
            0 => String::new(),
            mentions => format!("@{mentions}"),
        };
        (
            forms::unread(row),
            vec![row.room.to_string(), row.unread.to_string(), mentions],
        )
    });
    output::rows(json, rows.collect())
}

async fn read(client: &Client, args: &ReadArgs, json: bool) -> Result<(), Exit> {
    let upto = match args.upto {
        Some(upto) => upto,
        None => client.room(&args.room).await?.last,
    };
    let upto = client.mark_read(&args.room, upto).await?;
    output::either(json, &json!({"last_read": upto.0}), &upto.to_string())
}

async fn edit(client: &Client, args: &EditArgs, body: Body, json: bool) -> Result<(), Exit> {
    let seq = client.edit(&args.room, args.seq, body).await?;
    output::either(
        json,
        &json!({"target": args.seq.0, "seq": seq.0}),
        &format!("edited {}", args.seq),
    )
}

/// A body is refused here for the same reasons and with the same codes as one that is posted.
fn parse_body(room: &RoomRef, text: &str) -> Result<Body, RequestError> {
    Post::new(room.clone(), text).map(|post| post.body)
}

async fn delete(client: &Client, args: &DeleteArgs, json: bool) -> Result<(), Exit> {
    // All of them are in the outbox before the first is answered.
    let deleting: Vec<_> = args
        .seqs
        .iter()
        .map(|seq| (*seq, client.redact(&args.room, *seq, args.reason.clone())))
        .collect();
    let mut first_error = Ok(());
    for (seq, deleted) in deleting {
        match deleted.await {
            Ok(line) => changed(seq, line, "deleted", json)?,
            Err(error) => first_error = first_error.and(Err(error.into())),
        }
    }
    first_error
}

async fn react(client: &Client, args: &ReactArgs, json: bool) -> Result<(), Exit> {
    let line = client
        .react(&args.room, args.seq, args.emoji.clone(), args.remove)
        .await?;
    let what = if args.remove {
        "took a reaction back:"
    } else {
        "reacted to"
    };
    changed(args.seq, line, what, json)
}

/// Without a line it was so before.
fn changed(target: Seq, line: Option<Seq>, what: &str, json: bool) -> Result<(), Exit> {
    let object = json!({"target": target.0, "seq": line.map(|seq| seq.0)});
    let before = if line.is_none() { " (it was so before)" } else { "" };
    output::either(json, &object, &format!("{what} {target}{before}"))
}

async fn revisions(client: &Client, args: &RevisionsArgs, json: bool) -> Result<(), Exit> {
    let events = client.revisions(&args.room, args.seq).await?;
    events.iter().try_for_each(|event| output::event(json, event, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(bytes: Vec<u8>) -> String {
        text(bytes).unwrap_err().code().to_owned()
    }

    #[test]
    fn what_is_too_long_says_so_wherever_it_was_cut_and_what_is_no_text_too() {
        let crab = "\u{1f980}";
        assert_eq!(text(format!("{crab}\n\n").into()).unwrap(), format!("{crab}\n"));
        let full = crab.repeat(BODY_BYTES_MAX / crab.len());
        assert_eq!(text(format!("{full}\n").into()).unwrap(), full);
        let cut = usize::try_from(STDIN_MAX_BYTES).unwrap();
        assert_eq!(
            code_of(crab.repeat(BODY_BYTES_MAX).into_bytes()[..cut].to_vec()),
            "too-large"
        );
        assert_eq!(code_of(vec![0xff, 0xfe]), "bad-body");
    }
}
