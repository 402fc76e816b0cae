//! Keeps the memory of a program small: gives back what nothing uses, and takes it in small pages.
//!
//! glibc keeps what was freed for the next one who asks, unless it lies at the end of the heap. A program that serves crowds would
//! keep the memory of the largest one for ever. mimalloc asks for pages of 2 MB, of which a program that does a little of everything uses a part of each. It is the only crate of this workspace with an `unsafe` call, and that is all there is in it.
//!
//! # Examples
//!
//! ```
//! let crowd: Vec<Box<[u8; 100]>> = (0..1000).map(|_| Box::new([0; 100])).collect();
//! drop(crowd);
//! heap::give_back();
//! ```

/// Gives the system back what is free in the heap of glibc, and says whether there was anything. Where there is another C library, it
/// does nothing.
///
/// It goes through all of the heap, some milliseconds for 10 MB, and whoever wants memory from it meanwhile has to wait. It is for when a crowd has
/// left, not for every day. With another global allocator than the system's there is nothing for it to find.
pub fn give_back() -> bool {
    imp::give_back()
}

/// Has the system use small pages for this process from now on, whatever its allocator asks for, and says whether it does. Where there is
/// another system than Linux, it does nothing.
///
/// Large pages save time where much memory is walked through in no order, and take memory where there are many small pieces. It is for the
/// first line of `main`: what was touched before stays as it is.
pub fn use_small_pages() -> bool {
    #[cfg(target_os = "linux")]
    let is_done = rustix::thread::disable_transparent_huge_pages(true).is_ok();
    #[cfg(not(target_os = "linux"))]
    let is_done = false;
    is_done
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod imp {
    #[expect(unsafe_code, reason = "there is no safe function for it")]
    pub(super) fn give_back() -> bool {
        // SAFETY: `malloc_trim` takes no pointer, may be called at any time and by any thread (malloc_trim(3): MT-Safe), and
        // leaves everything alone that is in use.
        (unsafe { libc::malloc_trim(0) }) == 1
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod imp {
    pub(super) fn give_back() -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux", target_env = "gnu"))]
mod tests {
    /// Bytes of this process that are in memory, without files.
    fn resident() -> usize {
        let status = std::fs::read_to_string("/proc/self/status").expect("there is /proc");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"))
            .expect("RssAnon");
        let kib = line.trim().trim_end_matches(" kB").parse::<usize>();
        kib.expect("a number") << 10
    }

    #[test]
    fn small_pages_are_for_the_whole_process() {
        assert!(super::use_small_pages());
        assert_eq!(
            rustix::thread::transparent_huge_pages_are_disabled(),
            Ok(true)
        );
    }

    #[test]
    fn what_a_crowd_has_left_goes_back_to_the_system() {
        const CROWD: usize = 100_000;
        let mut crowd: Vec<Box<[u8; 512]>> = (0..CROWD).map(|_| Box::new([1; 512])).collect();
        let full = resident();
        // The last one stays, so the heap does not end before it.
        crowd.drain(..CROWD - 1);
        assert!(super::give_back());
        let gone = full.saturating_sub(resident());
        assert!(gone > CROWD * 512 / 2, "{gone} bytes");
        assert_eq!(crowd.len(), 1);
    }
}
