//! The reference page: every policy, in words and as it is written on each system.

use std::fmt::Write as _;

use super::admx::spelled;
use super::mac::plist;
use super::schema::{Kind, Language, Schema};

/// `docs/admin-policies.md`.
pub(crate) fn page(schema: &Schema) -> String {
    let mut out = String::from(
        "<!-- Generated from the table of settings; see packaging/generate. -->

# Policies

Every setting of Belfry can be managed. How levels, scopes and precedence work stands in
[reference/settings.md](reference/settings.md#precedence), how policies are deployed in the admin
guide (`packaging/README.md`). Templates: `belfry.admx` with `en-US` and `zh-CN`, a sample profile
and a manifest for macOS, JSON samples for Linux.

- Every policy can be mandatory (locked) or recommended, for the machine or (Windows, macOS) for
  one person.
- A policy takes effect when Belfry starts.
- An invalid value has no effect, and `belfryctl policy` says why. For `network.ca_bundle`,
  `network.insecure_hosts`, `app.allowed_link_hosts` and `app.action_urls`, an invalid mandatory
  value closes what the key would open, until it is corrected.
- No policy holds a secret.

On Windows a value stands below `Software\\Policies\\Belfry` (recommended: `\\Recommended` below it)
under the name of the policy. A list may also be a key of that name with the values `1`, `2`, `3`.
",
    );
    for (category, [english, chinese]) in &schema.categories {
        let _infallible = write!(out, "\n## {english} ({chinese})\n");
        for policy in schema.policies.iter().filter(|policy| policy.category() == category) {
            let (name, example) = (&policy.name, policy.example());
            let json = example.to_string();
            let (takes, windows) = match &policy.kind {
                Kind::Switch => ("switch".to_owned(), format!("REG_DWORD `{}`", u8::from(example == true))),
                Kind::Number { min, max } => {
                    (format!("whole number from {min} to {max}"), format!("REG_DWORD `{json}`"))
                }
                Kind::Choice(words) => (format!("one of `{}`", words.join("`, `")), reg_sz(&spelled(&example))),
                Kind::Text => ("text".to_owned(), reg_sz(&spelled(&example))),
                Kind::List => ("list of texts".to_owned(), format!("REG_SZ `{json}`, or a key with numbered values")),
                Kind::Json => ("JSON".to_owned(), format!("REG_SZ or REG_MULTI_SZ `{json}`")),
            };
            let _infallible = write!(
                out,
                "\n### {name}\n\n{}. {}\n\n{}。{}\n\n- takes: {takes}\n- default: `{}`\n- Windows: {windows}\n- macOS: `{}`\n- Linux: `\"{name}\": {json}`\n",
                policy.title(Language::English),
                policy.meaning(Language::English),
                policy.title(Language::Chinese),
                policy.meaning(Language::Chinese),
                policy.default,
                plist(&example, policy.kind == Kind::Json),
            );
        }
    }
    out
}

fn reg_sz(text: &str) -> String {
    if text.is_empty() { "REG_SZ, empty".to_owned() } else { format!("REG_SZ `{text}`") }
}
