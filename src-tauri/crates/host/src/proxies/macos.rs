//! macOS: CFNetwork (10.5 and later) with the settings of the network in use, exceptions and
//! automatic configuration included.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use belfry_core::ports::ProxyLookupError;
use objc2_cf_network::{
    CFNetworkCopyProxiesForURL, CFNetworkCopySystemProxySettings, CFNetworkExecuteProxyAutoConfigurationScript,
    CFNetworkExecuteProxyAutoConfigurationURL, kCFProxyAutoConfigurationJavaScriptKey, kCFProxyAutoConfigurationURLKey,
    kCFProxyHostNameKey, kCFProxyPortNumberKey, kCFProxyTypeAutoConfigurationJavaScript,
    kCFProxyTypeAutoConfigurationURL, kCFProxyTypeHTTP, kCFProxyTypeHTTPS, kCFProxyTypeKey, kCFProxyTypeNone,
    kCFProxyTypeSOCKS,
};
use objc2_core_foundation::{
    CFArray, CFDictionary, CFError, CFNumber, CFRetained, CFRunLoop, CFRunLoopSource, CFStreamClientContext, CFString,
    CFType, CFURL,
};
use url::Url;

/// After this a configuration script is given up. The engine does not wait for so long, but it would
/// use the answer.
const LIMIT: Duration = Duration::from_secs(60);
/// In this mode the thread's loop does nothing but wait for the script.
const MODE: &str = "app.belfry.proxies";

pub(super) fn lookup(origin: &Url) -> Result<Vec<String>, ProxyLookupError> {
    let target = url(origin.as_str())?;
    // SAFETY: the function takes nothing, and returns an object that belongs to the caller.
    #[allow(unsafe_code)]
    let settings = unsafe { CFNetworkCopySystemProxySettings() };
    let Some(settings) = settings else { return Ok(Vec::new()) };
    // SAFETY: the dictionary is the one that the system has made for this call.
    #[allow(unsafe_code)]
    let proxies = unsafe { CFNetworkCopyProxiesForURL(&target, &settings) };
    let mut answers = Vec::new();
    for proxy in entries(&proxies) {
        match Proxy::of(&proxy) {
            Proxy::Answer(answer) => answers.push(answer),
            // A script that cannot be used is passed over, as a proxy that cannot be used.
            Proxy::Script(script) => match run(&script, &target) {
                Ok(found) => answers.extend(found),
                Err(error) => {
                    tracing::debug!(%error, "the automatic configuration of the proxy cannot be used");
                    if proxies.len() == 1 {
                        return Err(error);
                    }
                }
            },
        }
    }
    Ok(answers)
}

fn url(text: &str) -> Result<CFRetained<CFURL>, ProxyLookupError> {
    CFURL::from_string(None, &CFString::from_str(text), None).ok_or_else(|| failed("an address cannot be read"))
}

fn failed(why: &str) -> ProxyLookupError {
    ProxyLookupError(why.to_owned())
}

/// The dictionaries of a list of proxies.
fn entries(proxies: &CFArray) -> Vec<CFRetained<CFDictionary<CFString, CFType>>> {
    // SAFETY: CFNetwork documents these lists as arrays of dictionaries with strings as keys.
    #[allow(unsafe_code)]
    let proxies = unsafe { proxies.cast_unchecked::<CFDictionary<CFString, CFType>>() };
    proxies.to_vec()
}

/// A configuration script.
enum Script {
    At(CFRetained<CFURL>),
    Text(CFRetained<CFString>),
}

/// One entry of a list.
enum Proxy {
    /// In the words of a configuration script.
    Answer(String),
    Script(Script),
}

impl Proxy {
    fn of(entry: &CFDictionary<CFString, CFType>) -> Self {
        let keys = Keys::of_system();
        let text = |key: &CFString| entry.get(key)?.downcast::<CFString>().ok();
        let kind = text(keys.kind);
        let is = |wanted: &CFString| kind.as_deref() == Some(wanted);
        let place = || {
            let host = text(keys.host).map(|host| host.to_string()).unwrap_or_default();
            // An address of version 6 stands in brackets, where a port follows.
            let host = if host.contains(':') { format!("[{host}]") } else { host };
            let port = entry.get(keys.port).and_then(|port| port.downcast::<CFNumber>().ok()?.as_i64());
            port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
        };
        let script_url = || entry.get(keys.script_url)?.downcast::<CFURL>().ok();
        if is(keys.none) {
            Self::Answer("DIRECT".to_owned())
        } else if is(keys.http) || is(keys.https) {
            // Both are HTTP proxies: the types say which requests they are for.
            Self::Answer(format!("PROXY {}", place()))
        } else if is(keys.socks) {
            Self::Answer(format!("SOCKS {}", place()))
        } else if is(keys.by_url)
            && let Some(url) = script_url()
        {
            Self::Script(Script::At(url))
        } else if is(keys.by_text)
            && let Some(script) = text(keys.script)
        {
            Self::Script(Script::Text(script))
        } else {
            Self::Answer(kind.map_or_else(|| "?".to_owned(), |kind| kind.to_string()))
        }
    }
}

/// The constants of CFNetwork.
struct Keys {
    kind: &'static CFString,
    host: &'static CFString,
    port: &'static CFString,
    script: &'static CFString,
    script_url: &'static CFString,
    none: &'static CFString,
    http: &'static CFString,
    https: &'static CFString,
    socks: &'static CFString,
    by_url: &'static CFString,
    by_text: &'static CFString,
}

impl Keys {
    fn of_system() -> Self {
        // SAFETY: constants of a framework that is linked; they never change.
        #[allow(unsafe_code)]
        unsafe {
            Self {
                kind: kCFProxyTypeKey,
                host: kCFProxyHostNameKey,
                port: kCFProxyPortNumberKey,
                script: kCFProxyAutoConfigurationJavaScriptKey,
                script_url: kCFProxyAutoConfigurationURLKey,
                none: kCFProxyTypeNone,
                http: kCFProxyTypeHTTP,
                https: kCFProxyTypeHTTPS,
                socks: kCFProxyTypeSOCKS,
                by_url: kCFProxyTypeAutoConfigurationURL,
                by_text: kCFProxyTypeAutoConfigurationJavaScript,
            }
        }
    }
}

type Outcome = Option<Result<Vec<String>, ProxyLookupError>>;

/// Runs a script for an address, on the loop of this thread.
fn run(script: &Script, target: &CFURL) -> Result<Vec<String>, ProxyLookupError> {
    let mut outcome: Outcome = None;
    let mut context = CFStreamClientContext {
        version: 0,
        info: (&raw mut outcome).cast(),
        retain: None,
        release: None,
        copyDescription: None,
    };
    let context = NonNull::from(&mut context);
    // SAFETY: `finished` has the type that is asked for. CFNetwork copies the context, and calls
    // `finished` only while the loop below runs on this thread: the source is invalidated before
    // this function returns, so `outcome` outlives every call.
    #[allow(unsafe_code)]
    let source = unsafe {
        match script {
            Script::At(url) => CFNetworkExecuteProxyAutoConfigurationURL(url, target, Some(finished), context),
            Script::Text(text) => CFNetworkExecuteProxyAutoConfigurationScript(text, target, Some(finished), context),
        }
    };
    wait(&source, &raw const outcome);
    source.invalidate();
    outcome.unwrap_or_else(|| Err(failed("the configuration script has not ended")))
}

/// Runs the loop of this thread until there is an outcome, for at most [`LIMIT`].
fn wait(source: &CFRunLoopSource, outcome: *const Outcome) {
    let Some(run_loop) = CFRunLoop::current() else { return };
    let (mode, until) = (CFString::from_static_str(MODE), Instant::now() + LIMIT);
    run_loop.add_source(Some(source), Some(&mode));
    loop {
        let left = until.saturating_duration_since(Instant::now());
        // Returns when the source has been handled.
        CFRunLoop::run_in_mode(Some(&mode), left.as_secs_f64(), true);
        // SAFETY: it points to a variable of the caller, which only `finished` writes, and only while
        // the loop runs.
        #[allow(unsafe_code)]
        let is_done = unsafe { (*outcome).is_some() };
        if is_done || left.is_zero() {
            return run_loop.remove_source(Some(source), Some(&mode));
        }
    }
}

/// Takes the result of a script: proxies, or an error.
#[allow(unsafe_code)]
unsafe extern "C-unwind" fn finished(outcome: NonNull<c_void>, proxies: NonNull<CFArray>, error: *mut CFError) {
    // SAFETY: CFNetwork passes the list and the error for the duration of this call.
    let (proxies, error) = unsafe { (as_ref(proxies.as_ptr()), as_ref(error)) };
    let result = match (error, proxies) {
        (None, Some(proxies)) => Ok(answers(proxies)),
        (Some(_), _) => Err(failed("the configuration script cannot be fetched or run")),
        (None, None) => Err(failed("the configuration script has no result")),
    };
    // SAFETY: `run` has put a pointer to its own variable here, and waits.
    unsafe { *outcome.cast::<Outcome>().as_ptr() = Some(result) };
}

/// The object at a pointer that may be null.
///
/// # Safety
/// If it is not null, it must be valid for as long as the result is used.
#[allow(unsafe_code)]
unsafe fn as_ref<'a, T>(pointer: *const T) -> Option<&'a T> {
    // SAFETY: the caller's promise.
    unsafe { pointer.as_ref() }
}

/// The proxies that a script names; it names no further script.
fn answers(proxies: &CFArray) -> Vec<String> {
    let words = |proxy: CFRetained<_>| match Proxy::of(&proxy) {
        Proxy::Answer(answer) => answer,
        Proxy::Script(_) => "?".to_owned(),
    };
    entries(proxies).into_iter().map(words).collect()
}
