//! The power fails at each sync, with all that was not synced lost, torn or kept.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use openraft::RaftLogReader;
use openraft::storage::RaftLogStorage;
use quorate_core::NodeId;
use quorate_daemon::consensus::types::{LogEntry, Vote};

use crate::chat::Chat;
use crate::disk::{Crash, Image};
use crate::script::{Node, log_id, records_by_index};

/// What the store has confirmed.
#[derive(Clone, Copy, Debug, Default)]
struct Confirmed {
    /// The number of entries.
    entries: usize,
    term: u64,
    /// Up to which index a checkpoint was confirmed.
    checkpoint: Option<u64>,
    /// Up to which index a purge was asked for.
    purged: Option<u64>,
}

/// All rows after each of the entries, on a node that never crashes.
async fn rows_by_index(entries: &[LogEntry]) -> Vec<Vec<Bytes>> {
    let node = Node::create();
    let mut all = Vec::new();
    for entry in entries {
        node.append_and_apply(std::slice::from_ref(entry)).await;
        all.push(node.frames().await);
    }
    all
}

struct Crashed {
    confirmed: Confirmed,
    crash: Crash,
    image: Image,
}

#[tokio::test]
async fn nothing_confirmed_is_lost_at_any_sync() {
    const ENTRIES: usize = 160;
    // Enough for edits, redactions, cuts and a purge.
    let all = Chat::lively(ENTRIES).entries;
    let records = records_by_index(&all);
    let rows = rows_by_index(&all).await;
    let node = Node::create();
    let confirmed = Arc::new(Mutex::new(Confirmed::default()));
    let crashes: Arc<Mutex<Vec<Crashed>>> = Arc::default();
    let (seen, taken) = (Arc::clone(&confirmed), Arc::clone(&crashes));
    let mut seed = 0;
    node.disk.before_sync(move |files| {
        let confirmed = *seen.lock().unwrap();
        seed += 2;
        for crash in [
            Crash::OfProcess,
            Crash::LosingAll,
            Crash::Tearing(seed),
            Crash::Tearing(seed + 1),
        ] {
            let image = files.crash(crash);
            taken.lock().unwrap().push(Crashed {
                confirmed,
                crash,
                image,
            });
        }
    });

    let mut log = node.store.log();
    let mut machine = node.store.state_machine();
    let mut done = 0;
    for step in 0_u64.. {
        let next = (done + 1 + usize::try_from(step % 7).unwrap()).min(ENTRIES);
        if done == ENTRIES {
            break;
        }
        node.append(&all[done..next]).await.unwrap();
        confirmed.lock().unwrap().entries = next;
        crate::script::apply(&mut machine, &all[done..next]).await.unwrap();
        done = next;
        let last = done as u64 - 1;
        if step % 3 == 0 {
            log.save_vote(&Vote::new(step + 1, NodeId(1))).await.unwrap();
            confirmed.lock().unwrap().term = step + 1;
        }
        if step % 4 == 0 {
            node.checkpoint().await;
            confirmed.lock().unwrap().checkpoint = Some(last);
        }
        if step % 8 == 4 {
            // A purge is not confirmed: from here on it may be done.
            confirmed.lock().unwrap().purged = Some(last - 5);
            log.purge(log_id(last - 5)).await.unwrap();
        }
    }

    let crashes = std::mem::take(&mut *crashes.lock().unwrap());
    assert!(crashes.len() > 100, "only {} crashes", crashes.len());
    for (
        number,
        Crashed {
            confirmed,
            crash,
            image,
        },
    ) in crashes.iter().enumerate()
    {
        let context = format!("crash {number}, {crash:?}, {confirmed:?}");
        let node = node.after_crash(image);
        let mut log = node.store.log();

        let state = log.get_log_state().await.unwrap();
        let last = state
            .last_log_id
            .map_or(0, |id| usize::try_from(id.index()).unwrap() + 1);
        assert!(last >= confirmed.entries, "{context}: the log ends before {last}");
        let vote = log.read_vote().await.unwrap().map_or(0, |vote| vote.leader_id.term);
        assert!(vote >= confirmed.term, "{context}: voted {vote}");
        let first = state
            .last_purged_log_id
            .map_or(0, |id| usize::try_from(id.index()).unwrap() + 1);
        assert!(
            first == 0 || Some(first as u64 - 1) <= confirmed.purged,
            "{context}: purged too much"
        );
        assert_eq!(
            log.try_get_log_entries(0..).await.unwrap(),
            all[first..last],
            "{context}"
        );

        let applied = node.store.reader().last_applied().map(|id| id.index());
        assert!(applied >= confirmed.checkpoint, "{context}: applied {applied:?}");
        if let Some(applied) = applied {
            assert_eq!(node.records(), records[usize::try_from(applied).unwrap()], "{context}");
        }
        assert!(
            first as u64 <= applied.map_or(0, |index| index + 1),
            "{context}: cannot replay"
        );
        node.replay().await;
        if let Some(expected) = last.checked_sub(1).map(|at| &records[at]) {
            assert_eq!(node.records(), *expected, "{context}");
        }
        if let Some(expected) = last.checked_sub(1).map(|at| &rows[at]) {
            assert_eq!(node.frames().await, *expected, "{context}");
        }
        node.store.shutdown().await.unwrap();
    }
}
