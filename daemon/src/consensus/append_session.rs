//! One replication stream, as long as it lasts: requests out, answers in, both in order.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use quorate_transport::{FrameReceiver, FrameSender};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::network::{CallError, answer};
use super::wire::{self, Append, AppendReply};

/// Requests that are under way and not answered. While the window is full, entries gather: without it each request carries
/// two or three of them, with it dozens, at a lower latency.
const WINDOW_REQUESTS: usize = 8;

/// Sends what comes from `input`, at most [`WINDOW_REQUESTS`] ahead of the answers, and yields those. Each must come within
/// `reply_deadline` once it is the next; without that, a session over a link that died in one direction would hang for
/// ever. Ends when the input has ended and all is answered, or with the first error.
///
/// Both halves run inside the returned stream, so that dropping it ends the reading of `input` at once.
pub(crate) fn run<S>(
    input: S,
    send: FrameSender,
    recv: FrameReceiver,
    reply_deadline: Duration,
) -> impl Stream<Item = Result<AppendReply, CallError>> + Send
where
    S: Stream<Item = Append> + Send + Unpin + 'static,
{
    // The one whose answer is awaited has left the channel.
    let (sent, awaited) = mpsc::channel(WINDOW_REQUESTS - 1);
    Session {
        sending: Some(Box::pin(send_all(input, send, sent))),
        replies: stream::unfold(Some((awaited, recv)), move |state| next_reply(state, reply_deadline)).boxed(),
    }
}

/// A request went out, or could not.
type Sent = Result<(), CallError>;

async fn send_all<S>(mut input: S, mut send: FrameSender, sent: mpsc::Sender<Sent>)
where
    S: Stream<Item = Append> + Send + Unpin,
{
    while let Ok(room) = sent.reserve().await {
        let Some(request) = input.next().await else {
            // Whether the end arrives shows in the answers.
            let _ = send.finish();
            return;
        };
        // Before the sending, so that a request that the peer's flow control holds up has its deadline too.
        room.send(Ok(()));
        if let Err(error) = send.send(&wire::append(&request)).await {
            let _ = sent.send(Err(error.into())).await;
            return;
        }
    }
}

type Replies = Option<(mpsc::Receiver<Sent>, FrameReceiver)>;

async fn next_reply(state: Replies, deadline: Duration) -> Option<(Result<AppendReply, CallError>, Replies)> {
    let (mut awaited, mut recv) = state?;
    let reply = match awaited.recv().await? {
        Ok(()) => match timeout(deadline, answer(&mut recv)).await {
            Ok(frame) => frame.and_then(|frame| Ok(wire::append_reply_in(&frame)?)),
            Err(_) => Err(CallError::Deadline(deadline)),
        },
        Err(error) => Err(error),
    };
    let state = reply.is_ok().then_some((awaited, recv));
    Some((reply, state))
}

struct Session {
    sending: Option<BoxFuture<'static, ()>>,
    replies: BoxStream<'static, Result<AppendReply, CallError>>,
}

impl Stream for Session {
    type Item = Result<AppendReply, CallError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(sending) = &mut self.sending
            && sending.as_mut().poll(context).is_ready()
        {
            self.sending = None;
        }
        self.replies.as_mut().poll_next(context)
    }
}
