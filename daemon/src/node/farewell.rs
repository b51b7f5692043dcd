//! How a node learns that it is of the cluster no more, and ends; and how it goes aside while it is drained.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::consensus::View;
use crate::peer::Local;
use crate::store::Reader;

/// Between two looks at the state.
const PERIOD: Duration = Duration::from_millis(200);
/// A node that knows from its own log that it is removed stays for so long at the most, since its voice may be needed for
/// the change that takes it out. It is not told when that is over.
const STAY_MAX: Duration = Duration::from_secs(5);

/// Waits until this node is of the cluster no more, and says why.
pub(super) async fn removed(node: NodeId, local: Arc<Local>, reader: Reader, view: watch::Receiver<View>) -> String {
    let mut told = local.removed_by();
    tokio::select! {
        by = told.wait_for(Option::is_some) => {
            let by = by.ok().and_then(|by| *by).map_or_else(String::new, |by| format!(" (node {by} says)"));
            message(node, &by)
        }
        () = by_own_log(node, &reader, &view) => message(node, ""),
    }
}

async fn by_own_log(node: NodeId, reader: &Reader, view: &watch::Receiver<View>) {
    let mut since = None;
    loop {
        let is_removed = reader.with_state(|state| state.node(node).is_some_and(quorate_core::Node::is_removed));
        if is_removed {
            let since = *since.get_or_insert_with(Instant::now);
            if !view.borrow().members.contains_key(&node) || since.elapsed() >= STAY_MAX {
                return;
            }
        }
        sleep(PERIOD).await;
    }
}

fn message(node: NodeId, by: &str) -> String {
    format!(
        "node {node} was removed from the cluster{by} and ends; with an empty data directory it can join again, under a new id"
    )
}

/// Keeps to the operators' wish whether this node leads its clients elsewhere.
pub(super) async fn follow_drain(node: NodeId, reader: Reader, draining: watch::Sender<bool>) {
    loop {
        let drained = reader.with_state(|state| state.node(node).is_some_and(|node| node.drained));
        draining.send_if_modified(|now| {
            let differs = *now != drained;
            *now = drained;
            differs
        });
        sleep(PERIOD).await;
    }
}
