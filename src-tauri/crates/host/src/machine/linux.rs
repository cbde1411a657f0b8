//! Linux: `/etc/os-release`.

/// For example `Debian GNU/Linux 12 (bookworm)`.
pub(super) fn version() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(name.trim_matches('"').to_owned())
}
