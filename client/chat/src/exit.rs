//! How the program ends when it does not end well: an exit code for scripts, and words for people or JSON for programs.

use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use quorate_client::{OpenError, RequestError};
use serde_json::json;

/// Exit codes, as `chatctl` has them.
mod code {
    pub(super) const ERROR: u8 = 1;
    pub(super) const USAGE: u8 = 2;
    pub(super) const NOT_FOUND: u8 = 3;
    pub(super) const PERMISSION: u8 = 4;
    pub(super) const NO_QUORUM: u8 = 6;
    pub(super) const UNSAFE: u8 = 7;
    pub(super) const UNKNOWN: u8 = 8;
    pub(super) const INTERRUPTED: u8 = 130;
}

/// The end of the program.
#[derive(Debug)]
pub(crate) struct Exit {
    status: u8,
    code: String,
    message: String,
    hint: Option<String>,
    quiet: bool,
}

impl Exit {
    /// An error without a code of its own.
    pub(crate) fn error(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: code::ERROR,
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            quiet: false,
        }
    }

    /// The command line asks for something that makes no sense.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            status: code::USAGE,
            ..Self::error("usage", message)
        }
    }

    /// The reader of stdout has gone: it has what it wanted.
    pub(crate) fn broken_pipe() -> Self {
        Self {
            status: 0,
            quiet: true,
            ..Self::error("broken-pipe", "")
        }
    }

    pub(crate) fn interrupted() -> Self {
        Self {
            status: code::INTERRUPTED,
            quiet: true,
            ..Self::error("interrupted", "")
        }
    }

    pub(crate) fn no_login() -> Self {
        Self {
            status: code::PERMISSION,
            ..Self::error("not-logged-in", "nobody is logged in with this profile")
        }
        .hint("chat login --server HOST:PORT --user NAME")
    }

    /// Some of what was asked for may still happen.
    pub(crate) fn unfinished(message: String) -> Self {
        Self {
            status: code::UNKNOWN,
            ..Self::error("unknown", message)
        }
    }

    /// What cannot be undone was not confirmed.
    pub(crate) fn unconfirmed(message: impl Into<String>) -> Self {
        Self {
            status: code::UNSAFE,
            ..Self::error("refused", message)
        }
    }

    /// What clap says about a command line, in its own words.
    pub(crate) fn of_command_line(error: &clap::Error) -> Self {
        let without_command = [
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ErrorKind::MissingSubcommand,
        ];
        if without_command.contains(&error.kind()) {
            return Self::usage("a command is missing").hint("chat --help");
        }
        let told = error.render().to_string();
        let told = told.trim().trim_start_matches("error: ");
        let (message, hint) = told.split_once("\n\n").unwrap_or((told, ""));
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let exit = Self::usage(one_line(message));
        match hint.trim() {
            "" => exit,
            hint => exit.hint(&one_line(hint)),
        }
    }

    fn hint(mut self, hint: &str) -> Self {
        self.hint = Some(hint.to_owned());
        self
    }

    /// Says why on stderr; the code to end with.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if !self.quiet {
            if json {
                let mut error = json!({"code": self.code, "message": self.message});
                if let Some(hint) = &self.hint {
                    error["hint"] = json!(hint);
                }
                eprintln!("{}", json!({ "error": error }));
            } else {
                eprintln!("chat: {}", self.message);
                if let Some(hint) = &self.hint {
                    eprintln!("  {hint}");
                }
            }
        }
        ExitCode::from(self.status)
    }
}

impl From<RequestError> for Exit {
    fn from(error: RequestError) -> Self {
        let exit = Self {
            status: status_of(&error),
            ..Self::error(error.code(), error.to_string())
        };
        let hint = match (&error, error.code()) {
            (RequestError::Unknown, _) => "it may have happened; with the same --id a message is sent only once",
            (RequestError::Untrusted(_), _) => {
                "if the cluster's CA has really changed, log in again with --ca from its operator"
            }
            (_, "not-logged-in") => "chat login --server HOST:PORT --user NAME",
            (_, "unknown-invite" | "invite-required") => "ask the cluster's operator for an invite LINK",
            _ => return exit,
        };
        exit.hint(hint)
    }
}

fn status_of(error: &RequestError) -> u8 {
    match (error, error.code()) {
        (RequestError::Unknown, _) => code::UNKNOWN,
        (RequestError::Untrusted(_), _) => code::UNSAFE,
        // The node is there and has a quorum, or was not asked for one.
        (RequestError::Unavailable { .. }, "rate-limited" | "busy" | "search-unavailable" | "node-behind") => {
            code::ERROR
        }
        (RequestError::Unavailable { .. }, _) => code::NO_QUORUM,
        (_, "ambiguous") => code::USAGE,
        (_, "unknown-room" | "unknown-user" | "unknown-seq" | "unknown-device" | "no-such-member") => code::NOT_FOUND,
        (
            _,
            "not-a-member"
            | "not-allowed"
            | "banned"
            | "muted"
            | "archived"
            | "wrong-password"
            | "not-logged-in"
            | "registration-closed"
            | "invite-required"
            | "unknown-invite"
            | "lockdown"
            | "disabled",
        ) => code::PERMISSION,
        _ => code::ERROR,
    }
}

impl From<OpenError> for Exit {
    fn from(error: OpenError) -> Self {
        if matches!(error, OpenError::NoServers) {
            return Self::no_login();
        }
        let mut message = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            message += &format!(": {inner}");
            source = inner.source();
        }
        Self::error("profile", message)
    }
}

impl From<io::Error> for Exit {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::broken_pipe(),
            _ => Self::error("io", error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> RequestError {
        RequestError::Refused {
            code: code.to_owned(),
            message: "no".to_owned(),
        }
    }

    #[test]
    fn each_refusal_ends_with_its_code() {
        for (status, codes) in [
            (
                1,
                &[
                    "too-many",
                    "quota-exceeded",
                    "redacted",
                    "not-a-message",
                    "name-taken",
                    "too-large",
                    "nonsense",
                ][..],
            ),
            (2, &["ambiguous"]),
            (
                3,
                &[
                    "unknown-room",
                    "unknown-user",
                    "unknown-seq",
                    "unknown-device",
                    "no-such-member",
                ],
            ),
            (
                4,
                &[
                    "not-a-member",
                    "not-allowed",
                    "banned",
                    "muted",
                    "archived",
                    "wrong-password",
                    "not-logged-in",
                    "registration-closed",
                    "unknown-invite",
                    "disabled",
                    "lockdown",
                ],
            ),
        ] {
            for code in codes {
                assert_eq!(Exit::from(refused(code)).status, status, "{code}");
            }
        }
    }

    #[test]
    fn what_was_not_refused_has_codes_of_its_own() {
        let unavailable = |code: &str| RequestError::Unavailable {
            code: code.to_owned(),
            message: "not now".to_owned(),
        };
        assert_eq!(Exit::from(unavailable("no-quorum")).status, 6);
        assert_eq!(Exit::from(unavailable("no-node")).status, 6);
        for code in ["rate-limited", "busy", "search-unavailable", "node-behind"] {
            assert_eq!(Exit::from(unavailable(code)).status, 1, "{code}");
        }
        assert_eq!(Exit::from(RequestError::Unknown).status, 8);
        assert_eq!(Exit::from(RequestError::Untrusted("no".to_owned())).status, 7);
        assert_eq!(Exit::unconfirmed("no").status, 7);
        assert_eq!(Exit::interrupted().status, 130);
    }
}
