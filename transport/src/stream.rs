//! Frames on a stream.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use quinn::{ReadError, StoppedError, WriteError};
use quorate_protocol::{Frame, FrameDecoder, FrameError};

use crate::code::ResetCode;
use crate::connection::{CloseReason, Connection};

/// What is taken from quinn at once. A session that reads nothing holds none of it.
const READ_MAX_BYTES: usize = 16 * 1024;

/// Which stream of a connection goes first. Strict: while a higher one has something to send, a lower one waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// History, exports, snapshots.
    Bulk,
    /// Everything else.
    #[default]
    Normal,
    /// A session's own stream, appends.
    Control,
    /// Votes and heartbeats.
    Urgent,
}

impl Priority {
    const fn number(self) -> i32 {
        match self {
            Self::Bulk => -10,
            Self::Normal => 0,
            Self::Control => 10,
            Self::Urgent => 20,
        }
    }
}

/// A frame that could not be sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The other end does not want more on this stream.
    #[error("the reader stopped the stream ({})", told(.code, .number))]
    Stopped {
        /// With this code, if it is one of ours.
        code: Option<ResetCode>,
        /// The code as a number.
        number: u64,
    },
    /// The connection has ended.
    #[error(transparent)]
    Closed(#[from] CloseReason),
    /// This end finished or reset the stream before.
    #[error("the stream was ended by this end")]
    Ended,
}

/// Why there is no next frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecvError {
    /// What came is no frame, or too long a one. The stream was stopped; whether the connection must go, the caller says.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The stream ended in the middle of a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
    /// The sender gave the stream up: what came is perhaps not all.
    #[error("the sender reset the stream ({})", told(.code, .number))]
    Reset {
        /// With this code, if it is one of ours.
        code: Option<ResetCode>,
        /// The code as a number.
        number: u64,
    },
    /// The connection has ended.
    #[error(transparent)]
    Closed(#[from] CloseReason),
    /// This end stopped the stream before.
    #[error("the stream was stopped by this end")]
    Stopped,
}

fn told(code: &Option<ResetCode>, number: &u64) -> String {
    code.map_or_else(|| format!("code {number:#x}"), |code| code.to_string())
}

impl From<WriteError> for SendError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Stopped(number) => stopped(number),
            WriteError::ConnectionLost(error) => Self::Closed(error.into()),
            WriteError::ClosedStream | WriteError::ZeroRttRejected => Self::Ended,
        }
    }
}

fn stopped(number: quinn::VarInt) -> SendError {
    SendError::Stopped {
        code: ResetCode::from_number(number.into_inner()),
        number: number.into_inner(),
    }
}

impl From<ReadError> for RecvError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Reset(number) => Self::Reset {
                code: ResetCode::from_number(number.into_inner()),
                number: number.into_inner(),
            },
            ReadError::ConnectionLost(error) => Self::Closed(error.into()),
            ReadError::ClosedStream | ReadError::IllegalOrderedRead | ReadError::ZeroRttRejected => Self::Stopped,
        }
    }
}

pub(crate) fn stream_pair(
    connection: Connection,
    send: quinn::SendStream,
    recv: quinn::RecvStream,
    priority: Priority,
    frame_limit_bytes: usize,
) -> (FrameSender, FrameReceiver) {
    let sender = FrameSender {
        stream: send,
        unsent: VecDeque::new(),
        ended: false,
        _connection: connection.clone(),
    };
    sender.set_priority(priority);
    let receiver = FrameReceiver {
        stream: recv,
        decoder: FrameDecoder::new(frame_limit_bytes),
        ended: false,
        _connection: connection,
    };
    (sender, receiver)
}

/// The sending half of a stream.
///
/// Dropped without [`FrameSender::finish`], it resets the stream, so that the other end does not take a task that died for
/// a task that was done. Sending waits for the other end's flow control; a deadline around it is the caller's. A send that
/// is cancelled has perhaps handed over a part: the rest goes out ahead of whatever is sent next, so frames stay whole.
#[derive(Debug)]
pub struct FrameSender {
    stream: quinn::SendStream,
    /// What a cancelled send left behind.
    unsent: VecDeque<Bytes>,
    ended: bool,
    /// The connection's place is taken as long as it has streams.
    _connection: Connection,
}

impl FrameSender {
    /// Sends one frame.
    ///
    /// # Errors
    /// The stream or the connection has ended.
    pub async fn send(&mut self, frame: &Frame) -> Result<(), SendError> {
        self.send_encoded(frame.to_bytes()).await
    }

    /// Sends several frames in one write: they share packets.
    ///
    /// # Errors
    /// The stream or the connection has ended; some may have gone out.
    pub async fn send_all<'a>(&mut self, frames: impl IntoIterator<Item = &'a Frame>) -> Result<(), SendError> {
        let mut bytes = BytesMut::new();
        for frame in frames {
            frame.encode(&mut bytes);
        }
        self.send_encoded(bytes.freeze()).await
    }

    /// Sends whole frames that are encoded already: what goes to many is encoded once.
    ///
    /// # Errors
    /// The stream or the connection has ended.
    pub async fn send_encoded(&mut self, frames: Bytes) -> Result<(), SendError> {
        self.send_all_encoded([frames]).await
    }

    /// Sends several pieces, each of whole frames, in one write and without copying them.
    ///
    /// # Errors
    /// The stream or the connection has ended; some may have gone out.
    pub async fn send_all_encoded(&mut self, pieces: impl IntoIterator<Item = Bytes>) -> Result<(), SendError> {
        self.unsent.extend(pieces.into_iter().filter(|piece| !piece.is_empty()));
        while !self.unsent.is_empty() {
            // Cancel-safe: what it took is cut off the pieces before it returns.
            let written = self.stream.write_chunks(self.unsent.make_contiguous()).await?;
            self.unsent.drain(..written.chunks);
        }
        if self.unsent.capacity() > 0 {
            self.unsent = VecDeque::new();
        }
        Ok(())
    }

    /// Changes which stream goes first.
    pub fn set_priority(&self, priority: Priority) {
        // It only fails on a stream that has ended, where it does not matter.
        let _ = self.stream.set_priority(priority.number());
    }

    /// Ends the stream cleanly: the other end reads all and then `None`. That it has arrived, only
    /// [`FrameSender::delivered`] or an answer tells.
    ///
    /// # Errors
    /// A cancelled send left a part behind, so that there is no clean end (the stream is reset), or the stream has ended
    /// already.
    pub fn finish(&mut self) -> Result<(), SendError> {
        if !self.unsent.is_empty() {
            self.reset(ResetCode::Cancelled);
            return Err(SendError::Ended);
        }
        self.ended = true;
        self.stream.finish().map_err(|_| SendError::Ended)
    }

    /// Waits until the other end has all that was sent, after [`FrameSender::finish`]. Cancel-safe.
    ///
    /// # Errors
    /// The other end stopped the stream, or the connection has ended.
    pub async fn delivered(&mut self) -> Result<(), SendError> {
        match self.stream.stopped().await {
            Ok(None) => Ok(()),
            Ok(Some(number)) => Err(stopped(number)),
            Err(StoppedError::ConnectionLost(error)) => Err(SendError::Closed(error.into())),
            Err(StoppedError::ZeroRttRejected) => Err(SendError::Ended),
        }
    }

    /// Gives the stream up. What has not arrived is lost.
    pub fn reset(&mut self, code: ResetCode) {
        self.ended = true;
        // It only fails on a stream that has ended.
        let _ = self.stream.reset(code.to_wire());
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        if !self.ended {
            self.reset(ResetCode::Cancelled);
        }
    }
}

/// The receiving half of a stream. Dropped before its end, it stops the stream: the other end need not send more.
#[derive(Debug)]
pub struct FrameReceiver {
    stream: quinn::RecvStream,
    decoder: FrameDecoder,
    ended: bool,
    /// The connection's place is taken as long as it has streams.
    _connection: Connection,
}

impl FrameReceiver {
    /// The next frame, `None` after a clean end. Cancel-safe: a part of a frame stays here until the rest comes.
    ///
    /// # Errors
    /// There is no next frame, and will be none.
    pub async fn recv(&mut self) -> Result<Option<Frame>, RecvError> {
        loop {
            match self.decoder.next_frame() {
                Ok(Some(frame)) => return Ok(Some(frame)),
                Ok(None) => {}
                Err(error) => {
                    self.stop(match error {
                        FrameError::TooLarge { .. } => ResetCode::TooLarge,
                        FrameError::TooShort { .. } => ResetCode::Refused,
                    });
                    return Err(error.into());
                }
            }
            if self.ended {
                return if self.decoder.is_empty() {
                    Ok(None)
                } else {
                    Err(RecvError::Truncated)
                };
            }
            match self.stream.read_chunk(READ_MAX_BYTES, true).await? {
                Some(chunk) => self.decoder.push(&chunk.bytes),
                None => self.ended = true,
            }
        }
    }

    /// Changes how long a frame (kind and body) may be, for those that have not been read yet.
    pub fn set_limit(&mut self, max_bytes: usize) {
        self.decoder.set_limit(max_bytes);
    }

    /// Tells the other end that no more will be read.
    pub fn stop(&mut self, code: ResetCode) {
        // It only fails on a stream that has ended.
        let _ = self.stream.stop(code.to_wire());
    }
}

impl Drop for FrameReceiver {
    fn drop(&mut self) {
        self.stop(ResetCode::Cancelled);
    }
}
