//! The data folder: its lock, the device id, and the folder of each account.
//!
//! Invariants: one engine at a time holds the lock; on Unix, what is made here can be read by its
//! owner only, and a folder that others can read is closed to them, or refused. Deliberately absent: the database in an account's folder, which is the store's.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use belfry_core::{
    account::{Account, DeviceId},
    status::StatusSnapshot,
};

use crate::runtime::start_error::StartError;

/// Name of the lock file in the data folder.
const LOCK_FILE: &str = "engine.lock";
/// Name of the file with the device id in the data folder.
const DEVICE_FILE: &str = "device";
/// Name of the file in the account's folder that holds the state of a running engine.
pub const STATUS_FILE: &str = "status.json";

/// The folder of an account's inbox within the data folder.
pub fn account_dir(data_dir: &Path, account: &Account) -> PathBuf {
    data_dir.join("accounts").join(account.dir_name())
}

/// Whether an engine runs on this data folder. False also when there is no such folder.
pub fn is_running(data_dir: &Path) -> bool {
    File::open(data_dir.join(LOCK_FILE)).is_ok_and(|file| file.try_lock_shared().is_err())
}

/// The state that the running engine of this account has published; `None` when none runs, or it
/// has published none yet.
pub fn running_status(data_dir: &Path, account: &Account) -> Option<StatusSnapshot> {
    if !is_running(data_dir) {
        return None;
    }
    let text = std::fs::read(account_dir(data_dir, account).join(STATUS_FILE)).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The device id of this data folder on this machine; made on the first call, with the folder.
///
/// # Errors
/// [`StartError::DataDir`] when it cannot be read or kept.
pub fn device_id(data_dir: &Path, machine_id: &str) -> Result<DeviceId, StartError> {
    let path = data_dir.join(DEVICE_FILE);
    let failed = |source| StartError::DataDir { path: path.clone(), source };
    let stored = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    let (device, line) = DeviceId::load_or_new(stored.as_deref(), machine_id, &mut rand::rng());
    if stored.as_deref() != Some(line.as_str()) {
        create_private_dir(data_dir).and_then(|()| write_private(&path, line.as_bytes())).map_err(failed)?;
    }
    Ok(device)
}

pub(crate) fn lock(data_dir: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::DataDir { path: data_dir.to_owned(), source };
    create_private_dir(data_dir).map_err(failed)?;
    let file = open_private(&data_dir.join(LOCK_FILE), File::options().create(true).write(true)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::InUse(data_dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Makes a folder that only its owner can open, or closes an existing one to others.
///
/// # Errors
/// The system's; also for a folder that is meant for all users, such as `/tmp`.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    close_to_others(path)?;
    Ok(())
}

/// Writes a file that only its owner can read.
///
/// # Errors
/// The system's.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = open_private(path, File::options().create(true).truncate(true).write(true))?;
    io::Write::write_all(&mut file, content)
}

fn open_private(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    let file = options.open(path)?;
    // An earlier version made it for everybody.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

#[cfg(unix)]
fn close_to_others(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    const OTHERS: u32 = 0o077;
    const STICKY: u32 = 0o1000;
    let mut permissions = std::fs::metadata(folder)?.permissions();
    let mode = permissions.mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    let refused = |why: &str| io::Error::new(io::ErrorKind::PermissionDenied, format!("others can read it, {why}"));
    if mode & STICKY != 0 {
        return Err(refused("and it is meant for all users"));
    }
    permissions.set_mode(mode & !OTHERS);
    std::fs::set_permissions(folder, permissions)
        .map_err(|error| refused(&format!("and that could not be changed: {error}")))
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::{
        fs::{Permissions, set_permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn an_existing_folder_and_its_files_are_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let (lock_file, device) = (folder.path().join(LOCK_FILE), folder.path().join(DEVICE_FILE));
        for path in [&lock_file, &device] {
            std::fs::write(path, "").unwrap();
            set_permissions(path, Permissions::from_mode(0o644)).unwrap();
        }
        set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let _lock = lock(folder.path()).unwrap();
        device_id(folder.path(), "machine").unwrap();
        assert_eq!([folder.path(), &lock_file, &device].map(mode), [0o700, 0o600, 0o600]);
    }

    #[test]
    fn what_is_new_is_closed_to_others_from_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("a").join("data");
        let _lock = lock(&data_dir).unwrap();
        device_id(&data_dir, "machine").unwrap();
        let made = [data_dir.clone(), data_dir.join(LOCK_FILE), data_dir.join(DEVICE_FILE)];
        assert_eq!(made.each_ref().map(|path| mode(path)), [0o700, 0o600, 0o600]);
    }

    #[test]
    fn a_folder_for_all_users_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        set_permissions(folder.path(), Permissions::from_mode(0o1777)).unwrap();
        let error = lock(folder.path()).unwrap_err().to_string();
        assert!(error.contains("others can read it") && error.contains("--data-dir"), "{error}");
        assert_eq!(mode(folder.path()), 0o1777);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
