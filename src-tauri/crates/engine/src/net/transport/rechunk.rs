//! Rewrites the WebSocket frames that arrive: every data frame becomes whole BINARY messages of at
//! most [`CHUNK`] bytes, and an empty one follows where the server's message ends.
//!
//! So a message of any size passes with bounded memory (tungstenite would collect all of it), and a
//! TEXT frame that is not UTF-8 is the reader's decision instead of a dead socket (RabbitMQ 3.10
//! sends such). STOMP is a stream and does not care where messages end; the raw
//! protocol and SockJS do. Control frames, and frames only a broken server sends, pass unchanged.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Largest payload handed on in one message, in bytes.
pub(crate) const CHUNK: usize = 64 * 1024;

const FIN: u8 = 0x80;
const MASK: u8 = 0x80;
const BINARY: u8 = 0x2;
const CONTROL: u8 = 0x8;

/// A stream whose incoming WebSocket frames are rewritten.
#[derive(Debug)]
pub(crate) struct Rechunk<S> {
    inner: S,
    state: State,
    /// Bytes to hand on before anything else: a header.
    out: Small,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Collecting a header.
    Header(Small),
    /// Within a frame: bytes until the next header, how many of them stand in the chunk whose
    /// header is out, and whether a message ends with this frame.
    Payload { frame: u64, chunk: u64, is_last: bool },
}

/// At most the 14 bytes of a header.
#[derive(Debug, Clone, Copy, Default)]
struct Small {
    bytes: [u8; 14],
    start: usize,
    end: usize,
}

impl Small {
    fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(place) = self.bytes.get_mut(self.end) {
                *place = *byte;
                self.end += 1;
            }
        }
    }

    fn as_slice(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }
}

impl<S> Rechunk<S> {
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, state: State::Header(Small::default()), out: Small::default() }
    }

    /// The header is complete: decide what to hand on.
    fn begin(&mut self, header: &Small) {
        let (first, second) = match *header.as_slice() {
            [first, second, ..] => (first, second),
            _ => return,
        };
        let payload = match *header.as_slice().get(2..).unwrap_or_default() {
            [a, b, c, d, e, f, g, h, ..] if second & !MASK == 127 => u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            [a, b, ..] if second & !MASK == 126 => u64::from(u16::from_be_bytes([a, b])),
            _ => u64::from(second & !MASK),
        };
        if first & CONTROL != 0 || second & MASK != 0 || first & 0x70 != 0 {
            self.out = *header;
            self.state = if payload == 0 {
                State::Header(Small::default())
            } else {
                State::Payload { frame: payload, chunk: payload, is_last: false }
            };
        } else if payload == 0 {
            self.end_frame(first & FIN != 0);
        } else {
            self.begin_chunk(payload, first & FIN != 0);
        }
    }

    /// A frame has ended, and with the last one its message.
    fn end_frame(&mut self, is_last: bool) {
        self.out = Small::default();
        if is_last {
            self.out.push(&[FIN | BINARY, 0]);
        }
        self.state = State::Header(Small::default());
    }

    fn begin_chunk(&mut self, frame: u64, is_last: bool) {
        let chunk = frame.min(CHUNK as u64);
        self.out = Small::default();
        self.out.push(&[FIN | BINARY]);
        if chunk < 126 {
            self.out.push(&[chunk as u8]);
        } else if let Ok(short) = u16::try_from(chunk) {
            self.out.push(&[126]);
            self.out.push(&short.to_be_bytes());
        } else {
            self.out.push(&[127]);
            self.out.push(&chunk.to_be_bytes());
        }
        self.state = State::Payload { frame, chunk, is_last };
    }

    /// How many header bytes are needed, judging by those that are there.
    fn wanted(header: &Small) -> usize {
        match *header.as_slice() {
            [_, second, ..] => {
                let length = match second & !MASK {
                    126 => 2,
                    127 => 8,
                    _ => 0,
                };
                2 + length + if second & MASK == 0 { 0 } else { 4 }
            }
            _ => 2,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rechunk<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            let waiting = this.out.as_slice();
            if !waiting.is_empty() {
                let count = waiting.len().min(buf.remaining());
                buf.put_slice(waiting.get(..count).unwrap_or_default());
                this.out.start += count;
                return Poll::Ready(Ok(()));
            }
            match &mut this.state {
                State::Header(header) => {
                    let missing = Self::wanted(header) - header.end;
                    if missing == 0 {
                        let header = *header;
                        this.begin(&header);
                        continue;
                    }
                    let mut space = [0; 14];
                    let mut piece = ReadBuf::new(space.get_mut(..missing).unwrap_or_default());
                    ready!(Pin::new(&mut this.inner).poll_read(context, &mut piece))?;
                    if piece.filled().is_empty() {
                        // The end of the stream, for tungstenite to judge.
                        return Poll::Ready(Ok(()));
                    }
                    header.push(piece.filled());
                }
                State::Payload { frame, chunk, is_last } => {
                    if *chunk == 0 {
                        let (rest, is_last) = (*frame, *is_last);
                        this.begin_chunk(rest, is_last);
                        continue;
                    }
                    let limit = usize::try_from(*chunk).unwrap_or(usize::MAX).min(buf.remaining());
                    let mut piece = ReadBuf::new(buf.initialize_unfilled_to(limit));
                    ready!(Pin::new(&mut this.inner).poll_read(context, &mut piece))?;
                    let count = piece.filled().len();
                    buf.advance(count);
                    *frame -= count as u64;
                    *chunk -= count as u64;
                    if *frame == 0 {
                        let is_last = *is_last;
                        this.end_frame(is_last);
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rechunk<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(context, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![first];
        match payload.len() {
            length @ 0..126 => bytes.push(length as u8),
            length @ 126..65_536 => {
                bytes.push(126);
                bytes.extend((length as u16).to_be_bytes());
            }
            length => {
                bytes.push(127);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend(payload);
        bytes
    }

    /// Splits what was handed on into its frames, and checks that no data frame is larger than a
    /// chunk.
    fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        while let [first, second, rest @ ..] = bytes {
            let (length, rest) = match second {
                126 => (u16::from_be_bytes([rest[0], rest[1]]) as usize, &rest[2..]),
                127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
                short => (*short as usize, rest),
            };
            assert!(length <= CHUNK);
            found.push((*first, rest[..length].to_vec()));
            bytes = &rest[length..];
        }
        found
    }

    proptest! {
        #[test]
        fn data_frames_become_whole_binary_messages_with_their_ends_and_control_frames_stay(
            sizes in prop::collection::vec((prop_oneof![Just(0x81u8), Just(0x01), Just(0x80), Just(0x82), Just(0x89)], 0usize..200_000), 1..5),
            piece in 1usize..5_000,
        ) {
            let (mut bytes, mut data, mut control) = (Vec::new(), vec![Vec::new()], Vec::new());
            for (first, size) in sizes {
                let size = if first == 0x89 { size % 126 } else { size };
                let payload: Vec<u8> = (0..size).map(|at| at as u8).collect();
                bytes.extend(frame(first, &payload));
                if first == 0x89 { control.push(payload); continue }
                data.last_mut().unwrap().extend(payload);
                if first & FIN != 0 { data.push(Vec::new()) }
            }
            let mut seen = Vec::new();
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
                let mut mock = tokio_test::io::Builder::new();
                for part in bytes.chunks(piece) { mock.read(part); }
                Rechunk::new(mock.build()).read_to_end(&mut seen).await.unwrap();
            });
            let (mut data_out, mut control_out) = (vec![Vec::new()], Vec::new());
            for (first, payload) in frames(&seen) {
                match first {
                    0x82 if payload.is_empty() => data_out.push(Vec::new()),
                    0x82 => data_out.last_mut().unwrap().extend(payload),
                    0x89 => control_out.push(payload),
                    other => prop_assert!(false, "a frame that begins with {other:#x}"),
                }
            }
            prop_assert_eq!(data_out, data);
            prop_assert_eq!(control_out, control);
        }
    }
}
