//! What people are asked for on a terminal, or scripts give on stdin. All of it is read on threads of their own, so that an
//! interrupt ends the program while it waits for somebody to type.

use std::io::{self, BufRead, IsTerminal, Read};

use console::Term;
use tokio::task::spawn_blocking;

use crate::exit::Exit;
use crate::interrupt;

/// The next line of stdin, without its end.
pub(crate) async fn first_line() -> Result<String, Exit> {
    let line = blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    Ok(line.await?.trim_end_matches(['\n', '\r']).to_owned())
}

/// All of stdin, but no more than this.
pub(super) async fn all(max_bytes: u64) -> Result<Vec<u8>, Exit> {
    blocking(move || {
        let mut bytes = Vec::new();
        io::stdin().lock().take(max_bytes).read_to_end(&mut bytes)?;
        Ok(bytes)
    })
    .await
}

/// A password that is typed without an echo.
pub(super) async fn password(prompt: &str) -> Result<String, Exit> {
    let Some(terminal) = terminal() else {
        return Err(Exit::usage(
            "there is no terminal to ask for the password: use --password-stdin",
        ));
    };
    terminal.write_str(prompt)?;
    let typed = blocking(move || terminal.read_secure_line()).await;
    if typed.is_err() {
        show_typing();
    }
    typed
}

/// A new one, which has to be typed twice.
pub(super) async fn new_password(prompt: &str) -> Result<String, Exit> {
    let new = password(prompt).await?;
    if password("Again: ").await? != new {
        return Err(Exit::usage("the two are not the same"));
    }
    Ok(new)
}

/// Ends the command unless the name is typed.
pub(super) async fn confirm(what: &str, name: &str) -> Result<(), Exit> {
    let Some(terminal) = terminal() else {
        return Err(Exit::unconfirmed(format!(
            "{what}: there is no terminal to confirm it on; nothing was done"
        )));
    };
    terminal.write_line(&format!("{what}: this cannot be undone."))?;
    terminal.write_str(&format!("Type {name} to go on: "))?;
    match first_line().await?.trim() == name {
        true => Ok(()),
        false => Err(Exit::unconfirmed("not confirmed: nothing was done")),
    }
}

fn terminal() -> Option<Term> {
    let terminal = Term::stderr();
    (io::stdin().is_terminal() && terminal.is_term()).then_some(terminal)
}

/// Reads, until interrupted. A thread that is left behind in a read ends with the program.
async fn blocking<T: Send + 'static>(read: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T, Exit> {
    interrupt::or(async {
        match spawn_blocking(read).await {
            Ok(read) => Ok(read?),
            Err(error) => Err(Exit::error("io", error.to_string())),
        }
    })
    .await
}

/// Lets the terminal show what is typed. Whoever is interrupted leaves the reading thread behind, which would have done that.
fn show_typing() {
    // A program of every Unix; a terminal whose settings it cannot reach stays as it is.
    #[cfg(unix)]
    let _ = std::process::Command::new("stty").arg("echo").status();
}
