//! `chatctl health`: for people, programs and monitoring systems.

use quorate_adminapi::{Health, HealthLevel};

use crate::cli::{HealthArgs, HealthFormat};
use crate::failure::Exit;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::Screen;

/// Always an answer: a daemon that cannot be asked is an unhealthy one.
pub(crate) async fn show(link: &Link<'_>, args: &HealthArgs) -> Answer {
    let path = format!("/v1/health?min_tolerance={}", args.min_tolerance);
    let (health, hint) = match link.get_even_unavailable::<Health>(&path).await {
        Ok(health) => (health, None),
        Err(failure) => (
            Health::unreachable(failure.error.message, args.min_tolerance),
            failure.error.hint,
        ),
    };
    let text = match args.format {
        Some(HealthFormat::Nagios) => nagios(&health),
        Some(HealthFormat::Prometheus) => prometheus(&health),
        Some(HealthFormat::Text | HealthFormat::Json) | None => format!("{health}\n"),
    };
    let mut answer = Answer::new(&health, Screen::default().raw(text));
    answer.notes.extend(hint.map(|hint| format!("hint: {hint}")));
    answer.force_json = args.format == Some(HealthFormat::Json);
    answer.exit = match (args.format, health.healthy) {
        (Some(HealthFormat::Nagios), _) => Exit::Plugin(plugin_code(health.level)),
        (_, true) => Exit::Ok,
        (_, false) => Exit::Unhealthy,
    };
    answer
}

/// As the guidelines for monitoring plug-ins have it: a line, a bar, and numbers.
fn nagios(health: &Health) -> String {
    let Health {
        voters,
        voters_up,
        quorum,
        tolerates,
        ..
    } = health;
    format!("{health} | voters={voters} voters_up={voters_up} quorum={quorum} tolerates={tolerates}\n")
}

fn plugin_code(level: HealthLevel) -> u8 {
    match level {
        HealthLevel::Ok => 0,
        HealthLevel::Warning => 1,
        HealthLevel::Critical => 2,
        HealthLevel::Unknown => 3,
    }
}

/// Prometheus' text format, for a text file collector.
fn prometheus(health: &Health) -> String {
    let gauges = [
        (
            "chatd_cluster_healthy",
            "Whether the cluster is healthy",
            u32::from(health.healthy),
        ),
        ("chatd_cluster_voters", "Nodes that vote", health.voters),
        (
            "chatd_cluster_voters_up",
            "Nodes that vote and are up",
            health.voters_up,
        ),
        ("chatd_cluster_quorum", "Nodes that are a majority", health.quorum),
        (
            "chatd_cluster_tolerates",
            "Failures until there is no majority",
            health.tolerates,
        ),
    ];
    let gauge = |(name, help, value)| format!("# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    gauges.into_iter().map(gauge).collect()
}
