//! Trying the packages: in a clean Debian root, in an rpm root, and under Wine.
//!
//! What a result is worth is said with it: a package tried in a clean root ran on the real system,
//! one tried under Wine ran in an emulation of Windows. Invariant: whatever cannot be tried is an
//! error that says why; nothing passes silently.

mod server;
mod windows;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::{PACKAGING, copy, made, out, output, version};
use crate::shell::{cargo, command, heading, root, run, target};
use crate::system;

pub(super) use windows::msi;

/// What makes a clean root.
const ROOT: &[&str] = &["mmdebstrap", "util-linux"];

/// Static checks, then install, run, upgrade and purge in a clean root of this Debian.
pub(super) fn deb() -> Result<()> {
    system::ensure(&[PACKAGING, ROOT])?;
    let deb = made("deb")?;
    heading("deb: static checks");
    let tree = unpacked(&deb)?;
    let mut validate = command("desktop-file-validate", [] as [&str; 0]);
    validate.arg(tree.join("usr/share/applications/belfry.desktop")).arg(tree.join("etc/xdg/autostart/belfry.desktop"));
    run(validate)?;
    let mut validate = command("appstreamcli", ["validate", "--no-net", "--pedantic"]);
    validate.arg(tree.join("usr/share/metainfo/app.belfry.desktop.metainfo.xml"));
    run(validate)?;
    let mut lint = command("lintian", ["--fail-on", "error,warning", "--suppress-tags", EXPECTED]);
    lint.args(["--allow-root"]).arg(&deb);
    run(lint)?;

    heading("deb: in a clean root (run on the real system)");
    if !system::is_root()? {
        bail!("a clean root can be made and entered by root only: run this as root, or in a container");
    }
    let clean = clean_root()?;
    let newer = newer_deb(&tree)?;
    run(cargo(["build", "-p", "belfry-pushd"]))?;
    for (from, name) in [(&deb, "belfry.deb"), (&newer, "newer.deb")] {
        copy(from, &clean.join("srv").join(name))?;
    }
    copy(&target().join("debug/belfry-pushd"), &clean.join("srv/belfry-pushd"))?;
    copy(&root().join("packaging/linux/test-installed.sh"), &clean.join("srv/test-installed.sh"))?;
    copy(Path::new("/etc/resolv.conf"), &clean.join("etc/resolv.conf"))?;
    let inside = "mount --rbind /dev \"$1/dev\"; mount -t proc proc \"$1/proc\"; mount -t tmpfs tmpfs \"$1/dev/shm\" || true; \
                  exec chroot \"$1\" /srv/test-installed.sh /srv/belfry.deb /srv/newer.deb /srv/belfry-pushd";
    let mut enter = command("unshare", ["--mount", "--pid", "--fork", "sh", "-ec", inside, "sh"]);
    enter.arg(&clean);
    run(enter)?;
    fs::remove_dir_all(&clean)?;
    Ok(())
}

/// What lintian would say and is meant so: no bug tracker has a number for this package, and the
/// programs hold static libraries, as every Rust program does.
const EXPECTED: &str = "initial-upload-closes-no-bugs,embedded-library";

fn unpacked(deb: &Path) -> Result<PathBuf> {
    let tree = out().join("verify-tree");
    if tree.exists() {
        fs::remove_dir_all(&tree)?;
    }
    let mut unpack = command("dpkg-deb", ["--raw-extract"]);
    unpack.arg(deb).arg(&tree);
    run(unpack)?;
    Ok(tree)
}

/// The same package with a higher version.
fn newer_deb(tree: &Path) -> Result<PathBuf> {
    let control = tree.join("DEBIAN/control");
    let version = version()?;
    let text = fs::read_to_string(&control)?;
    fs::write(&control, text.replace(&format!("Version: {version}\n"), &format!("Version: {version}+newer\n")))?;
    let file = out().join("verify-newer.package");
    let mut pack = command("dpkg-deb", ["--root-owner-group", "-Zgzip", "-z1", "--build"]);
    pack.arg(tree).arg(&file);
    run(pack)?;
    Ok(file)
}

/// A root with nothing but apt in it; made once, unpacked for each run.
fn clean_root() -> Result<PathBuf> {
    let release = fs::read_to_string("/etc/os-release")?;
    let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let suite = suite.context("this system does not say which Debian it is")?;
    let archive = target().join("tools").join(format!("root-{suite}.tar"));
    if !archive.exists() {
        let mut make = command("mmdebstrap", ["--variant=apt", "--include=ca-certificates", suite]);
        make.arg(&archive);
        run(make)?;
    }
    let folder = out().join("root");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let mut unpack = command("tar", ["--extract", "--numeric-owner", "--exclude=./dev/*", "--file"]);
    unpack.arg(&archive).arg("--directory").arg(&folder);
    run(unpack)?;
    Ok(folder)
}

/// What the rpm says of itself, lint, and install and erase in a root of its own.
pub(super) fn rpm() -> Result<()> {
    system::ensure(&[PACKAGING])?;
    let rpm = made("rpm")?;
    heading("rpm: static checks");
    for what in [["--query", "--info"], ["--query", "--requires"], ["--query", "--list"]] {
        let mut query = command("rpm", what);
        query.arg("--package").arg(&rpm);
        run(query)?;
    }
    let answer = |what: &str| {
        let mut query = command("rpm", ["--query", what, "--package"]);
        query.arg(&rpm);
        output(query)
    };
    let (files, needed) = (answer("--list")?, answer("--requires")?);
    let web_view = "libwebkit2gtk-4.1.so.0";
    if !needed.lines().any(|line| line.starts_with(web_view)) {
        bail!("the rpm does not ask for {web_view}");
    }
    for file in ["/usr/bin/belfry", "/usr/bin/belfryctl", "/usr/share/applications/belfry.desktop"] {
        if !files.lines().any(|line| line == file) {
            bail!("{file} is missing in the rpm");
        }
    }
    // Its rules are those of packages in a distribution's own archive (a group, a changelog, pages of the manual that
    // are marked), which the bundler cannot write. So what it says is shown, and decides nothing.
    let mut lint = command("rpmlint", [] as [&str; 0]);
    lint.arg(&rpm);
    let said = lint.output().context("cannot start rpmlint")?;
    println!("{}", String::from_utf8_lossy(&said.stdout));

    heading("rpm: install and erase in a root (dependencies are not resolved here)");
    let folder = out().join("rpm-root");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let in_root = |args: &[&str]| {
        let mut rpm = command("rpm", ["--root"]);
        rpm.arg(&folder).args(args);
        rpm
    };
    run(in_root(&["--initdb"]))?;
    let mut install = in_root(&["--install", "--nodeps", "--noscripts"]);
    install.arg(&rpm);
    run(install)?;
    if !folder.join("usr/bin/belfryctl").exists() {
        bail!("the rpm installed no belfryctl");
    }
    run(command(&folder.join("usr/bin/belfryctl").to_string_lossy(), ["--version"]))?;
    run(in_root(&["--erase", "--nodeps", "--noscripts", "belfry"]))?;
    if folder.join("usr/bin/belfryctl").exists() {
        bail!("erasing the rpm left belfryctl");
    }
    println!("ok: installs, runs and is erased");
    Ok(fs::remove_dir_all(&folder)?)
}

/// What held and what did not.
#[derive(Default)]
struct Tried {
    failed: Vec<String>,
}

impl Tried {
    fn holds(&mut self, what: &str, holds: bool) {
        println!("{}: {what}", if holds { "ok" } else { "FAILED" });
        if !holds {
            self.failed.push(what.to_owned());
        }
    }

    fn end(self) -> Result<()> {
        if self.failed.is_empty() { Ok(()) } else { bail!("did not hold: {}", self.failed.join("; ")) }
    }
}
