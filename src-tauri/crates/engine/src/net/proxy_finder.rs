//! Which proxy leads to a server: none, that of the settings, of the environment, or of the system.
//!
//! The system may take its time (automatic configuration is a script that it fetches and runs), so
//! it is asked on a thread of its own, and waited for no longer than [`LIMIT`]; then the connection
//! is direct, until there is an answer. Deliberately absent: what an answer means
//! ([`belfry_core::proxies`]). Invariants: loopback and what is not encrypted have no proxy,
//! whatever settings and system say; the system sees scheme, host and port, and never a path.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use data_encoding::BASE64;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::SecretString;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use url::{Origin, Url};

use super::address::host_of;
use belfry_core::{
    error::{Failure, Fault},
    ports::{ProxyVariables, SystemProxies},
    proxies::{self, ProxyChoice},
    settings::{NetworkSettings, Proxy},
};

/// How long an answer of the system is waited for. With the time-out for connecting it is as long
/// as an attempt may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(5);
/// How long an answer is used. A session and the calls beside it begin within seconds; the next
/// attempt may be in another network.
const FRESH: Duration = Duration::from_secs(10);
/// Stands for any proxy, to find out what `NO_PROXY` says.
const ANY_PROXY: &str = "http://proxy";

/// How to reach a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// Without a proxy.
    Direct(Directness),
    /// Through this proxy, its credential included.
    Proxy { url: Url, source: ProxySource },
}

/// Where a proxy is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProxySource {
    Settings,
    Environment,
    System,
}

/// Why no proxy is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Directness {
    /// Loopback, listed in `network.insecure_hosts`, or not encrypted.
    Never,
    /// `network.proxy = "none"`.
    Settings,
    /// `NO_PROXY`.
    Environment,
    /// The system says so.
    System,
    /// The system cannot be asked: why.
    NotAsked(String),
    /// The system has not answered in time.
    NoAnswer,
}

impl Route {
    fn proxy(self) -> Option<Url> {
        match self {
            Self::Direct(_) => None,
            Self::Proxy { url, .. } => Some(url),
        }
    }
}

impl fmt::Display for ProxySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Settings => "network.proxy",
            Self::Environment => "the environment",
            Self::System => "the system",
        })
    }
}

impl fmt::Display for Directness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("loopback and what is not encrypted never have one"),
            Self::Settings => f.write_str("network.proxy is none"),
            Self::Environment => f.write_str("NO_PROXY names the server"),
            Self::System => f.write_str("the system names none"),
            Self::NotAsked(why) => write!(f, "the system cannot be asked: {why}"),
            Self::NoAnswer => write!(f, "the system has not answered within {} s", LIMIT.as_secs()),
        }
    }
}

/// The value of `Proxy-Authorization` for the credential in the URL of a proxy.
pub(crate) fn authorization(proxy: &Url) -> Option<SecretString> {
    if proxy.username().is_empty() && proxy.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(proxy.username()), decoded(proxy.password().unwrap_or_default())].join(&b':');
    Some(format!("Basic {}", BASE64.encode(&pair)).into())
}

/// What the system has said about one origin.
#[derive(Debug, Clone)]
enum Answer {
    Choice(ProxyChoice),
    Unusable(String),
    /// It cannot be asked: why.
    NotAsked(String),
}

impl Answer {
    fn route(self, url: &Url) -> Result<Route, Failure> {
        Ok(match self {
            Self::Choice(ProxyChoice::Direct) => Route::Direct(Directness::System),
            Self::Choice(ProxyChoice::Through(url)) => Route::Proxy { url, source: ProxySource::System },
            Self::NotAsked(why) => Route::Direct(Directness::NotAsked(why)),
            Self::Unusable(what) => {
                return Err(Failure::new(Fault::UnusableProxy, format!("{}: {what}", host_of(url))));
            }
        })
    }
}

/// A question to the system.
#[derive(Clone)]
struct Lookup {
    began: Instant,
    answer: watch::Receiver<Option<(Instant, Answer)>>,
    /// The last answer before this question.
    before: Option<Answer>,
}

impl Lookup {
    fn latest(&self) -> Option<Answer> {
        self.answer.borrow().as_ref().map(|(_, answer)| answer.clone()).or_else(|| self.before.clone())
    }

    /// Whether its answer counts, or is still to come.
    fn is_current(&self) -> bool {
        match &*self.answer.borrow() {
            Some((when, _)) => when.elapsed() < FRESH,
            None => self.answer.has_changed().is_ok(),
        }
    }
}

/// Finds proxies for the HTTP client.
pub(crate) struct ProxyFinder {
    network: NetworkSettings,
    /// `HTTPS_PROXY` and `ALL_PROXY`.
    named: Matcher,
    /// `NO_PROXY`.
    excluded: Matcher,
    system: Arc<dyn SystemProxies>,
    /// One for each origin, of which the settings name few.
    lookups: Mutex<HashMap<Origin, Lookup>>,
}

impl fmt::Debug for ProxyFinder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyFinder").finish_non_exhaustive()
    }
}

impl ProxyFinder {
    pub(crate) fn new(network: NetworkSettings, system: Arc<dyn SystemProxies>) -> Self {
        let ProxyVariables { https, all, no } = system.variables();
        Self {
            network,
            named: Matcher::builder().https(https).all(all).build(),
            excluded: Matcher::builder().all(ANY_PROXY).no(no).build(),
            system,
            lookups: Mutex::default(),
        }
    }

    /// The route to an https or http URL. Waits for the system where it decides.
    ///
    /// # Errors
    /// [`Fault::UnusableProxy`].
    pub(crate) async fn find(&self, url: &Url) -> Result<Route, Failure> {
        if let Some(route) = self.without_system(url) {
            return Ok(route);
        }
        let mut lookup = self.lookup(url);
        let left = LIMIT.saturating_sub(lookup.began.elapsed());
        let answer = match timeout(left, lookup.answer.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.as_ref().map(|(_, answer)| answer.clone()),
            // The thread has ended without an answer.
            Ok(Err(_)) => Some(Answer::NotAsked("asking has failed".to_owned())),
            Err(_) => lookup.before,
        };
        answer.map_or(Ok(Route::Direct(Directness::NoAnswer)), |answer| answer.route(url))
    }

    /// The proxy for a URL as it was last found, for the client, which cannot wait here.
    pub(crate) fn found(&self, url: &Url) -> Option<Url> {
        if let Some(route) = self.without_system(url) {
            return route.proxy();
        }
        let latest = self.lookups().get(&url.origin())?.latest()?;
        latest.route(url).ok()?.proxy()
    }

    /// The route where settings or environment decide.
    fn without_system(&self, url: &Url) -> Option<Route> {
        if self.network.bypasses_proxy(url) {
            return Some(Route::Direct(Directness::Never));
        }
        match &self.network.proxy {
            Proxy::None => return Some(Route::Direct(Directness::Settings)),
            Proxy::Url(proxy) => return Some(Route::Proxy { url: proxy.clone(), source: ProxySource::Settings }),
            Proxy::System => {}
        }
        let Ok(asked) = url.as_str().parse() else { return Some(Route::Direct(Directness::Never)) };
        if self.excluded.intercept(&asked).is_none() {
            return Some(Route::Direct(Directness::Environment));
        }
        let url = with_credential(&self.named.intercept(&asked)?)?;
        Some(Route::Proxy { url, source: ProxySource::Environment })
    }

    /// The question about a URL's origin: one that was asked already, or a new one.
    fn lookup(&self, url: &Url) -> Lookup {
        let mut lookups = self.lookups();
        let before = match lookups.get(&url.origin()) {
            Some(lookup) if lookup.is_current() => return lookup.clone(),
            Some(lookup) => lookup.latest(),
            None => None,
        };
        let lookup = Lookup { began: Instant::now(), answer: self.ask(url), before };
        lookups.insert(url.origin(), lookup.clone());
        lookup
    }

    /// Asks the system, on a thread that is not waited for when the program ends.
    fn ask(&self, url: &Url) -> watch::Receiver<Option<(Instant, Answer)>> {
        let (sender, answer) = watch::channel(None);
        let (system, mut origin) = (Arc::clone(&self.system), url.clone());
        origin.set_path("/");
        origin.set_query(None);
        origin.set_fragment(None);
        let host = host_of(&origin);
        let work = move || {
            let answer = match system.lookup(&origin).map(|answers| proxies::choose(&answers)) {
                Ok(Ok(choice)) => Answer::Choice(choice),
                Ok(Err(unusable)) => Answer::Unusable(unusable.to_string()),
                Err(error) => Answer::NotAsked(error.to_string()),
            };
            let shown = answer.clone().route(&origin).map(|route| match route {
                Route::Direct(why) => why.to_string(),
                Route::Proxy { url, .. } => format!("{}://{}", url.scheme(), host_of(&url)),
            });
            tracing::debug!(host, proxy = shown.unwrap_or_else(|failure| failure.detail), "proxy of the system");
            // The client may be gone.
            let _ = sender.send(Some((Instant::now(), answer)));
        };
        if let Err(error) = thread::Builder::new().name("proxy".to_owned()).spawn(work) {
            tracing::debug!(%error, "the system cannot be asked for a proxy");
        }
        answer
    }

    fn lookups(&self) -> MutexGuard<'_, HashMap<Origin, Lookup>> {
        self.lookups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The URL of a proxy of the environment, with the credential that belongs to it.
fn with_credential(found: &Intercept) -> Option<Url> {
    let mut url = Url::parse(&found.uri().to_string()).ok()?;
    let basic = || {
        let encoded = found.basic_auth()?.to_str().ok()?.strip_prefix("Basic ")?;
        let pair = String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()?;
        pair.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
    };
    let raw = found.raw_auth().map(|(user, password)| (user.to_owned(), password.to_owned()));
    if let Some((user, password)) = raw.or_else(basic) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        // A proxy has a host, so these cannot be refused.
        let _ = (url.set_username(&encode(&user)), url.set_password(Some(&encode(&password))));
    }
    Some(url)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::mpsc;

    use secrecy::ExposeSecret as _;

    use super::*;
    use belfry_core::ports::ProxyLookupError;

    /// A machine whose environment and system say nothing about proxies.
    pub(crate) struct NoSystem;

    impl SystemProxies for NoSystem {
        fn variables(&self) -> ProxyVariables {
            ProxyVariables::default()
        }

        fn lookup(&self, _: &Url) -> Result<Vec<String>, ProxyLookupError> {
            Err(ProxyLookupError("nothing to ask".to_owned()))
        }
    }

    /// A machine that answers what the test tells it, when the test tells it.
    struct Machine {
        variables: ProxyVariables,
        answers: Mutex<mpsc::Receiver<Vec<String>>>,
        asked: mpsc::Sender<String>,
    }

    impl SystemProxies for Machine {
        fn variables(&self) -> ProxyVariables {
            self.variables.clone()
        }

        fn lookup(&self, origin: &Url) -> Result<Vec<String>, ProxyLookupError> {
            self.asked.send(origin.to_string()).unwrap();
            let answer = self.answers.lock().unwrap().recv();
            answer.map_err(|_| ProxyLookupError("the test is over".to_owned()))
        }
    }

    struct Asked {
        finder: ProxyFinder,
        tell: mpsc::Sender<Vec<String>>,
        asked: mpsc::Receiver<String>,
    }

    fn machine(network: NetworkSettings, [https, all, no]: [&str; 3]) -> Asked {
        let variables = ProxyVariables { https: https.to_owned(), all: all.to_owned(), no: no.to_owned() };
        let ((tell, answers), (note, asked)) = (mpsc::channel(), mpsc::channel());
        let system = Machine { variables, answers: Mutex::new(answers), asked: note };
        Asked { finder: ProxyFinder::new(network, Arc::new(system)), tell, asked }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn through(proxy: &str, source: ProxySource) -> Result<Route, Failure> {
        Ok(Route::Proxy { url: url(proxy), source })
    }

    fn direct(why: Directness) -> Result<Route, Failure> {
        Ok(Route::Direct(why))
    }

    #[tokio::test]
    async fn settings_come_before_the_environment_and_the_environment_before_the_system() {
        let push = url("https://push.example.com/ws");
        let own = |proxy: Proxy| NetworkSettings { proxy, ..NetworkSettings::default() };
        let secret = "http://alice:p%40s%25s@proxy.example.com:3128/";
        let socks = "socks5h://alice:secret@proxy.example.com:1080/";
        for (proxy, variables, expected) in [
            (Proxy::None, [secret, "", ""], direct(Directness::Settings)),
            (
                Proxy::Url(url("http://own:1")),
                [secret, "", "push.example.com"],
                through("http://own:1", ProxySource::Settings),
            ),
            (Proxy::System, [secret, "http://other", ""], through(secret, ProxySource::Environment)),
            (Proxy::System, ["", socks, ""], through(socks, ProxySource::Environment)),
            (Proxy::System, [secret, "", "example.com"], direct(Directness::Environment)),
            (Proxy::System, ["", "", "*"], direct(Directness::Environment)),
        ] {
            let asked = machine(own(proxy.clone()), variables);
            assert_eq!(asked.finder.find(&push).await, expected, "{proxy:?} {variables:?}");
            assert_eq!(asked.finder.found(&push), expected.unwrap().proxy(), "the client takes the same");
            assert!(asked.asked.try_recv().is_err(), "the system was not asked");
        }
        let asked = machine(own(Proxy::System), ["", "", "other.example.com"]);
        asked.tell.send(vec!["PROXY pac:1".to_owned()]).unwrap();
        assert_eq!(asked.finder.find(&push).await, through("http://pac:1", ProxySource::System));
        assert_eq!(asked.finder.found(&push), Some(url("http://pac:1")));
    }

    #[tokio::test]
    async fn loopback_and_what_is_not_encrypted_have_no_proxy_and_the_system_is_not_asked() {
        let asked = machine(NetworkSettings::default(), ["http://proxy:1", "", ""]);
        for to in ["http://push.example.com/", "http://127.0.0.1:1/", "https://localhost/", "https://[::1]:2/"] {
            assert_eq!(asked.finder.find(&url(to)).await, direct(Directness::Never), "{to}");
            assert_eq!(asked.finder.found(&url(to)), None, "{to}");
        }
        let asked = machine(NetworkSettings::default(), [""; 3]);
        assert_eq!(asked.finder.find(&url("https://localhost/")).await, direct(Directness::Never));
        assert!(asked.asked.try_recv().is_err(), "the system was not asked");
    }

    #[tokio::test]
    async fn the_system_sees_no_path_and_is_asked_once_for_what_begins_together() {
        let asked = machine(NetworkSettings::default(), [""; 3]);
        let [socket, call] = ["https://push.example.com/websocket/the-token?x=1#y", "https://push.example.com/api"];
        asked.tell.send(vec!["socks5://a:1".to_owned()]).unwrap();
        for to in [socket, call] {
            assert_eq!(asked.finder.find(&url(to)).await, through("socks5h://a:1", ProxySource::System));
        }
        asked.tell.send(vec!["direct://".to_owned()]).unwrap();
        assert_eq!(asked.finder.find(&url("https://api.example.com:8443/x")).await, direct(Directness::System));
        assert_eq!(
            asked.asked.try_iter().collect::<Vec<_>>(),
            ["https://push.example.com/", "https://api.example.com:8443/"]
        );
    }

    #[tokio::test]
    async fn a_system_that_cannot_be_asked_means_direct_and_rubbish_is_refused() {
        let finder = ProxyFinder::new(NetworkSettings::default(), Arc::new(NoSystem));
        let push = url("https://push.example.com/ws");
        assert_eq!(finder.find(&push).await, direct(Directness::NotAsked("nothing to ask".to_owned())));
        let asked = machine(NetworkSettings::default(), [""; 3]);
        asked.tell.send(vec!["quic://alice:sesame@a:1".to_owned()]).unwrap();
        let failure = asked.finder.find(&push).await.unwrap_err();
        assert_eq!(failure, Failure::new(Fault::UnusableProxy, "push.example.com:443: quic://a:1"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_comes_too_late_is_waited_for_once_and_used_from_then_on() {
        let asked = machine(NetworkSettings::default(), [""; 3]);
        let push = url("https://push.example.com/ws");
        let began = Instant::now();
        assert_eq!(asked.finder.find(&push).await, direct(Directness::NoAnswer));
        assert_eq!(began.elapsed(), LIMIT);
        assert_eq!(asked.finder.found(&push), None);
        assert_eq!(asked.finder.find(&push).await, direct(Directness::NoAnswer));
        assert_eq!(began.elapsed(), LIMIT, "it is not waited for again");
        let mut answer = asked.finder.lookup(&push).answer;
        asked.tell.send(vec!["PROXY a:1".to_owned()]).unwrap();
        // The other thread needs real time; the paused clock stands still while a thread is waited for.
        let runtime = tokio::runtime::Handle::current();
        let wait = move || runtime.block_on(answer.wait_for(Option::is_some)).is_ok();
        assert!(tokio::task::spawn_blocking(wait).await.unwrap());
        assert_eq!(asked.finder.find(&push).await, through("http://a:1", ProxySource::System));
        assert_eq!(asked.asked.try_iter().count(), 1);
        // The next question is not answered either: what was said last counts.
        tokio::time::advance(FRESH).await;
        assert_eq!(asked.finder.find(&push).await, through("http://a:1", ProxySource::System));
        assert_eq!(asked.finder.found(&push), Some(url("http://a:1")));
    }

    #[test]
    fn the_credential_of_a_proxy_becomes_the_header_that_the_client_sends() {
        let header = |text: &str| authorization(&url(text)).map(|header| header.expose_secret().to_owned());
        assert_eq!(header("http://proxy:1"), None);
        assert_eq!(header("http://alice:open%20sesame@proxy:1").as_deref(), Some("Basic YWxpY2U6b3BlbiBzZXNhbWU="));
        assert_eq!(header("http://alice@proxy:1").as_deref(), Some("Basic YWxpY2U6"));
    }
}
