//! Reads what was committed last.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::RangeBounds;
use std::sync::Arc;

use quorate_core::{EventNo, RoomId, Seq};
use tantivy::columnar::ColumnValues;
use tantivy::query::{BooleanQuery, EnableScoring, Query as _, Scorer, TermSetQuery, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, IndexReader, SegmentReader, TERMINATED, TantivyError};

use crate::error::SearchError;
use crate::failure::{Failure, guarded};
use crate::query::Query;
use crate::schema::{AT, Fields, NO, ROOM, SEQ};

/// The most hits of one search. For more, ask again with [`Query::before`].
pub const HITS_MAX: usize = 500;

/// A search looks at what has the words, newest first, and passes over what stands in other rooms. After so many of these for
/// each of its rooms it lists the rooms' messages, and from there on looks only at what is in both lists. Listing a room costs
/// as much as passing over some messages, which is too much for a search that ends soon.
const STRANGERS_PER_ROOM_MAX: usize = 8;

/// Searches what was committed last. Cheap to clone; any number may search at a time.
#[derive(Clone)]
pub struct Searcher {
    reader: IndexReader,
    fields: Fields,
}

/// A message that has the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The event that it was added with, or replaced with if it was.
    pub no: EventNo,
    /// Where it stands.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
}

impl Searcher {
    pub(crate) fn new(reader: IndexReader, fields: Fields) -> Self {
        Self { reader, fields }
    }

    /// The newest messages that match, newest first; at most `limit`, and never more than [`HITS_MAX`].
    ///
    /// # Errors
    /// As [`SearchError`] says.
    pub fn search(&self, query: &Query, limit: usize) -> Result<Vec<Hit>, SearchError> {
        if limit == 0 || query.rooms.is_empty() {
            return Ok(Vec::new());
        }
        let found = guarded(|| self.find(query, limit.min(HITS_MAX)));
        found.map_err(Failure::into_search_error)
    }

    fn find(&self, query: &Query, limit: usize) -> Result<Vec<Hit>, TantivyError> {
        let searcher = self.reader.searcher();
        let search = Search::new(&searcher, self.fields, query)?;
        let mut segments = Vec::new();
        for reader in searcher.segment_readers() {
            segments.push(Segment::open(reader)?);
        }
        // The newest first: with luck the older ones need not be looked at.
        segments.sort_by_key(|segment| std::cmp::Reverse(segment.newest));

        let mut hits: Vec<Hit> = Vec::new();
        for segment in &segments {
            let full = hits.len() >= limit;
            let newer_than = if full { hits.last().map(|hit| hit.no.0) } else { None };
            segment.collect(&search, newer_than, limit, &mut hits)?;
            hits.sort_by_key(|hit| std::cmp::Reverse(hit.no));
            hits.truncate(limit);
        }
        Ok(hits)
    }
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searcher").finish_non_exhaustive()
    }
}

/// A query and the two ways to its documents.
struct Search<'a> {
    searcher: &'a tantivy::Searcher,
    fields: Fields,
    query: &'a Query,
    /// Has the words, in whichever room.
    anywhere: Box<dyn Weight>,
    /// Has the words and stands in one of the rooms. Made when a segment first needs it.
    in_rooms: OnceCell<Box<dyn Weight>>,
    strangers_max: usize,
}

impl<'a> Search<'a> {
    fn new(searcher: &'a tantivy::Searcher, fields: Fields, query: &'a Query) -> Result<Self, TantivyError> {
        let scoring = EnableScoring::disabled_from_searcher(searcher);
        Ok(Self {
            anywhere: query.matching(&fields).weight(scoring)?,
            in_rooms: OnceCell::new(),
            strangers_max: query.rooms.len() * STRANGERS_PER_ROOM_MAX,
            searcher,
            fields,
            query,
        })
    }

    /// All documents of a segment that have the words, from `start` on.
    fn anywhere(&self, reader: &SegmentReader, start: DocId) -> Result<Box<dyn Scorer>, TantivyError> {
        Ok(from(start, self.anywhere.scorer(reader, UNSCORED)?))
    }

    /// Those of them that stand in the rooms.
    fn in_rooms(&self, reader: &SegmentReader, start: DocId) -> Result<Box<dyn Scorer>, TantivyError> {
        let weight = match self.in_rooms.get() {
            Some(weight) => weight,
            None => {
                let rooms = self.query.rooms.iter().map(|room| self.fields.room_term(room));
                let rooms: Box<dyn tantivy::query::Query> = Box::new(TermSetQuery::new(rooms));
                let both = BooleanQuery::intersection(vec![rooms, Box::new(self.query.matching(&self.fields))]);
                let weight = both.weight(EnableScoring::disabled_from_searcher(self.searcher))?;
                self.in_rooms.get_or_init(|| weight)
            }
        };
        Ok(from(start, weight.scorer(reader, UNSCORED)?))
    }
}

/// The factor for scores, which nobody reads.
const UNSCORED: f32 = 1.0;

fn from(start: DocId, mut documents: Box<dyn Scorer>) -> Box<dyn Scorer> {
    if documents.doc() < start {
        documents.seek(start);
    }
    documents
}

type Column = Arc<dyn ColumnValues<u64>>;

/// A part of the index, with its documents from the newest to the oldest.
struct Segment<'a> {
    reader: &'a SegmentReader,
    no: Column,
    room: Column,
    seq: Column,
    at: Column,
    newest: u64,
}

impl<'a> Segment<'a> {
    fn open(reader: &'a SegmentReader) -> Result<Self, TantivyError> {
        let column = |name| reader.fast_fields().column_first_or_default::<u64>(name);
        let no = column(NO)?;
        Ok(Self {
            newest: no.max_value(),
            room: column(ROOM)?,
            seq: column(SEQ)?,
            at: column(AT)?,
            no,
            reader,
        })
    }

    /// Adds at most `limit` hits, from the newest on, as long as they are newer than `newer_than`.
    fn collect(
        &self,
        search: &Search<'_>,
        newer_than: Option<u64>,
        limit: usize,
        hits: &mut Vec<Hit>,
    ) -> Result<(), TantivyError> {
        let query = search.query;
        let is_too_old = |no: u64| newer_than.is_some_and(|bound| no <= bound);
        if is_too_old(self.newest) {
            return Ok(());
        }
        let start = query.before.map_or(0, |before| self.first_below(before.0));
        let mut matching = search.anywhere(self.reader, start)?;
        let mut strangers = 0;
        let mut left = limit;
        while left > 0 && matching.doc() != TERMINATED {
            let doc = matching.doc();
            let no = self.no.get_val(doc);
            if is_too_old(no) {
                break;
            }
            let room = self.room.get_val(doc);
            if !query.rooms.has(room) {
                strangers += 1;
                if strangers == search.strangers_max {
                    matching = search.in_rooms(self.reader, doc + 1)?;
                    continue;
                }
            } else if query.times.contains(&self.at.get_val(doc)) && !self.reader.is_deleted(doc) {
                hits.push(Hit {
                    no: EventNo(no),
                    room: RoomId(room),
                    seq: Seq(self.seq.get_val(doc)),
                });
                left -= 1;
            }
            matching.advance();
        }
        Ok(())
    }

    /// The first document with a smaller number: they fall from the start to the end.
    fn first_below(&self, before: u64) -> DocId {
        let (mut low, mut high) = (0, self.reader.max_doc());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.no.get_val(middle) < before {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }
}

/// The numbers in an indexed field that some document still has.
pub(crate) fn live_numbers(searcher: &tantivy::Searcher, field: Field) -> Result<BTreeSet<u64>, TantivyError> {
    let mut numbers = BTreeSet::new();
    for reader in searcher.segment_readers() {
        let inverted = reader.inverted_index(field)?;
        let mut terms = inverted.terms().stream()?;
        while let Some((term, info)) = terms.next() {
            let bytes: [u8; 8] = term.try_into().map_err(|_| {
                TantivyError::InternalError(format!("a number of {} bytes in the list of terms", term.len()))
            })?;
            let number = u64::from_be_bytes(bytes);
            if numbers.contains(&number) {
                continue;
            }
            let mut documents = inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
            while documents.doc() != TERMINATED && reader.is_deleted(documents.doc()) {
                documents.advance();
            }
            if documents.doc() != TERMINATED {
                numbers.insert(number);
            }
        }
    }
    Ok(numbers)
}
