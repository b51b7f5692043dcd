//! `chatctl users export` and `rooms export`: JSON lines into a file, as they come.

use std::io;
use std::path::Path;

use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::file::Sink;
use crate::link::Link;
use crate::output::{Answer, complain};
use crate::screen::Screen;

/// Puts all that a path answers with into a file. `what` names it.
pub(super) async fn run(link: &Link<'_>, path: &str, what: &str, to: &Path) -> Result<Answer, Failure> {
    let mut sink = Sink::create(to)?;
    let (mut lines, mut bytes) = (0_u64, 0_u64);
    let failed = |error: &io::Error| match error.kind() {
        // Whoever read has read enough.
        io::ErrorKind::BrokenPipe => Failure::new(Exit::Ok, "broken-pipe", "nobody reads any more"),
        _ => Failure::of_io(error, format!("{}: {error}", to.display())),
    };
    link.download(path, |chunk| {
        lines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        bytes += chunk.len() as u64;
        sink.write(chunk).map_err(|error| failed(&error))
    })
    .await?;
    sink.finish().map_err(|error| failed(&error))?;
    let told = format!("{what}: {lines} lines");
    let data = json!({"exported": what, "file": to.display().to_string(), "lines": lines, "bytes": bytes});
    let mut answer = Answer::new(&data, Screen::default().raw(format!("{told}\n")));
    if sink.is_stdout() {
        // The lines are the answer.
        complain(&told);
        answer.silent = true;
    }
    Ok(answer)
}
