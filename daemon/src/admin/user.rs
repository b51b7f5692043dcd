//! Accounts: listed, made, disabled, logged out, ended, taken along.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use futures_util::stream;
use quorate_adminapi::{
    Membership, NewPassword, NewRole, NewUser, SessionRow, Sessions, UserDetails, UserPage, UserRow, code,
};
use quorate_core::{
    CreateUser, DeviceId, Done, Glob, NodeId, Operation, PurgeUser, Refusal, RevokeDevices, Role, ServerRole,
    SetServerRole, SetUserPassword, Standing, State as Chat, User, UserId, UserName,
};
use rand::Rng;
use serde::Deserialize;

use super::access;
use super::reply::Refused;
use super::rule::{Asked, By, Told, at, odd, operator, told, user_name};
use super::source::{ExportLines, Exported, Source};

/// Rows of a page at the most.
pub(super) const ROWS_MAX: usize = 500;
/// Names that one page looks at: where few match, a page may come out short.
pub(super) const NAMES_LOOKED_MAX: usize = 5000;
/// JSON lines, one value each.
const JSON_LINES: &str = "application/jsonl";

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/users", get(list::<S>).post(create::<S>))
        .route("/v1/users/{user}", get(show::<S>).delete(end::<S>))
        .route("/v1/users/{user}/password", put(set_password::<S>))
        .route("/v1/users/{user}/disable", post(disable::<S>))
        .route("/v1/users/{user}/enable", post(enable::<S>))
        .route("/v1/users/{user}/role", put(set_role::<S>))
        .route("/v1/users/{user}/sessions", get(sessions::<S>).delete(revoke_all::<S>))
        .route("/v1/users/{user}/sessions/{device}", delete(revoke::<S>))
        .route("/v1/users/{user}/export", get(export::<S>))
}

/// Which rows of a list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    #[serde(rename = "match")]
    pub(super) matching: Option<String>,
    pub(super) after: Option<String>,
    pub(super) limit: Option<usize>,
}

pub(super) type Listed = Result<Query<ListQuery>, QueryRejection>;

impl ListQuery {
    pub(super) fn glob(&self) -> Result<Option<Glob>, Refused> {
        let glob = self.matching.as_deref().map(Glob::parse).transpose();
        glob.map_err(|error| Refused::new(code::BAD_REQUEST, error.to_string()))
    }

    pub(super) fn rows_max(&self) -> usize {
        self.limit.unwrap_or(ROWS_MAX).clamp(1, ROWS_MAX)
    }
}

async fn list<S: Source>(State(source): State<Arc<S>>, params: Listed) -> Told<UserPage> {
    let Query(ask) = params?;
    let (glob, after) = (ask.glob()?, ask.after.as_deref().map(user_name).transpose()?);
    let page = source.look(|state| {
        let mut page = UserPage::default();
        for (looked, (id, user)) in state.users_like(glob.as_ref(), after.as_ref()).enumerate() {
            if looked >= NAMES_LOOKED_MAX || page.users.len() >= ask.rows_max() {
                return page;
            }
            page.next = Some(user.name.to_string());
            if glob.as_ref().is_none_or(|glob| glob.matches(user.name.as_str())) {
                page.users.push(row(state, id, user));
            }
        }
        page.next = None;
        page
    });
    Ok(Json(page))
}

async fn show<S: Source>(State(source): State<Arc<S>>, Path(user): Path<String>) -> Told<UserDetails> {
    let name = user_name(&user)?;
    let found = source.look(|state| {
        let (id, user) = state.user_by_name(&name)?;
        let bots = state.bots_of(id).filter(|(_, bot)| bot.is_active());
        let mut bots: Vec<_> = bots.map(|(_, bot)| bot.name.to_string()).collect();
        bots.sort_unstable();
        let named = state.rooms_of(id).filter_map(|room| Some((room, state.room(room)?)));
        let named = named.filter(|(_, room)| !room.name.is_direct());
        let mut memberships: Vec<_> = named
            .filter_map(|(id_of_room, room)| {
                Some(Membership {
                    room: room.name.to_string(),
                    role: role_word(state.member(id_of_room, id)?.role).to_owned(),
                })
            })
            .collect();
        memberships.sort_unstable_by(|one, other| one.room.cmp(&other.room));
        Some(UserDetails {
            row: row(state, id, user),
            text_bytes: state.text_bytes(id),
            bots,
            ban: state.user_ban(id).map(|(ban, found)| access::row(state, ban, found)),
            memberships,
        })
    });
    found.map(Json).ok_or_else(|| told(&Refusal::UnknownUser))
}

fn row(state: &Chat, id: UserId, user: &User) -> UserRow {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let owner = user.owner.and_then(|owner| state.user(owner));
    UserRow {
        user: user.name.to_string(),
        role: state.server_role(id).as_str().to_owned(),
        state: if user.standing == Standing::Disabled {
            "disabled"
        } else {
            "active"
        }
        .to_owned(),
        banned: state.user_ban(id).is_some(),
        bot_of: owner.map(|owner| owner.name.to_string()),
        registered_at: at(user.registered_at),
        last_login: at(user.last_login),
        devices: count(state.devices_of(id).count()),
        rooms: count(state.rooms_of(id).count()),
    }
}

/// What a member may do, as programs call it.
pub(super) const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Moderator => "moderator",
        Role::Member => "member",
        Role::ReadOnly => "read-only",
    }
}

async fn create<S: Source>(State(source): State<Arc<S>>, by: By, asked: Asked<NewUser>) -> Told<UserRow> {
    let Json(NewUser { user, password, role }) = asked?;
    let (name, role) = (user_name(&user)?, server_role(&role)?);
    let operation = Operation::CreateUser(CreateUser {
        likeness: name.likeness(),
        name: name.clone(),
        password: source.hash_password(password).await?,
        role,
        attempt: rand::rng().random(),
    });
    match source.operate(operator(by), operation).await? {
        Done::Registered { user } => {
            let made = source.look(|state| Some(row(state, user, state.user(user)?)));
            made.map(Json).ok_or_else(|| told(&Refusal::UnknownUser))
        }
        other => Err(odd(&other)),
    }
}

async fn set_password<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(user): Path<String>,
    asked: Asked<NewPassword>,
) -> Told<()> {
    let Json(NewPassword { password }) = asked?;
    let operation = Operation::SetUserPassword(SetUserPassword {
        user: user_name(&user)?,
        password: source.hash_password(password).await?,
    });
    put_through(&*source, by, operation).await
}

async fn disable<S: Source>(State(source): State<Arc<S>>, by: By, Path(user): Path<String>) -> Told<()> {
    put_through(&*source, by, Operation::DisableUser(user_name(&user)?)).await
}

async fn enable<S: Source>(State(source): State<Arc<S>>, by: By, Path(user): Path<String>) -> Told<()> {
    put_through(&*source, by, Operation::EnableUser(user_name(&user)?)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndQuery {
    #[serde(default)]
    purge_messages: bool,
}

async fn end<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(user): Path<String>,
    params: Result<Query<EndQuery>, QueryRejection>,
) -> Told<()> {
    let Query(EndQuery { purge_messages }) = params?;
    let user = user_name(&user)?;
    put_through(&*source, by, Operation::DeleteUser(PurgeUser { user, purge_messages })).await
}

async fn set_role<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(user): Path<String>,
    asked: Asked<NewRole>,
) -> Told<()> {
    let Json(NewRole { role }) = asked?;
    let (user, role) = (user_name(&user)?, server_role(&role)?);
    put_through(&*source, by, Operation::SetServerRole(SetServerRole { user, role })).await
}

async fn sessions<S: Source>(State(source): State<Arc<S>>, Path(user): Path<String>) -> Told<Sessions> {
    let name = user_name(&user)?;
    let found = source.look(|state| {
        let (id, user) = state.user_by_name(&name)?;
        let row = |(device, found): (DeviceId, &quorate_core::Device)| SessionRow {
            id: device.to_string(),
            name: found.name.to_string(),
            logged_in_at: at(found.bound_at),
            last_seen: at(state.last_write(&device).unwrap_or_default().max(found.bound_at)),
            nodes: Vec::new(),
        };
        let (ids, devices): (Vec<_>, Vec<_>) = state.devices_of(id).map(|device| (device.0, row(device))).unzip();
        Some((user.name.to_string(), ids, devices))
    });
    let (user, ids, mut devices) = found.ok_or_else(|| told(&Refusal::UnknownUser))?;
    for (device, nodes) in devices.iter_mut().zip(source.sessions_of(ids).await) {
        device.nodes = nodes;
    }
    let online_at: BTreeSet<NodeId> = devices.iter().flat_map(|device| device.nodes.iter().copied()).collect();
    Ok(Json(Sessions {
        user,
        online_at: online_at.into_iter().collect(),
        devices,
    }))
}

async fn revoke_all<S: Source>(State(source): State<Arc<S>>, by: By, Path(user): Path<String>) -> Told<()> {
    let user = user_name(&user)?;
    put_through(
        &*source,
        by,
        Operation::RevokeDevices(RevokeDevices { user, device: None }),
    )
    .await
}

async fn revoke<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path((user, device)): Path<(String, String)>,
) -> Told<()> {
    let user = user_name(&user)?;
    let device = Some(device_id(&device).ok_or_else(|| told(&Refusal::UnknownDevice))?);
    put_through(&*source, by, Operation::RevokeDevices(RevokeDevices { user, device })).await
}

/// 64 hex digits, as ids of devices are shown.
fn device_id(text: &str) -> Option<DeviceId> {
    let digits = text.as_bytes();
    let mut id = [0; 32];
    if digits.len() != 2 * id.len() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(DeviceId(id))
}

async fn export<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(user): Path<String>,
) -> Result<Response, Refused> {
    let name = user_name(&user)?;
    // Written down before anything is read: what was said between users leaves their hands.
    source.note(operator(by), "users.export", name.as_str()).await?;
    Ok(lines(source.export(Exported::User(name)).await?))
}

/// Lines as they come. What breaks off is told by the connection, which ends without an end.
pub(super) fn lines(lines: ExportLines) -> Response {
    let body = stream::unfold(lines, |mut lines| async {
        lines.recv().await.map(|next| (next, lines))
    });
    ([(header::CONTENT_TYPE, JSON_LINES)], Body::from_stream(body)).into_response()
}

/// What a change came to, where all that can be said is that it is done.
pub(super) async fn put_through<S: Source>(source: &S, by: By, operation: Operation) -> Told<()> {
    source.operate(operator(by), operation).await?;
    Ok(Json(()))
}

fn server_role(word: &str) -> Result<ServerRole, Refused> {
    let words = || ServerRole::ALL.map(ServerRole::as_str).join(", ");
    ServerRole::named(word).ok_or_else(|| {
        Refused::new(
            code::BAD_REQUEST,
            format!("\"{word}\" is no role: the roles are {}", words()),
        )
    })
}

/// The name of an account that is there, or was.
pub(super) fn name_of(state: &Chat, user: UserId) -> String {
    state
        .user(user)
        .map_or_else(UserName::deleted, |user| user.name.clone())
        .to_string()
}
