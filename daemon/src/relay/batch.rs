//! Batches: taken from the queue, proposed or relayed, settled item by item.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quorate_core::NodeId;
use quorate_protocol::relay::{BATCH_MAX, End};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::Route;
use super::serve::propose;

/// Bytes of commands in one batch at the most, about: well under a peer's frame limit.
const BATCH_BYTES: usize = 1024 * 1024;
/// Batches under way at once: while one is, the next grows to what a round brings. With 64 writers
/// on two cores, four at once carried a quarter less, since each round costs its wake-ups.
const IN_FLIGHT_MAX: usize = 1;
/// The wait before a batch that was not proposed is routed again; doubled by jitter at the most.
const ROUTE_AGAIN: Duration = Duration::from_millis(20);

/// A submission in the queue.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) command: Bytes,
    pub(super) deadline: Instant,
    pub(super) end: oneshot::Sender<End>,
}

type Ends = BoxFuture<'static, Vec<End>>;

/// Takes batches for as long as there is a relay.
pub(super) async fn run(mut queue: mpsc::Receiver<Item>, route: Route) {
    let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    loop {
        let place = Arc::clone(&in_flight).acquire_owned().await.expect("never closed");
        let Some(items) = take(&mut queue).await else { return };
        // The first attempt begins here, in the order of the queue: a writer's requests reach the
        // leader in the order of their numbers unless something fails.
        let first = begin(&route, &items);
        tokio::spawn(settle(items, first, route.clone(), place));
    }
}

async fn take(queue: &mut mpsc::Receiver<Item>) -> Option<Vec<Item>> {
    let first = loop {
        if let Some(item) = in_time(queue.recv().await?) {
            break item;
        }
    };
    let mut bytes = first.command.len();
    let mut items = vec![first];
    while items.len() < BATCH_MAX && bytes < BATCH_BYTES {
        let Ok(item) = queue.try_recv() else { break };
        if let Some(item) = in_time(item) {
            bytes += item.command.len();
            items.push(item);
        }
    }
    Some(items)
}

/// The item, if anybody still waits for it. What waited here for too long was never proposed.
fn in_time(item: Item) -> Option<Item> {
    if item.end.is_closed() {
        return None;
    }
    if item.deadline <= Instant::now() {
        let _ = item.end.send(End::NotProposed { leader: None });
        return None;
    }
    Some(item)
}

/// Begins an attempt at whoever leads now. The call has been made when this returns.
fn begin(route: &Route, items: &[Item]) -> Ends {
    let commands: Vec<Bytes> = items.iter().map(|item| item.command.clone()).collect();
    let count = commands.len();
    let deadline = items
        .iter()
        .map(|item| item.deadline)
        .max()
        .unwrap_or_else(Instant::now);
    let leader = route.consensus.view().borrow().leader;
    let mut ends = match leader {
        None => return std::future::ready(not_proposed(count, None)).boxed(),
        Some(leader) if leader == route.node => {
            propose(route.consensus.clone(), route.clock.clone(), commands, deadline).boxed()
        }
        Some(leader) => {
            let hops = Arc::clone(&route.hops);
            async move { hops.submit(leader, commands, deadline).await }.boxed()
        }
    };
    // Polled once, so that the call takes its place before the next batch's does.
    match (&mut ends).now_or_never() {
        Some(ended) => std::future::ready(ended).boxed(),
        None => ends,
    }
}

async fn settle(mut items: Vec<Item>, first: Ends, route: Route, place: OwnedSemaphorePermit) {
    // Given back when the first attempt is over: those who come later do not wait for a leader here,
    // and a batch that is routed again may as well be overtaken.
    let mut place = Some(place);
    let mut attempt = first;
    loop {
        let ends = attempt.await;
        drop(place.take());
        let now = Instant::now();
        let mut again = Vec::new();
        for (item, end) in items.into_iter().zip(ends) {
            match end {
                End::NotProposed { .. } if item.deadline > now => again.push(item),
                // The asker may have gone; the write is what it is.
                end => drop(item.end.send(end)),
            }
        }
        if again.is_empty() {
            return;
        }
        items = again;
        wait_for_leader(&route, &items).await;
        attempt = begin(&route, &items);
    }
}

/// Waits until somebody leads, or the first deadline.
async fn wait_for_leader(route: &Route, items: &[Item]) {
    let jitter = ROUTE_AGAIN.mul_f64(rand::random::<f64>());
    let pause = Instant::now() + ROUTE_AGAIN + jitter;
    sleep_until(pause).await;
    let deadline = items.iter().map(|item| item.deadline).min().unwrap_or(pause);
    let mut view = route.consensus.view();
    let _ = timeout_at(deadline, view.wait_for(|view| view.leader.is_some())).await;
}

pub(super) fn not_proposed(count: usize, leader: Option<NodeId>) -> Vec<End> {
    vec![End::NotProposed { leader }; count]
}
