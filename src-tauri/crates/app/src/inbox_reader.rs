//! The window's own reader of the inbox: a thread that opens it when it is first needed.
//!
//! Reading waits for the disk, so the controller hands each piece of work over, and they are done
//! one after the other. Invariants: the inbox is read beside the engine, so the window works
//! offline and while the engine is busy; before the first run is over the inbox is empty; work that
//! was handed over for one account is never done in another's inbox.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use engine::inbox::Inbox;
use tokio::sync::oneshot;

use crate::app::is_ending;
use crate::ipc::{CommandError, CommandErrorCode};

type Work = Box<dyn FnOnce(Result<&mut Inbox, CommandError>) + Send>;

enum Message {
    /// Do this in the inbox of this folder; `None` before there is an account.
    Do(Option<PathBuf>, Work),
    Close,
}

/// Hands work to the thread, for the inbox of one account. Cheap to clone; the thread ends with the
/// last one.
#[derive(Debug, Clone)]
pub(crate) struct InboxReader {
    folder: Option<PathBuf>,
    messages: Sender<Message>,
}

impl InboxReader {
    /// Starts the thread, for the time before there is an account.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub(crate) fn start() -> io::Result<Self> {
        let (messages, received) = channel();
        std::thread::Builder::new().name("inbox-reader".to_owned()).spawn(move || serve(&received))?;
        Ok(Self { folder: None, messages })
    }

    /// The same thread, for the account with this folder.
    pub(crate) fn for_folder(&self, folder: Option<PathBuf>) -> Self {
        Self { folder, messages: self.messages.clone() }
    }

    /// Closes the file until it is needed again.
    pub(crate) fn close(&self) {
        // A thread that has ended has closed it.
        let _ = self.messages.send(Message::Close);
    }

    /// Does `work` on the thread, then calls `done` there with the result.
    pub(crate) fn run<T: 'static>(
        &self,
        work: impl FnOnce(&mut Inbox) -> Result<T, CommandError> + Send + 'static,
        done: impl FnOnce(Result<T, CommandError>) + Send + 'static,
    ) {
        let work: Work = Box::new(move |inbox| done(inbox.and_then(work)));
        if let Err(error) = self.messages.send(Message::Do(self.folder.clone(), work))
            && let Message::Do(_, work) = error.0
        {
            work(Err(is_ending()));
        }
    }

    /// Does `work` on the thread and waits for it.
    ///
    /// # Errors
    /// What the work says, and what keeps the inbox from being opened.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Inbox) -> Result<T, CommandError> + Send + 'static,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.run(work, move |result| drop(reply.send(result)));
        answer.await.unwrap_or_else(|_| Err(is_ending()))
    }
}

fn serve(messages: &Receiver<Message>) {
    let mut open: Option<(PathBuf, Inbox)> = None;
    for message in messages {
        match message {
            Message::Close => open = None,
            Message::Do(None, work) => match Inbox::empty() {
                Ok(mut empty) => work(Ok(&mut empty)),
                Err(error) => work(Err(error.into())),
            },
            Message::Do(Some(folder), work) => {
                if open.as_ref().is_none_or(|(opened, _)| *opened != folder) {
                    open = None;
                    match Inbox::open(&folder) {
                        Ok(inbox) => open = inbox.map(|inbox| (folder, inbox)),
                        Err(error) => {
                            work(Err(error.into()));
                            continue;
                        }
                    }
                }
                work(match open.as_mut() {
                    Some((_, inbox)) => Ok(inbox),
                    None => Err(CommandError::new(
                        CommandErrorCode::Store,
                        "the inbox file has gone; quit Belfry and start it again",
                    )),
                });
            }
        }
    }
}
