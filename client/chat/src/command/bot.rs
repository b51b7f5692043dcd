//! Bots.

use quorate_client::{BotToken, Client, OutboxKind};
use serde_json::json;

use super::{ask, once, open};
use crate::cli::{BotsCommand, Cli};
use crate::exit::Exit;
use crate::{json as forms, output, time};

pub(super) async fn run(cli: &Cli, command: &BotsCommand) -> Result<(), Exit> {
    let json = cli.json;
    let client = open(cli, OutboxKind::Memory)?;
    match command {
        BotsCommand::Create { name } => {
            once(&client, async |client| {
                show(&client.create_bot(name.as_str()).await?, json)
            })
            .await
        }
        BotsCommand::List => once(&client, async |client| list(client, json).await).await,
        BotsCommand::Token { name } => {
            once(&client, async |client| show(&client.renew_bot_token(name).await?, json)).await
        }
        BotsCommand::Delete {
            name,
            purge_messages,
            yes,
        } => {
            if !yes {
                ask::confirm(&format!("the bot {name} ends"), name.as_str()).await?;
            }
            let delete = async |client: &Client| {
                client.delete_bot(name, *purge_messages).await?;
                output::either(json, &json!({"user": name.as_str()}), &format!("deleted {name}"))
            };
            once(&client, delete).await
        }
    }
}

/// In text the token alone, so that it can go to a file.
fn show(bot: &BotToken, json: bool) -> Result<(), Exit> {
    output::either(
        json,
        &json!({"user": bot.user.as_str(), "token": bot.token}),
        &bot.token,
    )
}

async fn list(client: &Client, json: bool) -> Result<(), Exit> {
    let rows = client.bots().await?;
    let rows = rows.iter().map(|row| {
        let cells = [
            row.user.to_string(),
            forms::presence(row.presence).to_owned(),
            time::show_short(row.last_login),
        ];
        (forms::account_row(row), cells.into())
    });
    output::rows(json, rows.collect())
}
