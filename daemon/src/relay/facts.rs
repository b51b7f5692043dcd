//! What nodes say of themselves, asked one by one for an operator.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{DeviceId, LogIndex, NodeId};
use quorate_protocol::Frame;
use quorate_protocol::relay::{AskDevices, AskFacts, AskHashes, Devices, Facts, Hashes, frame, kind, parse};
use quorate_transport::{Alpn, Priority};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::peer::Links;

/// How long a node may take to answer before it counts as down.
const FACTS_DEADLINE: Duration = Duration::from_millis(1500);

/// Asks one node how it is; `None` when it does not answer.
pub async fn ask_facts(links: &Arc<Links>, node: NodeId) -> Option<Facts> {
    let question = frame(kind::ASK_FACTS, &AskFacts { call: 0 });
    ask(links, node, &question, kind::FACTS).await
}

/// Asks one node for the hashes of the chat state that it has noted, by index; `None` when it does not answer.
pub async fn ask_hashes(links: &Arc<Links>, node: NodeId) -> Option<Vec<(LogIndex, u128)>> {
    let question = frame(kind::ASK_HASHES, &AskHashes { call: 0 });
    let Hashes { noted, .. } = ask(links, node, &question, kind::HASHES).await?;
    Some(noted)
}

/// Asks one node how many sessions each of these devices has there; `None` when it does not answer.
pub async fn ask_devices(links: &Arc<Links>, node: NodeId, devices: Vec<DeviceId>) -> Option<Vec<u32>> {
    let question = frame(kind::ASK_DEVICES, &AskDevices { call: 0, devices });
    let Devices { sessions, .. } = ask(links, node, &question, kind::DEVICES).await?;
    Some(sessions)
}

/// Asks on a stream of its own.
async fn ask<A: DeserializeOwned>(links: &Arc<Links>, node: NodeId, question: &Frame, kind: u16) -> Option<A> {
    let asked = async {
        let connection = links.connection(node, Alpn::Relay).await.ok()?;
        let (mut sender, mut receiver) = connection.open(Priority::Normal).await.ok()?;
        sender.send(question).await.ok()?;
        let answer = receiver.recv().await.ok()??;
        let _ = sender.finish();
        if answer.kind != kind {
            return None;
        }
        parse(&answer).ok()
    };
    timeout(FACTS_DEADLINE, asked).await.ok().flatten()
}
