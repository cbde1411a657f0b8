//! The part of `cargo xtask check` for the other systems: what ships is built for Windows and
//! checked for macOS, with lints and warnings denied.
//!
//! It uses Debian's newer Rust, with the source of the standard library, and mingw: no rustup
//! target and no other pre-built parts. They are unpacked in the target folder, so that root is not
//! needed and the machine's Rust is not replaced. Deliberately absent: tests for other systems
//! (only what ships is compiled), and linking for macOS, which needs Apple's tools; therefore the C
//! parts of dependencies are not compiled there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::shell::{command, heading, minutes, run, target};
use crate::system;

/// How programs for Windows are built: an MSI made here compresses less than one made on Windows.
const SMALL: &str = "small";

/// The packages that hold the tools; apt adds what they depend on and the machine lacks.
const PACKAGES: [&str; 6] =
    ["cargo-web", "gcc-mingw-w64-x86-64-win32", "lld-22", "rust-web-clippy", "rust-web-src", "rustc-web"];

/// What mingw builds for.
const WINDOWS: &str = "x86_64-pc-windows-gnu";

/// What ships.
const CRATES: [&str; 6] = ["stomp", "belfry-core", "engine", "host", "belfryctl", "belfry"];

/// These programs are neither debugged nor measured: no debug information, and SQLite's C compiled without
/// optimising it.
const PROFILE: [&str; 3] =
    ["profile.dev.debug=0", "profile.dev.package.'*'.debug=0", "profile.dev.package.libsqlite3-sys.opt-level=0"];

/// Compiles for both systems. Without the tools it says `SKIPPED: why`, and fails where nothing may
/// be missing (`CI=true`).
pub(crate) fn check() -> Result<()> {
    heading("Windows and macOS: tools");
    let tools = match Tools::unpacked() {
        Ok(tools) => tools,
        Err(why) if std::env::var("CI").as_deref() == Ok("true") => return Err(why),
        Err(why) => {
            println!("SKIPPED: nothing is compiled for Windows and macOS: {why:#}");
            return Ok(());
        }
    };
    for (what, command) in [("Windows: build", tools.windows()), ("macOS: check", tools.macos())] {
        heading(what);
        let began = Instant::now();
        run(command)?;
        println!("{what}: {}", minutes(began.elapsed()));
    }
    Ok(())
}

/// Builds these programs as they ship for Windows, with mingw; the folder they are in,
/// `WebView2Loader.dll` beside them.
pub(crate) fn windows_release(packages: &[&str], rustflags: &str) -> Result<PathBuf> {
    let mut cargo = Tools::unpacked()?.base("build", WINDOWS);
    cargo.args(["--profile", SMALL]).args(packages.iter().flat_map(|name| ["--package", name]));
    cargo.env("RUSTFLAGS", rustflags);
    with_mingw(&mut cargo);
    run(cargo)?;
    Ok(windows_programs())
}

/// Where [`windows_release`] leaves programs.
pub(crate) fn windows_programs() -> PathBuf {
    target().join("cross").join(WINDOWS).join(SMALL)
}

fn with_mingw(cargo: &mut Command) {
    cargo.env("CC_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-gcc");
    cargo.env("AR_x86_64_pc_windows_gnu", "x86_64-w64-mingw32-ar");
}

/// A compiler for C programs of Windows, in its own folder.
pub(crate) fn mingw_gcc() -> Result<Command> {
    let tools = Tools::unpacked()?;
    let programs = tools.folder.join("usr/bin");
    let mut gcc = command(&programs.join("x86_64-w64-mingw32-gcc").to_string_lossy(), [] as [&str; 0]);
    gcc.env("PATH", path_with(&programs));
    Ok(gcc)
}

/// Debian's Rust and mingw, unpacked.
struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Unpacks the packages apt would install now, unless they are the ones that are there.
    fn unpacked() -> Result<Self> {
        let tools = Self { folder: target().join("tools/debian") };
        tools.unpack().or_else(|error| {
            if !system::is_root()? {
                return Err(error).context("`sudo apt-get update` may help");
            }
            println!("{error:#}; once more with fresh package lists");
            run(command("apt-get", ["update"]))?;
            tools.unpack()
        })?;
        Ok(tools)
    }

    fn unpack(&self) -> Result<()> {
        let simulation = command("apt-get", ["install", "--simulate", "--no-install-recommends"])
            .args(PACKAGES)
            .env("LC_ALL", "C")
            .output()
            .context("cannot start `apt-get`")?;
        let packages = to_install(&String::from_utf8_lossy(&simulation.stdout));
        if !simulation.status.success() {
            bail!("apt has no {}: {}", PACKAGES.join(", "), String::from_utf8_lossy(&simulation.stderr).trim());
        }
        let list = self.folder.join("packages.txt");
        if fs::read_to_string(&list).is_ok_and(|unpacked| unpacked == packages.join("\n")) {
            return Ok(());
        }
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        let archives = self.folder.join("archives");
        fs::create_dir_all(&archives)?;
        // As root, apt downloads as a user of its own, who may not write here, and warns about it.
        let mut download = command("apt-get", ["-o", "APT::Sandbox::User=root", "--quiet", "download"]);
        download.args(&packages).current_dir(&archives);
        run(download)?;
        let mut extract = command("sh", ["-ec", "for archive in *.deb; do dpkg --extract \"$archive\" ..; done"]);
        extract.current_dir(&archives);
        run(extract)?;
        fs::remove_dir_all(&archives)?;
        // The package's install script, which has not run, would create the usual name.
        let gcc = self.folder.join("usr/bin/x86_64-w64-mingw32-gcc-win32");
        if gcc.exists() {
            fs::rename(&gcc, gcc.with_file_name("x86_64-w64-mingw32-gcc"))?;
        }
        // The name by which that compiler looks for LLD.
        let lld = self.folder.join("usr/lib/llvm-22/bin/lld");
        if lld.exists() {
            fs::hard_link(&lld, self.folder.join("usr/bin/x86_64-w64-mingw32-ld.lld"))?;
        }
        Ok(fs::write(list, packages.join("\n"))?)
    }

    /// Builds and links, so that what mingw must find is found.
    fn windows(&self) -> Command {
        let mut cargo = self.cargo("build", WINDOWS);
        with_mingw(&mut cargo);
        cargo
    }

    /// Only checks, without linking: the C compiler and the archiver need no output, and no SDK is
    /// needed.
    fn macos(&self) -> Command {
        let mut cargo = self.cargo("check", "aarch64-apple-darwin");
        cargo.env("CC_aarch64_apple_darwin", "true").env("AR_aarch64_apple_darwin", "true");
        cargo.env("SDKROOT", &self.folder).env("MACOSX_DEPLOYMENT_TARGET", "11.0");
        cargo
    }

    /// Debian's cargo, compiler and lints on what ships, and the standard library with it.
    fn cargo(&self, action: &str, system: &str) -> Command {
        let mut cargo = self.base(action, system);
        cargo.args(CRATES.iter().flat_map(|name| ["--package", name]));
        cargo.args(PROFILE.iter().flat_map(|setting| ["--config", setting]));
        cargo.env("RUSTC_WORKSPACE_WRAPPER", self.folder.join("usr/bin/clippy-driver"));
        cargo.env("RUSTFLAGS", "-D warnings");
        cargo
    }

    /// Debian's cargo and compiler, and the standard library with what is built.
    fn base(&self, action: &str, system: &str) -> Command {
        let programs = self.folder.join("usr/bin");
        let program = |name: &str| programs.join(name);
        let mut cargo = command(&program("cargo").to_string_lossy(), [action, "--locked", "--target", system]);
        cargo.arg("-Zbuild-std=std,panic_abort,panic_unwind");
        cargo.env("RUSTC", program("rustc"));
        cargo.env("RUSTC_BOOTSTRAP", "1"); // for `-Zbuild-std`
        cargo.env("CARGO_TARGET_DIR", target().join("cross"));
        cargo.env("LD_LIBRARY_PATH", self.folder.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH)));
        cargo.env("PATH", path_with(&programs));
        cargo
    }
}

/// The search path with one folder before all others.
fn path_with(first: &Path) -> std::ffi::OsString {
    let mut path = first.as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(":");
        path.push(rest);
    }
    path
}

/// What apt says it would install, as `name=version`: its lines read `Inst NAME (VERSION ARCHIVE
/// [ARCHITECTURE])`, with `[OLD VERSION]` before the parenthesis where a package is upgraded.
fn to_install(simulation: &str) -> Vec<String> {
    let package = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        let (_, version) = rest.split_once('(')?;
        Some(format!("{name}={}", version.split_whitespace().next()?))
    };
    simulation.lines().filter_map(package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_apt_would_install_is_read_with_its_version() {
        let simulation = "NOTE: This is only a simulation!\n\
            The following NEW packages will be installed:\n  cargo-web libllvm22\n\
            Inst libllvm22 (1:22.1.8-1~deb12u1 Debian-Security:12/oldstable-security [amd64])\n\
            Inst libgit2-1.5 [1.5.0-1] (1.5.1+ds-1+deb12u2 Debian-Security:12/oldstable-security [amd64])\n\
            Conf libllvm22 (1:22.1.8-1~deb12u1 Debian-Security:12/oldstable-security [amd64])\n";
        assert_eq!(to_install(simulation), ["libllvm22=1:22.1.8-1~deb12u1", "libgit2-1.5=1.5.1+ds-1+deb12u2"]);
    }

    #[test]
    fn both_systems_are_compiled_with_warnings_denied_from_the_tools_own_folder() {
        let tools = Tools { folder: "/tools".into() };
        for command in [tools.windows(), tools.macos()] {
            let env = |name: &str| command.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
            assert_eq!(command.get_program(), "/tools/usr/bin/cargo");
            assert_eq!(env("RUSTC").unwrap(), "/tools/usr/bin/rustc");
            assert_eq!(env("RUSTFLAGS").unwrap(), "-D warnings");
            assert!(env("PATH").unwrap().to_string_lossy().starts_with("/tools/usr/bin:"));
            assert!(command.get_args().any(|arg| arg == "--locked"));
        }
    }
}
