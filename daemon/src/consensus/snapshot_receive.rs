//! A snapshot from the leader: put down frame by frame, checked, and then installed by Raft.

use std::time::Duration;

use bytes::Bytes;
use openraft::raft::SnapshotResponse;
use openraft::storage::Snapshot;
use quorate_core::NodeId;
use quorate_transport::{FrameReceiver, RecvError};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::snapshot_send::SNAPSHOT_FRAME_DEADLINE;
use super::types::{TypeConfig, Vote};
use super::wire::kind;
use crate::store::{Received, SnapshotData, SnapshotDir, SnapshotError, SnapshotWriter};

/// Frames between the network and the disk.
const FRAMES_BEHIND: usize = 4;
/// How long the leader may be silent within a snapshot: it may wait for its own disk as well as for the network.
const SILENCE_MAX: Duration = SNAPSHOT_FRAME_DEADLINE.saturating_mul(2);

/// Why a snapshot was not received. The leader sends it again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReceiveError {
    #[error("the leader fell silent")]
    Silent,
    #[error("the leader ended the stream before the snapshot")]
    Ended,
    #[error("a frame of kind {0} is out of place")]
    Kind(u16),
    #[error(transparent)]
    Recv(#[from] RecvError),
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    #[error("Raft has stopped")]
    Stopped,
}

/// Receives the rest of a snapshot stream and has it installed.
pub(crate) async fn run(
    raft: &super::Raft,
    dir: SnapshotDir,
    leader: NodeId,
    vote: Vote,
    recv: &mut FrameReceiver,
) -> Result<SnapshotResponse<TypeConfig>, ReceiveError> {
    let received = receive(dir, recv).await?;
    let meta = received.meta();
    tracing::info!(%leader, last_log_id = ?meta.last_log_id, "installing a snapshot");
    let snapshot = Snapshot {
        meta,
        snapshot: SnapshotData::Received(received),
    };
    raft.install_full_snapshot(vote, snapshot)
        .await
        .map_err(|_| ReceiveError::Stopped)
}

async fn receive(dir: SnapshotDir, recv: &mut FrameReceiver) -> Result<Received, ReceiveError> {
    let (give, take) = mpsc::channel(FRAMES_BEHIND);
    let writing = tokio::task::spawn_blocking(move || write(&dir, take));
    let passed = pass_on(recv, give).await;
    // Also after a failure: the writer's own is the cause when it has stopped taking frames.
    let written = writing.await.map_err(|_| ReceiveError::Stopped)?;
    match (passed, written) {
        (Ok(()), Ok(received)) => Ok(received),
        (Err(failed @ (ReceiveError::Silent | ReceiveError::Recv(_) | ReceiveError::Kind(_))), _) => Err(failed),
        (_, Err(failed)) => Err(failed.into()),
        (Err(failed), Ok(_)) => Err(failed),
    }
}

/// Ends with the frame that ends the snapshot, or when the writer takes no more.
async fn pass_on(recv: &mut FrameReceiver, give: mpsc::Sender<Part>) -> Result<(), ReceiveError> {
    loop {
        let frame = timeout(SILENCE_MAX, recv.recv())
            .await
            .map_err(|_| ReceiveError::Silent)??;
        let frame = frame.ok_or(ReceiveError::Ended)?;
        let part = match frame.kind {
            kind::SNAPSHOT_PART => Part::Frame(frame.body),
            kind::SNAPSHOT_END => Part::End,
            other => return Err(ReceiveError::Kind(other)),
        };
        let ended = matches!(part, Part::End);
        if give.send(part).await.is_err() || ended {
            return Ok(());
        }
    }
}

enum Part {
    Frame(Bytes),
    End,
}

fn write(dir: &SnapshotDir, mut parts: mpsc::Receiver<Part>) -> Result<Received, SnapshotError> {
    let mut writer = SnapshotWriter::begin(dir)?;
    while let Some(Part::Frame(frame)) = parts.blocking_recv() {
        writer.push(frame)?;
    }
    // Without the last frame this is refused.
    writer.finish()
}
