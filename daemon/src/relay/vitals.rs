//! How other nodes do, asked one by one, and what the way to them is like.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_protocol::relay::{frame, parse};
use quorate_protocol::vitals::{AskVitals, Vitals, kind};
use quorate_transport::{Alpn, LinkStats, Priority};
use tokio::time::{Instant, timeout};

use super::now;
use crate::peer::Links;

/// How long a node may take to answer before it counts as one that does not.
const VITALS_DEADLINE: Duration = Duration::from_millis(1500);

/// What was heard from a node.
#[derive(Clone, Debug)]
pub struct Heard {
    /// What it says of itself.
    pub vitals: Vitals,
    /// How far its clock is ahead of this node's, in milliseconds: exact to half of `took`.
    pub clock_ahead_ms: i64,
    /// From the question to the answer.
    pub took: Duration,
    /// The connection that it came over.
    pub link: LinkStats,
}

/// Asks one node, on a stream of its own; `None` when it does not answer.
pub async fn ask_vitals(links: &Arc<Links>, node: NodeId) -> Option<Heard> {
    let ask = async {
        let connection = links.connection(node, Alpn::Relay).await.ok()?;
        let (mut sender, mut receiver) = connection.open(Priority::Normal).await.ok()?;
        let (asked, began) = (now(), Instant::now());
        sender
            .send(&frame(kind::ASK_VITALS, &AskVitals { call: 0 }))
            .await
            .ok()?;
        let answer = receiver.recv().await.ok()??;
        let took = began.elapsed();
        let _ = sender.finish();
        if answer.kind != kind::VITALS {
            return None;
        }
        let vitals: Vitals = parse(&answer).ok()?;
        // It said so half way, as well as one can tell.
        let half = u64::try_from(took.as_millis() / 2).unwrap_or(u64::MAX);
        let clock_ahead_ms = difference(vitals.now.0, asked.0.saturating_add(half));
        Some(Heard {
            vitals,
            clock_ahead_ms,
            took,
            link: connection.stats(),
        })
    };
    timeout(VITALS_DEADLINE, ask).await.ok().flatten()
}

fn difference(theirs: u64, ours: u64) -> i64 {
    i64::try_from(i128::from(theirs) - i128::from(ours)).unwrap_or(if theirs > ours { i64::MAX } else { i64::MIN })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_are_wrong_by_any_amount_differ_by_a_number() {
        assert_eq!(difference(1000, 1500), -500);
        assert_eq!(difference(u64::MAX, 0), i64::MAX);
        assert_eq!(difference(0, u64::MAX), i64::MIN);
    }
}
