//! What is asked about the nodes of the cluster.

use quorate_core::{
    AdmitNode, Authority, CreateToken, DeviceId, LogIndex, NodeId, NodeStanding, Reach, RosterOperation, Span, State,
    TokenId, TokenKey,
};

use crate::line::Line;

use super::DAY_MS;
use super::word::{bytes, number, valid};

/// What an operator or a node asks, by what is known: `seen=N` says what an operator who looked earlier saw.
pub(super) fn operation(state: &State, words: &[&str], line: &Line) -> Option<RosterOperation> {
    let changed_at = state.roster().map_or(LogIndex(0), |roster| roster.changed_at);
    let seen = line.number("seen").map_or(changed_at, LogIndex);
    let node = |text: &str| NodeId(number(text));
    let token = |word: &str| {
        let mut tokens = state.join_tokens();
        let found = tokens.find(|(_, token)| token.key == TokenKey(bytes(word)));
        found.map_or(TokenId(0), |(id, _)| id)
    };
    let create = |word: &str, votes| CreateToken {
        key: TokenKey(bytes(word)),
        lasts: Span(line.number("days").unwrap_or(1) * DAY_MS),
        uses: u32::try_from(line.number("uses").unwrap_or(1)).expect("a few uses"),
        votes,
    };
    let reach = || Reach {
        peer: valid("h:7401"),
        client: valid("h:7400"),
    };
    let admit = |key: &str, with: &str, votes| {
        RosterOperation::AdmitNode(AdmitNode {
            token: line.number("token").map_or_else(|| token(with), TokenId),
            token_key: TokenKey(bytes(with)),
            node_key: DeviceId(bytes(key)),
            reach: reach(),
            votes,
        })
    };
    let vote = |id, votes| RosterOperation::SetVoting {
        node: node(id),
        votes,
        seen,
    };
    let remove = |id, replaced_by: Option<&str>| RosterOperation::RemoveNode {
        node: node(id),
        replaced_by: replaced_by.map(node),
        seen,
    };
    let drain = |id, drained| RosterOperation::SetDrained {
        node: node(id),
        drained,
    };
    Some(match *words {
        ["nodes", ref ids @ .., "found", "the", "cluster"] => found(ids.iter().map(|id| node(id)).collect(), true),
        ["nodes", ref ids @ .., "meet"] => found(ids.iter().map(|id| node(id)).collect(), false),
        ["operator", "makes", "token", word] => RosterOperation::CreateToken(create(word, true)),
        ["operator", "makes", "learners", "token", word] => RosterOperation::CreateToken(create(word, false)),
        ["operator", "rotates", "tokens", "to", word] => RosterOperation::RotateTokens(create(word, true)),
        ["operator", "revokes", "token", word] => RosterOperation::RevokeToken(token(word)),
        [key, "joins", "with", with] => admit(key, with, None),
        [key, "joins", "as", "voter", "with", with] => admit(key, with, Some(true)),
        ["leader", "settles", id] => RosterOperation::SettleNode(node(id)),
        ["operator", "promotes", id] => vote(id, true),
        ["operator", "demotes", id] => vote(id, false),
        ["operator", "drains", id] => drain(id, true),
        ["operator", "undrains", id] => drain(id, false),
        ["operator", "removes", "node", id] => remove(id, None),
        ["operator", "replaces", id, "by", heir] => remove(id, Some(heir)),
        ["operator", "moves", id] => RosterOperation::MoveNode {
            node: node(id),
            reach: reach(),
            seen,
        },
        ["operator", "renews", "all"] => RosterOperation::RenewCerts { node: None },
        ["operator", "renews", id] => RosterOperation::RenewCerts { node: Some(node(id)) },
        ["operator", "rotates", "the", "CA", "to", to] => RosterOperation::RotateCa {
            instead_of: line
                .options
                .get("instead-of")
                .cloned()
                .unwrap_or_else(|| present_ca(state)),
            cert: to.to_owned(),
            sealed_key: "00".to_owned(),
            lineage: "lineage".to_owned(),
        },
        ["leader", "retires", "the", "CA", "before", present] => RosterOperation::RetireCa {
            present: present.to_owned(),
        },
        ["operator", "turns", "hand-back", word] => RosterOperation::SetHandBack {
            on: match word {
                "on" => Some(true),
                "off" => Some(false),
                _ => None,
            },
        },
        ["operator", "wants", id, "to", "lead"] => RosterOperation::TransferLeader { to: Some(node(id)) },
        _ => return None,
    })
}

pub(super) fn answer(state: &State, words: &[&str]) -> Option<String> {
    Some(match *words {
        ["node", id] => {
            let Some(node) = state.node(NodeId(number(id))) else {
                return Some("unknown".to_owned());
            };
            let standing = match node.standing {
                NodeStanding::Admitted => "admitted",
                NodeStanding::Member => "member",
                NodeStanding::Removed { .. } => "removed",
            };
            let may = if node.may_lead() { "may lead" } else { "may not lead" };
            let since = match node.cert_since.0 {
                0 => String::new(),
                since => format!(", cert since {since}"),
            };
            format!("{standing}, {may}{since}")
        }
        ["CA"] => state.authority().map_or_else(
            || "none".to_owned(),
            |authority| match &authority.retiring {
                Some(before) => format!("{}, after {before}", authority.cert),
                None => authority.cert.clone(),
            },
        ),
        ["hand-back"] => format!("{:?}", state.roster().and_then(|roster| roster.hand_back)),
        ["tokens"] => state.join_tokens().count().to_string(),
        ["changed", "at"] => state.roster().map_or(0, |roster| roster.changed_at.0).to_string(),
        _ => return None,
    })
}

fn present_ca(state: &State) -> String {
    state
        .authority()
        .map_or_else(String::new, |authority| authority.cert.clone())
}

fn found(nodes: Vec<NodeId>, with_ca: bool) -> RosterOperation {
    RosterOperation::Found {
        name: "prod".to_owned(),
        authority: with_ca.then(|| Authority {
            cert: "cert".to_owned(),
            sealed_key: "00".to_owned(),
            lineage: String::new(),
            retiring: None,
        }),
        nodes,
    }
}
