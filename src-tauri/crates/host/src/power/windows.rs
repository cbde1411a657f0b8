//! Windows: resume from suspend, from the power manager (Windows 8 and later) without a window, and
//! changes of IP interfaces, from the IP helper (Windows Vista and later).

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::mpsc::Sender;

use windows::Win32::Foundation::{ERROR_SUCCESS, HANDLE};
use windows::Win32::NetworkManagement::IpHelper::{
    MIB_IPINTERFACE_ROW, MIB_NOTIFICATION_TYPE, MibDeleteInstance, NotifyIpInterfaceChange,
};
use windows::Win32::Networking::WinSock::AF_UNSPEC;
use windows::Win32::System::Power::{DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS, PowerRegisterSuspendResumeNotification};
use windows::Win32::UI::WindowsAndMessaging::{DEVICE_NOTIFY_CALLBACK, PBT_APMRESUMEAUTOMATIC};

use super::{Hint, forward};

/// Where the callbacks send to. They are registered once, for as long as the program runs.
static HINTS: OnceLock<Sender<Hint>> = OnceLock::new();

/// Calls `on_hint` for each hint, on a separate thread, until the program ends. A second call
/// watches nothing.
pub fn watch(on_hint: impl Fn(Hint) + Send + 'static) {
    if HINTS.set(forward(on_hint)).is_err() {
        return;
    }
    // Never freed, since the registration is never ended.
    let subscription =
        Box::leak(Box::new(DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS { Callback: Some(power_changed), Context: null_mut() }));
    let (recipient, mut registration) = (HANDLE((&raw mut *subscription).cast()), null_mut());
    // SAFETY: with DEVICE_NOTIFY_CALLBACK the recipient is such a structure; it is valid for ever, and
    // its callback has the type that is asked for and uses no context.
    #[allow(unsafe_code)]
    let result =
        unsafe { PowerRegisterSuspendResumeNotification(DEVICE_NOTIFY_CALLBACK, recipient, &raw mut registration) };
    if result != ERROR_SUCCESS {
        tracing::debug!(error = result.0, "sleep cannot be watched");
    }
    let mut registration = HANDLE::default();
    // SAFETY: the callback has the type that is asked for and uses no context.
    #[allow(unsafe_code)]
    let result =
        unsafe { NotifyIpInterfaceChange(AF_UNSPEC, Some(interface_changed), None, false, &raw mut registration) };
    if result != ERROR_SUCCESS {
        tracing::debug!(error = result.0, "network changes cannot be watched");
    }
}

fn send(hint: Hint) {
    if let Some(hints) = HINTS.get() {
        // The thread that takes them may be gone, when the program ends.
        let _ = hints.send(hint);
    }
}

/// The machine goes to sleep or wakes up; no pointer is used.
#[allow(unsafe_code)]
unsafe extern "system" fn power_changed(_context: *const c_void, what: u32, _setting: *const c_void) -> u32 {
    // Sent after every sleep, whatever has ended it.
    if what == PBT_APMRESUMEAUTOMATIC {
        send(Hint::Woke);
    }
    ERROR_SUCCESS.0
}

/// An interface has come, has changed or has gone; no pointer is used.
#[allow(unsafe_code)]
unsafe extern "system" fn interface_changed(
    _context: *const c_void,
    _row: *const MIB_IPINTERFACE_ROW,
    what: MIB_NOTIFICATION_TYPE,
) {
    if what != MibDeleteInstance {
        send(Hint::NetworkChanged);
    }
}
