use std::{collections::BTreeSet, time::Duration};

use proptest::prelude::*;

use super::*;
use crate::{notice::Priority, settings::*};

/// The settings of the user guide: every key with its default, and an example where there is none.
const EXAMPLE: &str = include_str!("example.toml");
const ENDPOINT: &str = "[server]\nendpoints = [\"wss://push.example.com/ws\"]\n";

fn read(text: &str) -> Settings {
    let (settings, warnings) = Settings::parse(text, "settings.toml").unwrap();
    assert_eq!(warnings, []);
    settings
}

/// The settings with one more key, given by its dotted name.
fn with(key: &str, value: &str) -> Result<(Settings, Vec<Warning>), SettingsErrors> {
    Settings::parse(&format!("server.endpoints = [\"wss://h/ws\"]\n{key} = {value}\n"), "settings.toml")
}

fn errors(text: &str) -> String {
    Settings::parse(text, "settings.toml").unwrap_err().to_string()
}

#[test]
fn the_example_of_the_guide_has_every_key_and_is_the_defaults() {
    let settings = read(EXAMPLE);
    let mut expected = Settings::default();
    expected.server.endpoints = vec![Url::parse("wss://push.example.com/ws").unwrap()];
    expected.server.subscriptions =
        vec![Subscription { destination: "/user/queue/approvals".to_owned(), ..Subscription::default() }];
    assert_eq!(settings, expected);

    let in_example: BTreeSet<String> = read_toml(EXAMPLE)
        .unwrap()
        .into_iter()
        .flat_map(|(section, spanned)| match spanned.value {
            RawValue::Table(keys) => {
                keys.into_iter().map(move |(key, _)| format!("{section}.{key}")).collect::<Vec<_>>()
            }
            _ => panic!("{section}"),
        })
        .collect();
    let known: BTreeSet<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
    assert_eq!(in_example, known);
}

#[test]
fn no_key_takes_a_value_of_a_wrong_type() {
    for key in KEYS {
        for wrong in ["1979-05-27", "1.5", "-1", "[[1]]", "{ unknown_key = 1 }"] {
            let is_table = ["heart_beat", "oidc", "quiet_hours"].iter().any(|table| key.name.ends_with(table));
            if is_table && wrong.starts_with('{') {
                assert_eq!(with(key.name, wrong).unwrap().1.len(), 1, "{} = {wrong}", key.name);
                continue;
            }
            let text = format!("[other]\n\n{} = {wrong}\n", key.name);
            let error = errors(&text.replace("[other]\n", ""));
            assert!(error.contains(&format!("settings.toml:2: {}", key.name)), "{wrong}: {error}");
            assert!(error.contains("; accepted is "), "{error}");
        }
    }
}

#[test]
fn a_time_of_quiet_hours_that_cannot_be_read_is_reported_once() {
    let text = "[server]\nendpoints = [\"wss://push.example.com/ws\"]\n[notifications]\n\
        quiet_hours = { from = \"25:00\", to = \"07:00\" }\n";
    let errors = errors(text);
    assert!(errors.starts_with("settings.toml:4: notifications.quiet_hours.from: "), "{errors}");
    assert_eq!(errors.trim().lines().count(), 1, "{errors}");
}

#[test]
fn every_error_of_a_file_is_named_with_line_key_what_was_found_and_what_is_accepted() {
    insta::assert_snapshot!(errors(
        r#"
[server]
endpoints = ["wss://push.example.com/ws", "ftp://x", 5]
protocol = "mqtt"
heart_beat = { send = 10, expect = "10s" }
max_message = 4194304
poll_every = "5 s"

[[server.subscriptions]]
destination = ""
ack = "never"
headers = { receipt = "1", x-list = [1] }

[[server.subscriptions]]
scope = "b"

[api]
base = "push.example.com"
collect = "api/collect"
page = 0
items = "data"

[auth]
stomp = "0123456789abcdef"
login_body = "{}"

[network]
insecure_hosts = ["10.0.0.0/99"]

[message]
time_zone = "Mars/Olympus"

[notifications]
enabled = "yes"
quiet_hours = { from = "22:00", allow = "loud", days = ["mon", "monday"] }
rules = [{ kind = "3" }, { show = "blink" }]
"#
    ), @r#"
    settings.toml:3: server.endpoints[1]: found the text "ftp://x"; accepted is a ws, wss, http or https URL such as "wss://push.example.com/ws"
    settings.toml:3: server.endpoints[2]: found the number 5; accepted is a ws, wss, http or https URL such as "wss://push.example.com/ws"
    settings.toml:4: server.protocol: found the text "mqtt"; accepted is one of "stomp", "sockjs", "websocket"
    settings.toml:5: server.heart_beat.send: found the number 10; accepted is a duration such as "500ms", "10s", "10m", "1h" or "2d", at most "366d"; "0s" is off
    settings.toml:6: server.max_message: found the number 4194304; accepted is a size such as "1000B", "64KiB" or "4MiB", at least "1B" and at most "1GiB"
    settings.toml:7: server.poll_every: found the text "5 s"; accepted is a duration such as "500ms", "10s", "10m", "1h" or "2d", at most "366d"; "0s" is off
    settings.toml:10: server.subscriptions[0].destination: found an empty text; accepted is a destination such as "/user/queue/approvals"
    settings.toml:11: server.subscriptions[0].ack: found the text "never"; accepted is one of "auto", "client", "client-individual"
    settings.toml:12: server.subscriptions[0].headers.receipt: found a header that cannot be set here; accepted is any header name except id, destination, ack, receipt
    settings.toml:12: server.subscriptions[0].headers.x-list: found a list; accepted is a text of one line, a whole number, or true or false
    settings.toml:14: server.subscriptions[1].destination is missing; accepted is a destination such as "/user/queue/approvals"
    settings.toml:18: api.base: found the text "push.example.com"; accepted is an http or https URL such as "https://push.example.com/ecgapi", or ""
    settings.toml:19: api.collect: found the text "api/collect"; accepted is a path that begins with "/", or "" where the server lacks it
    settings.toml:20: api.page: found the number 0; accepted is a whole number from 1 to 10000, without quotes
    settings.toml:21: api.items: found the text "data"; accepted is a JSON Pointer such as "/data/title", or ""
    settings.toml:24: auth.stomp: found something else (not shown, since it may be a secret); accepted is "passcode", "bearer", or "header:" and the name of a header
    settings.toml:25: auth.login_body: found something else (not shown, since it may be a secret); accepted is a text with {password} where the password is to be put
    settings.toml:28: network.insecure_hosts[0]: found the text "10.0.0.0/99"; accepted is a host name, an address or a network such as "intranet", "10.1.2.3" or "10.0.0.0/8"
    settings.toml:31: message.time_zone: found the text "Mars/Olympus"; accepted is "local" or a time zone such as "Asia/Shanghai" or "UTC"
    settings.toml:34: notifications.enabled: found the text "yes"; accepted is true or false
    settings.toml:35: notifications.quiet_hours.allow: found the text "loud"; accepted is one of "low", "normal", "high", "urgent"
    settings.toml:35: notifications.quiet_hours.days[1]: found the text "monday"; accepted is one of "mon", "tue", "wed", "thu", "fri", "sat", "sun"
    settings.toml:35: notifications.quiet_hours: found from and to that do not go together; accepted is from and to both, and different, or both ""
    settings.toml:36: notifications.rules[0].show is missing; accepted is one of "mute", "quiet", "normal", "urgent"
    settings.toml:36: notifications.rules[1].show: found the text "blink"; accepted is one of "mute", "quiet", "normal", "urgent"
    "#);
}

#[test]
fn a_file_without_a_server_says_what_is_missing() {
    let missing = "settings.toml: server.endpoints is missing; accepted is a list of ws, wss, http or https URLs such as \
                   [\"wss://push.example.com/ws\"]";
    assert_eq!(errors(""), missing);
    assert_eq!(errors("[app]\ntheme = \"dark\"\n"), missing);
    assert_eq!(
        errors("[server]\nendpoints = []\n"),
        "settings.toml:2: server.endpoints: found a list; accepted is a list of ws, wss, http or https URLs such as \
         [\"wss://push.example.com/ws\"], at least one"
    );
    assert_eq!(
        errors("server = 5").lines().next(),
        Some("settings.toml:1: server: found the number 5; accepted is a section, [server]")
    );
}

#[test]
fn what_is_not_toml_is_an_error_with_its_line() {
    let error = errors("[server]\nendpoints = [\"wss://h/ws\"]\nhost = token-pasted-here\n");
    assert!(error.starts_with("settings.toml:3: this is not TOML: "), "{error}");
    assert!(!error.contains("pasted"), "{error}");
    let twice = errors("[app]\ntheme = \"dark\"\ntheme = \"light\"\n");
    assert!(twice.starts_with("settings.toml:3: this is not TOML: duplicate key"), "{twice}");
}

#[test]
fn an_unknown_key_is_a_warning_that_names_the_nearest() {
    let text = format!(
        "{ENDPOINT}max_mesage = 5\nheart_beat = {{ sent = \"1s\" }}\n[notification]\nenabled = false\n[auth]\nbase = 1\n"
    );
    let (settings, warnings) = Settings::parse(&text, "settings.toml").unwrap();
    assert!(settings.notifications.enabled);
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "settings.toml:3: unknown key server.max_mesage has no effect; the nearest known key is server.max_message",
            "settings.toml:4: unknown key server.heart_beat.sent has no effect; the nearest known key is \
             server.heart_beat.send",
            "settings.toml:5: unknown key notification has no effect; the nearest known key is notifications",
            "settings.toml:8: unknown key auth.base has no effect; the nearest known key is api.base",
        ]
    );
}

#[test]
fn a_secret_is_refused_wherever_it_stands_and_never_shown() {
    for text in [
        "[auth]\ntoken = \"hunter2\"\n",
        "[auth]\nPassword = \"hunter2\"\n",
        "[auth]\npasscode = 12345672\n",
        "[auth]\noidc = { client_secret = \"hunter2\" }\n",
        "[api]\napi-key = \"hunter2\"\n",
        "token = \"hunter2\"\n",
        "[[server.subscriptions]]\ndestination = \"/q\"\nheaders = { Authorization = \"hunter2\" }\n",
        "[api]\nbase = \"https://alice:hunter2@h/\"\n",
        "[api]\nbase = \"https://hunter2@h/\"\n",
        "[network]\nproxy = \"http://alice:hunter2@proxy:3128\"\n",
        "[server]\nendpoints = [\"wss://alice:hunter2@h/ws\"]\n",
        "[server]\nendpoints = [\"wss://h/ws?access_token=hunter2\"]\n",
    ] {
        let error = errors(text);
        assert!(error.contains("secrets are not allowed in a settings file"), "{text}: {error}");
        assert!(!error.contains("hunter2") && !error.contains("12345672"), "{error}");
    }
    for text in ["[server]\nendpoints = [\"wsss://alice:hunter2@h/ws?x=hunter2\"]\n", "[auth]\nstomp = \"hunter2\"\n"] {
        assert!(!errors(text).contains("hunter2"), "{}", errors(text));
    }
}

#[test]
fn a_place_for_the_token_is_no_token() {
    let settings = read("[server]\nendpoints = [\"ws://h/websocket/{token}\", \"wss://h/ws?token={token}\"]\n");
    assert_eq!(settings.server.endpoints.len(), 2);
}

#[test]
fn durations_and_sizes_have_units() {
    for (text, expected) in [
        ("0s", Some(0)),
        ("500ms", Some(500)),
        ("10s", Some(10_000)),
        ("10m", Some(600_000)),
        ("1h", Some(3_600_000)),
        ("366d", Some(366 * 86_400_000)),
        ("367d", None),
        ("99999999999999999999s", None),
        ("18446744073709551615h", None),
        ("10", None),
        ("s", None),
        ("", None),
        ("-1s", None),
        ("1.5s", None),
        ("10 s", None),
        ("10S", None),
    ] {
        let read = with("server.poll_every", &format!("{text:?}")).ok().map(|(settings, _)| settings.server.poll_every);
        assert_eq!(read, expected.map(Duration::from_millis), "{text}");
    }
    for (text, expected) in [
        ("1000B", Some(1000)),
        ("64KiB", Some(65_536)),
        ("4MiB", Some(4_194_304)),
        ("1GiB", Some(1 << 30)),
        ("2GiB", None),
        ("0B", None),
        ("4MB", None),
        ("4", None),
        ("99999999999999999999B", None),
    ] {
        let read =
            with("server.max_message", &format!("{text:?}")).ok().map(|(settings, _)| settings.server.max_message);
        assert_eq!(read, expected, "{text}");
    }
}

#[test]
fn every_kind_of_value_is_read() {
    let settings = read(
        r#"
[server]
endpoints = ["wss://a.example.com/ws", "http://127.0.0.1:8080/sockjs"]
protocol = "stomp"
heart_beat = { expect = "0s" }
subscriptions = [{ destination = "/queue/belfry.{login}.{device}", ack = "auto", scope = "hr", headers = { durable = true, prefetch-count = 5, x-queue-name = "q" } }]
[api]
base = "https://push.example.com/ecgapi"
history = ""
method = "GET"
[auth]
mode = "password"
stomp = "header:X-Auth-Token"
http = "none"
oidc = { issuer = "https://id.example.com", client_id = "belfry", scopes = ["openid", "push"] }
[network]
proxy = "socks5h://proxy:1080"
ca_bundle = "/etc/ssl/extra.pem"
insecure_hosts = ["Intranet", "10.0.0.0/8"]
[message]
sender = ""
id = "/a~1b/~0"
time_zone = "Asia/Shanghai"
[notifications]
quiet_hours = { from = "22:00", to = "07:30", days = ["sun"], allow = "high" }
rules = [{ kind = "3", sender = "hr*", show = "mute" }, { show = "quiet" }]
[app]
language = "zh-CN"
allowed_link_hosts = ["Docs.Example.com", "intranet:8443", "[::1]:80", "[::1]"]
"#,
    );
    assert_eq!(settings.server.protocol, Protocol::Stomp);
    assert_eq!(settings.server.heart_beat, HeartBeat { send: Duration::from_secs(10), expect: Duration::ZERO });
    let [subscription] = &settings.server.subscriptions[..] else { panic!() };
    assert_eq!(subscription.ack, AckMode::Auto);
    let headers: Vec<_> = subscription.headers.iter().map(|(name, value)| format!("{name}:{value}")).collect();
    assert_eq!(headers, ["durable:true", "prefetch-count:5", "x-queue-name:q"]);
    assert_eq!((settings.api.history.as_str(), settings.api.method), ("", ApiMethod::Get));
    assert_eq!(settings.auth.stomp, StompSecret::Header("X-Auth-Token".to_owned()));
    assert_eq!((settings.auth.mode, settings.auth.http), (AuthMode::Password, HttpSecret::None));
    assert_eq!(settings.auth.oidc.scopes, ["openid", "push"]);
    assert_eq!(settings.network.proxy, Proxy::Url(Url::parse("socks5h://proxy:1080").unwrap()));
    assert_eq!(settings.network.insecure_hosts, ["intranet", "10.0.0.0/8"].map(|host| host.parse().unwrap()));
    assert_eq!(settings.message.id.tokens().collect::<Vec<_>>(), ["a/b", "~"]);
    assert!(settings.message.sender.is_empty());
    assert!(
        matches!(&settings.message.time_zone, TimeZoneSetting::Named(zone) if zone.iana_name() == Some("Asia/Shanghai"))
    );
    let quiet = &settings.notifications.quiet_hours;
    assert_eq!(quiet.from.zip(quiet.to).map(|(from, to)| (from.hour(), to.minute())), Some((22, 30)));
    assert_eq!((&quiet.days, quiet.allow), (&BTreeSet::from([Day::Sun]), Priority::High));
    assert_eq!(
        settings.notifications.rules,
        [
            Rule { kind: Some("3".to_owned()), sender: Some("hr*".to_owned()), show: Show::Mute },
            Rule { kind: None, sender: None, show: Show::Quiet }
        ]
    );
    assert_eq!(settings.app.language, Language::ZhCn);
    assert_eq!(settings.app.allowed_link_hosts, ["docs.example.com", "intranet:8443", "[::1]:80", "[::1]"]);
}

#[test]
fn a_sign_in_in_the_browser_needs_an_issuer_and_a_client_from_whatever_place() {
    let server = "server.endpoints = [\"wss://push.example.com/ws\"]\n";
    let missing = |auth: &str| {
        let text = format!("{server}[auth]\nmode = \"oidc\"\n{auth}");
        Settings::parse(&text, "s").map_or_else(|errors| errors.to_string(), |_| String::new())
    };
    assert_eq!(missing("oidc = { issuer = \"https://id.example.com\", client_id = \"belfry\" }\n"), "");
    let both = missing("");
    assert!(both.contains("auth.oidc.issuer is missing") && both.contains("auth.oidc.client_id is missing"), "{both}");
    let client = missing("oidc = { issuer = \"https://id.example.com\" }\n");
    assert!(client.contains("client_id") && !client.contains("issuer is missing"), "{client}");

    let found = crate::settings::policy::Found {
        key: "auth.oidc".to_owned(),
        value: serde_json::json!({ "issuer": "https://id.example.com", "client_id": "belfry" }),
        is_loose: false,
        level: crate::settings::policy::Level::Default,
        scope: crate::settings::policy::Scope::Machine,
        source: "place".to_owned(),
    };
    let managed = crate::settings::policy::Managed { found: vec![found], ignored: Vec::new() };
    let file = format!("{server}[auth]\nmode = \"oidc\"\n");
    assert!(crate::settings::policy::resolve(&file, "s", &managed, true).is_ok());
    let without = crate::settings::policy::resolve(&file, "s", &Default::default(), true).unwrap_err();
    assert!(without.to_string().contains("auth.oidc.issuer"), "{without}");
    let document = serde_json::json!({ "server": { "endpoints": ["wss://h/ws"] }, "auth": { "mode": "oidc" } });
    let spoofed = crate::settings::read_discovered(&document, "place").unwrap_err();
    assert!(spoofed.to_string().contains("auth.oidc.issuer"), "{spoofed}");
}

#[test]
fn deep_nesting_is_an_error_and_not_a_crash() {
    for text in ["a.".repeat(50_000) + "b = 1", format!("a = {}1", "[".repeat(50_000)), "a={b=".repeat(50_000)] {
        let error = errors(&text);
        assert!(error.contains(": this is not TOML: "), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_text_breaks_it(text in ".*") {
        let _ = Settings::parse(&text, "settings.toml");
    }

    #[test]
    fn no_value_of_any_key_breaks_it(
        key in 0..KEYS.len(),
        value in r#"("[a-z0-9:/.@?#{}\\\\*%\[\] -]{0,12}"|[0-9.e-]{1,5}|true|\[\]|\[\["a"\]\]|\{a=1\}|\{from="22:00"\}|\[\{show="mute",kind=1\}\])"#,
    ) {
        let name = KEYS[key].name;
        if let Err(errors) = with(name, &value) {
            for error in errors.errors {
                prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}

#[test]
fn an_action_url_that_covers_what_belfry_itself_calls_is_an_error() {
    let error = errors(
        "[server]\nendpoints = [\"wss://h/ws\"]\n[api]\nbase = \"https://h/ecgapi\"\n[auth]\n\
         login_url = \"https://h/login\"\n[app]\naction_urls = [\"https://h/approvals\", \"https://h/ecgapi\", \
         \"https://h/login\"]\n",
    );
    assert_eq!(
        error,
        "settings.toml:8: app.action_urls[1]: found an address that covers api.collect; accepted is an address that \
         covers no path of [api] and not auth.login_url\nsettings.toml:8: app.action_urls[2]: found an address that \
         covers auth.login_url; accepted is an address that covers no path of [api] and not auth.login_url"
    );
    let (settings, _) = with("app.action_urls", r#"["https://h/approvals/"]"#).unwrap();
    assert_eq!(settings.app.action_urls, ["https://h/approvals/".parse().unwrap()]);
    for wrong in ["https://h/a/../b", "https://*.example.com/approvals"] {
        assert!(with("app.action_urls", &format!("[{wrong:?}]")).is_err(), "{wrong}");
    }
}

#[test]
fn kinds_have_one_name_or_one_for_each_language() {
    let (settings, _) = with("message.kinds", r#"{ 3 = "Leave", 4 = { en = "Expense", "zh-CN" = "报销" } }"#).unwrap();
    let kinds = &settings.message.kinds;
    let shown =
        |kind| [crate::texts::Language::English, crate::texts::Language::Chinese].map(|it| kinds.shown(kind, it));
    assert_eq!((shown("3"), shown("4"), shown("5")), (["Leave", "Leave"], ["Expense", "报销"], ["5", "5"]));
    for wrong in ["{ 3 = 4 }", "{ 3 = \"\" }", "{ 3 = { en = 1 } }", "[]"] {
        assert!(with("message.kinds", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_discovery_document_names_its_action_urls_and_nothing_else_of_the_app() {
    let document = serde_json::json!({
        "server": { "endpoints": ["wss://h/ws"] },
        "app": { "action_urls": ["https://h/approvals"], "start_at_login": false },
    });
    let (settings, keys) = read_discovered(&document, "h").unwrap();
    assert_eq!(settings.app.action_urls.len(), 1);
    assert!(settings.app.start_at_login);
    let keys: Vec<&str> = keys.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["server.endpoints", "app.action_urls"]);
}
