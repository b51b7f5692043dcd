//! Accounts and devices.

use quorate_client::{Client, OutboxKind, UnreadRow};
use serde_json::{Value, json};

use super::{ask, bot, once, open, paged};
use crate::cli::{AccountCommand, AccountsArgs, Cli, DeleteAccountArgs, DevicesArgs, LoginArgs};
use crate::exit::Exit;
use crate::{device, json as forms, output, place, text, time};

/// Rows that are asked for at once.
const PAGE: u16 = 500;

pub(super) async fn run(cli: &Cli, command: &AccountCommand) -> Result<(), Exit> {
    let json = cli.json;
    match command {
        AccountCommand::Register(args) => {
            let password = password_of(args, true).await?;
            let client = place::open_at(&cli.profile, &args.place)?;
            once(&client, async |client| register(client, args, &password, json).await).await
        }
        AccountCommand::Login(args) => {
            let password = password_of(args, false).await?;
            let client = place::open_at(&cli.profile, &args.place)?;
            once(&client, async |client| login(client, args, &password, json).await).await
        }
        AccountCommand::Logout => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, async |client| logout(client, json).await).await
        }
        AccountCommand::Whoami => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, async |client| whoami(client, json).await).await
        }
        AccountCommand::Passwd { password_stdin } => {
            let client = open(cli, OutboxKind::Memory)?;
            let (old, new) = match password_stdin {
                true => (ask::first_line().await?, ask::first_line().await?),
                false => (
                    ask::password("Present password: ").await?,
                    ask::new_password("New password: ").await?,
                ),
            };
            once(&client, async |client| passwd(client, &old, &new, json).await).await
        }
        AccountCommand::DeleteAccount(args) => {
            let client = open(cli, OutboxKind::Memory)?;
            let password = confirmed(&client, args).await?;
            once(&client, async |client| {
                delete(client, &password, args.purge_messages, json).await
            })
            .await
        }
        AccountCommand::Devices(args) => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, async |client| devices(client, args, json).await).await
        }
        AccountCommand::Accounts(args) => {
            let client = open(cli, OutboxKind::Memory)?;
            paged(&client, accounts(&client, args, json)).await
        }
        AccountCommand::Bots(command) => bot::run(cli, command).await,
    }
}

/// Asked for before anything is dialled.
async fn password_of(args: &LoginArgs, is_new: bool) -> Result<String, Exit> {
    match (args.password_stdin, is_new) {
        (true, _) => ask::first_line().await,
        (false, true) => ask::new_password("Password: ").await,
        (false, false) => ask::password("Password: ").await,
    }
}

async fn register(client: &Client, args: &LoginArgs, password: &str, json: bool) -> Result<(), Exit> {
    let invite = args.place.link.as_ref().and_then(|link| link.invite());
    let registered = client.register(&args.user, password, invite).await;
    place::tell_first_met(client);
    let user = registered?;
    output::either(
        json,
        &json!({"user": user.as_str()}),
        &format!("registered, and logged in as {user}"),
    )
}

async fn login(client: &Client, args: &LoginArgs, password: &str, json: bool) -> Result<(), Exit> {
    let logged_in = client.login(&args.user, password).await;
    place::tell_first_met(client);
    let user = logged_in?;
    let rows = client.unread().await.unwrap_or_else(|error| {
        // Logged in all the same.
        output::note(&format!("what is unread cannot be told now: {error}"));
        Vec::new()
    });
    let object = json!({
        "user": user.as_str(),
        "unread": rows.iter().map(|row| row.unread).sum::<u64>(),
        "mentions": rows.iter().map(|row| row.mentions).sum::<u64>(),
        "rooms": rows.iter().map(forms::unread).collect::<Vec<_>>(),
    });
    let mut lines = vec![format!("logged in as {user}")];
    lines.extend(rows.iter().filter(|row| row.unread > 0).map(unread_line));
    output::either(json, &object, &lines.join("\n"))
}

fn unread_line(row: &UnreadRow) -> String {
    let mentions = match row.mentions {
        0 => String::new(),
        mentions => format!(", {}", text::count(mentions, "mention")),
    };
    format!("{}: {} unread{mentions}", row.room, row.unread)
}

async fn logout(client: &Client, json: bool) -> Result<(), Exit> {
    client.logout().await?;
    output::either(json, &json!({}), "logged out")
}

async fn whoami(client: &Client, json: bool) -> Result<(), Exit> {
    let account = client.whoami().await?;
    let bot = match &account.owner {
        Some(owner) => format!(" (a bot of {owner})"),
        None => String::new(),
    };
    output::either(json, &forms::account(&account), &format!("{}{bot}", account.user))
}

async fn passwd(client: &Client, old: &str, new: &str, json: bool) -> Result<(), Exit> {
    client.change_password(old, new).await?;
    output::either(json, &json!({}), "the password is changed")
}

/// The password, once it is clear that this is meant.
async fn confirmed(client: &Client, args: &DeleteAccountArgs) -> Result<String, Exit> {
    if args.password_stdin {
        return ask::first_line().await;
    }
    if !args.yes {
        let user = client.user().ok_or_else(Exit::no_login)?;
        ask::confirm(&format!("the account {user} ends"), user.as_str()).await?;
    }
    ask::password("Password: ").await
}

async fn delete(client: &Client, password: &str, purge: bool, json: bool) -> Result<(), Exit> {
    client.delete_account(password, purge).await?;
    output::either(json, &json!({}), "the account is deleted")
}

async fn devices(client: &Client, args: &DevicesArgs, json: bool) -> Result<(), Exit> {
    let rows = client.devices().await?;
    if let Some(id) = &args.revoke {
        let id = device::find(&rows, id)?;
        client.revoke_device(id).await?;
        return output::either(json, &json!({"id": id.to_string()}), &format!("revoked {id}"));
    }
    let rows = rows.iter().map(|row| {
        let cells = [
            row.device.to_string(),
            text::plain_line(row.name.as_str()),
            time::show_short(row.bound_at),
            if row.device == client.device() { "this one" } else { "" }.to_owned(),
        ];
        (forms::device(row, client.device()), cells.into())
    });
    output::rows(json, rows.collect())
}

async fn accounts(client: &Client, args: &AccountsArgs, json: bool) -> Result<(), Exit> {
    let mut after = args.after.clone();
    let mut left = args.limit;
    loop {
        let limit = left.map_or(PAGE, |left| u16::try_from(left).unwrap_or(PAGE).min(PAGE));
        let page = client
            .accounts(args.matching.as_deref(), after.as_deref(), limit)
            .await?;
        let rows = page.rows.iter().map(|row| {
            let cells: [String; 4] = [
                row.user.to_string(),
                if row.bot { "bot" } else { "user" }.to_owned(),
                forms::presence(row.presence).to_owned(),
                time::show_short(row.last_login),
            ];
            (forms::account_row(row), cells.into())
        });
        output::rows(json, rows.collect::<Vec<(Value, Vec<String>)>>())?;
        let read = u32::try_from(page.rows.len()).unwrap_or(u32::MAX);
        left = left.map(|left| left.saturating_sub(read));
        let is_over = page.next.is_none() || page.next == after;
        if is_over || left == Some(0) {
            output::next(json, page.next.as_deref().filter(|_| !is_over));
            return Ok(());
        }
        after = page.next;
    }
}
