//! Whether a node is still there.
//!
//! QUIC notices a dead end after its idle timeout, which is many seconds; a session that somebody waits for pings often and
//! gives up soon. Anything that arrives counts as a sign of life.

use std::time::Duration;

use quorate_protocol::client::{Ping, frame};
use tokio::time::{Instant, sleep_until};

use super::{Link, Status};

/// Between a sign of life and the next ping while something is awaited or followed.
const PING_AWAITED: Duration = Duration::from_millis(500);
/// The same while nothing is.
const PING_IDLE: Duration = Duration::from_secs(5);
/// After so long without an answer another node is dialled, to have it at hand.
const SUSPECT_AFTER: Duration = Duration::from_millis(750);
/// After so long without an answer the node is dead.
const DEAD_AFTER: Duration = Duration::from_millis(1500);

pub(super) async fn watch(link: Link) {
    let mut token = 0;
    let mut pinged = Instant::now();
    while !link.is_dead() {
        let interval = if link.is_awaited() { PING_AWAITED } else { PING_IDLE };
        let due = link.heard_at().max(pinged) + interval;
        if Instant::now() < due {
            tokio::select! {
                () = sleep_until(due) => {}
                () = link.0.awaited.notified() => {}
                _ = link.dead() => {}
            }
            continue;
        }
        token += 1;
        pinged = Instant::now();
        // A full queue is no reason to wait: it holds what the node has to answer as well.
        let _ = link.0.out.try_send(frame(&Ping { token }));
        answer(&link, pinged).await;
    }
}

async fn answer(link: &Link, pinged: Instant) {
    for (limit, status) in [(SUSPECT_AFTER, Some(Status::Suspect)), (DEAD_AFTER, None)] {
        loop {
            if link.heard_at() > pinged {
                link.heal();
                return;
            }
            if Instant::now() >= pinged + limit {
                break;
            }
            tokio::select! {
                () = sleep_until(pinged + limit) => {}
                () = link.0.pong.notified() => {}
                _ = link.dead() => return,
            }
        }
        match status {
            Some(status) => link.set_status(status),
            None => link.die("no answer from the node"),
        }
    }
}
