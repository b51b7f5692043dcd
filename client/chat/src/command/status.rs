//! Where this device is connected.

use quorate_client::{Client, DEADLINE};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output;

pub(super) async fn servers(client: &Client, json: bool) -> Result<(), Exit> {
    let session = client.connected(DEADLINE).await?;
    let mut rows: Vec<(Value, Vec<String>)> = Vec::new();
    for (node, addr) in &session.nodes {
        let connected = *node == session.node;
        let leads = client.leader() == Some(*node);
        let object = json!({"node": node.0, "addr": addr, "connected": connected, "leader": leads});
        let marks = match (connected, leads) {
            (true, true) => "connected, leader",
            (true, false) => "connected",
            (false, true) => "leader",
            (false, false) => "",
        };
        rows.push((object, vec![node.to_string(), addr.clone(), marks.to_owned()]));
    }
    output::rows(json, rows)
}

pub(super) async fn status(client: &Client, json: bool) -> Result<(), Exit> {
    let session = client.connected(DEADLINE).await?;
    let state = client.connection().state;
    let rtt_ms = session.rtt.as_secs_f64() * 1000.0;
    let user = client.user();
    let object = json!({
        "node": session.node.0,
        "addr": session.addr,
        "version": session.version,
        "cluster": session.cluster,
        "leader": client.leader().map(|leader| leader.0),
        "rtt_ms": rtt_ms,
        "state": state.as_str(),
        "user": user.as_ref().map(ToString::to_string),
    });
    let leader = match client.leader() {
        Some(leader) => format!("node {leader} leads"),
        None => "nobody leads".to_owned(),
    };
    let who = user.map_or_else(|| "nobody".to_owned(), |user| user.to_string());
    let text = format!(
        "{} to node {} at {} ({rtt_ms:.1} ms), {leader}; cluster {}, version {}; logged in: {who}",
        state.as_str(),
        session.node,
        session.addr,
        session.cluster,
        session.version,
    );
    output::either(json, &object, &text)
}
