//! The life of a node, from top to bottom.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use quorate_adminapi::EventKind;
use quorate_certs::NodeSecrets;
use quorate_core::State;
use quorate_transport::{CloseCode, Limits as PortLimits, Listener, Port};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::build::{self, Ground};
use super::drain::Drain;
use super::facts::FactSheet;
use super::level::Level;
use super::measure::Measure;
use super::pulse::Pulse;
use super::reload::{Reload, rates, sessions_per_address};
use super::source::NodeSource;
use super::telemetry::Desk;
use super::trace::Traces;
use super::witness::Witness;
use super::{NodeError, ca, farewell, notify, own_addrs, renew, view, waiting};
use crate::admin::{self, AdminSocket};
use crate::chronicle::Chronicle;
use crate::config::{self, Config, Flags, Registration};
use crate::consensus::{Consensus, ConsensusConfig};
use crate::janitor;
use crate::join::{Gate, GateParts};
use crate::peer::{self, AddressBook, Enrolment, Links, Local, PeerHandlers};
use crate::presence::{self, Board};
use crate::relay::{
    Clock, DevicesSource, FactsSource, HashesSource, Listeners, Relay, Server, Sources, VitalsSource, keep_clock,
};
use crate::search::Search;
use crate::session::{self, Cluster, Counters, Exports, Limits, Passwords, Services};
use crate::steward::Steward;

/// The file in the data directory that lets stateless resets survive a restart.
const SECRETS_FILE: &str = "endpoint.key";
/// The directory in the data directory that holds the search index.
const SEARCH_DIR: &str = "search";
/// How often a node that waits for others says so.
const WAITING_INTERVAL: Duration = Duration::from_secs(5);

/// Runs the node until a signal, a storage error or the cluster ends it.
///
/// # Errors
/// Why it did not begin, or why it had to end.
pub async fn run(file: PathBuf, flags: Flags, config: Config, traces: Traces) -> Result<(), NodeError> {
    // As it was when the config was made of it, which was a moment ago.
    let settings = config::settings(Some(&file), &config::environment(), &flags).unwrap_or_default();
    let chronicle = Arc::new(Chronicle::default());
    let level = Level::new(traces, config.log.level.clone(), Arc::clone(&chronicle));
    let looked = config.clone();
    let vacant = tokio::task::spawn_blocking(move || build::is_vacant(&looked)).await;
    // Its end is that of the start: it is ready, or it fails.
    let mut starting = JoinSet::new();
    if vacant.expect("it does not panic")? {
        if waiting::wait(&config, settings.clone(), Arc::clone(&level)).await? == waiting::Ended::Stopped {
            return Ok(());
        }
    } else {
        starting.spawn(notify::extend_start());
    }
    // The data first: nothing is bound or said before it is sure whose they are.
    let laid = config.clone();
    let ground = tokio::task::spawn_blocking(move || build::lay(&laid))
        .await
        .expect("it does not panic")?;
    let Ground {
        identity,
        node,
        formation,
        founding,
        kek,
        hub,
        store,
    } = ground;
    let secrets = NodeSecrets::load_or_create(&config.node.data_dir.join(SECRETS_FILE))?;

    // Sockets before Raft, so that an address in use is told before anything is sent. The admin socket
    // too: while the node waits for its peers, an operator can ask it for whom.
    let admin_socket = AdminSocket::bind(&config.node.admin_socket)?;
    let peers = bind(Port::Peer, &config, &identity, &secrets)?;
    let clients = bind(Port::Client, &config, &identity, &secrets)?;
    let metrics = bind_metrics(&config).await?;
    let dialer = peers.handle().peer_dialer().expect("the peer port dials");
    let local = Arc::new(Local::new(store.identity(), store.log()));
    let links = Links::new(dialer, AddressBook::default(), Arc::clone(&local));

    let consensus = Consensus::start(
        ConsensusConfig {
            node_id: node,
            heartbeat_interval: config.raft.heartbeat_interval,
            election_timeout: config.raft.election_timeout,
            snapshot_entries: config.raft.snapshot_entries,
            keep_entries: config.raft.keep_entries,
            hand_back: config.raft.hand_back,
            formation,
        },
        &store,
        Arc::clone(&local),
        Arc::clone(&links),
    )
    .await?;
    let clock = Clock::new(node, store.reader().with_state(State::now));
    tokio::spawn(keep_clock(clock.clone(), Arc::clone(&links), consensus.view()));
    let relay = Relay::start(node, consensus.clone(), clock.clone(), Arc::clone(&links));
    let board = Board::new(config.presence.enabled);
    let listening = board.clone();
    let listeners: Listeners = Arc::new(move |peer| listening.listener(peer));

    let (draining, is_draining) = watch::channel(false);
    let counters = Arc::new(Counters::default());
    let facts = FactSheet {
        view: consensus.view(),
        reader: store.reader(),
        identity: identity.clone(),
        counters: Arc::clone(&counters),
        draining: is_draining.clone(),
    };
    let sheet = facts.clone();
    let own_facts: FactsSource = Arc::new(move || sheet.now());
    let hashed = store.reader();
    let hashes: HashesSource = Arc::new(move || hashed.state_hashes());
    let (client_port, peer_port) = (clients.handle(), peers.handle());
    let measure = Arc::new(Measure {
        began: Instant::now(),
        data_dir: config.node.data_dir.clone(),
        log: store.log(),
        counters: Arc::clone(&counters),
        relay: Arc::clone(&relay),
        identity: identity.clone(),
        sockets: [("client", client_port.clone()), ("peer", peer_port.clone())],
        looked: Mutex::default(),
    });
    let measured = Arc::clone(&measure);
    let own_vitals: VitalsSource = Arc::new(move || measured.vitals());
    let attached = Arc::clone(&hub);
    let devices: DevicesSource =
        Arc::new(move |devices| devices.iter().map(|device| attached.sessions_of(device)).collect());
    let sources = Sources {
        facts: own_facts,
        vitals: own_vitals,
        hashes,
        devices,
    };
    let handlers = PeerHandlers {
        raft: consensus.stream_handler(),
        relay: Arc::new(Server::new(consensus.clone(), clock, sources, listeners)),
        join: Some(Arc::new(Gate::new(GateParts {
            cluster: store.identity().cluster.clone(),
            kek: kek.clone(),
            consensus: consensus.clone(),
            relay: Arc::clone(&relay),
            reader: store.reader(),
        }))),
    };
    tracing::info!(
        %node,
        cluster = %store.identity().cluster,
        clients = %config.listen.client,
        peers = %config.listen.peer,
        "listening"
    );
    tokio::spawn(peer::serve(peers, Arc::clone(&local), Arc::clone(&links), handlers));

    let limits = Arc::new(Limits::new(rates(&config.limits)));
    let (cluster, cluster_seen) = watch::channel(Cluster::default());
    tokio::spawn(view::follow(consensus.view(), cluster, view::cluster));
    let (others, others_seen) = watch::channel(BTreeSet::new());
    tokio::spawn(view::follow(consensus.view(), others, move |view| {
        view::others(view, node)
    }));
    tokio::spawn(presence::speak(board.clone(), Arc::clone(&links), others_seen));
    let (leads, leads_seen) = watch::channel(false);
    tokio::spawn(view::follow(consensus.view(), leads, move |view| {
        view.leader == Some(node)
    }));
    let pulse = Arc::new(Pulse {
        node,
        measure,
        links: Arc::clone(&links),
        view: consensus.view(),
        identity: identity.clone(),
        chronicle: Arc::clone(&chronicle),
        heard: Mutex::default(),
    });
    tokio::spawn(Arc::clone(&pulse).keep());
    tokio::spawn(ca::retire(
        Arc::clone(&relay),
        store.reader(),
        Arc::clone(&pulse),
        leads_seen.clone(),
        founding.by,
    ));
    let name = founding.name.clone();
    let steward = Steward {
        consensus: consensus.clone(),
        relay: Arc::clone(&relay),
        reader: store.reader(),
        local: Arc::clone(&local),
        founding,
    };
    tokio::spawn(renew::keep(
        config.node.data_dir.clone(),
        identity.clone(),
        kek.clone(),
        store.reader(),
    ));
    tokio::spawn(steward.keep());
    let follows_drain = tokio::spawn(farewell::follow_drain(node, store.reader(), draining.clone()));
    let removed = farewell::removed(node, Arc::clone(&local), store.reader(), consensus.view());
    tokio::spawn(janitor::keep(Arc::clone(&relay), store.reader(), leads_seen));
    let (search, search_keeper) = if config.search.enabled {
        let dir = config.node.data_dir.join(SEARCH_DIR);
        let (search, keeper) = Search::start(dir, store.reader(), hub.watch_applied());
        (search, Some(keeper))
    } else {
        (Search::off(), None)
    };
    // As many hashes at once as there are cores: more would only wait for each other. One pool for users and operators.
    let passwords = Passwords::new(std::thread::available_parallelism().map_or(1, usize::from));
    let services = Services {
        cluster_id: store.identity().cluster.to_string(),
        node,
        relay: Arc::clone(&relay),
        reader: store.reader(),
        hub: Arc::clone(&hub),
        cluster: cluster_seen,
        draining: is_draining,
        limits: Arc::clone(&limits),
        passwords: passwords.clone(),
        registration: registration(config.accounts.registration),
        board: board.clone(),
        search,
        counters: Arc::clone(&counters),
        ca: settled_ca(&identity),
    };
    tokio::spawn(session::listen(clients, Arc::new(services)));

    let witness = Arc::new(Witness::default());
    tokio::spawn(Arc::clone(&witness).keep(consensus.view(), Arc::clone(&chronicle)));
    let reload = Arc::new(Reload {
        file,
        flags,
        level: Arc::clone(&level),
        identity,
        limits,
        clients: client_port.clone(),
        chronicle: Arc::clone(&chronicle),
        settings: Mutex::new(settings),
    });
    let source = Arc::new(NodeSource {
        node,
        cluster_id: store.identity().cluster.to_string(),
        name,
        consensus: consensus.clone(),
        relay,
        links: Arc::clone(&links),
        local: Arc::clone(&local),
        facts,
        log: store.log(),
        desk: Desk {
            chronicle: Arc::clone(&chronicle),
            witness,
            pulse,
            level,
            reload: Arc::clone(&reload),
        },
        backups: store.backups(),
        kek,
        passwords,
        exports: Exports::new(store.reader(), board),
        hub,
        listen: config.listen.clone(),
    });
    let (stop, stopped) = watch::channel(false);
    let admin = tokio::spawn(admin::serve_admin(
        admin_socket,
        Arc::clone(&source),
        until(stopped.clone()),
    ));
    if let Some(listener) = metrics {
        tokio::spawn(admin::serve_metrics(listener, source, until(stopped)));
    }

    // From here on a signal drains. Until here it ends the process at once, which has promised
    // nothing yet and may be loading a large state.
    let mut signals = Signals::new().map_err(NodeError::Signals)?;
    starting.shutdown().await;
    notify::ready();
    tokio::spawn(notify::keep(consensus.clone()));
    tokio::spawn(tell_waiting(Arc::clone(&local)));
    tokio::spawn(own_addrs::tell(consensus.clone(), config.listen.clone()));

    chronicle.note(
        EventKind::Started,
        node,
        format!("n{node} has begun, chatd {}", env!("CARGO_PKG_VERSION")),
    );
    let failure = store.failure();
    let drain = Drain {
        draining,
        consensus,
        clients: client_port,
        peers: peer_port,
        counters,
        search: search_keeper,
    };
    let mut removed = std::pin::pin!(removed);
    let why = loop {
        tokio::select! {
            signal = signals.wait() => match signal {
                What::Stop => break None,
                What::Reload => {
                    notify::reloading();
                    // What is wrong has been told, and all is as it was.
                    let _ = reload.run();
                    notify::ready();
                }
            },
            error = failure.wait() => break Some(NodeError::Storage(error)),
            cause = drain.consensus.stopped() => break Some(NodeError::Stopped(cause)),
            why = &mut removed => {
                // In good order and without a fault, so that nothing starts it again.
                tracing::warn!("{why}");
                break None;
            }
        }
    };
    // From here on it drains for good.
    follows_drain.abort();
    notify::stopping();
    // Besides the rest: whoever asks for the status now asks another node.
    chronicle.note(EventKind::Stopping, node, format!("n{node} is about to end"));
    chronicle.close();
    stop.send_replace(true);
    let result = match why {
        None => drain.run(store).await.map_err(NodeError::Storage),
        Some(error) => {
            tracing::error!(%error, "the node ends");
            drain.end(CloseCode::Internal).await;
            // What failed is told already; a second error of the same store tells nothing new.
            let _ = store.shutdown().await;
            Err(error)
        }
    };
    let _ = admin.await;
    result
}

/// The listener for metrics, if there is to be one.
pub(super) async fn bind_metrics(config: &Config) -> Result<Option<TcpListener>, NodeError> {
    let Some(addr) = config.metrics.listen else {
        return Ok(None);
    };
    let bound = TcpListener::bind(addr).await;
    bound.map(Some).map_err(|source| NodeError::Bind {
        port: "metrics",
        addr,
        source,
    })
}

fn bind(
    port: Port,
    config: &Config,
    identity: &quorate_certs::SharedIdentity,
    secrets: &NodeSecrets,
) -> Result<Listener, NodeError> {
    let (name, addr) = match port {
        Port::Client => ("client", config.listen.client),
        Port::Peer => ("peer", config.listen.peer),
    };
    let mut limits = PortLimits::of(port);
    if port == Port::Client {
        limits.sessions_per_address = sessions_per_address(&config.limits);
    }
    Listener::bind(port, addr, identity.clone(), secrets, limits).map_err(|source| NodeError::Bind {
        port: name,
        addr,
        source,
    })
}

/// The CA is settled once no other is believed beside it.
fn settled_ca(identity: &quorate_certs::SharedIdentity) -> session::SettledCa {
    let identity = identity.clone();
    session::SettledCa(Box::new(move || {
        let present = identity.current();
        (present.roots().len() == 1).then(|| present.ca_fingerprint().to_string())
    }))
}

fn registration(config: Registration) -> session::Registration {
    match config {
        Registration::Open => session::Registration::Open,
        Registration::Invite => session::Registration::Invite,
        Registration::Closed => session::Registration::Closed,
    }
}

/// Says for whom the node waits, again and again, until it is enrolled.
async fn tell_waiting(local: Arc<Local>) {
    let enrolment = local.enrolment();
    loop {
        let Enrolment::Waiting { for_ } = enrolment.borrow().clone() else {
            return;
        };
        if !for_.is_empty() {
            let names: Vec<_> = for_.iter().map(|node| format!("node {node}")).collect();
            notify::status(&format!("waiting for {}", names.join(", ")));
        }
        tokio::time::sleep(WAITING_INTERVAL).await;
    }
}

pub(super) async fn until(mut stopped: watch::Receiver<bool>) {
    // An error is the end too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn wait(&mut self) -> What {
        tokio::select! {
            _ = self.terminate.recv() => What::Stop,
            _ = self.interrupt.recv() => What::Stop,
            _ = self.hang_up.recv() => What::Reload,
        }
    }
}

pub(super) enum What {
    Stop,
    Reload,
}
