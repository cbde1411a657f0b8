//! The supported protocol versions, and how the two sides agree on one.
//!
//! Deliberately absent: STOMP 1.0, which has no escaping, no heart-beat and no negotiation.

use std::fmt;

/// A protocol version; a later one is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// STOMP 1.1: no `\r` escape; ACK names `message-id` and `subscription`.
    V1_1,
    /// STOMP 1.2: ACK names the `ack` header of the MESSAGE.
    V1_2,
}

impl Version {
    /// What a client offers in `accept-version`.
    pub const OFFERED: &str = "1.2,1.1";

    /// The value of the `version` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1_1 => "1.1",
            Version::V1_2 => "1.2",
        }
    }

    /// Parses a `version` header; `None` for an unsupported version.
    pub fn parse(text: &str) -> Option<Version> {
        match text {
            "1.1" => Some(Version::V1_1),
            "1.2" => Some(Version::V1_2),
            _ => None,
        }
    }

    /// The server's choice: the highest supported version of an `accept-version` list. `None`:
    /// there is no common version (reply with ERROR and close).
    pub fn negotiate(accept_version: &str) -> Option<Version> {
        accept_version.split(',').filter_map(Version::parse).max()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn the_highest_common_version_is_chosen() {
        for (accepted, chosen) in [
            ("1.2,1.1", Some(Version::V1_2)),
            ("1.0,1.1", Some(Version::V1_1)),
            ("1.0,1.1,1.2,1.3", Some(Version::V1_2)),
            ("1.0", None),
            ("", None),
            ("12", None),
        ] {
            assert_eq!(Version::negotiate(accepted), chosen, "{accepted:?}");
        }
    }
}
