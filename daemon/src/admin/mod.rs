//! The admin API: HTTP/1.1 and JSON on a Unix socket, and metrics.
//!
//! ```text
//! GET /v1/status[?stale=true]    GET /v1/health[?min_tolerance=N]    GET /v1/raft       GET /v1/version
//! GET /v1/members[?stale=true]   GET /v1/members/ID[?stale=true]     GET /v1/leader[?stale=true]
//! GET /v1/vitals                 GET /v1/doctor                     GET /v1/events[?after=NO][&follow=true]
//! GET /v1/config                 POST /v1/config/reload             GET, PUT /v1/log-level
//! GET /v1/raft/log[?from=I&to=I&raw=true]    GET /v1/raft/verify[?all=true]
//! GET /v1/snapshots              POST /v1/snapshots/save[?stale=true]    (answers with the bytes of a backup)
//! /v1/users...   /v1/rooms...   /v1/invites...   /v1/bans...   /v1/lockdown   /v1/audit   /v1/retention   /v1/quota
//! /v1/tokens...                   (the GETs of these two lines take stale=true as well)
//! GET /v1/audit/verify            POST /v1/members/ID/change
//! POST /v1/certs/renew             GET /v1/ca   POST /v1/ca/rotate|export
//! POST /v1/leader/transfer|hand-back                                POST /v1/cluster/leave|init|join
//! GET /metrics                   (the only path of the TCP listener for metrics)
//! ```
//! A node that belongs to no cluster yet answers init and join, and what does not depend on a cluster: version, health, raft,
//! config, log-level and metrics.
//!
//! Answers are the structs of `quorate_adminapi` as JSON; errors are `{"error":{"code","message","hint"}}`.
//!
//! Knows no consensus, no store and no session: what it shows comes through [`Source`] and [`Telemetry`], which the node
//! implements.

mod access;
mod audit;
mod ca;
mod fresh;
mod metrics;
mod newcomer;
mod process;
mod raft;
mod reply;
mod room;
mod roster;
mod route;
mod rule;
mod serve;
mod snapshot;
mod socket;
mod source;
mod telemetry;
mod user;

pub use ca::CaSource;
pub use metrics::{Histogram, MetricsSnapshot, OPENMETRICS_CONTENT_TYPE, PeerLag, PeerSeen, SessionCount};
pub use newcomer::Newcomer;
pub use process::ProcessNumbers;
pub use raft::{LogQuery, RaftSource};
pub use roster::RosterSource;
pub use route::{HANDLER_DEADLINE, REQUEST_BODY_BYTES_MAX};
pub use serve::{
    ADMIN_CONNECTIONS_MAX, CONNECTION_LIFE_MAX, METRICS_CONNECTIONS_MAX, PeerUid, serve_admin, serve_metrics,
    serve_newcomer, serve_newcomer_metrics,
};
pub use snapshot::{BackupBody, SnapshotSource};
pub use socket::{AdminSocket, AdminSocketError};
pub use source::{AdminError, ExportLines, Exported, FreshInvite, Source};
pub use telemetry::{LOG_LEVEL_LASTS_MAX, Panel, Telemetry, TelemetryError};
