//! Trying the packages: in a clean Debian root, in an rpm root, and under Wine.
//!
//! What a result is worth is said with it: a package tried in a clean root ran on the real system,
//! one tried under Wine ran in an emulation of Windows. Invariant: whatever cannot be tried is an
//! error that says why; nothing passes silently.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{PACKAGING, copy, made, msi as installer, out, output, version};
use crate::shell::{cargo, command, heading, root, run, target};
use crate::{cross, system};

/// What makes a clean root.
const ROOT: &[&str] = &["mmdebstrap", "util-linux"];
/// What runs programs of Windows.
const WINE: &[&str] = &["wine", "wine64"];
/// Debian's 64-bit Wine; the script `wine` on the path asks for the 32-bit one too.
const WINE64: &str = "/usr/lib/wine/wine64";

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

/// Install with properties, files and registry, the programs of the terminal, upgrade, downgrade,
/// removal: under Wine.
pub(super) fn msi() -> Result<()> {
    system::ensure(&[installer::WIXL, WINE])?;
    heading("msi: under Wine (emulated)");
    let msi = made("msi")?;
    let newer_version = newer(&version()?)?;
    let newer_folder = out().join("newer");
    fs::create_dir_all(&newer_folder)?;
    let newer = installer::compile(&out().join("msi-stage"), &newer_version, &newer_folder)?;
    run(cargo(["build", "-p", "belfry-pushd"]))?;
    let server = Server::start()?;
    let wine = Wine::new()?;
    let mut tried = Tried::default();

    let properties = [
        format!("SERVER={}", server.stomp),
        format!("LOGIN_URL={}/login", server.http),
        "DESKTOPSHORTCUT=1".to_owned(),
    ];
    tried.holds("silent install", wine.msiexec("/i", &msi, &properties)?);
    let folder = wine.prefix.join("drive_c/Program Files/Belfry");
    for file in [
        "belfry.exe",
        "belfryctl.exe",
        "admin-guide.md",
        "policies.md",
        "policies/belfry.admx",
        "policies/en-US/belfry.adml",
        "policies/zh-CN/belfry.adml",
    ] {
        tried.holds(&format!("{file} is installed"), folder.join(file).is_file());
    }
    let endpoints = format!("[\"{}\"]", server.stomp);
    let run_key = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Run";
    let defaults = r"HKLM\Software\Belfry\Defaults";
    tried.holds("SERVER is an installer default", wine.value(defaults, "server.endpoints")? == endpoints);
    tried.holds(
        "autostart is quoted",
        wine.value(run_key, "Belfry")? == r#""C:\Program Files\Belfry\belfry.exe" --hidden"#,
    );
    tried.holds(
        "belfry: links open the program",
        wine.value(r"HKLM\Software\Classes\belfry\shell\open\command", "")?
            == r#""C:\Program Files\Belfry\belfry.exe" "%1""#,
    );
    tried.holds("shortcuts in menu and desktop", wine.finds("Belfry.lnk")? == 2);

    // Debian's Wine lacks this library of Windows, which every Rust program asks for random
    // numbers.
    shim(&folder.join("bcryptprimitives.dll"))?;
    let ctl = |args: &[&str]| wine.run(folder.join("belfryctl.exe"), args);
    let said = ctl(&["--version"])?;
    tried.holds("belfryctl.exe runs", said.status.success());

    wine.reg(&["add", r"HKLM\Software\Policies\Belfry", "/v", "inbox.retention_days", "/t", "REG_DWORD", "/d", "30"])?;
    wine.reg(&["add", r"HKCU\Software\Policies\Belfry", "/v", "inbox.retention_days", "/t", "REG_DWORD", "/d", "90"])?;
    wine.reg(&["add", r"HKCU\Software\Policies\Belfry", "/v", "app.theme", "/t", "REG_SZ", "/d", "pink"])?;
    let list = r"HKLM\Software\Policies\Belfry\app.allowed_link_hosts";
    wine.reg(&["add", list, "/v", "1", "/t", "REG_SZ", "/d", "intranet.example.com"])?;
    let rows: Vec<Value> = serde_json::from_slice(&ctl(&["policy", "--json"])?.stdout)?;
    let cell = |name: &str, pointer: &str| {
        let row = rows.iter().find(|row| row.get("name").is_some_and(|found| found == name));
        row.and_then(|row| row.pointer(pointer)).cloned().unwrap_or_default()
    };
    let retention = |pointer: &str| cell("inbox.retention_days", pointer);
    tried.holds(
        "a policy in HKLM stands over one in HKCU, and locks",
        retention("/value") == 30 && retention("/scope") == "machine" && retention("/level") == "mandatory",
    );
    tried.holds("an invalid policy is reported", cell("app.theme", "/status") == "invalid");
    tried.holds("a list has a key of its own", cell("app.allowed_link_hosts", "/value/0") == "intranet.example.com");
    tried.holds("the installer's default holds", cell("server.endpoints", "/level") == "default");
    wine.reg(&["delete", r"HKLM\Software\Policies\Belfry", "/f"])?;
    wine.reg(&["delete", r"HKCU\Software\Policies\Belfry", "/f"])?;

    let local = wine.local()?.join("belfry");
    fs::create_dir_all(local.join("config"))?;
    fs::write(
        local.join("config/settings.toml"),
        format!(
            "[[server.subscriptions]]\ndestination = \"/user/queue/notices\"\n[api]\nbase = \"{}/ecgapi\"\n[auth]\nlogin = \"alice\"\n",
            server.http
        ),
    )?;
    let sent = ctl(&["send", "--title", "Over Wine", "--type", "1", "--to", "alice", "A text"])?;
    tried.holds("belfryctl.exe send", sent.status.success());
    let said = ctl(&["run", "--json", "--count", "1", "--timeout", "60s"])?;
    let lines = String::from_utf8_lossy(&said.stdout).into_owned();
    print!("{lines}{}", String::from_utf8_lossy(&said.stderr));
    tried.holds(
        "belfryctl.exe run receives, stores and ends by itself",
        said.status.success() && lines.contains("Over Wine"),
    );
    tried.holds("it was live", lines.contains(r#""state":"live""#) || lines.contains(r#""event":"caught-up""#));
    let said = ctl(&["doctor", "--json"])?;
    println!("{}", String::from_utf8_lossy(&said.stdout));
    tried.holds("belfryctl.exe doctor answers", String::from_utf8_lossy(&said.stdout).contains("\"step\""));

    tried.holds("upgrade without properties", wine.msiexec("/i", &newer, &[])?);
    tried.holds("it keeps SERVER", wine.value(defaults, "server.endpoints")? == endpoints);
    tried.holds("it is the newer one", wine.value(r"HKLM\Software\Belfry\Install", "Version")? == newer_version);
    shim(&folder.join("bcryptprimitives.dll"))?;
    let listed = ctl(&["inbox", "list", "--json"])?;
    tried.holds("it keeps the inbox", String::from_utf8_lossy(&listed.stdout).contains("Over Wine"));
    tried.holds("an older version is refused", !wine.msiexec("/i", &msi, &[])?);
    fs::remove_file(folder.join("bcryptprimitives.dll"))?;
    tried.holds("silent removal", wine.msiexec("/x", &newer, &[])?);
    tried.holds("its files are gone", !folder.join("belfry.exe").exists() && wine.finds("Belfry.lnk")? == 0);
    tried.holds("its registry is gone", wine.value(defaults, "server.endpoints")?.is_empty());
    tried.holds("autostart is gone", wine.value(run_key, "Belfry")?.is_empty());
    tried.holds("what people received stays", local.join("data").is_dir());
    tried.end()
}

/// `0.1.0` becomes `0.1.1`.
fn newer(version: &str) -> Result<String> {
    let (rest, patch) = version.rsplit_once('.').context("a version has three numbers")?;
    Ok(format!("{rest}.{}", patch.parse::<u16>()? + 1))
}

/// A library with the one function that is missing.
fn shim(place: &Path) -> Result<()> {
    let source = out().join("shim.c");
    fs::write(
        &source,
        "#include <windows.h>\n\
         BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);\n\
         __declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE at, SIZE_T left) {\n\
         while (left) { ULONG now = left > 65536 ? 65536 : (ULONG)left;\n\
         if (!SystemFunction036(at, now)) return FALSE; at += now; left -= now; } return TRUE; }\n",
    )?;
    let mut gcc = cross::mingw_gcc()?;
    gcc.args(["-shared", "-O1", "-o"]).arg(place).arg(&source).arg("-ladvapi32");
    run(gcc)
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

/// A Windows of its own, ended when dropped.
struct Wine {
    prefix: PathBuf,
}

impl Wine {
    fn new() -> Result<Self> {
        let prefix = out().join("wine");
        if prefix.exists() {
            fs::remove_dir_all(&prefix)?;
        }
        fs::create_dir_all(&prefix)?;
        let wine = Self { prefix };
        // It complains about 32-bit programs, which are not there.
        wine.run("wineboot", &["--init"])?;
        Ok(wine)
    }

    fn run(&self, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Result<Output> {
        let mut wine = Command::new(WINE64);
        wine.arg(program).args(args).current_dir(&self.prefix).stdin(Stdio::null());
        wine.env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all").env("WINEARCH", "win64").env_remove("DISPLAY");
        wine.env("BELFRY_PASSWORD", "secret");
        wine.output().with_context(|| format!("cannot start {WINE64}"))
    }

    fn msiexec(&self, what: &str, msi: &Path, properties: &[String]) -> Result<bool> {
        let file = format!("Z:{}", msi.display()).replace('/', "\\");
        let mut args = vec![what, file.as_str(), "/qn"];
        args.extend(properties.iter().map(String::as_str));
        Ok(self.run("msiexec", &args)?.status.success())
    }

    fn reg(&self, args: &[&str]) -> Result<()> {
        let mut args = args.to_vec();
        if args.first() == Some(&"add") {
            args.push("/f");
        }
        let said = self.run("reg", &args)?;
        if said.status.success() { Ok(()) } else { bail!("reg {} failed", args.join(" ")) }
    }

    /// A text in the registry; empty if it is not there. No name asks for the key's own value.
    fn value(&self, key: &str, name: &str) -> Result<String> {
        let args = if name.is_empty() { vec!["query", key, "/ve"] } else { vec!["query", key, "/v", name] };
        let said = self.run("reg", &args)?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let value = text.lines().find_map(|line| line.split_once("REG_SZ").map(|(_, value)| value.trim().to_owned()));
        Ok(value.unwrap_or_default())
    }

    /// How many files have this name.
    fn finds(&self, name: &str) -> Result<usize> {
        let mut find = command("find", [] as [&str; 0]);
        find.arg(self.prefix.join("drive_c")).args(["-name", name]);
        Ok(output(find)?.lines().count())
    }

    /// The person's local application data.
    fn local(&self) -> Result<PathBuf> {
        let users = self.prefix.join("drive_c/users");
        let people = fs::read_dir(&users)?.filter_map(|entry| Some(entry.ok()?.path().join("AppData/Local")));
        let mut people = people.filter(|path| path.is_dir() && !path.starts_with(users.join("Public")));
        people.next().context("Wine has no user")
    }
}

impl Drop for Wine {
    fn drop(&mut self) {
        let mut end = Command::new("/usr/lib/wine/wineserver64");
        end.arg("--kill").env("WINEPREFIX", &self.prefix);
        // It may have ended by itself.
        let _ended = end.status();
    }
}

/// A push server on this machine, ended when dropped.
struct Server {
    process: Child,
    http: String,
    stomp: String,
}

impl Server {
    fn start() -> Result<Self> {
        let mut command = Command::new(target().join("debug/belfry-pushd"));
        command.args(["--listen", "127.0.0.1:0", "--user", "alice:secret"]).stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(fs::File::create(out().join("pushd.log"))?);
        let mut process = command.spawn().context("cannot start belfry-pushd")?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().context("no output")?).read_line(&mut line)?;
        let ready: Value = serde_json::from_str(&line).context("belfry-pushd did not become ready")?;
        let address = |name: &str| {
            ready.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no address {name}"))
        };
        Ok(Self { http: address("http")?, stomp: address("stomp")?, process })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.process.kill().and_then(|()| self.process.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_version_is_newer() {
        assert_eq!(newer("0.1.0").unwrap(), "0.1.1");
        assert!(newer("1").is_err());
    }
}
