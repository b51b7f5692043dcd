//! Requests of one room are done in the order in which they were written, those of different rooms at once.
//!
//! Messages of one room, edits, deletions and reactions may be under way together: the outbox keeps their order. Everything else
//! about a room waits for what was written before it and is waited for by what comes after.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::method::{Answer, Methods};
use super::out::Out;
use super::parse::{Failed, Request, response};

/// Rooms whose order is kept at a time; when there are more, those with nothing to do are forgotten.
const ROOMS_MAX: usize = 1024;
/// Requests of one room that wait. All that are under way fit in.
const WAITING_MAX: usize = super::IN_FLIGHT_MAX as usize;

pub(super) struct Order {
    methods: Methods,
    out: Out,
    rooms: HashMap<String, Room>,
}

struct Room {
    jobs: mpsc::Sender<Job>,
    /// Each job that is not done has a clone.
    undone: Arc<()>,
}

struct Job {
    request: Request,
    _place: OwnedSemaphorePermit,
    _undone: Arc<()>,
}

impl Order {
    pub(super) fn new(methods: Methods, out: Out) -> Self {
        Self {
            methods,
            out,
            rooms: HashMap::new(),
        }
    }

    /// Does it when its turn comes.
    pub(super) async fn push(&mut self, request: Request, place: OwnedSemaphorePermit) {
        let Some(room) = request.room() else {
            let (methods, out) = (self.methods.clone(), self.out.clone());
            tokio::spawn(async move {
                run(&methods, &out, &request).await;
                drop(place);
            });
            return;
        };
        if self.rooms.len() >= ROOMS_MAX {
            self.rooms.retain(|_, room| Arc::strong_count(&room.undone) > 1);
        }
        let room = self.rooms.entry(room).or_insert_with(|| {
            let (jobs, receiver) = mpsc::channel(WAITING_MAX);
            tokio::spawn(work(self.methods.clone(), self.out.clone(), receiver));
            let undone = Arc::default();
            Room { jobs, undone }
        });
        let job = Job {
            request,
            _place: place,
            _undone: Arc::clone(&room.undone),
        };
        // The worker is there as long as its sender.
        let _ = room.jobs.send(job).await;
    }

    /// Does it while nothing else is under way.
    pub(super) async fn now(&self, request: Request) {
        run(&self.methods, &self.out, &request).await;
    }
}

async fn work(methods: Methods, out: Out, mut jobs: mpsc::Receiver<Job>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            job = jobs.recv() => match job {
                Some(job) => match methods.begin(&job.request) {
                    Some(begun) => {
                        let out = &out;
                        under_way.push(async move {
                            let result = match begun {
                                Ok(change) => change.await,
                                Err(failed) => Err(failed),
                            };
                            answer(out, &job.request, result).await;
                            drop(job);
                        });
                    }
                    None => {
                        while under_way.next().await.is_some() {}
                        run(&methods, &out, &job.request).await;
                    }
                },
                None => break,
            },
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
        }
    }
    while under_way.next().await.is_some() {}
}

async fn run(methods: &Methods, out: &Out, request: &Request) {
    let result = methods.run(request).await;
    answer(out, request, result).await;
}

async fn answer(out: &Out, request: &Request, result: Result<Answer, Failed>) {
    let (result, after) = match result {
        Ok(answer) => (Ok(answer.result), answer.after),
        Err(failed) => (Err(failed), None),
    };
    if let Some(response) = response(request.id.as_ref(), result) {
        out.send(&response).await;
    }
    if let Some(after) = after {
        after();
    }
}
