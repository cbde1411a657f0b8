//! deb and rpm.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

use super::{copy, manual, out, output, remapped, source_date, version};
use crate::shell::{cargo, command, has, heading, root, run, target};
use crate::{system, ui};

/// What packing and looking into packages needs.
pub(super) const PACKAGING: &[&str] =
    &["appstream", "desktop-file-utils", "dpkg-dev", "gzip", "lintian", "rpm", "rpmlint", "xz-utils"];

/// Tauri's command line, from npm. Pinned, so that an unchanged commit makes the same package.
const TAURI_CLI: &str = "@tauri-apps/cli@2.12.5";

/// Without them the program runs, and says what is missing.
const RECOMMENDED: [&str; 2] =
    ["gnome-keyring | libsecret-1-0 | kwalletmanager", "default-dbus-session-bus | dbus-session-bus"];
/// Who is asked about the package: an assumption, which packaging/README.md names.
const MAINTAINER: &str = "The Belfry authors <maintainers@belfry.app>";

/// The programs, as they ship.
pub(super) fn build_programs() -> Result<()> {
    system::ensure(&[system::BUILD, PACKAGING])?;
    ui::build()?;
    heading("programs: release build");
    let mut build = cargo(["build", "--release", "--locked", "-p", "belfry", "-p", "belfryctl"]);
    build.env("RUSTFLAGS", remapped()).env("SOURCE_DATE_EPOCH", source_date()?);
    run(build)
}

/// The files beside the programs: where they are installed, and where they are now.
fn files(stage: &Path, is_rpm: bool) -> Result<Map<String, Value>> {
    let pages = manual()?;
    let mut files = Map::new();
    let mut add = |place: &str, from: PathBuf| {
        files.insert(place.to_owned(), from.display().to_string().into());
    };
    let linux = root().join("packaging/linux");
    add("/usr/bin/belfryctl", target().join("release/belfryctl"));
    add("/etc/xdg/autostart/belfry.desktop", linux.join("autostart.desktop"));
    add("/usr/share/icons/hicolor/scalable/apps/belfry.svg", root().join("icons/app.svg"));

    let date = source_date()?;
    let day = output(command("date", ["--utc", &format!("--date=@{date}"), "+%Y-%m-%d"]))?;
    let metainfo = fs::read_to_string(linux.join("app.belfry.desktop.metainfo.xml"))?;
    let metainfo = metainfo.replace("@VERSION@", &version()?).replace("@DATE@", day.trim());
    fs::write(stage.join("metainfo.xml"), metainfo)?;
    add("/usr/share/metainfo/app.belfry.desktop.metainfo.xml", stage.join("metainfo.xml"));

    let doc = "/usr/share/doc/belfry";
    add(&format!("{doc}/admin-guide.md"), root().join("packaging/README.md"));
    add(&format!("{doc}/policies.md"), root().join("docs/admin-policies.md"));
    for sample in ["managed.json", "recommended.json", "every-setting.json"] {
        add(&format!("{doc}/examples/{sample}"), root().join("packaging/policy/out/linux").join(sample));
    }
    fs::write(stage.join("third-party.txt"), third_party()?)?;
    add(&format!("{doc}/third-party.txt"), stage.join("third-party.txt"));
    if is_rpm {
        add("/usr/share/licenses/belfry/LICENSE", root().join("LICENSE"));
    } else {
        add(&format!("{doc}/copyright"), linux.join("copyright"));
        let day = output(command("date", ["--utc", "--rfc-email", &format!("--date=@{date}")]))?;
        let changes = format!(
            "belfry ({}) stable; urgency=medium\n\n  * See CHANGELOG.md of this version.\n\n -- {MAINTAINER}  {}\n",
            version()?,
            day.trim()
        );
        fs::write(stage.join("changelog"), changes)?;
        add(&format!("{doc}/changelog.gz"), compressed(&stage.join("changelog"))?);
    }
    for entry in fs::read_dir(&pages)? {
        let page = entry?.path();
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if page.extension().is_some_and(|end| end == "1") {
            let copied = stage.join(&name);
            copy(&page, &copied)?;
            add(&format!("/usr/share/man/man1/{name}.gz"), compressed(&copied)?);
        }
    }
    let zsh = if is_rpm { "/usr/share/zsh/site-functions" } else { "/usr/share/zsh/vendor-completions" };
    add("/usr/share/bash-completion/completions/belfryctl", pages.join("belfryctl.bash"));
    add(&format!("{zsh}/_belfryctl"), pages.join("_belfryctl"));
    add("/usr/share/fish/vendor_completions.d/belfryctl.fish", pages.join("belfryctl.fish"));
    Ok(files)
}

/// Without name and time in it, so that the same text gives the same bytes.
fn compressed(file: &Path) -> Result<PathBuf> {
    let mut gzip = command("gzip", ["--best", "--no-name", "--force"]);
    gzip.arg(file);
    output(gzip)?;
    let mut name = file.as_os_str().to_owned();
    name.push(".gz");
    Ok(name.into())
}

/// Names, versions and licences of the libraries that are linked in.
fn third_party() -> Result<String> {
    let metadata = output(cargo([
        "metadata",
        "--format-version=1",
        "--locked",
        "--filter-platform",
        &format!("{}-unknown-linux-gnu", std::env::consts::ARCH),
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("cargo metadata names no packages")?;
    let mut lines: Vec<String> = packages
        .iter()
        .filter(|package| package.get("source").is_some_and(Value::is_string))
        .map(|package| {
            let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or("see its files").to_owned();
            format!("{} {}: {}", text("name"), text("version"), text("license"))
        })
        .collect();
    lines.sort();
    lines.dedup();
    Ok(format!("Libraries that Belfry is built with, and their licences:\n\n{}\n", lines.join("\n")))
}

/// Runs Tauri's bundler; the folder it writes into.
fn bundle(format: &str, config: &Value) -> Result<PathBuf> {
    let tools = target().join("tools/tauri-cli");
    let program = tools.join("node_modules/.bin/tauri");
    let list = tools.join("installed.txt");
    if !fs::read_to_string(&list).is_ok_and(|installed| installed == TAURI_CLI) {
        fs::create_dir_all(&tools)?;
        fs::write(tools.join("package.json"), "{}\n")?;
        let mut install = command("npm", ["install", "--no-save", TAURI_CLI]);
        install.current_dir(&tools);
        run(install)?;
        fs::write(&list, TAURI_CLI)?;
    }
    let folder = target().join("release/bundle").join(format);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let file = tools.join(format!("{format}.json"));
    fs::write(&file, config.to_string())?;
    let mut bundle = command(&program.to_string_lossy(), ["bundle", "--bundles", format, "--config"]);
    bundle.arg(file).current_dir(root().join("src-tauri"));
    bundle.env("SOURCE_DATE_EPOCH", source_date()?);
    run(bundle)?;
    Ok(folder)
}

/// The one file in a folder that ends so.
fn only(folder: &Path, extension: &str) -> Result<PathBuf> {
    let entries = fs::read_dir(folder)?;
    let mut files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    files
        .find(|path| path.extension().is_some_and(|end| end == extension))
        .with_context(|| format!("the bundler left no .{extension} in {}", folder.display()))
}

fn stage(name: &str) -> Result<PathBuf> {
    let stage = out().join(name);
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    fs::create_dir_all(&stage)?;
    Ok(stage)
}

/// The deb.
pub(super) fn deb() -> Result<PathBuf> {
    heading("deb");
    let stage = stage("deb-stage")?;
    // The name decides the names of package and desktop entry; on other systems the app is called
    // Belfry.
    let config = json!({"productName": "belfry", "bundle": {"linux": {"deb": {"files": files(&stage, false)?}}}});
    let bundled = only(&bundle("deb", &config)?, "deb")?;

    let tree = stage.join("tree");
    let mut unpack = command("dpkg-deb", ["--raw-extract"]);
    unpack.arg(bundled).arg(&tree);
    run(unpack)?;
    let control = tree.join("DEBIAN/control");
    let written = fs::read_to_string(&control)?;
    fs::write(&control, corrected(&written, &depends(&stage)?))?;
    fs::write(tree.join("DEBIAN/conffiles"), "/etc/xdg/autostart/belfry.desktop\n")?;
    permissions(&tree)?;
    let date = source_date()?;
    let mut touch = command("find", ["."]);
    touch.args(["-exec", "touch", "--no-dereference", &format!("--date=@{date}"), "{}", "+"]).current_dir(&tree);
    run(touch)?;
    let file = out().join(only_name(&written, &version()?)?);
    let mut pack = command("dpkg-deb", ["--root-owner-group", "-Zxz", "-z9", "--build"]);
    pack.arg(&tree).arg(&file).env("SOURCE_DATE_EPOCH", date);
    run(pack)?;
    Ok(file)
}

/// `belfry_VERSION_ARCHITECTURE.deb`.
fn only_name(control: &str, version: &str) -> Result<String> {
    let architecture = control.lines().find_map(|line| line.strip_prefix("Architecture: "));
    Ok(format!("belfry_{version}_{}.deb", architecture.context("the package has no architecture")?))
}

/// Programs 755, everything else 644, folders 755.
fn permissions(tree: &Path) -> Result<()> {
    for (kind, mode) in [("d", "u=rwx,go=rx"), ("f", "u=rw,go=r")] {
        let mut change = command("find", [".", "-type", kind, "-exec", "chmod", mode, "{}", "+"]);
        change.current_dir(tree);
        run(change)?;
    }
    let mut change = command("chmod", ["755", "usr/bin/belfry", "usr/bin/belfryctl"]);
    change.current_dir(tree);
    run(change)
}

/// What the libraries the programs are linked to are called here, and from which version on they
/// have what is used.
fn depends(stage: &Path) -> Result<String> {
    // The tool reads a source package's control file.
    let place = stage.join("shlibs");
    fs::create_dir_all(place.join("debian"))?;
    fs::write(place.join("debian/control"), "Source: belfry\n\nPackage: belfry\nArchitecture: any\n")?;
    let mut ask = command("dpkg-shlibdeps", ["-O"]);
    ask.arg(target().join("release/belfry")).arg(target().join("release/belfryctl")).current_dir(&place);
    let answer = output(ask)?;
    let found = answer.trim().strip_prefix("shlibs:Depends=").context("dpkg-shlibdeps names no packages")?;
    Ok(format!("{found}, hicolor-icon-theme"))
}

/// The bundler's control file, with the dependencies and the maintainer that are right.
fn corrected(control: &str, depends: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in control.lines() {
        if line.starts_with("Maintainer:") {
            lines.push(format!("Maintainer: {MAINTAINER}"));
        } else if line.starts_with("Depends:") {
            lines.push(format!("Depends: {depends}"));
            lines.push(format!("Recommends: {}", RECOMMENDED.join(", ")));
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// The rpm.
pub(super) fn rpm() -> Result<PathBuf> {
    heading("rpm");
    if !has("rpm") {
        bail!("rpm is missing: apt-get install rpm");
    }
    let stage = stage("rpm-stage")?;
    let packed = json!({"files": files(&stage, true)?});
    let config = json!({"productName": "belfry", "bundle": {"linux": {"rpm": packed}}});
    let bundled = only(&bundle("rpm", &config)?, "rpm")?;
    let file = out().join(bundled.file_name().context("the bundler's rpm has no name")?);
    copy(&bundled, &file)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_file_gets_the_dependencies_that_were_found() {
        let control =
            "Package: belfry\nVersion: 0.1.0\nArchitecture: amd64\nMaintainer: x\nDepends: a, b\nDescription: d\n";
        let corrected = corrected(control, "libc6 (>= 2.36)");
        assert!(corrected.contains("\nDepends: libc6 (>= 2.36)\nRecommends: "), "{corrected}");
        assert!(!corrected.contains("a, b") && corrected.ends_with("Description: d\n"), "{corrected}");
        assert_eq!(only_name(control, "0.1.0").unwrap(), "belfry_0.1.0_amd64.deb");
    }
}
