//! JSON-RPC 2.0 on stdin and stdout, one object a line, for programs that are not written in Rust.
//!
//! [`parse`] reads a line, [`order`] keeps the requests of one room in the order in which they were written,
//! [`method`] does what they ask, with [`params`] as they are named, [`out`] owns stdout. Arrays (JSON-RPC batches) are refused:
//! a line is a request.

mod method;
mod order;
mod out;
mod params;
mod parse;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use quorate_client::{Client, Notice, Notices, TypingNotices};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::Semaphore;

use crate::exit::Exit;
use crate::place;
use method::Methods;
use order::Order;
use out::Out;

/// A line, in bytes: a message of 64 KiB, each byte of it written as an escape.
const LINE_MAX_BYTES: u64 = 512 * 1024;
/// Requests under way. Beyond that nothing is read.
const IN_FLIGHT_MAX: u32 = 4096;
/// How long a program may run before it first reaches a node and is still told whom it trusts: a day.
const FIRST_MET_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Until stdin is closed, and then until the outbox is done or that has taken too long.
pub(crate) async fn serve(client: Client, invite: Option<&str>, finish_within: Duration) -> Result<(), Exit> {
    let (out, broken) = Out::begin();
    tokio::spawn(tell(client.notices(), out.clone()));
    tokio::spawn(tell_typing(client.typing_notices(), out.clone()));
    tokio::spawn(tell_first_met(client.clone()));
    tokio::select! {
        result = answer_all(&client, &out, invite) => result?,
        () = broken => return Err(Exit::broken_pipe()),
    }
    let left = client.drain(finish_within).await;
    client.close().await;
    out.end().await;
    match left {
        0 => Ok(()),
        _ => Err(Exit::unfinished(format!(
            "{left} changes are not answered yet; the next run finishes the messages"
        ))),
    }
}

async fn answer_all(client: &Client, out: &Out, invite: Option<&str>) -> Result<(), Exit> {
    let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX as usize));
    let mut order = Order::new(Methods::new(client.clone(), out.clone(), invite), out.clone());
    let mut input = BufReader::new(tokio::io::stdin());
    while let Some(line) = next_line(&mut input).await? {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        match line {
            Line::Blank => {}
            Line::TooLong => out.send(&parse::too_long()).await,
            Line::Text(bytes) => match parse::request(&bytes) {
                Err(response) => out.send(&response).await,
                Ok(request) if request.is_about_the_account() => {
                    // Everything written before it was meant for the account before it.
                    drop(place);
                    let all = places.acquire_many(IN_FLIGHT_MAX).await;
                    order.now(request).await;
                    drop(all);
                }
                Ok(request) => order.push(request, place).await,
            },
        }
    }
    // All that is under way has a deadline of its own.
    let _ = places.acquire_many(IN_FLIGHT_MAX).await;
    Ok(())
}

enum Line {
    Blank,
    TooLong,
    Text(Vec<u8>),
}

async fn next_line(input: &mut BufReader<tokio::io::Stdin>) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    if (&mut *input).take(LINE_MAX_BYTES).read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    if line.len() as u64 == LINE_MAX_BYTES && !line.ends_with(b"\n") {
        // The rest of it is of no use either.
        loop {
            line.clear();
            let read = (&mut *input).take(LINE_MAX_BYTES).read_until(b'\n', &mut line).await?;
            if read == 0 || line.ends_with(b"\n") {
                return Ok(Some(Line::TooLong));
            }
        }
    }
    Ok(Some(if line.trim_ascii().is_empty() {
        Line::Blank
    } else {
        Line::Text(line)
    }))
}

async fn tell(mut notices: Notices, out: Out) {
    while let Some(notice) = notices.next().await {
        let (method, params) = match notice {
            Notice::Connection(now) => {
                let node = now.node.map(|node| node.0);
                (
                    "connection",
                    json!({"state": now.state.as_str(), "node": node, "cause": now.cause}),
                )
            }
            Notice::Leader(leader) => ("leader", json!({"node": leader.map(|leader| leader.0)})),
        };
        out.notify(method, params).await;
    }
}

async fn tell_typing(mut notices: TypingNotices, out: Out) {
    while let Some(typing) = notices.next().await {
        let params = json!({"room": typing.room.as_str(), "user": typing.user.as_str()});
        out.notify("typing", params).await;
    }
}

async fn tell_first_met(client: Client) {
    // Each request tells its own failure.
    let _ = client.connected(FIRST_MET_WAIT).await;
    place::tell_first_met(&client);
}
