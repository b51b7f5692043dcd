//! Whether a node is still there.
//!
//! QUIC notices a dead end after its idle timeout, which is many seconds; a session that somebody waits for pings often and
//! gives up soon. Anything that arrives counts as a sign of life. When a ping stays without an answer, the node's system is
//! asked whether the port is open: where only the process has died, that tells it long before silence does.

use std::time::Duration;

use quorate_protocol::client::{Ping, frame};
use quorate_transport::is_refused;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Demand, Link, Status};

/// Between a sign of life and the next ping while an answer is awaited.
const PING_ASKED: Duration = Duration::from_millis(200);
/// The same while nothing is asked but something is followed.
const PING_FOLLOWED: Duration = Duration::from_millis(500);
/// The same while neither is.
const PING_IDLE: Duration = Duration::from_secs(5);
/// After so long without an answer the node's system is asked: far more than an answer takes, on any line.
const PROBE_AFTER: Duration = Duration::from_millis(100);
/// Between two refusals that have to agree: one alone may be of a daemon that was just being started again.
const PROBE_AGAIN: Duration = Duration::from_millis(50);
/// After so long without an answer another node is dialled, to have it at hand.
const SUSPECT_AFTER: Duration = Duration::from_millis(750);
/// After so long without an answer the node is dead.
const DEAD_AFTER: Duration = Duration::from_millis(1500);

pub(super) async fn watch(link: Link) {
    let mut token = 0;
    let mut pinged = Instant::now();
    while !link.is_dead() {
        let interval = match link.demand() {
            Demand::Answer => PING_ASKED,
            Demand::Feed => PING_FOLLOWED,
            Demand::Nothing => PING_IDLE,
        };
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

/// What is done when there is no sign of life for longer and longer.
#[derive(Clone, Copy)]
enum Step {
    AskTheSystem,
    Suspect,
    GiveUp,
}

const STEPS: [(Duration, Step); 3] = [
    (PROBE_AFTER, Step::AskTheSystem),
    (SUSPECT_AFTER, Step::Suspect),
    (DEAD_AFTER, Step::GiveUp),
];

async fn answer(link: &Link, pinged: Instant) {
    for (limit, step) in STEPS {
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
        match step {
            // Who is heard of is there, whatever anybody says.
            Step::AskTheSystem if is_gone(link).await && link.heard_at() <= pinged => {
                link.die("nothing listens at the node's address any more");
            }
            Step::AskTheSystem => {}
            Step::Suspect => link.set_status(Status::Suspect),
            Step::GiveUp => link.die("no answer from the node"),
        }
    }
}

async fn is_gone(link: &Link) -> bool {
    let addr = link.0.connection.remote_addr();
    if !is_refused(addr).await {
        return false;
    }
    sleep(PROBE_AGAIN).await;
    is_refused(addr).await
}
