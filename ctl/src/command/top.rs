//! `chatctl top`: what each node is doing, in rates of a second.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use quorate_adminapi::NodeReport;
use quorate_core::{LogIndex, NodeId};
use serde::Serialize;

use super::member::brief;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text, grouped};

/// Over which the rates are.
const SPAN: Duration = Duration::from_secs(1);

/// One screen.
#[derive(Serialize)]
struct Top {
    /// Over which the rates are.
    seconds: f64,
    leader: Option<NodeId>,
    posts_per_second: f64,
    /// Entries that were committed in the whole cluster.
    commits_per_second: f64,
    delivered_per_second: f64,
    sessions: u64,
    nodes: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: NodeId,
    is_leader: bool,
    /// Rates are `null` where a node did not answer both times, or was started in between.
    posts_per_second: Option<f64>,
    applied_per_second: Option<f64>,
    syncs_per_second: Option<f64>,
    delivered_per_second: Option<f64>,
    rate_limited_per_second: Option<f64>,
    applied: Option<LogIndex>,
    lag: Option<u64>,
    sessions: Option<u64>,
    queued: Option<u64>,
    fsync_p99_us: Option<u64>,
    rtt_us: Option<u64>,
    resident_bytes: Option<u64>,
}

pub(crate) async fn sample(link: &Link<'_>) -> Result<Answer, Failure> {
    let before: Vec<NodeReport> = link.get("/v1/vitals").await?;
    let began = Instant::now();
    tokio::time::sleep(SPAN).await;
    let after: Vec<NodeReport> = link.get("/v1/vitals").await?;
    let top = compare(&before, &after, began.elapsed());
    Ok(Answer::new(&top, screen(&top)))
}

fn compare(before: &[NodeReport], after: &[NodeReport], took: Duration) -> Top {
    let earlier: BTreeMap<NodeId, &NodeReport> = before.iter().map(|report| (report.id, report)).collect();
    let seconds = took.as_secs_f64().max(f64::EPSILON);
    let rate = |from: Option<u64>, to: Option<u64>| {
        // A counter that fell belongs to a daemon that was started anew.
        let more = to?.checked_sub(from?)?;
        #[allow(clippy::cast_precision_loss, reason = "nobody counts 2^52 in a second")]
        let more = more as f64;
        Some((more / seconds * 10.0).round() / 10.0)
    };
    let index = |index: Option<LogIndex>| index.map(|index| index.0);
    let row = |now: &NodeReport| {
        let then = earlier.get(&now.id);
        let of = |number: fn(&NodeReport) -> Option<u64>| rate(then.and_then(|then| number(then)), number(now));
        Row {
            id: now.id,
            is_leader: now.is_leader,
            posts_per_second: of(|report| report.posts),
            applied_per_second: of(|report| report.applied.map(|index| index.0)),
            syncs_per_second: of(|report| report.syncs),
            delivered_per_second: of(|report| report.delivered),
            rate_limited_per_second: of(|report| report.rate_limited),
            applied: now.applied,
            lag: now.lag,
            sessions: now.sessions,
            queued: now.queued,
            fsync_p99_us: now.vitals.fsync_p99_us,
            rtt_us: now.vitals.rtt_us,
            resident_bytes: now.resident_bytes,
        }
    };
    let nodes: Vec<Row> = after.iter().map(row).collect();
    let committed = |reports: &[NodeReport]| reports.iter().filter_map(|report| index(report.committed)).max();
    // Not `sum`, which says -0 of nothing.
    let sum = |number: fn(&Row) -> Option<f64>| nodes.iter().filter_map(number).fold(0.0, |all, one| all + one);
    Top {
        seconds,
        leader: after.iter().find(|report| report.is_leader).map(|report| report.id),
        posts_per_second: sum(|row| row.posts_per_second),
        commits_per_second: rate(committed(before), committed(after)).unwrap_or_default(),
        delivered_per_second: sum(|row| row.delivered_per_second),
        sessions: nodes.iter().filter_map(|row| row.sessions).sum(),
        nodes,
    }
}

fn screen(top: &Top) -> Screen {
    let leader = top
        .leader
        .map_or_else(|| "no leader".to_owned(), |leader| format!("leader n{leader}"));
    let heading = format!(
        "posts {:.0}/s  commits {:.0}/s  delivered {:.0}/s  sessions {}  {leader}",
        top.posts_per_second,
        top.commits_per_second,
        top.delivered_per_second,
        grouped(top.sessions),
    );
    let mut grid = Grid::new(&[
        Column::left("NODE"),
        Column::right("POSTS/S"),
        Column::right("APPLIED/S").rank(5),
        Column::right("SYNCS/S").rank(3),
        Column::right("DELIVERED/S").rank(4),
        Column::right("LIMITED/S").wide(),
        Column::right("APPLIED").rank(2),
        Column::right("LAG").rank(6),
        Column::right("QUEUED").rank(2),
        Column::right("SESSIONS").rank(5),
        Column::right("FSYNC-P99").rank(6),
        Column::right("RTT").rank(1),
        Column::right("MEMORY").wide(),
    ]);
    let per_second = |rate: Option<f64>| Text::or_dash(rate.map(|rate| format!("{rate:.0}")));
    for row in &top.nodes {
        let name = if row.is_leader {
            Text::new(format!("n{}*", row.id)).paint(Paint::Strong)
        } else {
            Text::new(format!("n{}", row.id))
        };
        grid.row(vec![
            name,
            per_second(row.posts_per_second),
            per_second(row.applied_per_second),
            per_second(row.syncs_per_second),
            per_second(row.delivered_per_second),
            per_second(row.rate_limited_per_second),
            Text::or_dash(row.applied.map(|index| grouped(index.0))),
            Text::or_dash(row.lag.map(grouped)),
            Text::or_dash(row.queued.map(grouped)),
            Text::or_dash(row.sessions.map(grouped)),
            Text::or_dash(row.fsync_p99_us.map(brief)),
            Text::or_dash(row.rtt_us.map(brief)),
            Text::or_dash(row.resident_bytes.map(quorate_adminapi::format_bytes)),
        ]);
    }
    Screen::default().heading(heading).grid(grid)
}

#[cfg(test)]
mod tests {
    use quorate_adminapi::MemberRole;

    use super::*;

    fn report(id: u64, posts: Option<u64>, committed: u64) -> NodeReport {
        NodeReport {
            posts,
            committed: Some(LogIndex(committed)),
            applied: Some(LogIndex(committed)),
            sessions: Some(3),
            ..NodeReport::silent(NodeId(id), MemberRole::Voter, id == 2)
        }
    }

    #[test]
    fn rates_are_of_a_second_and_a_daemon_that_was_started_anew_has_none() {
        let before = [report(1, Some(10), 100), report(2, Some(500), 100)];
        let after = [report(1, Some(31), 140), report(2, Some(2), 139)];
        let top = compare(&before, &after, Duration::from_secs(2));
        let posts: Vec<_> = top.nodes.iter().map(|row| row.posts_per_second).collect();
        assert_eq!(posts, [Some(10.5), None]);
        assert_eq!((top.posts_per_second, top.commits_per_second), (10.5, 20.0));
        assert_eq!((top.leader, top.sessions), (Some(NodeId(2)), 6));
    }

    #[test]
    fn a_node_that_does_not_answer_is_shown_without_numbers() {
        let top = compare(&[report(1, Some(10), 100)], &[report(1, None, 100)], SPAN);
        assert_eq!(top.nodes[0].posts_per_second, None);
    }
}
