//! STOMP destinations and how a topic pattern matches a routing key.
//!
//! The names are RabbitMQ's (`/topic/KEY` is the exchange `amq.topic`) and, for personal messages,
//! Spring's (`/user/queue/NAME`). Every exchange here is a topic exchange: direct and fanout are
//! its special cases (a pattern without wildcards, and `#`). Names are taken literally: no
//! percent-decoding.

/// The exchange behind `/topic/KEY`, as in RabbitMQ.
const TOPIC_EXCHANGE: &str = "amq.topic";

/// Where a message without receivers is published. A client that is subscribed to this and to a
/// personal queue, as discovery proposes, gets every message once: the personal ones there, the
/// others here.
pub(crate) const BROADCAST: &str = "/topic/broadcast";
const BROADCAST_KEY: &str = "broadcast";

/// Where a SEND goes to or a SUBSCRIBE takes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Destination {
    /// `/topic/KEY` and `/exchange/NAME[/KEY]`: a copy for every queue bound with a matching
    /// pattern.
    Exchange {
        /// Name of the exchange; it need not be declared.
        name: String,
        /// Routing key of a SEND, pattern of a SUBSCRIBE; `None` for `/exchange/NAME` and
        /// `/exchange/NAME/`.
        key: Option<String>,
    },
    /// `/queue/NAME`: one queue, each message for one of its consumers.
    Queue(String),
    /// `/user/queue/NAME`: the person who is signed in.
    Personal(String),
}

/// Why a destination was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "destination {0:?} is not known here: use /topic/KEY, /queue/NAME, /exchange/NAME/KEY or /user/queue/NAME (to write to somebody else, call sendMessage)"
)]
pub(crate) struct UnknownDestination(String);

/// Why a SEND was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendRefused {
    #[error("only this server publishes to /topic/broadcast: call sendMessage without a receiver")]
    Reserved,
    #[error("clients may SEND to /topic/KEY and /queue/NAME only: to write to a person, call sendMessage")]
    NotForClients,
}

impl Destination {
    /// Where messages to everybody go: [`BROADCAST`].
    pub(crate) fn broadcast() -> Self {
        Self::Exchange { name: TOPIC_EXCHANGE.to_owned(), key: Some(BROADCAST_KEY.to_owned()) }
    }

    /// Whether a client may SEND here. What this server publishes to is its own: a client trusts
    /// what comes from there.
    pub(crate) fn check_send(&self) -> Result<(), SendRefused> {
        match self {
            Self::Exchange { name, key: Some(key) } if name == TOPIC_EXCHANGE => {
                if key == BROADCAST_KEY {
                    Err(SendRefused::Reserved)
                } else {
                    Ok(())
                }
            }
            Self::Queue(_) => Ok(()),
            Self::Exchange { .. } | Self::Personal(_) => Err(SendRefused::NotForClients),
        }
    }

    /// Reads the `destination` header.
    pub(crate) fn parse(text: &str) -> Result<Self, UnknownDestination> {
        let named = |prefix| text.strip_prefix(prefix).filter(|rest: &&str| !rest.is_empty()).map(str::to_owned);
        if let Some(key) = named("/topic/") {
            return Ok(Self::Exchange { name: TOPIC_EXCHANGE.to_owned(), key: Some(key) });
        }
        if let Some(name) = named("/queue/") {
            return Ok(Self::Queue(name));
        }
        if let Some(name) = named("/user/queue/") {
            return Ok(Self::Personal(name));
        }
        let exchange = named("/exchange/").and_then(|rest| match rest.split_once('/') {
            None => Some(Self::Exchange { name: rest, key: None }),
            Some(("", _)) => None,
            Some((name, "")) => Some(Self::Exchange { name: name.to_owned(), key: None }),
            Some((name, key)) => Some(Self::Exchange { name: name.to_owned(), key: Some(key.to_owned()) }),
        });
        exchange.ok_or_else(|| UnknownDestination(text.to_owned()))
    }

    /// Whether what is sent to `sent` reaches a subscription on `self`. Personal destinations take
    /// records only, which the broker hands out by login.
    pub(crate) fn takes(&self, sent: &Self) -> bool {
        match (self, sent) {
            (Self::Exchange { name, key: pattern }, Self::Exchange { name: to, key }) => {
                name == to && topic_matches(pattern.as_deref().unwrap_or("#"), key.as_deref().unwrap_or(""))
            }
            (Self::Queue(name), Self::Queue(to)) => name == to,
            _ => false,
        }
    }
}

/// AMQP topic matching: words between dots, `*` is exactly one word, `#` any number of them.
///
/// Goes back only to the latest `#`, so a hostile pattern costs at most pattern × key.
fn topic_matches(pattern: &str, key: &str) -> bool {
    let pattern: Vec<&str> = pattern.split('.').collect();
    // An empty key has no words, so that `*` does not match it and `#` does.
    let key: Vec<&str> = if key.is_empty() { Vec::new() } else { key.split('.').collect() };
    let (mut p, mut k) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), key.get(k)) {
            (Some(&"#"), _) => {
                retry = Some((p, k));
                p += 1;
                continue;
            }
            (Some(&word), Some(&is)) if word == "*" || word == is => {
                (p, k) = (p + 1, k + 1);
                continue;
            }
            (None, None) => return true,
            // An empty pattern is one empty word: it matches the empty key.
            (Some(&""), None) if pattern.len() == 1 => return true,
            _ => {}
        }
        let Some((hash, from)) = retry.filter(|(_, from)| *from < key.len()) else { return false };
        retry = Some((hash, from + 1));
        (p, k) = (hash + 1, from + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn destinations_are_read_as_rabbitmq_and_spring_name_them() {
        let exchange = |name: &str, key: Option<&str>| Destination::Exchange {
            name: name.to_owned(),
            key: key.map(str::to_owned),
        };
        assert_eq!(Destination::parse("/topic/a.b"), Ok(exchange("amq.topic", Some("a.b"))));
        for text in ["/exchange/alerts", "/exchange/alerts/"] {
            assert_eq!(Destination::parse(text), Ok(exchange("alerts", None)), "{text}");
        }
        assert_eq!(Destination::parse("/exchange/alerts/a/b"), Ok(exchange("alerts", Some("a/b"))));
        assert_eq!(Destination::parse("/queue/q/1"), Ok(Destination::Queue("q/1".to_owned())));
        assert_eq!(Destination::parse("/user/queue/x"), Ok(Destination::Personal("x".to_owned())));
    }

    #[test]
    fn a_destination_without_a_name_or_of_another_person_is_refused() {
        for text in
            ["", "/", "/topic/", "/queue/", "/exchange/", "/exchange//k", "/user/queue/", "/user/bob/queue/x", "queue"]
        {
            let refused = Destination::parse(text).unwrap_err();
            assert!(refused.to_string().contains("/user/queue/NAME"), "{refused}");
        }
    }

    #[test]
    fn clients_send_to_topics_and_queues_and_not_where_this_server_publishes() {
        let check = |text| Destination::parse(text).unwrap().check_send();
        assert_eq!(Destination::parse(BROADCAST), Ok(Destination::broadcast()));
        for open in ["/topic/news", "/topic/broadcast.x", "/topic/#", "/queue/broadcast", "/exchange/amq.topic/news"] {
            assert_eq!(check(open), Ok(()), "{open}");
        }
        for reserved in ["/topic/broadcast", "/exchange/amq.topic/broadcast"] {
            assert_eq!(check(reserved), Err(SendRefused::Reserved), "{reserved}");
        }
        for closed in ["/user/queue/notices", "/exchange/belfry/alice", "/exchange/amq.topic", "/exchange/alerts/k"] {
            assert_eq!(check(closed), Err(SendRefused::NotForClients), "{closed}");
        }
    }

    #[test]
    fn topic_wildcards_match_as_in_amqp() {
        for (pattern, key, expected) in [
            ("a.b", "a.b", true),
            ("a.b", "a.c", false),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("#", "", true),
            ("#", "a.b.c", true),
            ("a.#", "a", true),
            ("a.#", "a.b.c", true),
            ("#.c", "a.b.c", true),
            ("#.c", "c", true),
            ("#.c", "a.c.b", false),
            ("#.b.#", "a.b.c", true),
            ("#.b.*.#.d", "b.x.b.c.d", true),
            ("*", "", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(topic_matches(pattern, key), expected, "{pattern} on {key:?}");
        }
    }

    /// The definition, as plainly as it can be written.
    fn matches_by_definition(pattern: &[&str], key: &[&str]) -> bool {
        match pattern {
            [] => key.is_empty(),
            ["#", rest @ ..] => (0..=key.len()).any(|n| matches_by_definition(rest, &key[n..])),
            [word, rest @ ..] => {
                key.first().is_some_and(|is| word == &"*" || word == is) && matches_by_definition(rest, &key[1..])
            }
        }
    }

    proptest! {
        #[test]
        fn topic_matching_agrees_with_its_definition(
            pattern in proptest::collection::vec(prop_oneof![Just("a"), Just("b"), Just("*"), Just("#")], 1..7),
            key in proptest::collection::vec(prop_oneof![Just("a"), Just("b")], 0..7),
        ) {
            prop_assert_eq!(
                topic_matches(&pattern.join("."), &key.join(".")),
                matches_by_definition(&pattern, &key)
            );
        }
    }
}
