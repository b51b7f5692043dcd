//! How ends, refusals and errors become replies.

use quorate_core::{LogIndex, NameError, Refusal};
use quorate_protocol::Frame;
use quorate_protocol::client::{Answer, BodyError, Failure, Reply, frame, kind};
use quorate_protocol::relay::End;

use super::fault;
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

/// The device speaks for nobody.
pub(super) fn not_logged_in() -> Failure {
    by_core(&Refusal::NotLoggedIn)
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
pub(super) fn bad_request(frame: &Frame, error: &BodyError) -> Failure {
    let fault = (frame.kind == kind::SUBMIT)
        .then(|| fault::of_submission(frame))
        .flatten();
    fault.unwrap_or_else(|| refused("bad-request", &error.source))
}

/// A password that was neither hashed nor proven.
pub(super) fn bad_password(error: &PasswordError) -> Failure {
    match error {
        PasswordError::Length => refused("bad-password", error),
        PasswordError::Wrong => refused("wrong-password", error),
        PasswordError::Busy => unavailable("busy"),
    }
}
