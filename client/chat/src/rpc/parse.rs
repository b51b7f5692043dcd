//! From a line to a request, and the errors of JSON-RPC 2.0 (jsonrpc.org, section 5.1).

use quorate_client::{RequestError, RoomRef};
use serde_json::{Map, Value, json};

use crate::target;

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const METHOD_NOT_FOUND: i32 = -32601;
const INVALID_PARAMS: i32 = -32602;
/// Errors of ours.
const SERVER_ERROR: i32 = -32000;

/// A request as it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// Without one it is a notification, which is done and not answered.
    pub(super) id: Option<Value>,
    pub(super) method: String,
    pub(super) params: Map<String, Value>,
}

/// Why a request has no result.
#[derive(Debug)]
pub(super) enum Failed {
    Method,
    Params(String),
    Request(RequestError),
}

impl From<RequestError> for Failed {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl Request {
    /// Whether it changes who is logged in.
    pub(super) fn is_about_the_account(&self) -> bool {
        matches!(self.method.as_str(), "register" | "login" | "logout" | "account.delete")
    }

    /// Whose order it has to keep. A room is one room however its name is typed.
    pub(super) fn room(&self) -> Option<String> {
        let text = |name| self.params.get(name).and_then(Value::as_str);
        let typed = match (text("room"), text("user")) {
            (Some(room), _) => target::parse_room(room),
            (None, Some(user)) => target::parse_user(user).map(RoomRef::Direct),
            (None, None) => return None,
        };
        // What names no room is refused, whatever its order.
        typed.ok().map(|room| target::show_room(&room))
    }
}

/// Reads a request; what is none gives the response to it.
pub(super) fn request(line: &[u8]) -> Result<Request, Value> {
    let value: Value = serde_json::from_slice(line)
        .map_err(|error| error_response(&Value::Null, PARSE_ERROR, &error.to_string(), None))?;
    let Value::Object(mut object) = value else {
        return Err(error_response(
            &Value::Null,
            INVALID_REQUEST,
            "a request is an object",
            None,
        ));
    };
    let id = object.remove("id");
    let id_or_null = match &id {
        Some(id @ (Value::String(_) | Value::Number(_))) => id.clone(),
        _ => Value::Null,
    };
    let invalid = |message: &str| Err(error_response(&id_or_null, INVALID_REQUEST, message, None));
    if !matches!(id, None | Some(Value::String(_) | Value::Number(_) | Value::Null)) {
        return invalid("an id is a string or a number");
    }
    if object.get("jsonrpc") != Some(&json!("2.0")) {
        return invalid("jsonrpc must be \"2.0\"");
    }
    let Some(Value::String(method)) = object.remove("method") else {
        return invalid("method must be a string");
    };
    let params = match object.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(Value::Array(_)) => {
            return Err(error_response(
                &id_or_null,
                INVALID_PARAMS,
                "params go by name here",
                None,
            ));
        }
        Some(_) => return invalid("params must be an object"),
    };
    Ok(Request { id, method, params })
}

/// The response to a line that is longer than any request.
pub(super) fn too_long() -> Value {
    error_response(&Value::Null, INVALID_REQUEST, "the line is too long", None)
}

/// The response to a request, if it wants one.
pub(super) fn response(id: Option<&Value>, result: Result<Value, Failed>) -> Option<Value> {
    let id = id?;
    Some(match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(Failed::Method) => error_response(id, METHOD_NOT_FOUND, "no such method", None),
        Err(Failed::Params(message)) => error_response(id, INVALID_PARAMS, &message, None),
        Err(Failed::Request(error)) => {
            let outcome = if error.may_have_happened() {
                "unknown"
            } else {
                "refused"
            };
            let data = json!({"code": error.code(), "outcome": outcome});
            error_response(id, SERVER_ERROR, &error.to_string(), Some(data))
        }
    })
}

fn error_response(id: &Value, code: i32, message: &str, data: Option<Value>) -> Value {
    let mut error = json!({"code": code, "message": message});
    if let Some(data) = data {
        error["data"] = data;
    }
    json!({"jsonrpc": "2.0", "id": id, "error": error})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(line: &str) -> (i64, Value) {
        let response = request(line.as_bytes()).unwrap_err();
        (response["error"]["code"].as_i64().unwrap(), response["id"].clone())
    }

    #[test]
    fn what_is_no_json_is_a_parse_error() {
        for line in ["{", "nonsense", "{\"jsonrpc\":\"2.0\",}", "\u{7f}"] {
            assert_eq!(code_of(line), (-32700, Value::Null), "{line}");
        }
        assert_eq!(request(b"\xff\xfe").unwrap_err()["error"]["code"], -32700);
    }

    #[test]
    fn what_is_no_request_is_invalid_and_keeps_its_id() {
        for (line, id) in [
            ("[]", Value::Null),
            ("1", Value::Null),
            (r#"{"id":7,"method":"whoami"}"#, json!(7)),
            (r#"{"jsonrpc":"1.0","id":"a","method":"whoami"}"#, json!("a")),
            (r#"{"jsonrpc":"2.0","id":7}"#, json!(7)),
            (r#"{"jsonrpc":"2.0","id":7,"method":1}"#, json!(7)),
            (r#"{"jsonrpc":"2.0","id":7,"method":"whoami","params":3}"#, json!(7)),
            (r#"{"jsonrpc":"2.0","id":{},"method":"whoami"}"#, Value::Null),
        ] {
            assert_eq!(code_of(line), (-32600, id), "{line}");
        }
    }

    #[test]
    fn params_by_position_are_invalid_params() {
        let line = r#"{"jsonrpc":"2.0","id":7,"method":"whoami","params":[1]}"#;
        assert_eq!(code_of(line), (-32602, json!(7)));
    }

    #[test]
    fn ids_of_all_kinds_come_back_as_they_were() {
        for id in [json!(1), json!(-1.5), json!("x"), Value::Null, json!(u64::MAX)] {
            let line = json!({"jsonrpc": "2.0", "id": id, "method": "whoami"}).to_string();
            let request = request(line.as_bytes()).unwrap();
            let response = response(request.id.as_ref(), Ok(json!({}))).unwrap();
            assert_eq!(response["id"], id);
        }
    }

    #[test]
    fn requests_of_one_room_have_one_order_however_it_is_typed() {
        let room = |params: Value| {
            let line = json!({"jsonrpc": "2.0", "id": 1, "method": "post", "params": params}).to_string();
            request(line.as_bytes()).unwrap().room()
        };
        assert_eq!(room(json!({"room": "OPS"})), room(json!({"room": "ops"})));
        assert_eq!(room(json!({"room": "@Bob"})), room(json!({"user": "bob"})));
        assert_eq!(room(json!({"room": "ops", "user": "bob"})).unwrap(), "ops");
        assert_eq!((room(json!({})), room(json!({"room": "a b"}))), (None, None));
    }

    #[test]
    fn a_notification_is_not_answered() {
        let request = request(br#"{"jsonrpc":"2.0","method":"nonsense"}"#).unwrap();
        assert_eq!(response(request.id.as_ref(), Err(Failed::Method)), None);
    }

    #[test]
    fn our_errors_say_whether_it_may_have_happened() {
        let unknown = response(Some(&json!(1)), Err(RequestError::Unknown.into())).unwrap();
        assert_eq!(unknown["error"]["code"], -32000);
        assert_eq!(
            unknown["error"]["data"],
            json!({"code": "unknown", "outcome": "unknown"})
        );
        let refused = RequestError::Refused {
            code: "not-a-member".into(),
            message: "no".into(),
        };
        let refused = response(Some(&json!(1)), Err(refused.into())).unwrap();
        assert_eq!(
            refused["error"]["data"],
            json!({"code": "not-a-member", "outcome": "refused"})
        );
    }
}
