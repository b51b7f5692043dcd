//! Made-up clusters for the tests of the rules.

use quorate_core::{LogIndex, NodeId};

use crate::member::{Member, MemberRole, MemberState};
use crate::status::{Cluster, Status};
use crate::time::UtcTime;
use crate::vitals::Vitals;

/// So many voters, of which these are down; n1 answers, the highest of the others leads. All certificates are good for 20 days
/// from the beginning of time.
pub(crate) fn status(voters: u64, down: &[u64]) -> Status {
    let leader = (1..=voters).rev().find(|id| !down.contains(id));
    let member = |id: u64| Member {
        id: NodeId(id),
        role: MemberRole::Voter,
        state: if down.contains(&id) {
            MemberState::Down
        } else {
            MemberState::Up
        },
        is_leader: leader == Some(id),
        peer_addr: format!("h{id}:7401"),
        client_addr: format!("h{id}:7400"),
        version: Some("0.1.0".to_owned()).filter(|_| !down.contains(&id)),
        matched: Some(LogIndex(918)),
        applied: Some(LogIndex(918)),
        lag: Some(0),
        last_contact_ms: Some(18),
        sessions: Some(112),
        disk_bytes: Some(123_456),
        cert_expires: Some(UtcTime::from_unix_ms(20 * 86_400_000)),
        vitals: Vitals::default(),
    };
    let nodes: Vec<Member> = (1..=voters).map(member).collect();
    Status {
        cluster: Cluster::of("abcdefghijklmnop".into(), "ops".into(), 4, Some(LogIndex(918)), &nodes),
        nodes,
        this_node: NodeId(1),
        stale: false,
        warnings: Vec::new(),
    }
}
