//! `chatctl invites`, `retention` and `quota`: what holds for everybody, or for one room or user.

use std::time::Duration;

use quorate_adminapi::{
    CreatedInvite, Invite, Lasting, NewInvite, QuotaRule, RetentionRule, UserQuota, format_bytes, format_duration,
};
use quorate_core::InviteId;
use serde_json::json;

use super::{dry, unchanged};
use crate::cli::{QuotaArgs, RetentionArgs};
use crate::failure::Failure;
use crate::link::{Link, escaped};
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text, grouped};

pub(super) async fn create_invite(link: &Link<'_>, ttl: Duration, uses: u32, dry_run: bool) -> Result<Answer, Failure> {
    let asked = NewInvite {
        ttl: Lasting(ttl),
        uses,
    };
    if dry_run {
        return Ok(dry(&asked));
    }
    let made: CreatedInvite = link.post("/v1/invites", &asked).await?;
    let screen = Screen::default().raw(format!("{}\n", made.link));
    let mut answer = Answer::new(&made, screen);
    answer.notes = vec![format!(
        "invite {} is good for {uses} registration{} until {}; the link is shown this once",
        made.id,
        if uses == 1 { "" } else { "s" },
        made.expires_at
    )];
    Ok(answer)
}

pub(super) async fn invites(link: &Link<'_>) -> Result<Answer, Failure> {
    let rows: Vec<Invite> = link.get("/v1/invites").await?;
    let mut grid = Grid::new(&[
        Column::right("ID"),
        Column::left("CREATED"),
        Column::left("EXPIRES"),
        Column::right("USES"),
        Column::right("LEFT"),
        Column::right("BY-UID"),
    ]);
    for row in &rows {
        grid.row(vec![
            Text::new(row.id),
            Text::new(row.created_at),
            Text::new(row.expires_at),
            Text::new(row.uses),
            Text::new(row.uses_left),
            Text::new(row.by_uid),
        ]);
    }
    Ok(Answer::new(&rows, Screen::default().grid(grid)))
}

pub(super) async fn revoke_invite(link: &Link<'_>, id: InviteId, dry_run: bool) -> Result<Answer, Failure> {
    if dry_run {
        return Ok(dry(&json!({"id": id})));
    }
    link.delete(&format!("/v1/invites/{id}")).await?;
    Ok(Answer::new(
        &json!({"id": id}),
        Screen::default().raw(format!("invite {id} is revoked\n")),
    ))
}

/// Of a room, or of all that have no rule of their own.
pub(super) async fn retention(
    link: &Link<'_>,
    room: Option<&str>,
    args: RetentionArgs,
    dry_run: bool,
) -> Result<Answer, Failure> {
    let path = match room {
        Some(room) => format!("/v1/rooms/{}/retention", escaped(room)),
        None => "/v1/retention".to_owned(),
    };
    let mut rule: RetentionRule = link.get(&path).await?;
    let is_change = args.max_age.is_some() || args.max_count.is_some();
    if is_change {
        rule.max_age = args.max_age.map_or(rule.max_age, |age| age.map(Lasting));
        rule.max_count = args.max_count.unwrap_or(rule.max_count);
        if !dry_run {
            rule = link.put(&path, &rule).await?;
        }
    }
    let age = rule.max_age.map(|Lasting(age)| format_duration(age));
    let screen = Screen::default().pairs([
        ("max age", Text::new(age.unwrap_or_else(|| "off".to_owned()))),
        ("max count", Text::new(rule.max_count.map_or("off".to_owned(), grouped))),
    ]);
    Ok(told(Answer::new(&rule, screen), dry_run && is_change))
}

/// Everybody's, or one user's.
pub(super) async fn quota(link: &Link<'_>, args: &QuotaArgs, dry_run: bool) -> Result<Answer, Failure> {
    let Some(user) = &args.user else {
        let mut rule: QuotaRule = link.get("/v1/quota").await?;
        let changed = change(rule, args);
        if let Some(changed) = changed {
            rule = changed;
            if !dry_run {
                rule = link.put("/v1/quota", &changed).await?;
            }
        }
        let answer = Answer::new(&rule, Screen::default().pairs(shown(rule)));
        return Ok(told(answer, dry_run && changed.is_some()));
    };
    let path = format!("/v1/users/{}/quota", escaped(user));
    let mut now: UserQuota = link.get(&path).await?;
    let changed = change(now.own.unwrap_or(now.effective), args);
    if !dry_run {
        if args.default {
            link.delete(&path).await?;
        } else if let Some(changed) = changed {
            let _: QuotaRule = link.put(&path, &changed).await?;
        }
        now = link.get(&path).await?;
    } else if let Some(changed) = changed {
        now.own = Some(changed);
        now.effective = changed;
    }
    let own = if now.own.is_some() {
        "the user's own"
    } else {
        "everybody's"
    };
    let [bytes, rooms] = shown(now.effective);
    let screen = Screen::default().pairs([
        ("rule", Text::new(own)),
        bytes,
        rooms,
        ("text now", Text::new(format_bytes(now.text_bytes))),
    ]);
    let answer = Answer::new(&now, screen);
    Ok(told(answer, dry_run && (args.default || changed.is_some())))
}

/// With a word about it where nothing was changed that would have been.
fn told(answer: Answer, is_dry: bool) -> Answer {
    if is_dry { unchanged(answer) } else { answer }
}

fn change(rule: QuotaRule, args: &QuotaArgs) -> Option<QuotaRule> {
    (args.max_text_bytes.is_some() || args.max_rooms.is_some()).then(|| QuotaRule {
        max_text_bytes: args.max_text_bytes.unwrap_or(rule.max_text_bytes),
        max_rooms: args.max_rooms.unwrap_or(rule.max_rooms),
    })
}

fn shown(rule: QuotaRule) -> [(&'static str, Text); 2] {
    let off = || "off".to_owned();
    [
        (
            "max text",
            Text::new(rule.max_text_bytes.map_or_else(off, format_bytes)),
        ),
        (
            "max rooms",
            Text::new(rule.max_rooms.map_or_else(off, |rooms| rooms.to_string())),
        ),
    ]
}
