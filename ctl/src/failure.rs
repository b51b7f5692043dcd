//! How a command ends when it does not end well.

use std::process::ExitCode;

use quorate_adminapi::{ErrorBody, code};

/// Exit codes, the same for `chatctl` and `chat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    Error,
    Usage,
    NotFound,
    Permission,
    Unhealthy,
    /// No quorum, or no node within reach.
    NoQuorum,
    Refused,
    /// Perhaps done.
    Unknown,
    Interrupted,
    /// What a monitoring plug-in says: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
    Plugin(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Error => 1,
            Exit::Usage => 2,
            Exit::NotFound => 3,
            Exit::Permission => 4,
            Exit::Unhealthy => 5,
            Exit::NoQuorum => 6,
            Exit::Refused => 7,
            Exit::Unknown => 8,
            Exit::Interrupted => 130,
            Exit::Plugin(code) => code,
        })
    }
}

/// A command that did not do what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) error: ErrorBody,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &str, message: impl Into<String>) -> Self {
        Self {
            exit,
            error: ErrorBody::new(code, message),
        }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            error: self.error.with_hint(hint),
            ..self
        }
    }

    /// What the daemon answered.
    pub(crate) fn of_daemon(error: ErrorBody) -> Self {
        let exit = match error.code.as_str() {
            code::NO_QUORUM | code::NOT_FORMED | code::LEADER_UNREACHABLE | code::NOBODY_ANSWERED => Exit::NoQuorum,
            code::UNKNOWN_NODE
            | code::UNKNOWN_USER
            | code::UNKNOWN_ROOM
            | code::UNKNOWN_INVITE
            | code::UNKNOWN_BAN
            | code::UNKNOWN_DEVICE
            | code::UNKNOWN_TOKEN => Exit::NotFound,
            code::REFUSED
            | code::ALREADY_FORMED
            | code::NODES_CHANGED
            | code::NODE_REMOVED
            | code::NO_AUTHORITY
            | code::CA_ROTATING => Exit::Refused,
            code::OUTCOME_UNKNOWN | code::TIMED_OUT => Exit::Unknown,
            _ => Exit::Error,
        };
        Self { exit, error }
    }

    /// A change that is perhaps done.
    pub(crate) fn unconfirmed(why: impl std::fmt::Display) -> Self {
        let message = format!("the change was not confirmed, and may be done or not: {why}");
        Self::new(Exit::Unknown, code::OUTCOME_UNKNOWN, message).hint("look before asking again")
    }

    /// The same, where a change was asked for: the daemon may have proposed it before its time was up.
    pub(crate) fn of_change(self) -> Self {
        match self.error.code.as_str() {
            code::TIMED_OUT => Self::unconfirmed(self.error.message),
            _ => self,
        }
    }

    /// With what is behind an error.
    pub(crate) fn of_error(exit: Exit, code: &str, error: &dyn std::error::Error) -> Self {
        let causes = std::iter::successors(Some(error), |error| error.source());
        let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
        // Some say what their cause says.
        texts.dedup();
        Self::new(exit, code, texts.join(": "))
    }

    /// A fault of reading or writing files.
    pub(crate) fn of_io(error: &std::io::Error, message: String) -> Self {
        match error.kind() {
            std::io::ErrorKind::PermissionDenied => Self::new(Exit::Permission, "permission-denied", message),
            std::io::ErrorKind::NotFound => Self::new(Exit::NotFound, "not-found", message),
            _ => Self::new(Exit::Error, "io", message),
        }
    }
}
