//! How the program ends when it does not end well: an exit code for scripts, and words for people or JSON for programs.

use std::io;
use std::process::ExitCode;

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

    /// No node or no quorum, told by the whole command rather than by one request.
    pub(crate) fn late(code: &str, message: &str) -> Self {
        Self {
            status: code::NO_QUORUM,
            ..Self::error(code, message)
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
        let status = match (&error, error.code()) {
            (RequestError::Unknown, _) => code::UNKNOWN,
            (RequestError::Untrusted(_), _) => code::UNSAFE,
            (RequestError::Unavailable { .. }, "rate-limited") => code::ERROR,
            (RequestError::Unavailable { .. }, _) => code::NO_QUORUM,
            (_, "unknown-room" | "unknown-user" | "unknown-seq" | "unknown-device") => code::NOT_FOUND,
            (_, "not-a-member" | "not-allowed" | "wrong-password" | "not-logged-in" | "registration-closed") => {
                code::PERMISSION
            }
            _ => code::ERROR,
        };
        let exit = Self {
            status,
            ..Self::error(error.code(), error.to_string())
        };
        match error {
            RequestError::Unknown => exit.hint("it may have happened; with the same --id a message is sent only once"),
            RequestError::Untrusted(_) => {
                exit.hint("if the cluster's CA has really changed, log in again with --ca from its operator")
            }
            RequestError::Refused { code, .. } if code == "not-logged-in" => {
                exit.hint("chat login --server HOST:PORT --user NAME")
            }
            _ => exit,
        }
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
