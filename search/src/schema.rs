//! The shape of the index on the disk.

use quorate_core::{EventNo, RoomId, Seq, Timestamp, UserId};
use tantivy::schema::{BytesOptions, FAST, Field, INDEXED, IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{IndexSettings, IndexSortByField, Order, TantivyDocument, Term};

use crate::word;

/// Raised whenever an index that was made before must not be used any more: fields, their options, what a word is.
pub(crate) const FORMAT: u32 = 1;

/// Names of the fields that are columns: one number for each document, read by the document's place in its segment.
pub(crate) const NO: &str = "no";
pub(crate) const ROOM: &str = "room";
pub(crate) const SEQ: &str = "seq";
pub(crate) const AT: &str = "at";

/// The fields of a document, one for each message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Room and seq, 16 bytes, big-endian: what a message is replaced and removed by.
    place: Field,
    pub(crate) text: Field,
    pub(crate) no: Field,
    pub(crate) room: Field,
    pub(crate) seq: Field,
    pub(crate) author: Field,
    pub(crate) at: Field,
}

pub(crate) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let words = TextFieldIndexing::default()
        .set_tokenizer(word::ANALYZER)
        // Lengths of texts are for scores, and nothing is scored.
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let fields = Fields {
        place: schema.add_bytes_field("place", BytesOptions::default().set_indexed()),
        text: schema.add_text_field("text", TextOptions::default().set_indexing_options(words)),
        no: schema.add_u64_field(NO, FAST),
        room: schema.add_u64_field(ROOM, INDEXED | FAST),
        seq: schema.add_u64_field(SEQ, FAST),
        author: schema.add_u64_field("author", INDEXED),
        at: schema.add_u64_field(AT, FAST),
    };
    (schema.build(), fields)
}

pub(crate) fn settings() -> IndexSettings {
    IndexSettings {
        // Newest first inside each segment, so that a search ends at the last hit that was asked for.
        sort_by_field: Some(IndexSortByField {
            field: NO.to_owned(),
            order: Order::Desc,
        }),
        // Nothing is stored, so a thread that compresses it would sleep for ever.
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    }
}

impl Fields {
    pub(crate) fn place_term(&self, room: RoomId, seq: Seq) -> Term {
        Term::from_field_bytes(self.place, &place(room, seq))
    }

    pub(crate) fn room_term(&self, room: RoomId) -> Term {
        Term::from_field_u64(self.room, room.0)
    }

    pub(crate) fn author_term(&self, author: UserId) -> Term {
        Term::from_field_u64(self.author, author.0)
    }

    pub(crate) fn document(
        &self,
        no: EventNo,
        (room, seq): (RoomId, Seq),
        author: UserId,
        at: Timestamp,
        text: &str,
    ) -> TantivyDocument {
        let mut document = TantivyDocument::new();
        document.add_bytes(self.place, &place(room, seq));
        document.add_text(self.text, text);
        document.add_u64(self.no, no.0);
        document.add_u64(self.room, room.0);
        document.add_u64(self.seq, seq.0);
        document.add_u64(self.author, author.0);
        document.add_u64(self.at, at.0);
        document
    }
}

fn place(room: RoomId, seq: Seq) -> [u8; 16] {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&room.0.to_be_bytes());
    place[8..].copy_from_slice(&seq.0.to_be_bytes());
    place
}
