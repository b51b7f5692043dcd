//! Has taken away what has had its time: on the leader, one sweep after another.
//!
//! The state says what there is to sweep ([`State::chores`](quorate_core::State::chores)), the log decides what goes
//! ([`Command::Sweep`]). Here it is only seen to that sweeps are proposed, and slowly enough:
//! they share the log and the disks with posts.
//!
//! Knows no rooms, users or rules. Whatever fails is traced, and looked at again later.

mod round;

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{Command, RoomId, Sweep};
use quorate_protocol::relay::End;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::relay::Relay;
use crate::store::Reader;
use round::{House, round};

/// How often it is looked whether there is something to do.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);
/// How soon it is looked again after there was: the state names only so many at a time.
const BUSY_INTERVAL: Duration = Duration::from_millis(500);
/// How long one sweep may take. What is unknown then is looked at again.
const SWEEP_DEADLINE: Duration = Duration::from_secs(6);

/// Sweeps while `leads` says that this node leads, until it has no sender any more.
pub async fn keep(relay: Arc<Relay>, reader: Reader, mut leads: watch::Receiver<bool>) {
    let house = Node { relay, reader };
    while leads.wait_for(|leads| *leads).await.is_ok() {
        let was_busy = round(&house, &leads).await;
        sleep(if was_busy { BUSY_INTERVAL } else { LOOK_INTERVAL }).await;
    }
}

/// This node.
struct Node {
    relay: Arc<Relay>,
    reader: Reader,
}

impl House for Node {
    fn chores(&self, after: Option<RoomId>) -> (Vec<Sweep>, Option<RoomId>) {
        // As the log would see it: a clock that is not believed must not find chores.
        let now = self.relay.stamp();
        self.reader.with_state(|state| state.chores(now, after))
    }

    async fn sweep(&self, sweep: Sweep) -> End {
        let deadline = Instant::now() + SWEEP_DEADLINE;
        self.relay.submit(&Command::Sweep(sweep), deadline).await
    }
}
