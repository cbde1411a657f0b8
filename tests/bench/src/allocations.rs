//! `belfry-bench-allocations`: how often the decoder allocates for the frame on standard input.
//!
//! A program of its own, since counting slows every allocation down.

#![allow(clippy::expect_used, clippy::panic)] // As in the harness.

use std::io::Read;

use bytes::Bytes;
use stomp::{Decoded, Decoder, Limits, Version};

const FRAMES: u64 = 1_000;

fn main() {
    let mut message = Vec::new();
    std::io::stdin().read_to_end(&mut message).expect("a frame");
    // As the WebSocket library hands over messages: each in a buffer of its own.
    let messages: Vec<Bytes> = (0..FRAMES).map(|_| message.clone().into()).collect();
    let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
    let mut frames = Vec::with_capacity(messages.len());
    let counted = allocation_counter::measure(|| {
        for message in messages {
            decoder.push(message);
            while let Some(decoded) = decoder.next().expect("good frames") {
                if let Decoded::Frame(frame) = decoded {
                    frames.push(frame);
                }
            }
        }
    });
    assert_eq!(frames.len() as u64, FRAMES, "each of them once");
    println!("{}", counted.count_total as f64 / FRAMES as f64);
}
