//! The command line, as `docs/reference/commands.md` describes it.
//!
//! Values only: nothing is read or opened here. Invariant: no argument is a secret, since every process on the machine
//! can read them; a token comes from a file, the environment or standard input.

use std::{path::PathBuf, time::Duration};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

/// Belfry in a terminal: stay connected, lose nothing, alert once.
///
/// Exit codes: 0 fine; 1 failed; 2 bad usage or settings; 3 sign-in needed; 4 server unreachable; 5 data directory in
/// use; 6 store unusable.
#[derive(Debug, Parser)]
#[command(name = "belfryctl", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Accepted before and after the subcommand.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The settings file, instead of the one in the configuration directory.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder for inbox and state, instead of the local data directory.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Read the token from this file, which nobody else may read.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print JSON for scripts.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stay connected and print what happens, until SIGINT or SIGTERM.
    Run(Run),
    /// Read and tidy the inbox: offline, and beside a running Belfry.
    #[command(subcommand)]
    Inbox(Inbox),
    /// Send a message: to a STOMP destination, or through the message service's API.
    Send(Send),
    /// The server's record of messages.
    #[command(subcommand)]
    Messages(Messages),
    /// Who is connected to the server.
    #[command(subcommand)]
    Clients(Clients),
    /// How Belfry fares, for fleet tools: exit code 0 healthy, 3 sign-in needed, 4 not live for more than a day, 6 store.
    Status,
    /// Check, step by step, what stands between this computer and its messages; takes none of them.
    Doctor,
    /// Check a token or password with the server and keep it in the system's keychain.
    ///
    /// A token is taken from --token-file, from BELFRY_TOKEN, or from standard input; where auth.mode is password, a
    /// password from BELFRY_PASSWORD or standard input.
    SignIn,
    /// Remove the token or password from the system's keychain.
    SignOut,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// End once this many notices were told; the next run tells the rest.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// End after this long, such as "30s" or "5m".
    #[arg(long, value_name = "D", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Inbox {
    /// The newest notices.
    List(Which),
    /// The notices that hold every word of TEXT.
    Search {
        /// What to look for; the last word may be unfinished.
        #[arg(required = true)]
        text: Vec<String>,
        #[command(flatten)]
        which: Which,
    },
    /// Everything about one notice.
    Show {
        /// Its id.
        id: String,
    },
    /// Mark notices as read.
    Read {
        /// Their ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Delete notices from this computer, for good and without asking.
    Delete {
        /// Their ids.
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Write the whole inbox to standard output.
    Export {
        /// In which format.
        #[arg(long, value_enum)]
        format: ExportFormat,
    },
    /// The inbox in numbers.
    Stats,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Only those not read.
    #[arg(long)]
    pub(crate) unread: bool,
    /// At most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    Json,
    Csv,
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("way").required(true).args(["destination", "title"]))]
pub(crate) struct Send {
    /// A STOMP destination, such as /topic/news: the body is sent there as it is.
    #[arg(long, value_name = "D", conflicts_with_all = ["kind", "to"])]
    pub(crate) destination: Option<String>,
    /// A STOMP header; may be given several times.
    #[arg(long = "header", value_name = "K:V", conflicts_with_all = ["title", "kind", "to"], value_parser = header)]
    pub(crate) headers: Vec<(String, String)>,
    /// Send through the API: the title.
    #[arg(long, value_name = "T", requires = "kind")]
    pub(crate) title: Option<String>,
    /// Send through the API: the server's type of message.
    #[arg(long = "type", value_name = "N", requires = "title")]
    pub(crate) kind: Option<String>,
    /// Send through the API: to this user; may be given several times. Without it: to everybody who is connected.
    #[arg(long, value_name = "ID", requires = "title")]
    pub(crate) to: Vec<String>,
    /// The text; "-" reads it from standard input.
    pub(crate) body: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Messages {
    /// One page of them, newest first; api.page says how many that are.
    List {
        /// Which page, counted from 1.
        #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
        page: u32,
    },
    /// Delete a message on the server, for everybody who received it.
    Delete {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Clients {
    /// All of them.
    List,
}

fn duration(text: &str) -> Result<Duration, String> {
    let accepted = || "a duration is a number with a unit, such as \"500ms\", \"30s\" or \"5m\"".to_owned();
    let duration: jiff::SignedDuration = text.parse().map_err(|_| accepted())?;
    Duration::try_from(duration).map_err(|_| accepted())
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("a header is NAME:VALUE")?;
    if name.is_empty() || text.contains(char::is_control) {
        return Err("a header is NAME:VALUE, on one line".to_owned());
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
    fn the_definition_of_the_command_line_has_no_contradiction() {
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
    fn run_ends_after_a_count_or_a_time() {
        let Command::Run(run) = parse("run --count 3 --timeout 30s").unwrap().command else { panic!() };
        assert_eq!((run.count, run.timeout), (Some(3), Some(Duration::from_secs(30))));
        for wrong in ["run --count 0", "run --timeout 30", "run --timeout -1s", "run --timeout soon"] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn a_list_is_at_most_a_hundred_long_unless_told() {
        let Command::Inbox(Inbox::List(which)) = parse("inbox list").unwrap().command else { panic!() };
        assert_eq!((which.limit, which.unread), (100, false));
        let Command::Inbox(Inbox::Search { text, which }) = parse("inbox search --unread two words").unwrap().command
        else {
            panic!()
        };
        assert_eq!((text.len(), which.unread), (2, true));
    }

    #[test]
    fn send_takes_one_of_two_ways() {
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
    fn what_is_missing_is_bad_usage() {
        for wrong in ["", "inbox", "inbox show", "inbox read", "inbox delete", "inbox export", "messages delete", "no"]
        {
            assert_eq!(parse(wrong).map(|_| ()).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }
}
