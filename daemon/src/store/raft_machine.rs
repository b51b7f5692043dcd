//! openraft's state machine: thin, over [`Machine`].

use std::fmt;
use std::io;
use std::time::SystemTime;

use futures_util::{Stream, StreamExt};
use openraft::alias::{SnapshotMetaOf, SnapshotOf};
use openraft::storage::{EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};

use quorate_core::LogIndex;

use crate::consensus::types::{Answer, LogId, TypeConfig};

use super::StoreError;
use super::machine::{APPLY_ENTRIES_MAX, Machine};
use super::rows::Meta;
use super::snapshot::{self, SnapshotData, SnapshotReader};
use crate::consensus::types::StoredMembership;

type Snapshot = SnapshotOf<TypeConfig, SnapshotData>;

/// What openraft applies committed entries to.
pub struct StateMachine {
    machine: Machine,
}

/// Builds snapshots, which is to make a checkpoint: see [`SnapshotReader`].
pub struct SnapshotBuilder {
    machine: Machine,
}

impl fmt::Debug for StateMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateMachine")
    }
}

impl fmt::Debug for SnapshotBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotBuilder")
    }
}

impl StateMachine {
    pub(super) fn new(machine: Machine) -> Self {
        Self { machine }
    }
}

/// Makes what is applied durable, and names it: its bytes are made when they are sent.
async fn snapshot_of(machine: &Machine) -> Result<Snapshot, StoreError> {
    let Meta {
        applied, membership, ..
    } = machine.checkpoint().await?;
    let made = applied.map(|id| (LogIndex(id.index()), SystemTime::now()));
    machine.shared.snapshot.send_replace(made);
    Ok(Snapshot {
        meta: SnapshotMetaOf::<TypeConfig> {
            last_log_id: applied,
            last_membership: membership,
        },
        snapshot: SnapshotData::Local(SnapshotReader::new(machine.shared.clone())),
    })
}

impl RaftSnapshotBuilder<TypeConfig> for SnapshotBuilder {
    type SnapshotData = SnapshotData;

    async fn build_snapshot(&mut self) -> Result<Snapshot, io::Error> {
        Ok(snapshot_of(&self.machine).await?)
    }
}

impl RaftStateMachine<TypeConfig> for StateMachine {
    type SnapshotData = SnapshotData;
    type SnapshotBuilder = SnapshotBuilder;

    async fn applied_state(&mut self) -> Result<(Option<LogId>, StoredMembership), io::Error> {
        let Meta {
            applied, membership, ..
        } = self.machine.shared.applied.borrow().clone();
        Ok((applied, membership))
    }

    async fn apply<Entries>(&mut self, entries: Entries) -> Result<(), io::Error>
    where
        Entries: Stream<Item = Result<EntryResponder<TypeConfig>, io::Error>> + Unpin + OptionalSend,
    {
        let mut runs = entries.ready_chunks(APPLY_ENTRIES_MAX);
        while let Some(run) = runs.next().await {
            let mut entries = Vec::with_capacity(run.len());
            let mut responders = Vec::with_capacity(run.len());
            for item in run {
                let (entry, responder) = item?;
                entries.push(entry);
                responders.push(responder);
            }
            let answer = |outcomes: Vec<_>| {
                for (responder, outcome) in responders.into_iter().zip(outcomes) {
                    if let Some(responder) = responder {
                        responder.send(Answer(outcome));
                    }
                }
            };
            self.machine.apply(entries, answer).await?;
        }
        Ok(())
    }

    async fn try_create_snapshot_builder(&mut self, _force: bool) -> Option<SnapshotBuilder> {
        Some(SnapshotBuilder {
            machine: self.machine.clone(),
        })
    }

    async fn get_snapshot_builder(&mut self) -> SnapshotBuilder {
        SnapshotBuilder {
            machine: self.machine.clone(),
        }
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMetaOf<TypeConfig>,
        snapshot: SnapshotData,
    ) -> Result<(), io::Error> {
        snapshot::install(&self.machine, meta, snapshot)
            .await
            .map_err(io::Error::other)
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot>, io::Error> {
        let snapshot = snapshot_of(&self.machine).await?;
        Ok(snapshot.meta.last_log_id.is_some().then_some(snapshot))
    }
}
