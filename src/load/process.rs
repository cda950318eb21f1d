//! What a process costs, as the kernel counts it, and what kind of disk its files lie on. Linux; elsewhere nothing is known.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// The kernel counts processor time in hundredths of a second (`getconf CLK_TCK`, 100 on every Linux in use).
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process so far, in user space and in the kernel.
pub fn cpu(pid: u32) -> Option<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks(&stat).map(|ticks| TICK * ticks)
}

/// After the name, which may hold anything: state is field 3, user time 14, system time 15 (proc(5)).
fn ticks(stat: &str) -> Option<u32> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(14 - 3);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(user + system)
}

/// Memory that it holds, and the most it ever held, in bytes.
pub fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let number = line.split_whitespace().next()?;
        number.parse::<u64>().ok()
    };
    Some((kib("VmRSS:")? * 1_024, kib("VmHWM:")? * 1_024))
}

/// The kind of file system that `dir` lies on, such as `ext4` or `tmpfs`.
pub fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mount = |line: &str| {
        let mut words = line.split(' ').skip(1).map(str::to_owned);
        let (place, kind) = (words.next()?, words.next()?);
        dir.starts_with(&place).then_some((place.len(), kind))
    };
    let longest = mounts
        .lines()
        .filter_map(mount)
        .max_by_key(|(length, _)| *length);
    longest.map(|(_, kind)| kind)
}

/// Whether this process was told to go on when its terminal is closed (`nohup`); where nothing is known, it was.
pub fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    hangup_among_ignored(&status)
}

/// `SigIgn` is a mask in hexadecimal digits; SIGHUP is signal 1, its lowest bit (proc(5)).
fn hangup_among_ignored(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_none_or(|mask| mask & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_closed_terminal_matters_is_read() {
        let check = |status: &str, ignored: bool| {
            assert_eq!(hangup_among_ignored(status), ignored, "{status}");
        };
        check("Name:\tsegue\nSigIgn:\t0000000000000001\n", true);
        check("Name:\tsegue\nSigIgn:\t0000000000001000\n", false);
        check("Name:\tsegue\n", true);
    }

    #[test]
    fn a_process_with_a_strange_name_is_read() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 1 0 0 0 12 30 0 0 20 0 1 0 5 1 1";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a"), None);
    }
}
