//! Asks before what cannot be taken back.

use std::io::{self, BufRead, IsTerminal};

use quorate_adminapi::code;

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output::complain;

/// Whether the operator means it: `-y`, or a `yes` that is typed. Without a terminal to ask on, the answer is no.
///
/// # Errors
/// They do not, or cannot be asked: nothing is done.
pub(crate) fn confirm(global: &Global, what: &str) -> Result<(), Failure> {
    if global.yes || global.dry_run {
        return Ok(());
    }
    let no = |message: String| Err(Failure::new(Exit::Refused, code::REFUSED, message).hint("-y answers yes"));
    if !io::stdin().is_terminal() {
        return no(format!("{what}: not confirmed, so nothing was done"));
    }
    complain(&format!("{what}. Type yes to go on:"));
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    match read {
        Ok(_) if line.trim() == "yes" => Ok(()),
        _ => no("not confirmed, so nothing was done".to_owned()),
    }
}
