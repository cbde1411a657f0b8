//! The types of single settings that are neither numbers, texts nor booleans.
//!
//! Each defines how it is written ([`Word::WORDS`](crate::words::Word::WORDS), or `FromStr` and
//! `Display`). Deliberately absent: error messages, which the readers have, and what the values
//! cause.

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use jiff::tz::TimeZone;
use url::Url;

use crate::words::{Word as _, words};

/// An enum whose values are words of a settings file.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        words! { $name { $($variant = $text),+ } }

        impl $name {
            /// Its word in a settings file.
            pub fn as_str(self) -> &'static str {
                self.word()
            }
        }
    };
}

choice! {
    /// `server.protocol`.
    Protocol {
        /// STOMP over a WebSocket.
        Stomp = "stomp",
        /// STOMP inside SockJS framing.
        Sockjs = "sockjs",
        /// JSON text frames over a raw WebSocket.
        Websocket = "websocket",
    }
}

choice! {
    /// `ack` of a subscription.
    #[derive(Default)]
    AckMode {
        /// The server counts a message as acknowledged when it is sent: what is lost with the
        /// connection stays lost.
        Auto = "auto",
        /// An acknowledgement covers all messages of the subscription before it.
        Client = "client",
        /// Each message is acknowledged by itself.
        #[default]
        ClientIndividual = "client-individual",
    }
}

choice! {
    /// `api.method`.
    ApiMethod {
        /// POST with a JSON body.
        Post = "POST",
        /// GET with a query.
        Get = "GET",
    }
}

choice! {
    /// `auth.mode`.
    AuthMode {
        /// A token that the server issued.
        Token = "token",
        /// Login and password.
        Password = "password",
        /// OpenID Connect in the browser.
        Oidc = "oidc",
    }
}

choice! {
    /// `show` of a notification rule.
    Show {
        /// No popup.
        Mute = "mute",
        /// A popup without a sound.
        Quiet = "quiet",
        /// The desktop's default.
        Normal = "normal",
        /// A popup that stays; quiet hours do not hold it back.
        Urgent = "urgent",
    }
}

choice! {
    /// `notifications.preview`.
    Preview {
        /// Title and text.
        Full = "full",
        /// The title.
        Title = "title",
        /// Only that there is a notice.
        None = "none",
    }
}

choice! {
    /// A day of the week.
    Day {
        /// Monday.
        Mon = "mon",
        /// Tuesday.
        Tue = "tue",
        /// Wednesday.
        Wed = "wed",
        /// Thursday.
        Thu = "thu",
        /// Friday.
        Fri = "fri",
        /// Saturday.
        Sat = "sat",
        /// Sunday.
        Sun = "sun",
    }
}

choice! {
    /// `app.language`.
    Language {
        /// The desktop's; English if Belfry does not have it.
        Auto = "auto",
        /// English.
        En = "en",
        /// Simplified Chinese.
        ZhCn = "zh-CN",
    }
}

choice! {
    /// `app.theme`.
    Theme {
        /// The desktop's.
        System = "system",
        /// Light.
        Light = "light",
        /// Dark.
        Dark = "dark",
    }
}

choice! {
    /// `app.log_level`.
    LogLevel {
        /// What failed.
        Error = "error",
        /// And what a person may have to correct.
        Warn = "warn",
        /// And each change of the connection.
        Info = "info",
        /// And what helps to find a fault in Belfry.
        Debug = "debug",
    }
}

/// `auth.stomp`: how the secret is sent in CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StompSecret {
    /// The `passcode` header, with `login`.
    Passcode,
    /// `Authorization: Bearer …`.
    Bearer,
    /// A header of this name.
    Header(String),
}

impl FromStr for StompSecret {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "passcode" => Ok(Self::Passcode),
            "bearer" => Ok(Self::Bearer),
            _ => header_name(text).map(Self::Header),
        }
    }
}

impl fmt::Display for StompSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passcode => f.write_str("passcode"),
            Self::Bearer => f.write_str("bearer"),
            Self::Header(name) => write!(f, "header:{name}"),
        }
    }
}

/// `auth.http`: how the secret is sent with HTTP calls and the WebSocket handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpSecret {
    /// `Authorization: Bearer …`.
    Bearer,
    /// `Authorization: Basic …`, with `auth.login`.
    Basic,
    /// A header of this name.
    Header(String),
    /// Nowhere.
    None,
}

impl FromStr for HttpSecret {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "bearer" => Ok(Self::Bearer),
            "basic" => Ok(Self::Basic),
            "none" => Ok(Self::None),
            _ => header_name(text).map(Self::Header),
        }
    }
}

impl fmt::Display for HttpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bearer => f.write_str("bearer"),
            Self::Basic => f.write_str("basic"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::None => f.write_str("none"),
        }
    }
}

/// The name in `header:NAME`: an HTTP token (RFC 9110, section 5.6.2), which is also a valid STOMP
/// header name.
fn header_name(text: &str) -> Result<String, ()> {
    let name = text.strip_prefix("header:").ok_or(())?;
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(());
    }
    Ok(name.to_owned())
}

/// `network.proxy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Proxy {
    /// The machine's.
    #[default]
    System,
    /// Never one.
    None,
    /// This one: http, socks5 or socks5h (names are resolved by the proxy), without user and
    /// password.
    Url(Url),
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::None => f.write_str("none"),
            Self::Url(url) => write!(f, "{url}"),
        }
    }
}

/// One of `network.insecure_hosts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Exactly this host name, in lower case.
    Name(String),
    /// The addresses of this network; a single address is a network of one.
    Net(IpNet),
}

impl HostPattern {
    /// Whether the host of a URL matches. Names are not looked up: a name never matches a network.
    pub fn matches(&self, host: &url::Host<&str>) -> bool {
        match (self, host) {
            (Self::Name(name), url::Host::Domain(host)) => name.eq_ignore_ascii_case(host.trim_end_matches('.')),
            (Self::Net(net), url::Host::Ipv4(address)) => net.contains(&IpAddr::V4(*address)),
            (Self::Net(net), url::Host::Ipv6(address)) => net.contains(&address.to_canonical()),
            (Self::Name(_), url::Host::Ipv4(_) | url::Host::Ipv6(_)) | (Self::Net(_), url::Host::Domain(_)) => false,
        }
    }
}

impl FromStr for HostPattern {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        if let Ok(net) = bare.parse::<IpNet>() {
            return Ok(Self::Net(net));
        }
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Net(address.to_canonical().into()));
        }
        match url::Host::parse(text) {
            Ok(url::Host::Domain(name)) if !name.is_empty() && !name.contains('*') => {
                Ok(Self::Name(name.trim_end_matches('.').to_owned()))
            }
            _ => Err(()),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Net(net) if net.prefix_len() == net.max_prefix_len() => write!(f, "{}", net.addr()),
            Self::Net(net) => write!(f, "{net}"),
        }
    }
}

/// A JSON Pointer (RFC 6901). The empty one is not the whole document here: depending on the
/// setting it maps nothing, or lets the usual places be tried.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer to a key of the outermost object; `key` holds neither `/` nor `~`.
    pub(crate) fn of_key(key: &str) -> Self {
        Self(format!("/{key}"))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the empty one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its reference tokens, unescaped.
    pub fn tokens(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(|token| {
            if token.contains('~') {
                Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
            } else {
                Cow::Borrowed(token)
            }
        })
    }
}

impl FromStr for Pointer {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let has_bad_escape = text.split('~').skip(1).any(|rest| !rest.starts_with(['0', '1']));
        if (!text.is_empty() && !text.starts_with('/')) || has_bad_escape {
            return Err(());
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `message.time_zone`.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeZoneSetting {
    /// The machine's.
    Local,
    /// This one.
    Named(TimeZone),
}

impl TimeZoneSetting {
    /// The time zone; `system` is the machine's.
    pub fn resolve<'a>(&'a self, system: &'a TimeZone) -> &'a TimeZone {
        match self {
            Self::Local => system,
            Self::Named(zone) => zone,
        }
    }
}

impl fmt::Display for TimeZoneSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Named(zone) => f.write_str(zone.iana_name().unwrap_or_default()),
        }
    }
}
