//! The admin API of a node that belongs to no cluster yet: it can found one, or join one.

use std::future::Future;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use quorate_adminapi::{
    Health, InitRequest, Initialised, JoinRequest, JoinedCluster, LogLevel, NewLogLevel, RaftInfo, Version,
};
use quorate_core::Operator;

use super::metrics::MetricsSnapshot;
use super::reply::Refused;
use super::route::openmetrics;
use super::rule::{Asked, By, Told, operator};
use super::source::AdminError;
use super::telemetry::{Panel, config, log_level, turn_log_level};

/// What is asked of a node that belongs to no cluster.
pub trait Newcomer: Panel {
    /// Makes it the first node of a new cluster.
    fn init(&self, by: Operator, asked: InitRequest) -> impl Future<Output = Result<Initialised, AdminError>> + Send;

    /// Makes it a node of a cluster that there is.
    fn join(&self, by: Operator, asked: JoinRequest) -> impl Future<Output = Result<JoinedCluster, AdminError>> + Send;

    /// The program.
    fn version(&self) -> Version;

    /// The numbers of this node.
    fn metrics(&self) -> MetricsSnapshot;
}

pub(super) fn routes<N: Newcomer>() -> Router<Arc<N>> {
    Router::new()
        .route("/v1/cluster/init", post(init::<N>))
        .route("/v1/cluster/join", post(join::<N>))
        .route("/v1/version", get(version::<N>))
        .route("/v1/health", get(health))
        .route("/v1/raft", get(raft))
        .route("/v1/config", get(config::<N>))
        .route("/v1/log-level", get(log_level::<N>).put(set_log_level::<N>))
        .merge(metrics_routes::<N>())
        .route("/v1/{*path}", get(vacant).post(vacant).put(vacant).delete(vacant))
}

pub(super) fn metrics_routes<N: Newcomer>() -> Router<Arc<N>> {
    Router::new().route("/metrics", get(metrics::<N>))
}

async fn init<N: Newcomer>(State(newcomer): State<Arc<N>>, by: By, asked: Asked<InitRequest>) -> Told<Initialised> {
    let Json(asked) = asked?;
    Ok(Json(newcomer.init(operator(by), asked).await?))
}

async fn join<N: Newcomer>(State(newcomer): State<Arc<N>>, by: By, asked: Asked<JoinRequest>) -> Told<JoinedCluster> {
    let Json(asked) = asked?;
    Ok(Json(newcomer.join(operator(by), asked).await?))
}

async fn version<N: Newcomer>(State(newcomer): State<Arc<N>>) -> Json<Version> {
    Json(newcomer.version())
}

async fn health() -> Response {
    let health = Health::unanswered(AdminError::Vacant.to_string(), None, 0);
    (StatusCode::SERVICE_UNAVAILABLE, Json(health)).into_response()
}

async fn raft() -> Json<RaftInfo> {
    Json(RaftInfo::vacant())
}

/// There is no audit log yet that it could be written into.
async fn set_log_level<N: Newcomer>(State(newcomer): State<Arc<N>>, asked: Asked<NewLogLevel>) -> Told<LogLevel> {
    let Json(asked) = asked?;
    Ok(Json(turn_log_level(&*newcomer, asked)?))
}

async fn metrics<N: Newcomer>(State(newcomer): State<Arc<N>>) -> Result<Response, Refused> {
    openmetrics(newcomer.metrics())
}

async fn vacant() -> Refused {
    AdminError::Vacant.into()
}
