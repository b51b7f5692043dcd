//! What an action is to an outbox: its size, its key, and what becomes of it when its process dies.

use quorate_core::{
    Action, BanUser, CreateRoom, EditMessage, KickUser, MarkRead, MessageId, MuteUser, PostMessage, RedactMessage,
    RoomName, RoomRef, Seq, SetTopic,
};

/// What an entry costs beside its text, in bytes: names of rooms and users of any script, keys, numbers.
const ENTRY_OVERHEAD_BYTES: usize = 512;

/// A request that changes nothing, whatever it is applied to.
pub(super) fn blank() -> Action {
    Action::MarkRead(MarkRead {
        room: RoomRef::Name(RoomName::parse("blank").expect("this is a name")),
        upto: Seq(0),
    })
}

/// Whether the next process does it for one that died: what somebody wrote is not to be lost.
pub(super) fn is_finished_later(action: &Action) -> bool {
    matches!(
        action,
        Action::PostMessage(_) | Action::EditMessage(_) | Action::RedactMessage(_) | Action::React(_)
    )
}

pub(super) fn message_id(action: &Action) -> Option<&MessageId> {
    match action {
        Action::PostMessage(post) => Some(&post.id),
        _ => None,
    }
}

pub(super) fn size_of(action: &Action) -> usize {
    let text = match action {
        Action::PostMessage(PostMessage { body, .. }) | Action::EditMessage(EditMessage { body, .. }) => {
            body.as_str().len()
        }
        Action::CreateRoom(CreateRoom { topic, .. }) | Action::SetTopic(SetTopic { topic, .. }) => topic.as_str().len(),
        Action::RedactMessage(RedactMessage { reason, .. })
        | Action::KickUser(KickUser { reason, .. })
        | Action::BanUser(BanUser { reason, .. })
        | Action::MuteUser(MuteUser { reason, .. }) => reason.as_ref().map_or(0, |reason| reason.as_str().len()),
        _ => 0,
    };
    ENTRY_OVERHEAD_BYTES + text
}
