//! The read index: asked of whoever leads, again while that changes, until the deadline.

use std::time::Duration;

use quorate_core::LogIndex;
use tokio::time::{Instant, sleep, timeout_at};

use super::{NoQuorum, Route};

/// The wait before the next leader is asked.
const ASK_AGAIN: Duration = Duration::from_millis(30);

pub(super) async fn read_index(route: &Route, deadline: Instant) -> Result<LogIndex, NoQuorum> {
    let ask = async {
        let mut view = route.consensus.view();
        loop {
            let leader = view
                .wait_for(|view| view.leader.is_some())
                .await
                .map_err(|_| NoQuorum)?
                .leader;
            let answer = match leader {
                Some(leader) if leader != route.node => route.hops.read_index(leader).await,
                _ => route.consensus.read_index(deadline).await.map_err(|_| NoQuorum),
            };
            if answer.is_ok() {
                return answer;
            }
            sleep(ASK_AGAIN).await;
        }
    };
    timeout_at(deadline, ask).await.unwrap_or(Err(NoQuorum))
}
