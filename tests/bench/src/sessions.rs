//! What one session costs a real RabbitMQ, and how many a second it can establish: the engine's own
//! connections, many in this process.
//!
//! The server shares the machine with the clients, so its figures are what is possible at least.

use std::sync::Arc;
use std::time::{Duration, Instant};

use belfry_core::account::{Account, DeviceId};
use belfry_core::pipeline::link::Generation;
use belfry_core::settings::Settings;
use engine::net::connection::{self, ConnectionCommand, ConnectionReport, Opening};
use engine::net::identity::Identity;
use engine::net::intake::Intake;
use harness::RabbitMq;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use tokio::sync::mpsc;

use crate::report::{Figure, Report};

const SECTION: &str = "sessions on RabbitMQ";
const STEPS: [usize; 3] = [100, 500, 2_000];
/// How long the processor time of idle sessions is measured: several heart-beats.
const IDLE: Duration = Duration::from_secs(30);

/// Opens sessions step by step.
pub(crate) async fn measure(report: &mut Report) {
    let Some(rabbit) = RabbitMq::start().await else { return };
    let text = format!(
        "[server]\nendpoints = [\"{}\"]\n\n[[server.subscriptions]]\ndestination = \"/exchange/amq.topic/notices\"\n\n\
         [auth]\nlogin = \"guest\"\n",
        rabbit.ws_url()
    );
    let (settings, _) = Settings::parse(&text, "settings.toml").expect("good settings");
    let client = crate::client::client(&settings);
    let intake = Arc::new(Intake::new(&settings, TimeZone::UTC));
    let account = Account::of(&settings).expect("an account");
    let (device, _) = DeviceId::load_or_new(None, "bench", &mut rand::rng());
    let identity = Arc::new(Identity::new(settings.clone(), account, device, "bench"));
    let (reports, mut reported) = mpsc::channel(64);
    let mut sessions: Vec<mpsc::UnboundedSender<ConnectionCommand>> = Vec::new();
    let empty = memory(&rabbit).await;
    for step in STEPS {
        let began = Instant::now();
        let new = step - sessions.len();
        for _ in 0..new {
            let (commands, received) = mpsc::unbounded_channel();
            let generation = Generation(sessions.len() as u64);
            sessions.push(commands);
            let (identity, intake) = (Arc::clone(&identity), Arc::clone(&intake));
            let endpoint = identity.settings.server.endpoints.first().cloned();
            let opening = Opening { identity, intake, endpoint, generation, offsets: Default::default() };
            let token = SecretString::from("guest");
            tokio::spawn(connection::run(client.clone(), token, opening, received, reports.clone()));
        }
        let (mut established, mut refused) = (0, 0);
        while established + refused < new {
            match reported.recv().await.expect("reports") {
                ConnectionReport::Established(_) => established += 1,
                ConnectionReport::Opened(_) | ConnectionReport::Message(..) => {}
                // The server ends a connection whose upgrade takes too long, as on a busy machine.
                ConnectionReport::Lost(..) => refused += 1,
            }
        }
        let rate = established as f64 / began.elapsed().as_secs_f64();
        report.add(Figure::new(SECTION, format!("{new} opened at once, up to {step}"), rate, "sessions/s"));
        if refused > 0 {
            report.add(Figure::new(SECTION, format!("{new} opened at once: refused"), refused as f64, ""));
            return;
        }
        let each = (memory(&rabbit).await - empty) / step as f64 / 1024.0;
        report.add(Figure::new(SECTION, format!("{step} sessions: memory of the server for each"), each, "KiB"));
        let before = processor_time(&rabbit).await;
        tokio::time::sleep(IDLE).await;
        let share = (processor_time(&rabbit).await - before) / IDLE.as_secs_f64() / 10.0;
        report.add(Figure::new(SECTION, format!("{step} idle sessions: server"), share, "% of a core"));
    }
}

/// Bytes that the server's memory takes, after a collection of what is not used any more.
async fn memory(rabbit: &RabbitMq) -> f64 {
    let total = "[garbage_collect(P) || P <- processes()], erlang:memory(total).";
    number(&rabbit.ctl(&["eval", total]).await)
}

/// Milliseconds of processor time that the server has used.
async fn processor_time(rabbit: &RabbitMq) -> f64 {
    number(&rabbit.ctl(&["eval", "element(1, statistics(runtime))."]).await)
}

fn number(answer: &str) -> f64 {
    answer.trim().parse().unwrap_or_else(|_| panic!("not a number: {answer}"))
}
