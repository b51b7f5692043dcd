//! Rooms and who is in them.

use quorate_client::{RequestError, Retention, RoomName, RoomRef, Seq};
use serde_json::{Value, json};

use super::{Failed, Methods, Params, list, rows};
use crate::cli::Limit;
use crate::json as forms;

impl Methods {
    pub(super) async fn create_room(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let topic = params.topic(params.optional_text("topic")?.unwrap_or(""))?;
        let (room, private) = (params.room_name()?, params.flag("private")?);
        self.client.create_room(&room, private, topic).await?;
        Ok(json!({"room": room.as_str()}))
    }

    pub(super) async fn join(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let room = params.room_name()?;
        self.client.join(&room).await?;
        Ok(json!({"room": room.as_str()}))
    }

    pub(super) async fn leave(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let room = params.room_name()?;
        self.client.leave(&room).await?;
        Ok(json!({"room": room.as_str()}))
    }

    pub(super) async fn set_topic(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, topic) = (params.room_name()?, params.topic(params.text("topic")?)?);
        let seq = self.client.set_topic(&room, topic).await?;
        Ok(json!({"room": room.as_str(), "seq": seq.0}))
    }

    pub(super) async fn members(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, page) = (params.room()?, params.page()?);
        let page = self.client.members_page(&room, page.after, page.limit).await?;
        Ok(list("members", &page, forms::member))
    }

    pub(super) async fn room(&self, params: &Params<'_>) -> Result<Value, Failed> {
        Ok(forms::room(&self.client.room(&params.room()?).await?))
    }

    pub(super) async fn rooms(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (all, page) = (params.flag("all")?, params.page()?);
        let page = self.client.rooms_page(all, page.after, page.limit).await?;
        Ok(list("rooms", &page, forms::room))
    }

    pub(super) async fn invite(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user) = (params.room_name()?, params.user_name()?);
        line(&room, self.client.invite(&room, &user).await)
    }

    pub(super) async fn kick(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user, reason) = (params.room_name()?, params.user_name()?, params.reason()?);
        line(&room, self.client.kick(&room, &user, reason).await)
    }

    pub(super) async fn ban(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user, reason) = (params.room_name()?, params.user_name()?, params.reason()?);
        line(&room, self.client.ban(&room, &user, params.lasting()?, reason).await)
    }

    pub(super) async fn unban(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user) = (params.room_name()?, params.user_name()?);
        line(&room, self.client.unban(&room, &user).await)
    }

    pub(super) async fn bans(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let bans = self.client.bans(&params.room_name()?).await?;
        Ok(rows("bans", bans.iter().map(forms::ban), None))
    }

    pub(super) async fn mute(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user, reason) = (params.room_name()?, params.user_name()?, params.reason()?);
        line(&room, self.client.mute(&room, &user, params.lasting()?, reason).await)
    }

    pub(super) async fn unmute(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user) = (params.room_name()?, params.user_name()?);
        line(&room, self.client.unmute(&room, &user).await)
    }

    pub(super) async fn set_role(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user, role) = (params.room_name()?, params.user_name()?, params.role()?);
        line(&room, self.client.set_role(&room, &user, role).await)
    }

    pub(super) async fn transfer(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, user) = (params.room_name()?, params.user_name()?);
        line(&room, self.client.transfer(&room, &user).await)
    }

    pub(super) async fn archive(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, archived) = (params.room_name()?, params.optional_flag("archived")?.unwrap_or(true));
        line(&room, self.client.archive(&room, archived).await)
    }

    pub(super) async fn delete_room(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let room = params.room_name()?;
        line(&room, self.client.delete_room(&room).await)
    }

    /// A bound that is absent stays as it is; with neither this only shows.
    pub(super) async fn retention(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let room = params.room_name()?;
        let (max_age, max_count) = (params.max_age()?, params.max_count()?);
        let before = self.client.room(&RoomRef::Name(room.clone())).await?.retention;
        let retention = Retention {
            age_max: max_age.map_or(before.age_max, Limit::bound),
            messages_max: max_count.map_or(before.messages_max, Limit::bound),
        };
        if retention != before {
            self.client.set_retention(&room, retention).await?;
        }
        Ok(json!({"room": room.as_str(), "retention": forms::retention(retention)}))
    }
}

/// The line that says so; null when it was so before, or the room is no more.
fn line(room: &RoomName, line: Result<Option<Seq>, RequestError>) -> Result<Value, Failed> {
    Ok(json!({"room": room.as_str(), "seq": line?.map(|seq| seq.0)}))
}
