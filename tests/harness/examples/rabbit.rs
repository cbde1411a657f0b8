//! A RabbitMQ of its own for trying programs by hand or by a script: prints the address of its Web
//! STOMP, publishes each line of its input to `amq.topic` as `user.guest.notice`, and ends with its
//! input.

use harness::{Amqp, RabbitMq};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, BufReader, stdin};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let Some(rabbit) = RabbitMq::start().await else { std::process::exit(1) };
    let amqp = Amqp::connect(&rabbit).await;
    println!("{}", json!({ "stomp": rabbit.ws_url() }));
    let mut lines = BufReader::new(stdin()).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        amqp.publish("amq.topic", "user.guest.notice", line).await;
    }
}
