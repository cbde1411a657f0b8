//! The app with the real RabbitMQ.

use harness::desktop::Parts;
use harness::{Amqp, RabbitMq};

use super::Desk;
use crate::fixtures::settings;

#[tokio::test]
async fn one_message_published_to_rabbitmq_is_one_popup() {
    let Some(rabbit) = RabbitMq::shared().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_queue("desk").await;
    let settings = settings(&rabbit.ws_url(), "guest", &["destination = \"/amq/queue/desk\""], "");
    let Some(mut desk) = Desk::with(Parts::default(), &settings, "guest").await else { return };
    let Some(mut app) = desk.start(&["--hidden"]).await else { return };
    desk.desktop.tray().wait_for("Connected").await;
    amqp.publish("", "desk", r#"{"id":"7","title":"审批 Approval","content":"Zürich & 北京"}"#).await;
    let popup = desk.desktop.popups().next().await;
    assert_eq!((popup.title.as_str(), popup.body.as_str()), ("审批 Approval", "Zürich &amp; 北京"));
    rabbit.wait_until_empty("desk").await;
    assert_eq!(app.terminate().await.code(), Some(0));
    assert_eq!(desk.desktop.popups().all().await, [popup]);
}
