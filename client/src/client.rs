//! The client: opened with a profile, closed when the program is done, and all that can be asked through it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use quorate_certs::CaFingerprint;
use quorate_core::{DeviceId, NodeId, UserName};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::connection::{Connection, Notices};
use crate::dial::Dialler;
use crate::failover;
use crate::profile::Profile;
use crate::seen::Seen;
use crate::shared::{OutboxKind, Shared};
use crate::{OpenError, RequestError};

/// How long a request is tried for, unless it says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How much a process that is killed may forget of what it has seen.
const KEEP_SEEN_INTERVAL: Duration = Duration::from_secs(1);

/// How a client is opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Where messages that are not sent yet are kept.
    pub outbox: OutboxKind,
}

/// A connection to the cluster, by whichever node answers. Cheap to clone; when the last clone is dropped, the session
/// ends. Opening waits for nobody: requests wait until there is a session, up to their deadlines.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    device: DeviceId,
    options: Options,
    /// Keeps the session.
    running: Arc<Mutex<Option<JoinHandle<()>>>>,
    /// When everything asked through this clone is over.
    ends_at: Option<Instant>,
    _last: Arc<CloseOnDrop>,
}

#[derive(Debug)]
struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What is known about the session in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// With which node.
    pub node: NodeId,
    /// Where it was dialled.
    pub addr: String,
    /// The node's version.
    pub version: String,
    /// The cluster's id.
    pub cluster: String,
    /// The time there and back, as last estimated.
    pub rtt: Duration,
    /// The nodes that the cluster told of, with the addresses where clients reach them.
    pub nodes: Vec<(NodeId, String)>,
}

impl Client {
    /// Opens a client on a profile that names at least one server. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The profile names no server, or its device key cannot be used.
    pub fn open(profile: &Profile, options: Options) -> Result<Self, OpenError> {
        if profile.dial_order().is_empty() {
            return Err(OpenError::NoServers);
        }
        let key = profile.device_key()?;
        let dialler = Dialler::new(&key, profile.ca());
        let seen = Arc::new(Seen::going_on(profile.seen()));
        let client = Self::begin(profile, dialler, key.id(), options, Arc::clone(&seen));
        tokio::spawn(keep_seen(Arc::downgrade(&client.shared)));
        Ok(client)
    }

    /// A session of its own beside this one, as the same device and over the same socket.
    #[must_use]
    pub fn sibling(&self, options: Options) -> Self {
        let (profile, dialler) = (&self.shared.profile, self.shared.dialler.clone());
        Self::begin(profile, dialler, self.device, options, Arc::default())
    }

    fn begin(profile: &Profile, dialler: Dialler, device: DeviceId, options: Options, seen: Arc<Seen>) -> Self {
        let shared = Arc::new(Shared::new(profile.clone(), dialler, seen, options.outbox));
        let running = tokio::spawn(failover::run(Arc::clone(&shared)));
        Self {
            running: Arc::new(Mutex::new(Some(running))),
            _last: Arc::new(CloseOnDrop(Arc::clone(&shared))),
            shared,
            device,
            options,
            ends_at: None,
        }
    }

    /// This client for one task that is over by then, however many requests that takes: a request of the clone ends at the task's
    /// end at the latest, and one that would begin after it does not begin. Where a future of a change is dropped before its
    /// answer, the change is given up: it does not happen any more, unless it was sent already.
    #[must_use]
    pub fn within(&self, limit: Duration) -> Self {
        Self {
            ends_at: Some(self.deadline(limit)),
            ..self.clone()
        }
    }

    /// When a request that begins now is given up.
    pub(crate) fn deadline(&self, within: Duration) -> Instant {
        let deadline = Instant::now() + within;
        self.ends_at.map_or(deadline, |end| end.min(deadline))
    }

    /// Whether this clone is for one task: see [`Self::within`].
    pub(crate) fn is_bounded(&self) -> bool {
        self.ends_at.is_some()
    }

    /// The options that it was opened with.
    #[must_use]
    pub fn options(&self) -> Options {
        self.options
    }

    /// The profile that it was opened with.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.shared.profile
    }

    /// This device.
    #[must_use]
    pub fn device(&self) -> DeviceId {
        self.device
    }

    /// The CA that was trusted on first use in this run, if that was so: worth telling the user.
    #[must_use]
    pub fn first_met_ca(&self) -> Option<CaFingerprint> {
        self.shared.dialler.first_met()
    }

    /// Who is logged in, as far as is known without asking.
    #[must_use]
    pub fn user(&self) -> Option<UserName> {
        self.shared.user()
    }

    /// Waits until there is a session.
    ///
    /// # Errors
    /// There was none in time.
    pub async fn connected(&self, deadline: Duration) -> Result<Session, RequestError> {
        let link = self.shared.link_by(self.deadline(deadline)).await?;
        Ok(Session {
            node: link.node(),
            addr: link.addr().to_owned(),
            version: link.welcome().version.clone(),
            cluster: link.welcome().cluster.clone(),
            rtt: link.rtt(),
            nodes: link
                .welcome()
                .nodes
                .iter()
                .map(|node| (node.id, node.addr.clone()))
                .collect(),
        })
    }

    /// The connection at this moment.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.shared.connection()
    }

    /// Who leads, as the node in use says.
    #[must_use]
    pub fn leader(&self) -> Option<NodeId> {
        self.shared.leader()
    }

    /// What changes from now on.
    #[must_use]
    pub fn notices(&self) -> Notices {
        Notices(self.shared.notices())
    }

    /// Until a server showed a certificate that is not from the known CA before there ever was a session. Nothing will come
    /// of this client then.
    pub async fn failed(&self) -> RequestError {
        self.shared.failed().await
    }

    /// How many changes wait for their answers: of this process, and of earlier ones that have died.
    #[must_use]
    pub fn unsent(&self) -> usize {
        let outboxes = self.shared.open_outboxes();
        outboxes.iter().map(|outbox| *outbox.waiting().borrow()).sum()
    }

    /// Waits until all of these are answered, up to a limit. How many are not.
    pub async fn drain(&self, limit: Duration) -> usize {
        // Also where nothing was asked for in this run: an earlier one may have left something.
        self.shared.adopt();
        let done = async {
            for outbox in self.shared.open_outboxes() {
                let _ = outbox.waiting().wait_for(|waiting| *waiting == 0).await;
            }
        };
        // Past the limit the number below says what is left.
        let _ = timeout(limit, done).await;
        self.unsent()
    }

    /// Ends the session, and waits until the outbox is closed and the node has been told. Siblings on the same socket end too.
    pub async fn close(&self) {
        self.shared.close();
        for outbox in self.shared.open_outboxes() {
            outbox.close();
            outbox.closed().await;
        }
        // It writes down where it was connected.
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(running) = running {
            // It ends by itself; a panic there was told already.
            let _ = running.await;
        }
        self.shared.keep_seen();
        self.shared.dialler.close().await;
    }
}

/// Keeps what was seen for the next process, as long as there is a client.
async fn keep_seen(shared: Weak<Shared>) {
    loop {
        sleep(KEEP_SEEN_INTERVAL).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.keep_seen();
    }
}
