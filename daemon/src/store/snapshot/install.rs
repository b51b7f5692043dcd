//! Putting a snapshot in the place of the state.

use crate::store::machine::Machine;
use crate::store::{SnapshotError, StoreError};

use super::{Received, SnapshotData, SnapshotDir, SnapshotMeta, SnapshotReader, SnapshotWriter};

/// Goes on with a snapshot, which must be the one that the meta names: openraft continues right
/// after it.
pub(in crate::store) async fn install(
    machine: &Machine,
    meta: &SnapshotMeta,
    snapshot: SnapshotData,
) -> Result<(), SnapshotError> {
    let received = match snapshot {
        SnapshotData::Received(received) => received,
        SnapshotData::Local(reader) => {
            let dir = SnapshotDir {
                shared: machine.shared.clone(),
            };
            let copied = tokio::task::spawn_blocking(move || copy(&reader, &dir)).await;
            copied.map_err(|_| StoreError::Closed)??
        }
    };
    if received.meta() != *meta {
        return Err(SnapshotError::Garbled {
            frame: 0,
            what: "it is not the snapshot that was named",
        });
    }
    let (state, install) = received.into_parts();
    Ok(machine.install(state, install).await?)
}

fn copy(reader: &SnapshotReader, dir: &SnapshotDir) -> Result<Received, SnapshotError> {
    let mut writer = SnapshotWriter::begin(dir)?;
    for frame in reader.frames() {
        writer.push(frame?)?;
    }
    writer.finish()
}
