//! Benchmarks of what happens to every message before the store: decoding frames, mapping bodies to
//! notices. The input is in memory, in the pieces in which the transport hands it on.

use std::hint::black_box;
use std::time::{Duration, Instant};

use belfry_core::notice::Origin;
use belfry_core::notice::parse::{Incoming, Parsed, Via, parse};
use belfry_core::settings::MessageSettings;
use jiff::tz::TimeZone;
use stomp::{Decoded, Decoder, Limits, Version};

/// Frames in a round.
const FRAMES: usize = 20_000;
/// Octets in a piece.
const PIECE: usize = 64 * 1024;
/// How often each measurement is repeated.
const ROUNDS: usize = 15;

/// Prints how many frames are decoded, and how many bodies mapped, in a second, in the fastest round:
/// the one that other programs disturbed least.
pub(crate) fn measure() {
    let mut stream = Vec::new();
    let mut bodies = Vec::new();
    for number in 0..FRAMES {
        let body = body(number);
        // Every other frame has no length: its end has to be searched for.
        let length = if number.is_multiple_of(2) { format!("content-length:{}\n", body.len()) } else { String::new() };
        let head = format!(
            "MESSAGE\nsubscription:s-1\nmessage-id:T_s-1@@session-Qk2@@{number}\nredelivered:false\n\
             ack:T_s-1@@session-Qk2@@{number}\ndestination:/exchange/amq.topic/user.alice.expense\n\
             content-type:application/json\n{length}\n"
        );
        stream.extend_from_slice(head.as_bytes());
        stream.extend_from_slice(body.as_bytes());
        stream.extend_from_slice(b"\0\n");
        bodies.push(body);
    }

    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
        let mut frames = 0;
        for piece in stream.chunks(PIECE) {
            decoder.push(piece.to_vec());
            while let Some(decoded) = decoder.next().expect("frames without errors") {
                if let Decoded::Frame(frame) = decoded {
                    frames += 1;
                    black_box(frame.header("destination"));
                }
            }
        }
        assert_eq!(frames, FRAMES);
        times.push(began.elapsed());
    }
    let time = fastest(&times);
    let rate = stream.len() as f64 / time.as_secs_f64() / 1e6;
    println!("decode: {:.0} frames a second, {rate:.0} MB a second", FRAMES as f64 / time.as_secs_f64());

    let (mapping, origin) = (MessageSettings::default(), Origin::Personal);
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        for body in &bodies {
            let incoming = Incoming {
                body: body.as_bytes(),
                destination: "/exchange/amq.topic/user.alice.expense",
                scope: "",
                amqp_message_id: None,
                redelivered: Some(false),
                via: Via::Stomp,
                origin: &origin,
            };
            let parsed = black_box(parse(&incoming, &mapping, &TimeZone::UTC));
            assert!(matches!(parsed, Parsed::Notices(_)));
        }
        times.push(began.elapsed());
    }
    println!("map: {:.0} messages a second", FRAMES as f64 / fastest(&times).as_secs_f64());
}

fn fastest(times: &[Duration]) -> Duration {
    times.iter().min().copied().expect("one round at least")
}

fn body(number: usize) -> String {
    format!(
        r#"{{"id": "n-{number}", "title": "Expense {number} of 客户 needs your approval", "content": "{text}",
            "type": 3, "sender": "bob", "sendTime": "2026-11-21 09:30:00", "state": "open",
            "costCentre": "cc-{centre}", "amount": {number}.50}}"#,
        text = "It is part of the project's budget; please decide by Friday. 请尽快处理。 ".repeat(3),
        centre = number % 40,
    )
}
