//! Windows: WinHTTP (Windows 8 and later), with the proxy settings of the person who is signed in:
//! automatic detection, a configuration script, then a fixed proxy with its exceptions.

use belfry_core::ports::ProxyLookupError;
use belfry_core::proxies::is_exception;
use url::Url;
use windows::Win32::Foundation::{GlobalFree, HGLOBAL};
use windows::Win32::Networking::WinHttp::{
    WINHTTP_ACCESS_TYPE_NO_PROXY, WINHTTP_AUTO_DETECT_TYPE_DHCP, WINHTTP_AUTO_DETECT_TYPE_DNS_A,
    WINHTTP_AUTOPROXY_AUTO_DETECT, WINHTTP_AUTOPROXY_CONFIG_URL, WINHTTP_AUTOPROXY_OPTIONS,
    WINHTTP_CURRENT_USER_IE_PROXY_CONFIG, WINHTTP_PROXY_INFO, WinHttpCloseHandle,
    WinHttpGetIEProxyConfigForCurrentUser, WinHttpGetProxyForUrl, WinHttpOpen,
};
use windows::core::{Error, HSTRING, PCWSTR, PWSTR, Result};

pub(super) fn lookup(origin: &Url) -> core::result::Result<Vec<String>, ProxyLookupError> {
    let settings = Settings::read().map_err(failed)?;
    let script = settings.script.text();
    if settings.detects || !script.is_empty() {
        match automatic(origin, settings.detects, &script) {
            Ok(answers) => return Ok(answers),
            // The fixed proxy comes next, as in Windows itself.
            Err(error) if settings.proxy.text().is_empty() => return Err(failed(error)),
            Err(error) => tracing::debug!(%error, "the automatic configuration of the proxy cannot be used"),
        }
    }
    Ok(named(origin, &settings.proxy, &settings.exceptions))
}

fn failed(error: Error) -> ProxyLookupError {
    ProxyLookupError(error.message())
}

/// What a list of proxies means for this server.
fn named(origin: &Url, proxy: &Allocated, exceptions: &Allocated) -> Vec<String> {
    if is_exception(&exceptions.text(), origin) { Vec::new() } else { vec![proxy.text()] }
}

/// A text that WinHTTP has allocated for the caller; it may be missing.
struct Allocated(PWSTR);

impl Allocated {
    fn text(&self) -> String {
        if self.0.is_null() {
            return String::new();
        }
        // SAFETY: WinHTTP returns texts that end with a zero, and this one is freed only in `drop`.
        #[allow(unsafe_code)]
        unsafe { self.0.to_string() }.unwrap_or_default()
    }
}

impl Drop for Allocated {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: WinHTTP allocates these texts with GlobalAlloc and leaves them to the caller, and
            // nothing else has this pointer. A failure would leave the memory allocated.
            #[allow(unsafe_code)]
            let _ = unsafe { GlobalFree(Some(HGLOBAL(self.0.0.cast()))) };
        }
    }
}

/// The proxy settings of the person.
struct Settings {
    detects: bool,
    script: Allocated,
    proxy: Allocated,
    exceptions: Allocated,
}

impl Settings {
    fn read() -> Result<Self> {
        let mut read = WINHTTP_CURRENT_USER_IE_PROXY_CONFIG::default();
        // SAFETY: it is a structure of the caller that this call fills.
        #[allow(unsafe_code)]
        unsafe { WinHttpGetIEProxyConfigForCurrentUser(&raw mut read) }?;
        Ok(Self {
            detects: read.fAutoDetect.as_bool(),
            script: Allocated(read.lpszAutoConfigUrl),
            proxy: Allocated(read.lpszProxy),
            exceptions: Allocated(read.lpszProxyBypass),
        })
    }
}

/// A session of WinHTTP, which fetches and runs a configuration script.
struct Session(*mut core::ffi::c_void);

impl Session {
    fn open() -> Result<Self> {
        // SAFETY: the texts are constants or missing, which is allowed for these parameters.
        #[allow(unsafe_code)]
        let handle = unsafe {
            WinHttpOpen(windows::core::w!("Belfry"), WINHTTP_ACCESS_TYPE_NO_PROXY, PCWSTR::null(), PCWSTR::null(), 0)
        };
        if handle.is_null() { Err(Error::from_thread()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and is not used after this.
        #[allow(unsafe_code)]
        let _ = unsafe { WinHttpCloseHandle(self.0) };
    }
}

/// The answer of the configuration script that is detected, or that is named. Without the person's
/// sign-in to the server of the script.
fn automatic(origin: &Url, detects: bool, script: &str) -> Result<Vec<String>> {
    let session = Session::open()?;
    let (script, origin_text) = (HSTRING::from(script), HSTRING::from(origin.as_str()));
    let mut options = WINHTTP_AUTOPROXY_OPTIONS::default();
    if detects {
        options.dwFlags |= WINHTTP_AUTOPROXY_AUTO_DETECT;
        options.dwAutoDetectFlags = WINHTTP_AUTO_DETECT_TYPE_DHCP | WINHTTP_AUTO_DETECT_TYPE_DNS_A;
    }
    if !script.is_empty() {
        options.dwFlags |= WINHTTP_AUTOPROXY_CONFIG_URL;
        options.lpszAutoConfigUrl = PCWSTR(script.as_ptr());
    }
    let mut found = WINHTTP_PROXY_INFO::default();
    // SAFETY: the session is open, both structures and the texts outlive the call, and the call fills
    // the second structure.
    #[allow(unsafe_code)]
    unsafe { WinHttpGetProxyForUrl(session.0, &origin_text, &raw mut options, &raw mut found) }?;
    let (proxy, exceptions) = (Allocated(found.lpszProxy), Allocated(found.lpszProxyBypass));
    if found.dwAccessType == WINHTTP_ACCESS_TYPE_NO_PROXY {
        return Ok(Vec::new());
    }
    Ok(named(origin, &proxy, &exceptions))
}
