//! `chatctl member` and `chatctl leader`; and how nodes are shown everywhere.

use std::time::{Duration, SystemTime};

use quorate_adminapi::{Leader, Member, MemberState, UtcTime, code, format_bytes};
use quorate_core::NodeId;

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text, grouped};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Certificates live for 30 days and are renewed well before: one that is left so little was not renewed.
const EXPIRES_SOON: Duration = DAY.saturating_mul(7);

/// The columns of nodes. The ranks say what an operator misses least.
const COLUMNS: [Column; 13] = [
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
    Column::right("SESSIONS").rank(4),
    Column::right("DISK").rank(2),
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
    ]);
    table.row(vec![
        Text::or_dash(leader.id.map(|id| format!("n{id}"))),
        Text::new(leader.term),
        Text::or_dash(leader.client_addr.as_ref()),
        Text::or_dash(leader.peer_addr.as_ref()),
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
            Text::or_dash(node.sessions.map(grouped)),
            Text::or_dash(node.disk_bytes.map(format_bytes)),
            certificate(node, now),
        ]);
    }
    grid
}

/// A warning for each certificate that should have been renewed by now.
pub(super) fn expiring(nodes: &[Member], now: UtcTime) -> Vec<String> {
    let warn = |node: &Member| {
        let left = node.cert_expires?.after(now);
        match left {
            None => Some(format!("the certificate of n{} has expired", node.id)),
            Some(left) if left < EXPIRES_SOON => {
                Some(format!("the certificate of n{} expires in {}", node.id, short(left)))
            }
            Some(_) => None,
        }
    };
    nodes
        .iter()
        .filter(|node| node.state != MemberState::Removed)
        .filter_map(warn)
        .collect()
}

fn name(node: &Member) -> Text {
    if node.is_leader {
        Text::new(format!("n{}*", node.id)).paint(Paint::Strong)
    } else {
        Text::new(format!("n{}", node.id))
    }
}

fn state(node: &Member) -> Text {
    Text::new(node.state).paint(match node.state {
        MemberState::Up => Paint::Good,
        MemberState::CatchingUp | MemberState::Draining => Paint::Odd,
        MemberState::Down | MemberState::Removed => Paint::Bad,
    })
}

fn certificate(node: &Member, now: UtcTime) -> Text {
    match node.cert_expires.map(|expires| expires.after(now)) {
        None => Text::new("-"),
        Some(None) => Text::new("expired").paint(Paint::Bad),
        Some(Some(left)) if left < EXPIRES_SOON => Text::new(short(left)).paint(Paint::Odd),
        Some(Some(left)) => Text::new(short(left)),
    }
}

fn ago(ms: u64) -> String {
    if ms < 10_000 {
        format!("{ms}ms")
    } else {
        short(Duration::from_millis(ms))
    }
}

/// A duration in its largest unit, rounded down.
pub(super) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
