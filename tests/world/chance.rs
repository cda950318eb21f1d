//! Chance that can be had again: everything random in these tests comes from one printed seed.

use std::time::Duration;

/// A stream of numbers (splitmix64: short, and good enough to choose moments with).
pub struct Chance(u64);

impl Chance {
    /// From `SEGUE_SEED`, or drawn; printed, so that a failing run can be had again.
    pub fn of_this_run(what: &str) -> Self {
        let given = std::env::var("SEGUE_SEED").ok();
        let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            let mut bytes = [0; 4];
            getrandom::fill(&mut bytes).expect("the system has randomness");
            u64::from(u32::from_le_bytes(bytes))
        });
        eprintln!("{what}: SEGUE_SEED={seed}");
        Self(seed)
    }

    /// Another stream, for somebody who draws at their own pace.
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// So many milliseconds, from `from` to below `to`.
    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}
