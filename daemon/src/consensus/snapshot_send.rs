//! A snapshot on its way to a follower: one stream, behind everything else that goes to it.

use std::time::Duration;

use bytes::Bytes;
use openraft::StorageError;
use openraft::errors::ErrorSource;
use openraft::raft::SnapshotResponse;
use quorate_protocol::Frame;
use quorate_transport::{FrameSender, Priority};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::network::{CallError, Client, Snapshot, answer};
use super::types::{TypeConfig, Vote};
use super::wire::{self, kind};
use crate::store::{SnapshotData, StoreError};

/// How long a frame may wait for the peer to take the ones before.
pub(crate) const SNAPSHOT_FRAME_DEADLINE: Duration = Duration::from_secs(20);
/// How long the peer may take to make the snapshot durable and its own.
const SNAPSHOT_INSTALL_DEADLINE: Duration = Duration::from_secs(300);
/// Frames between the disk and the network.
const FRAMES_AHEAD: usize = 4;

/// Why a snapshot did not get there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotSendError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Storage(#[from] StorageError<TypeConfig>),
}

/// Sends it, and waits until it is installed or not wanted. Cancelled by dropping: the stream is reset, and the peer drops
/// what it has.
pub(crate) async fn run(
    client: &Client,
    vote: &Vote,
    snapshot: Snapshot,
) -> Result<SnapshotResponse<TypeConfig>, SnapshotSendError> {
    let mut frames = frames(snapshot.snapshot);
    // Before the stream is opened: reading all rows into the spool takes a while, and the peer's patience is for the network.
    let mut next = frames.recv().await;
    let (mut send, mut recv) = timely(client.open(Priority::Bulk)).await?;
    deliver(&mut send, &wire::snapshot_begin(vote)).await?;
    while let Some(part) = next {
        let part = part.map_err(|error| StorageError::read_snapshot(None, ErrorSource::from_error(&error)))?;
        let frame = Frame::new(kind::SNAPSHOT_PART, part);
        tokio::select! {
            delivered = deliver(&mut send, &frame) => delivered?,
            // An answer before the end: it is not wanted.
            early = answer(&mut recv) => return Ok(wire::snapshot_reply_in(&early?).map_err(CallError::from)?),
        }
        next = frames.recv().await;
    }
    deliver(&mut send, &wire::snapshot_end()).await?;
    send.finish().map_err(CallError::from)?;
    let reply = timeout(SNAPSHOT_INSTALL_DEADLINE, answer(&mut recv)).await;
    let reply = reply.map_err(|_| CallError::Deadline(SNAPSHOT_INSTALL_DEADLINE))??;
    Ok(wire::snapshot_reply_in(&reply).map_err(CallError::from)?)
}

async fn timely<T>(step: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let done = timeout(SNAPSHOT_FRAME_DEADLINE, step).await;
    done.unwrap_or(Err(CallError::Deadline(SNAPSHOT_FRAME_DEADLINE)))
}

async fn deliver(send: &mut FrameSender, frame: &Frame) -> Result<(), CallError> {
    timely(async { Ok(send.send(frame).await?) }).await
}

/// The store's frames, read on a thread that may block. It ends when nobody takes them any more.
fn frames(data: SnapshotData) -> mpsc::Receiver<Result<Bytes, StoreError>> {
    let (give, take) = mpsc::channel(FRAMES_AHEAD);
    tokio::task::spawn_blocking(move || match data {
        SnapshotData::Local(reader) => {
            for frame in reader.frames() {
                if give.blocking_send(frame).is_err() {
                    return;
                }
            }
        }
        // openraft sends only what the state machine hands it as its own.
        SnapshotData::Received(_) => {
            let _ = give.blocking_send(Err(StoreError::Closed));
        }
    });
    take
}
