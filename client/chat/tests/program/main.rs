//! The program as scripts see it: exit codes, stdout and stderr.

#![allow(
    clippy::unwrap_used,
    reason = "clippy's exemption for tests does not reach what tests call"
)]

#[path = "../../../tests/fake/mod.rs"]
#[allow(dead_code, reason = "the library's tests use what these do not")]
mod fake;

mod bench;
mod change;
mod command;
mod export;
mod look;
mod rpc;
mod rpc_change;
mod setup;
