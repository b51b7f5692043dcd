//! The people of a story and the state they talk to.
//!
//! `alice` is the user on the device called `alice`, `alice@phone` the same user on another device,
//! and what follows a `/` names a writer, so that `alice@phone/2` is a second outbox there. A writer
//! is granted when it is first used. Each of them counts its own requests; `request=N` says another
//! number, and `asks again for N` sends again what was sent under it. `operator` stands for a node's
//! admin socket, and `nodes` for the nodes themselves.

mod account;
mod action;
mod crowd;
mod message;
mod node;
mod operator;
mod question;
mod record;
mod word;

use std::collections::BTreeMap;

use quorate_core::{
    Action, Applied, AuditEntry, AuditNo, Command, Done, Entry, Event, GrantWriter, LogIndex, Origin, Refusal,
    RequestNo, RoomEvent, State, StateEvent, Submission, Timestamp, WriterId,
};

use crate::line::Line;

use self::word::{device, number, refused, told};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) struct World {
    state: State,
    index: LogIndex,
    clock: Timestamp,
    writers: BTreeMap<String, (WriterId, RequestNo)>,
    sent: BTreeMap<(String, RequestNo), Submission>,
    history: Vec<RoomEvent>,
    /// The audit log, as a store would keep it.
    audited: BTreeMap<AuditNo, AuditEntry>,
    /// There were never so many records that comparing them would take long.
    few: bool,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            state: State::new(),
            index: LogIndex(0),
            clock: Timestamp(0),
            writers: BTreeMap::new(),
            sent: BTreeMap::new(),
            history: Vec::new(),
            audited: BTreeMap::new(),
            few: true,
        }
    }

    /// Does what the line says and tells what came of it.
    pub(crate) fn act(&mut self, line: &Line) -> String {
        let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
        if let ["clocks", "say", time @ ..] = words.as_slice() {
            self.clock = match *time {
                ["day", day] => Timestamp(number(day) * DAY_MS),
                [ms] => Timestamp(number(ms)),
                _ => panic!("clocks say a day or milliseconds"),
            };
            return String::new();
        }
        self.answer(&words)
            .or_else(|| node::answer(&self.state, &words))
            .or_else(|| self.tell_of_messages(&words))
            .or_else(|| self.operate(&words, line))
            .or_else(|| self.crowd(&words, line))
            .or_else(|| self.account(&words, line))
            .or_else(|| self.send(&words, line))
            .unwrap_or_else(|| panic!("nobody can {words:?}"))
    }

    fn apply(&mut self, command: Command) -> Applied {
        self.index = self.index.next();
        let entry = Entry {
            proposed_at: self.clock,
            command,
        };
        let before = self.few.then(|| record::of_few(&self.state)).flatten();
        self.few = before.is_some();
        let applied = self.state.apply(self.index, &entry);
        if let Some(before) = before {
            record::assert_touched(&before, &self.state, &applied.events);
        }
        for event in &applied.events {
            if let Event::State(StateEvent::Audited { no, entry, dropped, .. }) = event {
                self.audited.insert(*no, entry.clone());
                dropped.map(|dropped| self.audited.remove(&dropped).expect("it was kept"));
            }
        }
        self.history
            .extend(applied.events.iter().filter_map(|event| match event {
                Event::Room(event) => Some(event.clone()),
                Event::State(_) => None,
            }));
        applied
    }

    fn send(&mut self, words: &[&str], line: &Line) -> Option<String> {
        let (who, said) = words.split_first()?;
        if let ["asks", "again", "for", request] = said {
            return Some(self.ask_again(who, RequestNo(number(request))));
        }
        action::of(said, line).map(|action| self.submit(who, line, action))
    }

    fn writer(&mut self, who: &str) -> Result<(WriterId, RequestNo), Refusal> {
        if let Some(known) = self.writers.get(who) {
            return Ok(*known);
        }
        let Done::Granted { writer } = self
            .apply(Command::GrantWriter(GrantWriter { device: device(who) }))
            .outcome?
        else {
            panic!("a grant comes to a writer")
        };
        self.writers.insert(who.to_owned(), (writer, RequestNo(1)));
        Ok((writer, RequestNo(1)))
    }

    fn submit(&mut self, who: &str, line: &Line, action: Action) -> String {
        let (writer, next) = match self.writer(who) {
            Ok(found) => found,
            Err(refusal) => return refused(&refusal),
        };
        let request = line.number("request").map_or(next, RequestNo);
        // `by=` sends through somebody else's writer.
        let writer = line.options.get("by").map_or(writer, |other| self.writers[other].0);
        let submission = Submission {
            origin: Origin {
                device: device(who),
                writer,
                request,
            },
            action,
        };
        let applied = self.apply(Command::Submit(submission.clone()));
        let stored = !matches!(
            applied.outcome,
            Err(Refusal::Gap { .. } | Refusal::ReceiptGone | Refusal::WriterExpired | Refusal::NotLoggedIn)
        );
        if stored && request == next {
            self.writers.insert(who.to_owned(), (writer, next.next()));
            self.sent.insert((who.to_owned(), request), submission);
        }
        told(&applied)
    }

    fn ask_again(&mut self, who: &str, request: RequestNo) -> String {
        let submission = self.sent[&(who.to_owned(), request)].clone();
        let applied = self.apply(Command::Submit(submission));
        let happened = applied.events.iter().any(|event| matches!(event, Event::Room(_)));
        assert!(!happened, "a request that was sent again was done again");
        assert!(
            applied.repeated || applied.outcome.is_err(),
            "its answer is the stored one"
        );
        told(&applied)
    }

    /// What every story ends with.
    pub(crate) fn end(&self) {
        record::assert_chained(&self.audited, &self.state);
        record::assert_restores(&self.state);
    }
}
