//! Snapshots, and backups on their way out.
//!
//! A backup is as long as the chat is, and takes as long as its reader does. So it has limits of its own in place of those
//! of other requests: the store makes few at once, a connection's life ends one that nobody reads on, and its bytes are
//! asked for one chunk at a time.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use quorate_adminapi::{Snapshots, code, format_duration};
use quorate_core::Operator;
use serde::Deserialize;

use super::audit::write_down;
use super::reply::Refused;
use super::route::deadline_of;
use super::serve::PeerUid;
use super::source::{AdminError, Source};

/// The bytes of a backup.
pub type BackupBody = BoxStream<'static, io::Result<Bytes>>;

/// What the admin API asks of the node about snapshots.
pub trait SnapshotSource {
    /// What this node has.
    fn snapshots(&self) -> Snapshots;

    /// Begins a backup for an operator: of everything that was acknowledged anywhere by now, or, with `stale`, of what
    /// this node has.
    fn save(&self, uid: u32, stale: bool) -> impl Future<Output = Result<BackupBody, AdminError>> + Send;
}

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new().route("/v1/snapshots", get(snapshots::<S>))
}

/// Outside the limits of the others.
pub(super) fn save_routes<S: Source>() -> Router<Arc<S>> {
    Router::new().route("/v1/snapshots/save", post(save::<S>))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SaveQuery {
    #[serde(default)]
    stale: bool,
}

async fn snapshots<S: Source>(State(source): State<Arc<S>>) -> Json<Snapshots> {
    Json(source.snapshots())
}

async fn save<S: Source>(
    State(source): State<Arc<S>>,
    Extension(PeerUid(uid)): Extension<PeerUid>,
    headers: HeaderMap,
    params: Result<Query<SaveQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(SaveQuery { stale }) = params?;
    let within = deadline_of(&headers);
    let begun = tokio::time::timeout(within, source.save(uid, stale)).await;
    let late = |_| {
        let after = format!("no backup began within {}", format_duration(within));
        Refused::new(code::TIMED_OUT, after)
    };
    let body = begun.map_err(late)??;
    write_down(&source, Operator { uid }, "snapshot.save", String::new());
    let kind = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((kind, Body::from_stream(body)).into_response())
}
