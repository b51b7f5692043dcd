//! What is tried with the nodes of the cluster.

use proptest::prelude::{BoxedStrategy, Strategy, any};
use proptest::{option, prop_oneof};
use quorate_core::{
    AdmitNode, Authority, CreateToken, DeviceId, LogIndex, NodeId, Reach, RosterOperation, Span, State, TokenId,
    TokenKey,
};

use super::{nth, valid};

/// Log indexes that are tried as tokens and as what was seen: those of the first entries.
const INDEXES: u64 = 40;

pub(super) fn operations() -> BoxedStrategy<RosterOperation> {
    let flag = any::<bool>;
    let create = || {
        (0..2_u8, 0..1_000_000_u64, 0..4_u32, flag()).prop_map(|(key, lasts, uses, votes)| CreateToken {
            key: TokenKey([key; 32]),
            lasts: Span(lasts),
            uses,
            votes,
        })
    };
    let seen = || (0..INDEXES).prop_map(LogIndex);
    prop_oneof![
        4 => flag().prop_map(|with_ca| RosterOperation::Found {
            name: "prod".to_owned(),
            authority: with_ca.then(|| Authority {
                cert: "cert".to_owned(),
                sealed_key: "00".to_owned(),
                lineage: String::new(),
                retiring: None,
            }),
            nodes: vec![NodeId(1), NodeId(2)],
        }),
        4 => create().prop_map(RosterOperation::CreateToken),
        1 => create().prop_map(RosterOperation::RotateTokens),
        1 => (0..INDEXES).prop_map(|token| RosterOperation::RevokeToken(TokenId(token))),
        12 => (0..INDEXES, 0..2_u8, 0..8_u8, option::of(flag())).prop_map(|(token, token_key, node_key, votes)| {
            RosterOperation::AdmitNode(AdmitNode {
                token: TokenId(token),
                token_key: TokenKey([token_key; 32]),
                node_key: DeviceId([node_key; 32]),
                reach: reach(),
                votes,
            })
        }),
        2 => nodes().prop_map(RosterOperation::SettleNode),
        3 => (nodes(), flag(), seen()).prop_map(|(node, votes, seen)| RosterOperation::SetVoting { node, votes, seen }),
        2 => (nodes(), flag()).prop_map(|(node, drained)| RosterOperation::SetDrained { node, drained }),
        3 => (nodes(), option::of(nodes()), seen())
            .prop_map(|(node, replaced_by, seen)| RosterOperation::RemoveNode { node, replaced_by, seen }),
        3 => (nodes(), seen()).prop_map(|(node, seen)| RosterOperation::MoveNode { node, reach: reach(), seen }),
        1 => option::of(nodes()).prop_map(|to| RosterOperation::TransferLeader { to }),
        1 => option::of(nodes()).prop_map(|node| RosterOperation::RenewCerts { node }),
        2 => (ca(), ca()).prop_map(|(instead_of, cert)| RosterOperation::RotateCa {
            instead_of,
            cert,
            sealed_key: "01".to_owned(),
            lineage: "lineage".to_owned(),
        }),
        2 => ca().prop_map(|present| RosterOperation::RetireCa { present }),
        1 => option::of(flag()).prop_map(|on| RosterOperation::SetHandBack { on }),
    ]
    .boxed()
}

/// What is asked, mostly about what is there and by who has looked.
pub(super) fn aimed(state: &State, mut operation: RosterOperation) -> RosterOperation {
    match &mut operation {
        RosterOperation::RevokeToken(token) => *token = aimed_token(state, *token),
        RosterOperation::AdmitNode(admit) => {
            admit.token = aimed_token(state, admit.token);
            if let Some((_, found)) = state.join_tokens().find(|(token, _)| *token == admit.token) {
                admit.token_key = found.key;
            }
        }
        RosterOperation::SetVoting { seen, .. }
        | RosterOperation::RemoveNode { seen, .. }
        | RosterOperation::MoveNode { seen, .. } => {
            let changed_at = state.roster().map(|roster| roster.changed_at);
            *seen = changed_at.filter(|_| !seen.0.is_multiple_of(4)).unwrap_or(*seen);
        }
        RosterOperation::RotateCa { instead_of, cert, .. } => {
            let present = state.authority().map(|authority| authority.cert.clone());
            if let Some(present) = present.filter(|_| instead_of != cert) {
                *instead_of = present;
            }
        }
        RosterOperation::RetireCa { present } => {
            *present = state
                .authority()
                .map_or_else(String::new, |authority| authority.cert.clone());
        }
        _ => {}
    }
    operation
}

fn aimed_token(state: &State, token: TokenId) -> TokenId {
    let tokens: Vec<TokenId> = state.join_tokens().map(|(id, _)| id).collect();
    let aimed = nth(&tokens, usize::try_from(token.0).unwrap_or_default());
    aimed.filter(|_| !token.0.is_multiple_of(4)).unwrap_or(token)
}

fn nodes() -> impl Strategy<Value = NodeId> {
    (1..5_u64).prop_map(NodeId)
}

fn ca() -> impl Strategy<Value = String> {
    (0..3_u8).prop_map(|which| ["cert", "second", "third"][usize::from(which)].to_owned())
}

fn reach() -> Reach {
    Reach {
        peer: valid("h:7401"),
        client: valid("h:7400"),
    }
}
