//! Sending, and looking back.

use std::io::{self, IsTerminal, Read};

use quorate_client::{Client, Post, Range, Seq};

use super::room_ref;
use crate::exit::Exit;
use crate::{json as forms, output};

/// A little more than a message may hold, so that one that is too long is told so.
const STDIN_MAX_BYTES: u64 = 64 * 1024 + 16;

pub(super) async fn send(
    client: &Client,
    to: &str,
    text: Option<&str>,
    reply: Option<u64>,
    id: Option<&str>,
    json: bool,
) -> Result<(), Exit> {
    let text = match text {
        Some("-") => stdin()?,
        Some(text) => text.to_owned(),
        None if io::stdin().is_terminal() => return Err(Exit::usage("what is to be sent? give TEXT, or - for stdin")),
        None => stdin()?,
    };
    let mut post = Post::new(room_ref(to)?, &text)?;
    post.reply_to = reply.map(Seq);
    if let Some(id) = id {
        post = post.with_id(id)?;
    }
    let posted = client.post(post).await?;
    output::either(json, &forms::posted(&posted), &posted.seq.to_string())
}

/// All of stdin, without the newline that ends it.
fn stdin() -> Result<String, Exit> {
    let mut text = String::new();
    io::stdin().lock().take(STDIN_MAX_BYTES).read_to_string(&mut text)?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(text)
}

pub(super) async fn history(
    client: &Client,
    room: &str,
    count: usize,
    before: Option<u64>,
    after: Option<u64>,
    linearizable: bool,
    json: bool,
) -> Result<(), Exit> {
    let range = match (before, after) {
        (Some(seq), _) => Range::Before(Seq(seq)),
        (None, Some(seq)) => Range::After(Seq(seq)),
        (None, None) => Range::Newest,
    };
    let history = client.history(&room_ref(room)?, range, count, linearizable).await?;
    history
        .events
        .iter()
        .try_for_each(|event| output::event(json, event, false))
}
