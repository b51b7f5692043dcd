//! `chatctl certs`: until when the nodes' certificates are good.

use std::time::{Duration, Instant, SystemTime};

use quorate_adminapi::{Member, RenewRequest, Status, UtcTime, coarse};
use quorate_core::NodeId;
use serde_json::json;

use super::dry;
use crate::cli::Global;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text};
use crate::wait::{Look, Patience, Progress};

pub(super) async fn show(link: &Link<'_>, stale: bool, expiring: Option<Duration>) -> Result<Answer, Failure> {
    let nodes: Vec<Member> = link.get(&format!("/v1/members?stale={stale}")).await?;
    let now = UtcTime::from(SystemTime::now());
    let left = |node: &Member| node.cert_expires.map(|expires| expires.after(now).unwrap_or_default());
    let shown: Vec<&Member> = nodes
        .iter()
        .filter(|node| expiring.is_none_or(|within| left(node).is_some_and(|left| left <= within)))
        .collect();
    let mut grid = Grid::new(&[Column::left("NODE"), Column::left("EXPIRES"), Column::right("LEFT")]);
    for node in &shown {
        grid.row(vec![
            Text::new(format!("n{}", node.id)),
            Text::or_dash(node.cert_expires),
            Text::or_dash(left(node).map(coarse)),
        ]);
    }
    let rows: Vec<_> = shown
        .iter()
        .map(|node| json!({"id": node.id, "cert_expires": node.cert_expires}))
        .collect();
    Ok(Answer::new(&rows, Screen::default().grid(grid)))
}

pub(super) async fn renew(
    link: &Link<'_>,
    global: &Global,
    node: Option<NodeId>,
    all: bool,
) -> Result<Answer, Failure> {
    let before: Status = link.get("/v1/status?stale=false").await?;
    let node = match (node, all) {
        (_, true) => None,
        (None, false) => Some(before.this_node),
        (node, false) => node,
    };
    let asked = RenewRequest { node };
    let told = node.map_or_else(
        || "all certificates".to_owned(),
        |node| format!("the certificate of n{node}"),
    );
    if global.dry_run {
        return Ok(dry(&asked));
    }
    let () = link.post("/v1/certs/renew", &asked).await?;
    if !global.no_wait {
        let due: Vec<(NodeId, Option<UtcTime>)> = before
            .nodes
            .iter()
            .filter(|found| node.is_none_or(|node| node == found.id) && found.cert_expires.is_some())
            .map(|found| (found.id, found.cert_expires))
            .collect();
        let patience = Patience::new(Instant::now(), global.timeout);
        Progress::new(global)
            .carried_out(patience, async || {
                let Ok(nodes) = link.get::<Vec<Member>>("/v1/members").await else {
                    return Look::waiting("waiting for a leader");
                };
                let is_old = |(id, was): &&(NodeId, Option<UtcTime>)| {
                    nodes.iter().any(|node| node.id == *id && node.cert_expires == *was)
                };
                match due.iter().find(is_old) {
                    Some((id, _)) => Look::waiting(format!("waiting for n{id} to renew its certificate")),
                    None => Look::Done(()),
                }
            })
            .await?;
    }
    let screen = Screen::default().raw(format!("{told}: renewed\n"));
    Ok(Answer::new(&asked, screen))
}
