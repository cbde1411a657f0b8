//! `{login}` and `{device}` in destinations, header values and paths.
//!
//! One pass over the template: inserted text is not searched again. Deliberately absent: other
//! placeholders. Invariant: the result has no control character, so no login can add a header line
//! or end a frame.

use url::Url;

use super::ApiSettings;

/// Why a template cannot be filled in. Never shows the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A line break, NUL or other control character would end up in the result.
    #[error("a control character (such as a line break) in {0}: remove it")]
    Control(&'static str),
}

/// Replaces `{login}` and `{device}`; any other braces stay.
///
/// # Errors
/// [`ExpandError`] if the template or an inserted value has a control character.
pub fn expand(template: &str, login: &str, device: &str) -> Result<String, ExpandError> {
    let checked =
        |text: &str, what| if text.contains(char::is_control) { Err(ExpandError::Control(what)) } else { Ok(()) };
    checked(template, "a destination, header or path of the settings")?;
    let mut result = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.find('{').map(|at| rest.split_at(at)) {
        result.push_str(before);
        rest = if let Some(after) = from.strip_prefix("{login}") {
            checked(login, "the login")?;
            result.push_str(login);
            after
        } else if let Some(after) = from.strip_prefix("{device}") {
            checked(device, "the device id")?;
            result.push_str(device);
            after
        } else {
            result.push('{');
            from.strip_prefix('{').unwrap_or_default()
        };
    }
    result.push_str(rest);
    Ok(result)
}

impl ApiSettings {
    /// The URL of a call: `base` with `path`, one of this section's paths, below it. `None` if
    /// there is no API, or `path` is empty: the server lacks that call. A `/` in the login stays
    /// inside its segment.
    ///
    /// # Errors
    /// [`ExpandError`], as [`expand`].
    pub fn url_of(&self, path: &str, login: &str, device: &str) -> Result<Option<Url>, ExpandError> {
        let Some(mut url) = self.base.clone().filter(|_| !path.is_empty()) else { return Ok(None) };
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty();
            for segment in path.split('/').skip(1) {
                segments.push(&expand(segment, login, device)?);
            }
        }
        if let Some(query) = query {
            for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
                url.query_pairs_mut().append_pair(&name, &expand(&value, login, device)?);
            }
        }
        Ok(Some(url))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn login_and_device_are_replaced_and_other_braces_stay() {
        for (template, expected) in [
            ("/queue/belfry.{login}.{device}", "/queue/belfry.alice.dev1"),
            ("{login}{login}", "alicealice"),
            ("{{login}} {other} { {", "{alice} {other} { {"),
            ("{Login}{log{device}in}", "{Login}{logdev1in}"),
            ("", ""),
        ] {
            assert_eq!(expand(template, "alice", "dev1").as_deref(), Ok(expected), "{template}");
        }
    }

    #[test]
    fn a_login_that_looks_like_a_template_stays_as_it_is() {
        assert_eq!(expand("{login}", "{device}", "dev1").as_deref(), Ok("{device}"));
    }

    #[test]
    fn line_breaks_are_refused_wherever_they_come_from() {
        for (template, login) in [("a\nb", ""), ("{login}", "a\r\nx:y"), ("{login}", "a\0")] {
            assert!(expand(template, login, "").is_err(), "{template:?} {login:?}");
        }
        assert_eq!(expand("no login here", "a\n", "").as_deref(), Ok("no login here"));
    }

    #[test]
    fn calls_stand_below_the_base() {
        let url = |base: &str, path: &str| {
            let api = ApiSettings { base: Some(Url::parse(base).unwrap()), ..ApiSettings::default() };
            api.url_of(path, "a/b c", "dev1").unwrap().map(String::from)
        };
        for base in ["https://h/ecgapi", "https://h/ecgapi/"] {
            assert_eq!(url(base, "/api/m").as_deref(), Some("https://h/ecgapi/api/m"), "{base}");
        }
        assert_eq!(url("https://h", "/m/{login}").as_deref(), Some("https://h/m/a%2Fb%20c"));
        assert_eq!(url("https://h", "/m?d={device}&x=1").as_deref(), Some("https://h/m?d=dev1&x=1"));
        assert_eq!(url("https://h", ""), None);
        assert_eq!(ApiSettings::default().url_of("/m", "", "").unwrap(), None);
    }

    proptest! {
        #[test]
        fn nothing_that_is_put_in_adds_a_line(template in ".*", login in ".*", device in ".*") {
            if let Ok(text) = expand(&template, &login, &device) {
                prop_assert!(!text.contains(char::is_control));
            }
        }
    }
}
