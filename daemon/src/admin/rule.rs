//! What operators set: invites, retention, quotas.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Extension, Path, State};
use axum::routing::{delete, get};
use axum::{Json, Router};
use quorate_adminapi::{
    CreatedInvite, Invite, Lasting, NewInvite, QuotaRule, RetentionRule, UserQuota, UtcTime, code, format_duration,
};
use quorate_core::{
    CreateInvite, Done, InviteId, Operation, Operator, Quota, RETENTION_AGE_MIN, Refusal, Retention, RevokeInvite,
    RoomName, SetQuota, Span, Timestamp, UserName,
};

use super::reply::Refused;
use super::serve::PeerUid;
use super::source::{FreshInvite, Source};

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/invites", get(invites::<S>).post(create_invite::<S>))
        .route("/v1/invites/{id}", delete(revoke_invite::<S>))
        .route("/v1/retention", get(retention::<S>).put(set_retention::<S>))
        .route(
            "/v1/rooms/{room}/retention",
            get(room_retention::<S>).put(set_room_retention::<S>),
        )
        .route("/v1/quota", get(quota::<S>).put(set_quota::<S>))
        .route(
            "/v1/users/{user}/quota",
            get(user_quota::<S>)
                .put(set_user_quota::<S>)
                .delete(lift_user_quota::<S>),
        )
}

pub(super) type By = Extension<PeerUid>;
pub(super) type Asked<T> = Result<Json<T>, JsonRejection>;
pub(super) type Told<T> = Result<Json<T>, Refused>;

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(code::BAD_REQUEST, rejection.body_text())
    }
}

pub(super) const fn operator(Extension(PeerUid(uid)): By) -> Operator {
    Operator { uid }
}

async fn invites<S: Source>(State(source): State<Arc<S>>) -> Json<Vec<Invite>> {
    let rows = source.look(|state| {
        let row = |(id, invite): (InviteId, &quorate_core::Invite)| Invite {
            id,
            created_at: at(invite.created_at),
            expires_at: at(invite.expires_at),
            uses: invite.uses,
            uses_left: invite.uses_left,
            by_uid: invite.by.uid,
        };
        state.invites().map(row).collect()
    });
    Json(rows)
}

async fn create_invite<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    asked: Asked<NewInvite>,
) -> Told<CreatedInvite> {
    let Json(NewInvite { ttl, uses }) = asked?;
    // Made first: an invite whose link cannot be told would be of no use.
    let FreshInvite { link, key } = source.fresh_invite()?;
    let lasts = span(ttl)?;
    let operation = Operation::CreateInvite(CreateInvite { key, lasts, uses });
    match source.operate(operator(by), operation).await? {
        Done::InviteCreated { invite, expires_at } => Ok(Json(CreatedInvite {
            id: invite,
            link,
            expires_at: at(expires_at),
            uses,
        })),
        other => Err(odd(&other)),
    }
}

async fn revoke_invite<S: Source>(State(source): State<Arc<S>>, by: By, Path(id): Path<String>) -> Told<()> {
    let invite = id
        .parse()
        .map_err(|_| Refused::new(code::BAD_REQUEST, format!("\"{id}\" is no invite id")))?;
    let operation = Operation::RevokeInvite(RevokeInvite { invite });
    source.operate(operator(by), operation).await?;
    Ok(Json(()))
}

async fn retention<S: Source>(State(source): State<Arc<S>>) -> Json<RetentionRule> {
    Json(to_rule(source.look(|state| state.settings().retention)))
}

async fn set_retention<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    asked: Asked<RetentionRule>,
) -> Told<RetentionRule> {
    let Json(rule) = asked?;
    let operation = Operation::SetServerRetention(of_rule(rule)?);
    source.operate(operator(by), operation).await?;
    Ok(Json(rule))
}

async fn room_retention<S: Source>(State(source): State<Arc<S>>, Path(room): Path<String>) -> Told<RetentionRule> {
    let room = room_name(&room)?;
    let found = source.look(|state| state.room_by_name(&room).map(|(_, room)| room.retention));
    Ok(Json(to_rule(found.ok_or_else(|| told(&Refusal::UnknownRoom))?)))
}

async fn set_room_retention<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(room): Path<String>,
    asked: Asked<RetentionRule>,
) -> Told<RetentionRule> {
    let Json(rule) = asked?;
    let operation = Operation::SetRoomRetention {
        room: room_name(&room)?,
        retention: of_rule(rule)?,
    };
    source.operate(operator(by), operation).await?;
    Ok(Json(rule))
}

async fn quota<S: Source>(State(source): State<Arc<S>>) -> Json<QuotaRule> {
    Json(to_quota_rule(source.look(|state| state.settings().quota)))
}

async fn set_quota<S: Source>(State(source): State<Arc<S>>, by: By, asked: Asked<QuotaRule>) -> Told<QuotaRule> {
    let Json(rule) = asked?;
    change_quota(&*source, by, None, Some(rule)).await?;
    Ok(Json(rule))
}

async fn user_quota<S: Source>(State(source): State<Arc<S>>, Path(user): Path<String>) -> Told<UserQuota> {
    let name = user_name(&user)?;
    let found = source.look(|state| {
        let (id, user) = state.user_by_name(&name)?;
        Some(UserQuota {
            own: user.quota.map(to_quota_rule),
            effective: to_quota_rule(user.quota.unwrap_or(state.settings().quota)),
            text_bytes: state.text_bytes(id),
        })
    });
    found.map(Json).ok_or_else(|| told(&Refusal::UnknownUser))
}

async fn set_user_quota<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(user): Path<String>,
    asked: Asked<QuotaRule>,
) -> Told<QuotaRule> {
    let Json(rule) = asked?;
    change_quota(&*source, by, Some(user_name(&user)?), Some(rule)).await?;
    Ok(Json(rule))
}

async fn lift_user_quota<S: Source>(State(source): State<Arc<S>>, by: By, Path(user): Path<String>) -> Told<()> {
    change_quota(&*source, by, Some(user_name(&user)?), None).await?;
    Ok(Json(()))
}

async fn change_quota<S: Source>(
    source: &S,
    by: By,
    user: Option<UserName>,
    rule: Option<QuotaRule>,
) -> Result<(), Refused> {
    let quota = rule.map(|rule| Quota {
        text_bytes_max: rule.max_text_bytes,
        rooms_max: rule.max_rooms,
    });
    let operation = Operation::SetQuota(SetQuota { user, quota });
    source.operate(operator(by), operation).await?;
    Ok(())
}

pub(super) fn at(time: Timestamp) -> UtcTime {
    UtcTime::from_unix_ms(time.0)
}

fn span(Lasting(duration): Lasting) -> Result<Span, Refused> {
    let ms = u64::try_from(duration.as_millis());
    ms.map(Span)
        .map_err(|_| Refused::new(code::BAD_REQUEST, "the duration is too long"))
}

fn of_rule(rule: RetentionRule) -> Result<Retention, Refused> {
    let too_short = rule.max_age.is_some_and(|Lasting(age)| age < RETENTION_AGE_MIN);
    if too_short || rule.max_count == Some(0) {
        let least = format_duration(RETENTION_AGE_MIN);
        let message = format!("what is kept is kept for {least} at least, and one message at least");
        return Err(Refused::new(code::BAD_REQUEST, message));
    }
    Ok(Retention {
        age_max: rule.max_age.map(span).transpose()?,
        messages_max: rule.max_count,
    })
}

fn to_rule(retention: Retention) -> RetentionRule {
    RetentionRule {
        max_age: retention.age_max.map(|span| Lasting(Duration::from_millis(span.0))),
        max_count: retention.messages_max,
    }
}

const fn to_quota_rule(quota: Quota) -> QuotaRule {
    QuotaRule {
        max_text_bytes: quota.text_bytes_max,
        max_rooms: quota.rooms_max,
    }
}

fn room_name(text: &str) -> Result<RoomName, Refused> {
    RoomName::parse(text).map_err(|error| Refused::new(code::BAD_REQUEST, format!("\"{text}\": {error}")))
}

fn user_name(text: &str) -> Result<UserName, Refused> {
    UserName::parse(text).map_err(|error| Refused::new(code::BAD_REQUEST, format!("\"{text}\": {error}")))
}

fn told(refusal: &Refusal) -> Refused {
    Refused::new(refusal.code(), refusal.to_string())
}

fn odd(done: &Done) -> Refused {
    Refused::new(code::INTERNAL, format!("the change came to {done:?}"))
}
