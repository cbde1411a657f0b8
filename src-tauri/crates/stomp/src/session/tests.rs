//! The session against a peer in memory, which writes frames with [`Encoder`] and reads them with
//! [`Decoder`].

use super::*;
use crate::DecodeError;

/// A session and its peer: both ends of the connection, and the clock.
struct Peer {
    session: Session,
    /// What the session sent, read by a server.
    server: Decoder,
    encoder: Encoder,
    now: Instant,
}

fn parse(header: &str) -> HeartBeat {
    HeartBeat::parse(header).unwrap()
}

impl Peer {
    fn new() -> Peer {
        let connect = Connect { host: "/".into(), heart_beat: parse("10000,10000"), ..Connect::default() };
        Peer {
            session: Session::new(&connect, Limits { max_body: 16, ..Limits::default() }).unwrap(),
            server: Decoder::new(Limits::default(), Version::V1_2),
            encoder: Encoder::new(Version::V1_2),
            now: Instant::now(),
        }
    }

    /// After CONNECT and CONNECTED.
    fn connected(version: Version) -> Peer {
        let mut peer = Peer::new();
        assert_eq!(peer.sent().len(), 1);
        peer.encoder.version = version;
        peer.server.set_version(version);
        peer.receive(Command::Connected, &[("version", version.as_str()), ("heart-beat", "10000,10000")], "");
        assert!(matches!(peer.event(), SessionEvent::Connected { version: v, .. } if v == version));
        peer
    }

    /// After CONNECT, CONNECTED and SUBSCRIBE with the id `s`.
    fn subscribed(version: Version, ack: AckMode) -> Peer {
        let mut peer = Peer::connected(version);
        peer.session.subscribe("s".into(), "/queue/a", ack, &[]).unwrap();
        peer.sent();
        peer
    }

    fn receive(&mut self, command: Command, headers: &[(&str, &str)], body: &str) {
        let bytes = self.encoder.encode(command, headers.iter().copied(), body.as_bytes()).unwrap();
        self.session.handle_bytes(bytes, self.now);
    }

    fn message(&mut self, headers: &[(&str, &str)], body: &str) {
        self.receive(Command::Message, headers, body);
    }

    /// What the session has sent since the last call, as `COMMAND name:value …`; a heart-beat is
    /// `heart-beat`.
    fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        while let Some(bytes) = self.session.poll_transmit() {
            self.server.push(bytes);
            let frame = match self.server.next().unwrap().unwrap() {
                Decoded::Frame(frame) => frame,
                Decoded::HeartBeat => {
                    sent.push("heart-beat".into());
                    continue;
                }
                Decoded::Oversize(big) => panic!("{big:?}"),
            };
            let headers: Vec<_> = frame.headers().map(|(name, value)| format!("{name}:{value}")).collect();
            sent.push(format!("{} {}", frame.command(), headers.join(" ")));
        }
        sent
    }

    fn event(&mut self) -> SessionEvent {
        self.session.poll_event().unwrap()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.session.handle_timeout(self.now);
    }

    fn assert_over(&mut self) {
        assert!(self.session.is_over());
        assert!(self.session.poll_event().is_none());
        assert_eq!(self.session.poll_transmit(), None);
        assert_eq!(self.session.poll_timeout(), None);
        assert_eq!(self.session.send("/queue/a", &[], b""), Err(SessionError::NotOpen));
        let held = self.session.decoder.capacity();
        self.receive(Command::Receipt, &[("receipt-id", "1")], "");
        assert!(self.session.poll_event().is_none());
        assert_eq!(self.session.decoder.capacity(), held, "what comes after the end is not kept");
    }
}

#[test]
fn connect_carries_what_was_asked_for() {
    let connect = Connect {
        host: "vhost".into(),
        login: Some("alice".into()),
        passcode: Some("pa:ss".into()),
        headers: vec![("Authorization".into(), "Bearer x".into())],
        heart_beat: parse("10000,0"),
        escape_connect: false,
    };
    let mut session = Session::new(&connect, Limits::default()).unwrap();
    let expected = b"CONNECT\naccept-version:1.2,1.1\nhost:vhost\nheart-beat:10000,0\nlogin:alice\npasscode:pa:ss\n\
        Authorization:Bearer x\n\n\0";
    assert_eq!(session.poll_transmit().unwrap().escape_ascii().to_string(), expected.escape_ascii().to_string());
    assert_eq!(session.poll_transmit(), None);
}

#[test]
fn a_line_break_in_a_credential_is_refused_before_anything_is_sent() {
    for value in ["x\nadmin:true", "x\r", "x\0"] {
        let connect = Connect { passcode: Some(value.into()), ..Connect::default() };
        let refused = Session::new(&connect, Limits::default()).err();
        assert_eq!(refused, Some(EncodeError::Unencodable { command: Command::Connect, index: 4 }));
    }
}

#[test]
fn debug_shows_no_secret_and_no_message_text() {
    let secret = "s3cret";
    let connect = Connect {
        login: Some(secret.into()),
        passcode: Some(secret.into()),
        headers: vec![("X-Auth-Token".into(), secret.into())],
        ..Connect::default()
    };
    let mut shown = format!("{connect:?}{:?}", Session::new(&connect, Limits::default()).unwrap());
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::Auto);
    peer.message(&[("subscription", "s"), ("title", secret)], secret);
    peer.message(&[("subscription", "s"), ("title", secret)], &secret.repeat(9));
    shown += &format!("{:?}{:?}{:?}", peer.event(), peer.event(), peer.session);
    assert!(shown.contains("***") && shown.contains("X-Auth-Token") && !shown.contains(secret), "{shown}");
}

#[test]
fn the_version_and_the_heart_beat_are_the_servers_answer() {
    let mut peer = Peer::new();
    let headers =
        [("version", "1.1"), ("heart-beat", "0,20000"), ("server", "x/1"), ("session", "9"), ("user-name", "a:\\b")];
    peer.receive(Command::Connected, &headers, "");
    let SessionEvent::Connected { version, server, session, user_name, heart_beat } = peer.event() else { panic!() };
    assert_eq!((version, heart_beat), (Version::V1_1, parse("20000,0")));
    assert_eq!([server, session, user_name].map(|text| text.unwrap()), ["x/1", "9", "a:\\b"]);
}

#[test]
fn a_server_that_breaks_the_protocol_ends_the_session() {
    let no_header = |command, header| Violation::MissingHeader { command, header };
    for (is_connected, bytes, expected) in [
        (false, "CONNECTED\nversion:1.0\n\n\0", Violation::Version),
        (false, "CONNECTED\n\n\0", Violation::Version),
        (false, "CONNECTED\nversion:1.2\nheart-beat:soon\n\n\0", Violation::HeartBeat),
        (false, "MESSAGE\nsubscription:s\n\n\0", Violation::UnexpectedFrame(Command::Message)),
        (false, "RECEIPT\nreceipt-id:1\n\n\0", Violation::UnexpectedFrame(Command::Receipt)),
        (false, "HTTP/1.1 400 Bad Request\r\n", DecodeError::UnknownCommand.into()),
        (true, "CONNECTED\nversion:1.2\n\n\0", Violation::UnexpectedFrame(Command::Connected)),
        (true, "SEND\ndestination:a\n\n\0", Violation::UnexpectedFrame(Command::Send)),
        (true, "RECEIPT\n\n\0", no_header(Command::Receipt, "receipt-id")),
        (true, "RECEIPT\nreceipt-id:1\n\n12345678901234567\0", Violation::Oversize(Command::Receipt)),
        (true, "MESSAGE\na:\\t\n\n\0", DecodeError::UndefinedEscape { command: Command::Message, line: 2 }.into()),
    ] {
        let mut peer = if is_connected { Peer::subscribed(Version::V1_2, AckMode::Auto) } else { Peer::new() };
        peer.session.handle_bytes(bytes.as_bytes(), peer.now);
        assert!(matches!(peer.event(), SessionEvent::Violation(found) if found == expected), "{bytes:?}");
        peer.assert_over();
    }
}

#[test]
fn the_escapes_are_those_of_the_negotiated_version() {
    let bytes = b"MESSAGE\nsubscription:s\ntitle:\\r\n\n\0";
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::Auto);
    peer.session.handle_bytes(&bytes[..], peer.now);
    assert!(matches!(peer.event(), SessionEvent::Message { frame, .. } if frame.header("title").unwrap() == "\r"));
    let mut peer = Peer::subscribed(Version::V1_1, AckMode::Auto);
    peer.session.handle_bytes(&bytes[..], peer.now);
    let undefined = DecodeError::UndefinedEscape { command: Command::Message, line: 3 };
    assert!(matches!(peer.event(), SessionEvent::Violation(Violation::Decode(error)) if error == undefined));
}

#[test]
fn messages_before_a_violation_are_not_lost() {
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::Auto);
    peer.session.handle_bytes(&b"MESSAGE\nsubscription:s\n\n\0nonsense\nMESSAGE\nsubscription:s\n\n\0"[..], peer.now);
    assert!(matches!(peer.event(), SessionEvent::Message { .. }));
    assert!(matches!(peer.event(), SessionEvent::Violation(Violation::Decode(DecodeError::UnknownCommand))));
    peer.assert_over();
}

#[test]
fn nothing_can_be_sent_before_connected_arrives() {
    let mut peer = Peer::new();
    assert_eq!(peer.session.subscribe("s".into(), "/queue/a", AckMode::Auto, &[]), Err(SessionError::NotOpen));
    assert_eq!(peer.session.send("/queue/a", &[], b""), Err(SessionError::NotOpen));
    assert_eq!(peer.session.disconnect(peer.now), Err(SessionError::NotOpen));
    assert_eq!(peer.sent().len(), 1, "CONNECT and nothing else");
}

#[test]
fn subscriptions_are_made_ended_and_made_again() {
    let mut peer = Peer::connected(Version::V1_2);
    let id = SubscriptionId::from("s");
    let durable = [("durable".to_owned(), "true".to_owned()), ("x-queue-name".to_owned(), "a:b".to_owned())];
    let first = peer.session.subscribe(id.clone(), "/topic/a", AckMode::ClientIndividual, &durable).unwrap();
    assert_eq!(
        peer.session.subscribe(id.clone(), "/topic/b", AckMode::Auto, &[]),
        Err(SessionError::DuplicateSubscription(id.clone()))
    );
    let second = peer.session.unsubscribe(&id, &durable).unwrap();
    assert_eq!(peer.session.unsubscribe(&id, &[]), Err(SessionError::UnknownSubscription(id.clone())));
    // It was already on its way: no event, and no violation.
    peer.message(&[("subscription", "s"), ("ack", "1")], "");
    assert!(peer.session.poll_event().is_none() && !peer.session.is_over());
    let third = peer.session.subscribe(id, "/topic/c", AckMode::Auto, &[]).unwrap();
    peer.message(&[("subscription", "s"), ("ack", "1")], "");
    assert!(matches!(peer.event(), SessionEvent::Message { ack: None, .. }));
    assert!(first < second && second < third);
    assert_eq!(
        peer.sent(),
        [
            "SUBSCRIBE id:s destination:/topic/a ack:client-individual receipt:1 durable:true x-queue-name:a:b",
            "UNSUBSCRIBE id:s receipt:2 durable:true x-queue-name:a:b",
            "SUBSCRIBE id:s destination:/topic/c ack:auto receipt:3",
        ]
    );
}

#[test]
fn messages_are_routed_by_subscription_and_acknowledged_as_the_version_requires() {
    for (version, mode, expected) in [
        (Version::V1_2, AckMode::ClientIndividual, Some(["ACK id:a1", "NACK id:a1"])),
        (Version::V1_2, AckMode::Client, Some(["ACK id:a1", "NACK id:a1"])),
        (
            Version::V1_1,
            AckMode::ClientIndividual,
            Some(["ACK message-id:m:1 subscription:s", "NACK message-id:m:1 subscription:s"]),
        ),
        (Version::V1_2, AckMode::Auto, None),
        (Version::V1_1, AckMode::Auto, None),
    ] {
        let mut peer = Peer::subscribed(version, mode);
        let headers = [("subscription", "s"), ("message-id", "m:1"), ("ack", "a1"), ("destination", "/rewritten")];
        peer.message(&headers, "hello");
        let SessionEvent::Message { subscription, ack, frame } = peer.event() else { panic!() };
        assert_eq!((subscription, frame.body()), (Some("s".into()), &b"hello"[..]));
        // Too large to keep, but it can be acknowledged.
        peer.message(&headers, "12345678901234567");
        let SessionEvent::Oversize { subscription, ack: same, oversize } = peer.event() else { panic!() };
        assert_eq!((subscription, &same, oversize.head.body()), (Some("s".into()), &ack, &b""[..]));
        assert_eq!(ack.is_some(), expected.is_some(), "{version} {mode:?}");
        if let (Some(token), Some(expected)) = (ack, expected) {
            peer.session.ack(&token).unwrap();
            peer.session.nack(&token).unwrap();
            assert_eq!(peer.sent(), expected);
        }
    }
}

#[test]
fn a_server_without_acknowledgements_leaves_nothing_to_acknowledge() {
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::ClientIndividual);
    peer.message(&[("subscription", "s"), ("message-id", "1")], "");
    assert!(matches!(peer.event(), SessionEvent::Message { ack: None, .. }));
}

#[test]
fn a_message_without_a_known_subscription_is_taken_by_the_one_to_its_destination_or_by_none() {
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::ClientIndividual);
    for named in [&[("subscription", "other")][..], &[]] {
        peer.message(&[named, &[("destination", "/queue/a"), ("ack", "a1")]].concat(), "");
        let SessionEvent::Message { subscription, ack: Some(token), .. } = peer.event() else { panic!() };
        assert_eq!(subscription, Some("s".into()));
        peer.session.ack(&token).unwrap();
        peer.message(&[named, &[("destination", "/elsewhere"), ("ack", "a2")]].concat(), "12345678901234567");
        let SessionEvent::Oversize { subscription: None, ack: Some(token), .. } = peer.event() else { panic!() };
        peer.session.ack(&token).unwrap();
        assert_eq!(peer.sent(), ["ACK id:a1", "ACK id:a2"]);
        peer.message(named, "");
        assert!(matches!(peer.event(), SessionEvent::Message { subscription: None, ack: None, .. }));
    }
    assert!(!peer.session.is_over());
}

#[test]
fn nothing_is_acknowledged_for_an_ended_subscription() {
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::Client);
    peer.message(&[("subscription", "s"), ("ack", "a1")], "");
    let SessionEvent::Message { ack: Some(token), subscription: Some(subscription), .. } = peer.event() else {
        panic!()
    };
    peer.session.unsubscribe(&subscription, &[]).unwrap();
    assert_eq!(peer.session.ack(&token), Err(SessionError::UnknownSubscription(subscription)));
    assert_eq!(peer.sent(), ["UNSUBSCRIBE id:s receipt:2"]);
}

#[test]
fn a_frame_that_cannot_be_written_is_refused_and_changes_nothing() {
    let mut peer = Peer::connected(Version::V1_2);
    let bad = [("x".to_owned(), "\0".to_owned())];
    let refused = SessionError::Encode(EncodeError::Unencodable { command: Command::Subscribe, index: 5 });
    assert_eq!(peer.session.subscribe("s".into(), "/queue/a", AckMode::Auto, &bad), Err(refused));
    assert!(peer.session.subscribe("s".into(), "/queue/a", AckMode::Auto, &[]).is_ok());
    assert_eq!(peer.sent(), ["SUBSCRIBE id:s destination:/queue/a ack:auto receipt:1"]);
}

#[test]
fn a_receipt_is_the_one_that_was_asked_for() {
    let mut peer = Peer::connected(Version::V1_2);
    let sent = peer.session.send("/queue/a", &[("content-type".into(), "text/plain".into())], b"hi").unwrap();
    assert_eq!(peer.sent(), ["SEND destination:/queue/a receipt:1 content-type:text/plain content-length:2"]);
    for foreign in ["0", "2", "x", ""] {
        peer.receive(Command::Receipt, &[("receipt-id", foreign)], "");
        assert!(peer.session.poll_event().is_none() && !peer.session.is_over(), "{foreign:?}");
    }
    peer.receive(Command::Receipt, &[("receipt-id", &sent.to_string())], "");
    assert!(matches!(peer.event(), SessionEvent::Receipt(id) if id == sent));
}

#[test]
fn an_error_ends_the_session_and_says_why() {
    for is_connected in [false, true] {
        let mut peer = if is_connected { Peer::connected(Version::V1_2) } else { Peer::new() };
        peer.receive(Command::Error, &[("message", "Bad CONNECT")], "Access refused");
        let SessionEvent::Error { message, receipt, frame } = peer.event() else { panic!() };
        assert_eq!((&*message, receipt, frame.body()), ("Bad CONNECT", None, &b"Access refused"[..]));
        peer.assert_over();
    }
    let mut peer = Peer::connected(Version::V1_2);
    let sent = peer.session.send("/nowhere", &[], b"").unwrap();
    let headers = [("message", "too long"), ("receipt-id", &*sent.to_string())];
    peer.receive(Command::Error, &headers, "a body beyond the limits");
    assert!(
        matches!(peer.event(), SessionEvent::Error { receipt, frame, .. } if receipt == Some(sent) && frame.body().is_empty())
    );
    peer.assert_over();
}

#[test]
fn heart_beats_are_sent_and_silence_is_noticed() {
    let mut peer = Peer::connected(Version::V1_2);
    for _ in 0..3 {
        let before = peer.now;
        peer.pass(peer.session.poll_timeout().unwrap() - before);
        assert_eq!(peer.sent(), ["heart-beat"]);
        assert!(peer.now - before <= Duration::from_secs(10));
    }
    peer.session.handle_bytes(&b"\n"[..], peer.now);
    let last_received = peer.now;
    while !peer.session.is_over() {
        let due = peer.session.poll_timeout().unwrap();
        peer.pass(due - peer.now);
    }
    assert_eq!(peer.now, last_received + Duration::from_secs(30));
    assert!(matches!(peer.event(), SessionEvent::PeerSilent));
    peer.assert_over();
}

#[test]
fn half_a_frame_shows_that_the_peer_is_alive() {
    let mut peer = Peer::connected(Version::V1_2);
    peer.now += Duration::from_secs(29);
    peer.session.handle_bytes(&b"MESS"[..], peer.now);
    peer.pass(Duration::from_secs(29));
    assert!(!peer.session.is_over());
    peer.pass(Duration::from_secs(1));
    assert!(matches!(peer.event(), SessionEvent::PeerSilent));
}

#[test]
fn disconnect_is_the_last_thing_sent_and_ends_with_its_receipt() {
    let mut peer = Peer::subscribed(Version::V1_2, AckMode::Client);
    peer.session.disconnect(peer.now).unwrap();
    assert_eq!(peer.sent(), ["DISCONNECT receipt:2"]);
    // A message that was on its way is still an event, but it cannot be acknowledged any more.
    peer.message(&[("subscription", "s"), ("ack", "a1")], "");
    let SessionEvent::Message { ack: Some(token), .. } = peer.event() else { panic!() };
    assert_eq!(peer.session.ack(&token), Err(SessionError::NotOpen));
    assert_eq!(peer.session.disconnect(peer.now), Err(SessionError::NotOpen));
    peer.receive(Command::Receipt, &[("receipt-id", "1")], "");
    assert!(matches!(peer.event(), SessionEvent::Receipt(_)));
    assert_eq!(peer.sent(), [""; 0]);
    peer.receive(Command::Receipt, &[("receipt-id", "2")], "");
    assert!(matches!(peer.event(), SessionEvent::Disconnected { is_confirmed: true }));
    peer.assert_over();
}

#[test]
fn the_wait_for_the_receipt_of_disconnect_times_out() {
    let mut peer = Peer::connected(Version::V1_2);
    peer.session.disconnect(peer.now).unwrap();
    assert_eq!(peer.session.poll_timeout(), Some(peer.now + DISCONNECT_TIMEOUT));
    peer.sent();
    peer.pass(DISCONNECT_TIMEOUT);
    assert!(matches!(peer.event(), SessionEvent::Disconnected { is_confirmed: false }));
    peer.assert_over();
}
