//! Tells the cluster where this node is reached, where nothing else could: a restored node is the only member of a cluster
//! that was made without knowing on which machine it would run.

use std::net::SocketAddr;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_formation::NodeAddr;
use tokio::time::{Instant, sleep};

use crate::config::Listen;
use crate::consensus::types::NodeAddrs;
use crate::consensus::{Consensus, View};

/// How long a change of the membership may take.
const CHANGE_DEADLINE: Duration = Duration::from_secs(5);
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Waits until this node leads without being known by any addr, and makes its config's known. Ends when there is
/// nothing to do.
pub(super) async fn tell(consensus: Consensus, listen: Listen) {
    let node = consensus.node_id();
    let mut view = consensus.view();
    loop {
        let settled = |view: &View| addrs_of(view, node).is_some_and(|addrs| !addrs.peer.is_empty());
        let leads = |view: &View| view.leader == Some(node) && addrs_of(view, node).is_some();
        let Ok(seen) = view
            .wait_for(|view| settled(view) || leads(view))
            .await
            .map(|view| view.clone())
        else {
            return;
        };
        if settled(&seen) {
            return;
        }
        let Some(addrs) = advertised(&listen) else {
            tracing::warn!(
                "nobody can be told where this node is: set listen.advertise_client and listen.advertise_peer, and start again"
            );
            return;
        };
        match consensus.set_addrs(node, addrs, Instant::now() + CHANGE_DEADLINE).await {
            Ok(_) => return,
            Err(error) => tracing::warn!(%error, "this node's addrs are not known yet"),
        }
        sleep(AGAIN_AFTER).await;
    }
}

fn addrs_of(view: &View, node: NodeId) -> Option<&NodeAddrs> {
    view.members.get(&node).map(|member| &member.addrs)
}

/// What the config says, or where the sockets are, if that is a place that others can dial.
fn advertised(listen: &Listen) -> Option<NodeAddrs> {
    let addr = |told: &Option<NodeAddr>, socket: SocketAddr| match told {
        Some(told) => Some(told.to_string()),
        None if socket.ip().is_unspecified() => None,
        None => Some(NodeAddr::from(socket).to_string()),
    };
    Some(NodeAddrs {
        peer: addr(&listen.advertise_peer, listen.peer)?,
        client: addr(&listen.advertise_client, listen.client)?,
    })
}

/// Where the config says that others reach this node, whom the cluster knows by these addrs. A node without an advertised addr
/// is where it listens, unless it is known by a name or listens everywhere: then the config says nothing else.
pub(super) fn configured(listen: &Listen, known: &NodeAddrs) -> NodeAddrs {
    let addr = |told: &Option<NodeAddr>, socket: SocketAddr, known: &str| match told {
        Some(told) => told.to_string(),
        None if socket.ip().is_unspecified() || known.parse::<SocketAddr>().is_err() => known.to_owned(),
        None => NodeAddr::from(socket).to_string(),
    };
    NodeAddrs {
        peer: addr(&listen.advertise_peer, listen.peer, &known.peer),
        client: addr(&listen.advertise_client, listen.client, &known.client),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_that_says_nothing_else_is_no_other_place() {
        let known = |host: &str| NodeAddrs {
            peer: format!("{host}:7401"),
            client: format!("{host}:7400"),
        };
        assert_eq!(configured(&listen("[::]"), &known("10.0.0.1")), known("10.0.0.1"));
        assert_eq!(configured(&listen("10.0.0.2"), &known("h1")), known("h1"));
        assert_eq!(configured(&listen("10.0.0.2"), &known("10.0.0.1")), known("10.0.0.2"));
        let moved = Listen {
            advertise_peer: Some("h2:7401".parse().unwrap()),
            ..listen("[::]")
        };
        assert_eq!(configured(&moved, &known("h1")).peer, "h2:7401");
        assert_eq!(configured(&moved, &known("h1")).client, "h1:7400");
    }

    fn listen(ip: &str) -> Listen {
        Listen {
            client: format!("{ip}:7400").parse().unwrap(),
            peer: format!("{ip}:7401").parse().unwrap(),
            advertise_client: None,
            advertise_peer: None,
        }
    }

    #[test]
    fn an_addr_that_means_here_to_everyone_is_told_to_nobody() {
        assert_eq!(advertised(&listen("0.0.0.0")), None);
        assert_eq!(advertised(&listen("[::]")), None);
        let told = advertised(&listen("10.0.0.1")).unwrap();
        assert_eq!(
            (told.client.as_str(), told.peer.as_str()),
            ("10.0.0.1:7400", "10.0.0.1:7401")
        );
        let told = advertised(&Listen {
            advertise_client: Some("h1:7400".parse().unwrap()),
            advertise_peer: Some("h1:7401".parse().unwrap()),
            ..listen("[::]")
        });
        assert_eq!(told.unwrap().peer, "h1:7401");
    }
}
