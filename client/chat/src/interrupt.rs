//! SIGINT: whoever waits for something long learns of it, and ends in good order.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::watch;

use crate::exit::Exit;

/// After that the program ends, whatever it is doing.
const GRACE: Duration = Duration::from_secs(2);

/// Whether it has come. A signal is one for the whole process.
static INTERRUPTED: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Begins to listen; from then on the signal alone ends nothing.
pub(crate) fn listen() {
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            INTERRUPTED.send_replace(true);
        }
    });
}

/// Does it, unless the signal comes first: then it is dropped.
pub(crate) async fn or<T>(work: impl Future<Output = Result<T, Exit>>) -> Result<T, Exit> {
    tokio::select! {
        biased;
        () = interrupted() => Err(Exit::interrupted()),
        result = work => result,
    }
}

/// Until the signal came so long ago that nobody needs to wait any longer.
pub(crate) async fn overdue() {
    interrupted().await;
    tokio::time::sleep(GRACE).await;
}

async fn interrupted() {
    // The sender is never dropped.
    let _ = INTERRUPTED.subscribe().wait_for(|interrupted| *interrupted).await;
}
