//! The data folder: its lock, the device id, and the folder of each account.
//!
//! Invariants: one engine at a time holds the lock; what is made here can be read by its owner
//! only. Deliberately absent: the database in an account's folder, which is the store's.

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
        create_private_dir(data_dir).and_then(|()| std::fs::write(&path, line)).map_err(failed)?;
    }
    Ok(device)
}

pub(crate) fn lock(data_dir: &Path) -> Result<File, StartError> {
    let failed = |source| StartError::DataDir { path: data_dir.to_owned(), source };
    create_private_dir(data_dir).map_err(failed)?;
    let file =
        File::options().create(true).truncate(false).write(true).open(data_dir.join(LOCK_FILE)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::InUse(data_dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Makes a folder that only its owner can open.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
