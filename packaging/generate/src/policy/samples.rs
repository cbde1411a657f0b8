//! Samples that an administrator starts from: a configuration profile for macOS, and JSON files for
//! Linux.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::mac::plist;
use super::schema::{Kind, Schema};

/// What a company usually fixes.
const MANDATORY: [&str; 4] =
    ["server.endpoints", "network.insecure_hosts", "app.allowed_link_hosts", "inbox.delete_on_server"];
/// What it usually suggests.
const RECOMMENDED: [&str; 3] = ["app.start_at_login", "inbox.retention_days", "notifications.burst"];

/// `/etc/belfry/policies/managed/10-company.json`.
pub(crate) fn managed(schema: &Schema) -> String {
    json(schema, |name| MANDATORY.contains(&name))
}

/// `/etc/belfry/policies/recommended/10-company.json`.
pub(crate) fn recommended(schema: &Schema) -> String {
    json(schema, |name| RECOMMENDED.contains(&name))
}

/// Every setting with its default, to copy from.
pub(crate) fn every_setting(schema: &Schema) -> String {
    json(schema, |_| true)
}

fn json(schema: &Schema, is_wanted: impl Fn(&str) -> bool) -> String {
    let wanted = schema.policies.iter().filter(|policy| is_wanted(&policy.name));
    let values: Map<String, Value> = wanted.map(|policy| (policy.name.clone(), policy.example())).collect();
    let mut text = serde_json::to_string_pretty(&values).unwrap_or_default();
    text.push('\n');
    text
}

/// A profile with the same values. The identifiers are fixed, so that a new version replaces the
/// one that is installed.
pub(crate) fn mobileconfig(schema: &Schema) -> String {
    let keys = |names: &[&str], tabs: &str| {
        let mut keys = String::new();
        for policy in schema.policies.iter().filter(|policy| names.contains(&policy.name.as_str())) {
            let value = plist(&policy.example(), policy.kind == Kind::Json);
            let _infallible = writeln!(keys, "{tabs}<key>{}</key>\n{tabs}{value}", policy.name);
        }
        keys
    };
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Generated from the table of settings; see packaging/generate. A sample: change the values, and PayloadOrganization. -->
<plist version="1.0">
<dict>
	<key>PayloadContent</key>
	<array>
		<dict>
			<key>PayloadDisplayName</key>
			<string>Belfry</string>
			<key>PayloadIdentifier</key>
			<string>app.belfry.desktop.settings</string>
			<key>PayloadType</key>
			<string>app.belfry.desktop</string>
			<key>PayloadUUID</key>
			<string>6F0B5B0A-3B1C-4B55-8F11-2C3E7B9C6D01</string>
			<key>PayloadVersion</key>
			<integer>1</integer>
{mandatory}			<key>Recommended</key>
			<dict>
{recommended}			</dict>
		</dict>
	</array>
	<key>PayloadDisplayName</key>
	<string>Belfry settings</string>
	<key>PayloadIdentifier</key>
	<string>app.belfry.desktop.profile</string>
	<key>PayloadOrganization</key>
	<string>Example company</string>
	<key>PayloadScope</key>
	<string>System</string>
	<key>PayloadType</key>
	<string>Configuration</string>
	<key>PayloadUUID</key>
	<string>6F0B5B0A-3B1C-4B55-8F11-2C3E7B9C6D02</string>
	<key>PayloadVersion</key>
	<integer>1</integer>
</dict>
</plist>
"#,
        mandatory = keys(&MANDATORY, "\t\t\t"),
        recommended = keys(&RECOMMENDED, "\t\t\t\t"),
    )
}
