//! Messages, histories, marks.

use quorate_client::{FoundPage, Page, Post, Range, SearchAsk};
use serde_json::{Value, json};

use super::{Failed, Methods, Params, UnderWay, list, rows};
use crate::json as forms;

impl Methods {
    pub(super) fn post(&self, params: &Params<'_>) -> Result<UnderWay, Failed> {
        let room = params.room()?;
        let mut post = Post::new(room, params.text("body")?)?;
        post.reply_to = params.optional_seq("reply_to")?;
        if let Some(id) = params.optional_text("id")? {
            post = post.with_id(id)?;
        }
        post.deadline = params.deadline()?;
        let posted = self.client.post(post);
        Ok(Box::pin(async move { Ok(forms::posted(&posted.await?).into()) }))
    }

    pub(super) fn edit(&self, params: &Params<'_>) -> Result<UnderWay, Failed> {
        let (room, target) = (params.room()?, params.seq("seq")?);
        let edited = self.client.edit(&room, target, params.body(&room)?);
        Ok(Box::pin(async move {
            Ok(json!({"target": target.0, "seq": edited.await?.0}).into())
        }))
    }

    pub(super) fn delete(&self, params: &Params<'_>) -> Result<UnderWay, Failed> {
        let (room, target) = (params.room()?, params.seq("seq")?);
        let deleted = self.client.redact(&room, target, params.reason()?);
        Ok(Box::pin(async move {
            Ok(json!({"target": target.0, "seq": deleted.await?.map(|seq| seq.0)}).into())
        }))
    }

    pub(super) fn react(&self, params: &Params<'_>) -> Result<UnderWay, Failed> {
        let (room, target) = (params.room()?, params.seq("seq")?);
        let reacted = self
            .client
            .react(&room, target, params.emoji()?, params.flag("remove")?);
        Ok(Box::pin(async move {
            Ok(json!({"target": target.0, "seq": reacted.await?.map(|seq| seq.0)}).into())
        }))
    }

    pub(super) async fn history(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let range = match (params.optional_seq("after")?, params.optional_seq("before")?) {
            (Some(_), Some(_)) => return Err(Failed::Params("after or before, not both".to_owned())),
            (Some(seq), None) => Range::After(seq),
            (None, Some(seq)) => Range::Before(seq),
            (None, None) => Range::Newest,
        };
        let (limit, linearizable) = (usize::from(params.limit()?), params.flag("linearizable")?);
        let history = self.client.history(&params.room()?, range, limit, linearizable).await?;
        Ok(json!({
            "room": history.room.as_str(),
            "events": history.events.iter().map(forms::event).collect::<Vec<_>>(),
            "first_seq": history.first.0,
            "last_seq": history.last.0,
        }))
    }

    pub(super) async fn revisions(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let events = self.client.revisions(&params.room()?, params.seq("seq")?).await?;
        Ok(rows("events", events.iter().map(forms::event), None))
    }

    pub(super) async fn search(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let ask = SearchAsk {
            words: params.text("words")?.to_owned(),
            room: params.optional_room()?,
            from: params.optional_user("from")?,
            since: params.moment("since")?,
            until: params.moment("until")?,
            before: params.optional_text("before")?.map(str::to_owned),
            limit: params.limit()?.max(1),
        };
        Ok(found(&self.client.search(ask).await?))
    }

    pub(super) async fn mentions(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (unread, before) = (params.flag("unread")?, params.optional_text("before")?);
        Ok(found(
            &self.client.mentions(unread, before, params.limit()?.max(1)).await?,
        ))
    }

    pub(super) async fn read(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let (room, upto) = (params.room()?, params.seq("upto")?);
        let upto = self.client.mark_read(&room, upto).await?;
        Ok(json!({"last_read": upto.0}))
    }

    /// All of them, unless a page is asked for.
    pub(super) async fn unread(&self, params: &Params<'_>) -> Result<Value, Failed> {
        let page = match params.has("limit") || params.has("after") {
            true => {
                let page = params.page()?;
                self.client.unread_page(page.after, page.limit).await?
            }
            false => Page {
                rows: self.client.unread().await?,
                next: None,
            },
        };
        Ok(list("rooms", &page, forms::unread))
    }

    /// Told on and forgotten: nobody waits for an answer.
    pub(super) async fn typing(&self, params: &Params<'_>) -> Result<Value, Failed> {
        self.client.typing(&params.room()?);
        Ok(json!({}))
    }
}

fn found(page: &FoundPage) -> Value {
    rows("events", page.events.iter().map(forms::event), page.next.as_deref())
}
