//! Logging in and out.

use std::io::{self, BufRead, IsTerminal};

use quorate_client::Client;
use serde_json::json;

use crate::cli::{Cli, LoginArgs};
use crate::exit::Exit;
use crate::{json as forms, output, place};

/// The client and the password: asked for before anything is dialled.
pub(super) fn prepare(cli: &Cli, args: &LoginArgs, twice: bool) -> Result<(Client, String), Exit> {
    let password = if args.password_stdin {
        first_line()?
    } else {
        asked(twice)?
    };
    Ok((place::open_at(&cli.profile, &args.place)?, password))
}

pub(super) async fn register(client: &Client, args: &LoginArgs, password: &str, json: bool) -> Result<(), Exit> {
    let registered = client.register(&args.user, password).await;
    place::tell_first_met(client);
    let user = registered?;
    output::either(
        json,
        &json!({"user": user.as_str()}),
        &format!("registered, and logged in as {user}"),
    )
}

pub(super) async fn login(client: &Client, args: &LoginArgs, password: &str, json: bool) -> Result<(), Exit> {
    let logged_in = client.login(&args.user, password).await;
    place::tell_first_met(client);
    let user = logged_in?;
    output::either(json, &json!({"user": user.as_str()}), &format!("logged in as {user}"))
}

pub(super) async fn logout(client: &Client, json: bool) -> Result<(), Exit> {
    client.logout().await?;
    output::either(json, &json!({}), "logged out")
}

pub(super) async fn whoami(client: &Client, json: bool) -> Result<(), Exit> {
    let account = client.whoami().await?;
    let object = json!({
        "user": account.user.as_str(),
        "device": account.device.to_string(),
        "registered_at": forms::time(account.registered_at),
    });
    output::either(json, &object, account.user.as_str())
}

fn first_line() -> Result<String, Exit> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

fn asked(twice: bool) -> Result<String, Exit> {
    let terminal = console::Term::stderr();
    if !io::stdin().is_terminal() || !terminal.is_term() {
        return Err(Exit::usage(
            "there is no terminal to ask for the password: use --password-stdin",
        ));
    }
    let ask = |prompt: &str| -> Result<String, Exit> {
        terminal.write_str(prompt)?;
        Ok(terminal.read_secure_line()?)
    };
    let password = ask("Password: ")?;
    if twice && ask("Again: ")? != password {
        return Err(Exit::usage("the two are not the same"));
    }
    Ok(password)
}
