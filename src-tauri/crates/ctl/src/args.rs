//! The command line, as `docs/reference/commands.md` describes it.
//!
//! Deliberately absent: reading or opening anything. Invariant: no argument is a secret, since
//! every process on the machine can read them; a token comes from a file, the environment or
//! standard input.

use std::{path::PathBuf, time::Duration};

use belfry_core::settings::parse_duration;
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// Run Belfry in a terminal: receive notices, read the inbox, check the connection.
///
/// Exit codes: 0 success; 1 failure; 2 invalid usage or settings; 3 sign-in required; 4 server
/// unreachable; 5 data directory in use; 6 store unusable.
#[derive(Debug, Parser)]
#[command(name = "belfryctl", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that are accepted before and after the subcommand.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Use this settings file instead of the default one.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Use this data directory instead of the default one.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Read the token from this file. Only its owner may be able to read it.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stay connected and print events until SIGINT or SIGTERM.
    Run(Run),
    /// Read and manage the inbox. Works offline and while Belfry is running.
    #[command(subcommand)]
    Inbox(Inbox),
    /// Send a message, to a STOMP destination or through the message API.
    Send(Send),
    /// List or delete messages on the server.
    #[command(subcommand)]
    Messages(Messages),
    /// List the clients that are connected to the server.
    #[command(subcommand)]
    Clients(Clients),
    /// Print the state of Belfry, for fleet tools.
    ///
    /// Exit codes: 0 healthy; 3 sign-in required; 4 not live for more than a day; 6 store unusable.
    Status,
    /// Print the settings in effect, and which of them administrators have set.
    Policy,
    /// Check everything between this computer and its messages, step by step. Consumes no message.
    Doctor,
    /// Check a token or password with the server and save it in the system keychain.
    ///
    /// The token comes from --token-file, BELFRY_TOKEN or standard input. If auth.mode is password,
    /// the password comes from BELFRY_PASSWORD or standard input. If auth.mode is oidc, the system
    /// browser signs in, and its tokens are saved.
    SignIn(SignIn),
    /// Remove the token or password from the system keychain.
    SignOut(SignOut),
    /// Write a file for support: doctor, status, settings, policies, versions and logs.
    ///
    /// It holds no content of messages and no secret. Look into it before you send it: it names
    /// your login, this computer and the servers.
    SupportBundle(SupportBundle),
}

#[derive(Debug, Args)]
pub(crate) struct SupportBundle {
    /// Write this file instead of belfry-support-TIME.zip in the current folder. It must not exist.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// Also send the sign-in to this host, which the settings name beside the server. Can be
    /// repeated. Without it, each such host is asked for on the terminal.
    #[arg(long, value_name = "HOST")]
    pub(crate) agree: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SignOut {
    /// Also delete the queues that RabbitMQ keeps for this account on this device, with the messages
    /// in them, without confirmation. Belfry must not be running.
    #[arg(long)]
    pub(crate) forget_device: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Exit after this many notices. The next run prints the rest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Exit after this time, for example "30s" or "5m".
    #[arg(long, value_name = "D", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inbox {
    /// List the newest notices.
    List(ListOptions),
    /// List the notices that contain every word of TEXT.
    Search {
        /// The words to search for. The last word may be incomplete.
        #[arg(required = true)]
        text: Vec<String>,
        #[command(flatten)]
        options: ListOptions,
    },
    /// Show all fields of a notice.
    Show {
        /// The id of the notice.
        id: String,
    },
    /// Mark notices as read.
    Read {
        /// The ids of the notices.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Permanently delete notices from this computer, without confirmation.
    Delete {
        /// The ids of the notices.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Write the complete inbox to standard output.
    Export {
        /// The output format.
        #[arg(long, value_enum)]
        format: ExportFormat,
    },
    /// Print statistics of the inbox.
    Stats,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// List only unread notices.
    #[arg(long)]
    pub(crate) unread: bool,
    /// List at most this many notices.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    Json,
    Csv,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("method").required(true).args(["destination", "title"]))]
pub(crate) struct Send {
    /// Send the body unchanged to this STOMP destination, for example /topic/news.
    #[arg(long, value_name = "D", conflicts_with_all = ["kind", "to"])]
    pub(crate) destination: Option<String>,
    /// Add a STOMP header. Can be repeated.
    #[arg(long = "header", value_name = "K:V", conflicts_with_all = ["title", "kind", "to"], value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Send through the message API, with this title.
    #[arg(long, value_name = "T", requires = "kind")]
    pub(crate) title: Option<String>,
    /// The message type on the server (message API only).
    #[arg(long = "type", value_name = "N", requires = "title")]
    pub(crate) kind: Option<String>,
    /// The user to send to (message API only). Can be repeated; without it, every connected user
    /// receives the message.
    #[arg(long, value_name = "ID", requires = "title")]
    pub(crate) to: Vec<String>,
    /// The text of the message; "-" reads it from standard input.
    pub(crate) body: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Messages {
    /// List one page of messages, newest first. The setting api.page is the page size.
    List(ListMessages),
    /// Delete a message on the server, for every receiver.
    Delete {
        /// The id of the message.
        id: String,
    },
}

/// Which messages; every filter that is given has to fit. The server applies them.
#[derive(Debug, Args)]
pub(crate) struct ListMessages {
    /// Whether the server has delivered them, in its own word, for example undelivered.
    #[arg(long, value_name = "S")]
    pub(crate) status: Option<String>,
    /// Who sent them: a user id.
    #[arg(long, value_name = "U")]
    pub(crate) sender: Option<String>,
    /// Who receives them: a user id.
    #[arg(long, value_name = "U")]
    pub(crate) receiver: Option<String>,
    /// The message type on the server.
    #[arg(long, value_name = "K")]
    pub(crate) kind: Option<String>,
    /// Sent at this time or later: 2026-01-31, "2026-01-31 09:00" or RFC 3339.
    #[arg(long, value_name = "T")]
    pub(crate) from: Option<String>,
    /// Sent at this time or earlier; a date includes the whole day.
    #[arg(long, value_name = "T")]
    pub(crate) to: Option<String>,
    /// The page, counted from 1.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) page: u32,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clients {
    /// List all connected clients.
    List,
}

fn duration(text: &str) -> Result<Duration, String> {
    let accepted = || "a duration is a number with a unit, such as \"500ms\", \"30s\" or \"5m\"".to_owned();
    parse_duration(text).ok_or_else(accepted)
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header must be NAME:VALUE")?;
    if name.is_empty() || text.contains(char::is_control) {
        return Err("a header must be NAME:VALUE without control characters".to_owned());
    }
    Ok((name.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["belfryctl"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_are_accepted_before_and_after_the_subcommand() {
        let options = "--config c.toml --data-dir d --token-file t --json";
        for command in ["run", "inbox list", "inbox show 1", "send --destination /q hi", "status", "sign-in"] {
            for line in [format!("{options} {command}"), format!("{command} {options}")] {
                let global = parse(&line).unwrap_or_else(|error| panic!("{line}: {error}")).global;
                assert_eq!(global.config.as_deref(), Some("c.toml".as_ref()), "{line}");
                assert_eq!(global.data_dir.as_deref(), Some("d".as_ref()), "{line}");
                assert_eq!(global.token_file.as_deref(), Some("t".as_ref()), "{line}");
                assert!(global.json, "{line}");
            }
        }
    }

    #[test]
    fn run_accepts_a_count_and_a_time() {
        let Command::Run(run) = parse("run --count 3 --timeout 30s").unwrap().command else { panic!() };
        assert_eq!((run.count, run.timeout), (Some(3), Some(Duration::from_secs(30))));
        for wrong in ["run --count 0", "run --timeout 30", "run --timeout -1s", "run --timeout soon"] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_list_has_at_most_a_hundred_notices_by_default() {
        let Command::Inbox(Inbox::List(options)) = parse("inbox list").unwrap().command else { panic!() };
        assert_eq!((options.limit, options.unread), (100, false));
        let Command::Inbox(Inbox::Search { text, options }) = parse("inbox search --unread two words").unwrap().command
        else {
            panic!()
        };
        assert_eq!((text.len(), options.unread), (2, true));
    }

    #[test]
    fn send_needs_either_a_destination_or_a_title() {
        let Command::Send(send) = parse("send --destination /topic/a --header a:b:c --header d: hi").unwrap().command
        else {
            panic!()
        };
        assert_eq!(send.headers, [("a".to_owned(), "b:c".to_owned()), ("d".to_owned(), String::new())]);
        let Command::Send(send) = parse("send --title T --type 1 --to a --to b hi").unwrap().command else { panic!() };
        assert_eq!((send.to.len(), send.body.as_str()), (2, "hi"));
        for wrong in [
            "send hi",
            "send --title T hi",
            "send --type 1 hi",
            "send --destination /q --title T --type 1 hi",
            "send --destination /q --to a hi",
            "send --title T --type 1 --header a:b hi",
            "send --destination /q --header nothing hi",
            "send --destination /q",
        ] {
            assert_eq!(parse(wrong).map(|_| ()).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_missing_argument_is_bad_usage() {
        for wrong in ["", "inbox", "inbox show", "inbox read", "inbox delete", "inbox export", "messages delete", "no"]
        {
            assert_eq!(parse(wrong).map(|_| ()).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
