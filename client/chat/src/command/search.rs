//! What is looked for, and what mentions the user: newest first, page by page.

use quorate_client::{Client, FoundPage, RequestError, SearchAsk};

use crate::cli::{FoundArgs, MentionsArgs, SearchArgs};
use crate::exit::Exit;
use crate::output;

/// Messages that are asked for at once.
const PAGE: u16 = 500;

pub(super) async fn search(client: &Client, args: &SearchArgs, json: bool) -> Result<(), Exit> {
    let words = args.words.join(" ");
    let page = async |before: Option<String>, limit: u16| {
        let ask = SearchAsk {
            words: words.clone(),
            room: args.room.clone(),
            from: args.from.clone(),
            since: args.since,
            until: args.until,
            before,
            limit,
        };
        client.search(ask).await
    };
    show(page, &args.page, json).await
}

pub(super) async fn mentions(client: &Client, args: &MentionsArgs, json: bool) -> Result<(), Exit> {
    let page = async |before: Option<String>, limit: u16| client.mentions(args.unread, before.as_deref(), limit).await;
    show(page, &args.page, json).await
}

async fn show(
    page: impl AsyncFn(Option<String>, u16) -> Result<FoundPage, RequestError>,
    args: &FoundArgs,
    json: bool,
) -> Result<(), Exit> {
    let mut before = args.before.clone();
    let mut left = args.count;
    loop {
        let found = page(before.clone(), u16::try_from(left).unwrap_or(PAGE).min(PAGE)).await?;
        for event in &found.events {
            output::event(json, event, true)?;
        }
        left = left.saturating_sub(u32::try_from(found.events.len()).unwrap_or(u32::MAX));
        let is_over = found.next.is_none() || found.next == before;
        if is_over || left == 0 {
            output::next(json, found.next.as_deref().filter(|_| !is_over));
            return Ok(());
        }
        before = found.next;
    }
}
