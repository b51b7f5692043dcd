//! The admin API: HTTP/1.1 and JSON on a Unix socket, and metrics.
//!
//! ```text
//! GET /v1/status[?stale=true]    GET /v1/health[?min_tolerance=N]    GET /v1/raft       GET /v1/version
//! GET /v1/members[?stale=true]   GET /v1/members/ID[?stale=true]     GET /v1/leader[?stale=true]
//! /v1/users...   /v1/rooms...   /v1/invites...   /v1/bans...   /v1/lockdown   /v1/audit...   /v1/retention   /v1/quota
//! GET /metrics                   (the only path of the TCP listener for metrics)
//! ```
//! Answers are the structs of `quorate_adminapi` as JSON; errors are `{"error":{"code","message","hint"}}`.
//!
//! Knows no consensus, no store and no session: what it shows comes through [`Source`], which the node implements.

mod access;
mod audit;
mod metrics;
mod process;
mod reply;
mod room;
mod route;
mod rule;
mod serve;
mod socket;
mod source;
mod user;

pub use metrics::{Histogram, MetricsSnapshot, OPENMETRICS_CONTENT_TYPE, PeerLag, SessionCount};
pub use route::{HANDLER_DEADLINE, REQUEST_BODY_BYTES_MAX};
pub use serve::{
    ADMIN_CONNECTIONS_MAX, CONNECTION_LIFE_MAX, METRICS_CONNECTIONS_MAX, PeerUid, serve_admin, serve_metrics,
};
pub use socket::{AdminSocket, AdminSocketError};
pub use source::{AdminError, ExportLines, Exported, FreshInvite, Source};
