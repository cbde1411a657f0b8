//! `belfry://notice/ID`: a link that opens a notice of the inbox.
//!
//! Anybody can write one, so it is read strictly and can do one thing only: show a notice that is
//! there. Deliberately absent: telling the system about the scheme, which is the packages' matter.
//! Invariant: a [`NoticeLink`] holds a short id without control characters, and nothing else of
//! what came in.

use std::fmt;
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use url::Url;

/// Longest id taken, in bytes; servers use a few dozen.
const LONGEST_ID: usize = 1_024;

/// A link to a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticeLink {
    /// The server's id of the notice.
    pub id: String,
}

/// What was given is no link to a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no link to a notice: it has to be belfry://notice/ID")]
pub struct NotALink;

impl fmt::Display for NoticeLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "belfry://notice/{}", utf8_percent_encode(&self.id, NON_ALPHANUMERIC))
    }
}

impl FromStr for NoticeLink {
    type Err = NotALink;

    fn from_str(text: &str) -> Result<Self, NotALink> {
        let rest = text.strip_prefix("belfry://notice/").filter(|rest| rest.len() <= 3 * LONGEST_ID).ok_or(NotALink)?;
        // The parser of the web agrees that it is an address, and that nothing but a path follows.
        let url = Url::parse(text).map_err(|_| NotALink)?;
        let is_plain = url.query().is_none() && url.fragment().is_none() && !rest.contains('/');
        let id = percent_decode_str(rest).decode_utf8().map_err(|_| NotALink)?;
        let is_id = !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(char::is_control);
        if is_plain && is_id { Ok(Self { id: id.into_owned() }) } else { Err(NotALink) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_a_notice() {
        let id = |text: &str| text.parse().map(|NoticeLink { id }| id);
        assert_eq!(id("belfry://notice/expense-7"), Ok("expense-7".to_owned()));
        assert_eq!(id("belfry://notice/a%2Fb%20%E5%AE%A1"), Ok("a/b 审".to_owned()));
        assert_eq!(
            NoticeLink { id: "a/b 审".to_owned() }.to_string().parse(),
            Ok(NoticeLink { id: "a/b 审".to_owned() })
        );
        assert_eq!(id("belfry://notice/9007199254740993"), Ok("9007199254740993".to_owned()));
    }

    #[test]
    fn whatever_else_is_given_is_no_link() {
        let long = format!("belfry://notice/{}", "x".repeat(LONGEST_ID + 1));
        for text in [
            "",
            "--config",
            "belfry://notice/",
            "belfry://notice",
            "belfry:notice/7",
            "belfry://other/7",
            "BELFRY://notice/7",
            "belfry://notice/7/8",
            "belfry://notice/7?x=1",
            "belfry://notice/7#x",
            "belfry://alice@notice/7",
            " belfry://notice/7",
            "belfry://notice:80/7",
            "https://notice/7",
            "belfry://notice/%00",
            "belfry://notice/%ff",
            "belfry://notice/a%0Ab",
            &long,
        ] {
            assert_eq!(text.parse::<NoticeLink>(), Err(NotALink), "{text}");
        }
    }
}
