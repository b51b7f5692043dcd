//! What people are asked for on a terminal, or scripts give on stdin.

use std::io::{self, BufRead, IsTerminal};

use console::Term;

use crate::exit::Exit;

/// The next line of stdin, without its end.
pub(crate) fn first_line() -> Result<String, Exit> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// A password that is typed without an echo.
pub(super) fn password(prompt: &str) -> Result<String, Exit> {
    let Some(terminal) = terminal() else {
        return Err(Exit::usage(
            "there is no terminal to ask for the password: use --password-stdin",
        ));
    };
    terminal.write_str(prompt)?;
    Ok(terminal.read_secure_line()?)
}

/// A new one, which has to be typed twice.
pub(super) fn new_password(prompt: &str) -> Result<String, Exit> {
    let new = password(prompt)?;
    if password("Again: ")? != new {
        return Err(Exit::usage("the two are not the same"));
    }
    Ok(new)
}

/// Whether there is somebody who can be asked.
pub(super) fn is_terminal() -> bool {
    terminal().is_some()
}

/// Ends the command unless the name is typed.
pub(super) fn confirm(what: &str, name: &str) -> Result<(), Exit> {
    let Some(terminal) = terminal() else {
        return Err(Exit::unconfirmed(format!(
            "{what}: there is no terminal to confirm it on"
        )));
    };
    terminal.write_line(&format!("{what}: this cannot be undone."))?;
    terminal.write_str(&format!("Type {name} to go on: "))?;
    match first_line()?.trim() == name {
        true => Ok(()),
        false => Err(Exit::unconfirmed("not confirmed: nothing was done")),
    }
}

fn terminal() -> Option<Term> {
    let terminal = Term::stderr();
    (io::stdin().is_terminal() && terminal.is_term()).then_some(terminal)
}
