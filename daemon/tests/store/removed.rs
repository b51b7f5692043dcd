//! What the one who keeps an index is told of lines that are gone.

use quorate_core::{Seq, Sweep, UserId};
use quorate_daemon::store::{Removal, Removals};

use crate::chat::{ALICE, BOB, Chat};
use crate::script::{Node, ROOM};

fn all(removals: &mut Removals) -> Vec<Removal> {
    std::iter::from_fn(|| removals.take()).collect()
}

#[tokio::test]
async fn cuts_purges_and_forgotten_rooms_are_told_when_they_can_be_seen() {
    let mut chat = Chat::new();
    let seq = chat.posted(BOB, "mine");
    chat.posted(ALICE, "one");
    chat.posted(ALICE, "two");
    let node = Node::create();
    let mut removals = node.store.reader().removals();
    let mut done = 0;
    let mut told = async |chat: &Chat| {
        node.append_and_apply(&chat.entries[done..]).await;
        done = chat.entries.len();
        all(&mut removals)
    };
    chat.redact(ALICE, Seq(4)).unwrap();
    assert_eq!(told(&chat).await, [], "a redaction is a line");
    chat.delete_user(BOB).unwrap();
    chat.sweep(Sweep::User(UserId(3))).unwrap();
    assert_eq!(told(&chat).await, [Removal::Message { room: ROOM, seq }]);
    chat.posted(ALICE, "three");
    chat.keep(1);
    chat.sweep(Sweep::Room(ROOM)).unwrap();
    let first = chat.first();
    assert_eq!(told(&chat).await, [Removal::Below { room: ROOM, first }]);
    // A room of few lines is forgotten by the entry that deletes it.
    let next = chat.last().next();
    chat.delete_room();
    let below = Removal::Below {
        room: ROOM,
        first: next,
    };
    assert_eq!(told(&chat).await, [below, Removal::Room(ROOM)]);
}
