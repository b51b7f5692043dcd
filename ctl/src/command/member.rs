//! `chatctl member` and `chatctl leader`; and how nodes are shown everywhere.

use std::time::{Duration, SystemTime};

use quorate_adminapi::{
    EXPIRES_SOON, Leader, Member, MemberState, UtcTime, Vitals, coarse, code, expiring, format_bytes,
};
use quorate_core::NodeId;

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text, grouped};

/// Of the file system: less than this free is painted.
const FREE_PERCENT_ODD: u64 = 10;

/// The columns of nodes. The ranks say what an operator misses least.
const COLUMNS: [Column; 17] = [
    Column::left("NODE"),
    Column::left("ROLE").rank(6),
    Column::left("STATE"),
    Column::left("ADDR").rank(5),
    Column::left("PEER-ADDR").wide(),
    Column::left("VERSION").rank(1),
    Column::right("MATCH").rank(4),
    Column::right("APPLIED").wide(),
    Column::right("LAG").rank(7),
    Column::right("LAST-HB").rank(3),
    Column::right("RTT").rank(3),
    Column::right("FSYNC-P99").rank(4),
    Column::right("SESSIONS").rank(4),
    Column::right("DISK").rank(2),
    Column::right("FREE").rank(2),
    Column::right("CLOCK").wide(),
    Column::right("CERT").rank(2),
];

pub(crate) async fn list(link: &Link<'_>, stale: bool) -> Result<Answer, Failure> {
    let nodes: Vec<Member> = link.get(&format!("/v1/members?stale={stale}")).await?;
    let now = UtcTime::from(SystemTime::now());
    let mut answer = Answer::new(&nodes, Screen::default().grid(grid(&nodes, now)));
    answer.warnings = expiring(&nodes, now);
    Ok(answer)
}

pub(crate) async fn show(link: &Link<'_>, stale: bool, id: NodeId) -> Result<Answer, Failure> {
    let node: Member = link.get(&format!("/v1/members/{id}?stale={stale}")).await?;
    let now = UtcTime::from(SystemTime::now());
    let screen = Screen::default().pairs([
        ("node", name(&node)),
        ("role", Text::new(node.role)),
        ("state", state(&node)),
        ("leader", Text::new(if node.is_leader { "yes" } else { "no" })),
        ("client address", Text::new(&node.client_addr)),
        ("peer address", Text::new(&node.peer_addr)),
        ("version", Text::or_dash(node.version.as_ref())),
        ("matched", Text::or_dash(node.matched.map(|index| grouped(index.0)))),
        ("applied", Text::or_dash(node.applied.map(|index| grouped(index.0)))),
        ("lag", Text::or_dash(node.lag.map(grouped))),
        ("last contact", Text::or_dash(node.last_contact_ms.map(ago))),
        ("sessions", Text::or_dash(node.sessions.map(grouped))),
        ("disk", Text::or_dash(node.disk_bytes.map(format_bytes))),
        ("disk free", free(&node.vitals)),
        ("round trip", Text::or_dash(node.vitals.rtt_us.map(brief))),
        ("fsync p99", Text::or_dash(node.vitals.fsync_p99_us.map(brief))),
        ("clock ahead", clock(&node.vitals)),
        ("certificate until", Text::or_dash(node.cert_expires)),
    ]);
    let mut answer = Answer::new(&node, screen);
    answer.warnings = expiring(&[node], now);
    Ok(answer)
}

pub(crate) async fn leader(link: &Link<'_>, stale: bool) -> Result<Answer, Failure> {
    let leader: Leader = link.get(&format!("/v1/leader?stale={stale}")).await?;
    if leader.id.is_none() && !stale {
        return Err(Failure::new(Exit::NoQuorum, code::NO_QUORUM, "no node leads"));
    }
    let mut table = Grid::new(&[
        Column::left("LEADER"),
        Column::right("TERM"),
        Column::left("ADDR"),
        Column::left("PEER-ADDR"),
        Column::left("HAND-BACK"),
    ]);
    table.row(vec![
        Text::or_dash(leader.id.map(|id| format!("n{id}"))),
        Text::new(leader.term),
        Text::or_dash(leader.client_addr.as_ref()),
        Text::or_dash(leader.peer_addr.as_ref()),
        Text::new(if leader.hand_back { "on" } else { "off" }),
    ]);
    Ok(Answer::new(&leader, Screen::default().grid(table)))
}

/// The table of nodes.
pub(super) fn grid(nodes: &[Member], now: UtcTime) -> Grid {
    let mut grid = Grid::new(&COLUMNS);
    for node in nodes {
        grid.row(vec![
            name(node),
            Text::new(node.role),
            state(node),
            Text::new(&node.client_addr),
            Text::new(&node.peer_addr),
            Text::or_dash(node.version.as_ref()),
            Text::or_dash(node.matched.map(|index| grouped(index.0))),
            Text::or_dash(node.applied.map(|index| grouped(index.0))),
            Text::or_dash(node.lag.map(grouped)),
            Text::or_dash(node.last_contact_ms.map(ago)),
            Text::or_dash(node.vitals.rtt_us.map(brief)),
            Text::or_dash(node.vitals.fsync_p99_us.map(brief)),
            Text::or_dash(node.sessions.map(grouped)),
            Text::or_dash(node.disk_bytes.map(format_bytes)),
            free(&node.vitals),
            clock(&node.vitals),
            certificate(node, now),
        ]);
    }
    grid
}

fn name(node: &Member) -> Text {
    if node.is_leader {
        Text::new(format!("n{}*", node.id)).paint(Paint::Strong)
    } else {
        Text::new(format!("n{}", node.id))
    }
}

fn state(node: &Member) -> Text {
    let text = match node.vitals.catch_up_percent {
        Some(percent) => format!("{} {percent}%", node.state),
        None => node.state.to_string(),
    };
    Text::new(text).paint(match node.state {
        MemberState::Up => Paint::Good,
        MemberState::CatchingUp | MemberState::Draining => Paint::Odd,
        MemberState::Down | MemberState::Removed => Paint::Bad,
    })
}

fn certificate(node: &Member, now: UtcTime) -> Text {
    match node.cert_expires.map(|expires| expires.after(now)) {
        None => Text::new("-"),
        Some(None) => Text::new("expired").paint(Paint::Bad),
        Some(Some(left)) if left < EXPIRES_SOON => Text::new(coarse(left)).paint(Paint::Odd),
        Some(Some(left)) => Text::new(coarse(left)),
    }
}

fn ago(ms: u64) -> String {
    if ms < 10_000 {
        format!("{ms}ms")
    } else {
        coarse(Duration::from_millis(ms))
    }
}

/// What is left of the file system; little of it is odd.
fn free(vitals: &Vitals) -> Text {
    match vitals.disk_free_percent() {
        Some(percent) if percent < FREE_PERCENT_ODD => Text::new(format!("{percent}%")).paint(Paint::Odd),
        percent => Text::or_dash(percent.map(|percent| format!("{percent}%"))),
    }
}

fn clock(vitals: &Vitals) -> Text {
    Text::or_dash(vitals.clock_ahead_ms.map(|ms| format!("{ms:+}ms")))
}

/// Microseconds with two digits that count, or all of the milliseconds.
pub(super) fn brief(micros: u64) -> String {
    match micros {
        0..1000 => format!("{micros}us"),
        1000..10_000 => format!("{}.{}ms", micros / 1000, micros % 1000 / 100),
        // What the counters cannot tell any more.
        u64::MAX => ">4s".to_owned(),
        _ => format!("{}ms", micros / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_are_shown_with_the_digits_that_count() {
        assert_eq!(
            [0, 380, 1900, 64_000, 4_096_000, u64::MAX].map(brief),
            ["0us", "380us", "1.9ms", "64ms", "4096ms", ">4s"]
        );
    }
}
