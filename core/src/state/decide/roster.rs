//! What operators and nodes ask about the nodes of the cluster.

use crate::{
    AdmitNode, Authority, Bound, CreateToken, Done, Event, JOIN_TOKEN_USES_MAX, JOIN_TOKENS_MAX, LogIndex,
    NODES_EVER_MAX, NODES_MAX, Node, NodeId, NodeStanding, Operator, Reach, Refusal, RosterEvent, RosterOperation,
    State, StateEvent, Timestamp, TokenId, TokenKey,
};

use super::{Decision, room_for_one_more};

/// The token that was made with this key.
pub(super) fn done_before(state: &State, operation: &RosterOperation) -> Option<Done> {
    let RosterOperation::CreateToken(command) = operation else {
        return None;
    };
    let (token, found) = state.join_tokens().find(|(_, token)| token.key == command.key)?;
    Some(Done::TokenCreated {
        token,
        expires_at: found.expires_at,
    })
}

pub(super) fn operate(state: &State, index: LogIndex, by: Operator, operation: &RosterOperation) -> Decision {
    match operation {
        RosterOperation::Found { name, authority, nodes } => found(state, index, name, authority.as_ref(), nodes),
        RosterOperation::CreateToken(command) => create_token(state, index, by, command, false),
        RosterOperation::RotateTokens(command) => create_token(state, index, by, command, true),
        RosterOperation::RevokeToken(token) => revoke_token(state, *token),
        RosterOperation::AdmitNode(command) => admit(state, by, command),
        RosterOperation::SettleNode(node) => {
            let found = state.nodes.get(node).ok_or(Refusal::UnknownNode)?;
            let open = found.standing == NodeStanding::Admitted || found.moving.is_some();
            Ok(decided(
                open && !found.is_removed(),
                RosterEvent::NodeSettled { node: *node },
            ))
        }
        RosterOperation::SetVoting { node, votes, seen } => set_voting(state, index, *node, *votes, *seen),
        RosterOperation::SetDrained { node, drained } => {
            let found = present(state, *node)?;
            let event = RosterEvent::DrainedSet {
                node: *node,
                drained: *drained,
            };
            Ok(decided(found.drained != *drained, event))
        }
        RosterOperation::RemoveNode {
            node,
            replaced_by,
            seen,
        } => remove(state, index, *node, *replaced_by, *seen),
        RosterOperation::MoveNode { node, reach, seen } => relocate(state, index, *node, reach, *seen),
        RosterOperation::RenewCerts { node } => renew(state, *node),
        RosterOperation::RotateCa {
            instead_of,
            cert,
            sealed_key,
            lineage,
        } => rotate_ca(state, instead_of, cert, sealed_key, lineage),
        RosterOperation::RetireCa { present } => {
            let authority = state.authority().ok_or(Refusal::NoAuthority)?;
            let is_meant = authority.cert == *present && authority.retiring.is_some();
            Ok(decided(is_meant, RosterEvent::CaRetired))
        }
        RosterOperation::SetHandBack { on } => {
            // Before the founders are written down there is nothing to keep it in.
            let roster = state.roster().ok_or(Refusal::NodesChanged)?;
            Ok(decided(roster.hand_back != *on, RosterEvent::HandBackSet { on: *on }))
        }
        RosterOperation::TransferLeader { to } => {
            if let Some(to) = to {
                present(state, *to)?;
            }
            Ok((Done::Changed, Vec::new()))
        }
    }
}

fn found(state: &State, index: LogIndex, name: &str, authority: Option<&Authority>, nodes: &[NodeId]) -> Decision {
    let known = state.roster();
    let kept = known.and_then(|roster| roster.authority.as_ref());
    let authority = kept.or(authority);
    // Founders are written down once: who was removed since, or came later, is not theirs to say.
    let nodes = match known {
        Some(_) => Vec::new(),
        None => nodes.to_vec(),
    };
    let differs = known.is_none() || kept != authority;
    let event = RosterEvent::Founded {
        name: known.map_or_else(|| name.to_owned(), |roster| roster.name.clone()),
        authority: authority.cloned(),
        nodes,
        at: index,
    };
    Ok(decided(differs, event))
}

fn create_token(state: &State, index: LogIndex, by: Operator, command: &CreateToken, rotate: bool) -> Decision {
    if state.authority().is_none() {
        return Err(Refusal::NoAuthority);
    }
    if !(1..=JOIN_TOKEN_USES_MAX).contains(&command.uses) {
        return Err(Refusal::TooMany {
            what: Bound::JoinTokens,
            max: JOIN_TOKEN_USES_MAX,
        });
    }
    // Those that have run out go when another is made, so that no sweep is needed for so few.
    let ended = state
        .join_tokens()
        .filter(|(_, token)| rotate || token.is_over(state.now()));
    let mut events: Vec<Event> = ended
        .map(|(token, _)| told(RosterEvent::TokenEnded { token }))
        .collect();
    room_for_one_more(
        state.join_tokens.len() - events.len(),
        JOIN_TOKENS_MAX,
        Bound::JoinTokens,
    )?;
    let token = TokenId(index.0);
    let expires_at = Timestamp(state.now().0.saturating_add(command.lasts.0));
    events.push(told(RosterEvent::TokenCreated {
        token,
        key: command.key,
        expires_at,
        uses: command.uses,
        votes: command.votes,
        by,
    }));
    Ok((Done::TokenCreated { token, expires_at }, events))
}

fn revoke_token(state: &State, token: TokenId) -> Decision {
    if !state.join_tokens.contains_key(&token) {
        return Err(Refusal::UnknownToken);
    }
    Ok((Done::Changed, vec![told(RosterEvent::TokenEnded { token })]))
}

fn admit(state: &State, by: Operator, command: &AdmitNode) -> Decision {
    // By its key: that it was let in once counts, whatever has become of the token since.
    if let Some((node, found)) = state.node_by_key(&command.node_key) {
        return match found.is_removed() {
            true => Err(Refusal::NodeRemoved),
            false => Ok((Done::NodeAdmitted { node }, Vec::new())),
        };
    }
    if state.authority().is_none() {
        return Err(Refusal::NoAuthority);
    }
    let token = state.join_tokens.get(&command.token).ok_or(Refusal::UnknownToken)?;
    if !same(&token.key, &command.token_key) {
        return Err(Refusal::UnknownToken);
    }
    if token.is_over(state.now()) {
        return Err(Refusal::TokenExpired);
    }
    if token.uses_left == 0 {
        return Err(Refusal::TokenUsedUp);
    }
    let votes = command.votes.unwrap_or(token.votes);
    if votes && !token.votes {
        return Err(Refusal::NotAllowed);
    }
    let present = state.nodes.values().filter(|node| !node.is_removed()).count();
    room_for_one_more(present, NODES_MAX, Bound::Nodes)?;
    room_for_one_more(state.nodes.len(), NODES_EVER_MAX, Bound::NodesEver)?;
    let node = state.nodes.last_key_value().map_or(NodeId(1), |(last, _)| last.next());
    let used = told(RosterEvent::TokenUsed { token: command.token });
    let admitted = told(RosterEvent::NodeAdmitted {
        node,
        key: command.node_key,
        token: command.token,
        reach: command.reach.clone(),
        votes,
        by,
    });
    Ok((Done::NodeAdmitted { node }, vec![used, admitted]))
}

fn set_voting(state: &State, index: LogIndex, node: NodeId, votes: bool, seen: LogIndex) -> Decision {
    let found = present(state, node)?;
    if found.votes == votes {
        return Ok((Done::Unchanged, Vec::new()));
    }
    as_seen(state, seen)?;
    let at = index;
    Ok((Done::Changed, vec![told(RosterEvent::VotingSet { node, votes, at })]))
}

fn remove(state: &State, index: LogIndex, node: NodeId, heir: Option<NodeId>, seen: LogIndex) -> Decision {
    let found = state.nodes.get(&node).ok_or(Refusal::UnknownNode)?;
    if found.is_removed() {
        return Ok((Done::Unchanged, Vec::new()));
    }
    if let Some(heir) = heir {
        present(state, heir)?;
        if heir == node {
            return Err(Refusal::NotAllowed);
        }
    }
    as_seen(state, seen)?;
    let removed = RosterEvent::NodeRemoved {
        node,
        replaced_by: heir,
        at: index,
    };
    Ok((Done::Changed, vec![told(removed)]))
}

fn relocate(state: &State, index: LogIndex, node: NodeId, reach: &Reach, seen: LogIndex) -> Decision {
    let found = present(state, node)?;
    if found.moving.as_ref() == Some(reach) {
        return Ok((Done::Unchanged, Vec::new()));
    }
    as_seen(state, seen)?;
    let moved = RosterEvent::NodeMoved {
        node,
        reach: reach.clone(),
        at: index,
    };
    Ok((Done::Changed, vec![told(moved)]))
}

fn renew(state: &State, node: Option<NodeId>) -> Decision {
    if state.authority().is_none() {
        return Err(Refusal::NoAuthority);
    }
    if let Some(node) = node {
        present(state, node)?;
    }
    let meant = state
        .nodes
        .iter()
        .filter(|(id, found)| !found.is_removed() && node.is_none_or(|node| node == **id));
    let nodes = meant.map(|(id, _)| *id).collect();
    Ok((Done::Changed, vec![told(RosterEvent::CertsWanted { nodes })]))
}

/// One at a time: a node may be believed for two CAs, and not for three.
fn rotate_ca(state: &State, instead_of: &str, cert: &str, sealed_key: &str, lineage: &str) -> Decision {
    let present = state.authority().ok_or(Refusal::NoAuthority)?;
    if present.cert == cert {
        return Ok((Done::Unchanged, Vec::new()));
    }
    if present.retiring.is_some() {
        return Err(Refusal::CaRotating);
    }
    if present.cert != instead_of {
        return Err(Refusal::NodesChanged);
    }
    let authority = Authority {
        cert: cert.to_owned(),
        sealed_key: sealed_key.to_owned(),
        lineage: lineage.to_owned(),
        retiring: Some(present.cert.clone()),
    };
    Ok((Done::Changed, vec![told(RosterEvent::CaRotated { authority })]))
}

/// A node that is of the cluster.
fn present(state: &State, node: NodeId) -> Result<&Node, Refusal> {
    let found = state.nodes.get(&node).ok_or(Refusal::UnknownNode)?;
    match found.is_removed() {
        true => Err(Refusal::NodeRemoved),
        false => Ok(found),
    }
}

/// Whoever decides on a membership must have seen the present one: two operators who each remove the node that may go would
/// else remove one too many.
fn as_seen(state: &State, seen: LogIndex) -> Result<(), Refusal> {
    let changed_at = state.roster().map(|roster| roster.changed_at);
    match changed_at == Some(seen) {
        true => Ok(()),
        false => Err(Refusal::NodesChanged),
    }
}

/// Looks at all bytes whatever they are, so that time tells nothing.
fn same(one: &TokenKey, other: &TokenKey) -> bool {
    let bytes = one.0.iter().zip(other.0);
    bytes.fold(0, |differs, (one, other)| differs | (one ^ other)) == 0
}

fn decided(differs: bool, event: RosterEvent) -> (Done, Vec<Event>) {
    match differs {
        true => (Done::Changed, vec![told(event)]),
        false => (Done::Unchanged, Vec::new()),
    }
}

const fn told(event: RosterEvent) -> Event {
    Event::State(StateEvent::Roster(event))
}
