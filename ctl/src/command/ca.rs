//! `chatctl ca`: the cluster's CA, another in its place, and a copy of it.

use std::path::Path;
use std::time::Instant;

use quorate_adminapi::{CaKey, CaReport, NodeCa};
use quorate_certs::ClusterCa;
use quorate_formation::save_ca;
use serde_json::json;

use super::{dry, unchanged};
use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text};
use crate::wait::{HowFar, Look, Patience, Progress};

const PATH: &str = "/v1/ca";
/// What part of a fingerprint tells two apart in a table.
const SHORT_CHARS: usize = 16;

pub(super) async fn show(link: &Link<'_>) -> Result<Answer, Failure> {
    Ok(shown(&link.get(PATH).await?))
}

/// Waits until no node uses the CA before any more, unless it is told not to.
pub(super) async fn rotate(link: &Link<'_>, global: &Global) -> Result<Answer, Failure> {
    if global.dry_run {
        let present: CaReport = link.get(PATH).await?;
        return Ok(unchanged(shown(&present)));
    }
    let mut report: CaReport = link.post("/v1/ca/rotate", &json!({})).await?;
    if !global.no_wait {
        let patience = Patience::new(Instant::now(), global.timeout);
        report = Progress::new(global)
            .carried_out(patience, async || match link.get::<CaReport>(PATH).await {
                Ok(now) if now.retiring.is_none() => Look::Done(now),
                Ok(now) => Look::Waiting(HowFar {
                    progress: now.nodes.iter().map(|node| u64::from(node.is_present)).sum(),
                    text: waits_for(&now),
                }),
                Err(_) => Look::waiting("waiting for this node to answer"),
            })
            .await?;
    }
    Ok(shown(&report))
}

pub(super) async fn export(link: &Link<'_>, dir: &Path, dry_run: bool) -> Result<Answer, Failure> {
    let to = dir.display().to_string();
    if dry_run {
        let present: CaReport = link.get(PATH).await?;
        let asked = json!({"fingerprint": present.fingerprint, "dir": to});
        return Ok(dry(&asked));
    }
    let exported: CaKey = link.post("/v1/ca/export", &json!({})).await?;
    let failed = |error: &dyn std::error::Error| Failure::new(Exit::Error, "not-written", error.to_string());
    let ca = ClusterCa::from_pem(&exported.cert, &exported.key).map_err(|error| failed(&error))?;
    save_ca(dir, &ca, &exported.lineage).map_err(|error| failed(&error))?;
    let data = json!({"fingerprint": exported.fingerprint, "dir": to});
    let mut answer = Answer::new(
        &data,
        Screen::default().raw(format!("{to}: CA {}\n", exported.fingerprint)),
    );
    answer
        .notes
        .push("whoever has this folder can be any node of the cluster: keep it where nobody else comes".to_owned());
    Ok(answer)
}

fn shown(report: &CaReport) -> Answer {
    let mut screen = Screen::default().pairs([
        ("fingerprint", Text::new(&report.fingerprint)),
        ("retiring", Text::or_dash(report.retiring.as_ref())),
    ]);
    let mut grid = Grid::new(&[Column::left("NODE"), Column::left("CA"), Column::left("IS")]);
    for node in &report.nodes {
        let (is, paint) = match node {
            NodeCa { ca: None, .. } => ("not heard of", Paint::Bad),
            NodeCa { is_present: true, .. } => ("present", Paint::Good),
            NodeCa { .. } => ("before", Paint::Odd),
        };
        let short = node
            .ca
            .as_ref()
            .map(|ca| ca.chars().take(SHORT_CHARS).collect::<String>());
        grid.row(vec![
            Text::new(format!("n{}", node.id)),
            Text::or_dash(short),
            Text::new(is).paint(paint),
        ]);
    }
    screen = screen.grid(grid);
    let mut answer = Answer::new(report, screen);
    if report.retiring.is_some() {
        answer.warnings.push(waits_for(report));
    }
    answer
}

fn waits_for(report: &CaReport) -> String {
    let list = |heard: bool| {
        let meant = report
            .nodes
            .iter()
            .filter(|node| !node.is_present && node.ca.is_some() == heard);
        meant.map(|node| format!("n{}", node.id)).collect::<Vec<_>>().join(", ")
    };
    let all = report.nodes.len();
    let present = report.nodes.iter().filter(|node| node.is_present).count();
    let silent = match list(false) {
        none if none.is_empty() => none,
        silent => format!("{silent} (not heard of: start it, or remove it)"),
    };
    let missing: Vec<String> = [list(true), silent]
        .into_iter()
        .filter(|whom| !whom.is_empty())
        .collect();
    let whom = match missing.is_empty() {
        true => "the leader to retire the one before".to_owned(),
        false => missing.join(" and "),
    };
    format!("{present} of {all} nodes have certificates of the new CA; waiting for {whom}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rotation_says_for_whom_it_waits() {
        let node = |id, ca: Option<&str>| NodeCa {
            id: quorate_core::NodeId(id),
            ca: ca.map(str::to_owned),
            is_present: ca == Some("new"),
        };
        let told = |nodes: Vec<NodeCa>| {
            waits_for(&CaReport {
                fingerprint: "new".to_owned(),
                retiring: Some("old".to_owned()),
                nodes,
            })
        };
        let both = told(vec![node(1, Some("new")), node(2, Some("old")), node(3, None)]);
        assert!(both.starts_with("1 of 3 nodes"), "{both}");
        assert!(both.contains("waiting for n2 and n3 (not heard of"), "{both}");
        assert!(told(vec![node(1, Some("old"))]).ends_with("waiting for n1"));
        assert!(told(vec![node(1, None)]).contains("waiting for n1 (not heard of"));
        assert!(told(vec![node(1, Some("new"))]).contains("the leader"));
    }
}
