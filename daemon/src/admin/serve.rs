//! Accepts connections and keeps their limits: how many, how long, how slow. Handlers know nothing of these.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::newcomer::Newcomer;
use super::roster::RosterSource;
use super::route::{admin_routes, metrics_routes, newcomer_metrics_routes, newcomer_routes};
use super::socket::AdminSocket;
use super::source::Source;

/// Connections to the admin socket at once; more wait in the kernel.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;
/// Connections to the metrics listener at once.
pub const METRICS_CONNECTIONS_MAX: usize = 16;
/// How long a connection may live: one whose peer reads nothing must not keep its place for ever.
pub const CONNECTION_LIFE_MAX: Duration = Duration::from_secs(10 * 60);
/// How long a peer may take to send the head of a request, or be idle before one.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// The buffer of a connection, and so the longest head of a request, in bytes.
const BUFFER_BYTES_MAX: usize = 16 * 1024;
/// How long requests may go on when the server is to stop.
const STOP_GRACE: Duration = Duration::from_secs(2);
/// How long to wait after an accept that failed, mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The user who opened a connection to the admin socket, from the kernel: an extension of each request, for the audit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerUid(pub u32);

/// Serves the admin API until `stop` is ready; then requests in flight have a moment to finish. The socket's file goes.
pub async fn serve_admin<S: RosterSource>(socket: AdminSocket, source: Arc<S>, stop: impl Future<Output = ()> + Send) {
    let listener = AdminListener {
        socket,
        routes: admin_routes(source),
    };
    serve(listener, ADMIN_CONNECTIONS_MAX, stop).await;
}

/// As [`serve_admin`], for a node that belongs to no cluster yet.
pub async fn serve_newcomer<N: Newcomer>(socket: AdminSocket, newcomer: Arc<N>, stop: impl Future<Output = ()> + Send) {
    let listener = AdminListener {
        socket,
        routes: newcomer_routes(newcomer),
    };
    serve(listener, ADMIN_CONNECTIONS_MAX, stop).await;
}

/// Serves `/metrics`, and nothing else, until `stop` is ready.
pub async fn serve_metrics<S: Source>(listener: TcpListener, source: Arc<S>, stop: impl Future<Output = ()> + Send) {
    let listener = MetricsListener {
        listener,
        routes: metrics_routes(source),
    };
    serve(listener, METRICS_CONNECTIONS_MAX, stop).await;
}

/// As [`serve_metrics`], for a node that belongs to no cluster yet.
pub async fn serve_newcomer_metrics<N: Newcomer>(
    listener: TcpListener,
    newcomer: Arc<N>,
    stop: impl Future<Output = ()> + Send,
) {
    let listener = MetricsListener {
        listener,
        routes: newcomer_metrics_routes(newcomer),
    };
    serve(listener, METRICS_CONNECTIONS_MAX, stop).await;
}

/// What connections come from, each with the routes that it may take.
trait Accept: Send + Sync {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, Router)>> + Send;
}

struct AdminListener {
    socket: AdminSocket,
    routes: Router,
}

impl Accept for AdminListener {
    type Stream = UnixStream;

    async fn accept(&self) -> io::Result<(UnixStream, Router)> {
        let (stream, _) = self.socket.listener().accept().await?;
        let uid = PeerUid(stream.peer_cred()?.uid());
        Ok((stream, self.routes.clone().layer(axum::Extension(uid))))
    }
}

struct MetricsListener {
    listener: TcpListener,
    routes: Router,
}

impl Accept for MetricsListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, Router)> {
        let (stream, _) = self.listener.accept().await?;
        Ok((stream, self.routes.clone()))
    }
}

async fn serve(listener: impl Accept, connections_max: usize, stop: impl Future<Output = ()> + Send) {
    let places = Arc::new(Semaphore::new(connections_max));
    let (stopping, stopped) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            (listener.accept().await, place)
        };
        let (accepted, place) = tokio::select! {
            () = &mut stop => break,
            next = next => next,
        };
        // Those that have ended; else the set would grow with every connection there ever was.
        while connections.try_join_next().is_some() {}
        match accepted {
            Ok((stream, routes)) => {
                let connection = connection(stream, routes, stopped.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    stopping.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    // Those that take longer are cut off as the set is dropped.
    let _ = tokio::time::timeout(STOP_GRACE, all_ended).await;
}

/// One connection to its end.
async fn connection<I>(stream: I, routes: Router, mut stopped: watch::Receiver<bool>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(routes);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_buf_size(BUFFER_BYTES_MAX);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let to_the_end = async {
        let told_to_stop = async {
            // The other end is dropped only after it has told.
            let _ = stopped.wait_for(|stopped| *stopped).await;
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = told_to_stop => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "an admin connection ended early");
        }
    };
    if tokio::time::timeout(CONNECTION_LIFE_MAX, to_the_end).await.is_err() {
        tracing::info!(
            "an admin connection was cut off after {} s",
            CONNECTION_LIFE_MAX.as_secs()
        );
    }
}
