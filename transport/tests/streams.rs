//! Frames over real connections, and how streams end.

#[cfg(test)]
mod support;

use bytes::Bytes;
use quorate_protocol::{FRAME_MAX_BEFORE_LOGIN_BYTES, FRAME_MAX_CLIENT_BYTES, Frame, FrameError};
use quorate_transport::{
    ClientDialer, CloseCode, CloseReason, Connection, Listener, Port, RecvError, ResetCode, SendError,
};
use support::{Cluster, stream, within};

struct Pair {
    dialled: Connection,
    accepted: Connection,
    _ports: (Listener, ClientDialer),
}

async fn pair() -> Pair {
    let cluster = Cluster::new();
    let (mut listener, dialer) = (cluster.listen(1, Port::Client), ClientDialer::new());
    let (dialled, accepted) = cluster.connected_device(&mut listener, &dialer).await;
    Pair {
        dialled,
        accepted,
        _ports: (listener, dialer),
    }
}

#[tokio::test]
async fn frames_arrive_whole_and_in_order_however_they_were_sent() {
    let pair = pair().await;
    let ((mut send, _), (_, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    recv.set_limit(FRAME_MAX_CLIENT_BYTES);
    let frames: Vec<_> = (0_u16..200)
        .map(|kind| Frame::new(kind, vec![7; usize::from(kind) * 37]))
        .collect();
    let sent = frames.clone();
    tokio::spawn(async move {
        send.send(&sent[0]).await.unwrap();
        send.send_all(&sent[1..100]).await.unwrap();
        send.send_all_encoded(sent[100..].iter().map(Frame::to_bytes))
            .await
            .unwrap();
        send.finish().unwrap();
        send.delivered().await.unwrap();
    });
    for frame in frames {
        assert_eq!(within("a frame", recv.recv()).await, Ok(Some(frame)));
    }
    assert_eq!(within("the end", recv.recv()).await, Ok(None));
    assert_eq!(recv.recv().await, Ok(None), "an end stays an end");
}

#[tokio::test]
async fn a_sender_that_is_dropped_is_seen_as_a_reset_and_not_as_an_end() {
    let pair = pair().await;
    let ((send, _keep), (_send, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    drop(send);
    let end = within("the end", recv.recv()).await;
    let number = u64::from(ResetCode::Cancelled.number());
    assert_eq!(
        end,
        Err(RecvError::Reset {
            code: Some(ResetCode::Cancelled),
            number
        })
    );
}

#[tokio::test]
async fn a_stream_that_ends_inside_a_frame_is_truncated() {
    let pair = pair().await;
    let ((mut send, _keep), (_send, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    send.send_encoded(Frame::new(1, &b"half"[..]).to_bytes().slice(..8))
        .await
        .unwrap();
    send.finish().unwrap();
    assert_eq!(within("the end", recv.recv()).await, Err(RecvError::Truncated));
}

#[tokio::test]
async fn a_frame_over_the_limit_stops_its_stream_and_no_other() {
    let pair = pair().await;
    let ((mut send, _keep), (_send, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    let len = FRAME_MAX_BEFORE_LOGIN_BYTES + 2;
    send.send(&Frame::new(1, vec![0; FRAME_MAX_BEFORE_LOGIN_BYTES]))
        .await
        .unwrap();
    let too_large = FrameError::TooLarge {
        len,
        max: FRAME_MAX_BEFORE_LOGIN_BYTES,
    };
    assert_eq!(
        within("the verdict", recv.recv()).await,
        Err(RecvError::Frame(too_large))
    );
    let stopped = within("the stop", send.delivered()).await;
    assert!(
        matches!(
            stopped,
            Err(SendError::Stopped {
                code: Some(ResetCode::TooLarge),
                ..
            })
        ),
        "{stopped:?}"
    );
    let _other = stream(&pair.dialled, &pair.accepted).await;
    pair.accepted.close(CloseCode::FrameTooLarge, "a frame was too large");
    let closed = within("the close", pair.dialled.closed()).await;
    assert_eq!(closed.code(), Some(CloseCode::FrameTooLarge));
    assert!(closed.to_string().contains("a frame was too large"), "{closed}");
}

#[tokio::test]
async fn a_receiver_that_is_dropped_stops_the_sender() {
    let pair = pair().await;
    let ((mut send, _keep), (_send, recv)) = stream(&pair.dialled, &pair.accepted).await;
    drop(recv);
    let stopped = within("the stop", send.delivered()).await;
    assert!(
        matches!(
            stopped,
            Err(SendError::Stopped {
                code: Some(ResetCode::Cancelled),
                ..
            })
        ),
        "{stopped:?}"
    );
}

#[tokio::test]
async fn a_cancelled_receive_loses_nothing() {
    let pair = pair().await;
    let ((mut send, _keep), (_send, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    let whole = Frame::new(5, &b"in two parts"[..]).to_bytes();
    for part in [whole.slice(..7), whole.slice(7..)] {
        // Polled once for each part and dropped: what it has taken must be there for the next.
        let polled = polled_once(recv.recv()).await;
        assert!(polled.is_none());
        send.send_encoded(part).await.unwrap();
    }
    assert_eq!(within("the frame", recv.recv()).await.unwrap().unwrap().kind, 5);
}

#[tokio::test]
async fn a_cancelled_send_leaves_no_half_a_frame() {
    let pair = pair().await;
    let ((mut send, _keep), (_send, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    recv.set_limit(FRAME_MAX_CLIENT_BYTES);
    // More than the windows take, so that one of them is left in the middle.
    let big = Frame::new(2, vec![9; 60_000]);
    let mut begun = 0;
    while polled_once(send.send(&big)).await.is_some() {
        begun += 1;
    }
    let last = Frame::new(3, &b"after"[..]);
    let sending = tokio::spawn(async move {
        send.send(&last).await.unwrap();
        send.finish().unwrap();
        send.delivered().await.unwrap();
    });
    for _ in 0..=begun {
        assert_eq!(within("a frame", recv.recv()).await.as_ref(), Ok(&Some(big.clone())));
    }
    assert_eq!(within("the last", recv.recv()).await.unwrap().unwrap().kind, 3);
    assert_eq!(within("the end", recv.recv()).await, Ok(None));
    within("the sender", sending).await.unwrap();
}

#[tokio::test]
async fn a_connection_says_how_it_was_closed_at_both_ends() {
    let pair = pair().await;
    let ((_send, mut recv), _other) = stream(&pair.dialled, &pair.accepted).await;
    pair.accepted.close(CloseCode::Revoked, "");
    let by_peer = CloseReason::ByPeer {
        code: Some(CloseCode::Revoked),
        number: u64::from(CloseCode::Revoked.number()),
        reason: String::new(),
    };
    assert_eq!(within("the close", pair.dialled.closed()).await, by_peer);
    assert_eq!(recv.recv().await, Err(RecvError::Closed(by_peer)));
    assert_eq!(pair.accepted.close_reason(), Some(CloseReason::ByUs));
}

#[tokio::test]
async fn nothing_to_send_sends_nothing() {
    let pair = pair().await;
    let ((mut send, _keep), (_send, mut recv)) = stream(&pair.dialled, &pair.accepted).await;
    send.send_all([]).await.unwrap();
    send.send_encoded(Bytes::new()).await.unwrap();
    send.finish().unwrap();
    assert_eq!(within("the end", recv.recv()).await, Ok(None));
}

/// What a future gives when polled once, as a `select!` that went another way would.
async fn polled_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match future.as_mut().poll(context) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
