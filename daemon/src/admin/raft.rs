//! The log of this node, and whether all nodes have the same state.

use std::future::Future;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use quorate_adminapi::{RaftLog, RaftVerify};
use quorate_core::LogIndex;
use serde::Deserialize;

use super::reply::Refused;
use super::rule::{By, operator};
use super::source::{AdminError, Source};

/// Which entries of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// From here on; without it, the last ones.
    pub from: Option<LogIndex>,
    /// Up to here, it included; without it, to the end.
    pub to: Option<LogIndex>,
    /// Also what they carry, in hex, where it is no secret. Texts of private rooms are among it, so it is written down in the
    /// audit log who asked.
    #[serde(default)]
    pub raw: bool,
}

/// What the admin API asks of the node about Raft.
pub trait RaftSource {
    /// Entries of this node's log.
    fn log(&self, ask: LogQuery) -> impl Future<Output = Result<RaftLog, AdminError>> + Send;

    /// Compares the state of all nodes: at one index, or at all that two of them have noted.
    fn verify(&self, all: bool) -> impl Future<Output = Result<RaftVerify, AdminError>> + Send;
}

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/raft/log", get(log::<S>))
        .route("/v1/raft/verify", get(verify::<S>))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VerifyQuery {
    #[serde(default)]
    all: bool,
}

async fn log<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    params: Result<Query<LogQuery>, QueryRejection>,
) -> Result<Json<RaftLog>, Refused> {
    let Query(ask) = params?;
    if ask.raw {
        // Written down before anything is read, as an export is: it shows what was said in private rooms.
        source.note(operator(by), "raft.log", &range(ask)).await?;
    }
    Ok(Json(source.log(ask).await?))
}

/// The entries that are asked for, in words.
fn range(ask: LogQuery) -> String {
    let from = ask.from.map(|from| format!("from {from}"));
    let to = ask.to.map(|to| format!("to {to}"));
    let words: Vec<String> = from.into_iter().chain(to).collect();
    match words.is_empty() {
        true => "the last entries".to_owned(),
        false => words.join(" "),
    }
}

async fn verify<S: Source>(
    State(source): State<Arc<S>>,
    params: Result<Query<VerifyQuery>, QueryRejection>,
) -> Result<Json<RaftVerify>, Refused> {
    let Query(VerifyQuery { all }) = params?;
    Ok(Json(source.verify(all).await?))
}
