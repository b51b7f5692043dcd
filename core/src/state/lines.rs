//! What is remembered of each line of a room: 32 bytes, and counts of messages a block at a time, so
//! that a count of the messages past a mark reads one block and a number for each of the others.

use std::collections::VecDeque;

use crate::{Seq, Timestamp, UserId};

/// Lines whose messages are counted together.
const BLOCK_LINES: u64 = 256;

/// The lines of a room that are kept: from the oldest one to the last, without a gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    /// The oldest; the next one, if none is kept.
    first: Seq,
    /// The oldest that is a message, with its text or without; the next one, if none is.
    head: Seq,
    lines: VecDeque<Line>,
    /// Messages with their texts in each block from that of `first` on. Blocks begin at seqs 1, 257, ...
    blocks: VecDeque<u32>,
}

/// A line: a message, or anything else that has a seq.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    author: UserId,
    digest: [u64; 2],
    stamp: Stamp,
}

/// When a message was posted, how many bytes it was posted with, and whether it lost it, in 64 bits: 45 of
/// milliseconds (to the year 3084), 18 of bytes (64 KiB and more), 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64);

/// A message, as decisions see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) author: UserId,
    /// Of its idempotency key.
    pub(super) digest: u128,
    pub(super) at: Timestamp,
    /// Of the text that it was posted with; none once its texts are gone. Those of edits are with
    /// the edits.
    pub(super) bytes: u32,
    pub(super) redacted: bool,
}

/// Stands for the author of a line that is no message. No entry of the log has this index.
const NO_MESSAGE: Line = Line {
    author: UserId(u64::MAX),
    digest: [0; 2],
    stamp: Stamp(0),
};

impl Stamp {
    const BYTES_BITS: u32 = 18;
    const AT_MAX: u64 = (1 << 45) - 1;
    const BYTES_MAX: u64 = (1 << Self::BYTES_BITS) - 1;

    fn new(at: Timestamp, bytes: u32, redacted: bool) -> Self {
        let bytes = u64::from(bytes).min(Self::BYTES_MAX);
        Self((at.0.min(Self::AT_MAX) << (Self::BYTES_BITS + 1)) | (bytes << 1) | u64::from(redacted))
    }

    const fn at(self) -> Timestamp {
        Timestamp(self.0 >> (Self::BYTES_BITS + 1))
    }

    const fn bytes(self) -> u32 {
        (self.0 >> 1 & Self::BYTES_MAX) as u32
    }

    const fn redacted(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Line {
    fn of(message: &Message) -> Self {
        Self {
            author: message.author,
            digest: [(message.digest >> 64) as u64, message.digest as u64],
            stamp: Stamp::new(message.at, message.bytes, message.redacted),
        }
    }

    fn message(self) -> Option<Message> {
        (self.author != NO_MESSAGE.author).then_some(Message {
            author: self.author,
            digest: u128::from(self.digest[0]) << 64 | u128::from(self.digest[1]),
            at: self.stamp.at(),
            bytes: self.stamp.bytes(),
            redacted: self.stamp.redacted(),
        })
    }

    fn counts(self) -> bool {
        self.author != NO_MESSAGE.author && !self.stamp.redacted()
    }
}

impl Lines {
    /// Of a room that has none yet.
    pub(super) fn new() -> Self {
        Self {
            first: Seq(1),
            head: Seq(1),
            lines: VecDeque::new(),
            blocks: VecDeque::new(),
        }
    }

    /// The lines from `first` to `last`, none of them a message yet; none for bounds that are none.
    pub(super) fn blank(first: Seq, last: Seq) -> Option<Self> {
        let count = last.0.checked_add(1)?.checked_sub(first.0)?;
        let mut lines = Self::new();
        lines.first = first;
        lines.head = last.next();
        lines.lines = std::iter::repeat_n(NO_MESSAGE, usize::try_from(count).ok()?).collect();
        let blocks = if count == 0 { 0 } else { block(last) - block(first) + 1 };
        lines.blocks = std::iter::repeat_n(0, usize::try_from(blocks).ok()?).collect();
        Some(lines)
    }

    /// The oldest message that is kept, with its text or without.
    pub(super) fn head(&self) -> Option<(Seq, Message)> {
        Some((self.head, self.message(self.head)?))
    }

    /// How many lines come before the oldest message; all of them, if none is one.
    pub(super) fn leading(&self) -> u64 {
        self.head.0 - self.first.0
    }

    /// The next line is this message, or something else.
    pub(super) fn push(&mut self, message: Option<&Message>) {
        let seq = Seq(self.first.0 + self.lines.len() as u64);
        if self.lines.is_empty() || block(seq) != block(Seq(seq.0 - 1)) {
            self.blocks.push_back(0);
        }
        let line = message.map_or(NO_MESSAGE, Line::of);
        if message.is_none() && self.head == seq {
            self.head = seq.next();
        }
        self.lines.push_back(line);
        self.count(seq, NO_MESSAGE, line);
    }

    /// Makes a line that is no message this message; false if there is no such line or it is taken.
    pub(super) fn fill(&mut self, seq: Seq, message: &Message) -> bool {
        let is_free = self.line(seq).is_some_and(|line| *line == NO_MESSAGE);
        if is_free {
            self.replace(seq, Line::of(message));
            self.head = self.head.min(seq);
        }
        is_free
    }

    /// The message at a seq, if a message is kept there.
    pub(super) fn message(&self, seq: Seq) -> Option<Message> {
        self.line(seq).and_then(|line| line.message())
    }

    /// Changes a message that is there.
    pub(super) fn change(&mut self, seq: Seq, change: impl FnOnce(&mut Message)) {
        if let Some(mut message) = self.message(seq) {
            change(&mut message);
            self.replace(seq, Line::of(&message));
        }
    }

    /// The messages after the first seq, up to and with the second, ascending.
    pub(super) fn within(&self, after: Seq, upto: Seq) -> impl Iterator<Item = (Seq, Message)> + '_ {
        let from = after.next().max(self.first);
        let count = upto.next().0.saturating_sub(from.0);
        let skipped = usize::try_from(from.0 - self.first.0).unwrap_or(usize::MAX);
        self.lines
            .iter()
            .skip(skipped)
            .take(usize::try_from(count).unwrap_or(usize::MAX))
            .zip(from.0..)
            .filter_map(|(line, seq)| Some((Seq(seq), line.message()?)))
    }

    /// How many messages that have their texts come after a seq.
    pub(super) fn count_after(&self, seq: Seq) -> u64 {
        let from = seq.next().max(self.first);
        let at = block(from) - block(self.first);
        let later = self.blocks.iter().skip(usize::try_from(at + 1).unwrap_or(usize::MAX));
        let later: u64 = later.map(|count| u64::from(*count)).sum();
        let end = Seq((block(from) + 1) * BLOCK_LINES);
        let here = self
            .within(Seq(from.0 - 1), end)
            .filter(|(_, message)| !message.redacted);
        later + here.count() as u64
    }

    /// Lets go of all lines before this one, which is kept or the next one.
    pub(super) fn cut(&mut self, first: Seq) {
        while self.first < first {
            let Some(line) = self.lines.pop_front() else { break };
            self.count_at(0, line, NO_MESSAGE);
            if block(self.first) != block(self.first.next()) || self.lines.is_empty() {
                self.blocks.pop_front();
            }
            self.first = self.first.next();
        }
        // Each line is passed once in its life, so no cut pays for what others have passed.
        self.head = self.head.max(self.first);
        while self.line(self.head).is_some_and(|line| *line == NO_MESSAGE) {
            self.head = self.head.next();
        }
        // A room that forgets gives its memory back, but not at every cut.
        if self.lines.capacity() > 2 * self.lines.len() + BLOCK_LINES as usize {
            self.lines.shrink_to(self.lines.len() + self.lines.len() / 2);
        }
    }

    fn line(&self, seq: Seq) -> Option<&Line> {
        let at = seq.0.checked_sub(self.first.0)?;
        self.lines.get(usize::try_from(at).ok()?)
    }

    fn replace(&mut self, seq: Seq, line: Line) {
        let at = usize::try_from(seq.0 - self.first.0).unwrap_or(usize::MAX);
        if let Some(place) = self.lines.get_mut(at) {
            let before = std::mem::replace(place, line);
            self.count(seq, before, line);
        }
    }

    fn count(&mut self, seq: Seq, before: Line, now: Line) {
        self.count_at(block(seq) - block(self.first), before, now);
    }

    fn count_at(&mut self, block: u64, before: Line, now: Line) {
        if let Some(count) = usize::try_from(block).ok().and_then(|at| self.blocks.get_mut(at)) {
            *count = *count + u32::from(now.counts()) - u32::from(before.counts());
        }
    }
}

/// The number of a seq's block.
const fn block(seq: Seq) -> u64 {
    (seq.0.saturating_sub(1)) / BLOCK_LINES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(at: u64) -> Message {
        Message {
            author: UserId(at % 3),
            digest: u128::from(at) << 70 | 7,
            at: Timestamp(at),
            bytes: 5,
            redacted: false,
        }
    }

    /// Every third line is no message.
    fn lines(count: u64) -> Lines {
        let mut lines = Lines::new();
        for at in 1..=count {
            lines.push((at % 3 != 0).then_some(message(at)).as_ref());
        }
        lines
    }

    fn counted(lines: &Lines, after: u64) -> u64 {
        let all = lines.within(Seq(after), Seq(u64::MAX - 1));
        all.filter(|(_, message)| !message.redacted).count() as u64
    }

    #[test]
    fn a_message_is_what_was_pushed() {
        let lines = lines(10);
        assert_eq!(lines.message(Seq(4)), Some(message(4)));
        assert_eq!(lines.message(Seq(3)), None);
        assert_eq!(lines.message(Seq(0)), None);
        assert_eq!(lines.message(Seq(11)), None);
    }

    #[test]
    fn counts_by_blocks_are_counts_by_lines() {
        let mut lines = lines(3000);
        lines.change(Seq(700), |message| message.redacted = true);
        for first in [1, 2, 256, 257, 258, 1000, 3000, 3001] {
            lines.cut(Seq(first));
            assert_eq!(lines.first, Seq(first));
            let head = lines.within(Seq(0), Seq(u64::MAX - 1)).next();
            assert_eq!(lines.head(), head, "cut {first}");
            for after in [0, 1, 255, 256, 257, 699, 700, 1500, 2999, 3000, 4000] {
                assert_eq!(
                    lines.count_after(Seq(after)),
                    counted(&lines, after),
                    "cut {first}, after {after}"
                );
            }
        }
        lines.push(Some(&message(3001)));
        assert_eq!(lines.message(Seq(3001)), Some(message(3001)));
        assert_eq!(lines.count_after(Seq(0)), 1);
    }

    #[test]
    fn blank_lines_that_are_filled_are_pushed_ones() {
        for (first, count) in [(1, 0), (1, 600), (300, 600), (601, 600)] {
            let mut pushed = lines(count);
            pushed.cut(Seq(first));
            let mut filled = Lines::blank(Seq(first), Seq(count)).unwrap();
            for (seq, message) in pushed.within(Seq(0), Seq(count)) {
                assert!(filled.fill(seq, &message));
                assert!(!filled.fill(seq, &message));
            }
            assert_eq!(filled, pushed, "from {first}");
        }
    }

    #[test]
    fn the_stamp_keeps_time_size_and_redaction_apart() {
        let stamp = Stamp::new(Timestamp(1_790_000_000_123), 65_536, true);
        assert_eq!(
            (stamp.at(), stamp.bytes(), stamp.redacted()),
            (Timestamp(1_790_000_000_123), 65_536, true)
        );
        assert_eq!(
            Stamp::new(Timestamp(u64::MAX), u32::MAX, false).at(),
            Timestamp(Stamp::AT_MAX)
        );
    }
}
