//! How the C library's allocator, which Rust and SQLite share, treats what is freed.
//!
//! Deliberately absent: an allocator of our own.

/// To be called first. Lets large pieces of memory go back to the system as soon as they are freed:
/// glibc keeps more and more of them after a burst, up to 32 MiB each (mallopt(3), "dynamic mmap
/// threshold"). A program that runs all day has a burst now and then.
pub fn keep_little() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// What glibc begins with.
        const MMAP_THRESHOLD: libc::c_int = 128 * 1024;
        // SAFETY: it changes a number of the allocator, under the allocator's own lock.
        #[allow(unsafe_code)]
        let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD) };
        debug_assert_eq!(is_set, 1, "glibc takes this value");
    }
}
