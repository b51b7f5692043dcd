//! Frames: how a stream of bytes is cut into pieces that have a kind and a body.
//!
//! On the wire: `u32` big-endian length of what follows, `u16` big-endian kind, body. The length counts kind and body, so
//! it is at least [`FRAME_KIND_BYTES`]. What a kind means, and how its body is written, is not known here.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// The length field, in bytes.
const FRAME_LENGTH_BYTES: usize = 4;
/// The kind field, in bytes: the least that the length may say.
pub const FRAME_KIND_BYTES: usize = 2;
/// What a frame costs on the wire beside its body: length and kind.
pub const FRAME_HEADER_BYTES: usize = FRAME_LENGTH_BYTES + FRAME_KIND_BYTES;

/// The longest frame (kind and body) from a device that has not logged in: a login fits, little else does.
pub const FRAME_MAX_BEFORE_LOGIN_BYTES: usize = 4 * 1024;
/// The longest frame (kind and body) between a device and a daemon after login: a message body of 64 KiB and 16 KiB for the
/// names around it. So a body that is too long for a room still arrives, and is answered with a refusal rather than with a
/// closed connection.
pub const FRAME_MAX_CLIENT_BYTES: usize = 80 * 1024;
/// The longest frame (kind and body) between nodes. A batch of entries is held to about 1 MiB by its sender; the rest is
/// room for one entry that is large by itself and for what stands around it.
pub const FRAME_MAX_PEER_BYTES: usize = 4 * 1024 * 1024;

/// The most that a decoder reserves ahead of what has arrived: a length that lies costs no more than this.
const RESERVE_AHEAD_MAX_BYTES: usize = 16 * 1024;

/// One piece of a stream. The body is opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the body is: a number from the table of kinds of the ALPN in use.
    pub kind: u16,
    /// The content, in the form that belongs to the kind.
    pub body: Bytes,
}

impl Frame {
    /// A frame of this kind with this body.
    #[must_use]
    pub fn new(kind: u16, body: impl Into<Bytes>) -> Self {
        Self {
            kind,
            body: body.into(),
        }
    }

    /// How many bytes [`Frame::encode`] appends.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        FRAME_HEADER_BYTES + self.body.len()
    }

    /// Appends the wire form.
    ///
    /// # Panics
    /// On a body of 4 GiB or more: no sender builds one, all limits are far below.
    pub fn encode(&self, into: &mut BytesMut) {
        encode_parts(self.kind, &self.body, into);
    }

    /// The wire form by itself, to be sent to many.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.encoded_len());
        self.encode(&mut bytes);
        bytes.freeze()
    }
}

/// Appends the wire form of a frame whose body is not in a [`Bytes`].
///
/// # Panics
/// On a body of 4 GiB or more, as [`Frame::encode`].
pub fn encode_parts(kind: u16, body: &[u8], into: &mut BytesMut) {
    let length = u32::try_from(FRAME_KIND_BYTES + body.len()).expect("bodies are far below 4 GiB");
    into.reserve(FRAME_HEADER_BYTES + body.len());
    into.put_u32(length);
    into.put_u16(kind);
    into.put_slice(body);
}

/// What arrived cannot be a frame. The stream has lost its place: nothing after this is readable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than this reader takes.
    #[error("a frame of {len} bytes is over the limit of {max} bytes")]
    TooLarge {
        /// Kind and body, in bytes, as announced.
        len: usize,
        /// The limit at that time, in bytes.
        max: usize,
    },
    /// Shorter than its own kind.
    #[error("a frame of {len} bytes has no room for its kind")]
    TooShort {
        /// Kind and body, in bytes, as announced.
        len: usize,
    },
}

/// Cuts frames out of bytes that arrive in any portions. It holds what is not yet a whole frame, and nothing when there is
/// no such rest.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: BytesMut,
    max_bytes: usize,
}

impl FrameDecoder {
    /// A decoder that takes frames of at most this many bytes (kind and body).
    #[must_use]
    pub fn new(max_bytes: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            max_bytes,
        }
    }

    /// Changes the limit for frames that have not been cut out yet.
    pub fn set_limit(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// Takes what has arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more has arrived. The length is judged as soon as its four bytes are there and
    /// before room is made for it.
    ///
    /// # Errors
    /// The announced length is impossible or over the limit. The same error comes again on each later call.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(announced) = self.buffer.first_chunk::<FRAME_LENGTH_BYTES>() else {
            self.release_if_empty();
            return Ok(None);
        };
        // A usize holds any u32 on the platforms of a daemon; elsewhere such a length is over every limit.
        let len = usize::try_from(u32::from_be_bytes(*announced)).unwrap_or(usize::MAX);
        if len < FRAME_KIND_BYTES {
            return Err(FrameError::TooShort { len });
        }
        if len > self.max_bytes {
            return Err(FrameError::TooLarge {
                len,
                max: self.max_bytes,
            });
        }
        let missing = (FRAME_LENGTH_BYTES + len).saturating_sub(self.buffer.len());
        if missing > 0 {
            self.buffer.reserve(missing.min(RESERVE_AHEAD_MAX_BYTES));
            return Ok(None);
        }
        self.buffer.advance(FRAME_LENGTH_BYTES);
        let mut whole = self.buffer.split_to(len).freeze();
        let kind = whole.get_u16();
        self.release_if_empty();
        Ok(Some(Frame { kind, body: whole }))
    }

    /// No part of a frame is held: a stream that ends here ends cleanly.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Bytes of memory that are held for the rest of a frame.
    #[must_use]
    pub fn capacity_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Thousands of sessions are idle most of the time, and a buffer that once held a long frame would stay with each.
    fn release_if_empty(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > 0 {
            self.buffer = BytesMut::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop};
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn decode_in_portions<'a>(portions: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, FrameDecoder) {
        let mut decoder = FrameDecoder::new(FRAME_MAX_CLIENT_BYTES);
        let mut frames = Vec::new();
        for portion in portions {
            decoder.push(portion);
            while let Some(frame) = decoder.next_frame().unwrap() {
                frames.push(frame);
            }
        }
        (frames, decoder)
    }

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let frame =
            (any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)).prop_map(|(kind, body)| Frame::new(kind, body));
        prop::collection::vec(frame, 0..6)
    }

    proptest! {
        #[test]
        fn splitting_at_every_byte_gives_the_same_frames(sent in frames()) {
            let mut wire = BytesMut::new();
            for frame in &sent {
                frame.encode(&mut wire);
            }
            for cut in 0..=wire.len() {
                let (front, back) = wire.split_at(cut);
                let (got, decoder) = decode_in_portions([front, back]);
                prop_assert_eq!(&got, &sent);
                prop_assert!(decoder.is_empty());
            }
            let (got, _) = decode_in_portions(wire.chunks(1));
            prop_assert_eq!(&got, &sent);
        }

        #[test]
        fn no_bytes_make_it_panic_or_hold_more_than_arrived_and_a_chunk(
            wire in prop::collection::vec(any::<u8>(), 0..300),
            max_bytes in 0_usize..400,
        ) {
            let mut decoder = FrameDecoder::new(max_bytes);
            for byte in &wire {
                decoder.push(&[*byte]);
                while let Ok(Some(frame)) = decoder.next_frame() {
                    prop_assert!(frame.body.len() + FRAME_KIND_BYTES <= max_bytes);
                }
            }
            prop_assert!(decoder.capacity_bytes() <= 2 * (wire.len() + RESERVE_AHEAD_MAX_BYTES));
        }
    }

    #[test]
    fn the_wire_form_is_these_bytes() {
        let frame = Frame::new(0x0102, &b"hi"[..]);
        assert_eq!(frame.to_bytes()[..], [0, 0, 0, 4, 1, 2, b'h', b'i']);
        assert_eq!(frame.encoded_len(), 8);
    }

    #[test]
    fn a_length_over_the_limit_is_refused_before_its_body_arrives_or_room_is_made() {
        let mut decoder = FrameDecoder::new(FRAME_MAX_BEFORE_LOGIN_BYTES);
        decoder.push(&u32::MAX.to_be_bytes());
        let refused = decoder.next_frame();
        assert_eq!(
            refused,
            Err(FrameError::TooLarge {
                len: 0xffff_ffff,
                max: FRAME_MAX_BEFORE_LOGIN_BYTES
            })
        );
        assert_eq!(decoder.next_frame(), refused, "it stays refused");
        assert!(decoder.capacity_bytes() < 1024);
    }

    #[test]
    fn a_frame_of_exactly_the_limit_is_taken() {
        let frame = Frame::new(7, vec![1; FRAME_MAX_BEFORE_LOGIN_BYTES - FRAME_KIND_BYTES]);
        let mut decoder = FrameDecoder::new(FRAME_MAX_BEFORE_LOGIN_BYTES);
        decoder.push(&frame.to_bytes());
        assert_eq!(decoder.next_frame(), Ok(Some(frame)));
    }

    #[test]
    fn a_length_without_room_for_a_kind_is_refused() {
        for len in 0..FRAME_KIND_BYTES {
            let mut decoder = FrameDecoder::new(100);
            decoder.push(&u32::try_from(len).unwrap().to_be_bytes());
            assert_eq!(decoder.next_frame(), Err(FrameError::TooShort { len }));
        }
    }

    #[test]
    fn a_raised_limit_counts_for_what_comes_next() {
        let frame = Frame::new(7, vec![1; 100]);
        let mut decoder = FrameDecoder::new(10);
        decoder.push(&frame.to_bytes());
        assert!(decoder.next_frame().is_err());
        decoder.set_limit(1000);
        assert_eq!(decoder.next_frame(), Ok(Some(frame)));
    }

    #[test]
    fn nothing_is_held_between_frames() {
        let mut decoder = FrameDecoder::new(FRAME_MAX_CLIENT_BYTES);
        decoder.push(&Frame::new(7, vec![1; 60_000]).to_bytes());
        assert!(decoder.next_frame().unwrap().is_some());
        assert_eq!(decoder.capacity_bytes(), 0);
    }
}
