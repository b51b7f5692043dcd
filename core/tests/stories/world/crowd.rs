//! Things done many times over; told is what the last one came to.

use crate::line::Line;

use super::World;
use super::word::{number, refused, user};

impl World {
    pub(super) fn crowd(&mut self, words: &[&str], line: &Line) -> Option<String> {
        Some(match *words {
            [who, "creates", count, "rooms"] => self.repeat(count, |at| format!("{who} creates filler-{at}")),
            [who, "posts", count, "messages", "to", room] => {
                self.repeat(count, |at| format!("{who} posts \"filler {at}\" to {room}"))
            }
            [who, "makes", count, "bots"] => self.repeat(count, |at| format!("{who} makes bot {who}-{at}")),
            [count, "users", "register"] => self.repeat(count, |at| format!("user-{at} registers")),
            [count, "users", "join", room] => self.repeat(count, |at| format!("user-{at} joins {room}")),
            [who, "bans", count, "users", "from", room] => {
                self.repeat(count, |at| format!("{who} bans user-{at} from {room}"))
            }
            [who, "invites", count, "users", "to", room] => {
                self.repeat(count, |at| format!("{who} invites user-{at} to {room}"))
            }
            [who, "invites", name, "to", count, "rooms"] => {
                self.repeat(count, |at| format!("{who} invites {name} to filler-{at}"))
            }
            [who, "mutes", count, "users", "in", room] => {
                let ms = line.number("ms").expect("a crowd is muted for some time");
                self.repeat(count, |at| format!("{who} mutes user-{at} in {room} ms={ms}"))
            }
            [count, "users", "leave", room] => self.repeat(count, |at| format!("user-{at} leaves {room}")),
            [count, "users", "write", "to", name] => {
                self.repeat(count, |at| format!("user-{at} posts \"hi\" to @{name}"))
            }
            [count, "users", "invite", name] => {
                self.repeat(count, |at| format!("user-{at} creates own-{at}"));
                self.repeat(count, |at| format!("user-{at} invites {name} to own-{at}"))
            }
            [who, "makes", "and", "ends", count, "bots"] => {
                let told = (0..number(count)).map(|at| {
                    self.repeat("1", |_| format!("{who} makes bot {who}-{at}"));
                    self.repeat("1", |_| format!("{who} ends bot {who}-{at}"))
                });
                told.last().expect("more than none")
            }
            ["operator", "makes", count, "invites"] => {
                self.repeat(count, |at| format!("operator makes invite filler-{at}"))
            }
            [who, "binds", count, "devices"] => {
                let name = user(who);
                self.repeat(count, |at| format!("{who}@{at} logs in as {name}"))
            }
            [who, "gets", count, "writers"] if count != "a" => self.many_writers(who, number(count)),
            _ => return None,
        })
    }

    fn repeat(&mut self, count: &str, text: impl Fn(u64) -> String) -> String {
        let line = |at| Line::parse(&text(at)).expect("the line says something");
        let told = (0..number(count)).map(|at| self.act(&line(at)));
        told.last().expect("more than none")
    }

    fn many_writers(&mut self, who: &str, count: u64) -> String {
        let grant = |world: &mut Self, at| world.writer(&format!("{who}/filler-{at}"));
        let refusal = (0..count).find_map(|at| grant(self, at).err());
        refusal.map_or("granted".to_owned(), |refusal| refused(&refusal))
    }
}
