//! Owns how much of what is looked at stays in memory: the letters that are wanted, whole, up to a total.
//! Never a limit on how many are seen: without body and attributes a letter is small.
//! Next: `desk` asks it for each letter; what found no room is said, and waits for the next command.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Of all places together.
pub(super) const BYTES_MAX: usize = 64 << 20;

#[derive(Debug)]
pub(super) struct Room {
    bytes_max: usize,
    used: AtomicUsize,
}

impl Room {
    pub(super) fn new(bytes_max: usize) -> Room {
        Room { bytes_max, used: AtomicUsize::new(0) }
    }

    /// Whether there is room for one more letter. The first always finds some.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        let with = |used: usize| {
            let sum = used.saturating_add(bytes);
            (used == 0 || sum <= self.bytes_max).then_some(sum)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_taken_up_to_a_total_and_the_first_one_always() {
        let room = Room::new(10);
        assert_eq!([6, 5, 4, 1].map(|bytes| room.takes(bytes)), [true, false, true, false]);
        assert!(Room::new(10).takes(11), "a single letter can be worked on, whatever its size");
    }
}
