//! The MSI, on Linux: programs built with mingw, tables by wixl, and what wixl has no words for by
//! msibuild.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use super::{copy, out, remapped, source_date, tables, version};
use crate::shell::{command, heading, root, run};
use crate::{cross, system, ui};

/// What makes and looks into an MSI.
pub(super) const WIXL: &[&str] = &["msitools", "wixl"];

/// For the linker: a program's header holds no time of building, so that the same tree gives the
/// same bytes.
const NO_TIME: &str = "-Clink-arg=-Wl,--no-insert-timestamp";

/// The MSI; of programs that are there already, or of new ones.
pub(super) fn msi(is_built: bool) -> Result<PathBuf> {
    system::ensure(&[system::BUILD, WIXL])?;
    let programs = if is_built {
        cross::windows_programs()
    } else {
        ui::build()?;
        heading("programs: release build for Windows");
        cross::windows_release(&["belfry", "belfryctl"], &format!("{} {NO_TIME}", remapped()))?
    };

    heading("msi");
    let stage = out().join("msi-stage");
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    fs::create_dir_all(&stage)?;
    let templates = root().join("packaging/policy/out/windows");
    for program in ["belfry.exe", "belfryctl.exe", "WebView2Loader.dll"] {
        copy(&programs.join(program), &stage.join(program))?;
    }
    copy(&root().join("icons/icon.ico"), &stage.join("icon.ico"))?;
    copy(&root().join("packaging/README.md"), &stage.join("admin-guide.md"))?;
    copy(&root().join("docs/admin-policies.md"), &stage.join("policies.md"))?;
    copy(&root().join("LICENSE"), &stage.join("LICENSE.txt"))?;
    copy(&templates.join("belfry.admx"), &stage.join("belfry.admx"))?;
    for language in ["en-US", "zh-CN"] {
        copy(&templates.join(language).join("belfry.adml"), &stage.join(language).join("belfry.adml"))?;
    }
    let mut touch = command("find", [".", "-exec", "touch", &format!("--date=@{}", source_date()?), "{}", "+"]);
    touch.current_dir(&stage);
    run(touch)?;
    compile(&stage, &version()?, &out())
}

/// Makes an MSI of this version, into `folder`, from the files in `stage`.
pub(super) fn compile(stage: &Path, version: &str, folder: &Path) -> Result<PathBuf> {
    let file = folder.join(format!("Belfry-{version}-x64.msi"));
    if file.exists() {
        fs::remove_file(&file)?;
    }
    let windows = root().join("packaging/windows");
    let mut wixl = command("wixl", ["--arch", "x64", "-D", "WebView2Loader=1"]);
    wixl.args(["-D", &format!("Version={version}"), "-D", &format!("ProductCode={}", tables::product_code(version))]);
    wixl.arg("--output").arg(&file).arg(windows.join("belfry.wxs")).current_dir(stage);
    run(wixl)?;
    for query in fs::read_to_string(windows.join("tables.sql"))?.lines() {
        let mut add = command("msibuild", [file.as_os_str(), "-q".as_ref(), query.as_ref()]);
        add.current_dir(stage);
        super::output(add).with_context(|| format!("msibuild refused: {query}"))?;
    }
    set_code_and_times(&file, SystemTime::UNIX_EPOCH + Duration::from_secs(source_date()?.parse()?))?;
    tables::inspect(&file, version)?;
    Ok(file)
}

/// wixl writes the present time and a random package code. Here the times are set to `made`, and the
/// code to a hash of everything else: the same files make the same MSI, and no two that differ have
/// one code.
fn set_code_and_times(file: &Path, made: SystemTime) -> Result<()> {
    let write = |code: Uuid| -> Result<()> {
        let mut package = ::msi::open_rw(file)?;
        let summary = package.summary_info_mut();
        summary.set_creation_time(made);
        summary.set_last_save_time(made);
        summary.set_uuid(code);
        Ok(package.flush()?)
    };
    write(Uuid::nil())?;
    let hash: [u8; 32] = Sha256::digest(fs::read(file)?).into();
    let (code, _) = hash.split_first_chunk().context("a hash is longer than a code")?;
    write(Builder::from_custom_bytes(*code).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    use ::msi::{Package, PackageType};

    #[test]
    fn the_same_files_make_the_same_msi_and_other_files_another_package_code() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str, seconds: u64, author: &str| {
            let path = folder.path().join(name);
            let file = fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
            let mut package = Package::create(PackageType::Installer, file).unwrap();
            let summary = package.summary_info_mut();
            summary.set_author(author);
            summary.set_uuid(Uuid::from_u128(seconds.into()));
            summary.set_creation_time(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
            package.flush().unwrap();
            drop(package);
            set_code_and_times(&path, SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).unwrap();
            (fs::read(&path).unwrap(), ::msi::open(&path).unwrap().summary_info().uuid().unwrap())
        };
        let (one, same, other) = (made("1", 1, "a"), made("2", 2, "a"), made("3", 1, "b"));
        assert_eq!(one.0, same.0);
        assert_ne!(one.1, other.1);
        assert!(!one.1.is_nil());
    }
}
