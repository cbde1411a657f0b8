//! The text of the start-up entries of each system.
//!
//! Deliberately absent: files and registries. Invariant: for every path, the system starts exactly
//! this program, with exactly one argument.

#![cfg_attr(not(test), allow(dead_code, reason = "each system uses one of them; the tests use all"))]

use super::HIDDEN;

/// An entry of the Desktop Application Autostart Specification 0.5, quoted by the Desktop Entry
/// Specification 1.5: first as an argument (`"`, `` ` ``, `$` and `\` get a backslash), then as a
/// value (each backslash twice); `%` becomes `%%`. GLib looks for the program before it expands
/// field codes, so a program with a `%` in its path is started through a shell.
pub(super) fn desktop_entry(program: &str) -> String {
    let shell = if program.contains('%') { r#"/bin/sh -c "exec \\"\\$0\\" \\"\\$@\\"" "# } else { "" };
    let mut quoted = String::new();
    for c in program.chars() {
        match c {
            '"' | '`' | '$' => quoted.extend(["\\\\", c.encode_utf8(&mut [0; 4])]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    format!(
        "[Desktop Entry]\nType=Application\nName=Belfry\nExec={shell}\"{quoted}\" {HIDDEN}\nIcon=belfry\nTerminal=false\n\
         X-GNOME-Autostart-enabled=true\n"
    )
}

/// An entry that turns off the machine's entry for one user.
pub(super) fn hidden_desktop_entry() -> &'static str {
    "[Desktop Entry]\nType=Application\nName=Belfry\nHidden=true\n"
}

/// A value of the `Run` key: without quotes Windows would split the path at its spaces. A Windows
/// path cannot contain `"`.
pub(super) fn run_value(program: &str) -> String {
    format!("\"{program}\" {HIDDEN}")
}

/// A property list for `launchd`.
pub(super) fn launch_agent(program: &str) -> String {
    let program = program.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>app.belfry.desktop</string>
	<key>ProgramArguments</key>
	<array>
		<string>{program}</string>
		<string>{HIDDEN}</string>
	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>ProcessType</key>
	<string>Interactive</string>
</dict>
</plist>
"#
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The arguments that a desktop parses from `Exec`: the value's escapes, the field codes, then
    /// the quotes (Desktop Entry Specification 1.5, in GLib's order).
    fn arguments(entry: &str) -> Vec<String> {
        let value = entry.lines().find_map(|line| line.strip_prefix("Exec=")).unwrap();
        let unescape = |text: &str| {
            let (mut out, mut chars) = (String::new(), text.chars());
            while let Some(c) = chars.next() {
                out.push(if c == '\\' { chars.next().unwrap() } else { c });
            }
            out
        };
        let command = unescape(value).replace("%%", "%");
        let (mut arguments, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
        let mut chars = command.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' if is_quoted => word.push(chars.next().unwrap()),
                '"' => is_quoted = !is_quoted,
                ' ' if !is_quoted => arguments.push(std::mem::take(&mut word)),
                c => word.push(c),
            }
        }
        arguments.push(word);
        arguments
    }

    #[test]
    fn a_path_with_spaces_and_quotes_is_started_unchanged() {
        let path = "/opt/My Apps/\"belfry\" $HOME `x` \\ 审批";
        let entry = desktop_entry(path);
        assert!(entry.contains(r#"Exec="/opt/My Apps/\\"belfry\\" \\$HOME \\`x\\` \\\\ 审批" --hidden"#), "{entry}");
        assert_eq!(arguments(&entry), [path, "--hidden"]);
    }

    #[test]
    fn a_percent_sign_is_never_in_the_first_argument() {
        let path = "/opt/100%f \"belfry\" a=b";
        let entry = desktop_entry(path);
        assert!(entry.contains(r#"Exec=/bin/sh -c "exec \\"\\$0\\" \\"\\$@\\"" "/opt/100%%f"#), "{entry}");
        assert_eq!(arguments(&entry), ["/bin/sh", "-c", r#"exec "$0" "$@""#, path, "--hidden"]);
    }

    proptest! {
        #[test]
        fn any_path_is_started_unchanged(path in "/\\PC{0,40}") {
            let arguments = arguments(&desktop_entry(&path));
            prop_assert_eq!(&arguments[arguments.len() - 2..], [path.as_str(), "--hidden"]);
            prop_assert!(!arguments[0].contains('%'));
        }
    }

    #[test]
    fn windows_gets_a_quoted_path() {
        assert_eq!(
            run_value(r"C:\Program Files\Belfry\belfry.exe"),
            r#""C:\Program Files\Belfry\belfry.exe" --hidden"#
        );
    }

    #[test]
    fn a_property_list_has_the_path_as_text() {
        let agent = launch_agent("/Applications/R&D <x>.app/Contents/MacOS/belfry");
        assert!(
            agent.contains("<string>/Applications/R&amp;D &lt;x&gt;.app/Contents/MacOS/belfry</string>"),
            "{agent}"
        );
        assert!(agent.contains("<string>--hidden</string>"), "{agent}");
    }
}
