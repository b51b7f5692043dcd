//! `chatctl raft`: consensus as this node knows it by itself, its log, and whether the others have the same state.

use quorate_adminapi::{EntryKind, HashResult, NodeHash, RaftEntry, RaftInfo, RaftLog, RaftVerify};
use quorate_core::{LogIndex, NodeId};

use crate::cli::LogArgs;
use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text, grouped};

pub(crate) async fn info(link: &Link<'_>) -> Result<Answer, Failure> {
    let info: RaftInfo = link.get("/v1/raft").await?;
    let index = |index: Option<LogIndex>| Text::or_dash(index.map(|index| grouped(index.0)));
    let hash = &info.state_hash;
    let screen = Screen::default().pairs([
        ("node", Text::or_dash(info.id.map(|node| format!("n{node}")))),
        ("term", Text::new(info.term)),
        ("vote", Text::or_dash(info.vote.map(|node| format!("n{node}")))),
        ("last log index", index(info.last_log_index)),
        ("committed", index(info.committed)),
        ("applied", index(info.applied)),
        ("snapshot", index(info.snapshot_index)),
        ("purged", index(info.purged)),
        (
            "state hash",
            Text::new(format!("{} at {}", hash.hash, grouped(hash.index.0))),
        ),
    ]);
    Ok(Answer::new(&info, screen))
}

/// Entries shown by one command: more than anybody reads, and still an answer of some megabytes.
const LOG_ENTRIES_MAX: usize = 10_000;

pub(super) async fn log(link: &Link<'_>, args: &LogArgs) -> Result<Answer, Failure> {
    let LogArgs { from, to, raw } = *args;
    let mut log = page(link, from, to, raw).await?;
    // What comes in while this asks is not asked for.
    let end = to.or(log.last);
    while let Some(next) = log.next.filter(|_| log.entries.len() < LOG_ENTRIES_MAX) {
        let more = page(link, Some(next), end, raw).await?;
        log.entries.extend(more.entries);
        log.next = more.next;
    }
    let mut columns = vec![
        Column::right("INDEX"),
        Column::right("TERM"),
        Column::left("LEADER"),
        Column::left("KIND"),
        Column::left("COMMAND"),
        Column::left("PROPOSED"),
        Column::right("BYTES"),
    ];
    if raw {
        columns.push(Column::left("RAW"));
    }
    let mut grid = Grid::new(&columns);
    for entry in &log.entries {
        grid.row(row(entry, raw));
    }
    let mut answer = Answer::new(&log, Screen::default().grid(grid));
    if let Some(next) = log.next {
        answer
            .warnings
            .push(format!("there are more: go on with --from {next}"));
    }
    if let (Some(from), Some(first)) = (from, log.first)
        && from < first
    {
        answer
            .warnings
            .push(format!("the log begins at {first}: what was before is in the snapshot"));
    }
    Ok(answer)
}

async fn page(link: &Link<'_>, from: Option<LogIndex>, to: Option<LogIndex>, raw: bool) -> Result<RaftLog, Failure> {
    let bound = |name: &str, index: Option<LogIndex>| index.map(|index| format!("&{name}={index}")).unwrap_or_default();
    let (from, to) = (bound("from", from), bound("to", to));
    link.get(&format!("/v1/raft/log?raw={raw}{from}{to}")).await
}

fn row(entry: &RaftEntry, raw: bool) -> Vec<Text> {
    let says = match entry.kind {
        EntryKind::Membership => Some(members(entry)),
        EntryKind::Blank | EntryKind::Command => entry.command.clone(),
    };
    let mut row = vec![
        Text::new(grouped(entry.index.0)),
        Text::new(entry.term),
        Text::new(format!("n{}", entry.leader)),
        Text::new(entry.kind.as_str()),
        Text::or_dash(says),
        Text::or_dash(entry.at),
        Text::new(grouped(entry.bytes)),
    ];
    if raw {
        let hidden = entry.redacted.then(|| "(secret)".to_owned());
        row.push(Text::or_dash(entry.raw.clone().or(hidden)));
    }
    row
}

fn members(entry: &RaftEntry) -> String {
    let names = |nodes: &[NodeId]| {
        nodes
            .iter()
            .map(|node| format!("n{node}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let learners = match entry.learners.as_slice() {
        [] => String::new(),
        learners => format!(", learners {}", names(learners)),
    };
    format!("voters {}{learners}", names(&entry.voters))
}

pub(super) async fn verify(link: &Link<'_>, all: bool) -> Result<Answer, Failure> {
    let verify: RaftVerify = link.get(&format!("/v1/raft/verify?all={all}")).await?;
    let mut grid = Grid::new(&[
        Column::left("NODE"),
        Column::left("RESULT"),
        Column::left("HASH"),
        Column::right("NEWEST").rank(1),
    ]);
    for node in &verify.nodes {
        let paint = match node.result {
            HashResult::Match => Paint::Good,
            HashResult::Mismatch => Paint::Bad,
            HashResult::NotReachable | HashResult::NoHash => Paint::Odd,
        };
        grid.row(vec![
            Text::new(format!("n{}", node.id)),
            Text::new(node.result.as_str()).paint(paint),
            Text::or_dash(node.hash.as_ref()),
            Text::or_dash(node.newest.map(|index| grouped(index.0))),
        ]);
    }
    let at = verify.index.map_or_else(|| "-".to_owned(), |index| grouped(index.0));
    let heading = format!("state hash at index {at}, compared at {}", indexes(verify.compared));
    let mut answer = Answer::new(&verify, Screen::default().heading(heading).grid(grid));
    if verify.nodes.len() == 1 {
        answer.notes.push("there is no other node to compare with".to_owned());
    } else if verify.compared == 0 {
        let why = not_compared(&verify);
        answer.warnings.push(format!("nothing was compared: {why}"));
        answer.exit = Exit::Unhealthy;
    }
    if !verify.equal {
        answer.exit = Exit::Error;
        answer.notes.push(
            "a node that differs must be replaced under a new id; take a backup from one that does not first"
                .to_owned(),
        );
    }
    Ok(answer)
}

fn not_compared(verify: &RaftVerify) -> String {
    let silent = |node: &&NodeHash| node.result == HashResult::NotReachable;
    let silent: Vec<String> = verify
        .nodes
        .iter()
        .filter(silent)
        .map(|node| format!("n{}", node.id))
        .collect();
    match verify.nodes.len() {
        nodes if nodes - silent.len() < 2 => match silent.as_slice() {
            [one] => format!("{one} does not answer"),
            many => format!("{} do not answer", many.join(", ")),
        },
        _ => "no two nodes have noted a hash at one index yet; ask again when more was written".to_owned(),
    }
}

fn indexes(count: u64) -> String {
    match count {
        1 => "1 index".to_owned(),
        many => format!("{} indexes", grouped(many)),
    }
}
