//! Rooms that are followed, and the connection.

use std::sync::PoisonError;
use std::time::Duration;

use quorate_client::{RoomName, RoomRef, Subscription, Update};
use serde_json::{Value, json};

use super::{Answer, Failed, Methods, Params};
use crate::json as forms;

impl Methods {
    pub(super) async fn subscribe(&self, params: &Params<'_>) -> Result<Answer, Failed> {
        let (room, from) = (params.room()?, params.optional_seq("from_seq")?);
        let subscription = self.client.subscribe(&room, from).await?;
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

    pub(super) async fn unsubscribe(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let room = match params.room()? {
            RoomRef::Name(room) => room,
            RoomRef::Direct(user) => match self.client.user() {
                Some(own) => RoomName::direct(&own, &user),
                None => return Ok(json!({})),
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
        Ok(json!({}))
    }

    /// For nobody is logged in any more.
    pub(super) fn forget_all(&self) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.drain().for_each(|(_, task)| task.abort());
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
