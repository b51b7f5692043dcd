//! `chatctl raft`: consensus as this node knows it by itself.

use quorate_adminapi::RaftInfo;
use quorate_core::LogIndex;

use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Screen, Text, grouped};

pub(crate) async fn info(link: &Link<'_>) -> Result<Answer, Failure> {
    let info: RaftInfo = link.get("/v1/raft").await?;
    let index = |index: Option<LogIndex>| Text::or_dash(index.map(|index| grouped(index.0)));
    let hash = &info.state_hash;
    let screen = Screen::default().pairs([
        ("node", Text::new(format!("n{}", info.id))),
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
