//! Sees what Raft does, and notes it: who leads, who belongs, what was elected and snapshotted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use quorate_adminapi::{EventKind, UtcTime};
use quorate_core::{LogIndex, NodeId};
use tokio::sync::watch;

use crate::chronicle::Chronicle;
use crate::consensus::{MemberView, View};

/// What was seen since the start; times are in milliseconds, 0 for never.
#[derive(Debug, Default)]
pub(super) struct Witness {
    elections: AtomicU64,
    snapshot_at: AtomicU64,
    leader_since: AtomicU64,
}

impl Witness {
    /// Terms that this node saw begin.
    pub(super) fn elections(&self) -> u64 {
        self.elections.load(Ordering::Relaxed)
    }

    /// When the last snapshot was finished.
    pub(super) fn snapshot_at(&self) -> Option<UtcTime> {
        time(&self.snapshot_at)
    }

    /// Since when the one leads that leads.
    pub(super) fn leader_since(&self) -> Option<UtcTime> {
        time(&self.leader_since)
    }

    /// Watches for as long as there is Raft.
    pub(super) async fn keep(self: Arc<Self>, mut view: watch::Receiver<View>, chronicle: Arc<Chronicle>) {
        let mut before = Sight::default();
        loop {
            let noted = self.see(&mut before, &view.borrow_and_update());
            for (kind, node, text) in noted {
                chronicle.note(kind, node, text);
            }
            if view.changed().await.is_err() {
                return;
            }
        }
    }

    fn see(&self, before: &mut Sight, view: &View) -> Vec<(EventKind, Option<NodeId>, String)> {
        let mut noted = Vec::new();
        // What was there before this daemon is not what it saw.
        let is_first = before.term.is_none() && view.term > 0;
        if before.term.is_some_and(|term| view.term > term) {
            self.elections.fetch_add(1, Ordering::Relaxed);
        }
        if view.term > 0 {
            before.term = Some(view.term);
        }
        if view.leader != before.leader {
            let since = view.leader.map_or(0, |_| now());
            self.leader_since.store(since, Ordering::Relaxed);
            noted.push(match view.leader {
                Some(leader) => (
                    EventKind::Leader,
                    Some(leader),
                    format!("n{leader} leads in term {}", view.term),
                ),
                None => (
                    EventKind::NoLeader,
                    None,
                    "no node leads that this one hears of".to_owned(),
                ),
            });
            before.leader = view.leader;
        }
        if view.snapshot != before.snapshot {
            if let Some(index) = view.snapshot.filter(|_| !is_first && before.saw_raft) {
                self.snapshot_at.store(now(), Ordering::Relaxed);
                noted.push((
                    EventKind::Snapshot,
                    None,
                    format!("a snapshot up to entry {index} is finished"),
                ));
            }
            before.snapshot = view.snapshot;
        }
        before.saw_raft |= view.term > 0;
        if view.membership_at != before.membership_at {
            if !before.members.is_empty() {
                noted.push((
                    EventKind::Membership,
                    None,
                    difference(&before.members, &view.members, view.joint),
                ));
            }
            before.membership_at = view.membership_at;
            before.members.clone_from(&view.members);
        }
        noted
    }
}

/// What was seen last.
#[derive(Default)]
struct Sight {
    leader: Option<NodeId>,
    term: Option<u64>,
    snapshot: Option<LogIndex>,
    saw_raft: bool,
    membership_at: Option<LogIndex>,
    members: BTreeMap<NodeId, MemberView>,
}

/// What is new in a membership, in words.
fn difference(old: &BTreeMap<NodeId, MemberView>, new: &BTreeMap<NodeId, MemberView>, joint: bool) -> String {
    let role = |member: &MemberView| if member.voter { "voter" } else { "learner" };
    let mut parts = Vec::new();
    for (id, member) in new {
        match old.get(id) {
            None => parts.push(format!("n{id} is new, a {}", role(member))),
            Some(before) if before.voter != member.voter => parts.push(format!("n{id} is a {} now", role(member))),
            Some(before) if before.addrs != member.addrs => parts.push(format!("n{id} has another address")),
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|id| !new.contains_key(id));
    parts.extend(gone.map(|id| format!("n{id} is removed")));
    if joint {
        parts.push("two sets of voters decide together until the change is done".to_owned());
    } else if parts.is_empty() {
        parts.push("the change of the membership is done".to_owned());
    }
    parts.join("; ")
}

fn now() -> u64 {
    UtcTime::from(SystemTime::now()).unix_ms()
}

fn time(at: &AtomicU64) -> Option<UtcTime> {
    let at = at.load(Ordering::Relaxed);
    (at > 0).then(|| UtcTime::from_unix_ms(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::types::NodeAddrs;

    fn member(voter: bool) -> MemberView {
        MemberView {
            addrs: NodeAddrs {
                peer: "h:1".to_owned(),
                client: "h:2".to_owned(),
            },
            voter,
            may_lead: true,
        }
    }

    fn view(leader: Option<u64>, term: u64, snapshot: Option<u64>) -> View {
        View {
            leader: leader.map(NodeId),
            term,
            snapshot: snapshot.map(LogIndex),
            ..View::default()
        }
    }

    fn kinds(noted: Vec<(EventKind, Option<NodeId>, String)>) -> Vec<EventKind> {
        noted.into_iter().map(|(kind, ..)| kind).collect()
    }

    #[test]
    fn a_change_of_the_leader_is_an_election_and_its_silence_is_none() {
        let (witness, mut sight) = (Witness::default(), Sight::default());
        let mut see = |view: View| kinds(witness.see(&mut sight, &view));
        assert_eq!(see(view(Some(3), 4, None)), [EventKind::Leader]);
        assert_eq!(witness.elections(), 0, "it was elected before");
        assert_eq!(see(view(Some(3), 4, None)), []);
        assert_eq!(see(view(None, 4, None)), [EventKind::NoLeader]);
        assert_eq!(witness.leader_since(), None);
        assert_eq!(see(view(Some(2), 6, None)), [EventKind::Leader]);
        assert_eq!(witness.elections(), 1);
        assert!(witness.leader_since().is_some());
    }

    #[test]
    fn a_snapshot_from_before_the_start_is_no_news() {
        let (witness, mut sight) = (Witness::default(), Sight::default());
        let mut see = |view: View| kinds(witness.see(&mut sight, &view));
        assert_eq!(see(View::default()), []);
        assert_eq!(see(view(None, 4, Some(100))), []);
        assert_eq!(witness.snapshot_at(), None);
        assert_eq!(see(view(None, 4, Some(200))), [EventKind::Snapshot]);
        assert!(witness.snapshot_at().is_some());
    }

    #[test]
    fn a_membership_is_told_by_what_is_new_in_it() {
        let old = BTreeMap::from([(NodeId(1), member(true)), (NodeId(2), member(true))]);
        let new = BTreeMap::from([(NodeId(1), member(false)), (NodeId(3), member(false))]);
        assert_eq!(
            difference(&old, &new, false),
            "n1 is a learner now; n3 is new, a learner; n2 is removed"
        );
        assert!(difference(&old, &old, true).starts_with("two sets of voters"));
        assert_eq!(difference(&old, &old, false), "the change of the membership is done");
    }
}
