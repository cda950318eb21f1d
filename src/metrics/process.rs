//! The process itself, as Linux tells: CPU, memory, start, open files. Elsewhere this says nothing.
//!
//! Written as text of its own because the exporter's counters are whole numbers, and a process that uses a fifth of a
//! core would show steps. Source: proc(5), `/proc/self/stat` fields 14, 15 and 22, `VmRSS` of `/proc/self/status`,
//! `btime` of `/proc/stat`.

use std::fmt::Write as _;
use std::fs;

use super::catalogue::{CPU_SECONDS, Family, OPEN_FDS, RESIDENT_MEMORY, START_TIME};

/// Ticks in a second in `/proc`: USER_HZ, which Linux fixes at 100 on every architecture that Rust's tier 1 and 2 name.
const TICKS: f64 = 100.0;

/// What the process has used so far.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Usage {
    /// User and system CPU time, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// When the process started, in seconds since the Unix epoch.
    pub started_at: f64,
    /// Open file descriptors.
    pub open_fds: u64,
}

impl Usage {
    /// Reads it; none where the system does not tell.
    pub fn read() -> Option<Self> {
        let (cpu_seconds, after_boot) = parse_stat(&fs::read_to_string("/proc/self/stat").ok()?)?;
        let resident = field(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")?;
        let booted = field(&fs::read_to_string("/proc/stat").ok()?, "btime")?;
        let open_fds = fs::read_dir("/proc/self/fd").ok()?.count();
        Some(Self {
            cpu_seconds,
            resident_bytes: resident.saturating_mul(1024),
            #[expect(
                clippy::cast_precision_loss,
                reason = "seconds since 1970 fit a double for 285 million years"
            )]
            started_at: booted as f64 + after_boot,
            // Reading the directory opens one more.
            open_fds: u64::try_from(open_fds.saturating_sub(1)).unwrap_or(u64::MAX),
        })
    }

    /// Appends it to a scrape.
    pub(super) fn write(&self, out: &mut String) {
        line(out, &CPU_SECONDS, &self.cpu_seconds);
        line(out, &RESIDENT_MEMORY, &self.resident_bytes);
        line(out, &START_TIME, &self.started_at);
        line(out, &OPEN_FDS, &self.open_fds);
    }
}

fn line(out: &mut String, family: &Family, value: &dyn std::fmt::Display) {
    let (name, kind) = (family.name, family.kind.as_str());
    writeln!(
        out,
        "# HELP {name} {}\n# TYPE {name} {kind}\n{name} {value}\n",
        family.help
    )
    .expect("a string takes any text");
}

/// CPU seconds, and seconds from boot to start. The name of the process stands in brackets and may hold anything.
fn parse_stat(stat: &str) -> Option<(f64, f64)> {
    let (_, after_name) = stat.rsplit_once(')')?;
    // The first field after the name is number 3.
    let mut fields = after_name.split_ascii_whitespace();
    let mut ticks = |skip: usize| fields.nth(skip)?.parse::<f64>().ok();
    let (user, system, started) = (ticks(11)?, ticks(0)?, ticks(6)?);
    Some(((user + system) / TICKS, started / TICKS))
}

/// The first number after `name` at the start of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_stat_line_whose_name_holds_brackets_and_blanks() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 901 0 0 0 250 50 0 0 20 0 5 0 12345 1 2";
        assert_eq!(parse_stat(stat), Some((3.0, 123.45)));
        assert_eq!(parse_stat("42 (short) S 1"), None);
    }

    #[test]
    fn reads_a_number_after_its_name() {
        assert_eq!(field("Name:\tx\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048));
        assert_eq!(field("Name:\tx\n", "VmRSS:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_something_and_started_in_the_past() {
        let usage = Usage::read().expect("Linux tells");
        assert!(usage.resident_bytes > 1 << 20, "{usage:?}");
        assert!(usage.open_fds >= 3, "{usage:?}");
        // 2020-01-01: a machine whose clock is unset fails here, rightly.
        assert!(usage.started_at > 1_577_836_800.0, "{usage:?}");
    }
}
