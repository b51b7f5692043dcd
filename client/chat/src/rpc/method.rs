//! The methods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quorate_client::{
    Client, DEADLINE, Post, Range, RequestError, RoomName, RoomRef, Seq, Subscription, Topic, Update, UserName,
};
use serde_json::{Map, Value, json};
use tokio::task::JoinHandle;

use super::out::Out;
use super::parse::{Failed, Request};
use crate::json as forms;

/// Events in one answer.
const LIMIT_MAX: u64 = 500;
/// Without a limit.
const LIMIT: u64 = 50;
/// No caller waits longer for a message.
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

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

/// Does what requests ask. Cheap to clone.
#[derive(Clone)]
pub(super) struct Methods {
    client: Client,
    out: Out,
    /// By the room's name.
    followed: Arc<Mutex<HashMap<RoomName, JoinHandle<()>>>>,
}

impl Methods {
    pub(super) fn new(client: Client, out: Out) -> Self {
        Self {
            client,
            out,
            followed: Arc::default(),
        }
    }

    /// Posts a message: it stands in the outbox when this returns.
    pub(super) fn post(
        &self,
        params: &Map<String, Value>,
    ) -> Result<impl Future<Output = Result<Answer, Failed>> + use<>, Failed> {
        let params = Params(params);
        let mut post = Post::new(params.room()?, params.text("body")?)?;
        post.reply_to = params.seq("reply_to")?;
        if let Some(id) = params.optional_text("id")? {
            post = post.with_id(id)?;
        }
        post.deadline = match params.optional_number("deadline_ms")? {
            Some(ms) => Duration::from_millis(ms).min(DEADLINE_MAX),
            None => DEADLINE,
        };
        let posted = self.client.post(post);
        Ok(async move { Ok(forms::posted(&posted.await?).into()) })
    }

    pub(super) async fn run(&self, request: &Request) -> Result<Answer, Failed> {
        let params = Params(&request.params);
        let client = &self.client;
        Ok(match request.method.as_str() {
            "register" => {
                let user = client.register(params.text("user")?, params.text("password")?).await?;
                json!({"user": user.as_str()}).into()
            }
            "login" => {
                let user = client.login(params.text("user")?, params.text("password")?).await?;
                json!({"user": user.as_str()}).into()
            }
            "logout" => {
                client.logout().await?;
                self.forget_all();
                json!({}).into()
            }
            "whoami" => {
                let account = client.whoami().await?;
                json!({
                    "user": account.user.as_str(),
                    "device": account.device.to_string(),
                    "registered_at": forms::time(account.registered_at),
                })
                .into()
            }
            "room.create" => {
                let (room, topic) = (
                    params.room_name()?,
                    parse_topic(params.optional_text("topic")?.unwrap_or(""))?,
                );
                client.create_room(&room, params.flag("private")?, topic).await?;
                json!({"room": room.as_str()}).into()
            }
            "room.join" => {
                let room = params.room_name()?;
                client.join(&room).await?;
                json!({"room": room.as_str()}).into()
            }
            "room.leave" => {
                let room = params.room_name()?;
                client.leave(&room).await?;
                json!({"room": room.as_str()}).into()
            }
            "room.topic" => {
                let topic = parse_topic(params.text("topic")?)?;
                let seq = client.set_topic(&params.room_name()?, topic).await?;
                json!({"seq": seq.0}).into()
            }
            "room.members" => {
                let rows = client.members(&params.room()?).await?;
                json!({"members": rows.iter().map(forms::member).collect::<Vec<_>>()}).into()
            }
            "room.info" => forms::room(&client.room(&params.room()?).await?).into(),
            "room.list" => {
                let rows = client.rooms(params.flag("all")?).await?;
                json!({"rooms": rows.iter().map(forms::room).collect::<Vec<_>>()}).into()
            }
            "post" => self.post(&request.params)?.await?,
            "history" => self.history(&params).await?,
            "subscribe" => self.subscribe(&params).await?,
            "unsubscribe" => self.unsubscribe(&params).await?,
            "read" => {
                let upto = params.seq("upto")?.ok_or_else(|| missing("upto"))?;
                let upto = client.mark_read(&params.room()?, upto).await?;
                json!({"last_read": upto.0}).into()
            }
            "unread" => {
                let rows = client.unread().await?;
                json!({"rooms": rows.iter().map(forms::unread).collect::<Vec<_>>()}).into()
            }
            "status" => self.status().await.into(),
            _ => return Err(Failed::Method),
        })
    }

    async fn history(&self, params: &Params<'_>) -> Result<Answer, Failed> {
        let range = match (params.seq("after")?, params.seq("before")?) {
            (Some(_), Some(_)) => return Err(Failed::Params("after or before, not both".to_owned())),
            (Some(seq), None) => Range::After(seq),
            (None, Some(seq)) => Range::Before(seq),
            (None, None) => Range::Newest,
        };
        let limit = params.optional_number("limit")?.unwrap_or(LIMIT).min(LIMIT_MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let linearizable = params.flag("linearizable")?;
        let history = self.client.history(&params.room()?, range, limit, linearizable).await?;
        Ok(json!({
            "room": history.room.as_str(),
            "events": history.events.iter().map(forms::event).collect::<Vec<_>>(),
            "first_seq": history.first.0,
            "last_seq": history.last.0,
        })
        .into())
    }

    async fn subscribe(&self, params: &Params<'_>) -> Result<Answer, Failed> {
        let subscription = self.client.subscribe(&params.room()?, params.seq("from_seq")?).await?;
        let result = json!({"room": subscription.room().as_str(), "last_seq": subscription.last().0});
        let methods = self.clone();
        Ok(Answer {
            result,
            after: Some(Box::new(move || methods.follow(subscription))),
        })
    }

    /// A room that is subscribed again is followed from where the new subscription says.
    fn follow(&self, mut subscription: Subscription) {
        let room = subscription.room().clone();
        let out = self.out.clone();
        let task = tokio::spawn(async move {
            while let Some(update) = subscription.next().await {
                let room = subscription.room().as_str();
                match update {
                    Ok(Update::Event(event)) => out.notify("event", forms::event(&event)).await,
                    Ok(Update::Lagged { from }) => {
                        out.notify("lagged", json!({"room": room, "from_seq": from.0})).await;
                    }
                    Ok(Update::Truncated { first }) => {
                        out.notify("truncated", json!({"room": room, "first_seq": first.0}))
                            .await;
                    }
                    Err(error) => {
                        let params = json!({"room": room, "code": error.code()});
                        out.notify("unsubscribed", params).await;
                    }
                }
            }
        });
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|_, task| !task.is_finished());
        if let Some(before) = followed.insert(room, task) {
            before.abort();
        }
    }

    async fn unsubscribe(&self, params: &Params<'_>) -> Result<Answer, Failed> {
        let room = match params.room()? {
            RoomRef::Name(room) => room,
            RoomRef::Direct(user) => match self.client.user() {
                Some(own) => RoomName::direct(&own, &user),
                None => return Ok(json!({}).into()),
            },
        };
        let task = self
            .followed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&room);
        if let Some(task) = task {
            task.abort();
            // After the answer no event comes.
            let _ = task.await;
        }
        Ok(json!({}).into())
    }

    fn forget_all(&self) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.drain().for_each(|(_, task)| task.abort());
    }

    /// Answers at once, connected or not.
    async fn status(&self) -> Value {
        let connection = self.client.connection();
        let session = self.client.connected(Duration::ZERO).await.ok();
        json!({
            "node": connection.node.map(|node| node.0),
            "leader": self.client.leader().map(|leader| leader.0),
            "rtt_ms": session.map(|session| session.rtt.as_secs_f64() * 1000.0),
            "state": connection.state.as_str(),
            "user": self.client.user().map(|user| user.to_string()),
        })
    }
}

fn missing(name: &str) -> Failed {
    Failed::Params(format!("{name} is missing"))
}

fn bad_name(error: &impl std::fmt::Display) -> Failed {
    Failed::Request(RequestError::Refused {
        code: "bad-name".to_owned(),
        message: error.to_string(),
    })
}

fn parse_topic(text: &str) -> Result<Topic, Failed> {
    Topic::parse(text).map_err(|error| {
        Failed::Request(RequestError::Refused {
            code: "bad-topic".to_owned(),
            message: error.to_string(),
        })
    })
}

/// Parameters by name. What is null counts as absent.
struct Params<'a>(&'a Map<String, Value>);

impl<'a> Params<'a> {
    fn optional(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Failed> {
        let text = |value: &'a Value| {
            value
                .as_str()
                .ok_or_else(|| Failed::Params(format!("{name} must be a string")))
        };
        self.optional(name).map(text).transpose()
    }

    fn text(&self, name: &str) -> Result<&'a str, Failed> {
        self.optional_text(name)?.ok_or_else(|| missing(name))
    }

    fn optional_number(&self, name: &str) -> Result<Option<u64>, Failed> {
        let number = |value: &Value| {
            let wrong = || Failed::Params(format!("{name} must be a number, not negative and without a fraction"));
            value.as_u64().ok_or_else(wrong)
        };
        self.optional(name).map(number).transpose()
    }

    fn seq(&self, name: &str) -> Result<Option<Seq>, Failed> {
        Ok(self.optional_number(name)?.map(Seq))
    }

    fn flag(&self, name: &str) -> Result<bool, Failed> {
        let flag = |value: &Value| {
            value
                .as_bool()
                .ok_or_else(|| Failed::Params(format!("{name} must be true or false")))
        };
        Ok(self.optional(name).map(flag).transpose()?.unwrap_or(false))
    }

    fn room_name(&self) -> Result<RoomName, Failed> {
        RoomName::parse(self.text("room")?).map_err(|error| bad_name(&error))
    }

    /// `room`, or `user` for the direct room with them.
    fn room(&self) -> Result<RoomRef, Failed> {
        match (self.optional_text("room")?, self.optional_text("user")?) {
            (Some(room), None) => RoomName::parse(room)
                .map(RoomRef::Name)
                .map_err(|error| bad_name(&error)),
            (None, Some(user)) => UserName::parse(user)
                .map(RoomRef::Direct)
                .map_err(|error| bad_name(&error)),
            _ => Err(Failed::Params("room or user, one of them".to_owned())),
        }
    }
}
