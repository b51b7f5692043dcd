//! The tour: two people talk, the leader is killed in the middle of it, and everything is checked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quorate_client::{Client, Event, Post, RequestError, RoomName, RoomRef, Seq, Topic, Update};
use quorate_core::NodeId;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::DemoError;
use super::check::Ledger;
use super::cluster::Cluster;
use super::people::{self, wait_for_leader};

/// Fewer nodes have no majority left after the kill.
pub(crate) const NODES_MIN: u16 = 3;
/// Messages that each of the two posts.
const LINES: usize = 150;
/// The message of alice's before which the leader is killed.
const KILL_AT: usize = LINES / 2;
/// The time between two messages of one author: both stay under the limit of 200 a second.
const PACE: Duration = Duration::from_millis(20);
/// Messages that an author sends ahead of the answers.
const WINDOW: usize = 8;
/// How long readers may take to have everything.
const READ_DEADLINE: Duration = Duration::from_secs(30);

const ROOM: &str = "tour";

/// What an author tells the tour.
enum Told {
    Sent { author: &'static str, body: String },
    Acked { body: String, seq: Seq, at: Instant },
    Failed(RequestError),
    ReachedKill,
}

/// Gives the tour. Prints as it goes.
pub(crate) async fn give(cluster: &mut Cluster) -> Result<(), DemoError> {
    let began = Instant::now();
    let addrs = cluster.client_addrs();
    println!("{} nodes on this machine, in {}", addrs.len(), cluster.dir().display());
    // Alice begins at the lowest id, bob at the highest: his node is the one that leads, and dies.
    let up: Vec<_> = addrs.iter().map(|(_, addr)| addr.clone()).collect();
    let down: Vec<_> = up.iter().rev().cloned().collect();
    let users = cluster.users_dir();
    let (alice, bob) = tokio::try_join!(people::enter(&users, "alice", up), people::enter(&users, "bob", down))?;
    let leader = wait_for_leader(&alice).await?;
    println!(
        "formed in {:.1} s: node {leader} leads; alice and bob are registered",
        began.elapsed().as_secs_f64()
    );

    let room = RoomName::parse(ROOM).expect("a valid name");
    let topic = Topic::parse("what happens when a server dies").expect("a valid topic");
    alice
        .create_room(&room, false, topic)
        .await
        .map_err(DemoError::request("creating the room"))?;
    bob.join(&room).await.map_err(DemoError::request("joining the room"))?;
    let readers = [("alice", &alice), ("bob", &bob)].map(|(name, client)| (name, read(client.clone(), room.clone())));

    println!("they talk, {LINES} messages each, up to {WINDOW} ahead of the answers");
    let (ledger, killed) = converse(cluster, &alice, &bob, &room).await?;

    let last = ledger_last(&alice, &room).await?;
    let mut seen = BTreeMap::new();
    for (name, reader) in readers {
        seen.insert(name.to_owned(), reader.until(last).await?);
    }
    // The node that was killed comes back from its own disk and its peers' logs.
    cluster.restart(killed).await?;
    let address = addrs
        .iter()
        .filter(|(id, _)| *id == killed)
        .map(|(_, addr)| addr.clone())
        .collect();
    let back = people::enter(&users.join("back"), "alice", address).await?;
    let returned = read(back.clone(), room.clone()).until(last).await?;
    seen.insert(format!("alice at node {killed}, restarted"), returned);
    let verdict = ledger.check(&seen).map_err(DemoError::Broken)?;
    let leader = wait_for_leader(&alice).await?;
    println!("node {leader} leads now");
    println!(
        "{} posts acknowledged; none lost, none doubled, none reordered, at alice and at bob",
        verdict.acked
    );
    println!(
        "longest gap between two acknowledged posts: {} ms",
        verdict.longest_gap.as_millis()
    );
    println!("node {killed} is back and has all of it");
    for client in [alice, bob, back] {
        client.close().await;
    }
    Ok(())
}

/// Both talk at once; the leader dies half way. Gives what was told to them, and whom it hit.
async fn converse(
    cluster: &mut Cluster,
    alice: &Client,
    bob: &Client,
    room: &RoomName,
) -> Result<(Ledger, NodeId), DemoError> {
    // Bounded by what the two have under way at once; they wait for their teller.
    let (tell, mut told) = mpsc::channel(4 * WINDOW);
    let speakers = [
        tokio::spawn(speak(alice.clone(), "alice", room.clone(), tell.clone())),
        tokio::spawn(speak(bob.clone(), "bob", room.clone(), tell)),
    ];
    let mut ledger = Ledger::default();
    let mut killed = NodeId::default();
    while let Some(told) = told.recv().await {
        match told {
            Told::Sent { author, body } => ledger.sent(author, &body),
            Told::Acked { body, seq, at } => ledger.acked(&body, seq, at),
            Told::Failed(error) => {
                return Err(DemoError::Request {
                    what: "a post",
                    source: error,
                });
            }
            Told::ReachedKill => {
                let leader = wait_for_leader(alice).await?;
                println!("kill -9: node {leader}, the leader, is gone; they talk on");
                cluster.kill(leader).await?;
                killed = leader;
            }
        }
    }
    for speaker in speakers {
        speaker.await.map_err(|error| DemoError::Broken(error.to_string()))?;
    }
    Ok((ledger, killed))
}

/// One author's part.
async fn speak(client: Client, author: &'static str, room: RoomName, tell: mpsc::Sender<Told>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut under_way = FuturesUnordered::new();
    for line in 0..LINES {
        pace.tick().await;
        if author == "alice" && line == KILL_AT && tell.send(Told::ReachedKill).await.is_err() {
            return;
        }
        let body = format!("{author} says line {line}");
        let post = match Post::new(RoomRef::Name(room.clone()), &body) {
            Ok(post) => post,
            Err(error) => return drop(tell.send(Told::Failed(error)).await),
        };
        if tell
            .send(Told::Sent {
                author,
                body: body.clone(),
            })
            .await
            .is_err()
        {
            return;
        }
        let answer = client.post(post);
        under_way.push(async move { (body, answer.await, Instant::now()) });
        while under_way.len() >= WINDOW {
            if let Some(answer) = under_way.next().await {
                report(answer, &tell).await;
            }
        }
    }
    while let Some(answer) = under_way.next().await {
        report(answer, &tell).await;
    }
}

async fn report(
    (body, answer, at): (String, Result<quorate_client::Posted, RequestError>, Instant),
    tell: &mpsc::Sender<Told>,
) {
    let told = match answer {
        Ok(posted) => Told::Acked {
            body,
            seq: posted.seq,
            at,
        },
        Err(error) => Told::Failed(error),
    };
    // The tour has ended; there is nobody to tell.
    let _ = tell.send(told).await;
}

/// A user who follows the room from its first event on.
struct Reader {
    events: mpsc::Receiver<Event>,
    task: JoinHandle<Result<(), RequestError>>,
}

fn read(client: Client, room: RoomName) -> Reader {
    // All that is ever said on the tour fits, with room for joins.
    let (send, events) = mpsc::channel(4 * LINES);
    let task = tokio::spawn(async move {
        let mut subscription = client.subscribe(&RoomRef::Name(room), Some(Seq(1))).await?;
        while let Some(update) = subscription.next().await {
            if let Update::Event(event) = update?
                && send.send(event).await.is_err()
            {
                break;
            }
        }
        Ok(())
    });
    Reader { events, task }
}

impl Reader {
    /// What came, up to this seq.
    async fn until(mut self, last: Seq) -> Result<Vec<Event>, DemoError> {
        let mut seen: Vec<Event> = Vec::new();
        let collect = async {
            while seen.last().is_none_or(|event| event.seq < last) {
                match self.events.recv().await {
                    Some(event) => seen.push(event),
                    None => break,
                }
            }
        };
        let late = |_| DemoError::Late {
            what: "a reader's catching up",
            limit: READ_DEADLINE,
        };
        timeout(READ_DEADLINE, collect).await.map_err(late)?;
        self.task.abort();
        Ok(seen)
    }
}

/// The room's last seq.
async fn ledger_last(client: &Client, room: &RoomName) -> Result<Seq, DemoError> {
    let row = client
        .room(&RoomRef::Name(room.clone()))
        .await
        .map_err(DemoError::request("looking at the room"))?;
    Ok(row.last)
}
