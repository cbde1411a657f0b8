//! What holds for every input: the result does not depend on how the bytes are split, what is
//! written is read back, and no input causes a panic or unbounded memory.

use bytes::{Bytes, BytesMut};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::{Command, DecodeError, Decoded, Decoder, Encoder, Frame, Limits, Version};

const LIMITS: Limits = Limits { max_body: 64, max_headers: 6, max_header_bytes: 160 };

type Headers = Vec<(String, String)>;

/// What was decoded, in a comparable form.
#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Frame(Command, Headers, Vec<u8>, Vec<u8>),
    HeartBeat,
    Oversize(Command, Headers, Bytes, u64),
    Error(DecodeError),
}

fn headers(frame: &Frame) -> Headers {
    frame.headers().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn decode<'a>(limits: Limits, version: Version, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut decoder = Decoder::new(limits, version);
    let mut seen = Vec::new();
    for piece in pieces {
        decoder.push(piece.to_vec());
        loop {
            seen.push(match decoder.next() {
                Ok(None) => break,
                Ok(Some(Decoded::Frame(frame))) => {
                    Seen::Frame(frame.command(), headers(&frame), frame.body().to_vec(), frame.raw_head().to_vec())
                }
                Ok(Some(Decoded::HeartBeat)) => Seen::HeartBeat,
                Ok(Some(Decoded::Oversize(big))) => {
                    Seen::Oversize(big.head.command(), headers(&big.head), big.prefix, big.len)
                }
                Err(error) => {
                    seen.push(Seen::Error(error));
                    return seen;
                }
            });
        }
    }
    seen
}

/// The pieces of `bytes`, split at these positions.
fn cut<'a>(bytes: &'a [u8], at: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = at.iter().map(|index| index.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
    places.sort_unstable();
    places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}

fn command() -> impl Strategy<Value = Command> {
    use Command::{Ack, Connect, Connected, Disconnect, Error, Message, Receipt, Send, Subscribe};
    prop::sample::select(vec![Ack, Connect, Connected, Disconnect, Error, Message, Message, Receipt, Send, Subscribe])
}

/// Text that needs no escape in any command of any version.
fn unescaped_text() -> impl Strategy<Value = String> {
    "[a-z\\t \\\\{é中]{1,12}"
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        unescaped_text(),
        prop::sample::select(vec!["subscription", "ack", "message-id", "destination"]).prop_map(str::to_owned),
    ]
}

/// One item of a valid stream, as bytes: a frame with LF or CRLF, with or without content-length,
/// within or beyond the limits, or a line end.
fn stream_item() -> impl Strategy<Value = Vec<u8>> {
    let frame = (command(), vec((name(), "[^\r\n\\x00]{0,40}"), 0..10), vec(any::<u8>(), 0..100), any::<[bool; 2]>());
    prop_oneof![
        1 => Just(b"\n".to_vec()),
        1 => Just(b"\r\n".to_vec()),
        6 => frame.prop_map(|(command, headers, body, [has_crlf, has_length])| {
            let mut body = if command.may_have_body() { body } else { Vec::new() };
            let mut bytes = Encoder::new(Version::V1_2).encode(command, headers, &body).unwrap().to_vec();
            if !has_length && !body.is_empty() {
                body.retain(|&byte| byte != 0);
                let head_end = find(&bytes, b"\ncontent-length:") + 1;
                bytes.truncate(head_end);
                bytes.push(b'\n');
                bytes.extend_from_slice(&body);
                bytes.push(0);
            }
            if has_crlf {
                let head_end = find(&bytes, b"\n\n") + 2;
                let head = bytes[..head_end].to_vec();
                let crlf = head.iter().flat_map(|&byte| if byte == b'\n' { vec![b'\r', b'\n'] } else { vec![byte] });
                bytes = crlf.chain(bytes[head_end..].iter().copied()).collect();
            }
            bytes
        }),
    ]
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

proptest! {
    #[test]
    fn any_split_of_a_valid_stream_gives_the_same_frames(
        items in vec(stream_item(), 0..8),
        at in vec(any::<Index>(), 0..12),
    ) {
        let stream = items.concat();
        let whole = decode(LIMITS, Version::V1_2, [&stream[..]]);
        prop_assert_eq!(whole.len(), items.len());
        prop_assert!(!whole.iter().any(|seen| matches!(seen, Seen::Error(_))), "{:?}", whole);
        prop_assert_eq!(&decode(LIMITS, Version::V1_2, cut(&stream, &at)), &whole);
        prop_assert_eq!(&decode(LIMITS, Version::V1_2, stream.chunks(1)), &whole);
        // Every octet of an oversize frame is counted.
        for (seen, bytes) in whole.iter().zip(&items) {
            if let Seen::Oversize(_, _, prefix, len) = seen {
                prop_assert_eq!((&prefix[..], *len), (&bytes[..], bytes.len() as u64));
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        command in command(),
        given in vec((any::<String>(), any::<String>()), 0..8),
        body in vec(any::<u8>(), 0..64),
        is_1_2 in any::<bool>(),
    ) {
        let version = if is_1_2 { Version::V1_2 } else { Version::V1_1 };
        let body = if command.may_have_body() { body } else { Vec::new() };
        let Ok(bytes) = Encoder::new(version).encode(command, given.clone(), &body) else {
            // Refused: then one of the headers cannot be encoded.
            let cannot_be_encoded = |(name, value): &(String, String)| {
                let text = format!("{name}{value}");
                name.is_empty() || text.contains('\0') || (text.contains('\r') && (!is_1_2 || !command.is_escaped()))
                    || (!command.is_escaped() && (text.contains('\n') || name.contains(':')))
            };
            prop_assert!(given.iter().any(cannot_be_encoded), "refused for no reason");
            return Ok(());
        };
        let mut expected = given;
        if !body.is_empty() {
            expected.push(("content-length".into(), body.len().to_string()));
        }
        let seen = decode(Limits::default(), version, [&bytes[..]]);
        let Some(Seen::Frame(read, headers, read_body, _)) = seen.first() else { panic!("{seen:?}") };
        prop_assert_eq!((seen.len(), read, headers, read_body), (1, &command, &expected, &body));
    }

    #[test]
    fn a_passcode_reaches_rabbitmq_as_it_is(passcode in "[^\r\n\\x00]{0,20}") {
        // RabbitMQ unescapes CONNECT. The decoder does the same for the same bytes with an escaped
        // command.
        let encoder = Encoder { version: Version::V1_2, escape_connect: true };
        let bytes = encoder.encode(Command::Connect, [("passcode", &passcode)], b"").unwrap();
        let as_escaped = [b"SUBSCRIBE", &bytes[b"CONNECT".len()..]].concat();
        let seen = decode(Limits::default(), Version::V1_2, [&as_escaped[..]]);
        let expected = vec![("passcode".to_owned(), passcode)];
        prop_assert!(matches!(&seen[..], [Seen::Frame(_, headers, ..)] if *headers == expected), "{:?}", seen);
    }

    #[test]
    fn garbage_never_panics_and_decodes_the_same_however_it_is_split(
        pieces in vec(
            prop_oneof![
                vec(any::<u8>(), 0..40),
                stream_item(),
                prop::sample::select(vec!["MESSAGE\n", "a:b\n", "\n", "\r", "\0", "\\", "content-length:7\n", ":"])
                    .prop_map(|text| text.as_bytes().to_vec()),
            ],
            0..12,
        ),
        at in vec(any::<Index>(), 0..12),
    ) {
        let stream = pieces.concat();
        let whole = decode(LIMITS, Version::V1_2, [&stream[..]]);
        prop_assert_eq!(&decode(LIMITS, Version::V1_2, cut(&stream, &at)), &whole);
    }
}

/// 4 MiB in pieces of 1 KiB; the decoder holds far less at any time.
#[test]
fn memory_stays_bounded_for_input_that_never_ends() {
    let limits = Limits { max_body: 256 * 1024, max_headers: 100, max_header_bytes: 32 * 1024 };
    let filler = |text: &str| Bytes::from(text.repeat(1024 / text.len()));
    for (start, endless) in [
        ("MESSAGE\n", filler("x")),
        ("MESSAGE\nack:", filler("x")),
        ("MESSAGE\n", filler("k:v\n")),
        ("MESSAGE\n", filler("ack:1234567890\r\n")),
        ("MESSAGE\n\n", filler("x")),
        ("MESSAGE\ncontent-length:99999999999\n\n", filler("x")),
        ("", filler("\n")),
    ] {
        let mut decoder = Decoder::new(limits, Version::V1_2);
        decoder.push(start);
        for _ in 0..4 * 1024 {
            while decoder.next().unwrap().is_some() {}
            decoder.push(endless.clone());
            assert!(decoder.capacity() < 640 * 1024, "{} after {start:?}", decoder.capacity());
        }
        // While the frame is skipped, little more than the prefix is held.
        assert!(decoder.capacity() < 160 * 1024, "{} in the end after {start:?}", decoder.capacity());
    }
    // Without a line end it is refused at once.
    let mut decoder = Decoder::new(limits, Version::V1_2);
    decoder.push(filler("x"));
    assert_eq!(decoder.next().unwrap_err(), DecodeError::UnknownCommand);
}

#[test]
fn a_large_body_in_small_pieces_is_one_frame_whose_body_is_shared_not_copied() {
    let body: Vec<u8> = (0..4 * 1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let bytes = Encoder::new(Version::V1_2).encode(Command::Message, [("subscription", "s")], &body).unwrap();
    let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
    let mut frames = Vec::new();
    for piece in bytes.chunks(1024) {
        decoder.push(BytesMut::from(piece));
        while let Some(decoded) = decoder.next().unwrap() {
            frames.push(decoded);
        }
    }
    let [Decoded::Frame(frame)] = &frames[..] else { panic!("not one frame") };
    assert!(frame.body() == body);
    assert_eq!(frame.body_bytes().as_ptr(), frame.body().as_ptr());
}

#[test]
fn a_frame_that_arrives_alone_costs_one_allocation() {
    let head = b"MESSAGE\nsubscription:s\nmessage-id:1\ndestination:/queue/a\nack:1\ncontent-length:2\n\nhi\0";
    // RabbitMQ adds a line end to every frame.
    for after in [&b""[..], b"\n"] {
        let message = Bytes::from([head, after].concat());
        let place = message.as_ptr();
        let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
        let mut decoded = None;
        let counted = allocation_counter::measure(|| {
            decoder.push(message);
            decoded = decoder.next().unwrap();
        });
        let Some(Decoded::Frame(frame)) = decoded else { panic!("no frame") };
        assert_eq!((frame.body(), frame.raw_head().as_ptr()), (&b"hi"[..], place));
        assert_eq!(counted.count_total, 1, "the list of its headers, before {after:?}");
        let rest = decoder.next().unwrap();
        assert_eq!(matches!(rest, Some(Decoded::HeartBeat)), !after.is_empty(), "{rest:?}");
        assert!(decoder.next().unwrap().is_none());
    }
}
