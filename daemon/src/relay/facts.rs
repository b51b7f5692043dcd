//! What nodes say of themselves, asked one by one for an operator's status.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_protocol::relay::{AskFacts, Facts, frame, kind, parse};
use quorate_transport::{Alpn, Priority};
use tokio::time::timeout;

use crate::peer::Links;

/// How long a node may take to answer before it counts as down.
const FACTS_DEADLINE: Duration = Duration::from_millis(1500);

/// Asks one node, on a stream of its own; `None` when it does not answer.
pub async fn ask_facts(links: &Arc<Links>, node: NodeId) -> Option<Facts> {
    let ask = async {
        let connection = links.connection(node, Alpn::Relay).await.ok()?;
        let (mut sender, mut receiver) = connection.open(Priority::Normal).await.ok()?;
        sender.send(&frame(kind::ASK_FACTS, &AskFacts { call: 0 })).await.ok()?;
        let answer = receiver.recv().await.ok()??;
        let _ = sender.finish();
        if answer.kind != kind::FACTS {
            return None;
        }
        parse(&answer).ok()
    };
    timeout(FACTS_DEADLINE, ask).await.ok().flatten()
}
