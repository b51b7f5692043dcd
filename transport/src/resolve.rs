//! From `host:port` to a connection: names are resolved each time, and several addresses are tried side by side.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout_at};

use crate::dial_error::DialError;

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
/// How long one address has before the next is tried beside it (RFC 8305, section 5).
const STAGGER: Duration = Duration::from_millis(250);

/// The first success of `attempt` over the addresses of `addr`, or the error that says most.
pub(crate) async fn race<T, A, F>(
    addr: &str,
    deadline: Duration,
    usable: impl Fn(&SocketAddr) -> bool,
    attempt: A,
) -> Result<T, DialError>
where
    T: Send + 'static,
    A: Fn(SocketAddr) -> F,
    F: Future<Output = Result<T, DialError>> + Send + 'static,
{
    let until = tokio::time::Instant::now() + deadline;
    let unresolved = |source| DialError::Unresolved {
        addr: addr.to_owned(),
        source,
    };
    let found = timeout_at(until, lookup_host(addr))
        .await
        .map_err(|_| DialError::TimedOut)?
        .map_err(unresolved)?;
    let mut waiting = found.filter(usable).take(ADDRESSES_MAX).collect::<Vec<_>>().into_iter();
    let mut racing = JoinSet::new();
    let race = async {
        let mut best = None;
        loop {
            if let Some(next) = waiting.next() {
                racing.spawn(attempt(next));
            }
            let finished = tokio::select! {
                finished = racing.join_next() => finished,
                () = sleep(STAGGER), if waiting.len() > 0 => continue,
            };
            match finished {
                Some(Ok(Ok(winner))) => return Ok(winner),
                Some(Ok(Err(error))) => best = Some(more_telling(best, error)),
                // An attempt that panicked has told so; to the others it is one that failed.
                Some(Err(_)) => {}
                None if waiting.len() > 0 => {}
                None => return Err(best.unwrap_or(DialError::NoAddress { addr: addr.to_owned() })),
            }
        }
    };
    timeout_at(until, race).await.unwrap_or(Err(DialError::TimedOut))
}

/// An answer tells more than silence.
fn more_telling(before: Option<DialError>, now: DialError) -> DialError {
    match before {
        Some(before) if matches!(now, DialError::TimedOut | DialError::Local(_)) => before,
        _ => now,
    }
}
