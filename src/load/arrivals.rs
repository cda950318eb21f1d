//! Chance, and the moments at which customers write.
//!
//! Arrivals are a Poisson process: gaps are exponential, and each moment is the sum of all gaps since the beginning, so
//! that nothing drifts however late one of them was served. All of it comes from one seed, and the same seed is the same
//! run in every version: that is why the generator stands here and is not a dependency's.

use std::time::Duration;

/// A stream of numbers: SplitMix64, which passes the usual batteries and is three lines long.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// From this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream, for somebody who draws at their own pace.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.draw())
    }

    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below 1.
    pub fn unit(&mut self) -> f64 {
        // the 53 bits that a double holds
        (self.draw() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 to below `end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        match end {
            0 => 0,
            // the bias is below one in a billion for what is drawn here
            end => self.draw() % end,
        }
    }

    /// True in `share` of all cases; 0 never, 1 always.
    pub fn is(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// An exponential draw with this mean.
    pub fn exponential(&mut self, mean: Duration) -> Duration {
        // 1 - unit is never 0
        mean.mul_f64(-(1.0 - self.unit()).ln())
    }

    /// How many there are when there are `mean` on average and another one always follows with the same chance; at
    /// least 1, at most 1,000.
    pub fn geometric(&mut self, mean: f64) -> u32 {
        let goes_on = 1.0 - 1.0 / mean.max(1.0);
        let mut count = 1;
        while count < 1_000 && self.is(goes_on) {
            count += 1;
        }
        count
    }
}

/// The moments of a Poisson process, counted from its beginning. Endless.
#[derive(Clone, Debug)]
pub struct Arrivals {
    chance: Chance,
    gap: Duration,
    at: Duration,
}

impl Arrivals {
    /// `rate` per second, above 0.
    pub fn new(chance: Chance, rate: f64) -> Self {
        Self {
            chance,
            gap: Duration::from_secs_f64(1.0 / rate),
            at: Duration::ZERO,
        }
    }
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.at += self.chance.exponential(self.gap);
        Some(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_mean(rate: f64, seed: u64) {
        let n = 40_000;
        let all: Vec<_> = Arrivals::new(Chance::new(seed), rate).take(n).collect();
        let mean = all[n - 1].as_secs_f64() / n as f64;
        assert!(
            (mean * rate - 1.0).abs() < 0.03,
            "rate {rate}, seed {seed}: a gap of {mean} s"
        );
        // In an exponential distribution the deviation is the mean.
        let gaps = all.windows(2).map(|two| (two[1] - two[0]).as_secs_f64());
        let variance = gaps.map(|gap| (gap - mean).powi(2)).sum::<f64>() / n as f64;
        assert!(
            (variance.sqrt() / mean - 1.0).abs() < 0.05,
            "rate {rate}, seed {seed}: {variance}"
        );
    }

    #[test]
    fn gaps_are_exponential_with_the_mean_of_the_rate() {
        for seed in [1, 2, 3] {
            check_mean(0.5, seed);
            check_mean(200.0, seed);
            check_mean(50_000.0, seed);
        }
    }

    #[test]
    fn the_schedule_is_absolute_and_never_goes_back() {
        let all: Vec<_> = Arrivals::new(Chance::new(9), 1_000.0).take(5_000).collect();
        assert!(all.windows(2).all(|two| two[0] <= two[1]));
        // Whoever reads it late reads the same moments: it knows no clock.
        let mut late = Arrivals::new(Chance::new(9), 1_000.0);
        for at in &all {
            if at.as_millis().is_multiple_of(500) {
                std::thread::yield_now();
            }
            assert_eq!(late.next(), Some(*at));
        }
    }

    #[test]
    fn a_seed_is_a_run() {
        let run = |seed| {
            Arrivals::new(Chance::new(seed), 10.0)
                .take(100)
                .collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }

    #[test]
    fn lengths_and_shares_come_out_as_asked() {
        let mut chance = Chance::new(4);
        let total: u32 = (0..20_000).map(|_| chance.geometric(6.0)).sum();
        assert!((f64::from(total) / 20_000.0 - 6.0).abs() < 0.2, "{total}");
        assert_eq!(chance.geometric(0.0), 1);
        let hits = (0..20_000).filter(|_| chance.is(0.1)).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
        assert!(!chance.is(0.0) && chance.is(1.0) && chance.below(0) == 0);
    }
}
