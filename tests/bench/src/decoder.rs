//! Frames a second of the decoder, beside those of others on the same bytes.
//!
//! Each round decodes the same messages, reads three headers and takes the body as text, as a
//! client must. Peers: the crate `stomp-parser`, the library of the web, `@stomp/stompjs`, and
//! `stomp.py`.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use stomp::{Decoded, Decoder, Frame, Limits, Version};
use stomp_parser::server::ServerFrame;

use crate::peers::{Library, Peers, allocations};
use crate::plot::{Curve, Plot, Scale, draw};
use crate::report::{Figure, Report, Rounds};

const SECTION: &str = "decoder";
/// Frames of a round.
const FRAMES: usize = 20_000;
const ROUNDS: usize = 15;
/// Bytes that arrive at a time.
const SLICES: [(usize, &str); 3] = [(64 * 1024, "64 KiB"), (8 * 1024, "8 KiB"), (1, "1 byte")];

/// A MESSAGE as RabbitMQ sends it: seven headers and a short JSON body.
fn message() -> Vec<u8> {
    let body = format!(
        r#"{{"id":"4711","title":"Approval needed: hotel","content":"{}","type":3,"sender":"alice"}}"#,
        "Please decide by Friday. ".repeat(5)
    );
    let head = "MESSAGE\nsubscription:sub-0\ndestination:/exchange/notices/alice\nmessage-id:T_sub-0@@session-Xyz@@42\n\
                redelivered:false\nack:T_sub-0@@session-Xyz@@42\ncontent-type:application/json\n";
    format!("{head}content-length:{}\n\n{body}\0", body.len()).into_bytes()
}

/// Compares the decoders, and measures how the cost grows with the length of a body.
pub(crate) fn measure(report: &mut Report, folder: &Path, peers: &Peers) {
    let message = message();
    let what = format!("{}-byte MESSAGE", message.len());
    let (mut own, mut other) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(rate(|| decode(&message)));
        other.push(rate(|| decode_with_stomp_parser(&message)));
    }
    let (own, other) = (Rounds::new(own), Rounds::new(other));
    let [web, python] = Library::ALL.map(|library| peers.decode(library, &message, FRAMES, ROUNDS));
    for (name, rounds) in [("belfry", &own), ("stomp-parser", &other), ("stompjs", &web), ("stomp.py", &python)] {
        report.add(Figure::new(SECTION, format!("{what}, {name}"), rounds.median(), "frames/s").spread(rounds));
    }
    let ratio =
        |name: &str, peer: &Rounds| Figure::new(SECTION, format!("times {name}"), own.median() / peer.median(), "×");
    report.add(ratio("stomp-parser", &other).at_least(5.0));
    report.add(ratio("stompjs", &web).at_least(20.0));
    report.add(Figure::new(SECTION, "allocations a frame", allocations(&message), "").at_most(1.0));

    let mut curves = Vec::new();
    for (slice, name) in SLICES {
        let points: Vec<(f64, f64)> = (10..=20)
            .map(|power| (1_usize << power, cost(1 << power, slice)))
            .map(|(length, cost)| (length as f64, cost))
            .collect();
        // A short frame costs what its head does, and one that fits into a piece is not copied.
        let costs = Rounds::new(points[7..].iter().map(|point| point.1).collect());
        let what = format!("bodies of 128 KiB to 1 MiB in pieces of {name}: highest cost of a byte to lowest");
        report.add(Figure::new(SECTION, what, costs.share(1.0) / costs.share(0.0), "×").at_most(2.0));
        curves.push((format!("pieces of {name}"), points));
    }
    draw_costs(&curves, folder);
}

fn draw_costs(curves: &[Curve], folder: &Path) {
    let title = "Cost of decoding one byte";
    let plot = Plot { title, x: "bytes of the body", y: "nanoseconds a byte", scale: Scale::Logarithmic, curves };
    draw(&folder.join("decoder.svg"), &plot);
}

/// Frames a second.
fn rate(round: impl FnOnce() -> usize) -> f64 {
    let began = Instant::now();
    let frames = round();
    frames as f64 / began.elapsed().as_secs_f64()
}

fn decode(message: &[u8]) -> usize {
    let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
    let mut texts = 0;
    for _ in 0..FRAMES {
        // As the WebSocket library hands over a message: a buffer of its own.
        decoder.push(message.to_vec());
        while let Some(Decoded::Frame(frame)) = decoder.next().expect("good frames") {
            texts += use_frame(&frame);
        }
    }
    texts
}

fn use_frame(frame: &Frame) -> usize {
    for name in ["subscription", "message-id", "destination"] {
        black_box(frame.header(name));
    }
    usize::from(!black_box(std::str::from_utf8(frame.body())).expect("text").is_empty())
}

fn decode_with_stomp_parser(message: &[u8]) -> usize {
    let mut texts = 0;
    for _ in 0..FRAMES {
        let ServerFrame::Message(frame) = ServerFrame::try_from(message.to_vec()).expect("good frames") else {
            panic!("it is a MESSAGE");
        };
        black_box((frame.subscription().value(), frame.message_id().value(), frame.destination().value()));
        texts += usize::from(!black_box(std::str::from_utf8(frame.body().expect("a body"))).expect("text").is_empty());
    }
    texts
}

/// Nanoseconds for one byte of a frame with a body of this length, in slices.
fn cost(length: usize, slice: usize) -> f64 {
    let head = format!("MESSAGE\nsubscription:s\nmessage-id:1\ndestination:/d\ncontent-length:{length}\n\n");
    let frame: Bytes = [head.into_bytes(), vec![b'x'; length], vec![0]].concat().into();
    // Small pieces are slow enough for few rounds.
    let rounds = if slice == 1 { 3 } else { ((32 << 20) / length).clamp(9, 2_000) };
    let mut times = Vec::new();
    let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
    for _ in 0..rounds {
        let began = Instant::now();
        let mut frames = 0;
        for start in (0..frame.len()).step_by(slice) {
            decoder.push(frame.slice(start..frame.len().min(start + slice)));
            while let Some(decoded) = decoder.next().expect("good frames") {
                frames += usize::from(matches!(decoded, Decoded::Frame(_)));
            }
        }
        assert_eq!(frames, 1, "the whole frame, once");
        times.push(began.elapsed().as_secs_f64() * 1e9 / frame.len() as f64);
    }
    Rounds::new(times).median()
}
