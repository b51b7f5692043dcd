//! Sends what an outbox holds, over whichever session there is, until it is answered.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quorate_core::{Done, UserName};
use quorate_protocol::client::{Answer, Failure, Grant, Submit};

use crate::backoff::Backoff;
use crate::link::{Link, Lost, Pending};
use crate::outbox::{EntryRef, Next, Outbox, Verdict, WINDOW};
use crate::shared::Shared;

/// Until the client is closed.
pub(crate) async fn run(shared: Arc<Shared>, outbox: Arc<Outbox>, user: UserName) {
    tokio::select! {
        () = send_all(&shared, &outbox, &user) => {}
        () = outbox.closing() => {}
        () = shared.closing() => {}
    }
    outbox.close();
}

/// Until what a dead process left is sent, or the client is closed.
pub(crate) async fn finish(shared: Arc<Shared>, outbox: Arc<Outbox>, user: UserName) {
    let mut waiting = outbox.waiting();
    tokio::select! {
        () = send_all(&shared, &outbox, &user) => {}
        _ = waiting.wait_for(|waiting| *waiting == 0) => {}
        () = shared.closing() => {}
    }
    outbox.close();
}

async fn send_all(shared: &Shared, outbox: &Outbox, user: &UserName) {
    let mut links = shared.links();
    let mut users = shared.users();
    let mut backoff = Backoff::of_asking();
    loop {
        let mine = users.borrow_and_update().as_ref() == Some(user);
        let link = links.borrow_and_update().clone().filter(|link| mine && !link.is_dead());
        if let Some(link) = link {
            tokio::select! {
                () = over(&link, outbox, &mut backoff) => {}
                _ = links.changed() => {}
                _ = users.changed() => {}
            }
            outbox.lost();
        } else {
            tokio::select! {
                _ = links.changed() => {}
                _ = users.changed() => {}
            }
        }
    }
}

/// Sends over one session, until that is over.
async fn over(link: &Link, outbox: &Outbox, backoff: &mut Backoff) {
    let mut in_flight = FuturesUnordered::new();
    // What is to be sent again goes out when all that is under way has been answered: a request is refused as long
    // as one before it is missing.
    let mut hold = None;
    loop {
        if in_flight.is_empty() {
            match hold.take() {
                Some(Hold::Pause) => tokio::select! {
                    () = backoff.wait() => {}
                    _ = link.dead() => return,
                },
                Some(Hold::Again) | None => {}
            }
        }
        let mut wait = hold.is_some();
        while !wait && (in_flight.len() as u64) < WINDOW {
            match outbox.next() {
                Next::Wait => wait = true,
                Next::Grant => match grant(link, outbox).await {
                    Ok(true) => {}
                    Ok(false) => {
                        hold = Some(Hold::Pause);
                        wait = true;
                    }
                    Err(Lost) => return,
                },
                Next::Send {
                    entry,
                    writer,
                    number,
                    action,
                } => {
                    let submit = Submit {
                        writer,
                        request: number,
                        action,
                    };
                    match link.request(submit).await {
                        Ok(pending) => in_flight.push(answer(entry, pending)),
                        Err(Lost) => return,
                    }
                }
            }
        }
        if hold.is_some() && in_flight.is_empty() {
            continue;
        }
        tokio::select! {
            Some((entry, result)) = in_flight.next(), if !in_flight.is_empty() => {
                let Ok(result) = result else { return };
                link.report(!matches!(&result, Err(failure) if is_trouble(failure)));
                if result.is_ok() {
                    backoff.reset();
                }
                match outbox.answered(entry, done(result)) {
                    Verdict::Onward => {}
                    Verdict::Again => {
                        hold.get_or_insert(Hold::Again);
                    }
                    Verdict::AgainLater { code } => {
                        tracing::debug!(%code, "the node could not; asking again");
                        hold = Some(Hold::Pause);
                    }
                }
            }
            () = outbox.changed(), if hold.is_none() => {}
            _ = link.dead() => return,
        }
    }
}

enum Hold {
    Again,
    Pause,
}

async fn answer(entry: EntryRef, pending: Pending) -> (EntryRef, Result<Result<Answer, Failure>, Lost>) {
    (entry, pending.reply().await)
}

/// Whether it was granted.
async fn grant(link: &Link, outbox: &Outbox) -> Result<bool, Lost> {
    match link.call(Grant {}).await? {
        Ok(Answer::Done(Done::Granted { writer })) => {
            link.report(true);
            outbox.granted(writer);
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(failure) => {
            link.report(!is_trouble(&failure));
            tracing::debug!(%failure, "no writer was granted");
            Ok(false)
        }
    }
}

/// Whether a failure says that the node cannot get anything changed, rather than that it does not want to.
pub(crate) fn is_trouble(failure: &Failure) -> bool {
    match failure {
        Failure::Refused { .. } => false,
        Failure::Unavailable { code } => matches!(code.as_str(), "no-quorum" | "no-leader"),
        Failure::Unknown => true,
    }
}

fn done(result: Result<Answer, Failure>) -> Result<Done, Failure> {
    match result {
        Ok(Answer::Done(done)) => Ok(done),
        // Not the answer to what was asked: nothing is known.
        Ok(_) => Err(Failure::Unknown),
        Err(failure) => Err(failure),
    }
}
