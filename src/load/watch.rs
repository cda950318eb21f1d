//! What the server holds while it is driven: its memory, what is not applied yet, the conversations that it keeps; and the
//! memory of the load itself, which is another process.
//!
//! A thread of its own looks once a second: at the kernel's figures, and at three lines of the server's `/metrics`.
//! Only a server of our own is watched. What cannot be read is left out.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::local;
use super::pace::{Shared, open};
use super::process;
use crate::clock::monotonic;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// What there was at a moment.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Held {
    /// Memory of the server, bytes.
    pub memory: u64,
    /// Memory of the load, bytes: customers, providers, model and agents live in it.
    pub load_memory: u64,
    /// Durable and not yet applied, bytes.
    pub tail: u64,
    /// Conversations that the server keeps in memory.
    pub resident: u64,
}

/// Where the server is; its process changes when it is started again.
#[derive(Debug)]
pub struct Seat {
    /// Its process.
    pub pid: AtomicU32,
    /// Where it tells how it is.
    pub ops: SocketAddr,
}

/// The watch, while it is on. Ends when it is dropped.
pub struct Watch {
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Watch {
    /// Begins to look at the server on `seat`, and writes what it sees into `book`.
    pub fn start(seat: Arc<Seat>, book: Shared, begun: Instant) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&over);
        let look = move || {
            while !until.load(Ordering::Relaxed) {
                let held = held(&seat);
                let since = monotonic().saturating_duration_since(begun);
                if let Some(held) = held {
                    open(&book).tally.row(since).held = Some(held);
                }
                std::thread::park_timeout(EVERY);
            }
        };
        let thread = std::thread::Builder::new()
            .name("load-watch".to_owned())
            .spawn(look);
        Self {
            over,
            // Without it the load runs all the same.
            thread: thread.ok(),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ended = thread.join();
        }
    }
}

/// How it is now; none while it is being started again, and when it does not tell within a second: a nought would be
/// taken for a measurement.
fn held(seat: &Seat) -> Option<Held> {
    let (memory, _) = process::memory(seat.pid.load(Ordering::Relaxed))?;
    let (load_memory, _) = process::memory(std::process::id())?;
    let told = local::get(seat.ops, "/metrics")?;
    Some(Held {
        memory,
        load_memory,
        tail: gauge(&told, "segue_tail_bytes"),
        resident: gauge(&told, "segue_actors_resident"),
    })
}

/// The value of a gauge without labels; 0 when it is not told.
fn gauge(told: &str, name: &str) -> u64 {
    let value = told.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        rest.strip_prefix(' ')?.trim().parse::<f64>().ok()
    });
    value.unwrap_or_default() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_server_that_does_not_answer_nothing_is_told() {
        let bound = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let ops = bound.local_addr().expect("its address");
        drop(bound);
        let pid = AtomicU32::new(std::process::id());
        assert_eq!(held(&Seat { pid, ops }), None);
    }

    #[test]
    fn a_gauge_is_read_by_its_whole_name() {
        let told =
            "# TYPE segue_tail_bytes gauge\nsegue_tail_bytes_max 7\nsegue_tail_bytes 12000\n";
        assert_eq!(gauge(told, "segue_tail_bytes"), 12_000);
        assert_eq!(gauge(told, "segue_tail"), 0);
    }
}
