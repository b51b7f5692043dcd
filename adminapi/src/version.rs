//! Which program answers.

use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/version`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The name of the program, `chatd`.
    pub program: String,
    /// Its version, as `--version` says.
    pub version: String,
}
