//! Processes as the system sees them from outside: what a program has started, whether it is gone,
//! what it holds open.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::task::spawn_blocking;

use crate::program::EVENT_TIMEOUT;

/// A process that was running when it was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub id: u32,
    /// The first 15 bytes of its program's name.
    pub name: String,
    parent: u32,
}

/// The processes that `id` has started, with those that they have started.
pub fn descendants(id: u32) -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all: Vec<Process> = entries.filter_map(|entry| read(&entry.path())).collect();
    let mut found: Vec<Process> = Vec::new();
    let mut next = vec![id];
    while let Some(parent) = next.pop() {
        let children = all.iter().filter(|it| it.parent == parent);
        next.extend(children.clone().map(|it| it.id));
        found.extend(children.cloned());
    }
    found
}

/// `pid (name) state parent …`, proc_pid_stat(5); a process that has gone meanwhile does not count,
/// nor does one that has ended and only waits for its parent to ask for its exit status.
fn read(folder: &Path) -> Option<Process> {
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    if fields.next() == Some("Z") {
        return None;
    }
    let parent = fields.next()?.parse().ok()?;
    Some(Process { id: id.parse().ok()?, name: name.to_owned(), parent })
}

impl Process {
    /// Returns when it has ended.
    ///
    /// # Panics
    /// If it does not within [`EVENT_TIMEOUT`].
    pub async fn gone(&self) {
        let id = i32::try_from(self.id).ok().and_then(Pid::from_raw).expect("a process number");
        match pidfd_open(id, PidfdFlags::empty()) {
            Err(Errno::SRCH) => {}
            Err(error) => panic!("{self:?} cannot be watched: {error}"),
            Ok(process) => {
                let limit = Timespec::try_from(EVENT_TIMEOUT).expect("a minute");
                let ended = move || poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit));
                let ended = spawn_blocking(ended).await.expect("no panic").expect("a process can be awaited");
                assert!(ended > 0, "{self:?} stays");
            }
        }
    }
}

/// What a process holds open, as the system names it: paths, sockets, memory.
///
/// # Errors
/// If it is gone.
pub fn handles(id: u32) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(format!("/proc/{id}/fd"))?;
    // One that was closed meanwhile does not count.
    Ok(entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok()).collect())
}
