//! Windows: the administrative template (ADMX) and its texts (ADML), for Group Policy and Intune.
//!
//! Each setting is there twice: mandatory, and recommended in a category of its own. Invariant:
//! value names are the dotted names, so that what stands in the registry can be compared with any
//! other system.

use std::fmt::Write as _;

use serde_json::Value;

use super::escaped;
use super::schema::{Kind, Language, Policy, Schema};

const KEY: &str = r"Software\Policies\Belfry";
/// Longest JSON that the editor takes.
const LONGEST_JSON: u32 = 16_384;

/// The template.
pub(crate) fn admx(schema: &Schema) -> String {
    let mut out = String::from(
        r#"<?xml version="1.0" encoding="utf-8"?>
<!-- Generated from the table of settings; see packaging/generate. -->
<policyDefinitions xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" revision="1.0" schemaVersion="1.0" xmlns="http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions">
  <policyNamespaces>
    <target prefix="belfry" namespace="Belfry.Policies.Belfry"/>
  </policyNamespaces>
  <resources minRequiredRevision="1.0"/>
  <supportedOn>
    <definitions>
      <definition name="supported" displayName="$(string.supported)"/>
    </definitions>
  </supportedOn>
  <categories>
    <category name="belfry" displayName="$(string.belfry)"/>
    <category name="recommended" displayName="$(string.recommended)"><parentCategory ref="belfry"/></category>
"#,
    );
    for (category, _) in &schema.categories {
        for (suffix, parent) in [("", "belfry"), ("_recommended", "recommended")] {
            let _infallible = writeln!(
                out,
                r#"    <category name="{category}{suffix}" displayName="$(string.{category})"><parentCategory ref="{parent}"/></category>"#
            );
        }
    }
    out.push_str("  </categories>\n  <policies>\n");
    for policy in &schema.policies {
        for is_recommended in [false, true] {
            write_policy(&mut out, policy, is_recommended);
        }
    }
    out.push_str("  </policies>\n</policyDefinitions>\n");
    out
}

fn write_policy(out: &mut String, policy: &Policy, is_recommended: bool) {
    let (id, name) = (policy.id(), &policy.name);
    let suffix = if is_recommended { "_recommended" } else { "" };
    let key = if is_recommended { format!(r"{KEY}\Recommended") } else { KEY.to_owned() };
    let is_switch = policy.kind == Kind::Switch;
    let presentation = if is_switch { String::new() } else { format!(r#" presentation="$(presentation.{id})""#) };
    let value_name = if is_switch { format!(r#" valueName="{name}""#) } else { String::new() };
    let _infallible = writeln!(
        out,
        r#"    <policy name="{id}{suffix}" class="Both" displayName="$(string.{id})" explainText="$(string.{id}_help)" key="{key}"{value_name}{presentation}>
      <parentCategory ref="{}{suffix}"/>
      <supportedOn ref="supported"/>"#,
        policy.category()
    );
    let element = match &policy.kind {
        Kind::Switch => {
            out.push_str("      <enabledValue><decimal value=\"1\"/></enabledValue>\n");
            out.push_str("      <disabledValue><decimal value=\"0\"/></disabledValue>\n    </policy>\n");
            return;
        }
        Kind::Number { min, max } => {
            format!(r#"<decimal id="value" valueName="{name}" required="true" minValue="{min}" maxValue="{max}"/>"#)
        }
        Kind::Choice(words) => {
            let mut items = String::new();
            for word in words {
                let _infallible = write!(
                    items,
                    r#"<item displayName="$(string.{id}_{})"><value><string>{word}</string></value></item>"#,
                    word_id(word)
                );
            }
            format!(r#"<enum id="value" valueName="{name}" required="true">{items}</enum>"#)
        }
        Kind::Text => format!(r#"<text id="value" valueName="{name}" maxLength="1023"/>"#),
        Kind::List => format!(r#"<list id="value" key="{key}\{name}" valuePrefix=""/>"#),
        Kind::Json => format!(r#"<multiText id="value" valueName="{name}" maxLength="{LONGEST_JSON}"/>"#),
    };
    let _infallible = writeln!(out, "      <elements>{element}</elements>\n    </policy>");
}

/// The texts of the template in one language.
pub(crate) fn adml(schema: &Schema, language: Language) -> String {
    let is_english = language == Language::English;
    let say = |english: &'static str, chinese: &'static str| if is_english { english } else { chinese };
    let mut out = String::from(
        r#"<?xml version="1.0" encoding="utf-8"?>
<!-- Generated from the table of settings; see packaging/generate. -->
<policyDefinitionResources xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" revision="1.0" schemaVersion="1.0" xmlns="http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions">
  <displayName>Belfry</displayName>
  <description>Belfry</description>
  <resources>
    <stringTable>
"#,
    );
    let mut string = |id: &str, text: &str| {
        let _infallible = writeln!(out, r#"      <string id="{id}">{}</string>"#, escaped(text));
    };
    string("belfry", "Belfry");
    string("recommended", say("Recommended (people may change these)", "推荐设置（用户可更改）"));
    string("supported", say("Belfry 0.1 or later", "Belfry 0.1 或更高版本"));
    for (category, [english, chinese]) in &schema.categories {
        string(category, if is_english { english } else { chinese });
    }
    for policy in &schema.policies {
        let id = policy.id();
        string(&id, &format!("{} ({})", policy.title(language), policy.name));
        let default = spelled(&policy.default);
        let (form, unset) = (form(&policy.kind, language), say("Default", "默认值"));
        let meaning = policy.meaning(language);
        let form = if form.is_empty() { String::new() } else { format!("{form}\n") };
        string(&format!("{id}_help"), format!("{meaning}\n\n{form}{unset}: {default}").trim_end());
        if let Kind::Choice(words) = &policy.kind {
            for word in words {
                string(&format!("{id}_{}", word_id(word)), word);
            }
        }
    }
    out.push_str("    </stringTable>\n    <presentationTable>\n");
    for policy in &schema.policies {
        let (id, title) = (policy.id(), escaped(policy.title(language)));
        let control = match &policy.kind {
            Kind::Switch => continue,
            Kind::Number { .. } => format!(
                r#"<decimalTextBox refId="value" defaultValue="{}">{title}</decimalTextBox>"#,
                spelled(&policy.default)
            ),
            Kind::Choice(words) => {
                let default = words.iter().position(|word| Some(word.as_str()) == policy.default.as_str()).unwrap_or(0);
                format!(r#"<dropdownList refId="value" noSort="true" defaultItem="{default}">{title}</dropdownList>"#)
            }
            Kind::Text => format!(r#"<textBox refId="value"><label>{title}</label></textBox>"#),
            Kind::List => format!(r#"<listBox refId="value">{title}</listBox>"#),
            Kind::Json => format!(r#"<text>{title}</text><multiTextBox refId="value" defaultHeight="8"/>"#),
        };
        let _infallible = writeln!(out, r#"      <presentation id="{id}">{control}</presentation>"#);
    }
    out.push_str("    </presentationTable>\n  </resources>\n</policyDefinitionResources>\n");
    out
}

fn form(kind: &Kind, language: Language) -> &'static str {
    let is_english = language == Language::English;
    match kind {
        Kind::Json if is_english => "Written as JSON.",
        Kind::Json => "以 JSON 填写。",
        Kind::List if is_english => "One value a line.",
        Kind::List => "每行一个值。",
        Kind::Switch | Kind::Number { .. } | Kind::Choice(_) | Kind::Text => "",
    }
}

/// A value without the quotes of a text.
pub(super) fn spelled(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn word_id(word: &str) -> String {
    word.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}
