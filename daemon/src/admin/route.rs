//! Which path answers what. Handlers ask the source and shape its answer; they keep nothing.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http_body_util::Limited;
use quorate_adminapi::{
    Health, Leader, Member, RaftInfo, Status, TIMEOUT_HEADER, Version, answer_within, code, format_duration,
};
use quorate_core::NodeId;
use serde::Deserialize;

use super::metrics::{MetricsSnapshot, OPENMETRICS_CONTENT_TYPE, to_openmetrics};
use super::newcomer::Newcomer;
use super::reply::Refused;
use super::roster::RosterSource;
use super::source::{AdminError, Source};

/// The longest body of a request, in bytes.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;
/// How long an answer may take where the caller does not say that it waits longer.
pub const HANDLER_DEADLINE: Duration = Duration::from_secs(8);

/// All paths.
pub(super) fn admin_routes<S: RosterSource>(source: Arc<S>) -> Router {
    let agreed = Router::new()
        .merge(super::rule::routes::<S>())
        .merge(super::user::routes::<S>())
        .merge(super::room::routes::<S>())
        .merge(super::access::routes::<S>())
        .merge(super::audit::routes::<S>())
        .merge(super::roster::token_routes::<S>());
    let routes = Router::new()
        .route("/v1/status", get(status::<S>))
        .route("/v1/health", get(health::<S>))
        .route("/v1/raft", get(raft::<S>))
        .route("/v1/members", get(members::<S>))
        .route("/v1/members/{id}", get(member::<S>))
        .route("/v1/leader", get(leader::<S>))
        .route("/v1/version", get(version::<S>))
        .route("/metrics", get(metrics::<S>))
        .merge(super::telemetry::routes::<S>())
        .merge(super::raft::routes::<S>())
        .merge(super::snapshot::routes::<S>())
        .merge(super::audit::check_routes::<S>())
        .merge(super::roster::routes::<S>())
        .merge(super::ca::routes::<S>())
        .merge(super::fresh::as_of_now(agreed, &source));
    bounded(routes)
        .merge(super::snapshot::save_routes::<S>())
        .with_state(source)
}

/// Those of a node that belongs to no cluster yet.
pub(super) fn newcomer_routes<N: Newcomer>(newcomer: Arc<N>) -> Router {
    bounded(super::newcomer::routes::<N>()).with_state(newcomer)
}

/// `/metrics` and nothing else.
pub(super) fn metrics_routes<S: Source>(source: Arc<S>) -> Router {
    bounded(Router::new().route("/metrics", get(metrics::<S>))).with_state(source)
}

/// The same of a node that belongs to no cluster yet.
pub(super) fn newcomer_metrics_routes<N: Newcomer>(newcomer: Arc<N>) -> Router {
    bounded(super::newcomer::metrics_routes::<N>()).with_state(newcomer)
}

/// The limits that hold for every path, and answers where there is none.
fn bounded<S: Send + Sync + 'static>(routes: Router<Arc<S>>) -> Router<Arc<S>> {
    routes
        .fallback(unknown_path)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(REQUEST_BODY_BYTES_MAX))
        .layer(from_fn(within_limits))
}

/// What every request may take: bytes and time.
async fn within_limits(request: Request, next: Next) -> Result<Response, Refused> {
    let length = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > REQUEST_BODY_BYTES_MAX) {
        return Err(Refused::new(
            code::TOO_LARGE,
            format!("a request has at most {REQUEST_BODY_BYTES_MAX} bytes"),
        ));
    }
    // A body that does not tell its length is cut off where it gets too long.
    let request = request.map(|body| axum::body::Body::new(Limited::new(body, REQUEST_BODY_BYTES_MAX)));
    let within = deadline_of(request.headers());
    let late = |_| Refused::new(code::TIMED_OUT, format!("no answer within {}", format_duration(within)));
    tokio::time::timeout(within, next.run(request)).await.map_err(late)
}

/// How long the answer to a request may take. Who waits less than [`HANDLER_DEADLINE`] goes by itself, and would only be
/// told of a timeout where a better reason, such as that there is no quorum, was on its way.
pub(super) fn deadline_of(headers: &HeaderMap) -> Duration {
    let waits = headers
        .get(TIMEOUT_HEADER)
        .and_then(|ms| ms.to_str().ok()?.parse().ok())
        .map(Duration::from_millis);
    waits.map_or(HANDLER_DEADLINE, answer_within).max(HANDLER_DEADLINE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StaleQuery {
    #[serde(default)]
    stale: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HealthQuery {
    #[serde(default)]
    min_tolerance: u32,
}

type StaleParams = Result<Query<StaleQuery>, QueryRejection>;

impl From<QueryRejection> for Refused {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(code::BAD_REQUEST, rejection.body_text())
    }
}

async fn ask<S: Source>(source: &S, params: StaleParams) -> Result<Status, Refused> {
    let Query(StaleQuery { stale }) = params?;
    Ok(source.status(stale).await?)
}

async fn status<S: Source>(State(source): State<Arc<S>>, params: StaleParams) -> Result<Json<Status>, Refused> {
    ask(&*source, params).await.map(Json)
}

async fn members<S: Source>(State(source): State<Arc<S>>, params: StaleParams) -> Result<Json<Vec<Member>>, Refused> {
    Ok(Json(ask(&*source, params).await?.nodes))
}

async fn member<S: Source>(
    State(source): State<Arc<S>>,
    Path(id): Path<String>,
    params: StaleParams,
) -> Result<Json<Member>, Refused> {
    let id: NodeId = id
        .parse()
        .map_err(|_| Refused::new(code::BAD_REQUEST, format!("\"{id}\" is no node id")))?;
    let status = ask(&*source, params).await?;
    let ids = || {
        status
            .nodes
            .iter()
            .map(|node| node.id.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let found = status.node(id).cloned().map(Json);
    found.ok_or_else(|| {
        Refused::new(code::UNKNOWN_NODE, format!("no node has the id {id}")).hint(format!("the nodes are {}", ids()))
    })
}

async fn leader<S: Source>(State(source): State<Arc<S>>, params: StaleParams) -> Result<Json<Leader>, Refused> {
    let hand_back = source.hands_back();
    Ok(Json(Leader {
        hand_back,
        ..ask(&*source, params).await?.leader()
    }))
}

async fn health<S: Source>(
    State(source): State<Arc<S>>,
    params: Result<Query<HealthQuery>, QueryRejection>,
) -> Result<(StatusCode, Json<Health>), Refused> {
    let Query(HealthQuery { min_tolerance }) = params?;
    let health = match source.status(false).await {
        Ok(status) => Health::of(&status, min_tolerance),
        Err(error) => {
            // What a node without a cluster knows by itself is no more than that it has none.
            let stale = if matches!(error, AdminError::NotFormed { .. }) {
                None
            } else {
                source.status(true).await.ok()
            };
            Health::unanswered(error.to_string(), stale.as_ref(), min_tolerance)
        }
    };
    let code = if health.healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    Ok((code, Json(health)))
}

async fn raft<S: Source>(State(source): State<Arc<S>>) -> Json<RaftInfo> {
    Json(source.raft_info().await)
}

async fn version<S: Source>(State(source): State<Arc<S>>) -> Json<Version> {
    Json(source.version())
}

async fn metrics<S: Source>(State(source): State<Arc<S>>) -> Result<Response, Refused> {
    openmetrics(source.metrics().await)
}

pub(super) fn openmetrics(numbers: MetricsSnapshot) -> Result<Response, Refused> {
    let text = to_openmetrics(numbers)
        .map_err(|_| Refused::new(code::INTERNAL, "the metrics could not be written as text"))?;
    Ok(([(header::CONTENT_TYPE, OPENMETRICS_CONTENT_TYPE)], text).into_response())
}

async fn unknown_path(request: Request) -> Refused {
    Refused::new(code::UNKNOWN_PATH, format!("there is no {}", request.uri().path()))
}

async fn method_not_allowed(request: Request) -> Refused {
    let (method, path) = (request.method(), request.uri().path());
    Refused::new(code::METHOD_NOT_ALLOWED, format!("{path} has no {method}"))
}
