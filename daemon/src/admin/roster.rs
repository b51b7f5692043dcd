//! What operators do with nodes: tokens that let them in, changes of what they are, another leader.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use quorate_adminapi::{
    ChangeReport, ChangeRequest, CreatedToken, HandBackRequest, MemberChange, MemberRole, NewToken, RenewRequest,
    Token, TokenState, TransferRequest, TransferredTo, code,
};
use quorate_core::{JoinToken, NodeId, Operation, Operator, RosterOperation, TokenId};
use serde::Deserialize;

use super::ca::CaSource;
use super::reply::Refused;
use super::rule::{Asked, By, Told, at, operator};
use super::source::AdminError;

/// What is asked of the node about nodes, beyond [`CaSource`].
pub trait RosterSource: CaSource {
    /// This node.
    fn own_id(&self) -> NodeId;

    /// Makes a token and shows it.
    fn make_token(
        &self,
        by: Operator,
        asked: NewToken,
    ) -> impl Future<Output = Result<CreatedToken, AdminError>> + Send;

    /// Looks whether a change of a node is safe, and puts it through the log.
    fn change_node(
        &self,
        by: Operator,
        node: NodeId,
        asked: ChangeRequest,
    ) -> impl Future<Output = Result<ChangeReport, AdminError>> + Send;

    /// Has leadership handed on.
    fn transfer(
        &self,
        by: Operator,
        to: Option<NodeId>,
    ) -> impl Future<Output = Result<TransferredTo, AdminError>> + Send;
}

pub(super) fn token_routes<S: RosterSource>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/tokens", get(tokens::<S>).post(create_token::<S>))
        .route("/v1/tokens/{id}", delete(revoke_token::<S>))
}

pub(super) fn routes<S: RosterSource>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/members/{id}/change", post(change::<S>))
        .route("/v1/leader/transfer", post(transfer::<S>))
        .route("/v1/leader/hand-back", post(hand_back::<S>))
        .route("/v1/certs/renew", post(renew::<S>))
        .route("/v1/cluster/leave", post(leave::<S>))
        .route("/v1/cluster/init", post(formed))
        .route("/v1/cluster/join", post(formed))
}

async fn tokens<S: RosterSource>(State(source): State<Arc<S>>) -> Json<Vec<Token>> {
    let rows = source.look(|state| {
        let now = state.now();
        let row = |(id, token): (TokenId, &JoinToken)| Token {
            id,
            role: role(token.votes),
            state: match token {
                token if token.uses_left == 0 => TokenState::Used,
                token if token.is_over(now) => TokenState::Expired,
                _ => TokenState::Open,
            },
            created_at: at(token.created_at),
            expires_at: at(token.expires_at),
            uses: token.uses,
            uses_left: token.uses_left,
            by_uid: token.by.uid,
        };
        state.join_tokens().map(row).collect()
    });
    Json(rows)
}

async fn create_token<S: RosterSource>(
    State(source): State<Arc<S>>,
    by: By,
    asked: Asked<NewToken>,
) -> Told<CreatedToken> {
    let Json(asked) = asked?;
    Ok(Json(source.make_token(operator(by), asked).await?))
}

async fn revoke_token<S: RosterSource>(State(source): State<Arc<S>>, by: By, Path(id): Path<String>) -> Told<()> {
    let id: TokenId = id
        .parse()
        .map_err(|_| Refused::new(code::BAD_REQUEST, format!("\"{id}\" is no token id")))?;
    let operation = Operation::Roster(RosterOperation::RevokeToken(id));
    source.operate(operator(by), operation).await?;
    Ok(Json(()))
}

async fn change<S: RosterSource>(
    State(source): State<Arc<S>>,
    by: By,
    Path(id): Path<String>,
    asked: Asked<ChangeRequest>,
) -> Told<ChangeReport> {
    let Json(asked) = asked?;
    let id: NodeId = id
        .parse()
        .map_err(|_| Refused::new(code::BAD_REQUEST, format!("\"{id}\" is no node id")))?;
    Ok(Json(source.change_node(operator(by), id, asked).await?))
}

/// The body of `POST /v1/cluster/leave`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeaveRequest {
    #[serde(default)]
    force: bool,
    #[serde(default)]
    dry_run: bool,
}

async fn leave<S: RosterSource>(
    State(source): State<Arc<S>>,
    by: By,
    asked: Asked<LeaveRequest>,
) -> Told<ChangeReport> {
    let Json(LeaveRequest { force, dry_run }) = asked?;
    let asked = ChangeRequest {
        change: MemberChange::Leave,
        force,
        dry_run,
    };
    Ok(Json(source.change_node(operator(by), source.own_id(), asked).await?))
}

async fn transfer<S: RosterSource>(
    State(source): State<Arc<S>>,
    by: By,
    asked: Asked<TransferRequest>,
) -> Told<TransferredTo> {
    let Json(TransferRequest { to }) = asked?;
    Ok(Json(source.transfer(operator(by), to).await?))
}

async fn hand_back<S: RosterSource>(State(source): State<Arc<S>>, by: By, asked: Asked<HandBackRequest>) -> Told<()> {
    let Json(HandBackRequest { on }) = asked?;
    let operation = Operation::Roster(RosterOperation::SetHandBack { on });
    source.operate(operator(by), operation).await?;
    Ok(Json(()))
}

async fn renew<S: RosterSource>(State(source): State<Arc<S>>, by: By, asked: Asked<RenewRequest>) -> Told<()> {
    let Json(RenewRequest { node }) = asked?;
    let operation = Operation::Roster(RosterOperation::RenewCerts { node });
    source.operate(operator(by), operation).await?;
    Ok(Json(()))
}

async fn formed() -> Refused {
    Refused::new(code::ALREADY_FORMED, "this node belongs to a cluster already")
        .hint("chatctl status shows it; to begin anew, leave it and empty the data directory")
}

const fn role(votes: bool) -> MemberRole {
    match votes {
        true => MemberRole::Voter,
        false => MemberRole::Learner,
    }
}
