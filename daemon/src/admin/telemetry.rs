//! What operators watch, and what they may turn while the daemon runs: vitals, diagnosis, events, config, log level.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use quorate_adminapi::{
    Diagnosis, Lasting, LogLevel, NewLogLevel, NodeEvent, NodeReport, Reloaded, Setting, code, format_duration,
};
use serde::Deserialize;

use super::audit::write_down;
use super::reply::Refused;
use super::rule::{Asked, By, operator};
use super::source::{AdminError, Source};
use crate::chronicle::Chronicle;

/// How long a log level may last that ends by itself: who wants it for longer writes it into the config.
pub const LOG_LEVEL_LASTS_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// One JSON object a line.
const JSON_LINES: &str = "application/x-ndjson";

/// What can be looked at and turned on every node, also on one that belongs to no cluster yet.
pub trait Panel: Send + Sync + 'static {
    /// The config in effect.
    fn settings(&self) -> Vec<Setting>;

    /// Which traces are written.
    fn log_level(&self) -> LogLevel;

    /// Writes others, for a while or until the config is read again.
    ///
    /// # Errors
    /// The level is none.
    fn set_log_level(&self, level: &str, lasting: Option<Duration>) -> Result<LogLevel, TelemetryError>;
}

/// What the node knows for those who watch it.
pub trait Telemetry: Panel {
    /// How each node does, as this one can tell without a quorum.
    fn reports(&self) -> impl Future<Output = Result<Vec<NodeReport>, AdminError>> + Send;

    /// What is wrong, as this node can tell without a quorum.
    fn diagnosis(&self) -> impl Future<Output = Result<Diagnosis, AdminError>> + Send;

    /// What has happened to this node.
    fn chronicle(&self) -> Arc<Chronicle>;

    /// Reads the config and the certificates again, as SIGHUP does.
    fn reload(&self) -> impl Future<Output = Result<Reloaded, TelemetryError>> + Send;
}

/// What was not turned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// Give one of those that there are.
    #[error("{0}")]
    BadLevel(String),
    /// Mend the files; everything is as it was.
    #[error("nothing is reloaded: {0}")]
    NotReloaded(String),
}

impl From<TelemetryError> for Refused {
    fn from(error: TelemetryError) -> Self {
        match error {
            TelemetryError::BadLevel(_) => Self::new(code::BAD_REQUEST, error.to_string()),
            TelemetryError::NotReloaded(_) => Self::new(code::NOT_RELOADED, error.to_string())
                .hint("mend what it names; until then everything is as it was"),
        }
    }
}

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/vitals", get(vitals::<S>))
        .route("/v1/doctor", get(doctor::<S>))
        .route("/v1/events", get(events::<S>))
        .route("/v1/config", get(config::<S>))
        .route("/v1/config/reload", post(reload::<S>))
        .route("/v1/log-level", get(log_level::<S>).put(set_log_level::<S>))
}

async fn vitals<S: Source>(State(source): State<Arc<S>>) -> Result<Json<Vec<NodeReport>>, Refused> {
    Ok(Json(source.reports().await?))
}

async fn doctor<S: Source>(State(source): State<Arc<S>>) -> Result<Json<Diagnosis>, Refused> {
    Ok(Json(source.diagnosis().await?))
}

pub(super) async fn config<P: Panel>(State(panel): State<Arc<P>>) -> Json<Vec<Setting>> {
    Json(panel.settings())
}

async fn reload<S: Source>(State(source): State<Arc<S>>, by: By) -> Result<Json<Reloaded>, Refused> {
    let reloaded = source.reload().await?;
    write_down(&source, operator(by), "config.reload", String::new());
    Ok(Json(reloaded))
}

pub(super) async fn log_level<P: Panel>(State(panel): State<Arc<P>>) -> Json<LogLevel> {
    Json(panel.log_level())
}

async fn set_log_level<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    asked: Asked<NewLogLevel>,
) -> Result<Json<LogLevel>, Refused> {
    let Json(asked) = asked?;
    let level = asked.level.clone();
    let set = turn_log_level(&*source, asked)?;
    write_down(&source, operator(by), "log-level.set", level);
    Ok(Json(set))
}

/// Sets the level that is asked for, if it is one.
pub(super) fn turn_log_level(panel: &impl Panel, asked: NewLogLevel) -> Result<LogLevel, Refused> {
    let NewLogLevel { level, lasting } = asked;
    let lasting = lasting.map(|Lasting(lasting)| lasting);
    if lasting.is_some_and(|lasting| lasting > LOG_LEVEL_LASTS_MAX || lasting.is_zero()) {
        let most = format_duration(LOG_LEVEL_LASTS_MAX);
        let message = format!("a log level that ends by itself lasts from 1ms to {most}");
        return Err(Refused::new(code::BAD_REQUEST, message));
    }
    Ok(panel.set_log_level(&level, lasting)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// Those after this number.
    #[serde(default)]
    after: u64,
    /// Goes on with what comes, one object a line.
    #[serde(default)]
    follow: bool,
}

async fn events<S: Source>(
    State(source): State<Arc<S>>,
    params: Result<Query<EventsQuery>, QueryRejection>,
) -> Result<Response, Refused> {
    let Query(EventsQuery { after, follow }) = params?;
    let chronicle = source.chronicle();
    if !follow {
        return Ok(Json(chronicle.after(after)).into_response());
    }
    let told = chronicle.watch();
    // Pulled by the connection: a reader that is slow keeps nobody waiting, and is behind by itself.
    let lines = stream::unfold((chronicle, told, after), async |(chronicle, mut told, after)| {
        loop {
            // Looked at first, so that what is noted meanwhile changes it again.
            let is_over = told.borrow_and_update().over;
            let events = chronicle.after(after);
            if let Some(last) = events.last().map(|event| event.no) {
                return Some((Ok::<_, Infallible>(to_lines(&events)), (chronicle, told, last)));
            }
            if is_over {
                return None;
            }
            told.changed().await.ok()?;
        }
    });
    Ok(([(header::CONTENT_TYPE, JSON_LINES)], Body::from_stream(lines)).into_response())
}

fn to_lines(events: &[NodeEvent]) -> Bytes {
    let mut lines = Vec::new();
    for event in events {
        serde_json::to_writer(&mut lines, event).expect("numbers and texts are JSON");
        lines.push(b'\n');
    }
    lines.into()
}
