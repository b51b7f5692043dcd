//! The owner of an index: opens it, changes it, commits it.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::ops::Bound;
use std::path::{Path, PathBuf};

use quorate_core::{EventNo, RoomId, UserId};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy};
use tantivy::query::{BooleanQuery, Occur, RangeQuery, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyError, Term};

use crate::change::Change;
use crate::directory;
use crate::error::IndexError;
use crate::failure::{Failure, guarded};
use crate::lookup::{self, Searcher};
use crate::schema::{FORMAT, Fields, schema, settings};
use crate::word;

/// Memory for words that are not yet on the disk: the least that tantivy takes, and some 100,000 short messages at a time.
pub const WRITER_MEMORY_BYTES: usize = 15_000_000;
/// Commit at least this often. Removals wait in memory for the commit, some hundred bytes each.
pub const CHANGES_PER_COMMIT_MAX: usize = 50_000;
/// Texts that may wait for the thread that indexes them. Its queue is bounded by messages only, and those may be long.
const QUEUED_TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;
/// A segment with more removed documents than this is written again without them: it is only then that the words of a
/// redacted message are gone from the disk.
const REMOVED_RATIO_MAX: f32 = 0.2;

/// A full-text index in a directory of its own. It has one owner at a time, also across processes.
///
/// Three threads stand behind it: one that indexes, one that merges segments and one that keeps their list. They end when it
/// is dropped, which waits for a merge that is under way.
pub struct Index {
    dir: PathBuf,
    fields: Fields,
    reader: IndexReader,
    /// Only taken when the index is dropped.
    writer: Option<IndexWriter>,
    /// Changes since the last commit.
    uncommitted: usize,
    /// Bytes of texts handed to the writer since it was last known to have worked off everything.
    queued_text_bytes: usize,
}

/// How an index was found.
#[derive(Debug)]
pub enum Opened {
    /// As it was left. Feed what happened from `position` on.
    Resumed {
        /// The next event to feed: all before it are in the index.
        position: EventNo,
    },
    /// Empty. Feed everything from event 0 on.
    New {
        /// Why there was nothing to go on with.
        why: Why,
    },
}

/// Why an index was made anew.
#[derive(Debug)]
pub enum Why {
    /// There was none.
    Missing,
    /// It was made by a version of this program that indexed differently.
    OtherFormat,
    /// Its files made no sense.
    Damaged(Box<dyn Error + Send + Sync>),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there was none"),
            Self::OtherFormat => f.write_str("it was of another format"),
            Self::Damaged(cause) => write!(f, "it was damaged: {cause}"),
        }
    }
}

/// How large an index is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Messages that the last commit can find.
    pub documents: u64,
    /// Bytes on the disk, of files that wait to be removed too.
    pub bytes: u64,
}

impl Index {
    /// Opens the index in `dir`, or makes one. Every file is read and compared with its checksum, so that a damaged index is
    /// known now, and is made anew at once.
    ///
    /// # Errors
    /// `Locked` if somebody has it open, `Io` if the disk fails. Never `Damaged`.
    pub fn open(dir: &Path) -> Result<(Self, Opened), IndexError> {
        let told = |failure: Failure| failure.into_index_error(dir);
        directory::claim(dir).map_err(told)?;
        let why = match resume(dir) {
            Ok(Found::Index(index, position)) => return Ok((*index, Opened::Resumed { position })),
            Ok(Found::Nothing(why)) => why,
            Err(Failure::Damaged { source }) => Why::Damaged(source),
            Err(failure) => return Err(told(failure)),
        };
        let index = make(dir).map_err(told)?;
        Ok((index, Opened::New { why }))
    }

    /// Makes an empty index in `dir`, in place of one that may be there. The way out of [`IndexError::Damaged`], after the
    /// index that said so has been dropped.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn create(dir: &Path) -> Result<Self, IndexError> {
        let told = |failure: Failure| failure.into_index_error(dir);
        directory::claim(dir).map_err(told)?;
        make(dir).map_err(told)
    }

    /// Applies changes, in log order. They can be found after the next [`commit`](Self::commit). Waits while the thread that
    /// indexes is behind.
    ///
    /// # Errors
    /// As [`IndexError`] says; drop the index then.
    pub fn apply(&mut self, changes: impl IntoIterator<Item = Change>) -> Result<(), IndexError> {
        for change in changes {
            self.apply_one(change).map_err(|error| self.told(error.into()))?;
            self.uncommitted += 1;
            if self.queued_text_bytes > QUEUED_TEXT_BYTES_MAX {
                self.work_off().map_err(|failure| self.told(failure))?;
            }
        }
        Ok(())
    }

    /// Puts the changes on the disk, together with `position`: the event that is next. Both are there after a crash, or
    /// neither. Searches see the changes when this returns.
    ///
    /// # Errors
    /// As [`IndexError`] says; drop the index then. What was committed before is still there.
    pub fn commit(&mut self, position: EventNo) -> Result<(), IndexError> {
        let writer = self.writer.as_mut().expect(WRITER);
        let committed = guarded(|| {
            let mut commit = writer.prepare_commit()?;
            commit.set_payload(&payload(position));
            commit.commit()?;
            self.reader.reload()
        });
        committed.map_err(|failure| self.told(failure))?;
        self.uncommitted = 0;
        self.queued_text_bytes = 0;
        Ok(())
    }

    /// Changes since the last commit; see [`CHANGES_PER_COMMIT_MAX`].
    #[must_use]
    pub fn uncommitted(&self) -> usize {
        self.uncommitted
    }

    /// A handle that searches what was committed last.
    #[must_use]
    pub fn searcher(&self) -> Searcher {
        Searcher::new(self.reader.clone(), self.fields)
    }

    /// The rooms in which the last commit has messages.
    ///
    /// # Errors
    /// As [`IndexError`] says.
    pub fn rooms(&self) -> Result<BTreeSet<RoomId>, IndexError> {
        let found = guarded(|| lookup::live_numbers(&self.reader.searcher(), self.fields.room));
        found
            .map(|rooms| rooms.into_iter().map(RoomId).collect())
            .map_err(|failure| self.told(failure))
    }

    /// The users of whom the last commit has messages.
    ///
    /// # Errors
    /// As [`IndexError`] says.
    pub fn authors(&self) -> Result<BTreeSet<UserId>, IndexError> {
        let found = guarded(|| lookup::live_numbers(&self.reader.searcher(), self.fields.author));
        found
            .map(|authors| authors.into_iter().map(UserId).collect())
            .map_err(|failure| self.told(failure))
    }

    /// How large the last commit is.
    ///
    /// # Errors
    /// `Io` if the directory cannot be read.
    pub fn size(&self) -> Result<Size, IndexError> {
        let bytes = directory::size_bytes(&self.dir).map_err(|error| self.told(error.into()))?;
        let documents = self.reader.searcher().num_docs();
        Ok(Size { documents, bytes })
    }

    /// Ends the threads, after a merge that is under way. Changes since the last commit are lost. Dropping does the same, but
    /// says nothing.
    ///
    /// # Errors
    /// If a thread had failed.
    pub fn close(mut self) -> Result<(), IndexError> {
        let writer = self.writer.take().expect(WRITER);
        guarded(|| writer.wait_merging_threads()).map_err(|failure| self.told(failure))
    }

    fn apply_one(&mut self, change: Change) -> Result<(), TantivyError> {
        let fields = self.fields;
        let writer = self.writer.as_ref().expect(WRITER);
        match change {
            Change::Add {
                no,
                room,
                seq,
                author,
                at,
                text,
            } => {
                // The same after a crash, when it may be there already.
                writer.delete_term(fields.place_term(room, seq));
                let added = writer.add_document(fields.document(no, (room, seq), author, at, &text));
                self.queued_text_bytes += text.len();
                if added.is_err() {
                    // The writer's thread has died, and only waiting for it tells of what.
                    self.writer.as_mut().expect(WRITER).prepare_commit()?;
                }
                added?;
            }
            Change::Remove { room, seq } => {
                writer.delete_term(fields.place_term(room, seq));
            }
            Change::RemoveRoom { room } => {
                writer.delete_term(fields.room_term(room));
            }
            Change::RemoveBelow { room, first } => {
                let seqs = RangeQuery::new(
                    Bound::Unbounded,
                    Bound::Excluded(Term::from_field_u64(fields.seq, first.0)),
                );
                let room = TermQuery::new(fields.room_term(room), IndexRecordOption::Basic);
                let cut = BooleanQuery::new(vec![(Occur::Must, Box::new(room)), (Occur::Must, Box::new(seqs))]);
                writer.delete_query(Box::new(cut))?;
            }
            Change::RemoveAuthor { author } => {
                writer.delete_term(fields.author_term(author));
            }
        }
        Ok(())
    }

    /// Waits until the writer's thread has nothing left to do. Nothing is committed by it.
    fn work_off(&mut self) -> Result<(), Failure> {
        self.queued_text_bytes = 0;
        let writer = self.writer.as_mut().expect(WRITER);
        guarded(|| writer.prepare_commit().map(drop))
    }

    fn told(&self, failure: Failure) -> IndexError {
        failure.into_index_error(&self.dir)
    }
}

/// Why the writer is there.
const WRITER: &str = "only close and drop take the writer, and no call follows them";

impl Drop for Index {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // Dropping the writer alone would leave a merge behind that writes files into a directory which may have a new
            // owner by then. What a merge failed of is of no use to anybody now: the last commit is as good without it.
            drop(guarded(|| writer.wait_merging_threads()));
        }
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("dir", &self.dir)
            .field("uncommitted", &self.uncommitted)
            .finish_non_exhaustive()
    }
}

enum Found {
    Index(Box<Index>, EventNo),
    Nothing(Why),
}

fn resume(dir: &Path) -> Result<Found, Failure> {
    guarded(|| {
        let directory = MmapDirectory::open(dir)?;
        if !tantivy::Index::exists(&directory)? {
            return Ok(Found::Nothing(Why::Missing));
        }
        let index = match tantivy::Index::open(directory) {
            Err(TantivyError::IncompatibleIndex(_)) => return Ok(Found::Nothing(Why::OtherFormat)),
            opened => opened?,
        };
        let (schema, fields) = schema();
        let position = index.load_metas()?.payload.as_deref().and_then(position);
        let Some(position) = position.filter(|_| index.schema() == schema && *index.settings() == settings()) else {
            return Ok(Found::Nothing(Why::OtherFormat));
        };
        directory::verify(&index)?;
        let index = start(dir, &index, fields)?;
        Ok(Found::Index(Box::new(index), position))
    })
}

fn make(dir: &Path) -> Result<Index, Failure> {
    directory::clear(dir)?;
    guarded(|| {
        let (schema, fields) = schema();
        let index = tantivy::Index::create(MmapDirectory::open(dir)?, schema, settings())?;
        let mut index = start(dir, &index, fields)?;
        // From here on there is always a position, and an index without one is not ours.
        let mut commit = index.writer.as_mut().expect(WRITER).prepare_commit()?;
        commit.set_payload(&payload(EventNo(0)));
        commit.commit()?;
        Ok(index)
    })
}

fn start(dir: &Path, index: &tantivy::Index, fields: Fields) -> Result<Index, TantivyError> {
    index.tokenizers().register(word::ANALYZER, word::analyzer());
    let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
    let options = IndexWriterOptions::builder()
        .memory_budget_per_thread(WRITER_MEMORY_BYTES)
        .num_worker_threads(1)
        .num_merge_threads(1)
        .build();
    let writer = index.writer_with_options(options)?;
    let mut merges = LogMergePolicy::default();
    merges.set_del_docs_ratio_before_merge(REMOVED_RATIO_MAX);
    writer.set_merge_policy(Box::new(merges));
    Ok(Index {
        dir: dir.to_owned(),
        fields,
        reader,
        writer: Some(writer),
        uncommitted: 0,
        queued_text_bytes: 0,
    })
}

/// What a commit says beside its documents. It stands in the file that makes the commit, so there is none without it; but
/// tantivy has no checksum on that file.
fn payload(position: EventNo) -> String {
    let said = format!("quorate-search/{FORMAT} {position}");
    format!("{said} {:08x}", crc32c::crc32c(said.as_bytes()))
}

/// The position, if the payload is one of this format.
fn position(payload: &str) -> Option<EventNo> {
    let (said, sum) = payload.rsplit_once(' ')?;
    let (format, position) = said.split_once(' ')?;
    let format: u32 = format.strip_prefix("quorate-search/")?.parse().ok()?;
    let is_whole = u32::from_str_radix(sum, 16).ok()? == crc32c::crc32c(said.as_bytes());
    (format == FORMAT && is_whole).then(|| position.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_was_written() {
        assert_eq!(position(&payload(EventNo(17))), Some(EventNo(17)));
        assert_eq!(position(&payload(EventNo(u64::MAX))), Some(EventNo(u64::MAX)));
    }

    #[test]
    fn a_payload_of_another_format_has_no_position() {
        for other in [
            "",
            "17",
            "quorate-search/0 17",
            "quorate-search/2 17",
            "quorate-search/1 x",
        ] {
            assert_eq!(position(other), None, "{other:?}");
        }
    }
}
