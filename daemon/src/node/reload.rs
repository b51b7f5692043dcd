//! SIGHUP: certificates, log level and limits, read again and put in place while the node runs.

use std::path::PathBuf;

use quorate_certs::SharedIdentity;
use quorate_transport::ListenerHandle;
use std::sync::Arc;

use super::place;
use super::trace::Traces;
use crate::config::{self, Config, Flags, Limits as LimitsConfig};
use crate::session::{Limits, Rates};

/// What can be changed while the node runs.
pub(super) struct Reload {
    pub(super) file: PathBuf,
    pub(super) flags: Flags,
    pub(super) traces: Traces,
    pub(super) identity: SharedIdentity,
    pub(super) limits: Arc<Limits>,
    pub(super) clients: ListenerHandle,
}

impl Reload {
    /// Reads everything, then changes everything: a fault leaves all as it was.
    pub(super) fn run(&self) {
        let config = match Config::load(Some(&self.file), &config::environment(), &self.flags) {
            Ok(config) => config,
            Err(error) => return tracing::error!(%error, "the config is not reloaded"),
        };
        let identity = match place::identity(&config) {
            Ok(identity) => identity,
            Err(error) => return tracing::error!(%error, "the certificate is not reloaded"),
        };
        if let Err(error) = self.identity.replace(identity) {
            return tracing::error!(%error, "the certificate is not reloaded");
        }
        self.traces.set(&config.log.level);
        self.limits.change(rates(&config.limits));
        self.clients
            .set_sessions_per_address(sessions_per_address(&config.limits));
        tracing::info!("reloaded certificates, log level and limits");
    }
}

pub(super) fn rates(limits: &LimitsConfig) -> Rates {
    Rates {
        posts_per_second: limits.posts_per_second,
        registrations_per_minute: limits.registrations_per_minute,
        failed_logins_per_minute: limits.failed_logins_per_minute,
    }
}

/// 0 is no limit to the listener.
pub(super) fn sessions_per_address(limits: &LimitsConfig) -> usize {
    limits
        .sessions_per_address
        .map_or(0, |sessions| sessions.get() as usize)
}
