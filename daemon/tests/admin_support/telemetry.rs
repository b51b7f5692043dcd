//! What the made-up node says to those who watch it.

use std::sync::Arc;
use std::time::Duration;

use quorate_adminapi::{
    Diagnosis, LogLevel, MemberRole, NodeReport, Reloaded, Setting, SettingSource, UtcTime, Vitals,
};
use quorate_core::NodeId;
use quorate_daemon::admin::{AdminError, Panel, Source, Telemetry, TelemetryError};
use quorate_daemon::chronicle::Chronicle;

use super::Fake;

impl Panel for Fake {
    fn settings(&self) -> Vec<Setting> {
        vec![Setting {
            key: "raft.hand_back".to_owned(),
            value: Some("10s".to_owned()),
            source: SettingSource::Default,
            place: None,
            reloads: false,
        }]
    }

    fn log_level(&self) -> LogLevel {
        LogLevel {
            level: "info".to_owned(),
            configured: "info".to_owned(),
            until: None,
        }
    }

    fn set_log_level(&self, level: &str, _: Option<Duration>) -> Result<LogLevel, TelemetryError> {
        if level == "loud" {
            return Err(TelemetryError::BadLevel("no level".to_owned()));
        }
        Ok(LogLevel {
            level: level.to_owned(),
            ..self.log_level()
        })
    }
}

impl Telemetry for Fake {
    async fn reports(&self) -> Result<Vec<NodeReport>, AdminError> {
        Ok((1..=3).map(report).collect())
    }

    async fn diagnosis(&self) -> Result<Diagnosis, AdminError> {
        Ok(Diagnosis::of(
            &self.status(true).await?,
            &self.reports().await?,
            UtcTime::EPOCH,
        ))
    }

    fn chronicle(&self) -> Arc<Chronicle> {
        Arc::clone(&self.chronicle)
    }

    async fn reload(&self) -> Result<Reloaded, TelemetryError> {
        if self.faulty_config {
            return Err(TelemetryError::NotReloaded("chatd.toml:3: unknown key".to_owned()));
        }
        Ok(Reloaded {
            changed: vec!["log.level".to_owned()],
            ..Reloaded::default()
        })
    }
}

fn report(id: u64) -> NodeReport {
    NodeReport {
        vitals: Vitals {
            fsync_p99_us: Some(2000),
            ..Vitals::default()
        },
        ..NodeReport::silent(NodeId(id), MemberRole::Voter, id == 3)
    }
}
