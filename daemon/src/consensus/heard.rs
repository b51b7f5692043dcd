//! When each peer last spoke as a leader. openraft goes on naming a leader that died for as long as
//! no other is elected, which without a quorum is for ever; those who route writes must not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quorate_core::NodeId;
use tokio::time::Instant;

use super::view::{Role, View};

/// Shared by those who hear (the streams of Raft) and the one who tells (the view).
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<BTreeMap<NodeId, Instant>>);

impl Heard {
    /// The peer has sent entries or a heartbeat, and Raft took them.
    pub(super) fn note(&self, peer: NodeId) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(peer, Instant::now());
    }

    /// When anybody last did.
    pub(super) fn latest(&self) -> Option<Instant> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.values().max().copied()
    }

    /// Takes the leader out of a view in which it has been silent, or without a quorum, for `limit`.
    pub(super) fn hide_silent_leader(&self, view: &mut View, own: NodeId, limit: Duration) {
        let Some(leader) = view.leader else { return };
        let spoke_at = if leader == own {
            // Alone it needs nobody; just elected it has not been answered yet.
            let needs_others = view.role == Role::Leader && view.quorum > 1;
            view.quorum_acked_at.filter(|_| needs_others)
        } else {
            self.0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&leader)
                .copied()
        };
        if spoke_at.is_some_and(|at| at.elapsed() > limit) {
            view.leader = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(1);

    fn led_by(leader: u64, role: Role) -> View {
        View {
            leader: Some(NodeId(leader)),
            role,
            quorum: 2,
            ..View::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_has_fallen_silent_is_none() {
        let heard = Heard::default();
        heard.note(NodeId(3));
        let mut view = led_by(3, Role::Follower);
        heard.hide_silent_leader(&mut view, NodeId(1), LIMIT);
        assert_eq!(view.leader, Some(NodeId(3)));
        tokio::time::advance(2 * LIMIT).await;
        heard.hide_silent_leader(&mut view, NodeId(1), LIMIT);
        assert_eq!(view.leader, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_without_its_quorum_does_not_name_itself() {
        let mut view = led_by(1, Role::Leader);
        view.quorum_acked_at = Some(Instant::now());
        tokio::time::advance(2 * LIMIT).await;
        Heard::default().hide_silent_leader(&mut view, NodeId(1), LIMIT);
        assert_eq!(view.leader, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_leader_that_needs_nobody_is_never_silent() {
        let mut view = View {
            quorum: 1,
            ..led_by(1, Role::Leader)
        };
        view.quorum_acked_at = Some(Instant::now());
        tokio::time::advance(2 * LIMIT).await;
        Heard::default().hide_silent_leader(&mut view, NodeId(1), LIMIT);
        assert_eq!(view.leader, Some(NodeId(1)));
    }
}
