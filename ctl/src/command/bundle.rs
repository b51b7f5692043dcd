//! `chatctl debug bundle`: what is known of a node, in one tar file.
//!
//! Everything in it is an answer of the admin API that has no secrets by itself: the config has paths and no keys, no invite or
//! token is asked for, and of the chat there are numbers only.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::SystemTime;

use quorate_adminapi::{NodeEvent, UtcTime};
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Screen, Text};

/// The folder in the file.
const FOLDER: &str = "chatd-debug";
/// Its owner alone: addresses of nodes are no secret, and nobody else's business.
const MODE: u32 = 0o600;
/// Name in the file, and what is asked.
const JSON_ANSWERS: [(&str, &str); 9] = [
    ("status.json", "/v1/status"),
    ("status-stale.json", "/v1/status?stale=true"),
    ("health.json", "/v1/health?min_tolerance=0"),
    ("doctor.json", "/v1/doctor"),
    ("vitals.json", "/v1/vitals"),
    ("raft.json", "/v1/raft"),
    ("config.json", "/v1/config"),
    ("log-level.json", "/v1/log-level"),
    ("version.json", "/v1/version"),
];

#[derive(Serialize)]
struct Made<'a> {
    /// `null` with `--dry-run`, and for stdout.
    file: Option<&'a Path>,
    entries: Vec<String>,
    /// What could not be had.
    missing: Vec<String>,
}

/// A file in the bundle.
struct Entry {
    name: String,
    bytes: Vec<u8>,
}

pub(crate) async fn make(link: &Link<'_>, file: &Path, replace: bool, dry_run: bool) -> Result<Answer, Failure> {
    let to_stdout = file == Path::new("-");
    if !to_stdout && !replace && file.exists() {
        let message = format!("{} is there already", file.display());
        return Err(Failure::new(Exit::Refused, "refused", message).hint("--yes replaces it"));
    }
    let (entries, missing) = collect(link).await;
    if !dry_run {
        let written = if to_stdout {
            write(io::stdout().lock(), &entries)
        } else {
            create(file, replace).and_then(|out| write(out, &entries))
        };
        match written {
            // Whoever reads stdout has read enough.
            Err(error) if to_stdout && error.kind() == io::ErrorKind::BrokenPipe => {}
            written => written.map_err(|error| Failure::of_io(&error, format!("{}: {error}", file.display())))?,
        }
    }
    let made = Made {
        file: Some(file).filter(|_| !dry_run && !to_stdout),
        entries: entries.into_iter().map(|entry| entry.name).collect(),
        missing,
    };
    let lines: String = made.entries.iter().map(|name| format!("{name}\n")).collect();
    let mut answer = if to_stdout && !dry_run {
        Answer::silent()
    } else {
        Answer::new(&made, Screen::default().raw(lines))
    };
    answer.warnings = made.missing.iter().map(|what| Text::new(what).shown()).collect();
    if dry_run {
        answer.notes.push("dry run: nothing was written".to_owned());
    }
    Ok(answer)
}

async fn collect(link: &Link<'_>) -> (Vec<Entry>, Vec<String>) {
    let (mut entries, mut missing) = (Vec::new(), Vec::new());
    for (name, path) in JSON_ANSWERS {
        match link.get_even_unavailable::<Value>(path).await {
            Ok(answer) => entries.push(Entry {
                name: name.to_owned(),
                bytes: format!("{answer:#}\n").into_bytes(),
            }),
            Err(failure) => missing.push(format!("{name}: {}", failure.error.message)),
        }
    }
    match link.get_text("/metrics").await {
        Ok(text) => entries.push(Entry {
            name: "metrics.txt".to_owned(),
            bytes: text.into_bytes(),
        }),
        Err(failure) => missing.push(format!("metrics.txt: {}", failure.error.message)),
    }
    match link.get::<Vec<NodeEvent>>("/v1/events").await {
        Ok(events) => {
            let line = |event: &NodeEvent| serde_json::to_string(event).expect("events are JSON") + "\n";
            entries.push(Entry {
                name: "events.jsonl".to_owned(),
                bytes: events.iter().map(line).collect::<String>().into_bytes(),
            });
        }
        Err(failure) => missing.push(format!("events.jsonl: {}", failure.error.message)),
    }
    let manifest = json!({
        "schema": "chatctl-debug/1",
        "at": UtcTime::from(SystemTime::now()),
        "chatctl": env!("CARGO_PKG_VERSION"),
        "entries": entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(),
        "missing": missing,
    });
    let manifest = Entry {
        name: "manifest.json".to_owned(),
        bytes: format!("{manifest:#}\n").into_bytes(),
    };
    entries.insert(0, manifest);
    (entries, missing)
}

fn create(file: &Path, replace: bool) -> io::Result<File> {
    if replace {
        // Not written over: what is there may be readable by others.
        match std::fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    File::options().write(true).create_new(true).mode(MODE).open(file)
}

fn write(out: impl Write, entries: &[Entry]) -> io::Result<()> {
    let mut bundle = tar::Builder::new(out);
    let now = UtcTime::from(SystemTime::now()).unix_ms() / 1000;
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(entry.bytes.len() as u64);
        header.set_mode(MODE);
        header.set_mtime(now);
        bundle.append_data(&mut header, Path::new(FOLDER).join(&entry.name), entry.bytes.as_slice())?;
    }
    bundle.into_inner()?.flush()
}
