//! The methods, by name.

mod account;
mod follow;
mod message;
mod room;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use quorate_client::{Client, Page, RoomName};
use serde_json::{Value, json};

use super::out::Out;
use super::params::Params;
use super::parse::{Failed, Request};
use follow::Following;

/// A result, and what is to begin once it has been told.
pub(super) struct Answer {
    pub(super) result: Value,
    pub(super) after: Option<Box<dyn FnOnce() + Send>>,
}

impl From<Value> for Answer {
    fn from(result: Value) -> Self {
        Self { result, after: None }
    }
}

/// A change that stands in the outbox, and waits for its answer.
pub(super) type UnderWay = BoxFuture<'static, Result<Answer, Failed>>;

/// Does what requests ask. Cheap to clone.
#[derive(Clone)]
pub(super) struct Methods {
    client: Client,
    out: Out,
    /// The code of the link that the program was started with.
    invite: Option<Arc<str>>,
    /// By the room's name.
    followed: Arc<Mutex<HashMap<RoomName, Following>>>,
}

impl Methods {
    pub(super) fn new(client: Client, out: Out, invite: Option<&str>) -> Self {
        Self {
            client,
            out,
            invite: invite.map(Arc::from),
            followed: Arc::default(),
        }
    }

    /// Begins a change of a room's messages: it stands in the outbox, in its order, when this returns. Other requests
    /// are for [`Self::run`].
    pub(super) fn begin(&self, request: &Request) -> Option<Result<UnderWay, Failed>> {
        let params = Params(&request.params);
        Some(match request.method.as_str() {
            "post" => self.post(&params),
            "edit" => self.edit(&params),
            "delete" => self.delete(&params),
            "react" => self.react(&params),
            _ => return None,
        })
    }

    pub(super) async fn run(&self, request: &Request) -> Result<Answer, Failed> {
        if let Some(begun) = self.begin(request) {
            return begun?.await;
        }
        let params = Params(&request.params);
        // Boxed, since each of them is far smaller than all of them.
        let result: BoxFuture<'_, Result<Value, Failed>> = match request.method.as_str() {
            "subscribe" => return self.subscribe(&params).await,

            "register" => Box::pin(self.register(&params)),
            "login" => Box::pin(self.login(&params)),
            "logout" => Box::pin(self.logout()),
            "whoami" => Box::pin(self.whoami()),
            "passwd" => Box::pin(self.passwd(&params)),
            "account.delete" => Box::pin(self.delete_account(&params)),
            "accounts.list" => Box::pin(self.accounts(&params)),
            "devices.list" => Box::pin(self.devices()),
            "devices.revoke" => Box::pin(self.revoke_device(&params)),
            "bot.create" => Box::pin(self.create_bot(&params)),
            "bot.list" => Box::pin(self.bots()),
            "bot.token" => Box::pin(self.renew_bot_token(&params)),
            "bot.delete" => Box::pin(self.delete_bot(&params)),
            "presence.set" => Box::pin(self.set_presence(&params)),

            "room.create" => Box::pin(self.create_room(&params)),
            "room.join" => Box::pin(self.join(&params)),
            "room.leave" => Box::pin(self.leave(&params)),
            "room.members" => Box::pin(self.members(&params)),
            "room.info" => Box::pin(self.room(&params)),
            "room.list" => Box::pin(self.rooms(&params)),
            "room.topic" => Box::pin(self.set_topic(&params)),
            "room.invite" => Box::pin(self.invite(&params)),
            "room.kick" => Box::pin(self.kick(&params)),
            "room.ban" => Box::pin(self.ban(&params)),
            "room.unban" => Box::pin(self.unban(&params)),
            "room.bans" => Box::pin(self.bans(&params)),
            "room.mute" => Box::pin(self.mute(&params)),
            "room.unmute" => Box::pin(self.unmute(&params)),
            "room.role" => Box::pin(self.set_role(&params)),
            "room.transfer" => Box::pin(self.transfer(&params)),
            "room.archive" => Box::pin(self.archive(&params)),
            "room.delete" => Box::pin(self.delete_room(&params)),
            "room.retention" => Box::pin(self.retention(&params)),

            "history" => Box::pin(self.history(&params)),
            "revisions" => Box::pin(self.revisions(&params)),
            "search" => Box::pin(self.search(&params)),
            "mentions" => Box::pin(self.mentions(&params)),
            "read" => Box::pin(self.read(&params)),
            "unread" => Box::pin(self.unread(&params)),
            "typing" => Box::pin(self.typing(&params)),

            "unsubscribe" => Box::pin(self.unsubscribe(&params)),
            "status" => Box::pin(self.status()),
            _ => return Err(Failed::Method),
        };
        result.await.map(Answer::from)
    }
}

/// A list: one array, and where the next page begins, if there is one.
fn list<T>(name: &str, page: &Page<T>, form: impl Fn(&T) -> Value) -> Value {
    rows(name, page.rows.iter().map(form), page.next.as_deref())
}

fn rows(name: &str, rows: impl Iterator<Item = Value>, next: Option<&str>) -> Value {
    let mut object = json!({});
    object[name] = rows.collect();
    if let Some(next) = next {
        object["next"] = json!(next);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_a_cursor_only_when_there_is_another_page() {
        let mut page = Page {
            rows: vec![1, 2],
            next: Some("x".to_owned()),
        };
        let form = |row: &i32| json!(row);
        assert_eq!(list("rooms", &page, form), json!({"rooms": [1, 2], "next": "x"}));
        page.next = None;
        assert_eq!(list("rooms", &page, form), json!({"rooms": [1, 2]}));
    }
}
