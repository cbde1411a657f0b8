use proptest::prelude::*;
use serde_json::json;

use super::{super::Priority, *};
use crate::notice::{Action, Confirm, State};

const STOMP: Incoming<'_> = Incoming {
    body: b"",
    destination: "/queue/approvals",
    scope: "hr",
    amqp_message_id: None,
    redelivered: Some(false),
    via: Via::Stomp,
    origin: &Origin::Personal,
};
const RAW: Incoming<'_> = Incoming { via: Via::Raw, redelivered: None, ..STOMP };
const PAGE: Incoming<'_> = Incoming { via: Via::Page, redelivered: None, ..STOMP };

fn parsed(incoming: Incoming<'_>, body: &[u8]) -> Parsed {
    parse(&Incoming { body, ..incoming }, &MessageSettings::default(), &TimeZone::UTC)
}

fn notices(incoming: Incoming<'_>, body: &str) -> Vec<Notice> {
    match parsed(incoming, body.as_bytes()) {
        Parsed::Notices(notices) => notices,
        other => panic!("{other:?} for {body}"),
    }
}

fn notice(body: &str) -> Notice {
    let mut all = notices(STOMP, body);
    assert_eq!(all.len(), 1, "{body}");
    all.remove(0)
}

fn sha256(content: &str) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(content.as_bytes())))
}

#[test]
fn a_record_of_the_message_service_is_mapped_field_by_field() {
    let notice = notice(
        r#"{"id":7,"title":"Expense 7","content":"Alice asks for 12.50","type":3,"sender":"alice","receiver":"bob",
            "sendTime":"2026-11-20 07:10:00","url":"https://x/7","priority":4,"state":"open","version":2,
            "status":"undelivered","amount":12.50,
            "actions":[{"id":"ok","label":"Approve","url":"/approve","method":"POST","confirm":true}]}"#,
    );
    assert_eq!(
        notice,
        Notice {
            key: NoticeKey { scope: "hr".to_owned(), id: "7".to_owned() },
            identity: Identity::Assigned,
            title: "Expense 7".to_owned(),
            body: "Alice asks for 12.50".to_owned(),
            kind: "3".to_owned(),
            sender: "alice".to_owned(),
            sent_at: Some("2026-11-20T07:10:00Z".parse().unwrap()),
            link: "https://x/7".to_owned(),
            priority: Priority::High,
            state: State::Open,
            has_state: true,
            version: Some(2),
            actions: vec![Action {
                id: "ok".to_owned(),
                label: "Approve".to_owned(),
                url: "/approve".to_owned(),
                method: "POST".to_owned(),
                confirm: Confirm::Asked(true),
            }],
            undelivered: Some(true),
            is_partial: false,
            extra: json!({"receiver": "bob", "amount": "12.50"}).as_object().unwrap().clone(),
            destination: "/queue/approvals".to_owned(),
            origin: Origin::Personal,
        }
    );
}

#[test]
fn json_in_a_string_gives_what_is_absent_outside() {
    let notice = notice(
        r#"{"id":"1","title":"Outside","extra":1,
            "content":"{\"id\":\"2\",\"title\":\"Inside\",\"content\":\"The text\",\"sender\":\"bob\",\"extra\":2,\"more\":3}"}"#,
    );
    assert_eq!((notice.key.id.as_str(), notice.title.as_str()), ("1", "Outside"));
    assert_eq!((notice.body.as_str(), notice.sender.as_str()), ("The text", "bob"));
    // What stands outside was mapped there; its namesakes inside are unmapped.
    assert_eq!(
        Value::Object(notice.extra),
        json!({"extra": 1, "content.extra": 2, "more": 3, "id": "2", "title": "Inside"})
    );
}

#[test]
fn json_in_a_string_without_a_body_of_its_own_falls_back_like_any_other() {
    assert_eq!(notice(r#"{"id":1,"content":"{\"text\":\"hello\",\"n\":1}"}"#).body, "hello");
    assert_eq!(notice(r#"{"id":1,"content":"{\"b\":\"x\",\"a\":{\"c\":1}}"}"#).body, "b: x\na: {\"c\":1}");
    assert_eq!(notice(r#"{"id":1,"content":{"title":"T","text":"an object, not a string"}}"#).title, "T");
    assert_eq!(notice(r#"{"id":1,"content":"{not json"}"#).body, "{not json");
    assert_eq!(notice(r#"{"id":1,"content":"{}"}"#).body, "{}");
}

#[test]
fn a_body_falls_back_to_the_usual_places_then_to_lines() {
    for (body, expected) in [
        (r#"{"message":"m","text":"t","body":"b"}"#, "m"),
        (r#"{"text":"t","body":"b"}"#, "t"),
        (r#"{"body":"b","x":1}"#, "b"),
        (r#"{"content":null,"body":"b"}"#, "b"),
        (r#"{"content":"","body":"b"}"#, "b"),
        (r#"{"title":"T","content":"","x":1}"#, ""),
        (r#"{"title":"T","z":1,"a":"two","n":null,"o":{"p":[1]}}"#, "z: 1\na: two\no: {\"p\":[1]}"),
        (r#"{"title":"T","content":[1,2]}"#, "content: [1,2]"),
        (r#"{"content":42}"#, "42"),
    ] {
        assert_eq!(notice(body).body, expected, "{body}");
    }
}

#[test]
fn a_title_falls_back_to_the_first_line_of_the_body_then_to_the_destination() {
    for (body, expected) in [
        (r#"{"content":"\n  first   line \nsecond"}"#, "first line"),
        (r#"{"title":"","content":"first"}"#, "first"),
        (r#"{"title":" \n ","content":"first"}"#, "first"),
        (r#"{"title":{"en":"x"},"content":"first"}"#, "first"),
        (r#"{"id":1}"#, "/queue/approvals"),
        (r#"{"title":5}"#, "5"),
        (r#"{"title":"two\nlines"}"#, "two lines"),
        ("plain text\nmore", "plain text"),
    ] {
        assert_eq!(notice(body).title, expected, "{body}");
    }
    assert_eq!(notices(Incoming { destination: "", ..STOMP }, r#"{"id":1}"#)[0].title, "-");
}

#[test]
fn a_long_title_is_cut_and_stays_readable_in_the_body() {
    let long = "字".repeat(MAX_TITLE_CHARS + 1);
    let notice = notice(&json!({"title": long, "content": "text"}).to_string());
    assert_eq!(notice.title.chars().count(), MAX_TITLE_CHARS);
    assert!(notice.title.ends_with('…'));
    assert_eq!(notice.body, format!("{long}\n\ntext"));
}

#[test]
fn ids_are_never_changed() {
    for (json, expected) in [
        ("9007199254740993", "9007199254740993"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.50", "1.50"),
        ("-0", "-0"),
        ("1E2", "1E2"),
        ("true", "true"),
        (r#"" padded ""#, " padded "),
        (r#""\u0000""#, "\u{0}"),
        ("0", "0"),
    ] {
        let notice = notice(&format!(r#"{{"id":{json},"title":"t"}}"#));
        assert_eq!((notice.key.id.as_str(), notice.identity), (expected, Identity::Assigned), "{json}");
    }
}

#[test]
fn identity_is_the_mapped_id_else_the_publishers_else_the_content() {
    let named = Incoming { amqp_message_id: Some("m-1"), ..STOMP };
    let key = |incoming, body| {
        let notice = notices(incoming, body).remove(0);
        (notice.key.id, notice.identity)
    };
    assert_eq!(key(named, r#"{"id":5}"#), ("5".to_owned(), Identity::Assigned));
    for without in
        [r#"{"a":1}"#, r#"{"id":null,"a":1}"#, r#"{"id":"","a":1}"#, r#"{"id":{},"a":1}"#, "text", "[{\"a\":1}]"]
    {
        assert_eq!(key(named, without), ("m-1".to_owned(), Identity::Assigned), "{without}");
    }
    let unnamed = Incoming { amqp_message_id: Some(""), ..STOMP };
    assert_eq!(key(unnamed, r#"{ "b": 1.0, "a": "é" }"#), (sha256(r#"{"a":"é","b":1}"#), Identity::FreshContent));
    assert_eq!(key(unnamed, "text\n"), (sha256("text\n"), Identity::FreshContent));
}

#[test]
fn one_header_never_names_several_messages() {
    let named = Incoming { amqp_message_id: Some("m-1"), ..STOMP };
    let ids: Vec<_> = notices(named, r#"[{"a":1},"text",{"a":1}]"#).into_iter().map(|notice| notice.key.id).collect();
    assert_eq!(ids, [sha256(r#"{"a":1}"#), sha256(r#""text""#), sha256(r#"{"a":1}"#)]);
}

#[test]
fn equal_content_is_new_over_stomp_and_the_same_elsewhere() {
    let identity = |incoming| notices(incoming, r#"{"a":1}"#)[0].identity;
    assert_eq!(identity(STOMP), Identity::FreshContent);
    assert_eq!(identity(Incoming { redelivered: None, ..STOMP }), Identity::FreshContent);
    assert_eq!(identity(Incoming { redelivered: Some(true), ..STOMP }), Identity::Content);
    assert_eq!(identity(RAW), Identity::Content);
    assert_eq!(identity(PAGE), Identity::Content);
}

#[test]
fn equal_content_is_equal_however_it_is_written_and_wherever_it_was_delivered() {
    let id = |body: &str| notices(PAGE, body).remove(0).key.id;
    let same = id(r#"{"a":1,"b":[1.5,"x"]}"#);
    for body in [
        r#"{ "b" : [ 1.50, "\u0078" ], "a" : 1.0 }"#,
        r#"{"a":1,"b":[1.5,"x"],"status":"undelivered"}"#,
        r#"{"a":1,"b":[1.5,"x"],"status":"delivered"}"#,
        r#"[{"a":1,"b":[1.5,"x"]}]"#,
        r#""{\"a\":1,\"b\":[1.5,\"x\"]}""#,
    ] {
        assert_eq!(id(body), same, "{body}");
    }
    for body in [r#"{"a":1,"b":["x",1.5]}"#, r#"{"a":1,"b":[1.5,"x"],"status":"open"}"#] {
        assert_ne!(id(body), same, "{body}");
    }
    assert_ne!(id(r#"{"order":202611200000000001}"#), id(r#"{"order":202611200000000002}"#));
}

#[test]
fn an_array_is_several_messages() {
    let all = notices(STOMP, r#"[{"id":1,"title":"a"},"plain",null,"{\"id\":2,\"title\":\"b\"}",[3],7]"#);
    let titles: Vec<_> = all.iter().map(|notice| notice.title.as_str()).collect();
    assert_eq!(titles, ["a", "plain", "b", "[3]", "7"]);
    assert_eq!(parsed(STOMP, b"[]"), Parsed::Ignored);
    assert_eq!(parsed(STOMP, b"[null,{}]"), Parsed::Rejected(RejectReason::NotUsable));
    let many = format!("[{}1]", "1,".repeat(MAX_MESSAGES));
    assert_eq!(parsed(STOMP, many.as_bytes()), Parsed::Rejected(RejectReason::TooLarge));
}

#[test]
fn null_among_others_is_no_message_in_an_array_nor_in_a_page() {
    assert_eq!(notices(STOMP, r#"[null,{"id":1}]"#).len(), 1);
    assert_eq!(parsed(PAGE, b"null"), Parsed::Ignored);
    assert_eq!(parsed(PAGE, b"{}"), Parsed::Rejected(RejectReason::NotUsable));
}

#[test]
fn text_is_a_notice_except_on_the_raw_protocol() {
    let hello = notice("  Hello,\r\nworld\u{7}  ");
    assert_eq!((hello.title.as_str(), hello.body.as_str()), ("Hello,", "Hello,\nworld"));
    assert_eq!(notice("\u{feff}bom").body, "bom");
    assert_eq!(notice(r#""a JSON string""#).body, "a JSON string");
    assert_eq!(notice("[INFO] not JSON").body, "[INFO] not JSON");
    assert_eq!(notice("42").body, "42");
    for ignored in [
        "ping",
        "pong",
        "PING",
        "",
        " \n",
        "hello",
        "{cut",
        r#""ping""#,
        r#""""#,
        r#"{"type":"pong"}"#,
        r#"{"cmd":"Ping"}"#,
    ] {
        assert_eq!(parsed(RAW, ignored.as_bytes()), Parsed::Ignored, "{ignored}");
    }
    assert_eq!(notices(RAW, r#"{"type":"ping","id":1}"#)[0].key.id, "1");
    assert_eq!(notices(RAW, r#"{"content":"ping"}"#)[0].body, "ping");
    assert_eq!(notice(r#"{"type":"ping"}"#).kind, "ping");
}

#[test]
fn what_says_nothing_is_rejected() {
    for body in ["", " \r\n", "null", "{}", "[{}]", r#"{"a":null}"#, r#""""#, r#""  ""#, "\u{0}\u{1}"] {
        assert_eq!(parsed(STOMP, body.as_bytes()), Parsed::Rejected(RejectReason::NotUsable), "{body:?}");
    }
    assert_eq!(parsed(STOMP, b"abc\xff"), Parsed::Rejected(RejectReason::NotUtf8));
    assert_eq!(parsed(RAW, b"{\"a\":\"\xe4\"}"), Parsed::Rejected(RejectReason::NotUtf8));
}

#[test]
fn what_is_not_understood_stays_among_the_unmapped_fields() {
    let notice = notice(
        r#"{"id":1,"title":"t","content":"c","state":"pending","priority":9,"version":"v2","sendTime":"soon",
            "actions":[{}],"status":"open","sender":{"name":"bob"}}"#,
    );
    assert_eq!((notice.state, notice.priority, notice.version), (State::Open, Priority::Normal, None));
    assert_eq!((notice.sent_at, notice.undelivered, notice.sender.as_str()), (None, Some(false), ""));
    assert_eq!(
        Value::Object(notice.extra),
        json!({"state": "pending", "priority": 9, "version": "v2", "sendTime": "soon", "actions": [{}],
               "status": "open", "sender": {"name": "bob"}})
    );
}

#[test]
fn pointers_may_lead_deep_and_leave_the_rest() {
    let mapping = MessageSettings {
        id: "/meta/id".parse().unwrap(),
        title: "/data/0/title".parse().unwrap(),
        kind: "/meta/only/kind".parse().unwrap(),
        sender: Pointer::default(),
        ..MessageSettings::default()
    };
    let body =
        br#"{"meta":{"id":1,"x":2,"only":{"kind":"k"}},"data":[{"title":"t","y":3}],"content":"c","sender":"s"}"#;
    let Parsed::Notices(notices) = parse(&Incoming { body, ..STOMP }, &mapping, &TimeZone::UTC) else { panic!() };
    let [notice] = &notices[..] else { panic!() };
    assert_eq!((notice.key.id.as_str(), notice.title.as_str(), notice.kind.as_str()), ("1", "t", "k"));
    assert_eq!(
        Value::Object(notice.extra.clone()),
        json!({"meta": {"x": 2}, "data": [{"title": "t", "y": 3}], "sender": "s"})
    );
}

#[test]
fn times_without_an_offset_are_in_the_zone_of_the_settings_else_in_the_machines() {
    let body = br#"{"title":"t","sendTime":"2026-11-20 15:10:00"}"#;
    let shanghai = TimeZone::get("Asia/Shanghai").unwrap();
    let named = MessageSettings {
        time_zone: crate::settings::TimeZoneSetting::Named(shanghai.clone()),
        ..MessageSettings::default()
    };
    for (mapping, system) in [(MessageSettings::default(), shanghai), (named, TimeZone::UTC)] {
        let Parsed::Notices(notices) = parse(&Incoming { body, ..STOMP }, &mapping, &system) else { panic!() };
        assert_eq!(notices[0].sent_at, Some("2026-11-20T07:10:00Z".parse().unwrap()));
    }
}

#[test]
fn large_and_deep_messages_are_notices_like_any_other() {
    let text = "x".repeat(1 << 20);
    assert_eq!(notice(&text).body.len(), 1 << 20);
    let deep = format!(r#"{{"title":"deep","a":{}1{}}}"#, r#"{"b":["#.repeat(100_000), "]}".repeat(100_000));
    assert_eq!(notice(&deep).title, "deep");
    let keys: Vec<String> = (0..50_000).map(|n| format!(r#"\"k{n}\":1"#)).collect();
    let wide = format!(r#"{{"k1":0,"content":"{{{}}}"}}"#, keys.join(","));
    assert_eq!(notice(&wide).extra.len(), 50_001);
    assert_eq!(notice(r#"{"title":"t","n":1e999999}"#).extra["n"], "1e999999");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_bytes_break_it(body: Vec<u8>) {
        for incoming in [STOMP, RAW, PAGE] {
            parsed(incoming, &body);
        }
    }

    #[test]
    fn no_json_like_text_breaks_it_and_every_notice_has_title_and_id(
        body in r#"(\{"(id|title|content|sendTime|x)":|\[|"|\\"|\{\\"|[0-9.eE-]{1,4}|,|\}|\]|null|true| |é|\\u0000|\\ud800){0,20}"#,
    ) {
        for incoming in [STOMP, RAW, PAGE] {
            if let Parsed::Notices(notices) = parsed(incoming, body.as_bytes()) {
                prop_assert!(!notices.is_empty());
                for notice in notices {
                    prop_assert!(!notice.title.is_empty() && !notice.title.contains(['\n', '\r']));
                    prop_assert!(!notice.key.id.is_empty());
                }
            }
        }
    }

    #[test]
    fn every_field_of_a_flat_object_is_mapped_or_kept(fields in proptest::collection::btree_map("[a-z]{1,8}", 0i64..100, 1..8)) {
        let notice = notice(&serde_json::to_string(&fields).unwrap());
        let mapped = ["id", "title", "content", "type", "sender", "sendtime", "url", "priority", "state", "version",
            "message", "text", "body"];
        for (key, value) in &fields {
            prop_assert!(mapped.contains(&key.as_str()) || notice.extra[key] == json!(value), "{key}");
        }
    }
}

#[test]
fn the_delivery_status_is_where_and_what_the_settings_say() {
    let mapping = MessageSettings {
        status: "/delivery/code".parse().unwrap(),
        undelivered: vec!["0".to_owned()],
        ..MessageSettings::default()
    };
    let undelivered = |body: &str| {
        let incoming = Incoming { body: body.as_bytes(), ..PAGE };
        match parse(&incoming, &mapping, &TimeZone::UTC) {
            Parsed::Notices(notices) => notices[0].undelivered,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(undelivered(r#"{"id":1,"delivery":{"code":0}}"#), Some(true));
    assert_eq!(undelivered(r#"{"id":1,"delivery":{"code":"1"}}"#), Some(false));
    assert_eq!(undelivered(r#"{"id":1,"status":"undelivered"}"#), None);
    // With the built-in words, a status of the matter is shown.
    let paid = notice(r#"{"id":1,"title":"T","status":"paid"}"#);
    assert_eq!((paid.undelivered, paid.extra.len()), (Some(false), 1));
}
