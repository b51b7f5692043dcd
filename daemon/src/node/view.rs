//! What the parts are told of Raft: each what it has to know, and when that changes.

use std::collections::BTreeSet;

use quorate_core::NodeId;
use quorate_protocol::client::NodeAddr;
use tokio::sync::watch;

use crate::consensus::View;
use crate::session::Cluster;

/// Tells what `see` makes of the view whenever that is another, for as long as there is Raft.
pub(super) async fn follow<T: PartialEq>(
    mut view: watch::Receiver<View>,
    told: watch::Sender<T>,
    see: impl Fn(&View) -> T,
) {
    loop {
        let now = see(&view.borrow_and_update());
        told.send_if_modified(|known| {
            let is_news = *known != now;
            *known = now;
            is_news
        });
        if view.changed().await.is_err() {
            return;
        }
    }
}

/// For sessions: who leads, and where the nodes are.
pub(super) fn cluster(view: &View) -> Cluster {
    let nodes = view.members.iter().map(|(id, member)| NodeAddr {
        id: *id,
        addr: member.addrs.client.clone(),
    });
    Cluster {
        leader: view.leader,
        nodes: nodes.collect(),
    }
}

/// For presence: whom to tell.
pub(super) fn others(view: &View, node: NodeId) -> BTreeSet<NodeId> {
    view.members.keys().copied().filter(|id| *id != node).collect()
}
