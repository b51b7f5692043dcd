//! `chatctl metrics` and `chatctl version`.

use quorate_adminapi::{Status, Version};
use quorate_core::NodeId;
use serde::Serialize;

use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text};

#[derive(Serialize)]
struct Metrics {
    openmetrics: String,
}

pub(crate) async fn metrics(link: &Link<'_>) -> Result<Answer, Failure> {
    let openmetrics = link.get_text("/metrics").await?;
    let screen = Screen::default().raw(openmetrics.as_str());
    Ok(Answer::new(&Metrics { openmetrics }, screen))
}

#[derive(Serialize)]
struct Versions {
    chatctl: &'static str,
    /// `null` if no daemon answers.
    chatd: Option<String>,
}

/// Answers without a daemon as well: its own version is what this program surely knows.
pub(crate) async fn version(link: &Link<'_>) -> Answer {
    let daemon = link.get::<Version>("/v1/version").await;
    let (chatd, warning) = match daemon {
        Ok(version) => (Some(version.version), None),
        Err(failure) => (None, Some(failure.error.message)),
    };
    let own = env!("CARGO_PKG_VERSION");
    let lines = chatd.iter().map(|version| format!("chatd {version}\n"));
    let screen = Screen::default().raw(
        [format!("chatctl {own}\n")]
            .into_iter()
            .chain(lines)
            .collect::<String>(),
    );
    let mut answer = Answer::new(&Versions { chatctl: own, chatd }, screen);
    answer.warnings.extend(warning);
    answer
}

#[derive(Serialize)]
struct ClusterVersions {
    chatctl: &'static str,
    nodes: Vec<NodeVersion>,
}

#[derive(Serialize)]
struct NodeVersion {
    id: NodeId,
    /// `null` if it does not answer.
    version: Option<String>,
}

/// Of all nodes, without a quorum too.
pub(crate) async fn versions(link: &Link<'_>) -> Result<Answer, Failure> {
    let status: Status = link.get("/v1/status?stale=true").await?;
    let version = |node: &quorate_adminapi::Member| NodeVersion {
        id: node.id,
        version: node.version.clone(),
    };
    let told = ClusterVersions {
        chatctl: env!("CARGO_PKG_VERSION"),
        nodes: status.nodes.iter().map(version).collect(),
    };
    let mut grid = Grid::new(&[Column::left("NODE"), Column::left("VERSION")]);
    for node in &told.nodes {
        grid.row(vec![
            Text::new(format!("n{}", node.id)),
            Text::or_dash(node.version.as_ref()),
        ]);
    }
    let mut answer = Answer::new(&told, Screen::default().grid(grid));
    answer.warnings.extend(status.mixed_versions());
    Ok(answer)
}
