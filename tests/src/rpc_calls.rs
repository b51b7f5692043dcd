//! The calls that most tests make, with names and types.

use serde_json::{Value, json};

use crate::{CALL_DEADLINE, Checker, Event, Pending, Rpc, RpcError, until};

/// How much of a history is asked for at once.
const PAGE: u64 = 500;

/// Where a post is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its position in the room.
    pub seq: u64,
    /// Its id.
    pub id: String,
}

/// A room's bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The oldest seq still kept.
    pub first_seq: u64,
    /// The last seq.
    pub last_seq: u64,
}

impl Rpc {
    /// Makes an account with the password `pw-USER` and logs in.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn register(&self, user: &str) {
        self.ask("register", &json!({"user": user, "password": password_of(user)}));
    }

    /// Logs in to an account made by [`Rpc::register`].
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn login(&self, user: &str) {
        self.ask("login", &json!({"user": user, "password": password_of(user)}));
    }

    /// Is this user from now on: goes on with a profile that is logged in, else registers.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn enter(&self, user: &str) {
        if self.call("whoami", &json!({})).is_err() {
            self.register(user);
        }
    }

    /// Is a user that is registered from now on: goes on with a profile that is logged in, else logs in.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn come_back(&self, user: &str) {
        if self.call("whoami", &json!({})).is_err() {
            self.login(user);
        }
    }

    /// Creates a room.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn create(&self, room: &str) {
        self.ask("room.create", &json!({"room": room}));
    }

    /// Joins a room.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn join(&self, room: &str) {
        self.ask("room.join", &json!({"room": room}));
    }

    /// Sends a post under this id.
    ///
    /// # Panics
    /// The program has ended.
    pub fn send_post(&self, room: &str, body: &str, id: &str) -> Pending {
        self.send("post", &json!({"room": room, "body": body, "id": id}))
    }

    /// Posts, and waits until it is acknowledged.
    ///
    /// # Errors
    /// It was not.
    ///
    /// # Panics
    /// There is no answer in time, or one of another shape.
    pub fn post(&self, room: &str, body: &str, id: &str) -> Result<Placed, RpcError> {
        self.call("post", &json!({"room": room, "body": body, "id": id}))
            .map(|result| Placed::read(&result))
    }

    /// Follows a room from this seq on, or from now on; answers the room's last seq.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn subscribe(&self, room: &str, from_seq: Option<u64>) -> u64 {
        let mut params = json!({"room": room});
        if let Some(from) = from_seq {
            params["from_seq"] = from.into();
        }
        let result = self.ask("subscribe", &params);
        result["last_seq"].as_u64().expect("subscribe answers the last seq")
    }

    /// The node to which it is connected, once it is to one.
    ///
    /// # Panics
    /// It is connected to none by [`CALL_DEADLINE`].
    #[must_use]
    pub fn node(&self) -> u64 {
        let connected = || self.ask("status", &json!({}))["node"].as_u64();
        until(
            &format!("{} is connected to a node", self.label()),
            CALL_DEADLINE,
            connected,
        )
    }

    /// All events of a room, from its first on, as of a moment after this call began, and its bounds.
    ///
    /// # Panics
    /// It is refused.
    #[must_use]
    #[track_caller]
    pub fn history(&self, room: &str) -> (Vec<Event>, Bounds) {
        let mut events: Vec<Event> = Vec::new();
        loop {
            let after = events.last().map_or(0, |event| event.seq);
            let params = json!({"room": room, "after": after, "limit": PAGE, "linearizable": true});
            let mut result = self.ask("history", &params);
            let page: Vec<Event> =
                serde_json::from_value(result["events"].take()).expect("events have the contract's shape");
            let bounds = Bounds {
                first_seq: number(&result, "first_seq"),
                last_seq: number(&result, "last_seq"),
            };
            let done = page
                .last()
                .is_none_or(|last| last.seq >= bounds.last_seq || last.seq <= after);
            events.extend(page);
            if done {
                return (events, bounds);
            }
        }
    }

    /// Tells the checker what this node's history says.
    ///
    /// # Panics
    /// The history cannot be had.
    #[track_caller]
    pub fn check_history(&self, checker: &Checker, room: &str) -> Bounds {
        let (events, bounds) = self.history(room);
        checker.saw_history(self.label(), room, events);
        bounds
    }
}

impl Placed {
    /// From the result of `post`.
    ///
    /// # Panics
    /// It has another shape.
    #[must_use]
    #[track_caller]
    pub fn read(result: &Value) -> Self {
        Self {
            seq: number(result, "seq"),
            id: result["id"]
                .as_str()
                .unwrap_or_else(|| panic!("a post has an id: {result}"))
                .to_owned(),
        }
    }
}

#[track_caller]
fn number(result: &Value, field: &str) -> u64 {
    result[field]
        .as_u64()
        .unwrap_or_else(|| panic!("{field} is a number: {result}"))
}

fn password_of(user: &str) -> String {
    format!("pw-{user}")
}
