//! A network in between: every datagram to a node goes through here, and can be lost or late on its way.
//!
//! Each node is announced under an address of this process, which passes on to where the node listens. Nodes dial from the
//! port on which they listen, so the sender of a datagram is known by its source; all others count as clients.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use tokio::net::UdpSocket;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use crate::Seed;

/// The longest datagram that UDP knows.
const DATAGRAM_MAX_BYTES: usize = 65_535;
/// Senders to one address; what comes from others is lost.
const FLOWS_MAX: usize = 1024;
/// Datagrams that are late at once; what comes beyond is lost, as in a router.
const LATE_MAX: usize = 10_000;

/// One end of a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// A node.
    Node(u64),
    /// All clients.
    Clients,
}

/// What happens to datagrams on a way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// The chance of each to be lost, 0 to 1.
    pub loss: f64,
    /// The least that each takes.
    pub delay: Duration,
    /// Up to so much more, evenly: datagrams overtake each other.
    pub jitter: Duration,
}

impl Weather {
    /// Nothing happens to them.
    pub const FAIR: Self = Self {
        loss: 0.0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
    };
    /// None arrives.
    pub const CUT: Self = Self {
        loss: 1.0,
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
    };
}

/// The network. Dropped, nothing passes any more.
#[derive(Debug)]
pub struct Net {
    runtime: Runtime,
    sky: Arc<Sky>,
}

/// Where a node is announced, and where it listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) announced: SocketAddr,
    pub(crate) listens: SocketAddr,
}

#[derive(Debug)]
struct Sky {
    weather: Mutex<HashMap<(End, End), Weather>>,
    dice: Mutex<StdRng>,
    late: Arc<Semaphore>,
    /// How often all clients have got other addresses.
    moves: AtomicU64,
}

/// The way of one sender's datagrams to where the node listens, and of the answers back.
struct Flow {
    socket: Arc<UdpSocket>,
    /// After which move of the clients it began.
    moves: u64,
    answers: AbortHandle,
}

/// One announced address.
struct Gate {
    sky: Arc<Sky>,
    way: Way,
    to: End,
    /// Who dials from where, of those that are not clients.
    known: HashMap<SocketAddr, End>,
}

impl Net {
    /// A network without addresses yet, and fair weather.
    ///
    /// # Panics
    /// No thread can be started.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let sky = Sky {
            weather: Mutex::default(),
            dice: Mutex::new(seed.dice()),
            late: Arc::new(Semaphore::new(LATE_MAX)),
            moves: AtomicU64::new(0),
        };
        Self {
            runtime,
            sky: Arc::new(sky),
        }
    }

    /// Sets the weather on one way, one direction.
    pub fn set(&self, from: End, to: End, weather: Weather) {
        self.sky.table().insert((from, to), weather);
    }

    /// Sets the weather between all of `some` and all of `others`, both directions.
    pub fn between(&self, some: &[End], others: &[End], weather: Weather) {
        for one in some {
            for other in others {
                self.set(*one, *other, weather);
                self.set(*other, *one, weather);
            }
        }
    }

    /// From now on the nodes see all clients at other addresses, as when a router forgets whom it translates: what is sent to
    /// the old ones is lost.
    pub fn move_clients(&self) {
        self.sky.moves.fetch_add(1, Ordering::SeqCst);
    }

    /// Fair weather everywhere.
    pub fn heal(&self) {
        self.sky.table().clear();
    }

    /// Begins to pass on what comes to an announced address.
    pub(crate) fn open(&self, way: Way, to: End, known: HashMap<SocketAddr, End>) {
        let gate = Gate {
            sky: Arc::clone(&self.sky),
            way,
            to,
            known,
        };
        let socket = self
            .runtime
            .block_on(UdpSocket::bind(way.announced))
            .unwrap_or_else(|error| panic!("{} cannot be bound: {error}", way.announced));
        self.runtime.spawn(gate.serve(Arc::new(socket)));
    }
}

impl Gate {
    async fn serve(self, entry: Arc<UdpSocket>) {
        let mut flows: HashMap<SocketAddr, Flow> = HashMap::new();
        let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
        loop {
            let Ok((len, source)) = entry.recv_from(&mut buffer).await else {
                continue;
            };
            let from = self.known.get(&source).copied().unwrap_or(End::Clients);
            let moves = self.sky.moves.load(Ordering::SeqCst);
            let is_current = |flow: &Flow| from != End::Clients || flow.moves == moves;
            if !flows.get(&source).is_some_and(is_current) {
                if flows.len() >= FLOWS_MAX {
                    continue;
                }
                let Some(flow) = self.begin_flow(&entry, source, from, moves).await else {
                    continue;
                };
                if let Some(old) = flows.insert(source, flow) {
                    old.answers.abort();
                }
            }
            let socket = &flows[&source].socket;
            self.sky.pass((from, self.to), socket, &buffer[..len], self.way.listens);
        }
    }

    /// A socket of its own for each sender, so that answers find back.
    async fn begin_flow(&self, entry: &Arc<UdpSocket>, source: SocketAddr, from: End, moves: u64) -> Option<Flow> {
        let socket = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.ok()?);
        // A socket that was just made does not know yet that it can send: the first datagram would be lost, and a second with it.
        socket.writable().await.ok()?;
        let (sky, entry, answers) = (Arc::clone(&self.sky), Arc::clone(entry), Arc::clone(&socket));
        let (listens, back) = (self.way.listens, (self.to, from));
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; DATAGRAM_MAX_BYTES];
            loop {
                match answers.recv_from(&mut buffer).await {
                    Ok((len, sender)) if sender == listens => sky.pass(back, &entry, &buffer[..len], source),
                    _ => {}
                }
            }
        });
        Some(Flow {
            socket,
            moves,
            answers: task.abort_handle(),
        })
    }
}

impl Sky {
    fn table(&self) -> std::sync::MutexGuard<'_, HashMap<(End, End), Weather>> {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a datagram on, or late, or not at all.
    fn pass(&self, way: (End, End), socket: &Arc<UdpSocket>, datagram: &[u8], to: SocketAddr) {
        let weather = self.table().get(&way).copied().unwrap_or(Weather::FAIR);
        let (lost, share) = {
            let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
            (dice.random_bool(weather.loss), dice.random::<f64>())
        };
        if lost {
            return;
        }
        let delay = weather.delay + weather.jitter.mul_f64(share);
        if delay.is_zero() {
            // A full buffer loses it, as a full buffer does.
            let _ = socket.try_send_to(datagram, to);
            return;
        }
        let Ok(place) = Arc::clone(&self.late).try_acquire_owned() else {
            return;
        };
        let (socket, datagram) = (Arc::clone(socket), datagram.to_vec());
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = socket.try_send_to(&datagram, to);
            drop(place);
        });
    }
}
