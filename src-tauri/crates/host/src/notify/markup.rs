//! Escapes text for notification services that read it as markup. It is cleaned and shortened first, so that no entity is
//! cut in half.

/// Escapes text for a service that interprets the body as markup (the `body-markup` capability of
/// the Desktop Notifications Specification 1.2).
pub(super) fn as_markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escapes text for an attribute in double quotes.
#[cfg(any(windows, test))]
pub(super) fn as_attribute(text: &str) -> String {
    as_markup(text).replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_message_is_shown_as_text() {
        assert_eq!(as_markup("<b>5 < 6 & \"x\"</b>"), "&lt;b&gt;5 &lt; 6 &amp; \"x\"&lt;/b&gt;");
        assert_eq!(as_markup("&lt;"), "&amp;lt;");
        assert_eq!(as_attribute("\"/><x y=\"&"), "&quot;/&gt;&lt;x y=&quot;&amp;");
    }
}
