//! The search for the highest rate that keeps an objective: doubling, then halving the interval. Pure.
//!
//! It asks for one rate after the other and is told of each whether it was kept. It never asks for the same rate twice
//! and never for more than [`TRIALS_MAX`] of them, so it ends however a server behaves.

/// The most trials: twelve doublings reach 4,096 times the first rate, and six halvings are finer than 2 %.
pub const TRIALS_MAX: usize = 18;
/// The search is over when the kept and the missed rate are so close: runs differ by more than that.
const CLOSE: f64 = 1.06;

/// A search on its way.
#[derive(Clone, PartialEq, Debug)]
pub struct Search {
    first: f64,
    most: f64,
    kept: Option<f64>,
    missed: Option<f64>,
    trials: usize,
}

impl Search {
    /// Begins at `first`; never asks for more than `most`. Both are per second and above 0.
    pub fn new(first: f64, most: f64) -> Self {
        Self {
            first: first.min(most),
            most,
            kept: None,
            missed: None,
            trials: 0,
        }
    }

    /// The rate to be tried next; none when it is over.
    pub fn next(&self) -> Option<f64> {
        if self.trials >= TRIALS_MAX {
            return None;
        }
        match (self.kept, self.missed) {
            (None, None) => Some(self.first),
            // The lowest rate was missed: the objective is out of reach.
            (None, Some(_)) => None,
            (Some(kept), None) => (kept < self.most).then(|| (kept * 2.0).min(self.most)),
            (Some(kept), Some(missed)) => (missed / kept > CLOSE)
                .then(|| rounded((kept + missed) / 2.0))
                .filter(|rate| *rate > kept && *rate < missed),
        }
    }

    /// The last rate was `kept`, or not.
    pub fn told(&mut self, rate: f64, kept: bool) {
        self.trials += 1;
        let side = if kept {
            &mut self.kept
        } else {
            &mut self.missed
        };
        *side = Some(rate);
    }

    /// The highest rate that was kept.
    pub fn found(&self) -> Option<f64> {
        self.kept
    }
}

/// Three digits are enough for a rate that people read.
fn rounded(rate: f64) -> f64 {
    let step = 10_f64.powf((rate.log10().floor() - 2.0).max(0.0));
    (rate / step).round() * step
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches on a server that keeps everything up to `limit`; the rates it was asked for.
    fn search(first: f64, most: f64, limit: f64) -> (Option<f64>, Vec<f64>) {
        let (mut search, mut asked) = (Search::new(first, most), Vec::new());
        while let Some(rate) = search.next() {
            asked.push(rate);
            search.told(rate, rate <= limit);
        }
        (search.found(), asked)
    }

    fn check(first: f64, most: f64, limit: f64) {
        let (found, asked) = search(first, most, limit);
        let found = found.expect("the first rate is kept");
        assert!(
            found <= limit && found * CLOSE * 1.02 >= limit,
            "{limit}: {found} after {asked:?}"
        );
        assert!(asked.len() <= TRIALS_MAX, "{asked:?}");
        let mut once = asked.clone();
        once.sort_by(f64::total_cmp);
        once.dedup();
        assert_eq!(once.len(), asked.len(), "{asked:?}");
    }

    #[test]
    fn the_limit_is_found() {
        for limit in [25.0, 26.0, 49.0, 50.0, 777.0, 1_600.0, 12_345.0, 47_000.0] {
            check(25.0, 100_000.0, limit);
        }
    }

    #[test]
    fn a_server_that_keeps_everything_is_asked_up_to_the_most() {
        let (found, asked) = search(100.0, 1_000.0, f64::INFINITY);
        assert_eq!(
            (found, asked),
            (Some(1_000.0), vec![100.0, 200.0, 400.0, 800.0, 1_000.0])
        );
    }

    #[test]
    fn a_server_that_misses_the_first_is_not_asked_again() {
        assert_eq!(search(100.0, 1_000.0, 99.0), (None, vec![100.0]));
    }

    #[test]
    fn a_server_that_answers_by_chance_is_not_asked_for_ever() {
        for seed in 0..50 {
            let mut chance = crate::load::arrivals::Chance::new(seed);
            let mut search = Search::new(1.0, 1e6);
            let mut asked = 0;
            while let Some(rate) = search.next() {
                asked += 1;
                search.told(rate, asked == 1 || chance.is(0.5));
            }
            assert!(asked <= TRIALS_MAX, "{asked}");
        }
    }
}
