//! An operator's wish for another leader, on its way to the one that there is.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_protocol::relay::{AskTransfer, TransferEnd, Transferred, frame, kind, parse};
use quorate_transport::{Alpn, Priority};
use tokio::time::{Instant, timeout};

use crate::consensus::{Consensus, TransferError};
use crate::peer::Links;

/// How long the leader waits for the other to be fit, and for the transfer itself.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(4);
/// How long the leader's answer may take: a little more.
const ANSWER_DEADLINE: Duration = Duration::from_secs(6);

/// Has this node hand leadership on, if it leads.
pub(super) async fn transfer(consensus: &Consensus, to: Option<NodeId>) -> TransferEnd {
    let asked = consensus.transfer_leader(to, Instant::now() + TRANSFER_DEADLINE).await;
    match asked {
        Ok(leader) => TransferEnd::Leads(leader),
        Err(TransferError::NotLeader { .. }) => TransferEnd::NotLeader,
        Err(TransferError::NotVoter(_)) => TransferEnd::NotVoter,
        Err(TransferError::NotFit(_)) => TransferEnd::NotFit,
        Err(TransferError::NotTaken { .. }) => TransferEnd::NotTaken,
    }
}

/// Has the leader, this node or another, hand leadership on; `None` when it does not answer.
pub async fn ask_transfer(
    consensus: &Consensus,
    links: &Arc<Links>,
    leader: NodeId,
    to: Option<NodeId>,
) -> Option<TransferEnd> {
    if leader == consensus.node_id() {
        return Some(transfer(consensus, to).await);
    }
    let ask = async {
        let connection = links.connection(leader, Alpn::Relay).await.ok()?;
        let (mut sender, mut receiver) = connection.open(Priority::Normal).await.ok()?;
        let asked = frame(kind::ASK_TRANSFER, &AskTransfer { call: 0, to });
        sender.send(&asked).await.ok()?;
        let answer = receiver.recv().await.ok()??;
        let _ = sender.finish();
        let is_answer = answer.kind == kind::TRANSFERRED;
        is_answer.then(|| parse::<Transferred>(&answer).ok()).flatten()
    };
    let answered = timeout(ANSWER_DEADLINE, ask).await.ok().flatten();
    answered.map(|answer| answer.end)
}
