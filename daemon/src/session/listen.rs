//! Takes connections in. Caps, handshakes and deadlines are the listener's; each session is a task.

use std::sync::Arc;

use quorate_transport::{CloseCode, Listener};

use super::serve;
use super::services::Services;

/// Serves clients until the listener is closed.
pub async fn listen(mut listener: Listener, services: Arc<Services>) {
    while let Some(connection) = listener.accept().await {
        if *services.draining.borrow() {
            connection.close(CloseCode::Draining, "the node is drained");
            continue;
        }
        tokio::spawn(serve::run(connection, Arc::clone(&services)));
    }
}
