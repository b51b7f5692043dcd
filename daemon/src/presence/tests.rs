//! Two boards, linked by hand.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{NodeId, RoomId, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::Presence;
use quorate_protocol::relay::{self, List, PRESENCE_USERS_MAX, frame, kind};

use super::board::Signal;
use super::{Board, EARS_MAX, Ears, PEER_SILENCE_MAX};

const HERE: NodeId = NodeId(1);
const ALICE: UserId = UserId(7);
const ROOM: RoomId = RoomId(3);

fn frames(signals: Vec<Signal>) -> Vec<Frame> {
    let frame = |signal| match signal {
        Signal::Frame(frame) => frame,
        Signal::Whole => panic!("the full list is asked for"),
    };
    signals.into_iter().map(frame).collect()
}

/// Tells `to` what is new on `from`.
fn tell(from: &Board, to: &Board) {
    let mut listener = to.listener(HERE);
    for frame in frames(from.take_news()) {
        assert!(listener(&frame), "refused");
    }
}

#[test]
fn a_user_is_as_present_as_their_most_present_session() {
    let board = Board::new(true);
    assert_eq!(board.of(ALICE), Presence::Offline);
    let one = board.enter(ALICE);
    let other = board.enter(ALICE);
    one.set_away(true);
    one.set_away(true);
    assert_eq!(board.of(ALICE), Presence::Online);
    other.set_away(true);
    assert_eq!(board.of(ALICE), Presence::Away);
    drop(one);
    other.set_away(false);
    assert_eq!(board.of(ALICE), Presence::Online);
    drop(other);
    assert_eq!(board.of(ALICE), Presence::Offline);
}

#[test]
fn a_board_that_is_switched_off_knows_nothing_and_says_nothing() {
    let board = Board::new(false);
    let stay = board.enter(ALICE);
    stay.set_away(true);
    board.typing(ROOM, ALICE);
    assert_eq!(board.of(ALICE), Presence::Unknown);
    assert_eq!(board.take_news(), []);
    let other = Board::new(true);
    let _stay = other.enter(ALICE);
    assert!(board.listener(HERE)(&other.whole()[0]), "a peer that is on is no fault");
    assert_eq!(board.of(ALICE), Presence::Unknown);
}

#[test]
fn a_change_on_one_node_is_seen_on_the_other() {
    let (here, there) = (Board::new(true), Board::new(true));
    let stay = here.enter(ALICE);
    tell(&here, &there);
    assert_eq!(there.of(ALICE), Presence::Online);
    stay.set_away(true);
    tell(&here, &there);
    assert_eq!(there.of(ALICE), Presence::Away);
    drop(stay);
    tell(&here, &there);
    assert_eq!(there.of(ALICE), Presence::Offline);
}

#[test]
fn what_changes_back_before_it_is_told_is_told_as_it_is() {
    let (here, there) = (Board::new(true), Board::new(true));
    drop(here.enter(ALICE));
    assert_eq!(frames(here.take_news()).len(), 1);
    let _stay = here.enter(ALICE);
    let second = here.enter(ALICE);
    drop(second);
    tell(&here, &there);
    assert_eq!(there.of(ALICE), Presence::Online);
    assert_eq!(here.take_news(), []);
}

#[test]
fn a_full_list_of_many_parts_takes_the_place_of_what_was_known() {
    let (here, there) = (Board::new(true), Board::new(true));
    let gone = here.enter(UserId(1_000_000));
    tell(&here, &there);
    drop(gone);
    let users = 2 * PRESENCE_USERS_MAX as u64 + 1;
    let _stays: Vec<_> = (0..users).map(|user| here.enter(UserId(user))).collect();
    let parts = here.whole();
    assert_eq!(parts.len(), 3);
    let mut listener = there.listener(HERE);
    for part in &parts {
        assert_eq!(
            there.of(UserId(1_000_000)),
            Presence::Online,
            "not before the last part"
        );
        assert!(listener(part));
    }
    assert_eq!(there.of(UserId(1_000_000)), Presence::Offline);
    assert!((0..users).all(|user| there.of(UserId(user)) == Presence::Online));
}

#[test]
fn too_many_changes_ask_for_the_full_list() {
    let board = Board::new(true);
    let _stays: Vec<_> = (0..20_000).map(|user| board.enter(UserId(user))).collect();
    assert_eq!(board.take_news(), [Signal::Whole]);
    assert_eq!(board.take_news(), []);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_silent_for_too_long_has_nobody() {
    let (here, there) = (Board::new(true), Board::new(true));
    let _stay = here.enter(ALICE);
    tell(&here, &there);
    tokio::time::advance(PEER_SILENCE_MAX - Duration::from_millis(1)).await;
    assert_eq!(there.of(ALICE), Presence::Online);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!(there.of(ALICE), Presence::Offline);
    // Not even when it speaks again of somebody else.
    let _bob = here.enter(UserId(8));
    tell(&here, &there);
    assert_eq!(there.of(UserId(8)), Presence::Online);
    assert_eq!(there.of(ALICE), Presence::Offline);
}

#[tokio::test]
async fn followers_of_the_room_hear_who_is_writing_on_both_nodes() {
    let (here, there) = (Board::new(true), Board::new(true));
    let (near, far, deaf) = (
        Arc::new(Ears::default()),
        Arc::new(Ears::default()),
        Arc::new(Ears::default()),
    );
    let _following = (
        here.follow(ROOM, &near),
        there.follow(ROOM, &far),
        there.follow(RoomId(4), &deaf),
    );
    here.typing(ROOM, ALICE);
    here.typing(ROOM, ALICE);
    tell(&here, &there);
    assert_eq!(near.heard().await, [(ROOM, ALICE)]);
    assert_eq!(far.heard().await, [(ROOM, ALICE)]);
    // It came from a peer, who tells all the others itself.
    assert_eq!(there.take_news(), []);
    there.typing(RoomId(4), ALICE);
    assert_eq!(deaf.heard().await, [(RoomId(4), ALICE)]);
}

#[tokio::test]
async fn ears_hold_so_many_and_are_closed_by_their_guard() {
    let board = Board::new(true);
    let ears = Arc::new(Ears::default());
    let following = board.follow(ROOM, &ears);
    (0..100).for_each(|user| board.typing(ROOM, UserId(user)));
    assert_eq!(ears.heard().await.len(), EARS_MAX);
    drop(following);
    board.typing(ROOM, ALICE);
    let _again = board.follow(ROOM, &ears);
    board.typing(ROOM, UserId(8));
    assert_eq!(ears.heard().await, [(ROOM, UserId(8))]);
}

#[test]
fn signals_that_make_no_sense_are_refused() {
    let board = Board::new(true);
    let mut listener = board.listener(HERE);
    assert!(!listener(&Frame {
        kind: kind::PRESENCE,
        body: b"\xc1".as_slice().into(),
    }));
    let users = vec![
        relay::Present {
            user: ALICE,
            there: relay::There::Online,
        };
        PRESENCE_USERS_MAX + 1
    ];
    let list = List::Change;
    assert!(!listener(&frame(kind::PRESENCE, &relay::Presence { list, users })));
    assert_eq!(board.of(ALICE), Presence::Offline);
}
