//! Rooms that are followed, and the connection.

use std::sync::PoisonError;
use std::time::Duration;

use quorate_client::{RoomName, RoomRef, Seq, Subscription, Update};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{Answer, Failed, Methods, Out, Params};
use crate::json as forms;

/// A room that is followed: events are told until it is stopped.
pub(super) struct Following {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Option<Feed>>,
}

impl Following {
    /// The feed where it stands, unless it has ended. No event is told after this.
    async fn stop(self) -> Option<Feed> {
        drop(self.stop);
        self.task.await.ok().flatten()
    }

    pub(super) fn abort(&self) {
        self.task.abort();
    }
}

/// What is left to be told of a room.
struct Feed {
    subscription: Subscription,
    /// The seq of the next event.
    next: Seq,
}

impl Feed {
    /// Tells, until it is stopped or the room can be followed no longer.
    async fn tell(mut self, out: &Out, mut stopped: oneshot::Receiver<()>) -> Option<Self> {
        loop {
            let update = tokio::select! {
                biased;
                _ = &mut stopped => return Some(self),
                update = self.subscription.next() => update?,
            };
            let room = self.subscription.room().as_str();
            match update {
                Ok(Update::Event(event)) => {
                    out.notify("event", forms::event(&event)).await;
                    self.next = event.seq.next();
                }
                Ok(Update::Lagged { from }) => {
                    out.notify("lagged", json!({"room": room, "from_seq": from.0})).await;
                }
                Ok(Update::Truncated { first }) => {
                    out.notify("truncated", json!({"room": room, "first_seq": first.0}))
                        .await;
                    self.next = self.next.max(first);
                }
                Err(error) => {
                    let params = json!({"room": room, "code": error.code()});
                    out.notify("unsubscribed", params).await;
                    return None;
                }
            }
        }
    }
}

impl Methods {
    /// A room that is followed already goes on where it stands, unless the request says from where; refused, it goes on as before.
    pub(super) async fn subscribe(&self, params: &Params<'_>) -> Result<Answer, Failed> {
        let (room, from) = (params.room()?, params.optional_seq("from_seq")?);
        let before = match self.unfollow(&room) {
            Some(following) => following.stop().await,
            None => None,
        };
        let from = from.or(before.as_ref().map(|feed| feed.next));
        let subscription = match self.client.subscribe(&room, from).await {
            Ok(subscription) => subscription,
            Err(error) => {
                if let Some(before) = before {
                    self.follow(before);
                }
                return Err(error.into());
            }
        };
        let result = json!({"room": subscription.room().as_str(), "last_seq": subscription.last().0});
        let next = from.unwrap_or(subscription.last().next());
        let feed = Feed { subscription, next };
        let methods = self.clone();
        Ok(Answer {
            result,
            after: Some(Box::new(move || methods.follow(feed))),
        })
    }

    fn follow(&self, feed: Feed) {
        let room = feed.subscription.room().clone();
        let out = self.out.clone();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move { feed.tell(&out, stopped).await });
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.retain(|_, following| !following.task.is_finished());
        if let Some(before) = followed.insert(room, Following { stop, task }) {
            before.abort();
        }
    }

    fn unfollow(&self, room: &RoomRef) -> Option<Following> {
        let room = match room {
            RoomRef::Name(room) => room.clone(),
            RoomRef::Direct(user) => RoomName::direct(&self.client.user()?, user),
        };
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.remove(&room)
    }

    pub(super) async fn unsubscribe(&self, params: &Params<'_>) -> Result<Value, Failed> {
        if let Some(following) = self.unfollow(&params.room()?) {
            following.abort();
            // After the answer no event comes.
            let _ = following.stop().await;
        }
        Ok(json!({}))
    }

    /// For nobody is logged in any more.
    pub(super) fn forget_all(&self) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.drain().for_each(|(_, following)| following.abort());
    }

    /// Answers at once, connected or not.
    pub(super) async fn status(&self) -> Result<Value, Failed> {
        let connection = self.client.connection();
        let session = self.client.connected(Duration::ZERO).await.ok();
        Ok(json!({
            "node": connection.node.map(|node| node.0),
            "leader": self.client.leader().map(|leader| leader.0),
            "rtt_ms": session.map(|session| session.rtt.as_secs_f64() * 1000.0),
            "state": connection.state.as_str(),
            "user": self.client.user().map(|user| user.to_string()),
        }))
    }
}
