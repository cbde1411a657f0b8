//! A connection over a pipe, on a paused clock.

use stomp::Connect;

use super::*;
use crate::net::transport::tests::{Peer, pair};

/// `server.heart_beat.expect`.
const PING: Duration = Duration::from_secs(7);
const CONNECTED: &str = "CONNECTED\nversion:1.2\n\n\0";

fn redaction() -> Redaction {
    Redaction::new(&SecretString::from("the-secret-1234567890"))
}

/// A connection that has sent CONNECT, and its peer.
async fn connection(room: usize) -> (Connection, Peer) {
    let (transport, peer) = pair(room, Content::Stomp).await;
    let session = Session::new(&Connect::default(), Limits::default()).unwrap();
    (Connection::on(transport, session, redaction(), PING), peer)
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_a_probe_stays_connected_though_it_has_nothing_to_say() {
    let (mut connection, mut peer) = connection(64 * 1024).await;
    connection.probe().await.unwrap();
    let quiet = async {
        assert!(timeout(3 * PROBE_LIMIT, peer.read()).await.is_err());
        peer.send(CONNECTED).await;
        std::future::pending::<()>().await;
    };
    let event = tokio::select! {
        event = connection.next_event() => event,
        () = quiet => panic!("nothing arrived"),
    };
    assert!(matches!(event, Ok(SessionEvent::Connected { .. })), "{event:?}");
}

#[tokio::test(start_paused = true)]
async fn while_nothing_is_read_heart_beats_are_sent_and_silence_is_not_counted() {
    let (transport, mut peer) = pair(64 * 1024, Content::Stomp).await;
    let beats = stomp::HeartBeat { send: Duration::from_secs(10), expect: Duration::from_secs(10) };
    let connect = Connect { heart_beat: beats, ..Connect::default() };
    let mut connection =
        Connection::on(transport, Session::new(&connect, Limits::default()).unwrap(), redaction(), PING);
    peer.send("CONNECTED\nversion:1.2\nheart-beat:10000,10000\n\n\0").await;
    assert!(matches!(connection.next_event().await, Ok(SessionEvent::Connected { .. })));
    let reads = async {
        // CONNECT and its answer's time, then a heart-beat every 9 s.
        for _ in 0..10 {
            peer.read_one().await;
        }
    };
    tokio::select! {
        failure = connection.hold() => panic!("{failure:?}"),
        () = reads => {}
    }
    let start = Instant::now();
    connection.resume();
    assert!(matches!(connection.next_event().await, Ok(SessionEvent::PeerSilent)));
    assert_eq!(start.elapsed(), Duration::from_secs(30), "it counts from there");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_a_probe_is_silent() {
    let (mut connection, _peer) = connection(64 * 1024).await;
    let start = Instant::now();
    connection.probe().await.unwrap();
    assert_eq!(connection.next_event().await.unwrap_err().fault, Fault::Silent);
    assert_eq!(start.elapsed(), PROBE_LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_any_more_is_silent_however_often_it_is_tried() {
    let (mut connection, _peer) = connection(16).await;
    let start = Instant::now();
    let end = loop {
        // Commands come in between, and the wait for events starts again.
        if let Ok(end) = timeout(Duration::from_secs(7), connection.next_event()).await {
            break end;
        }
    };
    assert_eq!(end.unwrap_err().fault, Fault::Silent);
    assert_eq!(start.elapsed(), SEND_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn without_heart_beats_pings_tell_a_dead_link_from_a_quiet_server() {
    let (mut connection, mut peer) = connection(64 * 1024).await;
    peer.send(CONNECTED).await;
    assert!(matches!(connection.next_event().await, Ok(SessionEvent::Connected { .. })));
    let start = Instant::now();
    let quiet = timeout(20 * PING, peer.read());
    tokio::select! {
        event = connection.next_event() => panic!("{event:?}"),
        _ = quiet => {}
    }
    // From here on nothing answers.
    let answered = start.elapsed();
    assert_eq!(connection.next_event().await.unwrap_err().fault, Fault::Silent);
    let silent = start.elapsed() - answered;
    assert!(silent <= 3 * PING, "{silent:?}");
}

#[tokio::test(start_paused = true)]
async fn pings_keep_a_raw_connection_that_has_nothing_to_say_and_notice_when_it_is_dead() {
    let (transport, mut peer) = pair(64 * 1024, Content::Raw).await;
    let mut connection = Connection::on(transport, RawSession::new(1_000), redaction(), PING);
    connection.start_pings();
    let start = Instant::now();
    let quiet = timeout(20 * PING, peer.read());
    tokio::select! {
        message = connection.next_event() => panic!("{message:?}"),
        _ = quiet => {}
    }
    let answered = start.elapsed();
    assert_eq!(connection.next_event().await.unwrap_err().fault, Fault::Silent);
    assert!(start.elapsed() - answered <= 3 * PING);
}

#[tokio::test]
async fn a_close_that_repeats_the_secret_is_told_without_it() {
    for content in [Content::Stomp, Content::Raw] {
        let (transport, mut peer) = pair(64 * 1024, content).await;
        let mut connection = Connection::on(transport, RawSession::new(1_000), redaction(), PING);
        peer.close(4401, "/websocket/the-secret-1234567890 is not known").await;
        let failure = connection.next_event().await.unwrap_err();
        assert_eq!(failure.detail, "test: 4401 /websocket/[redacted] is not known");
        assert_eq!(failure.fault, Fault::Closed);
    }
}

#[tokio::test]
async fn every_code_of_a_raw_close_that_is_no_restart_may_be_about_the_token() {
    for (code, expected) in [
        (1000, Fault::Closed),
        (1002, Fault::Closed),
        (1003, Fault::Closed),
        (1007, Fault::Closed),
        (1008, Fault::Closed),
        (4401, Fault::Closed),
        (1001, Fault::Restarting),
        (1011, Fault::Restarting),
        (1012, Fault::Restarting),
        (1013, Fault::Restarting),
    ] {
        let (transport, mut peer) = pair(64 * 1024, Content::Raw).await;
        let mut connection = Connection::on(transport, RawSession::new(1_000), redaction(), PING);
        peer.close(code, "").await;
        assert_eq!(connection.next_event().await.unwrap_err().fault, expected, "{code}");
    }
    let (transport, peer) = pair(64 * 1024, Content::Raw).await;
    let mut connection = Connection::on(transport, RawSession::new(1_000), redaction(), PING);
    drop(peer);
    assert_eq!(connection.next_event().await.unwrap_err().fault, Fault::Broken, "1006: no close at all");
}

/// A connection in the frames of SockJS that expects a heart-beat of STOMP every 10 s.
async fn framed() -> (Connection, Peer) {
    let (transport, peer) = pair(64 * 1024, Content::SockJs).await;
    let beats = stomp::HeartBeat { send: Duration::ZERO, expect: Duration::from_secs(10) };
    let connect = Connect { heart_beat: beats, ..Connect::default() };
    let session = Session::new(&connect, Limits::default()).unwrap();
    (Connection::on(transport, session, redaction(), PING), peer)
}

#[tokio::test(start_paused = true)]
async fn stomp_passes_through_frames_of_sockjs_split_and_several_in_one() {
    let (mut connection, mut peer) = framed().await;
    peer.send(r#"a["CONNECTED\nversion:1.2\nuser-"]"#).await;
    peer.send(r#"a["name:alice\n\n","\u0000","\n"]"#).await;
    let connected = connection.next_event().await.unwrap();
    assert!(matches!(&connected, SessionEvent::Connected { user_name: Some(name), .. } if name == "alice"));
    for _ in 0..2 {
        connection.session().send("/queue/a", &[], b"text").unwrap();
    }
    let several = r#"a["RECEIPT\nreceipt-id:1\n\n","\u0000RECEIPT\nreceipt-id:2\n\n\u0000"]"#;
    peer.send(several).await;
    for _ in 0..2 {
        let event = connection.next_event().await;
        assert!(matches!(event, Ok(SessionEvent::Receipt(_))), "{event:?}");
    }
    let sent = peer.read_one().await;
    assert!(sent.starts_with(r#"["CONNECT\n"#) && sent.ends_with(r#"\n\n\u0000"]"#), "{sent}");
    peer.send(r#"c[3000,"Go away!"]"#).await;
    let failure = connection.next_event().await.unwrap_err();
    assert_eq!((failure.fault, failure.detail.as_str()), (Fault::Closed, "test: 3000 Go away!"));
}

#[tokio::test(start_paused = true)]
async fn a_heart_beat_of_sockjs_is_a_sign_of_life_and_its_absence_is_silence() {
    let (mut connection, mut peer) = framed().await;
    peer.send(r#"a["CONNECTED\nversion:1.2\nheart-beat:10000,0\n\n\u0000"]"#).await;
    assert!(matches!(connection.next_event().await, Ok(SessionEvent::Connected { .. })));
    let beats = async {
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_secs(25)).await;
            peer.send("h").await;
        }
    };
    tokio::select! {
        event = connection.next_event() => panic!("{event:?}"),
        () = beats => {}
    }
    let start = Instant::now();
    assert!(matches!(connection.next_event().await, Ok(SessionEvent::PeerSilent)));
    assert_eq!(start.elapsed(), Duration::from_secs(30));
}

#[tokio::test]
async fn a_server_that_does_not_speak_sockjs_broke_the_protocol() {
    for said in ["CONNECTED\nversion:1.2\n\n\0", "oops", "a[7]"] {
        let (mut connection, mut peer) = framed().await;
        peer.send(said).await;
        let failure = connection.next_event().await.unwrap_err();
        assert_eq!((failure.fault, failure.detail.as_str()), (Fault::Protocol, "test: no SockJS"), "{said}");
    }
}
