//! Who stays out, and what nobody may do for now.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{delete, get};
use axum::{Json, Router};
use quorate_adminapi::{Ban, LockdownMode, NewBan, code};
use quorate_core::{
    AddBan, BanId, BanName, BanSubject, Done, Lockdown, Operation, Reason, Refusal, ServerBan, State as Chat,
};

use super::reply::Refused;
use super::rule::{Asked, By, Told, at, odd, operator, span, told, user_name};
use super::source::Source;
use super::user::{name_of, put_through};

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/bans", get(bans::<S>).post(add::<S>))
        .route("/v1/bans/{id}", delete(lift::<S>))
        .route("/v1/lockdown", get(lockdown::<S>).put(lock_down::<S>))
}

async fn bans<S: Source>(State(source): State<Arc<S>>) -> Json<Vec<Ban>> {
    // All of them: the core bounds how many there are. One that has run out is as none.
    Json(source.look(|state| {
        let bans = state.server_bans().filter(|(_, ban)| ban.holds(state.now()));
        bans.map(|(id, ban)| row(state, id, ban)).collect()
    }))
}

/// A ban as it is shown.
pub(super) fn row(state: &Chat, id: BanId, ban: &ServerBan) -> Ban {
    let (user, network) = match ban.subject {
        BanSubject::User(user) => (Some(name_of(state, user)), None),
        BanSubject::Network(network) => (None, Some(network.to_string())),
    };
    Ban {
        id,
        user,
        network,
        created_at: at(ban.at),
        until: ban.until.map(at),
        reason: ban.reason.as_ref().map(ToString::to_string),
        by_uid: ban.by.uid,
    }
}

async fn add<S: Source>(State(source): State<Arc<S>>, by: By, asked: Asked<NewBan>) -> Told<Ban> {
    let Json(NewBan { subject, ttl, reason }) = asked?;
    let reason = reason.as_deref().map(Reason::parse).transpose();
    let reason = reason.map_err(|error| Refused::new(code::BAD_REQUEST, format!("the reason: {error}")))?;
    let operation = Operation::AddBan(AddBan {
        subject: ban_name(&subject)?,
        lasts: ttl.map(span).transpose()?,
        reason,
    });
    match source.operate(operator(by), operation).await? {
        Done::BanAdded { ban, .. } => {
            let made = source.look(|state| {
                let (id, found) = state.server_bans().find(|(id, _)| *id == ban)?;
                Some(row(state, id, found))
            });
            // One so short that it is over already is none.
            made.map(Json).ok_or_else(|| told(&Refusal::UnknownBan))
        }
        other => Err(odd(&other)),
    }
}

/// An address or a range where it is one, else a user's name. No name of a user has a colon or a slash, and one that
/// is an address to the letter is banned by its address alone.
fn ban_name(text: &str) -> Result<BanName, Refused> {
    match text.parse() {
        Ok(network) => Ok(BanName::Network(network)),
        Err(error) if text.contains(['/', ':']) => Err(Refused::new(code::BAD_REQUEST, format!("\"{text}\": {error}"))),
        Err(_) => user_name(text).map(BanName::User),
    }
}

async fn lift<S: Source>(State(source): State<Arc<S>>, by: By, Path(id): Path<String>) -> Told<()> {
    let ban = id
        .parse()
        .map_err(|_| Refused::new(code::BAD_REQUEST, format!("\"{id}\" is no ban id")))?;
    put_through(&*source, by, Operation::LiftBan(ban)).await
}

async fn lockdown<S: Source>(State(source): State<Arc<S>>) -> Json<LockdownMode> {
    let mode = source.look(Chat::lockdown).as_str().to_owned();
    Json(LockdownMode { mode })
}

async fn lock_down<S: Source>(State(source): State<Arc<S>>, by: By, asked: Asked<LockdownMode>) -> Told<LockdownMode> {
    let Json(LockdownMode { mode }) = asked?;
    let modes = || Lockdown::ALL.map(Lockdown::as_str).join(", ");
    let lockdown = Lockdown::named(&mode).ok_or_else(|| {
        Refused::new(
            code::BAD_REQUEST,
            format!("\"{mode}\" is no lockdown: they are {}", modes()),
        )
    })?;
    source.operate(operator(by), Operation::SetLockdown(lockdown)).await?;
    Ok(Json(LockdownMode { mode }))
}
