//! Looking through a whole backup: every checksum, every row, and whether they are the rows of one state.

use std::io::Read;
use std::ops::Range;

use quorate_core::{LogIndex, NodeId, Record, RoomEventKind, State, StateHash};

use super::BackupError;
use super::reader::{BackupReader, Whole};
use crate::consensus::types::StoredMembership;
use crate::store::rows::{self, Meta, RowsTable};
use crate::store::snapshot::{self, Chain, Counts, Frame};
use crate::store::{SnapshotError, StoreError};

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The cluster that it was taken from.
    pub cluster: String,
    /// The node that made it.
    pub node: NodeId,
    /// When, by that node's clock, in milliseconds since 1970.
    pub taken_at_ms: u64,
    /// The shape of the snapshot inside.
    pub snapshot_format: u32,
    /// The last entry of the log that is in it.
    pub index: LogIndex,
    /// That entry's term.
    pub term: u64,
    /// The membership at that entry.
    pub membership: StoredMembership,
    /// What operators call the cluster, where it was told.
    pub name: Option<String>,
    /// The highest id that a node ever had.
    pub highest_node: NodeId,
    /// The state hash at that entry.
    pub hash: StateHash,
    /// Rows: records.
    pub records: u64,
    /// Rows: lines of rooms.
    pub events: u64,
    /// Rows: places of lines.
    pub places: u64,
    /// Rows: edited messages as they were posted.
    pub originals: u64,
    /// Accounts in use.
    pub users: u64,
    /// Rooms, direct ones too.
    pub rooms: u64,
    /// Messages that have a text.
    pub messages: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Its hash.
    pub blake3: [u8; 32],
}

impl Summary {
    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.records + self.events + self.places + self.originals
    }
}

/// Reads a backup to its end. Blocks; holds the state that is in it, as a daemon would, but no lines.
///
/// # Errors
/// See [`BackupError`]: with one, nothing of it should be trusted.
pub fn check(from: impl Read) -> Result<Summary, BackupError> {
    let mut rows = Rows::open(from)?;
    let state = check_records(&mut rows)?;
    let (mut events, mut messages) = (Multiset::default(), 0);
    while let Some(row) = rows.next(RowsTable::Events)? {
        let event = rows::decode_event(row.key, row.value).map_err(BackupError::Row)?;
        if event.no >= state.next_event() {
            return Err(BackupError::Damaged("a line is from after its end"));
        }
        events.add([event.room.0, event.seq.0, event.no.0]);
        let is_message = matches!(
            event.kind,
            RoomEventKind::Message { .. } | RoomEventKind::Revised { .. }
        );
        messages += u64::from(is_message);
    }
    let mut places = Multiset::default();
    while let Some(row) = rows.next(RowsTable::Places)? {
        let (room, seq, no) = rows::decode_place(row.key, row.value).map_err(BackupError::Row)?;
        places.add([room.0, seq.0, no]);
    }
    if events != places {
        return Err(BackupError::Damaged("lines and their places do not belong together"));
    }
    while let Some(row) = rows.next(RowsTable::Originals)? {
        rows::decode_original(row.key, row.value).map_err(BackupError::Row)?;
    }
    rows.finish(&state, messages)
}

fn check_records<R: Read>(rows: &mut Rows<R>) -> Result<State, BackupError> {
    let mut fault = None;
    let mut next = || -> Result<Option<Record>, BackupError> {
        let Some(row) = rows.next(RowsTable::Records)? else {
            return Ok(None);
        };
        rows::decode_record(row.key, row.value)
            .map(Some)
            .map_err(BackupError::Row)
    };
    let records = std::iter::from_fn(|| {
        next().unwrap_or_else(|error| {
            fault = Some(error);
            None
        })
    });
    let state = State::from_records(records);
    match fault {
        Some(error) => Err(error),
        None => Ok(state.map_err(SnapshotError::Inconsistent)?),
    }
}

/// Tells whether two tables have the same rows in different orders, without keeping them. By chance two that differ
/// are taken for the same once in 2^128.
#[derive(Default, PartialEq, Eq)]
struct Multiset {
    sum: u128,
    count: u64,
}

impl Multiset {
    fn add(&mut self, numbers: [u64; 3]) {
        let mut hasher = blake3::Hasher::new();
        for number in numbers {
            hasher.update(&number.to_be_bytes());
        }
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        self.sum = self.sum.wrapping_add(u128::from_be_bytes(hash));
        self.count += 1;
    }
}

struct Row<'a> {
    key: &'a [u8],
    value: &'a [u8],
}

/// The rows of a backup, table by table, in the order of their keys.
struct Rows<R: Read> {
    file: BackupReader<R>,
    chain: Chain,
    format: u32,
    meta: Meta,
    counts: Counts,
    table: RowsTable,
    frame: Vec<u8>,
    /// What of the frame was not handed out.
    rest: Range<usize>,
    last_key: Vec<u8>,
    ended: bool,
}

impl<R: Read> Rows<R> {
    fn open(from: R) -> Result<Self, BackupError> {
        let mut file = BackupReader::open(from)?;
        let mut chain = Chain::default();
        let frame = file.next()?.ok_or(BackupError::Damaged("it has no frames"))?;
        let Frame::Header { format, rest } = chain.accept(&frame)? else {
            return Err(BackupError::Damaged("its first frame is no header"));
        };
        let (cluster, meta) = snapshot::read_header(format, rest, 0)?;
        if cluster != file.head().cluster {
            return Err(BackupError::Damaged("it names two clusters"));
        }
        Ok(Self {
            file,
            chain,
            format,
            meta,
            counts: Counts::default(),
            table: RowsTable::Records,
            frame: Vec::new(),
            rest: 0..0,
            last_key: Vec::new(),
            ended: false,
        })
    }

    /// The next row of this table; none when the rest is of later ones.
    fn next(&mut self, table: RowsTable) -> Result<Option<Row<'_>>, BackupError> {
        while self.rest.is_empty() && !self.ended {
            self.next_frame()?;
        }
        if self.rest.is_empty() || self.table != table {
            return Ok(None);
        }
        let mut rows = &self.frame[self.rest.clone()];
        let (key, value) = snapshot::next_row(&mut rows).ok_or(BackupError::Damaged("a row is cut"))?;
        if self.last_key.as_slice() >= key && !self.last_key.is_empty() {
            return Err(BackupError::Damaged("keys are out of order"));
        }
        self.last_key.clear();
        self.last_key.extend_from_slice(key);
        self.counts[table as usize] += 1;
        self.rest.start = self.rest.end - rows.len();
        Ok(Some(Row { key, value }))
    }

    fn next_frame(&mut self) -> Result<(), BackupError> {
        let chain = self.chain.crc;
        let frame = self.file.next()?.ok_or(BackupError::Damaged("its end is missing"))?;
        match self.chain.accept(&frame)? {
            Frame::Header { .. } => return Err(BackupError::Damaged("it has a second header")),
            Frame::Trailer { counts, chain: sent } => {
                if sent != chain || counts != self.counts {
                    return Err(BackupError::Damaged("frames are missing"));
                }
                self.ended = true;
            }
            Frame::Rows { table, rows } => {
                if (table as usize) < self.table as usize {
                    return Err(BackupError::Damaged("tables are out of order"));
                }
                if table != self.table {
                    self.last_key.clear();
                }
                self.table = table;
                // Before the checksum, which is not handed out.
                let end = frame.len() - 4;
                self.rest = end - rows.len()..end;
                self.frame = frame;
            }
        }
        Ok(())
    }

    fn finish(mut self, state: &State, messages: u64) -> Result<Summary, BackupError> {
        while self.rest.is_empty() && !self.ended {
            self.next_frame()?;
        }
        if !self.rest.is_empty() || self.file.next()?.is_some() {
            return Err(BackupError::Damaged("there is more behind its end"));
        }
        let head = self.file.head().clone();
        let Whole { bytes, hash: blake3 } = self.file.finish()?;
        let last = self.meta.applied.ok_or(BackupError::Damaged("it is of no entry"))?;
        let [records, events, places, originals] = self.counts;
        Ok(Summary {
            cluster: head.cluster,
            node: head.node,
            taken_at_ms: head.taken_at_ms,
            snapshot_format: self.format,
            index: LogIndex(last.index()),
            term: last.committed_leader_id().term,
            membership: self.meta.membership,
            name: state.roster().map(|roster| roster.name.clone()),
            highest_node: state
                .nodes()
                .map(|(id, _)| id)
                .fold(self.meta.highest_node, NodeId::max),
            hash: state.hash(),
            records,
            events,
            places,
            originals,
            users: state.users_count() as u64,
            rooms: state.rooms_count() as u64,
            messages,
            bytes,
            blake3,
        })
    }
}

impl From<StoreError> for BackupError {
    fn from(error: StoreError) -> Self {
        Self::Row(error)
    }
}
