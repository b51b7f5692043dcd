//! The cluster's CA: which it is, another in its place, and a copy for the operator.

use std::future::Future;
use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use quorate_adminapi::{CaKey, CaReport};
use quorate_core::Operator;

use super::rule::{By, Told, operator};
use super::source::{AdminError, Source};

/// What is asked of the node about the CA, beyond [`Source`].
pub trait CaSource: Source {
    /// Which it is, and who has certificates of it.
    fn ca(&self) -> impl Future<Output = Result<CaReport, AdminError>> + Send;

    /// Puts a new one in its place.
    fn rotate_ca(&self, by: Operator) -> impl Future<Output = Result<CaReport, AdminError>> + Send;

    /// Hands it out, key and all.
    fn export_ca(&self, by: Operator) -> impl Future<Output = Result<CaKey, AdminError>> + Send;
}

pub(super) fn routes<S: CaSource>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/ca", get(show::<S>))
        .route("/v1/ca/rotate", post(rotate::<S>))
        .route("/v1/ca/export", post(export::<S>))
}

async fn show<S: CaSource>(State(source): State<Arc<S>>) -> Told<CaReport> {
    Ok(Json(source.ca().await?))
}

async fn rotate<S: CaSource>(State(source): State<Arc<S>>, by: By) -> Told<CaReport> {
    Ok(Json(source.rotate_ca(operator(by)).await?))
}

async fn export<S: CaSource>(State(source): State<Arc<S>>, by: By) -> Told<CaKey> {
    Ok(Json(source.export_ca(operator(by)).await?))
}
