//! What the tasks of one client share.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quorate_core::{NodeId, UserName};
use quorate_protocol::client::{IsTyping, SetAway};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout_at};

use crate::RequestError;
use crate::bar::Bar;
use crate::connection::{Connection, ConnectionState, Notice};
use crate::dial::Dialler;
use crate::link::Link;
use crate::outbox::{self, Outbox};
use crate::presence::TYPING_NOTICES_MAX;
use crate::profile::Profile;
use crate::pump;
use crate::seen::{Seen, SeenMark};

/// Notices that wait for a slow reader.
const NOTICES_MAX: usize = 64;

/// Where messages that are not sent yet are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutboxKind {
    /// In the profile's folder: messages, edits, redactions and reactions outlive the process, and the next one finishes them.
    /// Everything else (rooms made, joined, managed; marks) that had no answer when the process ended is not done later.
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
    kept_seen: Mutex<Option<SeenMark>>,
    kind: OutboxKind,
    link: watch::Sender<Option<Link>>,
    connection: watch::Sender<Connection>,
    leader: watch::Sender<Option<NodeId>>,
    user: watch::Sender<Option<UserName>>,
    failed: watch::Sender<Option<String>>,
    /// Why no node lets this device in, as the last one said that was asked.
    bar: watch::Sender<Option<Bar>>,
    closing: watch::Sender<bool>,
    notices: broadcast::Sender<Notice>,
    typing: broadcast::Sender<IsTyping>,
    /// How many requests wait for a session.
    askers: watch::Sender<usize>,
    /// The cluster has said since this client was opened that the device speaks for a user.
    confirmed: AtomicBool,
    /// Somebody has logged in over the session in use.
    fresh_login: AtomicBool,
    away: AtomicBool,
    outboxes: Mutex<Option<Outboxes>>,
}

/// What of a user's is to be sent.
#[derive(Debug)]
struct Outboxes {
    user: UserName,
    own: Arc<Outbox>,
    /// Those of processes that have died.
    left: Vec<Arc<Outbox>>,
}

impl Shared {
    pub(crate) fn new(profile: Profile, dialler: Dialler, seen: Arc<Seen>, kind: OutboxKind) -> Self {
        let user = profile.user();
        Self {
            profile,
            dialler,
            seen,
            kept_seen: Mutex::default(),
            kind,
            link: watch::Sender::new(None),
            connection: watch::Sender::new(Connection::new(ConnectionState::Reconnecting, None, None)),
            leader: watch::Sender::new(None),
            user: watch::Sender::new(user),
            failed: watch::Sender::new(None),
            bar: watch::Sender::new(None),
            closing: watch::Sender::new(false),
            notices: broadcast::Sender::new(NOTICES_MAX),
            typing: broadcast::Sender::new(TYPING_NOTICES_MAX),
            askers: watch::Sender::new(0),
            confirmed: AtomicBool::new(false),
            fresh_login: AtomicBool::new(false),
            away: AtomicBool::new(false),
            outboxes: Mutex::new(None),
        }
    }

    /// A session is there.
    pub(crate) fn connected(self: &Arc<Self>, link: &Link) {
        let welcome = link.welcome();
        self.bar.send_replace(None);
        let known = welcome.nodes.iter().map(|node| node.addr.clone());
        self.nodes_are(link.addr(), known.collect());
        // The node has all that was seen here, so it would know of the login.
        self.fresh_login.store(false, Ordering::Release);
        let revoked = self.confirmed.swap(welcome.user.is_some(), Ordering::AcqRel) && welcome.user.is_none();
        if revoked {
            self.forget_user();
        }
        self.set_user(welcome.user.clone());
        self.adopt();
        link.tell_typing(self.typing.clone());
        self.tell_away(link);
        // Whoever waits for the session finds the rest up to date.
        self.leader_is(welcome.leader);
        let (state, cause) = match revoked {
            true => (
                ConnectionState::LoggedOut,
                Some("this device was logged out".to_owned()),
            ),
            false => (ConnectionState::Connected, None),
        };
        self.tell(Connection::new(state, Some(link.node()), cause));
        self.link.send_replace(Some(link.clone()));
        // Last: it is synced, and who waits to send need not wait for a disk.
        let known = welcome.nodes.iter().map(|node| node.addr.clone());
        if let Err(error) = self.profile.connected(link.addr(), known) {
            tracing::warn!(%error, "the profile cannot be written");
        }
        // The node says when its CA may be pinned; which one that is, the handshake has proven.
        let told = welcome.ca.as_deref().and_then(|ca| ca.parse().ok());
        let told = told.filter(|ca| link.ca() == Some(*ca));
        let known = self.profile.ca();
        let ca = told.or_else(|| self.dialler.first_met().filter(|_| known.is_none()));
        if let Some(ca) = ca.filter(|ca| Some(*ca) != known)
            && let Err(error) = self.profile.set_ca(ca)
        {
            tracing::warn!(%error, "the profile cannot be written");
        }
    }

    /// The cluster has ended the session because the device is not logged in.
    pub(crate) fn dismiss(&self, cause: &str) {
        self.confirmed.store(false, Ordering::Release);
        self.forget_user();
        self.set_user(None);
        let cause = Some(cause.to_owned());
        self.tell(Connection::new(ConnectionState::LoggedOut, None, cause));
        // Last: whoever sees that there is no session finds out why.
        self.link.send_replace(None);
    }

    /// Whether a session that was ended for its login may have been meant for an earlier one, whose feeds were still open. The
    /// next session says what holds.
    pub(crate) fn has_fresh_login(&self) -> bool {
        self.fresh_login.load(Ordering::Acquire) && self.user().is_some()
    }

    fn forget_user(&self) {
        if let Some(user) = self.user()
            && let Err(error) = self.profile.forget_user(&user)
        {
            tracing::warn!(%error, "the profile cannot be written");
        }
    }

    /// Until the cluster has said that the device is not logged in.
    pub(crate) async fn dismissed(&self) {
        let mut connection = self.connection.subscribe();
        let is_dismissed = |connection: &Connection| connection.state == ConnectionState::LoggedOut;
        // The sender is in `self`.
        let _ = connection.wait_for(is_dismissed).await;
    }

    /// Until somebody waits for a session.
    pub(crate) async fn wanted(&self) {
        // The sender is in `self`.
        let _ = self.askers.subscribe().wait_for(|askers| *askers > 0).await;
    }

    /// The device speaks for a user: just now it has proven the password.
    pub(crate) fn logged_in(self: &Arc<Self>, user: UserName) {
        self.confirmed.store(true, Ordering::Release);
        self.fresh_login.store(true, Ordering::Release);
        self.set_user(Some(user));
        self.adopt();
        if let Some(link) = self.link() {
            if self.connection().state == ConnectionState::LoggedOut {
                self.tell(Connection::new(ConnectionState::Connected, Some(link.node()), None));
            }
            self.tell_away(&link);
        }
    }

    /// The device speaks for nobody, as was asked for here.
    pub(crate) fn logged_out(&self) {
        self.confirmed.store(false, Ordering::Release);
        self.set_user(None);
    }

    pub(crate) fn set_away(&self, away: bool) {
        if self.away.swap(away, Ordering::AcqRel) != away
            && let Some(link) = self.link()
        {
            link.tell(&SetAway { away });
        }
    }

    /// A session begins with the user being there.
    fn tell_away(&self, link: &Link) {
        if self.user().is_some() && self.away.load(Ordering::Acquire) {
            link.tell(&SetAway { away: true });
        }
    }

    pub(crate) fn typing(&self) -> broadcast::Receiver<IsTyping> {
        self.typing.subscribe()
    }

    /// No node lets this device in. The login stays: an operator may let it in again.
    pub(crate) fn bar(&self, bar: Bar) {
        self.tell(Connection::new(
            ConnectionState::Reconnecting,
            None,
            Some(bar.cause().to_owned()),
        ));
        self.bar.send_replace(Some(bar));
        // Last: whoever sees that there is no session finds out why.
        self.link.send_replace(None);
    }

    /// Until no node lets this device in, and why.
    pub(crate) async fn barred(&self) -> RequestError {
        let mut bar = self.bar.subscribe();
        match bar.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(bar)) => bar.error(),
            // The sender is in `self`.
            _ => RequestError::closed(),
        }
    }

    /// There is no session.
    pub(crate) fn disconnected(&self, cause: &str) {
        self.bar.send_replace(None);
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

    /// The node at `addr` says where the nodes are.
    pub(crate) fn nodes_are(&self, addr: &str, known: Vec<String>) {
        if let Err(error) = self.profile.connected(addr, known.into_iter()) {
            tracing::warn!(%error, "the profile cannot be written");
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

    /// Keeps what was seen for the next process, unless that is kept already.
    pub(crate) fn keep_seen(&self) {
        let Some(mark) = self.seen.mark() else { return };
        let kept = self
            .kept_seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .replace(mark.clone());
        if kept.as_ref() != Some(&mark)
            && let Err(error) = self.profile.keep_seen(&mark)
        {
            tracing::warn!(%error, "the profile cannot be written");
        }
    }

    pub(crate) fn was_connected(&self) -> bool {
        self.seen.was_welcomed()
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

    /// The session in use, unless it is over.
    pub(crate) fn link(&self) -> Option<Link> {
        self.link.borrow().clone().filter(|link| !link.is_dead())
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
        let _asker = Asker::new(&self.askers);
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
            error = self.barred() => Err(error),
            Ok(failed) = failed.wait_for(Option::is_some) => Err(RequestError::Untrusted(failed.clone().unwrap_or_default())),
            _ = closing.wait_for(|closing| *closing) => Err(RequestError::closed()),
        }
    }

    /// What a request is told for which nobody could be found in time.
    pub(crate) fn no_node(&self) -> RequestError {
        if let Some(untrusted) = self.failed.borrow().clone() {
            return RequestError::Untrusted(untrusted);
        }
        if let Some(bar) = *self.bar.borrow() {
            return bar.error();
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
            ConnectionState::LoggedOut => RequestError::not_logged_in(),
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
        let mut slot = self.outboxes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*slot {
            if open.user == user {
                return Ok(Arc::clone(&open.own));
            }
            open.all().for_each(|outbox| outbox.close());
        }
        let (own, orphans) = match self.kind {
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
        let own = Arc::new(own);
        let left: Vec<_> = orphans.into_iter().map(Arc::new).collect();
        *slot = Some(Outboxes {
            user: user.clone(),
            own: Arc::clone(&own),
            left: left.clone(),
        });
        drop(slot);
        for orphan in left {
            tokio::spawn(pump::finish(Arc::clone(self), orphan, user.clone()));
        }
        tokio::spawn(pump::run(Arc::clone(self), Arc::clone(&own), user));
        Ok(own)
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

    /// The outbox and those of dead processes that were taken up with it, if one was needed yet.
    pub(crate) fn open_outboxes(&self) -> Vec<Arc<Outbox>> {
        let slot = self.outboxes.lock().unwrap_or_else(PoisonError::into_inner);
        slot.iter().flat_map(Outboxes::all).cloned().collect()
    }
}

impl Outboxes {
    fn all(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        std::iter::once(&self.own).chain(&self.left)
    }
}

/// While it lives, a session is wanted.
struct Asker<'a>(&'a watch::Sender<usize>);

impl<'a> Asker<'a> {
    fn new(askers: &'a watch::Sender<usize>) -> Self {
        askers.send_modify(|askers| *askers += 1);
        Self(askers)
    }
}

impl Drop for Asker<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|askers| *askers -= 1);
    }
}
