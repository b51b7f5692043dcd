//! What operators watch and what they may turn, for the admin API.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use quorate_adminapi::{
    Diagnosis, LinkReport, LogLevel, Member, NodeReport, Reloaded, Setting, SocketReport, Status, UtcTime, Vitals,
};
use quorate_core::{LogIndex, NodeId};
use quorate_protocol::vitals;
use quorate_transport::LinkStats;

use super::level::Level;
use super::pulse::Pulse;
use super::reload::Reload;
use super::source::NodeSource;
use super::witness::Witness;
use crate::admin::{AdminError, Panel, Telemetry, TelemetryError};
use crate::chronicle::Chronicle;
use crate::relay::Heard;

/// What a source has for operators besides the cluster itself.
pub(super) struct Desk {
    pub(super) chronicle: Arc<Chronicle>,
    pub(super) witness: Arc<Witness>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) level: Arc<Level>,
    pub(super) reload: Arc<Reload>,
}

/// What a node says of itself, and what this one knows of the way to it.
pub(super) struct Known {
    said: vitals::Vitals,
    clock_ahead_ms: i64,
    took: Duration,
    /// None to this node itself.
    link: Option<LinkStats>,
}

impl Known {
    pub(super) fn own(said: vitals::Vitals) -> Self {
        Self {
            said,
            clock_ahead_ms: 0,
            took: Duration::ZERO,
            link: None,
        }
    }

    pub(super) fn shown(&self) -> Vitals {
        Vitals {
            rtt_us: self.link.map(|link| micros(link.rtt)),
            fsync_p99_us: self.said.fsync_p99_us,
            clock_ahead_ms: Some(self.clock_ahead_ms),
            disk_free_bytes: self.said.disk_free_bytes,
            disk_size_bytes: self.said.disk_size_bytes,
            catch_up_percent: None,
        }
    }
}

impl From<Heard> for Known {
    fn from(heard: Heard) -> Self {
        Self {
            said: heard.vitals,
            clock_ahead_ms: heard.clock_ahead_ms,
            took: heard.took,
            link: Some(heard.link),
        }
    }
}

impl NodeSource {
    /// What each member says of itself; who does not answer is not in it.
    pub(super) async fn ask_vitals(&self) -> std::collections::BTreeMap<NodeId, Known> {
        let heard = self.desk.pulse.ask().await;
        let others = heard
            .into_iter()
            .filter_map(|(id, heard)| Some((id, Known::from(heard?))));
        let own = Known::own(self.desk.pulse.measure.vitals());
        others.chain([(self.node, own)]).collect()
    }

    /// All that can be known without a quorum.
    async fn look_at_all(&self) -> Result<(Status, Vec<NodeReport>), AdminError> {
        let view = self.consensus.view().borrow().clone();
        if let Some(error) = self.not_formed(&view) {
            return Err(error);
        }
        let (facts, known) = tokio::join!(self.ask_all(&view), self.ask_vitals());
        let status = self.show(&view, &facts, &known, true);
        let report = |member: &Member| {
            let committed = facts.get(&member.id).map(|facts| facts.committed);
            report(member, known.get(&member.id), committed)
        };
        let mut reports: Vec<_> = status.nodes.iter().map(report).collect();
        if let Some(own) = reports.iter_mut().find(|report| report.id == self.node) {
            own.advertised = self.advertised(&view);
        }
        Ok((status, reports))
    }
}

impl Panel for NodeSource {
    fn settings(&self) -> Vec<Setting> {
        self.desk.reload.settings()
    }

    fn log_level(&self) -> LogLevel {
        self.desk.level.get()
    }

    fn set_log_level(&self, level: &str, lasting: Option<Duration>) -> Result<LogLevel, TelemetryError> {
        set_level(&self.desk.level, level, lasting)
    }
}

impl Telemetry for NodeSource {
    async fn reports(&self) -> Result<Vec<NodeReport>, AdminError> {
        Ok(self.look_at_all().await?.1)
    }

    async fn diagnosis(&self) -> Result<Diagnosis, AdminError> {
        let (status, reports) = self.look_at_all().await?;
        Ok(Diagnosis::of(&status, &reports, UtcTime::from(SystemTime::now())))
    }

    fn chronicle(&self) -> Arc<Chronicle> {
        Arc::clone(&self.desk.chronicle)
    }

    async fn reload(&self) -> Result<Reloaded, TelemetryError> {
        let reload = Arc::clone(&self.desk.reload);
        let done = tokio::task::spawn_blocking(move || reload.run()).await;
        let done = done.expect("reading a config does not panic");
        done.map_err(|error| TelemetryError::NotReloaded(error.to_string()))
    }
}

/// Sets a level that is one.
pub(super) fn set_level(
    level: &Arc<Level>,
    asked: &str,
    lasting: Option<Duration>,
) -> Result<LogLevel, TelemetryError> {
    let asked = asked.parse();
    let asked = asked.map_err(|error: crate::config::LogFilterError| TelemetryError::BadLevel(error.to_string()))?;
    Ok(level.set(asked, lasting))
}

fn report(member: &Member, known: Option<&Known>, committed: Option<LogIndex>) -> NodeReport {
    let silent = NodeReport {
        version: member.version.clone(),
        committed,
        applied: member.applied,
        lag: member.lag,
        sessions: member.sessions,
        data_bytes: member.disk_bytes,
        vitals: member.vitals.clone(),
        ..NodeReport::silent(member.id, member.role, member.is_leader)
    };
    let Some(Known { said, took, link, .. }) = known else {
        return silent;
    };
    let socket = |socket: &vitals::Socket| SocketReport {
        port: socket.port.clone(),
        asked_bytes: socket.asked_bytes,
        receive_bytes: socket.receive_bytes,
        send_bytes: socket.send_bytes,
        dropped: socket.dropped,
    };
    NodeReport {
        uptime_ms: Some(said.uptime_ms),
        posts: Some(said.posts),
        syncs: Some(said.syncs),
        delivered: Some(said.delivered),
        rate_limited: Some(said.rate_limited),
        queued: Some(said.queued),
        clock_error_ms: Some(u64::try_from(took.as_millis() / 2).unwrap_or(u64::MAX)),
        open_fds: said.open_fds,
        max_fds: said.max_fds,
        resident_bytes: said.resident_bytes,
        sockets: said.sockets.iter().map(socket).collect(),
        link: link.map(|link| LinkReport {
            mtu_bytes: link.mtu_bytes,
            sent_packets: link.sent_packets,
            lost_packets: link.lost_packets,
        }),
        ..silent
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
