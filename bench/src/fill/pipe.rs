//! Commands into the log, many at a time, and their outcomes in the same order.

use std::collections::VecDeque;
use std::time::Duration;

use quorate_core::{Command, Done, Entry, Timestamp};
use quorate_daemon::consensus::types::Answer;
use quorate_daemon::consensus::{InFlight, ProposeOutcome};
use quorate_protocol::entry;
use tokio::time::Instant;

use super::node::Node;
use crate::Outcome;

/// Commands in a batch.
const BATCH_COMMANDS: usize = 512;
/// Batches under way.
const BATCHES_MAX: usize = 8;
/// How long one may take: checkpoints of a large state hold it up.
const BATCH_DEADLINE: Duration = Duration::from_secs(60);
/// How often it is told how far it is.
const TELL_COMMANDS: u64 = 100_000;

/// Each command goes in with a tag, and comes out as the tag with what was done.
pub(super) struct Pipe<'a, T, F> {
    node: &'a Node,
    what: &'static str,
    done: F,
    commands: Vec<bytes::Bytes>,
    tags: Vec<T>,
    under_way: VecDeque<(InFlight, Vec<T>)>,
    began: Instant,
    count: u64,
}

impl<'a, T, F: FnMut(T, Done)> Pipe<'a, T, F> {
    pub(super) fn new(node: &'a Node, what: &'static str, done: F) -> Self {
        Self {
            node,
            what,
            done,
            commands: Vec::new(),
            tags: Vec::new(),
            under_way: VecDeque::new(),
            began: Instant::now(),
            count: 0,
        }
    }

    /// Takes a command, that is proposed at this time as far as the log knows.
    pub(super) async fn push(&mut self, proposed_at: Timestamp, command: Command, tag: T) -> Outcome<()> {
        self.commands.push(entry::encode(&Entry { proposed_at, command }));
        self.tags.push(tag);
        self.count += 1;
        if self.count.is_multiple_of(TELL_COMMANDS) {
            self.tell();
        }
        if self.commands.len() >= BATCH_COMMANDS {
            self.begin().await?;
        }
        Ok(())
    }

    /// Waits for all outcomes.
    pub(super) async fn finish(mut self) -> Outcome<()> {
        self.begin().await?;
        while !self.under_way.is_empty() {
            self.settle().await?;
        }
        self.tell();
        Ok(())
    }

    async fn begin(&mut self) -> Outcome<()> {
        if self.under_way.len() >= BATCHES_MAX {
            self.settle().await?;
        }
        let commands = std::mem::take(&mut self.commands);
        let in_flight = self
            .node
            .consensus
            .begin(commands, Instant::now() + BATCH_DEADLINE)
            .await;
        self.under_way.push_back((in_flight, std::mem::take(&mut self.tags)));
        Ok(())
    }

    async fn settle(&mut self) -> Outcome<()> {
        let Some((in_flight, tags)) = self.under_way.pop_front() else {
            return Ok(());
        };
        let outcomes = in_flight.outcomes(Instant::now() + BATCH_DEADLINE).await;
        for (tag, outcome) in tags.into_iter().zip(outcomes) {
            match outcome {
                ProposeOutcome::Applied {
                    answer: Answer(Some(Ok(done))),
                    ..
                } => (self.done)(tag, done),
                other => return Err(format!("{}: {other:?}", self.what).into()),
            }
        }
        Ok(())
    }

    fn tell(&self) {
        let rate = self.count as f64 / self.began.elapsed().as_secs_f64();
        eprintln!("{:10} {:>9}  {rate:.0}/s", self.what, self.count);
    }
}
