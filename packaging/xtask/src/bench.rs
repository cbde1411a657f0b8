//! `cargo xtask bench [PART...]`: what Belfry costs, beside other programs in the same run.
//!
//! The programs are built as they ship; the peers come from npm and PyPI. It takes half an hour on two
//! processors, and nothing else should run meanwhile.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::shell::{cargo, command, heading, root, run, target};
use crate::test::TAURI_DRIVER;
use crate::{system, tools, ui};

/// Builds everything, then measures all parts or those named.
pub(crate) fn run_bench(parts: &[String]) -> Result<()> {
    system::ensure(&[system::BUILD, system::FONTS, system::DESKTOP, system::TESTS, system::PEERS])?;
    let (peers, out) = (root().join("tests/bench/peers"), target().join("bench"));
    ui::installed_in(&peers, "peers: packages from npm")?;
    install_from_pypi(&peers.join("requirements.txt"), &out.join("venv"))?;
    tools::installed("tauri-driver", TAURI_DRIVER)?;
    ui::build()?;
    heading("cargo: release build");
    let programs = ["belfry", "belfryctl", "belfry-pushd", "belfry-bench"];
    run(cargo(["build", "--release"].into_iter().chain(programs.into_iter().flat_map(|name| ["-p", name]))))?;

    heading("bench");
    let release = target().join("release");
    let mut bench = command(&release.join("belfry-bench").to_string_lossy(), parts);
    bench.arg("--out").arg(out).env("BELFRY_PROGRAMS", &release);
    run(bench)
}

/// Installs what the list names into a virtual environment, if the list has changed.
fn install_from_pypi(list: &Path, venv: &Path) -> Result<()> {
    let (wanted, marker) = (fs::read(list)?, venv.join("installed.txt"));
    if fs::read(&marker).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    heading("peers: packages from PyPI");
    run(command("python3", ["-m".as_ref(), "venv".as_ref(), venv.as_os_str()]))?;
    let mut install = command(&venv.join("bin/pip").to_string_lossy(), ["install", "--requirement"]);
    install.arg(list);
    run(install)?;
    Ok(fs::write(marker, wanted)?)
}
