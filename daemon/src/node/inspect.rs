//! What operators take out of this node: backups, its log, and how its state compares with the others'.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::try_unfold;
use quorate_adminapi::{
    EntryKind, Noted, OwnSnapshot, RaftEntry, RaftLog, RaftVerify, SaveInfo, SaveState, Snapshots, UtcTime,
};
use quorate_core::{LogIndex, NodeId};
use quorate_protocol::entry;
use tokio::time::{Instant, sleep};

use super::source::NodeSource;
use crate::admin::{AdminError, BackupBody, LogQuery, RaftSource, SnapshotSource, Source};
use crate::consensus::types::{LogEntry, Payload, Proposal};
use crate::relay::ask_hashes;
use crate::store::{self, Save, SaveError};

/// Entries in one answer.
const LOG_ENTRIES_MAX: u64 = 500;
/// Bytes of the entries in one answer, about: in hex they are twice that.
const LOG_BYTES_MAX: usize = 1 << 20;
/// How long two nodes may take to have applied the same entry, where none is noted by both.
const COMPARE_DEADLINE: Duration = Duration::from_secs(2);
/// Between two comparisons.
const COMPARE_PAUSE: Duration = Duration::from_millis(50);
/// How many of the last entries are shown to who does not say which.
const LOG_ENTRIES_SHOWN: u64 = 50;

impl SnapshotSource for NodeSource {
    fn snapshots(&self) -> Snapshots {
        let reader = &self.facts.reader;
        Snapshots {
            node: self.node,
            snapshot: reader
                .snapshot()
                .map(|(index, at)| OwnSnapshot { index, at: at.into() }),
            applied: reader.applied(),
            saves: self.backups.saves().iter().map(save_info).collect(),
        }
    }

    async fn save(&self, uid: u32, stale: bool) -> Result<BackupBody, AdminError> {
        if !stale {
            self.catch_up().await?;
        } else if let Some(error) = self.not_formed(&self.consensus.view().borrow()) {
            return Err(error);
        }
        let stream = self.backups.save(uid).await.map_err(|error| match error {
            SaveError::TooMany(_) | SaveError::Rows(store::HistoryError::Busy) => AdminError::Busy(error.to_string()),
            SaveError::Nothing | SaveError::Rows(_) | SaveError::Store(_) => failed(&error),
        })?;
        tracing::info!(uid, "a backup is being taken");
        let chunks = try_unfold(stream, |mut stream| async move {
            let chunk = stream.next().await.inspect_err(|error| {
                tracing::warn!(
                    error = error as &dyn std::error::Error,
                    "a backup was not made to its end"
                );
            })?;
            Ok(chunk.map(|chunk| (chunk, stream)))
        });
        Ok(chunks.boxed())
    }
}

impl RaftSource for NodeSource {
    async fn log(&self, ask: LogQuery) -> Result<RaftLog, AdminError> {
        let Some((first, last)) = self.log.bounds() else {
            return Ok(RaftLog {
                first: None,
                last: None,
                entries: Vec::new(),
                next: None,
            });
        };
        let to = ask.to.unwrap_or(last).min(last);
        let shown = LogIndex((to.0 + 1).saturating_sub(LOG_ENTRIES_SHOWN));
        let from = ask.from.unwrap_or(shown).max(first);
        let end = (to.0 + 1).min(from.0.saturating_add(LOG_ENTRIES_MAX));
        let entries = if from.0 < end {
            let page = self.log.page(from.0..end, LOG_BYTES_MAX).await;
            page.map_err(|error| failed(&error))?
        } else {
            Vec::new()
        };
        let entries: Vec<RaftEntry> = entries.into_iter().map(|entry| shown_entry(entry, ask.raw)).collect();
        let next = entries
            .last()
            .map(|entry| entry.index.next())
            .filter(|next| *next <= to);
        Ok(RaftLog {
            first: Some(first),
            last: Some(last),
            entries,
            next,
        })
    }

    async fn verify(&self, all: bool) -> Result<RaftVerify, AdminError> {
        let view = self.consensus.view().borrow().clone();
        if let Some(error) = self.not_formed(&view) {
            return Err(error);
        }
        let deadline = Instant::now() + COMPARE_DEADLINE;
        loop {
            let others = view.members.keys().copied().filter(|id| *id != self.node);
            let asked = others.map(|id| async move { (id, ask_hashes(&self.links, id).await) });
            let own = async { (self.node, Some(self.facts.reader.state_hashes())) };
            let (own, others) = tokio::join!(own, join_all(asked));
            let nodes: BTreeMap<NodeId, Noted> = others
                .into_iter()
                .chain([own])
                .map(|(id, noted)| (id, noted.map(|noted| noted.into_iter().collect())))
                .collect();
            let verify = RaftVerify::of(&nodes, all);
            // In a young log nothing is noted yet, and what each has applied last may differ for a moment.
            let answer = nodes.values().flatten().count();
            if verify.compared > 0 || answer < 2 || Instant::now() >= deadline {
                return Ok(verify);
            }
            sleep(COMPARE_PAUSE).await;
        }
    }
}

/// With all causes: who reads it may not see the traces.
fn failed(error: &dyn std::error::Error) -> AdminError {
    let causes = std::iter::successors(Some(error), |error| error.source());
    AdminError::Failed(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn save_info(save: &Save) -> SaveInfo {
    SaveInfo {
        at: save.at.into(),
        uid: save.uid,
        index: save.index,
        rows: save.rows,
        bytes: save.bytes,
        took_ms: save.took_ms,
        state: match save.state {
            store::SaveState::Running => SaveState::Running,
            store::SaveState::Complete => SaveState::Complete,
            store::SaveState::BrokenOff => SaveState::BrokenOff,
        },
    }
}

fn shown_entry(entry: LogEntry, raw: bool) -> RaftEntry {
    let leader = *entry.log_id.committed_leader_id();
    let mut shown = RaftEntry {
        index: LogIndex(entry.log_id.index()),
        term: leader.term,
        leader: leader.node_id,
        kind: EntryKind::Blank,
        command: None,
        at: None,
        bytes: 0,
        voters: Vec::new(),
        learners: Vec::new(),
        raw: None,
        redacted: false,
    };
    match entry.payload {
        Payload::Blank => {}
        Payload::Normal(Proposal(bytes)) => {
            shown.kind = EntryKind::Command;
            shown.bytes = bytes.len() as u64;
            match entry::decode(&bytes) {
                Ok(decoded) => {
                    shown.command = Some(decoded.command.name().to_owned());
                    shown.at = Some(UtcTime::from_unix_ms(decoded.proposed_at.0));
                    shown.redacted = decoded.command.carries_secret();
                }
                // Nobody can tell what is in it.
                Err(_) => shown.redacted = true,
            }
            if raw && !shown.redacted {
                shown.raw = Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
            }
        }
        Payload::Membership(membership) => {
            shown.kind = EntryKind::Membership;
            shown.voters = membership.voter_ids().collect();
            shown.learners = membership.learner_ids().collect();
        }
    }
    shown
}
