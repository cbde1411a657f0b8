//! `cargo xtask package deb|rpm|msi [--verify]`: what IT installs, into `target/packages`, with its
//! size.
//!
//! deb and rpm by Tauri's bundler, from programs built here; the MSI by wixl, from programs built
//! with mingw. The deb is packed again, since the bundler's has fixed dependencies, no list of
//! configuration files and times of its own: the same tree gives the same bytes. Invariant: what a
//! package holds beside the programs is generated for it, never edited by hand.

mod linux;
mod msi;
mod tables;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::shell::{cargo, command, heading, root, target};

use linux::PACKAGING;

/// Largest deb and MSI, in bytes: what a fleet downloads.
const LARGEST: u64 = 10_000_000;

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For Debian, Ubuntu and their like
    Deb,
    /// For Fedora, RHEL and their like
    Rpm,
    /// For Windows, x86_64
    Msi,
}

#[derive(Debug, Args)]
pub(crate) struct Package {
    /// Which packages
    #[arg(value_enum)]
    formats: Vec<Format>,
    /// Try them: install, run, upgrade and remove, in a clean root or under Wine
    #[arg(long)]
    verify: bool,
    /// Pack the programs as they are in the target folder, built before
    #[arg(long)]
    built: bool,
    /// Only try what is in `target/packages` already
    #[arg(long)]
    no_build: bool,
    /// Only compare the tables of this MSI with what they should say
    #[arg(long, value_name = "FILE")]
    inspect: Option<PathBuf>,
    /// Only print the product code that an MSI of this version has
    #[arg(long)]
    product_code: bool,
}

/// Makes the packages and prints their sizes; with `--verify`, tries each.
pub(crate) fn package(asked: &Package) -> Result<()> {
    if asked.product_code {
        println!("{}", tables::product_code(&version()?));
        return Ok(());
    }
    if let Some(file) = &asked.inspect {
        return tables::inspect(file, &version()?);
    }
    if asked.formats.is_empty() {
        bail!("say which packages: deb, rpm, msi");
    }
    fs::create_dir_all(out())?;
    let mut made = Vec::new();
    if !asked.no_build {
        if !asked.built && asked.formats.iter().any(|format| *format != Format::Msi) {
            linux::build_programs()?;
        }
        for format in &asked.formats {
            made.push(match format {
                Format::Deb => linux::deb()?,
                Format::Rpm => linux::rpm()?,
                Format::Msi => msi::msi(asked.built)?,
            });
        }
        heading("packages");
        for file in &made {
            let size = fs::metadata(file)?.len();
            println!("{}: {size} bytes ({:.1} MB)", file.display(), size as f64 / 1e6);
            if size > LARGEST && file.extension().is_some_and(|end| end != "rpm") {
                bail!("{} is larger than 10 MB", file.display());
            }
        }
    }
    if asked.verify {
        for format in &asked.formats {
            match format {
                Format::Deb => verify::deb()?,
                Format::Rpm => verify::rpm()?,
                Format::Msi => verify::msi()?,
            }
        }
    }
    Ok(())
}

/// Where the packages are put.
fn out() -> PathBuf {
    target().join("packages")
}

/// The newest package whose name ends so.
fn made(extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(out()).context("there are no packages yet")?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let wanted = files.filter(|path| path.extension().is_some_and(|end| end == extension));
    wanted
        .max_by_key(|path| fs::metadata(path).and_then(|file| file.modified()).ok())
        .with_context(|| format!("there is no .{extension} in {}: make it first", out().display()))
}

/// The version in the workspace's `Cargo.toml`.
fn version() -> Result<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let line =
        manifest.lines().find_map(|line| line.strip_prefix("version = \"")).context("Cargo.toml has no version")?;
    Ok(line.trim_end_matches('"').to_owned())
}

/// Seconds since 1970 that files of packages carry: those of the last commit, so that the same tree
/// gives the same bytes.
fn source_date() -> Result<String> {
    if let Ok(given) = std::env::var("SOURCE_DATE_EPOCH") {
        return Ok(given);
    }
    Ok(output(command("git", ["log", "-1", "--format=%ct"]))?.trim().to_owned())
}

/// Compiler flags that keep the paths of this machine out of the programs.
fn remapped() -> String {
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap_or_else(|_| "/cargo".into());
    format!("--remap-path-prefix={}=/belfry --remap-path-prefix={home}=/cargo", root().display())
}

/// What a command prints.
fn output(mut command: Command) -> Result<String> {
    let output =
        command.output().with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
    if !output.status.success() {
        bail!("{} failed: {}", command.get_program().to_string_lossy(), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Manual pages and shell completions, in a folder.
fn manual() -> Result<PathBuf> {
    let folder = target().join("packages/manual");
    let mut generate = cargo(["run", "--quiet", "-p", "belfry-generate", "--", "manual"]);
    generate.arg(&folder);
    crate::shell::run(generate)?;
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}
