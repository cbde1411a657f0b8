//! The decoder against a recording of what RabbitMQ 3.10.8 (Web STOMP, Debian 12) sent: a reference
//! that does not depend on our own encoder.

use crate::{Decoded, Decoder, Limits, Version};

/// CONNECTED, RECEIPT, a heart-beat, a MESSAGE with every escape and a NUL in its body, one without
/// a body, and ERROR.
const SESSION: &[u8] = b"CONNECTED\nserver:RabbitMQ/3.10.8\nsession:session-uKwbti7ystDXxZSCXvTR6Q\nheart-beat:1000,1000\n\
version:1.2\n\n\x00\nRECEIPT\nreceipt-id:1\n\n\x00\n\nMESSAGE\nsubscription:news\ndestination:/topic/belfry.a\n\
message-id:T_news@@session-uKwbti7ystDXxZSCXvTR6Q@@1\nredelivered:false\nack:T_news@@session-uKwbti7ystDXxZSCXvTR6Q@@1\n\
umlaut:\xc3\xa4\xe4\xb8\xad\nodd\\cname:a\\cb\\\\c\\nd\\re\nreceipt:2\namqp-message-id:m1\ncontent-type:text/plain\n\
content-length:12\n\ngr\xc3\xbc\xc3\x9f\x00dich\n\x00\nMESSAGE\nsubscription:news\ndestination:/topic/belfry.b\n\
message-id:T_news@@session-uKwbti7ystDXxZSCXvTR6Q@@2\nredelivered:false\nack:T_news@@session-uKwbti7ystDXxZSCXvTR6Q@@2\n\n\
\x00\nERROR\nmessage:Unknown destination\ncontent-type:text/plain\nversion:1.0,1.1,1.2\ncontent-length:135\n\n\
'/nowhere' is not a valid destination.\nValid destination types are: /temp-queue, /exchange, /topic, /queue, /amq/queue, \
/reply-queue/.\n\x00\n";

#[test]
fn a_recorded_session_of_rabbitmq_is_decoded_completely() {
    let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
    decoder.push(SESSION);
    let (mut frames, mut heart_beats) = (Vec::new(), 0);
    while let Some(decoded) = decoder.next().unwrap() {
        match decoded {
            Decoded::Frame(frame) => frames.push(frame),
            Decoded::HeartBeat => heart_beats += 1,
            Decoded::Oversize(big) => panic!("{big:?}"),
        }
    }
    // One after each frame, and one by itself.
    assert_eq!(heart_beats, 6);
    for (frame, name, value) in [
        (0, "heart-beat", "1000,1000"),
        (0, "version", "1.2"),
        (1, "receipt-id", "1"),
        (2, "destination", "/topic/belfry.a"),
        (2, "ack", "T_news@@session-uKwbti7ystDXxZSCXvTR6Q@@1"),
        (2, "umlaut", "ä中"),
        (2, "odd:name", "a:b\\c\nd\re"),
        (2, "amqp-message-id", "m1"),
        (3, "destination", "/topic/belfry.b"),
        (4, "message", "Unknown destination"),
    ] {
        assert_eq!(frames[frame].header(name).as_deref(), Some(value), "{name} of frame {frame}");
    }
    let bodies: Vec<_> = frames.iter().map(|frame| std::str::from_utf8(frame.body()).unwrap()).collect();
    assert_eq!(bodies[..4], ["", "", "grüß\0dich\n", ""]);
    assert!(bodies[4].starts_with("'/nowhere' is not a valid destination."), "{}", bodies[4]);
}

/// Headers that a publisher sent through RabbitMQ to its subscribers, over STOMP or AMQP, each in a
/// separate frame. If one of them ended the session, it would end the session again at every
/// redelivery.
#[test]
fn unusual_headers_that_rabbitmq_forwards_do_not_end_the_session() {
    for (line, name, value) in [
        (&b"k:\xff\xfe"[..], "k", "\u{fffd}\u{fffd}"),
        (b"\xff:v", "\u{fffd}", "v"),
        (b"k:a\0b", "k", "a\0b"),
        (b":v", "", "v"),
        (b"a\\cb:c", "a:b", "c"),
        (b"a\tb:c", "a\tb", "c"),
        (b"k\\nack:ab", "k\nack", "ab"),
        (b"k:\t x ", "k", "\t x "),
        // A publisher's header never hides the broker's headers, which come first.
        (b"subscription:evil", "subscription", "news"),
    ] {
        let head = b"MESSAGE\nsubscription:news\ndestination:/topic/odd\nredelivered:false\n";
        let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
        decoder.push([head, line, b"\ncontent-length:1\n\nx\0\n"].concat());
        let Ok(Some(Decoded::Frame(frame))) = decoder.next() else { panic!("no frame: {}", line.escape_ascii()) };
        let found: Vec<_> = frame.headers().collect();
        assert!(found.iter().any(|(n, _)| n == name), "{found:?}");
        let is_own = name != "\u{fffd}";
        assert_eq!(if is_own { frame.header(name) } else { Some(found[3].1.clone()) }.as_deref(), Some(value));
        assert_eq!(frame.body(), b"x");
    }
}
