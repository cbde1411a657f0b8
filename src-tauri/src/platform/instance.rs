//! One app for a data folder: a second start hands over to the first and ends.
//!
//! The first holds a lock in the data folder and listens at an endpoint that only its own user can
//! open: a socket in that folder (Unix), a named pipe (Windows). It needs no session bus. What
//! comes in there is as untrusted as a command line: one short line, read strictly. Invariant: the
//! lock decides who is first; an endpoint left over by a crash is replaced.

#[cfg(unix)]
#[path = "instance/unix.rs"]
mod endpoint;
#[cfg(windows)]
#[path = "instance/windows.rs"]
mod endpoint;
#[cfg(any(windows, test))]
mod pipe_name;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use belfry_core::app_link::AppLink;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::{Instant, timeout};

/// Name of the lock file in the data folder.
const LOCK_FILE: &str = "app.lock";
/// Longest line taken, in bytes.
const LONGEST: u64 = 16 * 1024;
/// How long either side waits for the other.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long a start waits for an app that is ending: the end of its session takes up to 2 s, and
/// more on a busy computer.
const ENDING: Duration = Duration::from_secs(20);
/// How long until the next look at an app that is ending. A lock has no event for its release that
/// could be given up waiting for.
const RETRY: Duration = Duration::from_millis(100);
const ANSWER: &str = "ok\n";

/// What a second start asks of the first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Call {
    /// Show the window; a start with `--hidden` asks for nothing.
    pub(crate) show: bool,
    /// An address of the app, as it was given.
    pub(crate) link: Option<String>,
    /// The desktop's permission to come to the front, where it gives one.
    pub(crate) token: Option<String>,
}

impl Call {
    /// What to show; an address that is none is left out.
    pub(crate) fn link(&self) -> Option<AppLink> {
        self.link.as_deref().and_then(|link| link.parse().ok())
    }
}

/// Who this start is.
pub(crate) enum Claim {
    /// The first. The lock is held until this is dropped.
    First(Place),
    /// Another runs, and has taken the call.
    HandedOver,
}

/// The first app's place.
pub(crate) struct Place {
    _lock: File,
    /// `None` when no endpoint could be made; a second start then says that it reaches no app.
    endpoint: Option<endpoint::Endpoint>,
}

/// Why there is neither a first place nor a handing over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClaimError {
    /// The data folder cannot be used.
    #[error("the data folder cannot be used ({0}): allow Belfry to write there, or give another --data-dir")]
    DataDir(io::Error),
    /// Another one runs but does not answer.
    #[error("another Belfry is running with this data folder and does not answer ({0}): end it and start again")]
    Silent(io::Error),
}

/// Takes the first place in this data folder, which is made if need be, or calls the one who has
/// it. One that hangs up is starting or ending: it is called again, and its place taken when it has
/// gone, so that a start right after an end works.
///
/// # Errors
/// [`ClaimError`].
pub(crate) async fn claim(data_dir: &Path, call: &Call) -> Result<Claim, ClaimError> {
    let deadline = Instant::now() + ENDING;
    loop {
        match claim_now(data_dir, call).await {
            Err(ClaimError::Silent(error)) if error.kind() != io::ErrorKind::TimedOut && Instant::now() < deadline => {
                tokio::time::sleep(RETRY).await;
            }
            claimed => return claimed,
        }
    }
}

async fn claim_now(data_dir: &Path, call: &Call) -> Result<Claim, ClaimError> {
    let lock = open_lock(data_dir).map_err(ClaimError::DataDir)?;
    match lock.try_lock() {
        Ok(()) => {
            let endpoint = endpoint::Endpoint::open(data_dir).inspect_err(|error| {
                tracing::warn!(%error, "a second start will not be able to reach this one");
            });
            Ok(Claim::First(Place { _lock: lock, endpoint: endpoint.ok() }))
        }
        Err(TryLockError::WouldBlock) => match timeout(TIMEOUT, hand_over(data_dir, call)).await {
            Ok(Ok(())) => Ok(Claim::HandedOver),
            Ok(Err(error)) => Err(ClaimError::Silent(error)),
            Err(_) => Err(ClaimError::Silent(io::ErrorKind::TimedOut.into())),
        },
        Err(TryLockError::Error(error)) => Err(ClaimError::DataDir(error)),
    }
}

/// Whether an app has the first place.
pub(crate) fn is_taken(data_dir: &Path) -> bool {
    File::open(data_dir.join(LOCK_FILE)).is_ok_and(|file| file.try_lock_shared().is_err())
}

impl Place {
    /// Calls `on_call` for every later start, for as long as the program runs.
    pub(crate) async fn listen(mut self, on_call: impl Fn(Call)) {
        let Some(endpoint) = self.endpoint.as_mut() else { return std::future::pending().await };
        loop {
            let answered = match endpoint.next().await {
                Ok(stream) => {
                    timeout(TIMEOUT, receive(stream)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
                }
                Err(error) => {
                    // Out of file handles, say: it would fail again at once.
                    tokio::time::sleep(TIMEOUT).await;
                    Err(error)
                }
            };
            match answered {
                Ok(call) => on_call(call),
                Err(error) => tracing::warn!(%error, "the call of a second start was not understood"),
            }
        }
    }
}

fn open_lock(data_dir: &Path) -> io::Result<File> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data_dir)?;
    File::options().create(true).truncate(false).write(true).open(data_dir.join(LOCK_FILE))
}

async fn hand_over(data_dir: &Path, call: &Call) -> io::Result<()> {
    let mut stream = BufReader::new(endpoint::connect(data_dir).await?);
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await?;
    let mut answer = String::new();
    stream.take(LONGEST).read_line(&mut answer).await?;
    if answer == ANSWER { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn receive(stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<Call> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    (&mut stream).take(LONGEST).read_until(b'\n', &mut line).await?;
    let call = serde_json::from_slice(&line)?;
    stream.write_all(ANSWER.as_bytes()).await?;
    stream.flush().await?;
    Ok(call)
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    fn call(link: &str) -> Call {
        Call { show: true, link: Some(link.to_owned()), token: None }
    }

    async fn first(folder: &Path) -> Place {
        match claim(folder, &Call::default()).await.unwrap() {
            Claim::First(place) => place,
            Claim::HandedOver => panic!("another app is first"),
        }
    }

    #[tokio::test]
    async fn a_second_start_reaches_the_first_and_another_folder_is_another_app() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let place = first(folder.path()).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let listening = tokio::spawn(place.listen(move |call| tell.send(call).unwrap()));
        let second = claim(folder.path(), &call("belfry://notice/7")).await.unwrap();
        assert!(matches!(second, Claim::HandedOver));
        let call = told.recv().await.unwrap();
        assert_eq!(call.link().map(|link| link.to_string()).as_deref(), Some("belfry://notice/7"));
        assert!(matches!(claim(other.path(), &Call::default()).await.unwrap(), Claim::First(_)));
        listening.abort();
    }

    #[tokio::test]
    async fn an_endpoint_left_by_a_crash_is_replaced_and_a_folder_that_is_free_again_can_be_taken() {
        let folder = tempfile::tempdir().unwrap();
        drop(first(folder.path()).await);
        let place = first(folder.path()).await;
        assert!(place.endpoint.is_some());
    }

    #[tokio::test]
    async fn nonsense_at_the_endpoint_is_refused_and_the_next_call_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let place = first(folder.path()).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let listening = tokio::spawn(place.listen(move |call| tell.send(call).unwrap()));
        for nonsense in ["", "{}\n", "{\"show\":true,\"run\":\"rm\"}\n", &"x".repeat(20_000)] {
            let mut stream = endpoint::connect(folder.path()).await.unwrap();
            // The other side may have hung up before it is all written; that is an answer too.
            let _ = stream.write_all(nonsense.as_bytes()).await;
            stream.shutdown().await.ok();
            let mut answer = String::new();
            let _ = stream.read_to_string(&mut answer).await;
            assert_eq!(answer, "", "{nonsense}");
        }
        claim(folder.path(), &call("belfry://notice/8")).await.unwrap();
        assert_eq!(told.recv().await.unwrap(), call("belfry://notice/8"));
        listening.abort();
    }

    #[tokio::test]
    async fn an_app_that_does_not_answer_is_reported_as_silent() {
        let folder = tempfile::tempdir().unwrap();
        let _place = Place { endpoint: None, ..first(folder.path()).await };
        let error = claim_now(folder.path(), &Call::default()).await.err().unwrap().to_string();
        assert!(error.contains("does not answer"), "{error}");
    }

    #[tokio::test]
    async fn a_start_while_the_first_app_is_ending_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let ending = Place { endpoint: None, ..first(folder.path()).await };
        let call = Call::default();
        let mut second = std::pin::pin!(claim(folder.path(), &call));
        // The first look comes at once, and finds the place taken.
        assert!(timeout(RETRY / 2, &mut second).await.is_err());
        drop(ending);
        assert!(matches!(second.await.unwrap(), Claim::First(_)));
    }
}
