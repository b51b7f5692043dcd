//! The cluster's CA in operators' hands: shown, handed out, and replaced by another.
//!
//! A rotation is one entry in the log. From it on each node gets itself a certificate of the new CA ([`renew`](super::renew)),
//! and believes those of both. A node that was away meanwhile comes to the new CA by its lineage, as clients do. When all nodes
//! have such a certificate, the leader retires the CA before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use quorate_adminapi::{CaKey, CaReport, NodeCa};
use quorate_certs::{CaFingerprint, ClusterCa, ClusterKek};
use quorate_core::{Actor, Authority, Command, NodeId, Operate, Operation, Operator, Refusal, RosterOperation};
use quorate_protocol::relay::End;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::pulse::Pulse;
use super::source::NodeSource;
use crate::admin::{AdminError, CaSource, Source};
use crate::relay::Relay;
use crate::store::Reader;

/// How often the leader looks whether the CA before is still in use, while there is one.
const PERIOD: Duration = Duration::from_secs(1);
/// How long the entry that retires it may take; else it is tried again.
const RETIRE_DEADLINE: Duration = Duration::from_secs(5);

impl CaSource for NodeSource {
    async fn ca(&self) -> Result<CaReport, AdminError> {
        let authority = self.authority()?;
        let used = used(&self.desk.pulse).await;
        let present = CaFingerprint::of_cert_pem(&authority.cert);
        let nodes = members(&self.facts.reader).into_iter().map(|id| {
            let ca = used.get(&id);
            NodeCa {
                id,
                ca: ca.map(ToString::to_string),
                is_present: ca.is_some() && ca == present.as_ref(),
            }
        });
        let told = |cert: &str| {
            CaFingerprint::of_cert_pem(cert)
                .map(|ca| ca.to_string())
                .unwrap_or_default()
        };
        Ok(CaReport {
            fingerprint: told(&authority.cert),
            retiring: authority.retiring.as_deref().map(told),
            nodes: nodes.collect(),
        })
    }

    async fn rotate_ca(&self, by: Operator) -> Result<CaReport, AdminError> {
        self.founded_at().await?;
        let authority = self.authority()?;
        let (ca, kek) = self.open(&authority)?;
        let identity = self.facts.identity.current();
        let cluster = identity.cluster_id();
        let made = ca.succeed(cluster, &authority.lineage);
        let (heir, lineage) = made.map_err(|error| AdminError::Failed(format!("no CA could be made: {error}")))?;
        let operation = RosterOperation::RotateCa {
            instead_of: authority.cert,
            cert: heir.cert_pem().to_owned(),
            sealed_key: kek.seal(cluster, &heir),
            lineage,
        };
        self.put_through(by, Operation::Roster(operation)).await?;
        self.ca().await
    }

    async fn export_ca(&self, by: Operator) -> Result<CaKey, AdminError> {
        self.founded_at().await?;
        let authority = self.authority()?;
        let (ca, _) = self.open(&authority)?;
        // First: what is handed out and stands nowhere would be worse than the other way round.
        self.note(by, "ca.export", &ca.fingerprint().to_string()).await?;
        Ok(CaKey {
            fingerprint: ca.fingerprint().to_string(),
            cert: ca.cert_pem().to_owned(),
            key: ca.key_pem().to_string(),
            lineage: authority.lineage,
        })
    }
}

impl NodeSource {
    /// What links and tokens carry: while nodes may still show the CA before, that one, which leads to both.
    pub(super) fn ca_for_others(&self) -> CaFingerprint {
        let retiring = self
            .facts
            .reader
            .with_state(|state| state.authority().and_then(|authority| authority.retiring.clone()));
        let retiring = retiring.as_deref().and_then(CaFingerprint::of_cert_pem);
        retiring.unwrap_or_else(|| self.facts.identity.current().ca_fingerprint())
    }

    fn authority(&self) -> Result<Authority, AdminError> {
        let authority = self.facts.reader.with_state(|state| state.authority().cloned());
        authority.ok_or_else(|| Refusal::NoAuthority.into())
    }

    fn open(&self, authority: &Authority) -> Result<(ClusterCa, &ClusterKek), AdminError> {
        let no = |why: &str| AdminError::Impossible(why.to_owned());
        let kek = self
            .kek
            .as_ref()
            .ok_or_else(|| no("this node was not given the key to the cluster's CA: ask another"))?;
        let identity = self.facts.identity.current();
        let ca = kek.open(identity.cluster_id(), &authority.cert, &authority.sealed_key);
        let ca = ca.map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the cluster's CA cannot be opened"
            );
            no("the cluster's CA cannot be opened on this node: ask another")
        })?;
        Ok((ca, kek))
    }
}

/// Whose certificate each node uses that answers, this one included.
async fn used(pulse: &Pulse) -> BTreeMap<NodeId, CaFingerprint> {
    let heard = pulse.ask().await;
    let others = heard
        .into_iter()
        .filter_map(|(id, heard)| Some((id, heard?.vitals.ca?.parse().ok()?)));
    let own = (pulse.node, pulse.identity.current().ca_fingerprint());
    others.chain([own]).collect()
}

/// The nodes that are of the cluster, arrived or not.
fn members(reader: &Reader) -> Vec<NodeId> {
    reader.with_state(|state| {
        let present = state.nodes().filter(|(_, node)| !node.is_removed());
        present.map(|(id, _)| id).collect()
    })
}

/// On the leader: retires the CA before the present one when no node uses it any more. For as long as there is Raft.
pub(super) async fn retire(
    relay: Arc<Relay>,
    reader: Reader,
    pulse: Arc<Pulse>,
    leads: watch::Receiver<bool>,
    by: Operator,
) {
    loop {
        sleep(PERIOD).await;
        if leads.has_changed().is_err() {
            return;
        }
        if !*leads.borrow() {
            continue;
        }
        let rotating = |authority: &&Authority| authority.retiring.is_some();
        let Some(authority) = reader.with_state(|state| state.authority().filter(rotating).cloned()) else {
            continue;
        };
        let (used, present) = (used(&pulse).await, CaFingerprint::of_cert_pem(&authority.cert));
        if present.is_none() || members(&reader).iter().any(|id| used.get(id).copied() != present) {
            continue;
        }
        let operation = Operation::Roster(RosterOperation::RetireCa {
            present: authority.cert,
        });
        let command = Command::Operate(Operate {
            by,
            operation,
            // The node itself, as in what the steward writes down.
            actor: Actor::default(),
        });
        if let End::Applied { outcome: Ok(_), .. } = relay.submit(&command, Instant::now() + RETIRE_DEADLINE).await {
            tracing::info!("all nodes have certificates of the new CA; the one before is retired");
        }
    }
}
