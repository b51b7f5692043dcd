//! The kinds of questions.

use std::time::{Duration, Instant};

use quorate_client::{Client, Range, RoomName, RoomRef, SearchAsk, Seq, UserName};
use serde_json::{Map, Value};

use crate::Outcome;
use crate::dice::Dice;
use crate::latency::Latencies;
use crate::words::spell;

/// Rows of a page of a list.
const PAGE_ROWS: u16 = 100;
/// Lines of a page of history, hits of a search, mentions.
const PAGE_LINES: u16 = 50;
/// Each kind is asked so many times at least.
const ASKED_MIN: u64 = 300;
/// How many pages of the accounts are turned to find cursors in the middle.
const PAGES_TURNED_MAX: usize = 2000;
/// Only rooms of so many lines have a page in their middle.
const LINES_MIN: u64 = 200;

/// What is asked, in this order.
const KINDS: [Kind; 18] = [
    Kind::AccountsFirst,
    Kind::AccountsMiddle,
    Kind::AccountsGlob("*7*"),
    Kind::AccountsGlob("*nobody*"),
    Kind::Rooms,
    Kind::Members,
    Kind::HistoryNewest,
    Kind::HistoryMiddle,
    Kind::Unread,
    Kind::Mentions,
    Kind::Search("search frequent", Words::One(0), None),
    Kind::Search("search middling", Words::One(300), None),
    Kind::Search("search rare", Words::One(30_000), None),
    Kind::Search("search two words", Words::Both(2, 7), None),
    Kind::Search("search phrase", Words::Phrase(0, 1), None),
    Kind::Search("search rare phrase", Words::Phrase(40, 90), None),
    Kind::Search("search in room", Words::One(0), Some(Only::Room)),
    Kind::Search("search by author", Words::One(0), Some(Only::Author)),
];

#[derive(Clone, Copy, Debug)]
enum Kind {
    AccountsFirst,
    AccountsMiddle,
    AccountsGlob(&'static str),
    Rooms,
    Members,
    HistoryNewest,
    HistoryMiddle,
    Unread,
    Mentions,
    Search(&'static str, Words, Option<Only>),
}

/// Words by their ranks.
#[derive(Clone, Copy, Debug)]
enum Words {
    One(usize),
    Both(usize, usize),
    Phrase(usize, usize),
}

#[derive(Clone, Copy, Debug)]
enum Only {
    Room,
    Author,
}

impl Words {
    fn spelled(self) -> String {
        match self {
            Self::One(rank) => spell(rank),
            Self::Both(one, other) => format!("{} {}", spell(one), spell(other)),
            Self::Phrase(one, other) => format!("\"{} {}\"", spell(one), spell(other)),
        }
    }
}

impl Kind {
    fn name(self) -> String {
        match self {
            Self::AccountsFirst => "accounts first page".to_owned(),
            Self::AccountsMiddle => "accounts middle page".to_owned(),
            Self::AccountsGlob(glob) => format!("accounts {glob}"),
            Self::Rooms => "public rooms page".to_owned(),
            Self::Members => "members page".to_owned(),
            Self::HistoryNewest => "history newest page".to_owned(),
            Self::HistoryMiddle => "history middle page".to_owned(),
            Self::Unread => "unread".to_owned(),
            Self::Mentions => "mentions page".to_owned(),
            Self::Search(name, ..) => name.to_owned(),
        }
    }
}

/// What may be asked about.
pub(super) struct Kinds<'a> {
    client: &'a Client,
    dice: Dice,
    /// Where pages of the accounts end.
    cursors: Vec<String>,
    /// The user's rooms with their last seqs.
    rooms: Vec<(RoomName, Seq)>,
    /// Those of them that have many lines.
    long_rooms: Vec<(RoomName, Seq)>,
    authors: Vec<UserName>,
}

impl<'a> Kinds<'a> {
    pub(super) async fn look_around(client: &'a Client, seed: u64) -> Outcome<Self> {
        let mut cursors = Vec::new();
        while cursors.len() < PAGES_TURNED_MAX {
            let page = client
                .accounts(None, cursors.last().map(String::as_str), PAGE_ROWS)
                .await?;
            let Some(next) = page.next else { break };
            cursors.push(next);
        }
        let unread = client.unread().await?;
        let rooms: Vec<_> = unread.into_iter().map(|row| (row.room, row.last)).collect();
        let longest = rooms.iter().max_by_key(|(_, last)| *last);
        let (longest, _) = longest.ok_or("the user is in no room")?;
        let members = client
            .members_page(&RoomRef::Name(longest.clone()), None, PAGE_ROWS)
            .await?;
        let is_long = |(_, last): &&(RoomName, Seq)| last.0 >= LINES_MIN;
        Ok(Self {
            client,
            dice: Dice::new(seed),
            cursors,
            long_rooms: rooms.iter().filter(is_long).cloned().collect(),
            rooms,
            authors: members.rows.into_iter().map(|row| row.user).collect(),
        })
    }

    /// Asks each kind for its share of the time, and says how long the answers took.
    pub(super) async fn measure(mut self, time: Duration) -> Outcome<Value> {
        let share = time / u32::try_from(KINDS.len()).unwrap_or(u32::MAX);
        let mut report = Map::new();
        for kind in KINDS {
            let mut latencies = Latencies::new();
            let began = Instant::now();
            while latencies.count() < ASKED_MIN || began.elapsed() < share {
                let asked = Instant::now();
                let rows = self.ask(kind).await?;
                latencies.record(asked.elapsed(), rows);
            }
            report.insert(kind.name(), latencies.to_json());
        }
        Ok(report.into())
    }

    /// Asks once; how many rows came.
    async fn ask(&mut self, kind: Kind) -> Outcome<usize> {
        let (client, lines) = (self.client, usize::from(PAGE_LINES));
        let rows = match kind {
            Kind::AccountsFirst => client.accounts(None, None, PAGE_ROWS).await?.rows.len(),
            Kind::AccountsMiddle => {
                let after = pick(&mut self.dice, &self.cursors)?;
                client.accounts(None, Some(after), PAGE_ROWS).await?.rows.len()
            }
            Kind::AccountsGlob(glob) => client.accounts(Some(glob), None, PAGE_ROWS).await?.rows.len(),
            Kind::Rooms => client.rooms_page(true, None, PAGE_ROWS).await?.rows.len(),
            Kind::Members => {
                let (room, _) = pick(&mut self.dice, &self.rooms)?;
                let room = RoomRef::Name(room.clone());
                client.members_page(&room, None, PAGE_ROWS).await?.rows.len()
            }
            Kind::HistoryNewest => {
                let (room, _) = pick(&mut self.dice, &self.rooms)?;
                let room = RoomRef::Name(room.clone());
                client.history(&room, Range::Newest, lines, false).await?.events.len()
            }
            Kind::HistoryMiddle => {
                let (room, last) = pick(&mut self.dice, &self.long_rooms)?.clone();
                let range = Range::After(Seq(self.dice.below(last.0 - u64::from(PAGE_LINES))));
                let room = RoomRef::Name(room);
                client.history(&room, range, lines, false).await?.events.len()
            }
            Kind::Unread => client.unread().await?.len(),
            Kind::Mentions => client.mentions(false, None, PAGE_LINES).await?.events.len(),
            Kind::Search(_, words, only) => self.search(words, only).await?,
        };
        Ok(rows)
    }

    async fn search(&mut self, words: Words, only: Option<Only>) -> Outcome<usize> {
        let mut ask = SearchAsk {
            words: words.spelled(),
            limit: PAGE_LINES,
            ..SearchAsk::default()
        };
        match only {
            None => {}
            Some(Only::Room) => ask.room = Some(RoomRef::Name(pick(&mut self.dice, &self.rooms)?.0.clone())),
            Some(Only::Author) => ask.from = Some(pick(&mut self.dice, &self.authors)?.clone()),
        }
        Ok(self.client.search(ask).await?.events.len())
    }
}

fn pick<'a, T>(dice: &mut Dice, of: &'a [T]) -> Outcome<&'a T> {
    if of.is_empty() {
        return Err("the chat is too small to be measured".into());
    }
    Ok(&of[dice.place(of.len())])
}
