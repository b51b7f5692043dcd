//! `chatctl bans` and `chatctl lockdown`: who stays out, and what nobody may do for now.

use quorate_adminapi::{Ban, Lasting, LockdownMode, NewBan};
use quorate_core::{BanId, Network};
use serde_json::json;

use super::dry;
use crate::cli::{self, BansCommand, Global};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text};

/// Ranges with fewer first bits than these hold a good part of the world, the operator's own place perhaps among it.
const IPV4_BITS_MIN: u8 = 8;
const IPV6_BITS_MIN: u8 = 20;

pub(super) async fn bans(link: &Link<'_>, global: &Global, command: &BansCommand) -> Result<Answer, Failure> {
    match command {
        BansCommand::List => list(link).await,
        BansCommand::Add { subject, ttl, reason } => {
            if !global.dry_run && subject.parse().is_ok_and(is_broad) {
                confirm(
                    global,
                    &format!("keep out everybody from {subject}, which is a good part of the world"),
                )?;
            }
            let asked = NewBan {
                subject: subject.clone(),
                ttl: ttl.map(Lasting),
                reason: reason.clone(),
            };
            if global.dry_run {
                return Ok(dry(&asked));
            }
            let made: Ban = link.post("/v1/bans", &asked).await?;
            let until = made
                .until
                .map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"));
            let told = format!("ban {}: {} stays out {until}\n", made.id, who(&made));
            Ok(Answer::new(&made, Screen::default().raw(told)))
        }
        BansCommand::Remove { id } => remove(link, *id, global.dry_run).await,
    }
}

fn is_broad(network: Network) -> bool {
    let least = if network.is_ipv4() {
        IPV4_BITS_MIN
    } else {
        IPV6_BITS_MIN
    };
    network.bits() < least
}

fn who(ban: &Ban) -> &str {
    ban.user.as_deref().or(ban.network.as_deref()).unwrap_or_default()
}

async fn list(link: &Link<'_>) -> Result<Answer, Failure> {
    let rows: Vec<Ban> = link.get("/v1/bans").await?;
    let mut grid = Grid::new(&[
        Column::right("ID"),
        Column::left("WHO"),
        Column::left("SINCE").rank(1),
        Column::left("UNTIL"),
        Column::right("BY-UID").rank(2),
        Column::left("REASON"),
    ]);
    for row in &rows {
        grid.row(vec![
            Text::new(row.id),
            Text::new(who(row)),
            Text::new(row.created_at),
            Text::or_dash(row.until),
            Text::new(row.by_uid),
            Text::or_dash(row.reason.as_ref()),
        ]);
    }
    Ok(Answer::new(&rows, Screen::default().grid(grid)))
}

async fn remove(link: &Link<'_>, id: BanId, dry_run: bool) -> Result<Answer, Failure> {
    let data = json!({"id": id});
    if dry_run {
        return Ok(dry(&data));
    }
    link.delete(&format!("/v1/bans/{id}")).await?;
    Ok(Answer::new(
        &data,
        Screen::default().raw(format!("ban {id} is lifted\n")),
    ))
}

pub(super) async fn lockdown(
    link: &Link<'_>,
    mode: Option<cli::LockdownMode>,
    dry_run: bool,
) -> Result<Answer, Failure> {
    let Some(mode) = mode else {
        let now: LockdownMode = link.get("/v1/lockdown").await?;
        let screen = Screen::default().raw(format!("{}\n", now.mode));
        return Ok(Answer::new(&now, screen));
    };
    let mode = mode.word().to_owned();
    let screen = Screen::default().raw(format!("lockdown: {mode}\n"));
    let asked = LockdownMode { mode };
    if dry_run {
        return Ok(dry(&asked));
    }
    let set: LockdownMode = link.put("/v1/lockdown", &asked).await?;
    Ok(Answer::new(&set, screen))
}
