//! How many messages a second the cluster acknowledges.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quorate_client::{Client, Post, Range, RoomEventKind, RoomName, RoomRef, Seq};
use serde_json::json;

use super::report::{self, Latencies};
use super::{room, sessions};
use crate::cli::BenchPost;
use crate::exit::Exit;
use crate::{output, progress};

/// Events that are read back at a time.
const PAGE: usize = 5000;

/// After an error, before the next message: what is refused at once must not become a loop that does nothing else.
const ERROR_PAUSE: Duration = Duration::from_millis(20);

/// What one session has seen.
struct Tally {
    latencies: Latencies,
    /// The seqs of what was acknowledged, by message id.
    acked: HashMap<String, Seq>,
    errors: u64,
    /// Ids whose outcome nobody could say.
    unknown: Vec<String>,
}

/// When the last acknowledgement came, of any session.
struct Gap {
    last: Instant,
    longest: Duration,
}

pub(super) async fn run(client: &Client, args: &BenchPost, json: bool) -> Result<(), Exit> {
    let mut rooms = Vec::new();
    for _ in 0..args.rooms {
        rooms.push(room(client).await?);
    }
    let sessions = sessions(client, args.clients).await?;
    let began = Instant::now();
    let until = began + Duration::from_secs(args.seconds.into());
    let gap = Arc::new(Mutex::new(Gap {
        last: began,
        longest: Duration::ZERO,
    }));
    let mut posting = Vec::new();
    for (index, session) in sessions.iter().enumerate() {
        let room = rooms[index % rooms.len()].clone();
        let poster = Poster {
            client: session.clone(),
            name: index,
            room,
            size: args.size as usize,
            window: args.window as usize,
            until,
            gap: Arc::clone(&gap),
        };
        posting.push((index, tokio::spawn(poster.run())));
    }
    let ticking = progress::seconds(args.seconds);
    let mut latencies = Latencies::new();
    let mut by_room: HashMap<RoomName, (HashMap<String, Seq>, Vec<String>)> = HashMap::new();
    let (mut acked, mut errors, mut unknown) = (0, 0, 0);
    for (index, task) in posting {
        let tally = task.await.map_err(|error| Exit::error("bench", error.to_string()))?;
        latencies.add(&tally.latencies);
        acked += tally.acked.len();
        errors += tally.errors;
        unknown += tally.unknown.len();
        let of_room = by_room.entry(rooms[index % rooms.len()].clone()).or_default();
        of_room.0.extend(tally.acked);
        of_room.1.extend(tally.unknown);
    }
    ticking.abort();
    // The last ones were under way when the time was over; the rate must not profit from them.
    let last = gap.lock().unwrap_or_else(PoisonError::into_inner).last;
    let took = last.max(until).duration_since(began);
    let longest_gap = gap.lock().unwrap_or_else(PoisonError::into_inner).longest;
    let (mut missing, mut surplus) = (0, 0);
    for (room, (acked, unknown)) in &by_room {
        let (lost, more) = compare(client, room, acked, unknown).await?;
        missing += lost;
        surplus += more;
    }
    let report = json!({
        "acked": acked,
        "per_second": acked as f64 / took.as_secs_f64(),
        "latency_ms": latencies.to_json(),
        "errors": errors,
        "unknown": unknown,
        "longest_gap_ms": longest_gap.as_secs_f64() * 1000.0,
        "missing": missing,
        "duplicates": surplus,
    });
    output::either(json, &report, &report::text(&report))?;
    if missing + surplus > 0 {
        let message = format!("{missing} acknowledged messages are missing, {surplus} are there that should not be");
        return Err(Exit::error("inconsistent", message));
    }
    Ok(())
}

struct Poster {
    client: Client,
    name: usize,
    room: RoomName,
    size: usize,
    window: usize,
    until: Instant,
    gap: Arc<Mutex<Gap>>,
}

impl Poster {
    async fn run(self) -> Tally {
        let mut tally = Tally {
            latencies: Latencies::new(),
            acked: HashMap::new(),
            errors: 0,
            unknown: Vec::new(),
        };
        let mut under_way = FuturesUnordered::new();
        let mut count = 0_u64;
        loop {
            while under_way.len() < self.window && Instant::now() < self.until {
                let id = format!("{}-{}-{count}", self.room, self.name);
                count += 1;
                let body = format!("{id:x<width$}", width = self.size);
                let post = Post::new(RoomRef::Name(self.room.clone()), body.get(..self.size).unwrap_or(&body))
                    .and_then(|post| post.with_id(&id));
                let Ok(post) = post else {
                    tally.errors += 1;
                    continue;
                };
                let (sent, posted) = (Instant::now(), self.client.post(post));
                under_way.push(async move { (id, sent, posted.await) });
            }
            let Some((id, sent, posted)) = under_way.next().await else {
                return tally;
            };
            match posted {
                Ok(posted) => {
                    let now = Instant::now();
                    tally.latencies.record(now.duration_since(sent));
                    tally.acked.insert(id, posted.seq);
                    let mut gap = self.gap.lock().unwrap_or_else(PoisonError::into_inner);
                    gap.longest = gap.longest.max(now.saturating_duration_since(gap.last));
                    gap.last = gap.last.max(now);
                }
                Err(error) if error.may_have_happened() => tally.unknown.push(id),
                Err(_) => {
                    tally.errors += 1;
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }
}

/// How many acknowledged messages are not where they should be, and how many are there that nobody was told of, or twice.
async fn compare(
    client: &Client,
    room: &RoomName,
    acked: &HashMap<String, Seq>,
    unknown: &[String],
) -> Result<(usize, usize), Exit> {
    let room = RoomRef::Name(room.clone());
    let mut found: HashMap<String, Seq> = HashMap::new();
    let (mut after, mut surplus) = (Seq(0), 0);
    loop {
        let history = client.history(&room, Range::After(after), PAGE, true).await?;
        for event in &history.events {
            after = event.seq;
            if let RoomEventKind::Message { id, .. } = &event.kind {
                let id = id.as_str();
                let expected = acked.contains_key(id) || unknown.iter().any(|unknown| unknown == id);
                if found.insert(id.to_owned(), event.seq).is_some() || !expected {
                    surplus += 1;
                }
            }
        }
        if history.events.is_empty() || after >= history.last {
            break;
        }
    }
    let missing = acked.iter().filter(|(id, seq)| found.get(*id) != Some(*seq)).count();
    Ok((missing, surplus))
}
