//! Stdout: one thread writes it, a line at a time.

use std::io::{self, Write};

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// Lines that wait to be written. Beyond that whoever has one waits: the reader is slow.
const LINES_MAX: usize = 1024;

/// Where lines go. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Out(mpsc::Sender<Line>);

#[derive(Debug)]
enum Line {
    Text(String),
    /// Tell when all before it is written.
    Mark(oneshot::Sender<()>),
}

impl Out {
    /// Begins; the future ends when nobody reads stdout any more.
    pub(super) fn begin() -> (Self, impl Future<Output = ()>) {
        let (lines, written) = mpsc::channel(LINES_MAX);
        let (broken, is_broken) = oneshot::channel();
        std::thread::spawn(move || {
            if write(written).is_err() {
                // The program may have ended already.
                let _ = broken.send(());
            }
        });
        let ends = async move {
            if is_broken.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        (Self(lines), ends)
    }

    pub(super) async fn send(&self, object: &Value) {
        // With stdout broken the program is about to end.
        let _ = self.0.send(Line::Text(object.to_string())).await;
    }

    pub(super) async fn notify(&self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}))
            .await;
    }

    /// Until all is written.
    pub(super) async fn end(&self) {
        let (tell, written) = oneshot::channel();
        if self.0.send(Line::Mark(tell)).await.is_ok() {
            let _ = written.await;
        }
    }
}

fn write(mut lines: mpsc::Receiver<Line>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    while let Some(line) = lines.blocking_recv() {
        match line {
            Line::Text(text) => {
                stdout.write_all(text.as_bytes())?;
                stdout.write_all(b"\n")?;
            }
            Line::Mark(tell) => drop(tell.send(())),
        }
        if lines.is_empty() {
            stdout.flush()?;
        }
    }
    Ok(())
}
