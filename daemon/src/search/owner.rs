//! The thread that owns the index: its calls block, on the disk and on the thread that indexes.
//!
//! Not one of the runtime's: when the process ends it waits for those, and closing an index waits for a merge that is under
//! way. An index that is cut off is as good as after a crash.

use std::path::PathBuf;
use std::sync::mpsc;
use std::{io, thread};

use quorate_core::EventNo;
use quorate_search::{Index, IndexError, Opened, Searcher, Why};
use tokio::sync::oneshot;

/// Jobs that wait at the most: there is one asker, who waits for each.
const JOBS_MAX: usize = 1;

type Job = Box<dyn FnOnce(&mut Index) + Send>;

/// An open index on its thread.
pub(super) struct Owner {
    jobs: mpsc::SyncSender<Job>,
    ended: oneshot::Receiver<()>,
}

/// An index as it was found.
pub(super) struct Found {
    pub(super) owner: Owner,
    pub(super) searcher: Searcher,
    pub(super) position: EventNo,
    /// Why it is empty, if it was made now.
    pub(super) made: Option<String>,
}

impl Owner {
    /// Opens the index in `dir`; with `anew`, an empty one in its place.
    pub(super) async fn open(dir: PathBuf, anew: bool) -> Result<Found, IndexError> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(JOBS_MAX);
        let (tell, told) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let run = move || {
            let opened = match anew {
                true => Index::create(&dir).map(|index| (index, Opened::New { why: Why::Missing })),
                false => Index::open(&dir),
            };
            match opened {
                Ok((mut index, opened)) => {
                    if tell.send(Ok((index.searcher(), opened))).is_ok() {
                        queue.into_iter().for_each(|job| job(&mut index));
                    }
                    // Waits for a merge. What a thread of the index failed of was told by the job before, or is lost with
                    // no harm: the last commit stands.
                    drop(index);
                }
                Err(error) => drop(tell.send(Err(error))),
            }
            drop(end);
        };
        thread::Builder::new()
            .name("search".to_owned())
            .spawn(run)
            .map_err(|error| IndexError::Io {
                kind: error.kind(),
                source: error.into(),
            })?;
        let (searcher, opened) = told.await.map_err(|_| thread_died())??;
        let (position, made) = match opened {
            Opened::Resumed { position } => (position, None),
            Opened::New { why } => (EventNo(0), Some(why.to_string())),
        };
        Ok(Found {
            owner: Self { jobs, ended },
            searcher,
            position,
            made,
        })
    }

    /// Has the thread do this, and waits for it.
    pub(super) async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Index) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, IndexError> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |index| drop(tell.send(work(index))));
        // Never full: the job before was waited for.
        self.jobs.try_send(job).map_err(|_| thread_died())?;
        told.await.map_err(|_| thread_died())?
    }

    /// Waits until the index is closed, so that it can be opened again.
    pub(super) async fn close(self) {
        drop(self.jobs);
        // The thread drops its end: an error is what is waited for.
        let _ = self.ended.await;
    }
}

fn thread_died() -> IndexError {
    IndexError::Io {
        kind: io::ErrorKind::Other,
        source: "the index' thread has ended".into(),
    }
}
