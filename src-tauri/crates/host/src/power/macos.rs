//! macOS: `NSWorkspaceDidWakeNotification` (10.3 and later), which needs the main loop of an
//! application, and the primary network in the dynamic store of the system's configuration.

use std::ptr::NonNull;
use std::sync::mpsc::Sender;
use std::thread;

use block2::RcBlock;
use objc2_app_kit::{NSWorkspace, NSWorkspaceDidWakeNotification};
use objc2_foundation::NSNotification;
use system_configuration::core_foundation::array::CFArray;
use system_configuration::core_foundation::runloop::{CFRunLoop, kCFRunLoopDefaultMode};
use system_configuration::core_foundation::string::CFString;
use system_configuration::dynamic_store::{SCDynamicStore, SCDynamicStoreBuilder, SCDynamicStoreCallBackContext};

use super::{Hint, forward};

/// There while the machine has a network of this kind.
const NETWORKS: [&str; 2] = ["State:/Network/Global/IPv4", "State:/Network/Global/IPv6"];

/// Calls `on_hint` for each hint, on a separate thread, until the program ends.
pub fn watch(on_hint: impl Fn(Hint) + Send + 'static) {
    let hints = forward(on_hint);
    watch_sleep(hints.clone());
    let work = move || {
        if watch_network(hints).is_none() {
            tracing::debug!("network changes cannot be watched");
        }
    };
    if let Err(error) = thread::Builder::new().name("network".to_owned()).spawn(work) {
        tracing::debug!(%error, "network changes cannot be watched");
    }
}

fn watch_sleep(hints: Sender<Hint>) {
    let woke = RcBlock::new(move |_: NonNull<NSNotification>| {
        // The thread that takes them may be gone, when the program ends.
        let _ = hints.send(Hint::Woke);
    });
    let center = NSWorkspace::sharedWorkspace().notificationCenter();
    // SAFETY: a constant of a framework that is linked; and the block holds only a sender, which any
    // thread may use. The centre keeps block and observer until it is told otherwise, which it never
    // is.
    #[allow(unsafe_code)]
    let _observer = unsafe {
        center.addObserverForName_object_queue_usingBlock(Some(NSWorkspaceDidWakeNotification), None, None, &woke)
    };
}

/// Watches on the loop of this thread, which it occupies. `None`: it is not possible.
fn watch_network(hints: Sender<Hint>) -> Option<()> {
    let context = SCDynamicStoreCallBackContext { callout: changed, info: hints };
    let store = SCDynamicStoreBuilder::new("belfry").callback_context(context).build()?;
    let keys = CFArray::from_CFTypes(&NETWORKS.map(CFString::new));
    if !store.set_notification_keys(&keys, &CFArray::<CFString>::from_CFTypes(&[])) {
        return None;
    }
    let source = store.create_run_loop_source()?;
    // SAFETY: a constant of a framework that is linked; it never changes.
    #[allow(unsafe_code)]
    let mode = unsafe { kCFRunLoopDefaultMode };
    CFRunLoop::get_current().add_source(&source, mode);
    CFRunLoop::run_current();
    Some(())
}

#[expect(clippy::needless_pass_by_value, reason = "the library's type of a callback")]
fn changed(store: SCDynamicStore, _keys: CFArray<CFString>, hints: &mut Sender<Hint>) {
    if NETWORKS.iter().any(|network| store.get(*network).is_some()) {
        // The thread that takes them may be gone, when the program ends.
        let _ = hints.send(Hint::NetworkChanged);
    }
}
