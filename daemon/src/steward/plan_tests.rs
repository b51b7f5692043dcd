use quorate_core::Timestamp;

use super::super::super::consensus::types::NodeAddrs;
use super::super::super::consensus::{MemberView, PeerProgress};
use super::*;

const OWN: NodeId = NodeId(1);

/// Node 1 leads voters 1, 2 and 3; 4 is a learner; all have the whole log.
fn view(now: Instant) -> View {
    let member = |id: u64| MemberView {
        addrs: NodeAddrs {
            peer: format!("h{id}:7401"),
            client: format!("h{id}:7400"),
        },
        voter: id < 4,
        may_lead: true,
    };
    let progress = PeerProgress {
        matched: Some(LogIndex(1000)),
        last_contact: Some(now),
    };
    View {
        leader: Some(OWN),
        role: Role::Leader,
        last_log: Some(LogIndex(1000)),
        members: (1..=4).map(|id| (NodeId(id), member(id))).collect(),
        membership_committed: true,
        peers: (2..=4).map(|id| (NodeId(id), progress)).collect(),
        ..View::default()
    }
}

fn node(votes: bool) -> Node {
    Node {
        admission: None,
        standing: NodeStanding::Member,
        votes,
        drained: false,
        moving: None,
        cert_since: Timestamp(0),
    }
}

fn outlook() -> Outlook {
    Outlook {
        nodes: (1..=4).map(|id| (NodeId(id), node(id < 4))).collect(),
        is_founded: true,
        wants_authority: false,
        closed: BTreeSet::new(),
    }
}

fn reach(host: &str) -> Reach {
    Reach {
        peer: format!("{host}:7401").parse().unwrap(),
        client: format!("{host}:7400").parse().unwrap(),
    }
}

fn removed(replaced_by: Option<u64>) -> NodeStanding {
    NodeStanding::Removed {
        at: Timestamp(1),
        index: LogIndex(900),
        replaced_by: replaced_by.map(NodeId),
    }
}

/// What is next after these edits.
fn after(edit: impl Fn(&mut View, &mut Outlook)) -> Option<Step> {
    after_on(OWN, edit)
}

/// What this node would do next, as the leader.
fn after_on(own: NodeId, edit: impl Fn(&mut View, &mut Outlook)) -> Option<Step> {
    let now = Instant::now();
    let (mut view, mut outlook) = (view(now), outlook());
    edit(&mut view, &mut outlook);
    next_step(&view, &outlook, own, now)
}

fn of(outlook: &mut Outlook, id: u64) -> &mut Node {
    outlook.nodes.get_mut(&NodeId(id)).unwrap()
}

#[test]
fn what_is_as_it_should_be_stays() {
    assert_eq!(after(|_, _| ()), None);
    assert_eq!(
        after(|view, outlook| {
            view.role = Role::Follower;
            of(outlook, 2).votes = false;
        }),
        None,
        "only the leader changes anything"
    );
}

#[test]
fn what_a_leader_left_behind_is_ended_first() {
    assert_eq!(after(|view, _| view.joint = true), Some(Step::FinishChange));
    assert_eq!(
        after(|view, outlook| {
            view.joint = true;
            view.membership_committed = false;
            of(outlook, 2).votes = false;
        }),
        None,
        "one change at a time"
    );
}

#[test]
fn a_node_that_was_let_in_is_added_and_then_settled() {
    let admitted = |outlook: &mut Outlook| {
        let mut new = node(true);
        new.standing = NodeStanding::Admitted;
        new.moving = Some(reach("h5"));
        outlook.nodes.insert(NodeId(5), new);
    };
    assert_eq!(
        after(|_, outlook| admitted(outlook)),
        Some(Step::AddLearner(NodeId(5), reach("h5")))
    );
    assert_eq!(
        after(|view, outlook| {
            admitted(outlook);
            let mut member = view.members[&NodeId(4)].clone();
            member.addrs.peer = "h5:7401".to_owned();
            member.addrs.client = "h5:7400".to_owned();
            view.members.insert(NodeId(5), member);
        }),
        Some(Step::Settle(NodeId(5)))
    );
}

#[test]
fn a_member_that_is_not_in_the_membership_is_buried_only_if_a_recovery_has_closed_it() {
    let out = |view: &mut View| drop(view.members.remove(&NodeId(3)));
    assert_eq!(after(|view, _| out(view)), None, "the view may be older than the state");
    let closed = |outlook: &mut Outlook| outlook.closed.extend([NodeId(3)]);
    let left_behind = after(|view, outlook| {
        out(view);
        closed(outlook);
    });
    assert_eq!(left_behind, Some(Step::Bury(NodeId(3))));
    let buried = after(|view, outlook| {
        out(view);
        closed(outlook);
        of(outlook, 3).standing = removed(None);
    });
    assert_eq!(buried, None);
}

#[test]
fn a_learner_gets_its_vote_when_it_has_caught_up() {
    assert_eq!(
        after(|_, outlook| of(outlook, 4).votes = true),
        Some(Step::Promote(NodeId(4)))
    );
    assert_eq!(
        after(|view, outlook| {
            of(outlook, 4).votes = true;
            view.peers.get_mut(&NodeId(4)).unwrap().matched = Some(LogIndex(1000 - CAUGHT_UP_ENTRIES - 1));
        }),
        None
    );
    assert_eq!(
        after(|view, outlook| {
            of(outlook, 4).votes = true;
            view.peers.get_mut(&NodeId(4)).unwrap().last_contact = None;
        }),
        None
    );
}

#[test]
fn a_node_that_is_there_knows_that_it_goes_before_it_goes() {
    let gone = |outlook: &mut Outlook| of(outlook, 3).standing = removed(None);
    assert_eq!(after(|_, outlook| gone(outlook)), Some(Step::Remove(NodeId(3))));
    assert_eq!(
        after(|view, outlook| {
            gone(outlook);
            view.peers.get_mut(&NodeId(3)).unwrap().matched = Some(LogIndex(899));
        }),
        None,
        "it is told first"
    );
    assert_eq!(
        after(|view, outlook| {
            gone(outlook);
            view.peers.get_mut(&NodeId(3)).unwrap().matched = Some(LogIndex(600));
        }),
        Some(Step::Remove(NodeId(3))),
        "it is too far behind to wait for"
    );
    assert_eq!(
        after(|view, outlook| {
            gone(outlook);
            view.peers.remove(&NodeId(3));
        }),
        Some(Step::Remove(NodeId(3))),
        "nobody waits for a dead one"
    );
}

#[test]
fn a_leader_that_must_not_lead_hands_off_and_another_does_the_rest() {
    assert_eq!(
        after(|view, outlook| {
            of(outlook, 1).standing = removed(None);
            view.members.get_mut(&OWN).unwrap().may_lead = false;
        }),
        Some(Step::HandOff)
    );
    assert_eq!(
        after(|_, outlook| of(outlook, 1).votes = false),
        None,
        "it does not demote itself"
    );
    assert_eq!(
        after(|_, outlook| of(outlook, 2).votes = false),
        Some(Step::Demote(NodeId(2)))
    );
}

#[test]
fn the_leader_of_two_hands_off_before_it_loses_its_vote() {
    let demoted = |view: &mut View, outlook: &mut Outlook| {
        for gone in [3, 4].map(NodeId) {
            view.members.remove(&gone);
            view.peers.remove(&gone);
            outlook.nodes.remove(&gone);
        }
        of(outlook, 1).votes = false;
        view.members.get_mut(&OWN).unwrap().may_lead = false;
    };
    assert_eq!(after(demoted), Some(Step::HandOff));
    let heir = NodeId(2);
    let led_by_the_other = |view: &mut View, outlook: &mut Outlook| {
        demoted(view, outlook);
        view.leader = Some(heir);
        let progress = view.peers.remove(&heir).unwrap();
        view.peers.insert(OWN, progress);
    };
    assert_eq!(after_on(heir, led_by_the_other), Some(Step::Demote(OWN)));
    assert_eq!(
        after(|view, outlook| {
            demoted(view, outlook);
            view.members.remove(&heir);
        }),
        None,
        "nobody is there to hand off to"
    );
}

#[test]
fn a_node_that_never_came_is_taken_out() {
    let gone = |outlook: &mut Outlook| of(outlook, 4).standing = removed(None);
    assert_eq!(
        after(|view, outlook| {
            gone(outlook);
            view.peers.remove(&NodeId(4));
        }),
        Some(Step::Remove(NodeId(4)))
    );
    assert_eq!(
        after(|view, outlook| {
            gone(outlook);
            view.peers.remove(&NodeId(4));
            view.members.remove(&NodeId(4));
        }),
        None,
        "it was never added, or is out already"
    );
}

#[test]
fn a_vote_goes_from_one_to_another_in_one_change() {
    let replaced = |outlook: &mut Outlook| {
        of(outlook, 2).standing = removed(Some(4));
        of(outlook, 4).votes = true;
    };
    let step = Step::Replace {
        old: NodeId(2),
        new: NodeId(4),
    };
    assert_eq!(after(|_, outlook| replaced(outlook)), Some(step));
    assert_eq!(
        after(|view, outlook| {
            replaced(outlook);
            view.peers.get_mut(&NodeId(4)).unwrap().matched = None;
        }),
        None,
        "neither alone"
    );
    assert_eq!(
        after(|_, outlook| {
            replaced(outlook);
            of(outlook, 4).standing = removed(None);
        }),
        Some(Step::Remove(NodeId(2))),
        "the heir is gone"
    );
}

#[test]
fn a_node_that_moved_is_known_by_its_new_addr() {
    assert_eq!(
        after(|_, outlook| of(outlook, 2).moving = Some(reach("new"))),
        Some(Step::SetAddrs(NodeId(2), reach("new")))
    );
    assert_eq!(
        after(|_, outlook| of(outlook, 2).moving = Some(reach("h2"))),
        Some(Step::Settle(NodeId(2)))
    );
}
