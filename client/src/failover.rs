//! Keeps a session with some node. A healthy one is never left for another, except when its node says goodbye; a node that
//! has been unable to change anything for a while is not healthy.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use rand::Rng;
use tokio::time::{Instant, sleep, sleep_until};

use crate::backoff::Backoff;
use crate::bar::Bar;
use crate::connection::{Connection, ConnectionState};
use crate::dial::{NobodyFound, Wanted};
use crate::link::{Death, Link, Spare, Status};
use crate::shared::Shared;

/// A node without a quorum for so long is told as such. Elections are shorter.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// And for so long, another one is looked for.
const LEFT_AFTER: Duration = Duration::from_secs(3);
/// Between two looks for a node that has a quorum, at first; it doubles, and is jittered, since all clients look.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// And at the most.
const LOOK_AGAIN_MAX: Duration = Duration::from_secs(10);
/// How long a session that was left stays open for the answers that are under way.
const LINGER: Duration = Duration::from_secs(2);

type Search = BoxFuture<'static, Result<Link, NobodyFound>>;

/// How a session came to its end.
enum Over {
    /// Another one is there already.
    Replaced(Link, String),
    /// It died; perhaps a search has begun.
    Dead(String, Option<Search>),
    /// The node ended it since the device is not logged in, as any other would.
    Dismissed(String),
    /// The node ended it since it does not let this device in, nor would any other.
    Barred(Bar),
    Closing,
}

/// Runs until the client is closed, or a server's certificate is wrong before there ever was a session.
pub(crate) async fn run(shared: Arc<Shared>) {
    let mut head_start = None;
    while let Some(mut link) = connect(&shared, head_start.take()).await {
        loop {
            shared.connected(&link);
            match supervise(&shared, &link).await {
                Over::Replaced(next, cause) => {
                    tracing::info!(from = %link.node(), to = %next.node(), %cause, "moved to another node");
                    let left = std::mem::replace(&mut link, next);
                    tokio::spawn(async move {
                        sleep(LINGER).await;
                        left.close();
                    });
                }
                Over::Dead(cause, search) => {
                    tracing::info!(node = %link.node(), %cause, "the session is over");
                    shared.disconnected(&cause);
                    head_start = search;
                    break;
                }
                Over::Barred(bar) => {
                    tracing::info!(node = %link.node(), cause = bar.cause(), "the session is over");
                    shared.bar(bar);
                    break;
                }
                Over::Dismissed(cause) => {
                    tracing::info!(node = %link.node(), %cause, "the session is over until somebody asks for something");
                    shared.dismiss(&cause);
                    tokio::select! {
                        () = shared.wanted() => break,
                        () = shared.closing() => return,
                    }
                }
                Over::Closing => {
                    link.close();
                    return;
                }
            }
        }
    }
}

/// Until a session is there; `None` if there will be none.
async fn connect(shared: &Arc<Shared>, mut head_start: Option<Search>) -> Option<Link> {
    let mut backoff = Backoff::new();
    loop {
        let search = head_start.take().unwrap_or_else(|| search(shared, Wanted::Any, None));
        let found = tokio::select! {
            found = search => found,
            () = shared.closing() => return None,
        };
        match found {
            Ok(link) => return Some(link),
            Err(nobody) => {
                if let Some(untrusted) = nobody.untrusted.filter(|_| !shared.was_connected()) {
                    shared.fail(untrusted);
                    return None;
                }
                match nobody.bar {
                    Some(bar) => shared.bar(bar),
                    None => shared.disconnected(nobody.cause.as_deref().unwrap_or("no server is known")),
                }
            }
        }
        tokio::select! {
            () = backoff.wait() => {}
            () = shared.closing() => return None,
        }
    }
}

/// One round through all nodes. The one that was just left comes last: it would only hold up the others.
fn search(shared: &Arc<Shared>, wanted: Wanted, left: Option<&Link>) -> Search {
    let mut addrs = shared.profile.dial_order();
    if let Some(left) = left {
        addrs.sort_by_key(|addr| addr == left.addr());
    }
    let (dialler, seen) = (shared.dialler.clone(), Arc::clone(&shared.seen));
    async move { dialler.find(addrs, wanted, seen).await }.boxed()
}

/// Searches until another node is found, for a node that says goodbye.
fn search_on(shared: &Arc<Shared>, left: &Link) -> Search {
    let (shared, left) = (Arc::clone(shared), left.clone());
    let wanted = Wanted::AnyBesides(left.node());
    async move {
        let mut backoff = Backoff::new();
        loop {
            match search(&shared, wanted, Some(&left)).await {
                Ok(link) => return Ok(link),
                Err(_) => backoff.wait().await,
            }
        }
    }
    .boxed()
}

async fn supervise(shared: &Arc<Shared>, link: &Link) -> Over {
    let mut status = link.status();
    let mut goodbye = link.goodbye();
    let mut trouble = link.trouble();
    let mut leader = link.leader();
    let mut nodes = link.nodes();
    let mut search_under_way: Option<Search> = None;
    let mut at_hand: Option<Spare> = None;
    let mut leaving: Option<String> = None;
    let mut told_trouble = false;
    let mut look_at: Option<Instant> = None;
    let mut look_again = LOOK_AGAIN;
    // It may have died before anybody looked.
    status.mark_changed();
    leader.mark_changed();
    loop {
        let troubled_since = *trouble.borrow_and_update();
        let tell_at = troubled_since.map(|since| since + TOLD_AFTER).filter(|_| !told_trouble);
        let look = troubled_since.map(|since| look_at.unwrap_or(since + LEFT_AFTER));
        if troubled_since.is_none() {
            look_at = None;
            look_again = LOOK_AGAIN;
            if std::mem::take(&mut told_trouble) {
                shared.tell(Connection::new(ConnectionState::Connected, Some(link.node()), None));
            }
        }
        if leaving.is_none() && goodbye.borrow_and_update().is_some() {
            leaving.clone_from(&goodbye.borrow());
            search_under_way = Some(search_on(shared, link));
        }
        let may_look = search_under_way.is_none() && leaving.is_none() && at_hand.is_none();
        tokio::select! {
            () = shared.closing() => return Over::Closing,
            changed = status.changed() => {
                let now = status.borrow_and_update().clone();
                match now {
                    Status::Dead(Death { bar: Some(bar), .. }) => return Over::Barred(bar),
                    Status::Dead(death) if death.dismissed && !shared.has_fresh_login() => return Over::Dismissed(death.cause),
                    Status::Dead(Death { cause, .. }) => return match at_hand.take().and_then(Spare::take) {
                        Some(next) => Over::Replaced(next, cause),
                        None => {
                            let search = search_under_way.take();
                            Over::Dead(cause, Some(search.unwrap_or_else(|| self::search(shared, Wanted::Any, Some(link)))))
                        }
                    },
                    Status::Suspect if may_look => {
                        search_under_way = Some(search(shared, Wanted::AnyBesides(link.node()), Some(link)));
                    }
                    Status::Alive if leaving.is_none() => {
                        search_under_way = None;
                        at_hand = None;
                    }
                    _ => {}
                }
                if changed.is_err() {
                    return Over::Dead("closed".to_owned(), None);
                }
            }
            _ = goodbye.changed() => {}
            _ = trouble.changed() => {}
            _ = leader.changed() => shared.leader_is(*leader.borrow_and_update()),
            _ = nodes.changed() => {
                let known = nodes.borrow_and_update().clone();
                shared.nodes_are(link.addr(), known);
            }
            () = until(tell_at) => {
                told_trouble = true;
                let cause = Some("the node has no quorum".to_owned());
                shared.tell(Connection::new(ConnectionState::NoQuorum, Some(link.node()), cause));
            }
            () = until(look), if may_look => {
                look_at = Some(Instant::now() + rand::rng().random_range(look_again / 2..=look_again));
                look_again = (look_again * 2).min(LOOK_AGAIN_MAX);
                search_under_way = Some(search(shared, Wanted::LedBesides(link.node()), Some(link)));
            }
            found = found(&mut search_under_way) => {
                search_under_way = None;
                match found {
                    Ok(next) if leaving.is_some() => {
                        return Over::Replaced(next, leaving.unwrap_or_default());
                    }
                    Ok(next) if troubled_since.is_some() && next.welcome().leader.is_some() => {
                        return Over::Replaced(next, "the node has no quorum".to_owned());
                    }
                    Ok(next) if *status.borrow() == Status::Suspect => at_hand = Some(Spare::new(next)),
                    Ok(next) => next.close(),
                    Err(_) => {}
                }
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn found(search: &mut Option<Search>) -> Result<Link, NobodyFound> {
    match search {
        Some(search) => search.await,
        None => std::future::pending().await,
    }
}
