//! glibc.

/// What glibc begins with, in bytes.
const MMAP_THRESHOLD: libc::c_int = 128 * 1024;

/// To be called first. Lets large pieces of memory go back to the system as soon as they are freed:
/// glibc would keep more and more of them after a burst, up to 32 MiB each (mallopt(3), "dynamic
/// mmap threshold"), and a program that runs all day has a burst now and then.
pub fn return_freed_memory() {
    // SAFETY: it changes a number of the allocator, under the allocator's own lock.
    #[allow(unsafe_code)]
    let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) };
    debug_assert_eq!(is_set, 1, "glibc takes this value");
}

/// To be called after a burst or a window. Gives back the pages that lie free between pieces in use,
/// which glibc keeps otherwise (malloc_trim(3)).
pub fn trim() {
    // SAFETY: it works on free memory only, under the allocator's own locks.
    #[allow(unsafe_code)]
    unsafe {
        // It says whether there was any, which does not matter.
        libc::malloc_trim(0);
    }
}
