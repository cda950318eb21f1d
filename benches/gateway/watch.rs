//! Processor time by thread, as the kernel counts it; what a process costs in all is in `segue::load::process`.

use std::collections::BTreeMap;
use std::fs;

/// The kernel counts user and system time in hundredths of a second.
const TICK_US: u64 = 10_000;

/// Microseconds of processor time.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// In user space, in steps of 10 ms.
    pub user: u64,
    /// In the kernel, in steps of 10 ms.
    pub system: u64,
    /// Both, exactly.
    pub all: u64,
}

/// Processor time of `pid` by name of thread. Threads that have ended are missing: the servers here keep theirs.
pub fn cpu(pid: u32) -> BTreeMap<String, Cpu> {
    let mut by_name = BTreeMap::<String, Cpu>::new();
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return by_name;
    };
    for task in tasks.flatten() {
        let read = |name| fs::read_to_string(task.path().join(name)).unwrap_or_default();
        let (stat, run) = (read("stat"), read("schedstat"));
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        // After the name: state is field 3, user time 14, system time 15 (proc(5)).
        let ticks = |field: usize| {
            rest.split(' ')
                .nth(field - 3)
                .and_then(|text| text.parse().ok())
                .unwrap_or(0)
        };
        let nanos: u64 = run
            .split(' ')
            .next()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let one = by_name.entry(read("comm").trim().to_owned()).or_default();
        one.user += ticks(14) * TICK_US;
        one.system += ticks(15) * TICK_US;
        one.all += nanos / 1_000;
    }
    by_name
}

/// `after` without `before`, by name of thread.
pub fn between(
    before: &BTreeMap<String, Cpu>,
    after: &BTreeMap<String, Cpu>,
) -> BTreeMap<String, Cpu> {
    let less = |(name, after): (&String, &Cpu)| {
        let before = before.get(name).copied().unwrap_or_default();
        let used = Cpu {
            user: after.user.saturating_sub(before.user),
            system: after.system.saturating_sub(before.system),
            all: after.all.saturating_sub(before.all),
        };
        (name.clone(), used)
    };
    after.iter().map(less).collect()
}

/// The sum over all threads.
pub fn total(threads: &BTreeMap<String, Cpu>) -> Cpu {
    let add = |sum: Cpu, one: &Cpu| Cpu {
        user: sum.user + one.user,
        system: sum.system + one.system,
        all: sum.all + one.all,
    };
    threads.values().fold(Cpu::default(), add)
}

/// Bytes that a process had moved to and from the disk.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Io {
    /// Read from the disk, not from the page cache.
    pub read: u64,
    /// Written, counted when the page became dirty.
    pub written: u64,
}

/// What `pid` has moved so far; nothing where the kernel does not tell.
pub fn io(pid: u32) -> Io {
    let text = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
    };
    Io {
        read: of("read_bytes:"),
        written: of("write_bytes:"),
    }
}
