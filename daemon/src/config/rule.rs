//! What must hold between keys.

use super::model::Config;

/// A rule that does not hold: the keys that it is about, the one to change first, and what to say.
pub(super) struct Breach {
    pub(super) keys: &'static [(&'static str, &'static str)],
    pub(super) message: String,
    pub(super) suggestion: Option<String>,
}

/// So many heartbeats may get lost before an election: fewer, and a hiccup of the network deposes a leader.
const HEARTBEATS_AN_ELECTION: u32 = 4;

/// The rules that do not hold.
pub(super) fn breaches(config: &Config) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let (heartbeat, election) = (config.raft.heartbeat_interval, config.raft.election_timeout);
    if election < heartbeat * HEARTBEATS_AN_ELECTION {
        let (least, most) = (heartbeat * HEARTBEATS_AN_ELECTION, election / HEARTBEATS_AN_ELECTION);
        let shown = quorate_adminapi::format_duration;
        breaches.push(Breach {
            keys: &[("raft", "election_timeout"), ("raft", "heartbeat_interval")],
            message: format!(
                "raft.election_timeout ({}) must be at least {HEARTBEATS_AN_ELECTION} times raft.heartbeat_interval ({})",
                shown(election),
                shown(heartbeat)
            ),
            suggestion: Some(format!("raise it to \"{}\" or lower the other to \"{}\"", shown(least), shown(most))),
        });
    }
    let (client, peer) = (config.listen.client, config.listen.peer);
    let same_ip = client.ip() == peer.ip() || client.ip().is_unspecified() || peer.ip().is_unspecified();
    if client.port() == peer.port() && client.port() != 0 && same_ip {
        breaches.push(Breach {
            keys: &[("listen", "peer"), ("listen", "client")],
            message: format!("listen.client ({client}) and listen.peer ({peer}) are the same UDP port"),
            suggestion: client
                .port()
                .checked_add(1)
                .map(|port| format!("give one of them another port, like {port}")),
        });
    }
    if config.cluster.file.is_some() && config.node.id.is_none() {
        breaches.push(Breach {
            keys: &[("cluster", "file")],
            message: "cluster.file is given, but not which of its nodes this is".to_owned(),
            suggestion: Some("set node.id".to_owned()),
        });
    }
    breaches
}
