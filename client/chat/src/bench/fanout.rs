//! How fast what is posted reaches those who follow a room.

use std::time::{Duration, Instant};

use quorate_client::{Client, Post, RoomEventKind, RoomRef, Seq, Subscription, Update};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout_at};

use super::report::{self, Latencies};
use super::{room, sessions};
use crate::cli::BenchFanout;
use crate::exit::Exit;
use crate::{output, progress};

/// How long after the last post deliveries are still waited for.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(15);

struct Tally {
    latencies: Latencies,
    delivered: u64,
    duplicates: u64,
}

/// What subscribers are told when all is posted.
#[derive(Clone, Copy)]
struct Over {
    last: Seq,
    until: Instant,
}

pub(super) async fn run(client: &Client, args: &BenchFanout, json: bool) -> Result<(), Exit> {
    let room = RoomRef::Name(room(client).await?);
    let sessions = sessions(client, args.subscribers).await?;
    let (over, is_over) = watch::channel(None);
    let began = Instant::now();
    let mut following = Vec::new();
    let bar = progress::bar("subscribing", args.subscribers.into());
    for session in &sessions {
        let subscription = session.subscribe(&room, None).await?;
        bar.inc(1);
        following.push(tokio::spawn(follow(subscription, began, is_over.clone())));
    }
    bar.finish_and_clear();

    let posts = u64::from(args.rate) * u64::from(args.seconds);
    let bar = progress::bar("posting", posts);
    let posting = Instant::now();
    let mut tick = interval(Duration::from_secs(1) / args.rate);
    // One that is late is made up for: the rate is what was asked for.
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut posted = Vec::new();
    for _ in 0..posts {
        tick.tick().await;
        let body = format!("{} sent", began.elapsed().as_micros());
        posted.push(tokio::spawn(client.post(Post::new(room.clone(), &body)?)));
        bar.inc(1);
    }
    let (mut acked, mut last) = (0_u64, Seq(0));
    for post in posted {
        if let Ok(Ok(posted)) = post.await {
            acked += 1;
            last = last.max(posted.seq);
        }
    }
    bar.finish_and_clear();
    let until = Instant::now() + DELIVERY_DEADLINE;
    over.send_replace(Some(Over { last, until }));

    let mut latencies = Latencies::new();
    let (mut delivered, mut duplicates) = (0, 0);
    for task in following {
        let tally: Tally = task.await.map_err(|error| Exit::error("bench", error.to_string()))?;
        latencies.add(&tally.latencies);
        delivered += tally.delivered;
        duplicates += tally.duplicates;
    }
    let expected = acked * u64::from(args.subscribers);
    let missing = expected.saturating_sub(delivered);
    let report = json!({
        "posted": acked,
        "delivered": delivered,
        "per_second": delivered as f64 / posting.elapsed().as_secs_f64(),
        "latency_ms": latencies.to_json(),
        "missing": missing,
        "duplicates": duplicates,
    });
    output::either(json, &report, &report::text(&report))?;
    if missing + duplicates > 0 {
        let message = format!("{missing} deliveries are missing, {duplicates} came twice");
        return Err(Exit::error("inconsistent", message));
    }
    Ok(())
}

async fn follow(mut subscription: Subscription, began: Instant, mut over: watch::Receiver<Option<Over>>) -> Tally {
    let mut tally = Tally {
        latencies: Latencies::new(),
        delivered: 0,
        duplicates: 0,
    };
    let mut reached = subscription.last();
    loop {
        let now_over = *over.borrow_and_update();
        if now_over.is_some_and(|over| reached >= over.last || Instant::now() >= over.until) {
            return tally;
        }
        let deadline = now_over.map_or(Instant::now() + Duration::from_secs(3600), |over| over.until);
        let update = tokio::select! {
            update = timeout_at(deadline.into(), subscription.next()) => update,
            Ok(()) = over.changed() => continue,
        };
        match update {
            Ok(Some(Ok(Update::Event(event)))) => {
                if event.seq <= reached {
                    tally.duplicates += 1;
                    continue;
                }
                reached = event.seq;
                if let RoomEventKind::Message { body, .. } = &event.kind {
                    tally.delivered += 1;
                    let sent = body.as_str().split(' ').next().and_then(|us| us.parse().ok());
                    let sent = began + Duration::from_micros(sent.unwrap_or(0));
                    tally.latencies.record(Instant::now().saturating_duration_since(sent));
                }
            }
            Ok(Some(Ok(Update::Lagged { .. } | Update::Truncated { .. }))) | Err(_) => {}
            Ok(Some(Err(_)) | None) => return tally,
        }
    }
}
