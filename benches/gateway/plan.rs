//! What is measured, and how large: the words of the command line.
//!
//! Sizes are such that no part takes much longer than a minute; the largest ones of the README are asked for by flags.
//! `--test` makes everything small. A flag that is not known changes nothing, because cargo adds its own.

use std::path::PathBuf;

/// What is measured.
pub struct Plan {
    /// Of one round.
    pub seconds: f64,
    /// Of everything that is repeated.
    pub rounds: usize,
    /// Customers who write.
    pub active: u64,
    /// Conversations that are known in all, one server for each.
    pub known: Vec<u64>,
    /// How many write at once, a table for each.
    pub connections: Vec<usize>,
    /// Customers of each kind, and the length of the long histories.
    pub history: (u64, u32),
    /// Customers of a crowd in `memory`.
    pub crowd: u64,
    /// How many are in memory in `crowd`.
    pub crowds: Vec<u64>,
    /// Seconds of the long run.
    pub long: u64,
    /// Customers of a round of whole turns.
    pub turns: u64,
    /// Customers of each kind who are woken.
    pub wakes: u64,
    /// Customers in `disk`.
    pub disk: u64,
    /// How much of the tail is filled before the kill, in bytes.
    pub tail: u64,
    /// Everybody who writes at once after a long silence.
    pub herd: u64,
    /// How many deadlines fall into one second.
    pub due: u64,
    /// For how long the model, and then the provider, is slow, in seconds.
    pub slow: f64,
    /// Everything is done once, to see that it works.
    pub small: bool,
    /// Only this part; `segue` and `bare` are `rate` of one server (for a profiler), `strain` is all that strains.
    pub only: Option<String>,
    /// Where the figures go.
    pub json: Option<PathBuf>,
    /// Where the page with the plots of `growth` goes.
    pub report: Option<PathBuf>,
}

impl Plan {
    /// As the command line says.
    pub fn of(arguments: &[String]) -> Self {
        let all = |name: &str| {
            let pairs = arguments.windows(2).filter(move |pair| pair[0] == name);
            pairs.map(|pair| pair[1].clone()).collect::<Vec<_>>()
        };
        let numbers = |name: &str| {
            all(name)
                .iter()
                .map(|text| text.parse().expect("a number"))
                .collect::<Vec<f64>>()
        };
        let small = arguments.iter().any(|one| one == "--test");
        let number = |name: &str, tiny: f64, usual: f64| {
            let usual = if small { tiny } else { usual };
            numbers(name).last().copied().unwrap_or(usual)
        };
        let several = |name: &str, tiny: &[u64], usual: &[u64]| {
            let asked: Vec<u64> = numbers(name).iter().map(|n| *n as u64).collect();
            match (asked.is_empty(), small) {
                (false, _) => asked,
                (true, true) => tiny.to_vec(),
                (true, false) => usual.to_vec(),
            }
        };
        Self {
            seconds: number("--seconds", 0.2, 2.0),
            rounds: number("--rounds", 1.0, 7.0) as usize,
            active: number("--active", 100.0, 20_000.0) as u64,
            known: several("--known", &[0], &[0]),
            connections: several("--connections", &[8], &[64, 512])
                .iter()
                .map(|n| *n as usize)
                .collect(),
            history: if small { (8, 200) } else { (200, 10_000) },
            crowd: if small { 200 } else { 20_000 },
            crowds: several("--crowd", &[200], &[10_000, 100_000]),
            long: number("--long", 1.0, 60.0) as u64,
            turns: number("--turns", 100.0, 20_000.0) as u64,
            wakes: number("--wakes", 50.0, 5_000.0) as u64,
            disk: number("--disk", 100.0, 20_000.0) as u64,
            tail: number("--tail", 1_048_576.0, 134_217_728.0) as u64,
            herd: number("--herd", 400.0, 20_000.0) as u64,
            due: number("--due", 300.0, 20_000.0) as u64,
            slow: number("--slow", 1.0, 10.0),
            small,
            only: all("--only").pop(),
            json: all("--json").pop().map(PathBuf::from),
            report: all("--report").pop().map(PathBuf::from),
        }
    }

    /// Whether `who` is to be measured.
    pub fn wants(&self, who: &str) -> bool {
        match self.only.as_deref() {
            None => true,
            Some("rate") => matches!(who, "bare" | "segue"),
            Some("strain") => matches!(who, "hot" | "herd" | "slow" | "due"),
            Some(only) => only == who,
        }
    }
}
