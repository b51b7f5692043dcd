//! An event as a line for people.

use console::style;
use quorate_client::{Event, Reason, RoomEventKind, Seq, Timestamp};

use super::{plain, plain_line};
use crate::{json, time};

/// What begins a message that says what its author does.
const ACTION: &str = "/me ";

/// The line: when, where if wanted, its seq, who and what.
pub(crate) fn event(event: &Event, with_room: bool) -> String {
    let at = time::show_short(event.at);
    let room = match with_room {
        true => format!("{} ", event.room),
        false => String::new(),
    };
    format!("{at} {room}{:>5} {}", event.seq.0, what(event))
}

fn what(event: &Event) -> String {
    let author = style(&event.author).bold();
    match &event.kind {
        RoomEventKind::Message { body, reply_to, .. } => message(event, body.as_str(), *reply_to, ""),
        RoomEventKind::Revised { body, reply_to, .. } => message(event, body.as_str(), *reply_to, " (edited)"),
        RoomEventKind::Withdrawn { .. } => format!("<{author}> (deleted)"),
        RoomEventKind::Edited { target, body, .. } => {
            format!("* {author} edited {target}: {}", indented(body.as_str()))
        }
        RoomEventKind::EditWithdrawn { target } => format!("* {author} edited {target} (deleted)"),
        RoomEventKind::Redacted { target, reason } => {
            format!("* {author} deleted {}{}", target.seq, because(reason.as_ref()))
        }
        RoomEventKind::Reacted { target, emoji } => {
            format!("* {author} reacted to {target}: {}", plain(emoji.as_str()))
        }
        RoomEventKind::Unreacted { target, emoji } => {
            format!("* {author} took a reaction to {target} back: {}", plain(emoji.as_str()))
        }
        RoomEventKind::Joined => format!("* {author} joined"),
        RoomEventKind::Left => format!("* {author} left"),
        RoomEventKind::TopicSet { topic } => format!("* {author} set the topic: {}", plain_line(topic.as_str())),
        RoomEventKind::Invited { user_name, .. } => format!("* {author} invited {user_name}"),
        RoomEventKind::Kicked { user_name, reason, .. } => {
            format!("* {author} kicked {user_name}{}", because(reason.as_ref()))
        }
        RoomEventKind::Banned {
            user_name,
            until,
            reason,
            ..
        } => format!(
            "* {author} banned {user_name}{}{}",
            as_long(*until),
            because(reason.as_ref())
        ),
        RoomEventKind::Unbanned { user_name, .. } => format!("* {author} lifted the ban of {user_name}"),
        RoomEventKind::Muted {
            user_name,
            until,
            reason,
            ..
        } => format!(
            "* {author} muted {user_name}{}{}",
            as_long(*until),
            because(reason.as_ref())
        ),
        RoomEventKind::Unmuted { user_name, .. } => format!("* {author} lets {user_name} write again"),
        RoomEventKind::RoleSet { user_name, role, .. } => {
            format!("* {author} made {user_name} {}", json::role(*role))
        }
        RoomEventKind::Archived => format!("* {author} archived the room"),
        RoomEventKind::Unarchived => format!("* {author} opened the room again"),
    }
}

fn message(event: &Event, body: &str, reply_to: Option<Seq>, mark: &str) -> String {
    let author = style(&event.author).bold();
    let reply = reply_to.map(|seq| format!("(to {seq}) ")).unwrap_or_default();
    match body.strip_prefix(ACTION) {
        Some(action) => format!("* {reply}{author} {}{mark}", indented(action)),
        None => format!("<{author}> {reply}{}{mark}", indented(body)),
    }
}

/// Lines after the first stand apart from lines of others.
fn indented(body: &str) -> String {
    plain(body).replace('\n', "\n    ")
}

fn because(reason: Option<&Reason>) -> String {
    reason
        .map(|reason| format!(" ({})", plain_line(reason.as_str())))
        .unwrap_or_default()
}

fn as_long(until: Option<Timestamp>) -> String {
    until
        .filter(|until| time::is_in_calendar(*until))
        .map(|until| format!(" until {}", time::show_short(until)))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::fixture;

    fn told(kind: RoomEventKind) -> String {
        console::set_colors_enabled(false);
        let line = event(&fixture::event(kind), false);
        line.strip_prefix("2026-11-22 00:00:00     7 ").unwrap().to_owned()
    }

    #[test]
    fn a_line_says_when_where_and_who() {
        console::set_colors_enabled(false);
        let line = event(&fixture::event(RoomEventKind::Joined), true);
        assert_eq!(line, "2026-11-22 00:00:00 ops     7 * alice joined");
    }

    #[test]
    fn messages_are_shown_as_they_are_now() {
        assert_eq!(told(fixture::message("hi\nho", Some(3))), "<alice> (to 3) hi\n    ho");
        assert_eq!(told(fixture::message("/me waves", None)), "* alice waves");
        assert_eq!(told(fixture::message("/mean", None)), "<alice> /mean");
        assert_eq!(told(fixture::revised("ho")), "<alice> ho (edited)");
        assert_eq!(told(fixture::withdrawn()), "<alice> (deleted)");
    }

    #[test]
    fn what_is_done_to_a_message_names_its_seq() {
        assert_eq!(told(fixture::edited(3, "ho")), "* alice edited 3: ho");
        assert_eq!(told(fixture::redacted(3, Some("spam"))), "* alice deleted 3 (spam)");
        assert_eq!(told(fixture::reacted(3, "+")), "* alice reacted to 3: +");
        assert_eq!(told(fixture::unreacted(3, "+")), "* alice took a reaction to 3 back: +");
    }

    #[test]
    fn what_is_done_to_a_member_names_them() {
        assert_eq!(told(fixture::kicked()), "* alice kicked bob (spam)");
        assert_eq!(
            told(fixture::banned(true)),
            "* alice banned bob until 2026-11-23 00:00:00 (spam)"
        );
        assert_eq!(told(fixture::role_set()), "* alice made bob read-only");
    }

    #[test]
    fn bodies_cannot_move_the_cursor() {
        assert_eq!(told(fixture::message("a\u{202e}b", None)), "<alice> ab");
    }
}
