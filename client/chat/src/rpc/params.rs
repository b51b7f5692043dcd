//! Parameters by name. What is null counts as absent.

use std::fmt::Display;
use std::time::Duration;

use clap::ValueEnum;
use quorate_client::{
    Body, DEADLINE, Emoji, Post, Reason, RequestError, Role, RoomName, RoomRef, Seq, Span, Timestamp, Topic, UserName,
};
use serde_json::{Map, Value};

use super::parse::Failed;
use crate::cli::{Limit, RoleArg, parse_age};
use crate::{target, time};

/// Rows or events in one answer.
pub(super) const LIMIT_MAX: u16 = 500;
/// Events in one answer, without a limit.
const LIMIT: u16 = 50;
/// No caller waits longer for a message.
const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) struct Params<'a>(pub(super) &'a Map<String, Value>);

/// Which part of a list.
pub(super) struct Page<'a> {
    pub(super) after: Option<&'a str>,
    pub(super) limit: u16,
}

impl<'a> Params<'a> {
    fn optional(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.optional(name).is_some()
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&'a str>, Failed> {
        let text = |value: &'a Value| {
            value
                .as_str()
                .ok_or_else(|| Failed::Params(format!("{name} must be a string")))
        };
        self.optional(name).map(text).transpose()
    }

    pub(super) fn text(&self, name: &str) -> Result<&'a str, Failed> {
        self.optional_text(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn optional_number(&self, name: &str) -> Result<Option<u64>, Failed> {
        let number = |value: &Value| {
            let wrong = || Failed::Params(format!("{name} must be a number, not negative and without a fraction"));
            value.as_u64().ok_or_else(wrong)
        };
        self.optional(name).map(number).transpose()
    }

    pub(super) fn optional_seq(&self, name: &str) -> Result<Option<Seq>, Failed> {
        Ok(self.optional_number(name)?.map(Seq))
    }

    pub(super) fn seq(&self, name: &str) -> Result<Seq, Failed> {
        self.optional_seq(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn optional_flag(&self, name: &str) -> Result<Option<bool>, Failed> {
        let flag = |value: &Value| {
            value
                .as_bool()
                .ok_or_else(|| Failed::Params(format!("{name} must be true or false")))
        };
        self.optional(name).map(flag).transpose()
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Failed> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// Events in an answer: more than there may be is as many as there may be.
    pub(super) fn limit(&self) -> Result<u16, Failed> {
        let limit = self.optional_number("limit")?.unwrap_or(LIMIT.into());
        Ok(u16::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX))
    }

    /// Rows in an answer: as many as there may be, unless fewer are asked for.
    pub(super) fn page(&self) -> Result<Page<'a>, Failed> {
        let limit = self.optional_number("limit")?.unwrap_or(LIMIT_MAX.into());
        if limit == 0 {
            return Err(Failed::Params("limit must be 1 or more".to_owned()));
        }
        Ok(Page {
            after: self.optional_text("after")?,
            limit: u16::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX),
        })
    }

    /// How long to wait.
    pub(super) fn deadline(&self) -> Result<Duration, Failed> {
        Ok(match self.optional_number("deadline_ms")? {
            Some(ms) => Duration::from_millis(ms).min(DEADLINE_MAX),
            None => DEADLINE,
        })
    }

    pub(super) fn room_name(&self) -> Result<RoomName, Failed> {
        RoomName::parse(self.text("room")?).map_err(|error| refused("bad-name", &error))
    }

    pub(super) fn user_name(&self) -> Result<UserName, Failed> {
        self.optional_user("user")?.ok_or_else(|| missing("user"))
    }

    pub(super) fn optional_user(&self, name: &str) -> Result<Option<UserName>, Failed> {
        let user = |text| target::parse_user(text).map_err(|error| refused("bad-name", &error));
        self.optional_text(name)?.map(user).transpose()
    }

    /// `room`, or `user` for the direct room with them.
    pub(super) fn room(&self) -> Result<RoomRef, Failed> {
        self.optional_room()?
            .ok_or_else(|| Failed::Params("room or user, one of them".to_owned()))
    }

    pub(super) fn optional_room(&self) -> Result<Option<RoomRef>, Failed> {
        match (self.optional_text("room")?, self.optional_text("user")?) {
            (Some(room), None) => match target::parse_room(room) {
                Ok(room) => Ok(Some(room)),
                Err(error) => Err(refused("bad-name", &error)),
            },
            (None, Some(user)) => match target::parse_user(user) {
                Ok(user) => Ok(Some(RoomRef::Direct(user))),
                Err(error) => Err(refused("bad-name", &error)),
            },
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(Failed::Params("room or user, not both".to_owned())),
        }
    }

    pub(super) fn topic(&self, text: &str) -> Result<Topic, Failed> {
        Topic::parse(text).map_err(|error| refused("bad-topic", &error))
    }

    /// Refused for the same reasons and with the same codes as one that is posted.
    pub(super) fn body(&self, room: &RoomRef) -> Result<Body, Failed> {
        Ok(Post::new(room.clone(), self.text("body")?).map(|post| post.body)?)
    }

    pub(super) fn emoji(&self) -> Result<Emoji, Failed> {
        Emoji::parse(self.text("emoji")?).map_err(|error| refused("bad-emoji", &error))
    }

    pub(super) fn reason(&self) -> Result<Option<Reason>, Failed> {
        let reason = |text| Reason::parse(text).map_err(|error| refused("bad-reason", &error));
        self.optional_text("reason")?.map(reason).transpose()
    }

    pub(super) fn role(&self) -> Result<Role, Failed> {
        let role = RoleArg::from_str(self.text("role")?, false);
        let wrong = |_| Failed::Params("role must be owner, moderator, member or read-only".to_owned());
        role.map(Role::from).map_err(wrong)
    }

    /// A duration as flags have it: `24h`.
    pub(super) fn lasting(&self) -> Result<Option<Span>, Failed> {
        let span = |text| time::parse_span(text).map_err(|error| Failed::Params(format!("for: {error}")));
        self.optional_text("for")?.map(span).transpose()
    }

    /// A time: RFC 3339, or a duration ago.
    pub(super) fn moment(&self, name: &str) -> Result<Option<Timestamp>, Failed> {
        let moment = |text| time::parse_moment(text).map_err(|error| Failed::Params(format!("{name}: {error}")));
        self.optional_text(name)?.map(moment).transpose()
    }

    /// A duration, or `off`.
    pub(super) fn max_age(&self) -> Result<Option<Limit<Span>>, Failed> {
        let age = |text| parse_age(text).map_err(|error| Failed::Params(format!("max_age: {error}, or off")));
        self.optional_text("max_age")?.map(age).transpose()
    }

    /// A number, or `off`.
    pub(super) fn max_count(&self) -> Result<Option<Limit<u64>>, Failed> {
        match self.optional("max_count") {
            None => Ok(None),
            Some(value) if value == "off" => Ok(Some(Limit::Off)),
            Some(value) => match value.as_u64() {
                Some(count) => Ok(Some(Limit::To(count))),
                None => Err(Failed::Params("max_count must be a number or off".to_owned())),
            },
        }
    }
}

fn missing(name: &str) -> Failed {
    Failed::Params(format!("{name} is missing"))
}

fn refused(code: &str, error: &impl Display) -> Failed {
    Failed::Request(RequestError::Refused {
        code: code.to_owned(),
        message: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with<T>(params: Value, read: impl FnOnce(Params<'_>) -> T) -> T {
        read(Params(params.as_object().unwrap()))
    }

    fn code_of<T>(result: Result<T, Failed>) -> String {
        match result.err().unwrap() {
            Failed::Method => "method".to_owned(),
            Failed::Params(_) => "params".to_owned(),
            Failed::Request(error) => error.code().to_owned(),
        }
    }

    #[test]
    fn a_limit_is_500_at_the_most_and_pages_hold_something() {
        assert_eq!(with(json!({}), |p| p.limit().unwrap()), 50);
        assert_eq!(with(json!({"limit": 7}), |p| p.limit().unwrap()), 7);
        assert_eq!(with(json!({"limit": 100_000}), |p| p.limit().unwrap()), 500);
        assert_eq!(with(json!({"limit": null}), |p| p.page().unwrap().limit), 500);
        assert_eq!(
            with(json!({"limit": 501, "after": "x"}), |p| p.page().unwrap().limit),
            500
        );
        assert_eq!(with(json!({"limit": 0}), |p| code_of(p.page())), "params");
        assert_eq!(with(json!({"limit": -1}), |p| code_of(p.page())), "params");
    }

    #[test]
    fn a_place_is_a_room_or_a_user() {
        let bob = RoomRef::Direct(UserName::parse("bob").unwrap());
        assert_eq!(with(json!({"user": "bob"}), |p| p.room().unwrap()), bob);
        assert_eq!(with(json!({"room": "@bob"}), |p| p.room().unwrap()), bob);
        assert_eq!(with(json!({}), |p| code_of(p.room())), "params");
        assert_eq!(with(json!({"room": "a", "user": "b"}), |p| code_of(p.room())), "params");
        assert_eq!(with(json!({"room": 7}), |p| code_of(p.room())), "params");
        assert_eq!(with(json!({"room": "a b"}), |p| code_of(p.room())), "bad-name");
    }

    #[test]
    fn what_does_not_parse_says_so_with_a_code() {
        assert_eq!(with(json!({"emoji": "a b"}), |p| code_of(p.emoji())), "bad-emoji");
        assert_eq!(with(json!({"reason": ""}), |p| code_of(p.reason())), "bad-reason");
        assert_eq!(with(json!({"role": "king"}), |p| code_of(p.role())), "params");
        assert_eq!(
            with(json!({"role": "read-only"}), |p| p.role().unwrap()),
            Role::ReadOnly
        );
        assert_eq!(with(json!({"for": "soon"}), |p| code_of(p.lasting())), "params");
        let room = RoomRef::Name(RoomName::parse("ops").unwrap());
        assert_eq!(with(json!({"body": ""}), |p| code_of(p.body(&room))), "empty");
    }

    #[test]
    fn bounds_are_set_lifted_or_left_alone() {
        assert_eq!(with(json!({}), |p| p.max_age().unwrap()), None);
        assert_eq!(
            with(json!({"max_age": "off"}), |p| p.max_age().unwrap()),
            Some(Limit::Off)
        );
        assert_eq!(
            with(json!({"max_age": "1d"}), |p| p.max_age().unwrap()),
            Some(Limit::To(Span(86_400_000)))
        );
        assert_eq!(
            with(json!({"max_count": 5}), |p| p.max_count().unwrap()),
            Some(Limit::To(5))
        );
        assert_eq!(
            with(json!({"max_count": "off"}), |p| p.max_count().unwrap()),
            Some(Limit::Off)
        );
        assert_eq!(with(json!({"max_count": "5"}), |p| code_of(p.max_count())), "params");
    }
}
