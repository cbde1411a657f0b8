//! Child processes that end with the test process, however that ends: returned, panicked, or
//! killed.
//!
//! Each child leads a process group of its own. A watcher (a shell in yet another group) reads a
//! pipe that only the test process holds; when the pipe closes it kills the group. The kernel's
//! parent-death signal would not do: it is tied to the thread that started the child, and tests are
//! threads.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

/// A running child process with all its descendants. Dropping kills them.
#[derive(Debug)]
pub struct ChildGuard {
    child: Child,
    group: Pid,
    watcher: Child,
}

impl ChildGuard {
    /// Starts `command`; its standard input is empty unless set.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        Self::spawn_in(command, None)
    }

    /// The same for a process whose `folder` is to be removed if the test process ends without
    /// dropping this.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn spawn_in(command: &mut Command, folder: Option<&Path>) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let group = Pid::from_child(&child);
        let mut watch = Command::new("sh");
        watch.args(["-c", r#"read -r _; kill -s KILL -- "-$1"; test -z "$2" || rm -rf -- "$2""#, "child_guard"]);
        watch.arg(group.as_raw_nonzero().to_string()).arg(folder.unwrap_or(Path::new("")));
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        match watch.spawn() {
            Ok(watcher) => Ok(Self { child, group, watcher }),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }

    /// The child, for its streams and its exit status.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends a signal to the child and its descendants.
    ///
    /// # Errors
    /// If they are gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process_group(self.group, signal)?)
    }

    /// Kills the child and its descendants at once.
    ///
    /// # Errors
    /// If the child cannot be waited for.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        // Fails only if all of them are gone, which is what is wanted.
        let _gone = self.signal(Signal::KILL);
        self.child.wait()
    }
}

impl Drop for ChildGuard {
    fn drop(&mut self) {
        // A child that was waited for has given its number back, but descendants may still keep the
        // group's.
        let _killed = self.kill();
        // The watcher goes last, and without having read the end of its pipe.
        let _ended = self.watcher.kill().and_then(|()| self.watcher.wait());
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn sleeper() -> Command {
        // A descendant and the child itself: both must go.
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & wait"]).stdout(Stdio::piped());
        command
    }

    #[test]
    fn when_the_test_process_ends_its_children_are_killed_and_their_folder_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut guard = ChildGuard::spawn_in(&mut sleeper(), Some(folder.path())).unwrap();
        // The end of the test process closes the pipe, whatever ended it.
        drop(guard.watcher.stdin.take());
        assert_eq!(guard.child.wait().unwrap().signal(), Some(Signal::KILL.as_raw()));
        io::copy(&mut guard.child.stdout.take().unwrap(), &mut io::sink()).unwrap(); // ends with the last descendant
        guard.watcher.wait().unwrap();
        assert!(!folder.path().exists());
    }

    #[test]
    fn a_dropped_child_is_killed_with_its_descendants() {
        let mut guard = ChildGuard::spawn(&mut sleeper()).unwrap();
        let mut stdout = guard.child.stdout.take().unwrap();
        drop(guard);
        io::copy(&mut stdout, &mut io::sink()).unwrap();
    }
}
