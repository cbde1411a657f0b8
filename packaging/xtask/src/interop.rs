//! `cargo xtask interop [NAME]`: Belfry with the real servers of the field, those included that need
//! more than apt, the crates registry and npm.
//!
//! Maven fetches what the Java servers are made of and builds them into `target/interop`; npm fetches
//! the libraries of the web pages. Then `belfry-interop` plays each row of the table and prints it.

use anyhow::Result;

use crate::shell::{cargo, command, has, heading, root, run, target};
use crate::{system, ui};

/// Servers that are Java programs: folders of `tests/interop`.
const JAVA_SERVERS: &[&str] = &["spring", "activemq-artemis", "activemq-classic"];

/// Builds everything and runs the rows, or those whose names contain `name`.
pub(crate) fn run_interop(name: Option<&str>) -> Result<()> {
    system::ensure(&[system::BROKER, system::BROWSER])?;
    if !(has("mvn") && has("javac")) {
        system::ensure(&[system::JAVA])?;
    }
    let servers = target().join("interop");
    for server in JAVA_SERVERS {
        heading(&format!("Maven: {server}"));
        let mut maven = command("mvn", ["--batch-mode", "--quiet", "-Dmaven.test.skip=true", "--file"]);
        maven.arg(root().join("tests/interop").join(server).join("pom.xml"));
        maven.arg(format!("-Dbelfry.target={}", servers.join(server).display())).arg("package");
        run(maven)?;
    }
    ui::installed_in(&root().join("tests/interop/pages"), "pages: packages")?;
    heading("cargo: build");
    run(cargo(["build", "-p", "belfryctl", "-p", "belfry-pushd", "-p", "belfry-interop"]))?;

    heading("the servers");
    let programs = target().join("debug");
    let mut rows = command(&programs.join("belfry-interop").to_string_lossy(), ["--java"]);
    rows.arg(&servers).args(name).env("BELFRY_PROGRAMS", &programs);
    run(rows)
}
