//! How rates, times and shares are written on the command line. What cannot be read is told how to be written. Pure.

use std::time::Duration;

use super::plan::{LONG_MAX, RATE_MAX, STEPS_MAX};
use crate::config::show;

/// `100` or `100,200,400`: messages per second.
///
/// # Errors
/// What is wrong.
pub fn rates(text: &str) -> Result<Vec<f64>, String> {
    let all: Result<Vec<f64>, String> = text.split(',').map(|one| rate(one.trim())).collect();
    let all = all?;
    match all.len() > STEPS_MAX {
        true => Err(format!("at most {STEPS_MAX} steps")),
        false => Ok(all),
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| {
        format!("`{text}` is no rate: write messages per second, such as 200 or 100,200,400")
    })?;
    match (0.1..=RATE_MAX).contains(&number) {
        true => Ok(number),
        false => Err(format!(
            "`{text}`: a rate is from 0.1 to {RATE_MAX} messages per second"
        )),
    }
}

/// `30s`, `5m`, `250ms`; a bare number is seconds.
///
/// # Errors
/// What is wrong.
pub fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let seconds = text
        .parse::<u32>()
        .ok()
        .map(|s| Duration::from_secs(u64::from(s)));
    let long = seconds.map_or_else(|| crate::config::duration(text), Ok)?;
    match long <= LONG_MAX {
        true => Ok(long),
        false => Err(format!("at most {}", show(LONG_MAX))),
    }
}

/// `5%` or `0.05`.
///
/// # Errors
/// What is wrong.
pub fn share(text: &str) -> Result<f64, String> {
    let text = text.trim();
    let number = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    match number {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        Ok(_) | Err(_) => Err("write a share from 0 to 1, or from 0% to 100%".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_times_and_shares_are_read() {
        assert_eq!(rates("100"), Ok(vec![100.0]));
        assert_eq!(rates("0.5, 200,400"), Ok(vec![0.5, 200.0, 400.0]));
        assert_eq!(time("10"), Ok(Duration::from_secs(10)));
        assert_eq!(time("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!((share("5%"), share("0.05")), (Ok(0.05), Ok(0.05)));
    }

    #[test]
    fn what_cannot_be_read_is_told_how_to_be_written() {
        let check = |problem: Result<String, String>, hint: &str| {
            let problem = problem.expect_err("nonsense");
            assert!(problem.contains(hint), "{problem}");
        };
        let shown = |rates: Result<Vec<f64>, String>| rates.map(|rates| format!("{rates:?}"));
        check(shown(rates("fast")), "messages per second");
        check(shown(rates("100,")), "messages per second");
        check(shown(rates("0")), "from 0.1 to 100000");
        check(shown(rates("1e9")), "from 0.1 to 100000");
        check(shown(rates("NaN")), "from 0.1");
        check(
            shown(rates("1,".repeat(60).trim_end_matches(','))),
            "at most 50 steps",
        );
        check(time("soon").map(show), "write a duration like");
        check(time("9h").map(show), "at most 4h");
        check(share("200%").map(|s| s.to_string()), "from 0% to 100%");
        check(share("-1").map(|s| s.to_string()), "from 0 to 1");
    }
}
