//! HTTP over the admin socket: one request a connection.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use quorate_adminapi::{ErrorReply, TIMEOUT_HEADER, format_duration};
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output::complain;

/// The longest answer that is taken: the metrics of a daemon are a hundredth of this.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a daemon may be silent within a long answer, where `--timeout` says less: it reads from a disk that others
/// use too.
const SILENCE_MIN: Duration = Duration::from_secs(30);
/// The code of a failure: no daemon answers.
pub(crate) const UNREACHABLE: &str = "daemon-unreachable";
/// It is there, as far as one can tell, and does not answer in time.
pub(crate) const SILENT: &str = "daemon-silent";
/// What keeps a connection going.
type Connection = hyper::client::conn::http1::Connection<TokioIo<UnixStream>, Full<Bytes>>;

/// Where the daemon shows what the cluster has agreed on: as of now, or, with `stale=true`, as it knows it by itself.
const AGREED: [&str; 9] = [
    "/v1/users",
    "/v1/rooms",
    "/v1/invites",
    "/v1/bans",
    "/v1/lockdown",
    "/v1/audit",
    "/v1/retention",
    "/v1/quota",
    "/v1/tokens",
];

/// The way to one daemon.
pub(crate) struct Link<'a> {
    socket: &'a Path,
    timeout: Duration,
    verbose: bool,
    stale: bool,
}

impl<'a> Link<'a> {
    pub(crate) fn new(global: &'a Global) -> Self {
        Self {
            socket: &global.socket,
            timeout: global.timeout,
            verbose: global.verbose,
            stale: global.stale,
        }
    }

    /// What a path answers.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        match self.stale && AGREED.iter().any(|agreed| path.starts_with(agreed)) {
            true => self.ask(Method::GET, &with_stale(path), Bytes::new()).await,
            false => self.ask(Method::GET, path, Bytes::new()).await,
        }
    }

    /// What a change of what is at a path answers.
    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.ask(Method::PUT, path, json(body)).await
    }

    /// What making something new at a path answers.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, Failure> {
        self.ask(Method::POST, path, json(body)).await
    }

    /// Takes away what is at a path.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.ask(Method::DELETE, path, Bytes::new()).await
    }

    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &str, body: Bytes) -> Result<T, Failure> {
        let is_change = method != Method::GET;
        let answer = self.request(method, path, body).await?;
        if answer.status.is_success() {
            answer.json()
        } else if is_change {
            Err(answer.failure().of_change())
        } else {
            Err(answer.failure())
        }
    }

    /// What a path answers, be it with success or as `503 Service Unavailable`.
    pub(crate) async fn get_even_unavailable<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        let answer = self.request(Method::GET, path, Bytes::new()).await?;
        let unavailable = answer.status == StatusCode::SERVICE_UNAVAILABLE;
        if answer.status.is_success() || unavailable {
            answer.json()
        } else {
            Err(answer.failure())
        }
    }

    /// The text that a path answers with.
    pub(crate) async fn get_text(&self, path: &str) -> Result<String, Failure> {
        let answer = self.request(Method::GET, path, Bytes::new()).await?;
        if !answer.status.is_success() {
            return Err(answer.failure());
        }
        String::from_utf8(answer.body.into()).map_err(|_| odd_answer("text that is not UTF-8"))
    }

    /// Takes the JSON objects that a path answers with, a line each, as they come; until the answer ends, or `take` breaks.
    pub(crate) async fn lines<T: DeserializeOwned, B>(
        &self,
        path: &str,
        mut take: impl FnMut(T) -> ControlFlow<B, B>,
    ) -> Result<ControlFlow<B>, Failure> {
        let broken = |error: hyper::Error| self.broken(&error);
        let (mut sender, connection) = self.connect().await?;
        let request = self.message(Method::GET, path, Bytes::new());
        let read = async {
            let mut body = sender.send_request(request).await.map_err(broken)?;
            if !body.status().is_success() {
                let status = body.status();
                let body = Limited::new(body.into_body(), ANSWER_BYTES_MAX).collect().await;
                let body = body.map_err(|error| self.unreachable(format!("the answer broke off: {error}")))?;
                return Err(Answer {
                    status,
                    body: body.to_bytes(),
                }
                .failure());
            }
            let mut line = Vec::new();
            while let Some(frame) = body.frame().await {
                let Ok(data) = frame.map_err(broken)?.into_data() else {
                    continue;
                };
                for byte in data {
                    if byte != b'\n' {
                        line.push(byte);
                        continue;
                    }
                    let object = serde_json::from_slice(&line).map_err(|error| odd_answer(&error.to_string()))?;
                    line.clear();
                    if let ControlFlow::Break(end) = take(object) {
                        return Ok(ControlFlow::Break(end));
                    }
                }
                if line.len() > ANSWER_BYTES_MAX {
                    return Err(odd_answer("a line without an end"));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        let mut read = std::pin::pin!(read);
        tokio::select! {
            ended = &mut read => return ended,
            _ = connection => {}
        }
        read.await
    }

    /// What a path gives when it is told to make something, as it comes.
    pub(crate) async fn post_for_stream(&self, path: &str) -> Result<Download, Failure> {
        self.stream(Method::POST, path).await
    }

    /// Takes the bytes that a path answers with as they come, however many they are.
    pub(crate) async fn download(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut bytes = self.stream(Method::GET, path).await?;
        while let Some(chunk) = bytes.next().await? {
            take(&chunk)?;
        }
        Ok(())
    }

    async fn stream(&self, method: Method, path: &str) -> Result<Download, Failure> {
        let asked = format!("{method} {path}");
        let begun = async {
            let (mut sender, connection) = self.connect().await?;
            let connection = tokio::spawn(async move { drop(connection.await) });
            let request = self.message(method, path, Bytes::new());
            let answer = sender.send_request(request).await;
            let answer = answer.map_err(|error| self.broken(&error))?;
            Ok::<_, Failure>((answer, connection))
        };
        let begun = tokio::time::timeout(self.timeout, begun).await;
        let (answer, connection) = begun.map_err(|_| self.unreachable(self.no_answer()))??;
        if self.verbose {
            complain(&format!("{asked} on {}: {}", self.socket.display(), answer.status()));
        }
        let (head, body) = answer.into_parts();
        if !head.status.is_success() {
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| self.unreachable(format!("the answer broke off: {error}")))?;
            let answer = Answer {
                status: head.status,
                body: body.to_bytes(),
            };
            return Err(answer.failure());
        }
        Ok(Download {
            body,
            connection,
            silence: self.timeout.max(SILENCE_MIN),
        })
    }

    async fn request(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Failure> {
        let asked = Instant::now();
        let is_change = method != Method::GET;
        let exchange = self.exchange(method.clone(), path, body);
        let answer = match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) if is_change => Err(Failure::unconfirmed(self.no_answer())),
            Err(_) => Err(self.silent()),
        };
        if self.verbose {
            let told = answer
                .as_ref()
                .map_or_else(|failure| failure.error.code.clone(), |answer| answer.status.to_string());
            complain(&format!(
                "{method} {path} on {}: {told} in {} ms",
                self.socket.display(),
                asked.elapsed().as_millis()
            ));
        }
        answer
    }

    async fn exchange(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, Failure> {
        let (mut sender, connection) = self.connect().await?;
        let is_change = method != Method::GET;
        let request = self.message(method, path, body);
        let answer = async {
            let answer = sender.send_request(request).await;
            // From here on the daemon may have done it.
            let no_answer = |why: String| match is_change {
                true => Failure::unconfirmed(why),
                false => self.unreachable(why),
            };
            let closed = |error| no_answer(format!("the daemon closed the connection: {error}"));
            let (head, body) = answer.map_err(closed)?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| no_answer(format!("the answer broke off: {error}")))?;
            Ok(Answer {
                status: head.status,
                body: body.to_bytes(),
            })
        };
        let mut answer = std::pin::pin!(answer);
        tokio::select! {
            answer = &mut answer => return answer,
            // The connection may end before the answer was looked at.
            _ = connection => {}
        }
        answer.await
    }

    /// Says how long it waits, so that the daemon gives up no earlier, and tells why before it is too late.
    fn message(&self, method: Method, path: &str, body: Bytes) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(path)
            .header(hyper::header::HOST, "localhost")
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .header(TIMEOUT_HEADER, self.timeout.as_millis().to_string())
            .body(Full::new(body))
            .expect("paths are made here, of characters that need no escape")
    }

    async fn connect(&self) -> Result<(SendRequest<Full<Bytes>>, Connection), Failure> {
        let stream = UnixStream::connect(self.socket)
            .await
            .map_err(|error| self.not_connected(&error))?;
        let shaken = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        shaken.map_err(|error| self.broken(&error))
    }

    fn no_answer(&self) -> String {
        format!("the daemon did not answer within {}", format_duration(self.timeout))
    }

    fn broken(&self, error: &hyper::Error) -> Failure {
        self.unreachable(format!("the daemon closed the connection: {error}"))
    }

    fn not_connected(&self, error: &io::Error) -> Failure {
        let socket = self.socket.display();
        match error.kind() {
            io::ErrorKind::PermissionDenied => Failure::new(
                Exit::Permission,
                "permission-denied",
                format!("the admin socket {socket}: {error}"),
            )
            .hint("it is for the members of its group, which a package calls chatd-admin"),
            _ => self.unreachable(format!("no daemon answers: {error}")),
        }
    }

    fn silent(&self) -> Failure {
        let mut failure = self.unreachable(self.no_answer());
        SILENT.clone_into(&mut failure.error.code);
        failure
    }

    fn unreachable(&self, message: String) -> Failure {
        let socket = self.socket.display();
        Failure::new(Exit::NoQuorum, UNREACHABLE, message).hint(format!(
            "is chatd running, and is {socket} its admin socket? --socket and CHATCTL_SOCKET name another"
        ))
    }
}

fn with_stale(path: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    format!("{path}{joint}stale=true")
}

/// An answer that is taken piece by piece.
pub(crate) struct Download {
    body: Incoming,
    connection: JoinHandle<()>,
    silence: Duration,
}

impl Download {
    /// The next bytes; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let broken = |why: String| {
            Failure::new(Exit::Error, "broken-off", format!("the daemon broke off: {why}"))
                .hint("the traces of the daemon say why")
        };
        loop {
            match tokio::time::timeout(self.silence, self.body.frame()).await {
                Ok(None) => return Ok(None),
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Ok(Some(Err(error))) => return Err(broken(error.to_string())),
                Err(_) => return Err(broken(format!("nothing came for {}", format_duration(self.silence)))),
            }
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

fn json(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body)
        .expect("the shapes of requests are JSON")
        .into()
}

/// A name as a part of a path (RFC 3986, section 2.1).
pub(crate) fn escaped(name: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(escape).collect()
}

struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|error| odd_answer(&error.to_string()))
    }

    fn failure(&self) -> Failure {
        match serde_json::from_slice::<ErrorReply>(&self.body) {
            Ok(reply) => Failure::of_daemon(reply.error),
            Err(_) => odd_answer(&format!("HTTP status {}", self.status)),
        }
    }
}

fn odd_answer(what: &str) -> Failure {
    Failure::new(
        Exit::Error,
        "bad-answer",
        format!("the daemon's answer is not understood: {what}"),
    )
    .hint("chatctl and chatd may be of different versions; see chatctl version")
}
