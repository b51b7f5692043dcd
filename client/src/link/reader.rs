//! Takes what a node sends and hands it to whom it is for. Waits for nobody.

use std::time::Duration;

use quorate_protocol::Frame;
use quorate_protocol::client::{
    self, BodyError, Feed, FeedEnded, Goodbye, IsTyping, Leader, Nodes, Ping, Pong, Reply, kind,
};
use quorate_transport::FrameReceiver;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::timeout;

use super::{FeedPart, Link};

/// Between the end of a session's stream and the connection's, which says why.
const LAST_WORD: Duration = Duration::from_millis(250);

pub(super) async fn read(link: Link, mut receiver: FrameReceiver) {
    let cause = loop {
        match receiver.recv().await {
            Ok(Some(frame)) => {
                link.heard();
                if let Err(error) = take(&link, &frame) {
                    break error.to_string();
                }
            }
            // The stream may end, or break off, a moment before the connection, whose reason is right behind.
            Ok(None) => break last_word(&link, "the node ended the session".to_owned()).await,
            Err(error) => break last_word(&link, error.to_string()).await,
        }
    };
    link.die(&cause);
}

/// Why the node closed the connection; if it does not, what is known otherwise.
async fn last_word(link: &Link, otherwise: String) -> String {
    match timeout(LAST_WORD, link.0.connection.closed()).await {
        Ok(reason) => reason.to_string(),
        Err(_) => otherwise,
    }
}

fn take(link: &Link, frame: &Frame) -> Result<(), BodyError> {
    match frame.kind {
        kind::REPLY => {
            let reply: Reply = client::parse(frame)?;
            link.0.seen.raise(reply.seen);
            let waiting = link.table().pending.remove(&reply.call);
            if let Some(waiting) = waiting {
                // Whoever asked may have gone.
                let _ = waiting.tell.send(reply);
            }
        }
        kind::FEED => {
            let feed: Feed = client::parse(frame)?;
            link.0.seen.raise(feed.seen);
            let id = feed.feed;
            let full = {
                let table = link.table();
                let parts = table.feeds.get(&id);
                parts.is_some_and(|parts| matches!(parts.try_send(FeedPart::Events(feed)), Err(TrySendError::Full(_))))
            };
            if full {
                // It alone pays for being slow: it is followed again from where its reader is.
                link.drop_feed(id);
            }
        }
        kind::FEED_ENDED => {
            let ended: FeedEnded = client::parse(frame)?;
            if let Some(parts) = link.table().feeds.remove(&ended.feed) {
                // With no place its reader finds out when it follows the room again.
                let _ = parts.try_send(FeedPart::Ended(ended.code));
            }
        }
        kind::PONG => {
            client::parse::<Pong>(frame)?;
            link.0.pong.notify_one();
        }
        kind::PING => {
            let ping: Ping = client::parse(frame)?;
            let _ = link.0.out.try_send(client::frame(&Pong { token: ping.token }));
        }
        kind::LEADER => {
            let Leader { leader } = client::parse(frame)?;
            link.0.leader.send_replace(leader);
            link.report(leader.is_some());
        }
        kind::NODES => {
            let Nodes { nodes } = client::parse(frame)?;
            link.0
                .nodes
                .send_replace(nodes.into_iter().map(|node| node.addr).collect());
        }
        kind::IS_TYPING => {
            let notice: IsTyping = client::parse(frame)?;
            if let Some(typing) = link.0.typing.get() {
                // Nobody has to listen.
                let _ = typing.send(notice);
            }
        }
        kind::GOODBYE => {
            let goodbye: Goodbye = client::parse(frame)?;
            link.0.goodbye.send_replace(Some(goodbye.reason));
        }
        other => tracing::debug!(kind = other, "a frame of an unknown kind was skipped"),
    }
    Ok(())
}
