//! The audit log: shown, and checked.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use quorate_adminapi::{AuditReport, AuditRow};
use quorate_core::{AuditEntry, AuditNo};
use serde::Deserialize;

use super::rule::{Told, at};
use super::source::Source;

/// Entries of an answer at the most, and where nothing is said of it.
const ENTRIES_MAX: usize = 1000;
const ENTRIES: usize = 50;

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/audit", get(entries::<S>))
        .route("/v1/audit/verify", get(verify::<S>))
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
