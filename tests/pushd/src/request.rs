//! What a STOMP client's frame asks for, read into types: CONNECT, and the requests that may follow
//! it.
//!
//! Pure. Deliberately absent: transactions (BEGIN, COMMIT, ABORT are refused by name), STOMP 1.0,
//! and the many queue arguments of RabbitMQ; of those, `durable`, `x-queue-name` and
//! `prefetch-count` are understood, the rest is ignored.

use std::time::Duration;

use stomp::{Command, Frame, Version};

use crate::auth::bearer;
use crate::broker::{AckMode, Message, SessionId, Subscribe, Tag};
use crate::destination::Destination;
use crate::device::Device;

/// Heart-beats are possible in either direction down to this; what the client asks for beyond it
/// decides.
pub(crate) const HEART_BEAT_MS: u64 = 100;

/// Headers of a SEND that are the protocol's or the server's to set; all others travel with the
/// message.
const NOT_PASSED_ON: [&str; 9] = [
    "destination",
    "receipt",
    "transaction",
    "content-length",
    "message-id",
    "subscription",
    "ack",
    "redelivered",
    "persistent",
];

/// Why a frame is refused: the `message` header of the ERROR that ends the session.
pub(crate) type Refusal = String;

/// A CONNECT or STOMP frame.
#[derive(PartialEq, Eq)]
pub(crate) struct Connect {
    pub(crate) version: Version,
    pub(crate) login: Option<String>,
    /// Password or token: `passcode`, `Authorization: Bearer ...` or `X-Auth-Token`.
    pub(crate) secret: String,
    /// The headers `device` (or `client-id`) and `device-name`.
    pub(crate) device: Device,
    /// How often we beat; `None`: never.
    pub(crate) send_every: Option<Duration>,
    /// How often the client beats; `None`: never.
    pub(crate) expect_every: Option<Duration>,
}

impl Connect {
    pub(crate) fn read(frame: &Frame) -> Result<Self, Refusal> {
        if !matches!(frame.command(), Command::Connect | Command::Stomp) {
            return Err(format!("the first frame is {}, not CONNECT", frame.command()));
        }
        let header = |name: &str| frame.header(name).filter(|value| !value.is_empty()).map(String::from);
        let version = Version::negotiate(&header("accept-version").unwrap_or_default())
            .ok_or("no common version: accept-version has to name 1.1 or 1.2")?;
        let secret = header("passcode")
            .or_else(|| header("Authorization").as_deref().and_then(bearer).map(str::to_owned))
            .or_else(|| header("X-Auth-Token"))
            .unwrap_or_default();
        let (client_sends, client_expects) = heart_beat(&header("heart-beat").unwrap_or_else(|| "0,0".to_owned()))?;
        let every = |asked: u64| (asked > 0).then(|| Duration::from_millis(asked.max(HEART_BEAT_MS)));
        Ok(Self {
            version,
            login: header("login"),
            secret,
            device: Device::new(
                header("device").or_else(|| header("client-id")).unwrap_or_default(),
                header("device-name").unwrap_or_default(),
            ),
            send_every: every(client_expects),
            expect_every: every(client_sends),
        })
    }
}

fn heart_beat(text: &str) -> Result<(u64, u64), Refusal> {
    text.split_once(',')
        .and_then(|(sends, expects)| Some((sends.parse().ok()?, expects.parse().ok()?)))
        .ok_or_else(|| "heart-beat has to be two numbers of milliseconds: \"10000,10000\"".to_owned())
}

/// A frame after CONNECT.
#[derive(Debug)]
pub(crate) enum Request {
    Send(Destination, Message),
    Subscribe(Subscribe),
    Unsubscribe {
        id: String,
        /// `durable:true` as at RabbitMQ: the durable queue goes as well.
        forget: bool,
    },
    Ack(Tag),
    Nack(Tag),
    Disconnect,
}

impl Request {
    pub(crate) fn read(frame: &Frame, version: Version, login: &str, session: SessionId) -> Result<Self, Refusal> {
        let command = frame.command();
        let header = |name: &str| frame.header(name).map(String::from);
        let required = |name: &str| header(name).ok_or_else(|| format!("{command} has no {name} header"));
        let destination = || {
            let text = required("destination")?;
            Ok::<_, Refusal>((Destination::parse(&text).map_err(|error| error.to_string())?, text))
        };
        let is_durable = || header("durable").as_deref() == Some("true");
        match command {
            Command::Send => {
                refuse_transaction(frame)?;
                let (destination, text) = destination()?;
                destination.check_send().map_err(|refused| refused.to_string())?;
                let cannot_be_encoded = |text: &str| text.contains(['\r', '\0']);
                if frame
                    .headers()
                    .any(|(name, value)| name.is_empty() || cannot_be_encoded(&name) || cannot_be_encoded(&value))
                {
                    return Err(
                        "a header has no name or holds a character that a 1.1 subscriber cannot be sent".to_owned()
                    );
                }
                let headers = frame
                    .headers()
                    .filter(|(name, _)| !NOT_PASSED_ON.contains(&name.as_ref()))
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect();
                Ok(Self::Send(
                    destination,
                    Message { destination: text, headers, body: frame.body_bytes(), record: None },
                ))
            }
            Command::Subscribe => {
                let (destination, text) = destination()?;
                let id = required("id")?;
                let durable =
                    is_durable().then(|| header("x-queue-name").unwrap_or_else(|| format!("{login}.{id}.{text}")));
                let mode = match header("ack").as_deref() {
                    None | Some("auto") => AckMode::Auto,
                    Some("client") => AckMode::Client,
                    Some("client-individual") => AckMode::ClientIndividual,
                    Some(other) => return Err(format!("ack {other:?} is not auto, client or client-individual")),
                };
                let prefetch = match header("prefetch-count").as_deref().map(str::parse) {
                    None | Some(Ok(0)) => None,
                    Some(Ok(count)) => Some(count),
                    Some(Err(_)) => return Err("prefetch-count is not a number".to_owned()),
                };
                Ok(Self::Subscribe(Subscribe { id, destination, text, mode, prefetch, durable }))
            }
            Command::Unsubscribe => Ok(Self::Unsubscribe { id: required("id")?, forget: is_durable() }),
            Command::Ack | Command::Nack => {
                refuse_transaction(frame)?;
                let id = required(if version == Version::V1_1 { "message-id" } else { "id" })?;
                let tag = read_message_id(session, &id).ok_or("this id was not given out in this session")?;
                Ok(if command == Command::Ack { Self::Ack(tag) } else { Self::Nack(tag) })
            }
            Command::Disconnect => Ok(Self::Disconnect),
            Command::Begin | Command::Commit | Command::Abort => Err("transactions are not supported here".to_owned()),
            Command::Connect | Command::Stomp => Err("the session is connected already".to_owned()),
            Command::Connected | Command::Message | Command::Receipt | Command::Error => {
                Err(format!("{command} is a server's frame"))
            }
        }
    }
}

fn refuse_transaction(frame: &Frame) -> Result<(), Refusal> {
    match frame.header("transaction") {
        None => Ok(()),
        Some(_) => Err("transactions are not supported here".to_owned()),
    }
}

/// `message-id` and `ack` of a delivery: one text for both, good in this session only.
pub(crate) fn message_id(session: SessionId, tag: Tag) -> String {
    format!("{session}-{tag}")
}

fn read_message_id(session: SessionId, id: &str) -> Option<Tag> {
    let (of, tag) = id.split_once('-')?;
    (of == session.to_string()).then(|| tag.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use stomp::{Decoded, Decoder, Limits};

    fn frame(text: &str) -> Frame {
        let mut decoder = Decoder::new(Limits::default(), Version::V1_2);
        decoder.push(format!("{text}\0"));
        match decoder.next().unwrap() {
            Some(Decoded::Frame(frame)) => frame,
            other => panic!("{other:?}"),
        }
    }

    fn connect(headers: &str) -> Result<Connect, Refusal> {
        Connect::read(&frame(&format!("CONNECT\naccept-version:1.1,1.2\n{headers}\n")))
    }

    fn read(text: &str) -> Result<Request, Refusal> {
        Request::read(&frame(text), Version::V1_2, "alice", 7)
    }

    #[test]
    fn the_secret_is_found_wherever_a_client_puts_it() {
        for headers in [
            "login:alice\npasscode:s\n",
            "Authorization:Bearer s\n",
            "X-Auth-Token:s\n",
            "passcode:s\nX-Auth-Token:t\n",
        ] {
            assert_eq!(connect(headers).ok().unwrap().secret, "s", "{headers}");
        }
        assert_eq!(connect("").ok().unwrap().secret, "");
    }

    #[test]
    fn version_and_heart_beat_are_agreed_on() {
        let agreed = connect("heart-beat:20,30000\nclient-id:pc\ndevice-name:Desk\n").ok().unwrap();
        assert_eq!(agreed.version, Version::V1_2);
        assert_eq!(agreed.expect_every, Some(Duration::from_millis(100)), "no faster than we offer");
        assert_eq!(agreed.send_every, Some(Duration::from_secs(30)));
        assert_eq!(agreed.device, Device::new("pc", "Desk"));
        let silent = connect("heart-beat:0,0\n").ok().unwrap();
        assert_eq!((silent.send_every, silent.expect_every), (None, None));
        for (bad, why) in [
            ("CONNECT\naccept-version:1.0\n\n", "no common version"),
            ("CONNECT\n\n", "no common version"),
            ("DISCONNECT\n\n", "not CONNECT"),
        ] {
            let refused = Connect::read(&frame(bad)).err().unwrap();
            assert!(refused.contains(why), "{refused}");
        }
        assert!(connect("heart-beat:1\n").err().unwrap().contains("two numbers"));
    }

    #[test]
    fn a_send_passes_on_its_own_headers_and_none_of_the_servers() {
        let sent =
            read("SEND\ndestination:/topic/t\nreceipt:1\nmessage-id:forged\ncontent-type:text/plain\nx:y\n\nhello")
                .unwrap();
        let Request::Send(destination, message) = sent else { panic!("{sent:?}") };
        assert_eq!(destination, Destination::parse("/topic/t").unwrap());
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(message.headers, [header("content-type", "text/plain"), header("x", "y")]);
        assert_eq!(message.body, "hello");
    }

    #[test]
    fn a_subscribe_is_read_with_its_queue_and_prefetch() {
        let of = |headers: &str| match read(&format!("SUBSCRIBE\nid:1\ndestination:/topic/t\n{headers}\n")) {
            Ok(Request::Subscribe(subscribe)) => Ok(subscribe),
            Ok(other) => panic!("{other:?}"),
            Err(refused) => Err(refused),
        };
        let plain = of("").unwrap();
        assert_eq!((plain.mode, plain.prefetch, plain.durable), (AckMode::Auto, None, None));
        let full = of("ack:client-individual\nprefetch-count:20\ndurable:true\nx-queue-name:q\n").unwrap();
        assert_eq!((full.mode, full.prefetch), (AckMode::ClientIndividual, Some(20)));
        assert_eq!(full.durable.as_deref(), Some("q"));
        assert_eq!(
            of("durable:true\n").unwrap().durable.as_deref(),
            Some("alice.1./topic/t"),
            "the login is in the name"
        );
        assert!(of("ack:sometimes\n").unwrap_err().contains("sometimes"));
        assert!(of("prefetch-count:many\n").unwrap_err().contains("prefetch-count"));
    }

    #[test]
    fn an_ack_names_a_delivery_of_this_session() {
        assert!(matches!(read("ACK\nid:7-12\n\n"), Ok(Request::Ack(12))));
        assert!(matches!(read("NACK\nid:7-12\n\n"), Ok(Request::Nack(12))));
        for other in ["ACK\nid:8-12\n\n", "ACK\nid:12\n\n", "ACK\nmessage-id:7-12\n\n"] {
            assert!(read(other).is_err(), "{other}");
        }
        let old = frame("ACK\nsubscription:s\nmessage-id:7-12\n\n");
        assert!(matches!(Request::read(&old, Version::V1_1, "alice", 7), Ok(Request::Ack(12))));
    }

    #[test]
    fn what_is_missing_or_not_supported_is_named() {
        for (text, why) in [
            ("SEND\n\n", "SEND has no destination header"),
            ("SUBSCRIBE\ndestination:/topic/t\n\n", "SUBSCRIBE has no id header"),
            ("UNSUBSCRIBE\n\n", "UNSUBSCRIBE has no id header"),
            ("SEND\ndestination:/nowhere\n\n", "/nowhere"),
            ("SEND\ndestination:/topic/t\nx:\\r\n\n", "1.1 subscriber"),
            ("SEND\ndestination:/topic/t\n:x\n\n", "no name"),
            ("BEGIN\ntransaction:1\n\n", "transactions"),
            ("SEND\ndestination:/topic/t\ntransaction:1\n\n", "transactions"),
            ("CONNECT\n\n", "already"),
            ("MESSAGE\n\n", "server's"),
        ] {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
