//! The MSI and its programs under Wine, which is an emulation of Windows.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::Tried;
use super::server::Server;
use crate::package::{made, msi as installer, out, output, version};
use crate::shell::{cargo, command, heading, run};
use crate::{cross, system};

/// What runs programs of Windows.
const WINE: &[&str] = &["wine", "wine64"];
/// Where the WebView2 Runtime says its version.
const WEB_VIEW: &str = r"HKLM\SOFTWARE\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}";
/// What starts at login for everybody.
const RUN_KEY: &str = r"HKLM\Software\Microsoft\Windows\CurrentVersion\Run";
/// Debian's 64-bit Wine; the script `wine` on the path asks for the 32-bit one too.
const WINE64: &str = "/usr/lib/wine/wine64";

/// Install with properties, files and registry, the programs of the terminal, upgrade, downgrade,
/// removal: under Wine.
pub(in crate::package) fn msi() -> Result<()> {
    system::ensure(&[installer::WIXL, WINE, system::TESTS])?;
    heading("msi: under Wine (emulated)");
    let msi = made("msi")?;
    let newer_version = newer(&version()?)?;
    let newer_folder = out().join("newer");
    fs::create_dir_all(&newer_folder)?;
    let newer = installer::compile(&out().join("msi-stage"), &newer_version, &newer_folder)?;
    run(cargo(["build", "-p", "belfry-pushd"]))?;
    run(cargo(["build", "-p", "harness", "--example", "rabbit"]))?;
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
    let defaults = r"HKLM\Software\Belfry\Defaults";
    tried.holds("SERVER is an installer default", wine.value(defaults, "server.endpoints")? == endpoints);
    tried.holds(
        "autostart is quoted",
        wine.value(RUN_KEY, "Belfry")? == r#""C:\Program Files\Belfry\belfry.exe" --hidden"#,
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
    let verdicts = || -> Result<BTreeMap<String, String>> {
        let said = ctl(&["doctor", "--json"])?;
        println!("{}", String::from_utf8_lossy(&said.stdout));
        let findings: Vec<Value> = serde_json::from_slice(&said.stdout).context("doctor printed no JSON")?;
        let text = |finding: &Value, key: &str| finding.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(findings.iter().map(|finding| (text(finding, "step"), text(finding, "verdict"))).collect())
    };
    let found = verdicts()?;
    for step in ["settings", "tcp", "websocket", "stomp", "subscribe", "collect"] {
        tried.holds(&format!("belfryctl.exe doctor: {step}"), found.get(step).is_some_and(|verdict| verdict == "ok"));
    }
    let is_web_view =
        |found: &BTreeMap<String, String>, wanted: &str| found.get("web-view").is_some_and(|it| it == wanted);
    tried.holds("it warns that WebView2 is missing", is_web_view(&found, "warn"));
    wine.reg(&["add", WEB_VIEW, "/v", "pv", "/t", "REG_SZ", "/d", "120.0.2210.91"])?;
    tried.holds("it finds WebView2 in the registry", is_web_view(&verdicts()?, "ok"));
    wine.reg(&["delete", WEB_VIEW, "/f"])?;
    with_rabbit(&wine, &folder, &mut tried)?;

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
    tried.holds("autostart is gone", wine.value(RUN_KEY, "Belfry")?.is_empty());
    tried.holds("what people received stays", local.join("data").is_dir());
    without_autostart(&wine, &msi, &newer, &mut tried)?;
    tried.end()
}

/// `AUTOSTART=0` leaves the list of programs that start at login alone, also after an upgrade that does
/// not repeat it.
fn without_autostart(wine: &Wine, msi: &Path, newer: &Path, tried: &mut Tried) -> Result<()> {
    let remembered = || wine.value(r"HKLM\Software\Belfry\Install", "AUTOSTART");
    tried.holds("silent install with AUTOSTART=0", wine.msiexec("/i", msi, &["AUTOSTART=0".to_owned()])?);
    tried.holds("AUTOSTART=0 is remembered", remembered()? == "0");
    tried.holds("AUTOSTART=0: no autostart", wine.value(RUN_KEY, "Belfry")?.is_empty());
    tried.holds("upgrade without properties after AUTOSTART=0", wine.msiexec("/i", newer, &[])?);
    tried.holds("it keeps AUTOSTART=0", remembered()? == "0" && wine.value(RUN_KEY, "Belfry")?.is_empty());
    tried.holds("silent removal after AUTOSTART=0", wine.msiexec("/x", newer, &[])?);
    tried.holds("silent install with AUTOSTART=1", wine.msiexec("/i", msi, &["AUTOSTART=1".to_owned()])?);
    tried.holds("AUTOSTART=1: autostart", wine.value(RUN_KEY, "Belfry")?.ends_with(" --hidden"));
    tried.holds("silent removal after AUTOSTART=1", wine.msiexec("/x", msi, &[])?);
    Ok(())
}

/// RabbitMQ delivers a message from a durable queue and is told that it is stored: the next run gets
/// the next one, and not this one again.
fn with_rabbit(wine: &Wine, folder: &Path, tried: &mut Tried) -> Result<()> {
    let mut rabbit = Server::rabbit()?;
    let (settings, data) = (wine.prefix.join("drive_c/rabbit.toml"), wine.prefix.join("drive_c/rabbit"));
    let text = format!(
        "[server]\nendpoints = [\"{}\"]\n[[server.subscriptions]]\n\
         destination = \"/exchange/amq.topic/user.{{login}}.#\"\nack = \"client-individual\"\n\
         headers = {{ x-queue-name = \"belfry.{{login}}.{{device}}\", durable = \"true\", auto-delete = \"false\" }}\n\
         [auth]\nmode = \"token\"\nlogin = \"guest\"\n",
        rabbit.stomp
    );
    fs::write(&settings, text)?;
    let ctl = |args: &[&str]| -> Result<String> {
        let mut all = vec!["--config", r"C:\rabbit.toml", "--data-dir", r"C:\rabbit"];
        all.extend(args);
        let said = wine.run_with(("BELFRY_TOKEN", "guest"), folder.join("belfryctl.exe"), &all)?;
        let lines = String::from_utf8_lossy(&said.stdout).into_owned();
        print!("{lines}{}", String::from_utf8_lossy(&said.stderr));
        Ok(if said.status.success() { lines } else { String::new() })
    };
    // The first run declares the queue.
    tried.holds("RabbitMQ: live, and a clean end", ctl(&["run", "--json", "--timeout", "10s"])?.contains(r#""live""#));
    for id in ["rabbit-1", "rabbit-2"] {
        rabbit.publish(&json!({"id": id, "title": id, "content": "text"}))?;
        let lines = ctl(&["run", "--json", "--count", "1", "--timeout", "60s"])?;
        let notices = lines.lines().filter(|line| line.contains(r#""event":"notice""#));
        let notices: Vec<&str> = notices.collect();
        tried.holds(
            &format!("RabbitMQ: {id} is received once, and a clean end"),
            notices.len() == 1 && notices.iter().all(|line| line.contains(id)),
        );
    }
    let listed = ctl(&["inbox", "list", "--json"])?;
    tried.holds("RabbitMQ: both are stored", listed.contains("rabbit-1") && listed.contains("rabbit-2"));
    tried.holds("the data is where it was asked to be", data.is_dir());
    Ok(())
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
        let wine = Self { prefix };
        fs::create_dir_all(wine.home())?;
        // It complains about 32-bit programs, which are not there.
        wine.run("wineboot", &["--init"])?;
        Ok(wine)
    }

    fn run(&self, program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Result<Output> {
        self.run_with(("BELFRY_PASSWORD", "secret"), program, args)
    }

    /// Runs a program with one more variable of the environment. Wine makes links to the folders of
    /// the home directory, and writes shortcuts there: so it gets one of its own.
    fn run_with(&self, secret: (&str, &str), program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Result<Output> {
        let mut wine = Command::new(WINE64);
        wine.arg(program).args(args).current_dir(&self.prefix).stdin(Stdio::null());
        wine.env("WINEPREFIX", &self.prefix).env("WINEDEBUG", "-all").env("WINEARCH", "win64").env_remove("DISPLAY");
        wine.env("HOME", self.home()).env("WINEDLLOVERRIDES", "winemenubuilder.exe=d");
        wine.env(secret.0, secret.1);
        wine.output().with_context(|| format!("cannot start {WINE64}"))
    }

    fn home(&self) -> PathBuf {
        self.prefix.join("home")
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
        find.arg(&self.prefix).args(["-name", name]);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_version_is_newer() {
        assert_eq!(newer("0.1.0").unwrap(), "0.1.1");
        assert!(newer("1").is_err());
    }
}
