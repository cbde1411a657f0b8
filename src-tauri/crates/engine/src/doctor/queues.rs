//! What a subscription says about its queue: who else would take messages from it, and what to
//! check when the server ends the session for it without a word.
//!
//! Pure. As RabbitMQ names queues: after the destination (`/queue`, `/amq/queue`) or the header
//! `x-queue-name`; any other subscription has a queue of its own, since its id is that of account
//! and device. Deliberately absent: asking the server.

use belfry_core::settings::Subscription;

/// Who takes messages from a queue: each message reaches only one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    /// Every computer of this account.
    Account,
    /// Every computer of everybody.
    Everybody,
}

impl Sharing {
    /// Who shares the queue of a subscription; `None` if this computer alone takes from it, or if
    /// each gets a copy.
    pub(super) fn of(subscription: &Subscription) -> Option<Self> {
        let Subscription { destination, headers, .. } = subscription;
        let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
        let queue = match queue_of(destination) {
            Some(queue) => queue,
            None => headers.get("x-queue-name")?,
        };
        if is("exclusive", "true") || is_stream(subscription) || queue.contains("{device}") {
            None
        } else if queue.contains("{login}") {
            Some(Self::Account)
        } else {
            Some(Self::Everybody)
        }
    }

    /// What that means.
    pub(super) fn detail(self) -> &'static str {
        match self {
            Self::Account => {
                "without {device} in its queue's name, each message reaches only one computer of this account"
            }
            Self::Everybody => {
                "without {login} and {device} in its queue's name, each message reaches only one of all the \
                 computers that use this queue"
            }
        }
    }
}

/// What to do about [`Sharing`].
pub(super) const SHARING_REMEDY: &str = "give each computer a queue of its own: subscribe to the topic or the \
    exchange with headers = { durable = \"true\", \"auto-delete\" = \"false\", \
    \"x-queue-name\" = \"belfry.{login}.{device}\" } in server.subscriptions";

/// Whether its queue is a stream, which gives each subscriber a copy.
pub(super) fn is_stream(subscription: &Subscription) -> bool {
    subscription.headers.get("x-queue-type").is_some_and(|kind| kind == "stream")
        || subscription.headers.contains_key("x-stream-offset")
}

/// The queue that a destination names, if it names one.
pub(super) fn queue_of(destination: &str) -> Option<&str> {
    ["/queue/", "/amq/queue/", "/reply-queue/"].iter().find_map(|kind| destination.strip_prefix(kind))
}

/// What was found out about a subscription that the server has refused without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// The destination itself.
    Destination,
    /// Its queue: a plain subscription to the same destination works.
    Queue,
}

/// What to do about a subscription that the server has refused without a word.
pub(super) fn refused_remedy(subscription: &Subscription, refused: Refused) -> String {
    let Subscription { destination, headers, .. } = subscription;
    let exists = |kind: &str, name: &str| {
        format!("check that the {kind} {name} exists on the server and that the account may read it")
    };
    let other = |queue: &str| {
        format!(
            "check that the account may create and read the queue {queue}, and whether it was created with other \
             headers: then change server.subscriptions, or have the queue deleted"
        )
    };
    if let (Refused::Queue, Some(queue)) = (refused, headers.get("x-queue-name")) {
        other(queue)
    } else if let Some(queue) = destination.strip_prefix("/amq/queue/") {
        exists("queue", queue)
    } else if let Some(queue) = queue_of(destination) {
        other(queue)
    } else if let Some(exchange) = destination.strip_prefix("/exchange/") {
        exists("exchange", exchange.split('/').next().unwrap_or_default())
    } else {
        exists("destination", destination)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::doctor) fn subscription(destination: &str, headers: &[(&str, &str)]) -> Subscription {
        Subscription {
            destination: destination.to_owned(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Subscription::default()
        }
    }

    #[test]
    fn a_queue_without_the_device_in_its_name_is_shared_and_a_copy_is_not() {
        let own = "belfry.{login}.{device}";
        for (destination, headers, expected) in [
            ("/amq/queue/approvals", &[][..], Some(Sharing::Everybody)),
            ("/queue/approvals", &[], Some(Sharing::Everybody)),
            ("/queue/approvals.{login}", &[], Some(Sharing::Account)),
            ("/queue/approvals.{login}.{device}", &[], None),
            ("/queue/approvals", &[("exclusive", "true")], None),
            ("/queue/approvals", &[("x-queue-type", "stream")], None),
            ("/amq/queue/log", &[("x-stream-offset", "first")], None),
            ("/topic/news", &[], None),
            ("/exchange/news/all", &[("durable", "true")], None),
            ("/exchange/news/all", &[("durable", "true"), ("x-queue-name", "news")], Some(Sharing::Everybody)),
            ("/exchange/news/all", &[("durable", "true"), ("x-queue-name", "news.{login}")], Some(Sharing::Account)),
            ("/topic/news", &[("durable", "true"), ("x-queue-name", own)], None),
            ("/user/queue/approvals", &[], None),
        ] {
            assert_eq!(Sharing::of(&subscription(destination, headers)), expected, "{destination} {headers:?}");
        }
    }

    #[test]
    fn the_remedy_names_what_was_refused() {
        let named = [("x-queue-name", "q.{device}")];
        for (destination, headers, refused, expected) in [
            ("/exchange/news/all", &[][..], Refused::Destination, "the exchange news exists"),
            ("/exchange/news/all", &named, Refused::Destination, "the exchange news exists"),
            ("/exchange/news/all", &named, Refused::Queue, "the queue q.{device}, and whether"),
            ("/amq/queue/a", &[], Refused::Destination, "the queue a exists"),
            ("/queue/a", &[], Refused::Destination, "create and read the queue a"),
            ("/topic/a", &[], Refused::Destination, "/topic/a exists"),
        ] {
            let remedy = refused_remedy(&subscription(destination, headers), refused);
            assert!(remedy.contains(expected), "{destination}: {remedy}");
        }
    }
}
