use std::collections::BTreeMap;

use super::super::types::NodeAddrs;
use super::super::view::{MemberView, PeerProgress};
use super::*;

const HEARTBEAT: Duration = Duration::from_millis(100);
const HOLD_DOWN: Duration = Duration::from_secs(5);

/// Node 1 leads voters 1, 2 and 3, and all are well.
fn healthy(now: Instant) -> View {
    let member = |_| MemberView {
        addrs: NodeAddrs::default(),
        voter: true,
        may_lead: true,
    };
    let progress = PeerProgress {
        matched: Some(LogIndex(1000)),
        last_contact: Some(now),
    };
    View {
        leader: Some(NodeId(1)),
        role: Role::Leader,
        last_log: Some(LogIndex(1000)),
        members: (1..=3).map(|id| (NodeId(id), member(id))).collect(),
        membership_committed: true,
        peers: BTreeMap::from([(NodeId(2), progress), (NodeId(3), progress)]),
        ..View::default()
    }
}

/// Looks once a second, with what `edit` does to a healthy view, and tells when and to whom it was handed.
fn watch(
    hand_back: &mut HandBack,
    start: Instant,
    seconds: u64,
    edit: impl Fn(u64, &mut View),
) -> Option<(u64, NodeId)> {
    (0..=seconds).find_map(|second| {
        let now = start + Duration::from_secs(second);
        let mut view = healthy(now);
        edit(second, &mut view);
        hand_back.look(&view, now).map(|to| (second, to))
    })
}

fn controller() -> HandBack {
    HandBack::new(NodeId(1), HEARTBEAT, HOLD_DOWN)
}

fn peer(view: &mut View, id: u64) -> &mut PeerProgress {
    view.peers.get_mut(&NodeId(id)).unwrap()
}

#[test]
fn the_highest_id_gets_leadership_after_the_hold_down() {
    assert_eq!(
        watch(&mut controller(), Instant::now(), 20, |_, _| ()),
        Some((5, NodeId(3)))
    );
}

#[test]
fn a_dead_highest_id_does_not_keep_the_next_from_leading() {
    let handed = watch(&mut controller(), Instant::now(), 20, |_, view| {
        peer(view, 3).last_contact = None;
    });
    assert_eq!(handed, Some((5, NodeId(2))));
}

#[test]
fn a_break_in_health_begins_the_hold_down_anew() {
    let handed = watch(&mut controller(), Instant::now(), 20, |second, view| {
        if second == 3 {
            view.peers.clear();
        }
    });
    assert_eq!(handed, Some((9, NodeId(3))));
}

#[test]
fn nobody_gets_it_while_the_membership_changes() {
    assert_eq!(
        watch(&mut controller(), Instant::now(), 20, |_, view| view.joint = true),
        None
    );
    assert_eq!(
        watch(&mut controller(), Instant::now(), 20, |_, view| view
            .membership_committed =
            false),
        None
    );
}

#[test]
fn who_lacks_too_much_of_the_log_does_not_get_it() {
    let handed = watch(&mut controller(), Instant::now(), 20, |_, view| {
        peer(view, 2).matched = None;
        peer(view, 3).matched = Some(LogIndex(1000 - LAG_MAX_ENTRIES - 1));
    });
    assert_eq!(handed, None);
}

#[test]
fn a_learner_does_not_get_it() {
    let handed = watch(&mut controller(), Instant::now(), 20, |_, view| {
        view.members.get_mut(&NodeId(3)).unwrap().voter = false;
        view.members.get_mut(&NodeId(2)).unwrap().voter = false;
    });
    assert_eq!(handed, None);
}

#[test]
fn the_highest_id_keeps_leadership() {
    let mut highest = HandBack::new(NodeId(3), HEARTBEAT, HOLD_DOWN);
    assert_eq!(watch(&mut highest, Instant::now(), 60, |_, _| ()), None);
}

#[test]
fn a_transfer_that_failed_is_tried_again_later_and_later() {
    let mut hand_back = controller();
    let start = Instant::now();
    let mut at = Vec::new();
    for second in 0..2_000 {
        let now = start + Duration::from_secs(second);
        if hand_back.look(&healthy(now), now).is_some() {
            at.push(second);
        }
    }
    let waits: Vec<u64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits, [10, 20, 40, 80, 160, 320, 600, 600]);
}

#[test]
fn a_target_that_kept_leadership_is_trusted_again() {
    let mut hand_back = controller();
    let start = Instant::now();
    assert_eq!(watch(&mut hand_back, start, 20, |_, _| ()), Some((5, NodeId(3))));
    let led = start + Duration::from_secs(10);
    let elsewhere = |_, view: &mut View| {
        view.role = Role::Follower;
        view.leader = Some(NodeId(3));
    };
    assert_eq!(watch(&mut hand_back, led, 100, elsewhere), None);
    let again = led + Duration::from_secs(101);
    assert_eq!(watch(&mut hand_back, again, 20, |_, _| ()), Some((5, NodeId(3))));
    assert_eq!(hand_back.attempt.unwrap().backoff, BACKOFF_MIN);
}

#[test]
fn who_may_not_lead_is_passed_over() {
    let drained = |view: &mut View| view.members.get_mut(&NodeId(3)).unwrap().may_lead = false;
    assert_eq!(
        watch(&mut controller(), Instant::now(), 20, |_, view| drained(view)),
        Some((5, NodeId(2)))
    );
}
