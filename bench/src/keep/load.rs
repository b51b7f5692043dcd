//! Authors who post one message after the other, and how long each took.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quorate_client::{Client, Options, OutboxKind, Post, Profile, RoomName, RoomRef, Topic};
use tokio::task::JoinHandle;

use crate::Outcome;
use crate::latency::Latencies;

/// How long a node may take to open a session.
const CONNECT_DEADLINE: Duration = Duration::from_secs(60);
/// Bytes of a message, as of a longer line of chat.
const BODY_BYTES: usize = 256;

pub(super) struct Load {
    client: Client,
    taken: Arc<Mutex<Latencies>>,
    stop: Arc<AtomicBool>,
    authors: Vec<JoinHandle<Outcome<()>>>,
}

impl Load {
    /// Logs in, makes a room, and lets that many authors post into it.
    pub(super) async fn begin(
        folder: &Path,
        server: &str,
        (user, password): (&str, &str),
        authors: usize,
    ) -> Outcome<Self> {
        let profile = Profile::open(&folder.join("profile"))?;
        profile.set_servers(vec![server.to_owned()])?;
        let options = Options {
            outbox: OutboxKind::Memory,
        };
        let client = Client::open(&profile, options)?;
        client.connected(CONNECT_DEADLINE).await?;
        client.login(user, password).await?;
        // Of its own, so that a directory can be measured again.
        let room: RoomName = format!("keep-{}", std::process::id()).parse()?;
        client.create_room(&room, false, Topic::default()).await?;
        let (taken, stop) = (Arc::new(Mutex::new(Latencies::new())), Arc::default());
        let author = |_| {
            let (client, room) = (client.clone(), room.clone());
            tokio::spawn(post(client, room, Arc::clone(&taken), Arc::clone(&stop)))
        };
        let authors = (0..authors).map(author).collect();
        Ok(Self {
            client,
            taken,
            stop,
            authors,
        })
    }

    /// What was measured since the last time this was asked.
    pub(super) fn taken(&self) -> Latencies {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *taken, Latencies::new())
    }

    /// Stops the authors when they have their answers.
    pub(super) async fn end(self) -> Outcome<()> {
        self.stop.store(true, Ordering::Relaxed);
        for author in self.authors {
            author.await??;
        }
        self.client.close().await;
        Ok(())
    }
}

async fn post(client: Client, room: RoomName, taken: Arc<Mutex<Latencies>>, stop: Arc<AtomicBool>) -> Outcome<()> {
    let body = "x".repeat(BODY_BYTES);
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        client.post(Post::new(RoomRef::Name(room.clone()), &body)?).await?;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.record(began.elapsed(), 1);
    }
    Ok(())
}
