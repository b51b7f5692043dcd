//! What the tasks of one client share.

use std::sync::{Arc, Mutex, PoisonError};

use quorate_core::{NodeId, UserName};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout_at};

use crate::RequestError;
use crate::connection::{Connection, ConnectionState, Notice};
use crate::dial::Dialler;
use crate::link::{Link, Seen};
use crate::outbox::{self, Outbox};
use crate::profile::Profile;
use crate::pump;

/// Notices that wait for a slow reader.
const NOTICES_MAX: usize = 64;

/// Where messages that are not sent yet are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutboxKind {
    /// In the profile's folder: what was posted outlives the process, and the next one finishes it.
    #[default]
    Durable,
    /// In memory, for programs that measure, or that look after that themselves.
    Memory,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) profile: Profile,
    pub(crate) dialler: Dialler,
    pub(crate) seen: Arc<Seen>,
    kind: OutboxKind,
    link: watch::Sender<Option<Link>>,
    connection: watch::Sender<Connection>,
    leader: watch::Sender<Option<NodeId>>,
    user: watch::Sender<Option<UserName>>,
    failed: watch::Sender<Option<String>>,
    closing: watch::Sender<bool>,
    notices: broadcast::Sender<Notice>,
    outbox: Mutex<Option<(UserName, Arc<Outbox>)>>,
}

impl Shared {
    pub(crate) fn new(profile: Profile, dialler: Dialler, seen: Arc<Seen>, kind: OutboxKind) -> Self {
        let user = profile.user();
        Self {
            profile,
            dialler,
            seen,
            kind,
            link: watch::Sender::new(None),
            connection: watch::Sender::new(Connection::new(ConnectionState::Reconnecting, None, None)),
            leader: watch::Sender::new(None),
            user: watch::Sender::new(user),
            failed: watch::Sender::new(None),
            closing: watch::Sender::new(false),
            notices: broadcast::Sender::new(NOTICES_MAX),
            outbox: Mutex::new(None),
        }
    }

    /// A session is there.
    pub(crate) fn connected(self: &Arc<Self>, link: &Link) {
        let welcome = link.welcome();
        let known = welcome.nodes.iter().map(|node| node.addr.clone());
        if let Err(error) = self.profile.connected(link.addr(), known) {
            tracing::warn!(%error, "the profile cannot be written");
        }
        if let Some(ca) = self.dialler.first_met().filter(|_| self.profile.ca().is_none())
            && let Err(error) = self.profile.set_ca(ca)
        {
            tracing::warn!(%error, "the profile cannot be written");
        }
        self.set_user(welcome.user.clone());
        self.adopt();
        // Whoever waits for the session finds the rest up to date.
        self.leader_is(welcome.leader);
        self.tell(Connection::new(ConnectionState::Connected, Some(link.node()), None));
        self.link.send_replace(Some(link.clone()));
    }

    /// There is no session.
    pub(crate) fn disconnected(&self, cause: &str) {
        self.link.send_replace(None);
        self.tell(Connection::new(
            ConnectionState::Reconnecting,
            None,
            Some(cause.to_owned()),
        ));
    }

    pub(crate) fn tell(&self, connection: Connection) {
        let changed = self.connection.send_if_modified(|current| {
            let changed = *current != connection;
            current.clone_from(&connection);
            changed
        });
        if changed {
            // Nobody has to listen.
            let _ = self.notices.send(Notice::Connection(connection));
        }
    }

    pub(crate) fn leader_is(&self, leader: Option<NodeId>) {
        if self.leader.send_replace(leader) != leader {
            let _ = self.notices.send(Notice::Leader(leader));
        }
    }

    /// No session will ever be there.
    pub(crate) fn fail(&self, untrusted: String) {
        self.failed.send_replace(Some(untrusted));
    }

    pub(crate) fn was_connected(&self) -> bool {
        self.seen.index().0 > 0
    }

    pub(crate) fn connection(&self) -> Connection {
        self.connection.borrow().clone()
    }

    pub(crate) fn leader(&self) -> Option<NodeId> {
        *self.leader.borrow()
    }

    pub(crate) fn notices(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    pub(crate) fn links(&self) -> watch::Receiver<Option<Link>> {
        self.link.subscribe()
    }

    pub(crate) fn users(&self) -> watch::Receiver<Option<UserName>> {
        self.user.subscribe()
    }

    pub(crate) fn user(&self) -> Option<UserName> {
        self.user.borrow().clone()
    }

    pub(crate) fn set_user(&self, user: Option<UserName>) {
        self.user.send_if_modified(|current| {
            let changed = *current != user;
            *current = user;
            changed
        });
    }

    /// A session that is not over, as soon as there is one.
    pub(crate) async fn link_by(&self, deadline: Instant) -> Result<Link, RequestError> {
        let mut links = self.links();
        let mut failed = self.failed.subscribe();
        let mut closing = self.closing.subscribe();
        let alive = |link: &Option<Link>| link.as_ref().is_some_and(|link| !link.is_dead());
        tokio::select! {
            biased;
            found = timeout_at(deadline, links.wait_for(alive)) => match found {
                Ok(Ok(link)) => Ok(link.clone().expect("it was looked at")),
                Ok(Err(_)) => Err(RequestError::closed()),
                Err(_) => Err(self.no_node()),
            },
            Ok(failed) = failed.wait_for(Option::is_some) => Err(RequestError::Untrusted(failed.clone().unwrap_or_default())),
            _ = closing.wait_for(|closing| *closing) => Err(RequestError::closed()),
        }
    }

    /// What a request is told for which nobody could be found in time.
    pub(crate) fn no_node(&self) -> RequestError {
        if let Some(untrusted) = self.failed.borrow().clone() {
            return RequestError::Untrusted(untrusted);
        }
        let connection = self.connection();
        match connection.state {
            ConnectionState::Reconnecting => RequestError::Unavailable {
                code: "no-node".to_owned(),
                message: match connection.cause {
                    Some(cause) => format!("no node can be reached: {cause}"),
                    None => "no node can be reached".to_owned(),
                },
            },
            ConnectionState::NoQuorum | ConnectionState::Connected => RequestError::Unavailable {
                code: "no-quorum".to_owned(),
                message: "a majority of the servers is not there, or did not answer in time".to_owned(),
            },
        }
    }

    /// Until a server's certificate turned out to be wrong before there was any session.
    pub(crate) async fn failed(&self) -> RequestError {
        let mut failed = self.failed.subscribe();
        match failed.wait_for(Option::is_some).await {
            Ok(failed) => RequestError::Untrusted(failed.clone().unwrap_or_default()),
            Err(_) => RequestError::closed(),
        }
    }

    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    pub(crate) async fn closing(&self) {
        // The sender is in `self`.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// The outbox of the user who is logged in, with what dead processes left unsent for them.
    pub(crate) fn outbox(self: &Arc<Self>) -> Result<Arc<Outbox>, RequestError> {
        let user = self.user().ok_or_else(RequestError::not_logged_in)?;
        if *self.closing.borrow() {
            return Err(RequestError::closed());
        }
        let mut slot = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, outbox)) = &*slot {
            if *of == user {
                return Ok(Arc::clone(outbox));
            }
            outbox.close();
        }
        let (outbox, orphans) = match self.kind {
            OutboxKind::Memory => (Outbox::in_memory(), Vec::new()),
            OutboxKind::Durable => {
                let folder = self.profile.outbox_folder(&user);
                let failed = |error: std::io::Error| {
                    RequestError::refused("outbox-failed", format!("the outbox cannot be used: {error}"))
                };
                let own = outbox::own(&folder).map_err(failed)?;
                (own, outbox::orphans(&folder).map_err(failed)?)
            }
        };
        let outbox = Arc::new(outbox);
        *slot = Some((user.clone(), Arc::clone(&outbox)));
        drop(slot);
        for orphan in orphans {
            tokio::spawn(pump::finish(Arc::clone(self), Arc::new(orphan), user.clone()));
        }
        tokio::spawn(pump::run(Arc::clone(self), Arc::clone(&outbox), user));
        Ok(outbox)
    }

    /// Takes up what this user's dead processes left unsent, unless that was done.
    pub(crate) fn adopt(self: &Arc<Self>) {
        if self.kind == OutboxKind::Durable
            && self.user().is_some()
            && let Err(error) = self.outbox()
        {
            tracing::warn!(%error, "what was left unsent cannot be taken up");
        }
    }

    /// The outbox, if one was needed yet.
    pub(crate) fn open_outbox(&self) -> Option<Arc<Outbox>> {
        let slot = self.outbox.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_ref().map(|(_, outbox)| Arc::clone(outbox))
    }
}
