//! How ends, refusals and errors become replies.

use quorate_core::{BodyError, LogIndex, MessageIdError, NameError, Refusal};
use quorate_protocol::Frame;
use quorate_protocol::client::{Answer, Failure, Reply, frame};
use quorate_protocol::relay::End;

use super::password::PasswordError;

/// The frame of a reply.
pub(super) fn reply(call: u64, result: Result<Answer, Failure>, seen: LogIndex) -> Frame {
    frame(&Reply { call, result, seen })
}

/// Told no at the edge, before anything was proposed.
pub(super) fn refused(code: &str, message: impl std::fmt::Display) -> Failure {
    Failure::Refused {
        code: code.to_owned(),
        message: message.to_string(),
        expected: None,
    }
}

/// Not now.
pub(super) fn unavailable(code: &str) -> Failure {
    Failure::Unavailable { code: code.to_owned() }
}

/// Told no by the core.
pub(super) fn by_core(refusal: &Refusal) -> Failure {
    let expected = match refusal {
        Refusal::Gap { expected } => Some(*expected),
        _ => None,
    };
    Failure::Refused {
        code: refusal.code().to_owned(),
        message: refusal.to_string(),
        expected,
    }
}

/// A write's end, and the index at which it is true.
pub(super) fn of_end(end: End) -> (Result<Answer, Failure>, Option<LogIndex>) {
    match end {
        End::Applied {
            index,
            outcome: Ok(done),
        } => (Ok(Answer::Done(done)), Some(index)),
        End::Applied {
            index,
            outcome: Err(refusal),
        } => (Err(by_core(&refusal)), Some(index)),
        End::NotProposed { .. } => (Err(unavailable("no-quorum")), None),
        End::Unknown => (Err(Failure::Unknown), None),
    }
}

/// A name that does not parse.
pub(super) fn bad_name(error: &NameError) -> Failure {
    refused("bad-name", error)
}

/// A request that does not parse, told with the most telling code that its cause has.
pub(super) fn bad_request(error: &quorate_protocol::client::BodyError) -> Failure {
    // The parser keeps only the words of the core's errors, so the words are what is looked for.
    let cause = error.source.to_string();
    let is = |known: &dyn std::fmt::Display| cause.contains(&known.to_string());
    if is(&BodyError::TooLarge) || is(&MessageIdError::TooLarge) {
        return refused("too-large", cause);
    }
    refused("bad-request", cause)
}

/// A password that was neither hashed nor proven.
pub(super) fn bad_password(error: &PasswordError) -> Failure {
    match error {
        PasswordError::Length => refused("bad-password", error),
        PasswordError::Wrong => refused("wrong-password", error),
        PasswordError::Busy => unavailable("busy"),
    }
}
