//! The audit log: shown, and checked.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use quorate_adminapi::{AuditReport, AuditRow};
use quorate_core::{AuditEntry, AuditNo, Operator};
use serde::Deserialize;

use super::rule::{Told, at};
use super::source::Source;

/// Entries of an answer at the most, and where nothing is said of it.
const ENTRIES_MAX: usize = 1000;
const ENTRIES: usize = 50;

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new().route("/v1/audit", get(entries::<S>))
}

/// Compares what this node has with what the others have, with a quorum or without.
pub(super) fn check_routes<S: Source>() -> Router<Arc<S>> {
    Router::new().route("/v1/audit/verify", get(verify::<S>))
}

/// Has an operator's act written down that is no change of the state. Nobody waits for it, since such acts are there for
/// times without a quorum too; what could not be written down is in the traces.
pub(super) fn write_down<S: Source>(source: &Arc<S>, by: Operator, action: &'static str, target: String) {
    let source = Arc::clone(source);
    tokio::spawn(async move {
        if let Err(error) = source.note(by, action, &target).await {
            tracing::warn!(uid = by.uid, action, target, %error, "not in the audit log");
        }
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntriesQuery {
    after: Option<u64>,
    limit: Option<usize>,
}

async fn entries<S: Source>(
    State(source): State<Arc<S>>,
    params: Result<Query<EntriesQuery>, QueryRejection>,
) -> Told<Vec<AuditRow>> {
    let Query(EntriesQuery { after, limit }) = params?;
    let limit = limit.unwrap_or(ENTRIES).min(ENTRIES_MAX);
    let entries = source.audit(after.map(AuditNo), limit).await?;
    let row = |(seq, entry): (AuditNo, AuditEntry)| AuditRow {
        hash: entry.hash(seq).to_string(),
        seq,
        at: at(entry.at),
        uid: entry.uid,
        actor: entry.actor.to_string(),
        action: entry.action.to_string(),
        target: entry.target.to_string(),
        outcome: entry.outcome.to_string(),
    };
    Ok(Json(entries.into_iter().map(row).collect()))
}

async fn verify<S: Source>(State(source): State<Arc<S>>) -> Told<AuditReport> {
    Ok(Json(source.check_audit().await?))
}
