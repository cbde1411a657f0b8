//! What RabbitMQ refuses, each with its own state and remedy, and its own finding of the doctor.

use harness::{Amqp, FaultProxy, RabbitMq};
use lapin::ExchangeKind;
use serde_json::{Value, json};

use crate::fixtures::{Person, settings, text, with_server};

struct Refusal {
    name: &'static str,
    /// The password of `alice`, `secret` unless that is what is wrong.
    token: &'static str,
    host: &'static str,
    subscription: &'static str,
    /// In the reason and in the remedy of the state.
    state: [&'static str; 2],
    /// The step that fails, and what is in its remedy.
    found: [&'static str; 2],
}

const FINE: &str = r#"destination = "/exchange/news/all""#;
const DIED: [&str; 2] = ["right after the subscriptions", "belfryctl doctor"];

const REFUSALS: [Refusal; 7] = [
    Refusal {
        name: "a bad password",
        token: "wrong",
        host: "/",
        subscription: FINE,
        state: ["refused the sign-in: Bad CONNECT: Access refused for user 'alice'", "sign in again"],
        found: ["stomp", "sign in again"],
    },
    Refusal {
        name: "an unknown virtual host",
        token: "secret",
        host: "nowhere",
        subscription: FINE,
        state: ["refused the session: Bad CONNECT: Virtual host 'nowhere' access denied", "server.host"],
        found: ["stomp", "server.host"],
    },
    Refusal {
        name: "a missing exchange",
        token: "secret",
        host: "/",
        subscription: r#"destination = "/exchange/missing/all""#,
        state: DIED,
        found: ["subscribe", "the exchange missing exists"],
    },
    Refusal {
        name: "a missing queue",
        token: "secret",
        host: "/",
        subscription: r#"destination = "/amq/queue/missing""#,
        state: DIED,
        found: ["subscribe", "the queue missing exists"],
    },
    Refusal {
        name: "no permission to read",
        token: "secret",
        host: "/",
        subscription: r#"destination = "/amq/queue/private""#,
        state: DIED,
        found: ["subscribe", "that the account may read it"],
    },
    Refusal {
        name: "no permission to create a queue",
        token: "secret",
        host: "/",
        subscription: r#"destination = "/queue/private""#,
        state: DIED,
        found: ["subscribe", "may create and read the queue private"],
    },
    Refusal {
        name: "a queue with other arguments",
        token: "secret",
        host: "/",
        subscription: concat!(
            "destination = \"/exchange/news/all\"\n",
            r#"headers = { durable = "true", "auto-delete" = "false", "x-queue-type" = "quorum", "#,
            r#""x-queue-name" = "belfry.{login}.made" }"#
        ),
        state: DIED,
        found: ["subscribe", "the queue belfry.{login}.made, and whether it was created with other headers"],
    },
];

#[tokio::test]
async fn each_refusal_of_rabbitmq_has_its_own_state_and_remedy_after_at_most_three_sessions() {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let amqp = Amqp::connect(&rabbit).await;
    amqp.declare_exchange("news", ExchangeKind::Topic).await;
    for queue in ["private", "belfry.alice.made"] {
        amqp.declare_queue(queue).await;
    }
    let may = "^(news|missing|stomp-subscription-.*|amq\\.gen.*|belfry\\..*)$";
    rabbit.add_user("alice", "secret", [may, may, may]).await;
    let mut people = Vec::new();
    for Refusal { token, host, subscription, .. } in &REFUSALS {
        let proxy = FaultProxy::start(rabbit.ws_address()).await;
        let settings = settings(&format!("ws://{}/ws", proxy.address()), "alice", &[subscription], "");
        let alice = Person::without_tls(&with_server(&settings, &format!("host = \"{host}\"")), token);
        let running = alice.run().await;
        people.push((proxy, alice, running));
    }
    for (refusal, (proxy, alice, mut running)) in REFUSALS.iter().zip(people) {
        let Refusal { name, token, state: [reason, remedy], found: [step, advice], .. } = refusal;
        let asked = running.state("action-needed").await;
        assert!(text(&asked, "reason").contains(reason) && text(&asked, "remedy").contains(remedy), "{name}: {asked}");
        assert!(proxy.accepted() <= 3, "{name}: {} sessions", proxy.accepted());
        assert_eq!(running.terminate().await.code(), Some(0));

        let ended = alice.ctl(&["doctor", "--json"]).await;
        assert_eq!(ended.code, Some(if *token == "wrong" { 3 } else { 1 }), "{name}: {ended:?}");
        let findings = ended.json();
        let failed: Vec<&Value> =
            findings.as_array().unwrap().iter().filter(|finding| finding["verdict"] == "fail").collect();
        let [failed] = failed[..] else { panic!("{name}: {findings}") };
        assert_eq!(failed["step"], json!(step), "{name}");
        assert!(text(failed, "detail").contains(reason), "{name}: {failed}");
        assert!(text(failed, "remedy").contains(advice), "{name}: {failed}");
    }
}
