//! The admin API: HTTP/1.1 and JSON on a Unix socket, and metrics.
//!
//! ```text
//! GET /v1/status[?stale=true]    GET /v1/health[?min_tolerance=N]    GET /v1/raft       GET /v1/version
//! GET /v1/members[?stale=true]   GET /v1/members/ID[?stale=true]     GET /v1/leader[?stale=true]
//! GET POST /v1/tokens             DELETE /v1/tokens/ID               POST /v1/members/ID/change
//! POST /v1/certs/renew             POST /v1/leader/transfer        POST /v1/cluster/leave|init|join
//! GET /metrics                   (the only path of the TCP listener for metrics)
//! ```
//! Answers are the structs of `quorate_adminapi` as JSON; errors are `{"error":{"code","message","hint"}}`.
//!
//! Knows no consensus, no store and no session: what it shows comes through [`Source`], which the node implements.

mod metrics;
mod newcomer;
mod process;
mod reply;
mod roster;
mod route;
mod rule;
mod serve;
mod socket;
mod source;

pub use metrics::{Histogram, MetricsSnapshot, OPENMETRICS_CONTENT_TYPE, PeerLag, SessionCount};
pub use newcomer::Newcomer;
pub use roster::RosterSource;
pub use route::{HANDLER_DEADLINE, REQUEST_BODY_BYTES_MAX};
pub use serve::{
    ADMIN_CONNECTIONS_MAX, CONNECTION_LIFE_MAX, METRICS_CONNECTIONS_MAX, PeerUid, serve_admin, serve_metrics,
    serve_newcomer,
};
pub use socket::{AdminSocket, AdminSocketError};
pub use source::{AdminError, FreshInvite, Source};
