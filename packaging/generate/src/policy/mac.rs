//! macOS: the preference manifest, from which editors of configuration profiles (`ProfileCreator`,
//! iMazing) make a form.

use std::fmt::Write as _;

use serde_json::Value;

use super::escaped;
use super::schema::{Kind, Language, Policy, Schema};

/// The manifest of `app.belfry.desktop`.
pub(crate) fn manifest(schema: &Schema) -> String {
    let mut out = String::from(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Generated from the table of settings; see packaging/generate. -->
<plist version="1.0">
<dict>
	<key>pfm_app_url</key>
	<string></string>
	<key>pfm_description</key>
	<string>Settings of Belfry</string>
	<key>pfm_domain</key>
	<string>app.belfry.desktop</string>
	<key>pfm_format_version</key>
	<integer>1</integer>
	<key>pfm_last_modified</key>
	<date>2026-11-21T00:00:00Z</date>
	<key>pfm_platforms</key>
	<array>
		<string>macOS</string>
	</array>
	<key>pfm_targets</key>
	<array>
		<string>system</string>
		<string>user</string>
	</array>
	<key>pfm_title</key>
	<string>Belfry</string>
	<key>pfm_unique</key>
	<true/>
	<key>pfm_version</key>
	<integer>1</integer>
	<key>pfm_subkeys</key>
	<array>
"#,
    );
    for policy in &schema.policies {
        write_policy(&mut out, policy, 2);
    }
    out.push_str(
        "		<dict>
			<key>pfm_name</key>
			<string>Recommended</string>
			<key>pfm_title</key>
			<string>Recommended (people may change these)</string>
			<key>pfm_type</key>
			<string>dictionary</string>
			<key>pfm_subkeys</key>
			<array>
",
    );
    for policy in &schema.policies {
        write_policy(&mut out, policy, 4);
    }
    out.push_str("			</array>\n		</dict>\n	</array>\n</dict>\n</plist>\n");
    out
}

fn write_policy(out: &mut String, policy: &Policy, depth: usize) {
    let tabs = "\t".repeat(depth);
    let mut line = |text: &str| {
        let _infallible = writeln!(out, "{tabs}{text}");
    };
    line("<dict>");
    let mut pair = |key: &str, value: &str| {
        line(&format!("\t<key>{key}</key>"));
        line(&format!("\t{value}"));
    };
    let text = |text: &str| format!("<string>{}</string>", escaped(text));
    pair("pfm_name", &text(&policy.name));
    pair("pfm_title", &text(policy.title(Language::English)));
    pair("pfm_description", &text(policy.meaning(Language::English)));
    match &policy.kind {
        Kind::Switch => pair("pfm_type", "<string>boolean</string>"),
        Kind::Number { min, max } => {
            pair("pfm_type", "<string>integer</string>");
            pair("pfm_range_min", &format!("<integer>{min}</integer>"));
            pair("pfm_range_max", &format!("<integer>{max}</integer>"));
        }
        Kind::Choice(words) => {
            pair("pfm_type", "<string>string</string>");
            let words: String = words.iter().map(|word| text(word)).collect();
            pair("pfm_range_list", &format!("<array>{words}</array>"));
        }
        Kind::Text | Kind::Json => pair("pfm_type", "<string>string</string>"),
        Kind::List => {
            pair("pfm_type", "<string>array</string>");
            pair("pfm_subkeys", "<array><dict><key>pfm_type</key><string>string</string></dict></array>");
        }
    }
    pair("pfm_default", &plist(&policy.default, policy.kind == Kind::Json));
    line("</dict>");
}

/// A value as it stands in a profile; as JSON text where `is_text`.
pub(super) fn plist(value: &Value, is_text: bool) -> String {
    match value {
        _ if is_text => format!("<string>{}</string>", escaped(&value.to_string())),
        Value::Bool(on) => format!("<{on}/>"),
        Value::Number(number) => format!("<integer>{number}</integer>"),
        Value::String(text) => format!("<string>{}</string>", escaped(text)),
        Value::Array(values) => {
            format!("<array>{}</array>", values.iter().map(|value| plist(value, false)).collect::<String>())
        }
        Value::Object(_) | Value::Null => format!("<string>{}</string>", escaped(&value.to_string())),
    }
}
