//! The frames of SockJS around the bytes of STOMP: `o` opens, `a["…"]` carries texts, `h` keeps the
//! connection alive, `c[3000,"…"]` comes before the close; a client sends `["…"]` (SockJS protocol
//! 0.3.3, "Framing").
//!
//! Pure. The texts are handed on as they arrive, piece by piece, so a frame of any size passes with
//! bounded memory. Deliberately absent: the transports over XHR. Invariant: what the frames say is
//! the same however they are split.

use std::collections::VecDeque;

use bytes::Bytes;

/// Longest `c` frame that is read, in bytes.
const MAX_CLOSE: usize = 4 * 1024;

/// What a frame says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unframed {
    /// The connection is open.
    Open,
    /// A piece of the texts, in order; never empty.
    Text(Bytes),
    /// The peer is there.
    HeartBeat,
    /// The peer closes.
    Close {
        /// Its code.
        code: u16,
        /// Its reason.
        reason: String,
    },
}

/// The peer does not speak SockJS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotSockJs;

/// Reads frames.
#[derive(Debug, Default)]
pub(crate) struct SockJsDecoder {
    state: State,
    text: Vec<u8>,
    unframed: VecDeque<Unframed>,
}

#[derive(Debug, Default)]
enum State {
    /// Before a frame.
    #[default]
    Start,
    /// After a frame that has no content.
    Whole,
    /// `a` was read: `[` follows.
    Array,
    /// A text or the end of the array follows.
    First,
    /// A text follows.
    Next,
    /// Within a text.
    Text,
    /// After `\` in a text.
    Escape,
    /// Within the four digits after `\u`; the first half of a surrogate pair, if there was one.
    Unicode { digits: u32, count: u32, high: Option<u32> },
    /// After the first half of a surrogate pair.
    Low { high: u32 },
    /// After the `\` that follows it.
    LowEscape { high: u32 },
    /// After a text: `,` or the end of the array.
    After,
    /// Within `c[…]`.
    Close(Vec<u8>),
}

impl SockJsDecoder {
    /// Takes a piece of a frame.
    ///
    /// # Errors
    /// [`NotSockJs`].
    pub(crate) fn handle_piece(&mut self, piece: &[u8]) -> Result<(), NotSockJs> {
        let mut rest = piece;
        while let Some((&byte, after)) = rest.split_first() {
            if let State::Text = self.state {
                // Most of a frame: up to the next byte that means something.
                let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).unwrap_or(rest.len());
                let (text, more) = rest.split_at_checked(plain).unwrap_or((rest, &[]));
                self.text.extend_from_slice(text);
                rest = more;
                if let Some((&end, more)) = rest.split_first() {
                    self.state = if end == b'"' { State::After } else { State::Escape };
                    rest = more;
                }
                continue;
            }
            self.state = self.step(byte)?;
            rest = after;
        }
        self.hand_on();
        Ok(())
    }

    /// A frame has ended.
    ///
    /// # Errors
    /// [`NotSockJs`] when it was not whole.
    pub(crate) fn handle_end(&mut self) -> Result<(), NotSockJs> {
        match std::mem::take(&mut self.state) {
            // An empty message says nothing.
            State::Start | State::Whole => Ok(()),
            State::Close(said) => {
                let (code, reason) = serde_json::from_slice(&said).map_err(|_| NotSockJs)?;
                self.unframed.push_back(Unframed::Close { code, reason });
                Ok(())
            }
            State::Array
            | State::First
            | State::Next
            | State::Text
            | State::Escape
            | State::Unicode { .. }
            | State::Low { .. }
            | State::LowEscape { .. }
            | State::After => Err(NotSockJs),
        }
    }

    /// What was read.
    pub(crate) fn poll_unframed(&mut self) -> Option<Unframed> {
        self.unframed.pop_front()
    }

    fn hand_on(&mut self) {
        if !self.text.is_empty() {
            self.unframed.push_back(Unframed::Text(std::mem::take(&mut self.text).into()));
        }
    }

    fn step(&mut self, byte: u8) -> Result<State, NotSockJs> {
        let is_space = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        Ok(match (std::mem::take(&mut self.state), byte) {
            (State::Start, b'o') => {
                self.unframed.push_back(Unframed::Open);
                State::Whole
            }
            (State::Start, b'h') => {
                self.unframed.push_back(Unframed::HeartBeat);
                State::Whole
            }
            (State::Start, b'a') => State::Array,
            (State::Start, b'c') => State::Close(Vec::new()),
            (State::Array, b'[') => State::First,
            (State::First | State::Next, b'"') => State::Text,
            (State::First | State::After, b']') => State::Whole,
            (State::After, b',') => State::Next,
            (state @ (State::Whole | State::Array | State::First | State::Next | State::After), _) if is_space => state,
            (State::Escape, b'u') => State::Unicode { digits: 0, count: 0, high: None },
            (State::Escape, _) => {
                self.text.push(match byte {
                    b'"' | b'\\' | b'/' => byte,
                    b'b' => 0x8,
                    b'f' => 0xc,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return Err(NotSockJs),
                });
                State::Text
            }
            (State::Unicode { digits, count, high }, _) => {
                let digit = char::from(byte).to_digit(16).ok_or(NotSockJs)?;
                let digits = (digits << 4) | digit;
                if count < 3 { State::Unicode { digits, count: count + 1, high } } else { self.unit(digits, high) }
            }
            (State::Low { high }, b'\\') => State::LowEscape { high },
            (State::LowEscape { high }, b'u') => State::Unicode { digits: 0, count: 0, high: Some(high) },
            // No second half follows.
            (State::Low { .. }, b'"') => {
                self.push(None);
                State::After
            }
            (State::Low { .. }, _) => {
                self.push(None);
                self.text.push(byte);
                State::Text
            }
            (State::LowEscape { .. }, _) => {
                self.push(None);
                self.state = State::Escape;
                return self.step(byte);
            }
            (State::Close(mut said), _) if said.len() < MAX_CLOSE => {
                said.push(byte);
                State::Close(said)
            }
            _ => return Err(NotSockJs),
        })
    }

    /// A UTF-16 unit was read.
    fn unit(&mut self, unit: u32, high: Option<u32>) -> State {
        match (high, unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                self.push(char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00)));
                return State::Text;
            }
            (Some(_), _) => self.push(None),
            (None, _) => {}
        }
        if (0xd800..=0xdbff).contains(&unit) {
            return State::Low { high: unit };
        }
        self.push(char::from_u32(unit));
        State::Text
    }

    /// Half a pair stands for no character.
    fn push(&mut self, character: Option<char>) {
        let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
        self.text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// The message of a client around these bytes. It is text, so bytes that are not UTF-8 are
/// replaced.
pub(crate) fn frame(bytes: &[u8]) -> String {
    serde_json::Value::from(vec![String::from_utf8_lossy(bytes).into_owned()]).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What frames say, each split at this size; texts joined.
    fn read(frames: &[&str], size: usize) -> Result<Vec<Unframed>, NotSockJs> {
        let mut decoder = SockJsDecoder::default();
        let mut said: Vec<Unframed> = Vec::new();
        for frame in frames {
            for piece in frame.as_bytes().chunks(size) {
                decoder.handle_piece(piece)?;
            }
            decoder.handle_end()?;
            while let Some(next) = decoder.poll_unframed() {
                match (said.pop(), next) {
                    (Some(Unframed::Text(before)), Unframed::Text(next)) => {
                        said.push(Unframed::Text([before, next].concat().into()));
                    }
                    (before, next) => said.extend(before.into_iter().chain([next])),
                }
            }
        }
        Ok(said)
    }

    #[test]
    fn each_kind_of_frame_is_read_however_it_is_split() {
        let frames = [
            "o",
            "h",
            "",
            r#"a["CONNECTED\nversion:1.2\n\n\u0000"]"#,
            "a[]",
            r#"a["\n" , "MESSAGE\nx:\"\\\/\b\f\r\t","\u5ba1\ud83d\ude00批"]"#,
            r#"c[3000,"Go away!"]"#,
        ];
        let close = Unframed::Close { code: 3000, reason: "Go away!".to_owned() };
        let text = "CONNECTED\nversion:1.2\n\n\0\nMESSAGE\nx:\"\\/\u{8}\u{c}\r\t审😀批";
        let expected = [Unframed::Open, Unframed::HeartBeat, Unframed::Text(text.into()), close];
        for size in [1, 2, 3, 7, 1_000] {
            assert_eq!(read(&frames, size).unwrap(), expected, "{size}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_replaced_and_costs_nothing_else() {
        for (frame, text) in [
            (r#"a["\ud83d"]"#, "\u{fffd}"),
            (r#"a["\ud83dx"]"#, "\u{fffd}x"),
            (r#"a["\ud83d\n"]"#, "\u{fffd}\n"),
            (r#"a["\ud83d\u0041"]"#, "\u{fffd}A"),
            (r#"a["\ud83d\ud83d\ude00"]"#, "\u{fffd}😀"),
            (r#"a["\ude00"]"#, "\u{fffd}"),
        ] {
            assert_eq!(read(&[frame], 1).unwrap(), [Unframed::Text(text.into())], "{frame}");
        }
    }

    #[test]
    fn what_is_not_sockjs_is_refused() {
        for frame in [
            "CONNECTED\n\n\0",
            "oo",
            "h[]",
            "a",
            "a[",
            "a[1]",
            "a[\"x\"",
            "a[\"x\",]",
            "a[\"x\"]]",
            "a[\"\\x\"]",
            "a[\"\\u12g4\"]",
            "c",
            "c[]",
            "c[\"3000\"]",
            "x",
        ] {
            assert_eq!(read(&[frame], 1), Err(NotSockJs), "{frame}");
        }
        assert_eq!(read(&[&format!("c[3000,\"{}\"]", "x".repeat(MAX_CLOSE))], 1_000), Err(NotSockJs));
    }

    proptest! {
        #[test]
        fn texts_come_out_as_they_went_in(texts in prop::collection::vec(".{0,40}", 0..5), size in 1usize..50) {
            let frame = format!("a{}", serde_json::json!(texts));
            let said = read(&[&frame], size).unwrap();
            let joined = texts.concat();
            let expected = if joined.is_empty() { vec![] } else { vec![Unframed::Text(joined.into())] };
            prop_assert_eq!(said, expected);
        }

        #[test]
        fn nothing_panics(piece in prop::collection::vec(any::<u8>(), 0..200), start in "[aoch]?\\[?\"?") {
            let mut decoder = SockJsDecoder::default();
            let _ = decoder.handle_piece(start.as_bytes()).and_then(|()| decoder.handle_piece(&piece));
            let _ = decoder.handle_end();
        }
    }

    #[test]
    fn a_client_sends_an_array_of_one_text() {
        assert_eq!(frame("SEND\na:\"审\"\n\n\0".as_bytes()), r#"["SEND\na:\"审\"\n\n\u0000"]"#);
    }
}
