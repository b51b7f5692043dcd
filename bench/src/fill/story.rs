//! What happens in the city, from the first account to the last read mark.

use std::time::{Duration, SystemTime};

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, SaltString};
use quorate_core::{
    Action, Body, Command, CreateRoom, DeviceName, Done, EditMessage, Emoji, GrantWriter, JoinRoom, MarkRead,
    MessageId, Origin, PasswordHash, PostMessage, React, RegisterUser, RoomRef, Seq, Submission, Timestamp, Topic,
};

use super::Args;
use super::city::{City, Room};
use super::node::Node;
use super::pipe::Pipe;
use crate::Outcome;
use crate::dice::{Dice, Zipf};
use crate::words::Writer;

/// The story ends now and began so long ago: less than what a writer may idle for.
const LASTS: Duration = Duration::from_secs(8 * 24 * 60 * 60);
/// Of that, until the first message.
const SETTLES: Duration = Duration::from_secs(24 * 60 * 60);
/// One of so many messages in the reader's rooms mentions them; the first of these words wins.
const MESSAGES_PER_READER_MENTION: u64 = 50;
/// One of so many mentions another member, and the whole room.
const MESSAGES_PER_MENTION: u64 = 20;
const MESSAGES_PER_CALL: u64 = 5000;
/// One of so many is edited later, and gets a reaction.
const MESSAGES_PER_EDIT: u64 = 100;
const MESSAGES_PER_REACTION: u64 = 50;
const EMOJIS: [&str; 4] = ["👍", "🎉", "❤", "👀"];
/// The reader's marks stand at the k-th of so many parts of a room's lines, each k in turn.
const MARKS: u64 = 11;
/// The place of the reader among the accounts.
const READER_AT: usize = 0;

/// A message that was posted.
struct Posted {
    room: usize,
    author: usize,
    seq: Seq,
}

/// Writes all of it.
pub(super) async fn tell(node: &Node, city: City, args: &Args) -> Outcome<()> {
    let mut teller = Teller {
        node,
        dice: Dice::new(args.seed ^ 0x7374_6f72_7900),
        last_seqs: vec![Seq(0); city.rooms.len()],
        began: ago(LASTS)?,
        city,
    };
    teller.accounts(password(&args.password)?).await?;
    teller.writers().await?;
    teller.rooms().await?;
    let noted = teller.messages(u64::from(args.messages)).await?;
    teller.afterthoughts(&noted).await?;
    teller.marks().await
}

struct Teller<'a> {
    node: &'a Node,
    city: City,
    dice: Dice,
    last_seqs: Vec<Seq>,
    began: Timestamp,
}

impl Teller<'_> {
    async fn accounts(&mut self, password: PasswordHash) -> Outcome<()> {
        let mut pipe = Pipe::new(self.node, "accounts", |(), _| {});
        let device_name = DeviceName::parse("laptop")?;
        let count = self.city.names.len() as u64;
        for (no, (name, device)) in (0..).zip(self.city.names.iter().zip(&self.city.devices)) {
            let register = RegisterUser {
                name: name.clone(),
                // As it is in a log: each entry has its own.
                password: PasswordHash::parse(password.as_str())?,
                device: *device,
                device_name: device_name.clone(),
                attempt: self.dice.wide(),
                likeness: name.likeness(),
                invite: None,
            };
            let at = moment(self.began, SETTLES, no, count);
            pipe.push(at, Command::RegisterUser(register), ()).await?;
        }
        pipe.finish().await
    }

    async fn writers(&mut self) -> Outcome<()> {
        let City { outboxes, devices, .. } = &mut self.city;
        let authors = outboxes.len();
        let grant = |author: usize, done| {
            if let Done::Granted { writer } = done {
                outboxes[author].writer = writer;
            }
        };
        let mut pipe = Pipe::new(self.node, "writers", grant);
        for (author, device) in devices.iter().enumerate().take(authors) {
            let command = Command::GrantWriter(GrantWriter { device: *device });
            pipe.push(self.began, command, author).await?;
        }
        pipe.finish().await
    }

    async fn rooms(&mut self) -> Outcome<()> {
        let rooms = std::mem::take(&mut self.city.rooms);
        let mut pipe = Pipe::new(self.node, "rooms", |(), _| {});
        let at = moment(self.began, SETTLES, 1, 1);
        for room in &rooms {
            let create = Action::CreateRoom(CreateRoom {
                name: room.name.clone(),
                private: false,
                topic: Topic::default(),
            });
            pipe.push(at, submission(&mut self.city, room.members[0], create), ())
                .await?;
            let reader = room.has_reader.then_some(READER_AT);
            for member in room.members[1..].iter().copied().chain(reader) {
                let join = Action::JoinRoom(JoinRoom {
                    room: room.name.clone(),
                });
                pipe.push(at, submission(&mut self.city, member, join), ()).await?;
            }
        }
        pipe.finish().await?;
        self.city.rooms = rooms;
        Ok(())
    }

    /// Gives those that something happens to afterwards.
    async fn messages(&mut self, count: u64) -> Outcome<Vec<Posted>> {
        let rooms = std::mem::take(&mut self.city.rooms);
        let (popular, writer) = (Zipf::new(rooms.len()), Writer::new());
        let (last_seqs, mut noted) = (&mut self.last_seqs, Vec::new());
        let note = |(room, author, is_noted): (usize, usize, bool), done| {
            if let Done::Posted { seq, .. } = done {
                last_seqs[room] = seq;
                if is_noted {
                    noted.push(Posted { room, author, seq });
                }
            }
        };
        let mut pipe = Pipe::new(self.node, "messages", note);
        for no in 0..count {
            let at = popular.draw(&mut self.dice);
            let room = &rooms[at];
            let author = room.members[self.dice.place(room.members.len())];
            let body = body(&self.city, room, &writer, &mut self.dice)?;
            let (mentions, calls_room) = body.mentions();
            let post = Action::PostMessage(PostMessage {
                room: RoomRef::Name(room.name.clone()),
                id: MessageId::parse(&format!("{:032x}", self.dice.wide()))?,
                body,
                reply_to: None,
                mentions,
                calls_room,
            });
            let is_noted = self.dice.one_in(MESSAGES_PER_REACTION);
            let when = moment(Timestamp(self.began.0 + millis(SETTLES)), LASTS - SETTLES, no, count);
            let command = submission(&mut self.city, author, post);
            pipe.push(when, command, (at, author, is_noted)).await?;
        }
        pipe.finish().await?;
        self.city.rooms = rooms;
        Ok(noted)
    }

    /// Reactions and edits.
    async fn afterthoughts(&mut self, noted: &[Posted]) -> Outcome<()> {
        let rooms = std::mem::take(&mut self.city.rooms);
        let (now, writer) = (ago(Duration::ZERO)?, Writer::new());
        let mut pipe = Pipe::new(self.node, "thoughts", |(), _| {});
        for Posted { room: at, author, seq } in noted {
            let room = &rooms[*at];
            let reference = RoomRef::Name(room.name.clone());
            let fan = room.members[self.dice.place(room.members.len())];
            let react = Action::React(React {
                room: reference.clone(),
                seq: *seq,
                emoji: Emoji::parse(EMOJIS[self.dice.place(EMOJIS.len())])?,
                remove: false,
            });
            pipe.push(now, submission(&mut self.city, fan, react), ()).await?;
            if self.dice.one_in(MESSAGES_PER_EDIT / MESSAGES_PER_REACTION) {
                let edit = Action::EditMessage(EditMessage {
                    room: reference,
                    seq: *seq,
                    body: Body::parse(&writer.text(&mut self.dice))?,
                });
                pipe.push(now, submission(&mut self.city, *author, edit), ()).await?;
            }
        }
        pipe.finish().await?;
        self.city.rooms = rooms;
        Ok(())
    }

    /// How far the reader has read.
    async fn marks(&mut self) -> Outcome<()> {
        let rooms = std::mem::take(&mut self.city.rooms);
        let now = ago(Duration::ZERO)?;
        let mut pipe = Pipe::new(self.node, "marks", |(), _| {});
        let with_reader = rooms.iter().zip(&self.last_seqs).filter(|(room, _)| room.has_reader);
        for ((room, last), part) in with_reader.zip((0..MARKS).cycle()) {
            let upto = Seq(last.0 * part / (MARKS - 1));
            if upto == Seq(0) {
                continue;
            }
            let mark = Action::MarkRead(MarkRead {
                room: RoomRef::Name(room.name.clone()),
                upto,
            });
            pipe.push(now, submission(&mut self.city, READER_AT, mark), ()).await?;
        }
        pipe.finish().await?;
        self.city.rooms = rooms;
        Ok(())
    }
}

/// The next request of an author.
fn submission(city: &mut City, author: usize, action: Action) -> Command {
    let outbox = &mut city.outboxes[author];
    outbox.last = outbox.last.next();
    let origin = Origin {
        device: city.devices[author],
        writer: outbox.writer,
        request: outbox.last,
    };
    Command::Submit(Submission { origin, action })
}

fn body(city: &City, room: &Room, writer: &Writer, dice: &mut Dice) -> Outcome<Body> {
    let mut text = writer.text(dice);
    if room.has_reader && dice.one_in(MESSAGES_PER_READER_MENTION) {
        text.push_str(" @reader");
    } else if dice.one_in(MESSAGES_PER_MENTION) {
        let member = room.members[dice.place(room.members.len())];
        text.push_str(" @");
        text.push_str(city.names[member].as_str());
    } else if dice.one_in(MESSAGES_PER_CALL) {
        text.push_str(" @room");
    }
    Ok(Body::parse(&text)?)
}

/// Everybody's: argon2id as the daemon uses it. The salt is no secret here.
fn password(password: &str) -> Outcome<PasswordHash> {
    let salt = SaltString::encode_b64(b"quorate's bench.").map_err(|error| error.to_string())?;
    let hash = Argon2::default().hash_password(password.as_bytes(), &salt);
    Ok(PasswordHash::parse(
        &hash.map_err(|error| error.to_string())?.to_string(),
    )?)
}

fn ago(duration: Duration) -> Outcome<Timestamp> {
    let since = (SystemTime::now() - duration).duration_since(SystemTime::UNIX_EPOCH)?;
    Ok(Timestamp(millis(since)))
}

/// When the `no`-th of so many things happens that fill a time.
fn moment(began: Timestamp, lasts: Duration, no: u64, count: u64) -> Timestamp {
    Timestamp(began.0 + millis(lasts) * no / count)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
