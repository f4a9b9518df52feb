//! Where pages are that are larger than those of the TLB: flushing one address of theirs flushes all pieces.

/// Ranges that are remembered; of more, the closest become one.
const MOST: usize = 16;

/// Ranges of virtual addresses, by first and last one, in order and apart from each other.
#[derive(Default)]
pub(super) struct LargePages {
    ranges: Vec<(u64, u64)>,
}

impl LargePages {
    /// Whether an address may be on one.
    pub fn cover(&self, address: u64) -> bool {
        self.ranges.iter().any(|(start, last)| (*start..=*last).contains(&address))
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }

    /// Adds the page of `size` bytes at `start`, a multiple of it.
    pub fn add(&mut self, start: u64, size: u64) {
        let last = start + (size - 1);
        let at = self.ranges.partition_point(|range| range.0 <= start);
        if at > 0 && last <= self.ranges[at - 1].1 {
            return;
        }
        self.ranges.insert(at, (start, last));
        // Pages are aligned to their size, so that one that overlaps another covers it.
        let mut at = 1;
        while at < self.ranges.len() {
            if self.gap(at) == 0 { self.join(at) } else { at += 1 }
        }
        if self.ranges.len() > MOST {
            let closest = (1..self.ranges.len()).min_by_key(|at| self.gap(*at)).unwrap_or(1);
            self.join(closest);
        }
    }

    /// How many addresses are between a range and the one before it.
    fn gap(&self, at: usize) -> u64 {
        let (before, range) = (self.ranges[at - 1], self.ranges[at]);
        range.0.saturating_sub(before.1).saturating_sub(1)
    }

    /// Makes a range and the one before it one.
    fn join(&mut self, at: usize) {
        let (_, last) = self.ranges.remove(at);
        let before = &mut self.ranges[at - 1];
        before.1 = before.1.max(last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: u64 = 0x20_0000;

    #[test]
    fn neighbours_become_one_range() {
        let mut pages = LargePages::default();
        for at in [4, 6, 5, 5, 0] {
            pages.add(at * PAGE, PAGE);
        }
        assert_eq!(pages.ranges, [(0, PAGE - 1), (4 * PAGE, 7 * PAGE - 1)]);
        pages.add(0, 512 * PAGE);
        assert_eq!(pages.ranges, [(0, 512 * PAGE - 1)]);
    }

    #[test]
    fn the_closest_join_when_there_are_too_many() {
        let mut pages = LargePages::default();
        let user = 0x4000_0000;
        pages.add(user, PAGE);
        for n in 0..100 {
            pages.add(0u64.wrapping_sub((200 - 2 * n) * PAGE), PAGE);
        }
        assert!(pages.ranges.len() <= MOST);
        assert!(pages.cover(user) && !pages.cover(user + PAGE), "far from the others");
        assert!((0..100).all(|n| pages.cover(0u64.wrapping_sub((200 - 2 * n) * PAGE))));
        pages.add(0u64.wrapping_sub(PAGE), PAGE);
        assert!(pages.cover(u64::MAX));
        pages.clear();
        assert!(!pages.cover(user));
    }
}
