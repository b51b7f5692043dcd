//! Asks before what cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use quorate_adminapi::code;

use crate::cli::Global;
use crate::failure::{Exit, Failure};

/// Goes on only if the operator means it: with `--yes`, where nothing is changed anyway, or with a yes at a terminal. `what` ends
/// without a question mark.
///
/// # Errors
/// They do not, or cannot be asked: nothing is done.
pub(crate) fn confirm(global: &Global, what: &str) -> Result<(), Failure> {
    if global.yes || global.dry_run {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let message = format!("{what}: that asks for confirmation, and there is no terminal; nothing was done");
        return Err(refused(message).hint("-y says yes"));
    }
    // What cannot be told cannot be answered: nothing is read then, and nothing done.
    let _ = write!(io::stderr(), "{what}? [y/N] ");
    let mut answer = String::new();
    let _ = io::stdin().lock().read_line(&mut answer);
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(refused("nothing was done")),
    }
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Exit::Refused, code::REFUSED, message)
}
