//! `belfry-pushd`: arguments, the ready line, and the signals that end it.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use belfry_pushd::{Account, AmqpUrl, Config, PublicUrl, SOCKJS_HEART_BEAT, Server};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, ValueEnum};
use tracing_subscriber::EnvFilter;

/// The reference push server of Belfry: STOMP, SockJS, a raw WebSocket and the message API on one
/// port.
///
/// Prints one JSON line with its addresses on stdout when it is ready; logs go to stderr (RUST_LOG
/// sets how much). Not for production: no TLS, and the passwords are arguments.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Address under which clients reach the server, such as that of a proxy with TLS; required
    /// with a wildcard --listen.
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Folder that keeps records and sign-ins over a restart; without it they are in memory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A person who can sign in; may be given several times.
    #[arg(long = "user", value_name = "NAME:PASSWORD")]
    users: Vec<String>,
    /// The broker that delivers records.
    #[arg(long, value_enum, default_value_t = Broker::Embedded)]
    broker: Broker,
    /// Address of RabbitMQ, such as amqp://user:password@127.0.0.1:5672/%2f; for --broker rabbitmq.
    #[arg(long, value_name = "URL")]
    amqp: Option<AmqpUrl>,
    /// Mark a record delivered as soon as collectMessage has served it, as some servers do.
    #[arg(long)]
    destructive_collect: bool,
    /// How long a token of POST /login is good, such as 30s or 12h.
    #[arg(long, value_name = "D", default_value = "12h", value_parser = lifetime)]
    token_lifetime: Duration,
    /// Add the accounts employee, supervisor, manager and finance (password: demo) and the page
    /// /demo.
    #[arg(long)]
    demo: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Broker {
    /// Inside this program, in memory.
    Embedded,
    /// RabbitMQ as well: every record is also published to its topic exchange "belfry".
    Rabbitmq,
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let span: Result<jiff::SignedDuration, _> = text.parse();
    let positive = span.ok().and_then(|span| Duration::try_from(span).ok()).filter(|span| !span.is_zero());
    positive.ok_or_else(|| "a lifetime is a number with a unit, such as 30s or 12h".to_owned())
}

fn account(text: &str) -> Option<Account> {
    let (login, password) = text.split_once(':')?;
    let is_good = !login.is_empty() && !login.contains(char::is_control) && !password.is_empty();
    is_good.then(|| Account { login: login.to_owned(), password: password.to_owned() })
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    // Not a parser of clap's, whose error repeats the value: it may be a password.
    let Some(accounts) = args.users.iter().map(|text| account(text)).collect() else {
        Args::command().error(ErrorKind::ValueValidation, "--user takes NAME:PASSWORD, neither of them empty").exit();
    };
    if matches!(args.broker, Broker::Rabbitmq) != args.amqp.is_some() {
        Args::command().error(ErrorKind::ArgumentConflict, "--broker rabbitmq and --amqp URL need each other").exit();
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours).init();
    match run(args, accounts).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args, accounts: Vec<Account>) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(Config {
        listen: args.listen,
        public_url: args.public_url,
        data: args.data,
        accounts,
        amqp: args.amqp,
        destructive_collect: args.destructive_collect,
        token_lifetime: args.token_lifetime,
        sockjs_heart_beat: SOCKJS_HEART_BEAT,
        demo: args.demo,
    })
    .await?;
    // Before the ready line, so that the program that reads it may end us at once.
    let ended = ended()?;
    writeln!(io::stdout(), "{}", server.ready_line())?;
    io::stdout().flush()?;
    ended.await;
    server.stop().await;
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
#[cfg(unix)]
fn ended() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn ended() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C cannot be noticed");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_a_name_and_a_password_that_may_hold_colons() {
        let alice = account("alice:a:b").unwrap();
        assert_eq!((alice.login.as_str(), alice.password.as_str()), ("alice", "a:b"));
        for wrong in ["", "alice", "alice:", ":secret", "a\nb:secret"] {
            assert!(account(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn arguments_are_as_the_reference_lists_them() {
        let parse = |args: &[&str]| Args::try_parse_from([&["belfry-pushd"], args].concat());
        let all = parse(&[
            "--listen",
            "127.0.0.1:0",
            "--data",
            "d",
            "--user",
            "a:b",
            "--user",
            "c:d",
            "--broker",
            "rabbitmq",
            "--amqp",
            "amqp://localhost",
            "--public-url",
            "https://push.example.com",
            "--destructive-collect",
            "--token-lifetime",
            "30s",
            "--demo",
        ]);
        assert_eq!(all.unwrap().users.len(), 2);
        assert_eq!(parse(&[]).unwrap().token_lifetime, belfry_pushd::TOKEN_LIFETIME);
        for wrong in ["0s", "-1s", "30", "soon"] {
            assert!(parse(&["--token-lifetime", wrong]).is_err(), "{wrong}");
        }
        assert_eq!(parse(&[]).unwrap().listen.to_string(), "127.0.0.1:0");
        for wrong in [["--broker", "kafka"], ["--public-url", "push.example.com"]] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
    }
}
