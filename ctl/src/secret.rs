//! Passwords, from a terminal or from stdin; never from the command line, which everybody on the machine can read.

use std::io::{self, BufRead, IsTerminal};

use crate::cli::PasswordArgs;
use crate::failure::{Exit, Failure};

/// Bytes of a line at the most: more than any password has.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// A new password: asked for twice at a terminal, else the first line of stdin.
pub(crate) fn new_password(args: PasswordArgs) -> Result<String, Failure> {
    let password = if args.password_stdin || !io::stdin().is_terminal() {
        first_line(io::stdin().lock())?
    } else {
        let first = asked("password: ")?;
        if asked("the same again: ")? != first {
            return Err(usage("the two passwords are not the same"));
        }
        first
    };
    match password.is_empty() {
        false => Ok(password),
        true => Err(usage("a password is wanted").hint("echo 'PASSWORD' | chatctl ... --password-stdin")),
    }
}

fn first_line(from: impl BufRead) -> Result<String, Failure> {
    let mut line = String::new();
    from.take(LINE_BYTES_MAX)
        .read_line(&mut line)
        .map_err(|error| Failure::of_io(&error, format!("stdin: {error}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn asked(prompt: &str) -> Result<String, Failure> {
    let terminal = console::Term::stderr();
    terminal
        .write_str(prompt)
        .and_then(|()| terminal.read_secure_line())
        .map_err(|error| Failure::of_io(&error, format!("the terminal: {error}")))
}

fn usage(message: &str) -> Failure {
    Failure::new(Exit::Usage, "usage", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        for (text, password) in [
            ("secret\n", "secret"),
            ("secret", "secret"),
            (" a b \r\nmore\n", " a b "),
            ("", ""),
        ] {
            assert_eq!(first_line(text.as_bytes()).unwrap(), password, "{text:?}");
        }
    }
}
