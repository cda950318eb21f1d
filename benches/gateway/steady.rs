//! Open loop: every message has its moment, whatever became of the ones before, and latency counts from that moment.
//!
//! A thread of its own lets the moments come, a quarter of a millisecond apart at the least: the timers of the runtime
//! would round them to whole milliseconds. A message whose moment has come takes the next free connection; if there is
//! none it waits, and that counts too. What is refused comes again after a second (as the refusal asks) if wanted, and
//! is then as late as it really is.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use segue::clock::monotonic;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use crate::load::{self, Signed};
use crate::scatter;

/// How far apart the moments are let come.
const TICK: Duration = Duration::from_micros(250);
/// Customers of an ordinary day.
pub const ORDINARY: u64 = 200;
/// What they write together per second.
const ORDINARY_RATE: f64 = 1_000.0;
/// So few are awake much sooner.
const WAKE_MAX: Duration = Duration::from_secs(30);
/// What `Retry-After` says at least.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is posted, and when.
pub struct Schedule {
    /// In this order.
    pub signed: Vec<Signed>,
    /// Per second.
    pub rate: f64,
    /// At most so many under way.
    pub connections: usize,
    /// Whether what is refused comes again until it is taken.
    pub again: bool,
}

impl Schedule {
    /// An ordinary day of so many seconds: the first [`ORDINARY`] customers write; what is refused is given up. The
    /// numbers of the messages begin with `message`.
    pub fn ordinary(seconds: f64, message: u64) -> Self {
        let count = (ORDINARY_RATE * seconds) as u64;
        let sign = |n| load::signed(scatter(n) % ORDINARY, n);
        Self {
            signed: (message..message + count).map(sign).collect(),
            rate: ORDINARY_RATE,
            connections: 64,
            again: false,
        }
    }
}

/// What came of it.
pub struct Steady {
    /// Messages that were acknowledged in the end.
    pub answered: u64,
    /// Refusals; with repeats, one message may be refused several times.
    pub refused: u64,
    /// Requests without any answer, because the connection broke.
    pub lost: u64,
    /// From the first moment to the last answer.
    pub took: Duration,
    /// Microseconds from the moment to the acknowledgement, least first.
    latencies: Vec<u32>,
}

impl Steady {
    /// Within so many microseconds this share of the messages was acknowledged.
    pub fn within(&self, share: f64) -> u32 {
        load::at(&self.latencies, share)
    }

    /// In milliseconds.
    pub fn ms(&self, share: f64) -> f64 {
        f64::from(self.within(share)) / 1_000.0
    }

    /// For the report.
    pub fn json(&self) -> Value {
        json!({
            "answered": self.answered, "refused": self.refused, "lost": self.lost, "seconds": self.took.as_secs_f64(),
            "p50_us": self.within(0.5), "p99_us": self.within(0.99), "p999_us": self.within(0.999),
            "max_us": self.within(1.0),
        })
    }
}

impl std::fmt::Display for Steady {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            out,
            "p50 {:.2} ms, p99 {:.2} ms, max {:.1} ms; {} acknowledged, {} refused, {} lost",
            self.ms(0.5),
            self.ms(0.99),
            self.ms(1.0),
            self.answered,
            self.refused,
            self.lost
        )
    }
}

struct Work {
    to: SocketAddr,
    schedule: Schedule,
    began: Instant,
    /// One permit for each message whose moment has come.
    gate: Arc<Semaphore>,
    next: Cell<usize>,
    repeats: RefCell<VecDeque<usize>>,
    /// Messages that nobody has given up and nobody has acknowledged.
    open: Cell<usize>,
    refused: Cell<u64>,
    lost: Cell<u64>,
    latencies: RefCell<Vec<u32>>,
}

/// Lets each of the [`ORDINARY`] customers write once, so that they are in memory.
pub fn wake(to: SocketAddr, message: u64) {
    let signed = (0..ORDINARY).map(|n| load::signed(n, message + n));
    let run = load::post(to, 8, signed.collect(), WAKE_MAX);
    assert_eq!(run.refused, 0, "everybody is answered");
}

/// Posts `schedule` to `to`; returns when every message is acknowledged or given up.
pub fn post(to: SocketAddr, schedule: Schedule) -> Steady {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, run(to, schedule))
}

async fn run(to: SocketAddr, schedule: Schedule) -> Steady {
    let (count, rate) = (schedule.signed.len(), schedule.rate);
    let mut streams = Vec::with_capacity(schedule.connections);
    for _ in 0..schedule.connections {
        streams.push(load::connect(to).await.expect("the server listens"));
    }
    let gate = Arc::new(Semaphore::new(0));
    let began = monotonic();
    let work = Rc::new(Work {
        to,
        began,
        gate: Arc::clone(&gate),
        next: Cell::new(0),
        repeats: RefCell::default(),
        open: Cell::new(count),
        refused: Cell::new(0),
        lost: Cell::new(0),
        latencies: RefCell::new(Vec::with_capacity(count)),
        schedule,
    });
    if count == 0 {
        gate.close();
    }
    let ticking = std::thread::spawn(move || tick(&gate, count, rate, began));
    let drivers: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::task::spawn_local(drive(stream, Rc::clone(&work))))
        .collect();
    for driver in drivers {
        driver.await.expect("a driver does not panic");
    }
    let took = began.elapsed();
    ticking.join().expect("the ticking does not panic");
    let mut latencies = work.latencies.take();
    latencies.sort_unstable();
    Steady {
        answered: latencies.len() as u64,
        refused: work.refused.get(),
        lost: work.lost.get(),
        took,
        latencies,
    }
}

fn tick(gate: &Semaphore, count: usize, rate: f64, began: Instant) {
    let mut come = 0;
    while come < count {
        let now = ((began.elapsed().as_secs_f64() * rate) as usize + 1).min(count);
        gate.add_permits(now - come);
        come = now;
        std::thread::sleep(TICK);
    }
}

async fn drive(stream: TcpStream, work: Rc<Work>) {
    let mut stream = Some(stream);
    let mut template = load::Template::new();
    let mut buffer = vec![0; load::ANSWER_MAX];
    loop {
        let Ok(place) = work.gate.acquire().await else {
            return;
        };
        place.forget();
        let n = work.take();
        if stream.is_none() {
            stream = load::connect(work.to).await.ok();
        }
        let code = match &mut stream {
            Some(stream) => {
                let request = template.fill(&work.schedule.signed[n]);
                load::exchange(stream, request, &mut buffer).await
            }
            None => None,
        };
        if code.is_none() {
            stream = None;
        }
        work.settle(n, code);
    }
}

impl Work {
    fn take(&self) -> usize {
        let repeat = self.repeats.borrow_mut().pop_front();
        repeat.unwrap_or_else(|| self.next.replace(self.next.get() + 1))
    }

    fn settle(self: &Rc<Self>, n: usize, code: Option<u16>) {
        let moment = self.began + Duration::from_secs_f64(n as f64 / self.schedule.rate);
        match code {
            Some(200..300) => {
                let late = monotonic().saturating_duration_since(moment).as_micros();
                let late = u32::try_from(late).unwrap_or(u32::MAX);
                self.latencies.borrow_mut().push(late);
                return self.close_one();
            }
            Some(_) => self.refused.set(self.refused.get() + 1),
            None => self.lost.set(self.lost.get() + 1),
        }
        if !self.schedule.again {
            return self.close_one();
        }
        let work = Rc::clone(self);
        tokio::task::spawn_local(async move {
            tokio::time::sleep(AGAIN_AFTER).await;
            work.repeats.borrow_mut().push_back(n);
            work.gate.add_permits(1);
        });
    }

    fn close_one(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            self.gate.close();
        }
    }
}
