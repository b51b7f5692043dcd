//! What followers and sessions see of a past that changes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use quorate_core::{Command, Seq, Sweep, UnbindDevice};
use quorate_daemon::fanout::{Hub, Mailbox, Pull, Subscription};
use quorate_daemon::store::{Range, Reader, Store};
use tempfile::TempDir;

use crate::chat::{ALICE, BOB, Chat};
use crate::script::{CLUSTER, NODE, ROOM, apply, device};

struct Served {
    hub: Arc<Hub>,
    store: Store,
    _dir: TempDir,
}

fn serve() -> Served {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), CLUSTER.parse().unwrap(), NODE).unwrap();
    let hub: Arc<Hub> = Arc::default();
    let store = Store::open(dir.path(), None, Arc::clone(&hub)).unwrap();
    Served { hub, store, _dir: dir }
}

impl Served {
    async fn apply(&self, chat: &Chat, done: &mut usize) {
        apply(&mut self.store.state_machine(), &chat.entries[*done..])
            .await
            .unwrap();
        *done = chat.entries.len();
    }

    fn follow(&self, cursor: u64) -> Subscription {
        self.hub.subscribe(ROOM, 1, &Arc::new(Mailbox::default()), Seq(cursor))
    }
}

/// Takes everything that there is for a feed, as a session does; the seqs and the bytes.
async fn drain(feed: &mut Subscription, reader: &Reader) -> Vec<(u64, Bytes)> {
    let mut taken = Vec::new();
    loop {
        match feed.pull(1 << 20) {
            Pull::Events(events) => {
                let first = feed.cursor().next().0;
                feed.advance(events.len());
                taken.extend((first..).zip(events));
            }
            Pull::Nothing => return taken,
            Pull::Store | Pull::Unknown => {
                let after = Range::After(feed.cursor());
                let events = reader.history(ROOM, after, 100, 1 << 20).await.unwrap();
                let Some(first) = events.first() else { return taken };
                feed.skip_to(first.seq);
                feed.advance(events.len());
                taken.extend(events.into_iter().map(|event| (event.seq.0, event.bytes)));
            }
        }
    }
}

fn has(events: &[(u64, Bytes)], text: &str) -> bool {
    events
        .iter()
        .any(|(_, event)| event.windows(text.len()).any(|part| part == text.as_bytes()))
}

fn seqs(events: &[(u64, Bytes)]) -> Vec<u64> {
    events.iter().map(|(seq, _)| *seq).collect()
}

#[tokio::test]
async fn a_late_feed_never_gets_a_redacted_text_also_when_all_comes_in_one_batch() {
    for one_batch in [false, true] {
        let served = serve();
        let (mut chat, mut done) = (Chat::new(), 0);
        served.apply(&chat, &mut done).await;
        let mut early = served.follow(chat.last().0);
        let mut seen = drain(&mut early, &served.store.reader()).await;
        let seq = chat.posted(ALICE, "topsecret");
        chat.posted(BOB, "harmless");
        if !one_batch {
            served.apply(&chat, &mut done).await;
            seen.extend(drain(&mut early, &served.store.reader()).await);
            assert!(has(&seen, "topsecret"));
        }
        chat.redact(ALICE, seq).unwrap();
        chat.posted(ALICE, "later");
        served.apply(&chat, &mut done).await;
        // From the very beginning, and from right before the message, where the tail may begin.
        for cursor in [0, seq.0 - 1] {
            let mut late = served.follow(cursor);
            let all = drain(&mut late, &served.store.reader()).await;
            assert!(!has(&all, "topsecret") && has(&all, "harmless") && has(&all, "later"));
            assert_eq!(seqs(&all), (cursor + 1..=chat.last().0).collect::<Vec<_>>());
        }
        seen.extend(drain(&mut early, &served.store.reader()).await);
        let news: Vec<_> = (seq.0..=chat.last().0).collect();
        assert_eq!(seqs(&seen), news, "each once, in order, without a hole");
    }
}

#[tokio::test]
async fn a_feed_that_was_cut_goes_on_at_the_first_line_that_is_kept() {
    let served = serve();
    let (mut chat, mut done) = (Chat::new(), 0);
    served.apply(&chat, &mut done).await;
    let mut slow = served.follow(chat.last().0);
    for number in 0..20 {
        chat.posted(ALICE, &format!("message {number}"));
    }
    served.apply(&chat, &mut done).await;
    chat.keep(5);
    chat.sweep(Sweep::Room(ROOM)).unwrap();
    served.apply(&chat, &mut done).await;
    let seen = drain(&mut slow, &served.store.reader()).await;
    let kept: Vec<_> = (chat.first().0..=chat.last().0).collect();
    assert!(kept.len() < 10);
    assert_eq!(seqs(&seen), kept);
}

#[tokio::test]
async fn every_session_of_an_unbound_device_is_told_once_the_state_has_it() {
    let served = serve();
    let (mut chat, mut done) = (Chat::new(), 0);
    served.apply(&chat, &mut done).await;
    let (bobs, alices) = (Arc::new(Mailbox::default()), Arc::new(Mailbox::default()));
    let _bob = served.hub.attach(&device(BOB), &bobs);
    let _alice = served.hub.attach(&device(ALICE), &alices);
    let target = device(BOB);
    chat.command(Command::UnbindDevice(UnbindDevice { device: target, target }))
        .unwrap();
    served.apply(&chat, &mut done).await;
    assert!(bobs.unbound().now_or_never().is_some());
    assert!(alices.unbound().now_or_never().is_none());
    assert!(
        served
            .store
            .reader()
            .with_state(|state| state.device(&target).is_none())
    );
}
