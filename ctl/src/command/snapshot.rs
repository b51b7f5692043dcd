//! `chatctl snapshot`: backups on their way here, and what is in them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use quorate_adminapi::{BackupInfo, Snapshots, format_bytes};
use quorate_daemon::offline::{self, BackupError};
use serde_json::json;
use tokio::sync::mpsc;

use crate::failure::{Exit, Failure};
use crate::link::Link;
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text, grouped};

/// Stands for stdout.
const STDOUT: &str = "-";
/// A backup that is not complete yet.
const PARTIAL_SUFFIX: &str = ".partial";
/// Chunks between the socket and the disk.
const CHUNKS_MAX: usize = 8;

/// The least urgent there is.
const CHECK_NICENESS: i32 = 19;

pub(super) async fn save(link: &Link<'_>, file: &Path, stale: bool, dry_run: bool) -> Result<Answer, Failure> {
    if dry_run {
        return would_save(link, file).await;
    }
    // Checking takes as long as making, and often on the same machine: the daemon and its posts go first. Where that is not
    // allowed it is only slower for them.
    let _ = rustix::process::nice(CHECK_NICENESS);
    if file == Path::new(STDOUT) {
        return save_to_stdout(link, stale).await;
    }
    let partial = Partial::create(file)?;
    let out = partial
        .file
        .try_clone()
        .map_err(|error| of_file(&error, &partial.path))?;
    let info = take(link, stale, out, &partial.path).await?;
    let path = partial.path.clone();
    let blake3 = info.blake3.clone();
    // What was checked is what came; this is what is on the disk now.
    let written = blocking(move || {
        File::open(&path).and_then(|file| file.sync_all())?;
        Ok::<_, io::Error>(offline::hash_of_file(&path))
    });
    let written = written.await.map_err(|error| of_file(&error, &partial.path))?;
    if written.map_err(|error| bad_backup(&partial.path, &error))? != blake3 {
        return Err(bad_backup(
            &partial.path,
            &BackupError::Damaged("what was written is not what came"),
        ));
    }
    partial.rename(file)?;
    Ok(saved(&info, file))
}

async fn save_to_stdout(link: &Link<'_>, stale: bool) -> Result<Answer, Failure> {
    if io::stdout().is_terminal() {
        return Err(
            Failure::new(Exit::Usage, "usage", "a backup is not written to a terminal")
                .hint("give a file, or send stdout somewhere"),
        );
    }
    let info = take(link, stale, io::stdout(), Path::new("stdout")).await?;
    let mut answer = saved(&info, Path::new(STDOUT));
    answer.beside_data = true;
    Ok(answer)
}

fn saved(info: &BackupInfo, file: &Path) -> Answer {
    let mut data = serde_json::to_value(info).expect("the shapes of answers are JSON");
    data["file"] = json!(file);
    let line = format!(
        "saved and verified snapshot at index {}, {} rows, {} bytes\n",
        info.index,
        info.rows.total(),
        info.bytes
    );
    Answer::new(&data, Screen::default().raw(line))
}

async fn would_save(link: &Link<'_>, file: &Path) -> Result<Answer, Failure> {
    let has: Snapshots = link.get("/v1/snapshots").await?;
    let screen = Screen::default().pairs([
        ("node", Text::new(format!("n{}", has.node))),
        ("index", Text::new(format!("{} or later", grouped(has.applied.0)))),
        ("file", Text::new(file.display())),
    ]);
    let mut answer = Answer::new(&json!({"node": has.node, "index": has.applied, "file": file}), screen);
    answer.notes.push("nothing was written (--dry-run)".to_owned());
    Ok(answer)
}

/// Writes a backup as it comes, and checks it on the way.
async fn take(
    link: &Link<'_>,
    stale: bool,
    out: impl Write + Send + 'static,
    named: &Path,
) -> Result<BackupInfo, Failure> {
    let mut download = link
        .post_for_stream(&format!("/v1/snapshots/save?stale={stale}"))
        .await?;
    let (give, chunks) = mpsc::channel(CHUNKS_MAX);
    let passing = Passing {
        chunks,
        chunk: Bytes::new(),
        out,
    };
    let checked = blocking(move || offline::check_stream(passing));
    let passed = async {
        while let Some(chunk) = download.next().await? {
            if give.send(chunk).await.is_err() {
                // The other side has ended, and says why.
                break;
            }
        }
        drop(give);
        Ok(())
    };
    let (passed, checked): (Result<(), Failure>, _) = tokio::join!(passed, checked);
    match checked {
        Ok(info) => passed.map(|()| info),
        Err(BackupError::Read(error)) => Err(of_file(&error, named)),
        Err(damage) => Err(passed.err().unwrap_or_else(|| bad_backup(named, &damage))),
    }
}

/// What comes, and is written before it is read.
struct Passing<W> {
    chunks: mpsc::Receiver<Bytes>,
    chunk: Bytes,
    out: W,
}

impl<W: Write> Read for Passing<W> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.chunk.is_empty() {
            let Some(chunk) = self.chunks.blocking_recv() else {
                self.out.flush()?;
                return Ok(0);
            };
            self.out.write_all(&chunk)?;
            self.chunk = chunk;
        }
        let taken = self.chunk.len().min(into.len());
        into[..taken].copy_from_slice(&self.chunk.split_to(taken));
        Ok(taken)
    }
}

/// A file that is removed unless it gets its name.
struct Partial {
    path: PathBuf,
    file: File,
    kept: bool,
}

impl Partial {
    fn create(target: &Path) -> Result<Self, Failure> {
        let mut path = target.as_os_str().to_owned();
        path.push(PARTIAL_SUFFIX);
        let path = PathBuf::from(path);
        let mut options = OpenOptions::new();
        // All texts and the hashes of all passwords will be in it.
        options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(&path).map_err(|error| of_file(&error, &path))?;
        Ok(Self {
            path,
            file,
            kept: false,
        })
    }

    fn rename(mut self, target: &Path) -> Result<(), Failure> {
        fs::rename(&self.path, target).map_err(|error| of_file(&error, target))?;
        self.kept = true;
        let dir = target.parent().filter(|dir| !dir.as_os_str().is_empty());
        let synced = File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
        synced.map_err(|error| of_file(&error, target))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

pub(super) async fn list(link: &Link<'_>) -> Result<Answer, Failure> {
    let has: Snapshots = link.get("/v1/snapshots").await?;
    let own = match &has.snapshot {
        Some(own) => format!("snapshot at index {} of {}", grouped(own.index.0), own.at),
        None => "no snapshot yet".to_owned(),
    };
    let mut grid = Grid::new(&[
        Column::left("BACKUP TAKEN"),
        Column::right("UID"),
        Column::right("INDEX"),
        Column::right("ROWS"),
        Column::right("SIZE"),
        Column::right("TOOK"),
        Column::left("STATE"),
    ]);
    for save in &has.saves {
        grid.row(vec![
            Text::new(save.at),
            Text::new(save.uid),
            Text::or_dash(save.index.map(|index| grouped(index.0))),
            Text::or_dash(save.rows.map(grouped)),
            Text::new(format_bytes(save.bytes)),
            Text::or_dash(save.took_ms.map(|ms| format!("{ms}ms"))),
            Text::new(save.state.as_str()),
        ]);
    }
    let screen = Screen::default().raw(format!("n{}: {own}\n", has.node)).grid(grid);
    Ok(Answer::new(&has, screen))
}

pub(super) async fn inspect(file: &Path) -> Result<Answer, Failure> {
    let info = check(file).await?;
    Ok(Answer::new(&info, screen(&info)))
}

pub(super) async fn verify(file: &Path) -> Result<Answer, Failure> {
    let info = check(file).await?;
    let line = format!(
        "{}: sound, index {}, {} rows, {} bytes\n",
        file.display(),
        info.index,
        info.rows.total(),
        info.bytes
    );
    Ok(Answer::new(&info, Screen::default().raw(line)))
}

/// What is in a backup.
pub(super) fn screen(info: &BackupInfo) -> Screen {
    let members = info.members.iter().map(|member| {
        let role = if member.voter { "voter" } else { "learner" };
        format!("n{} ({role}, {})", member.id, member.peer_addr)
    });
    Screen::default().pairs([
        ("cluster", Text::new(&info.cluster)),
        ("taken", Text::new(info.taken_at)),
        ("by node", Text::new(format!("n{}", info.node))),
        (
            "format",
            Text::new(format!("{}, snapshot {}", info.format, info.snapshot_format)),
        ),
        ("index", Text::new(grouped(info.index.0))),
        ("term", Text::new(info.term)),
        (
            "state hash",
            Text::new(format!(
                "{} at {}",
                info.state_hash.hash,
                grouped(info.state_hash.index.0)
            )),
        ),
        ("members", Text::new(members.collect::<Vec<_>>().join(", "))),
        ("highest node id", Text::new(info.highest_node)),
        ("records", Text::new(grouped(info.rows.records))),
        ("lines", Text::new(grouped(info.rows.events))),
        ("places", Text::new(grouped(info.rows.places))),
        ("originals", Text::new(grouped(info.rows.originals))),
        ("users", Text::new(grouped(info.users))),
        ("rooms", Text::new(grouped(info.rooms))),
        ("messages", Text::new(grouped(info.messages))),
        ("size", Text::new(format!("{} bytes", grouped(info.bytes)))),
        ("blake3", Text::new(&info.blake3)),
    ])
}

async fn check(file: &Path) -> Result<BackupInfo, Failure> {
    let path = file.to_owned();
    let checked = blocking(move || offline::check_file(&path)).await;
    checked.map_err(|error| bad_backup(file, &error))
}

/// A backup that cannot be used, or not be read.
pub(super) fn bad_backup(path: &Path, error: &BackupError) -> Failure {
    if let BackupError::Read(error) = error {
        return of_file(error, path);
    }
    let told = Failure::of_error(Exit::Error, "damaged", error);
    let message = format!("{}: {}", path.display(), told.error.message);
    let code = match error {
        BackupError::NotABackup => "not-a-backup",
        BackupError::NewerFormat { .. } => "newer-format",
        _ => "damaged",
    };
    Failure::new(Exit::Error, code, message)
}

fn of_file(error: &io::Error, path: &Path) -> Failure {
    Failure::of_io(error, format!("{}: {error}", path.display()))
}

/// Work on files, off the thread that hears the interrupt.
pub(super) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on files does not panic")
}
