//! How many sessions a second the nodes let in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_client::{Client, Options, OutboxKind, RequestError};
use serde_json::json;

use super::report::{self, Latencies};
use crate::cli::BenchLogin;
use crate::command::first_line;
use crate::exit::Exit;
use crate::{output, progress};

/// One login, at the most.
const LOGIN_DEADLINE: Duration = Duration::from_secs(30);
/// After an error, before the next login: what is refused at once must not become a loop that does nothing else.
const ERROR_PAUSE: Duration = Duration::from_millis(20);

struct Tally {
    latencies: Latencies,
    logins: u64,
    errors: u64,
    last_error: Option<RequestError>,
}

/// Who logs in, and whether by password.
struct Account {
    user: String,
    password: Option<String>,
}

pub(super) async fn run(client: &Client, args: &BenchLogin, json: bool) -> Result<(), Exit> {
    let user = client.user().ok_or_else(Exit::no_login)?.to_string();
    let password = match args.password_stdin {
        true => Some(first_line().await?),
        false => None,
    };
    let account = Arc::new(Account { user, password });
    let began = Instant::now();
    let until = began + Duration::from_secs(args.seconds.into());
    let logging_in: Vec<_> = (0..args.clients)
        .map(|_| tokio::spawn(repeat(client.clone(), Arc::clone(&account), until)))
        .collect();
    let ticking = progress::seconds(args.seconds);
    let mut latencies = Latencies::new();
    let (mut logins, mut errors, mut last_error) = (0, 0, None);
    for task in logging_in {
        let tally = task.await.map_err(|error| Exit::error("bench", error.to_string()))?;
        latencies.add(&tally.latencies);
        logins += tally.logins;
        errors += tally.errors;
        last_error = tally.last_error.or(last_error);
    }
    ticking.abort();
    // The last ones were under way when the time was over; the rate must not profit from them.
    let took = began.elapsed();
    let report = json!({
        "logins": logins,
        "per_second": logins as f64 / took.as_secs_f64(),
        "latency_ms": latencies.to_json(),
        "errors": errors,
    });
    if let Some(error) = last_error {
        output::note(&format!("one of the errors: {error}"));
    }
    output::either(json, &report, &report::text(&report))
}

async fn repeat(client: Client, account: Arc<Account>, until: Instant) -> Tally {
    let mut tally = Tally {
        latencies: Latencies::new(),
        logins: 0,
        errors: 0,
        last_error: None,
    };
    while Instant::now() < until {
        let began = Instant::now();
        match log_in(&client, &account).await {
            Ok(()) => {
                tally.latencies.record(began.elapsed());
                tally.logins += 1;
            }
            Err(error) => {
                tally.errors += 1;
                tally.last_error = Some(error);
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }
    tally
}

/// A session that ends when it is dropped, on which the node has said who is logged in.
async fn log_in(client: &Client, account: &Account) -> Result<(), RequestError> {
    let session = client.sibling(Options {
        outbox: OutboxKind::Memory,
    });
    session.connected(LOGIN_DEADLINE).await?;
    if let Some(password) = &account.password {
        session.login(&account.user, password).await?;
    }
    session.whoami().await.map(drop)
}
