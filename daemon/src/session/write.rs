//! Writers, their submissions, and the way of every command into the log.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use quorate_core::{
    Action, Command, CreateRoom, Emoji, GrantWriter, LogIndex, Origin, PostMessage, React, RoomName, Submission,
};
use quorate_protocol::Frame;
use quorate_protocol::client::{Answer, Called, Failure, Grant, Submit};
use quorate_protocol::relay::End;
use tokio::time::Instant;

use super::line;
use super::reply::{self, bad_name, refused};
use super::request::{Asker, Handled, parse};
use super::serve::{Finished, Pending};
use super::services::Services;

/// How long a write may wait for a leader and a majority before it is told that its end is unknown.
const WRITE_DEADLINE: Duration = Duration::from_secs(8);
/// How long an applied write's own node may take to apply it too.
const CATCH_UP_DEADLINE: Duration = Duration::from_secs(2);

pub(super) fn grant(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, .. } = parse::<Grant>(frame, asker.seen)?;
    let user = asker.user(call)?;
    if !asker.services.limits.may_write(user) {
        return Err(asker.rate_limited(call));
    }
    let command = Command::GrantWriter(GrantWriter { device: asker.device });
    Ok(Handled::Later(propose(asker, call, &command)))
}

pub(super) fn submit(asker: &Asker<'_>, frame: &Frame) -> Result<Handled, Handled> {
    let Called { call, body } = parse::<Submit>(frame, asker.seen)?;
    let user = asker.user(call)?;
    let limits = &asker.services.limits;
    let may = match body.action {
        Action::PostMessage(_) => limits.may_post(user),
        _ => limits.may_write(user),
    };
    if !may {
        return Err(asker.rate_limited(call));
    }
    let action = completed(body.action).map_err(|failure| asker.refuse(call, failure))?;
    let origin = Origin {
        device: asker.device,
        writer: body.writer,
        request: body.request,
    };
    let is_post = matches!(action, Action::PostMessage(_));
    let command = Command::Submit(Submission { origin, action });
    let pending = propose(asker, call, &command);
    Ok(Handled::Later(if is_post {
        timed(asker.services, pending)
    } else {
        pending
    }))
}

/// What has to be found out before the log, since it reads Unicode's tables: done here, whatever the
/// client says. Of all names in actions, only that of a new room becomes anything's name: the others
/// are looked up.
fn completed(action: Action) -> Result<Action, Failure> {
    line::check_action(&action)?;
    Ok(match action {
        Action::PostMessage(post) => {
            let (mentions, calls_room) = post.body.mentions();
            Action::PostMessage(PostMessage {
                mentions,
                calls_room,
                ..post
            })
        }
        Action::CreateRoom(create) => {
            let name = RoomName::parse(create.name.as_str()).map_err(|error| bad_name(&error))?;
            Action::CreateRoom(CreateRoom { name, ..create })
        }
        Action::React(react) => {
            let emoji = Emoji::parse(react.emoji.as_str()).map_err(|error| refused("bad-emoji", error))?;
            Action::React(React { emoji, ..react })
        }
        other => other,
    })
}

/// Proposes a command and replies with its end. The place in the relay's queue is taken now, so a
/// session's writes are proposed in the order in which they came.
fn propose(asker: &Asker<'_>, call: u64, command: &Command) -> Pending {
    let end = asker.services.relay.submit(command, Instant::now() + WRITE_DEADLINE);
    let pending = async move {
        let (result, seen) = reply::of_end(end.await);
        Finished::Reply {
            frame: reply::reply(call, result, seen.unwrap_or_default()),
            seen,
        }
    };
    pending.boxed()
}

/// Counts how long a post takes until the log has it; one that it never gets does not count.
fn timed(services: &Arc<Services>, pending: Pending) -> Pending {
    let (began, services) = (Instant::now(), Arc::clone(services));
    let pending = async move {
        let finished = pending.await;
        if matches!(finished, Finished::Reply { seen: Some(_), .. }) {
            services.counters.post_commit.count(began.elapsed());
        }
        finished
    };
    pending.boxed()
}

/// Proposes a command, and waits until this node has applied it too: what comes next must not find
/// the state as it was before. When this node is too far behind, the client finds it done at the next.
pub(super) async fn put_through(services: &Services, command: &Command) -> End {
    let end = services.relay.submit(command, Instant::now() + WRITE_DEADLINE).await;
    if let End::Applied { index, .. } = end {
        let deadline = Instant::now() + CATCH_UP_DEADLINE;
        let _ = services.reader.wait_applied(index, deadline).await;
    }
    end
}

/// What a command came to that had to be made first.
pub(super) type Made = Result<(Result<Answer, Failure>, Option<LogIndex>), Failure>;

/// Makes a command, puts it through and replies.
pub(super) fn make(
    services: &Arc<Services>,
    call: u64,
    command: impl Future<Output = Result<Command, Failure>> + Send + 'static,
) -> impl Future<Output = (Frame, Option<LogIndex>, Told)> + Send + 'static {
    let services = Arc::clone(services);
    let run = async move { Ok(reply::of_end(put_through(&services, &command.await?).await)) };
    told(call, run)
}

/// Whether something has changed, as far as this node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It surely has, or may have.
    Done,
    /// It surely has not.
    NotDone,
}

/// The reply to what a command came to.
pub(super) async fn told(call: u64, run: impl Future<Output = Made>) -> (Frame, Option<LogIndex>, Told) {
    let (result, seen) = run.await.unwrap_or_else(|failure| (Err(failure), None));
    let told = match result {
        Ok(_) | Err(Failure::Unknown) => Told::Done,
        Err(_) => Told::NotDone,
    };
    (reply::reply(call, result, seen.unwrap_or_default()), seen, told)
}

/// The pending reply to what leaves it alone whom the device speaks for.
pub(super) fn later(told: impl Future<Output = (Frame, Option<LogIndex>, Told)> + Send + 'static) -> Handled {
    let pending = async move {
        let (frame, seen, _) = told.await;
        Finished::Reply { frame, seen }
    };
    Handled::Later(pending.boxed())
}

/// The pending reply to what changes whom the device speaks for.
pub(super) fn changing(told: impl Future<Output = (Frame, Option<LogIndex>, Told)> + Send + 'static) -> Handled {
    let pending = async move {
        let (frame, seen, told) = told.await;
        Finished::Changed { frame, seen, told }
    };
    Handled::Changing(pending.boxed())
}

#[cfg(test)]
mod tests {
    use quorate_core::{Body, MessageId, RoomRef, Seq, Topic, UserName};

    use super::*;

    fn name(text: &str) -> UserName {
        UserName::parse(text).unwrap()
    }

    #[test]
    fn mentions_are_read_from_the_text_whatever_the_client_says() {
        let post = PostMessage {
            room: RoomRef::Direct(name("bob")),
            id: MessageId::parse("k").unwrap(),
            body: Body::parse("@ada and @room").unwrap(),
            reply_to: None,
            mentions: vec![name("eve"); 1000],
            calls_room: false,
        };
        let Ok(Action::PostMessage(post)) = completed(Action::PostMessage(post)) else {
            panic!("it is still a post");
        };
        assert_eq!((post.mentions, post.calls_room), (vec![name("ada")], true));
    }

    #[test]
    fn a_room_is_made_under_a_name_that_meets_the_strict_rule() {
        let create = |text: &str| {
            completed(Action::CreateRoom(CreateRoom {
                // What a client sends is read by the rule for what was kept.
                name: RoomName::try_from(text.to_owned()).unwrap(),
                private: false,
                topic: Topic::default(),
            }))
        };
        assert!(matches!(create("ops"), Ok(Action::CreateRoom(made)) if made.name.as_str() == "ops"));
        assert!(matches!(create("ÄÖ"), Ok(Action::CreateRoom(made)) if made.name.as_str() == "äö"));
        let mixed = create("оps");
        assert!(matches!(mixed, Err(Failure::Refused { code, .. }) if code == "bad-name"));
    }

    #[test]
    fn an_emoji_meets_the_strict_rule() {
        let react = |text: &str| {
            completed(Action::React(React {
                room: RoomRef::Direct(name("bob")),
                seq: Seq(1),
                // What a client sends is read by the rule for what was kept.
                emoji: Emoji::try_from(text.to_owned()).unwrap(),
                remove: false,
            }))
        };
        assert!(react("+1").is_ok());
        let blank = react("\u{3000}");
        assert!(matches!(blank, Err(Failure::Refused { code, .. }) if code == "bad-emoji"));
    }

    #[test]
    fn a_topic_that_reorders_what_is_shown_never_comes_to_the_log() {
        let set = completed(Action::SetTopic(quorate_core::SetTopic {
            room: RoomName::parse("ops").unwrap(),
            topic: Topic::parse("\u{202e}gnp").unwrap(),
        }));
        assert!(matches!(set, Err(Failure::Refused { code, .. }) if code == "bad-topic"));
    }
}
