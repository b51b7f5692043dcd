//! A node whose data directory is empty, and whose config names no cluster file: it waits to be told whether it founds a
//! cluster or joins one, and then begins as any other does.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use quorate_adminapi::{InitRequest, Initialised, JoinRequest, JoinedCluster, LogLevel, MemberRole, Setting, Version};
use quorate_certs::JoinToken;
use quorate_core::Operator;
use quorate_formation::{NodeSpec, check_roster};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::level::Level;
use super::run::{Signals, What, bind_metrics, until};
use super::telemetry::set_level;
use super::{NodeError, notify, place};
use crate::admin::{self, AdminError, AdminSocket, MetricsSnapshot, Newcomer, Panel, TelemetryError};
use crate::config::Config;
use crate::join::{self, Application, NotAdmitted};

/// How long the cluster to join may take to let this node in. Below the admin API's own deadline.
const JOIN_DEADLINE: Duration = Duration::from_secs(7);

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// There is a node here now.
    Formed,
    /// It was told to stop.
    Stopped,
}

/// Waits for `init` or `join`, or for the signal that ends the daemon.
///
/// # Errors
/// It cannot wait: the socket or a port is taken.
pub(super) async fn wait(config: &Config, settings: Vec<Setting>, level: Arc<Level>) -> Result<Ended, NodeError> {
    let socket = AdminSocket::bind(&config.node.admin_socket)?;
    // So that a port in use is told now, and not once a cluster counts on this node.
    for (port, addr) in [("client", config.listen.client), ("peer", config.listen.peer)] {
        std::net::UdpSocket::bind(addr).map_err(|source| NodeError::Bind { port, addr, source })?;
    }
    let metrics = bind_metrics(config).await?;
    let (formed, is_formed) = watch::channel(false);
    let waiting = Arc::new(Waiting {
        config: config.clone(),
        settings,
        level,
        turn: Mutex::new(()),
        formed,
    });
    let (stop, stopped) = watch::channel(false);
    let mut serving = JoinSet::new();
    if let Some(listener) = metrics {
        let newcomer = Arc::clone(&waiting);
        serving.spawn(admin::serve_newcomer_metrics(
            listener,
            newcomer,
            until(stopped.clone()),
        ));
    }
    serving.spawn(admin::serve_newcomer(socket, waiting, until(stopped)));
    let mut signals = Signals::new().map_err(NodeError::Signals)?;
    tracing::info!(
        socket = %config.node.admin_socket.display(),
        "this node belongs to no cluster yet: it waits for chatctl cluster init, or chatctl cluster join"
    );
    notify::ready();
    let watched = tokio::spawn(notify::keep_waiting());
    let mut is_formed = is_formed;
    let ended = loop {
        tokio::select! {
            // An error cannot be: the sender lives as long as the server.
            _ = is_formed.wait_for(|formed| *formed) => break Ended::Formed,
            signal = signals.wait() => match signal {
                What::Stop => break Ended::Stopped,
                // It has read nothing yet that could have changed.
                What::Reload => {}
            },
        }
    };
    watched.abort();
    if ended == Ended::Stopped {
        notify::stopping();
    }
    // Whoever asked gets the answer; then the sockets are free for the node.
    stop.send_replace(true);
    while serving.join_next().await.is_some() {}
    Ok(ended)
}

/// The node as operators see it meanwhile.
struct Waiting {
    config: Config,
    settings: Vec<Setting>,
    level: Arc<Level>,
    /// One of them at a time.
    turn: Mutex<()>,
    formed: watch::Sender<bool>,
}

impl Waiting {
    /// Runs what makes a node here, unless another has been faster.
    async fn form<T>(&self, form: impl Future<Output = Result<T, AdminError>>) -> Result<T, AdminError> {
        let _turn = self.turn.lock().await;
        if *self.formed.borrow() {
            return Err(AdminError::Impossible(
                "this node belongs to a cluster already".to_owned(),
            ));
        }
        let made = form.await?;
        self.formed.send_replace(true);
        Ok(made)
    }
}

impl Panel for Waiting {
    fn settings(&self) -> Vec<Setting> {
        self.settings.clone()
    }

    fn log_level(&self) -> LogLevel {
        self.level.get()
    }

    fn set_log_level(&self, level: &str, lasting: Option<Duration>) -> Result<LogLevel, TelemetryError> {
        set_level(&self.level, level, lasting)
    }
}

impl Newcomer for Waiting {
    async fn init(&self, by: Operator, asked: InitRequest) -> Result<Initialised, AdminError> {
        self.form(async {
            let reach = place::own_reach(&self.config).map_err(not_here)?;
            let spec = NodeSpec {
                id: self.config.node.id.unwrap_or(quorate_core::NodeId(1)),
                client_addr: parsed(reach.client.as_str())?,
                peer_addr: parsed(reach.peer.as_str())?,
            };
            check_roster(&asked.name, &[spec]).map_err(|error| AdminError::Impossible(error.to_string()))?;
            let (config, name) = (self.config.clone(), asked.name.clone());
            let founded = tokio::task::spawn_blocking(move || place::found(&config, &name, by)).await;
            let (cluster, node) = founded.expect("it does not panic").map_err(not_here)?;
            tracing::info!(%cluster, %node, uid = by.uid, "a new cluster is founded");
            Ok(Initialised {
                id: cluster.to_string(),
                name: asked.name,
                node,
                peer_addr: reach.peer.to_string(),
            })
        })
        .await
    }

    async fn join(&self, by: Operator, asked: JoinRequest) -> Result<JoinedCluster, AdminError> {
        self.form(async {
            if let Some(id) = self.config.node.id {
                return Err(AdminError::NotHere(format!(
                    "the config of this node says that it is node {id}, and a node that joins gets its id from the cluster"
                )));
            }
            let token: JoinToken = asked.token.parse().map_err(|error| AdminError::NotAdmitted {
                code: "bad-token".to_owned(),
                message: format!("{error}"),
            })?;
            let data_dir = self.config.node.data_dir.clone();
            let application = Application {
                addrs: asked.addrs,
                token,
                key: place::joiner_key(&data_dir).map_err(not_here)?,
                reach: place::own_reach(&self.config).map_err(not_here)?,
                votes: asked.role.map(|role| role == MemberRole::Voter),
                uid: by.uid,
            };
            let admission = join::ask(&application, Instant::now() + JOIN_DEADLINE)
                .await
                .map_err(not_admitted)?;
            let joined = JoinedCluster {
                id: admission.cluster.to_string(),
                name: admission.name.clone(),
                node: admission.node,
                role: if admission.votes {
                    MemberRole::Voter
                } else {
                    MemberRole::Learner
                },
            };
            let settled =
                tokio::task::spawn_blocking(move || place::settle(&data_dir, &application.key, &admission)).await;
            settled.expect("it does not panic").map_err(not_here)?;
            tracing::info!(cluster = joined.id, node = %joined.node, uid = by.uid, "the cluster has let this node in");
            Ok(joined)
        })
        .await
    }

    fn version(&self) -> Version {
        Version {
            program: "chatd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Of this process alone: what a cluster would tell is left out.
    fn metrics(&self) -> MetricsSnapshot {
        MetricsSnapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..MetricsSnapshot::default()
        }
    }
}

fn parsed(text: &str) -> Result<quorate_formation::NodeAddr, AdminError> {
    text.parse()
        .map_err(|error| AdminError::NotHere(format!("{text}: {error}")))
}

fn not_here(error: NodeError) -> AdminError {
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    AdminError::NotHere(causes.map(ToString::to_string).collect::<Vec<_>>().join(": "))
}

fn not_admitted(error: NotAdmitted) -> AdminError {
    let message = error.to_string();
    match error {
        NotAdmitted::Refused { code, message } => AdminError::NotAdmitted { code, message },
        NotAdmitted::OtherCa { .. } => AdminError::WrongCa(message),
        NotAdmitted::NobodyAnswered { .. } => AdminError::NobodyAnswered(message),
    }
}
