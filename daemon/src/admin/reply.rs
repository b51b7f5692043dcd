//! What goes back to the caller: JSON, or an error as JSON with its HTTP status.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use quorate_adminapi::{ErrorBody, ErrorReply, code};

use super::source::AdminError;

/// An error on its way out.
#[derive(Debug)]
pub(super) struct Refused(ErrorBody);

impl Refused {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self(ErrorBody::new(code, message))
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self(self.0.with_hint(hint))
    }
}

impl From<AdminError> for Refused {
    fn from(error: AdminError) -> Self {
        Self(error.to_body())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.0.code.as_str() {
            code::NO_QUORUM | code::NOT_FORMED | code::LEADER_UNREACHABLE | code::NOBODY_ANSWERED | code::BUSY => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            code::UNKNOWN_NODE
            | code::UNKNOWN_PATH
            | code::UNKNOWN_USER
            | code::UNKNOWN_ROOM
            | code::UNKNOWN_BAN
            | code::UNKNOWN_DEVICE
            | code::UNKNOWN_INVITE
            | code::UNKNOWN_TOKEN => StatusCode::NOT_FOUND,
            code::METHOD_NOT_ALLOWED => StatusCode::METHOD_NOT_ALLOWED,
            code::BAD_REQUEST | code::BAD_PASSWORD => StatusCode::BAD_REQUEST,
            code::TOO_LARGE => StatusCode::PAYLOAD_TOO_LARGE,
            code::TIMED_OUT | code::OUTCOME_UNKNOWN => StatusCode::GATEWAY_TIMEOUT,
            code::INTERNAL => StatusCode::INTERNAL_SERVER_ERROR,
            // What is left are refusals of the state machine.
            _ => StatusCode::CONFLICT,
        };
        (status, Json(ErrorReply { error: self.0 })).into_response()
    }
}
