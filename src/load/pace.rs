//! Keeps to the schedule: at each intended moment the next message goes out, whatever became of the ones before.
//!
//! Runs on the thread of the course, which sleeps to absolute moments: a timer wheel would round them to milliseconds.
//! The message is written and signed before its moment has come. When the thread itself is late, by the scheduler's
//! fault or because the rate is more than it can sign, latencies still count from the intended moment, and the delay is
//! reported.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::arrivals::{Arrivals, Chance};
use super::book::{Book, When};
use super::customers::{Customers, Letter};
use super::sender::{Outcome, Sender, Task};
use super::tabs::Tabs;
use super::target::Target;
use crate::clock::monotonic;

/// The longest sleep: whoever wants to end the run is heard that soon.
const NAP: Duration = Duration::from_millis(100);

/// The book, shared by everybody who writes into it.
pub type Shared = Arc<Mutex<Book>>;

/// Opens the book. Somebody who panicked while writing left a count behind at worst.
pub fn open(book: &Shared) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whoever keeps to the schedule.
pub struct Pacer {
    /// Who writes.
    pub customers: Customers,
    /// To whom.
    pub target: Arc<Target>,
    /// Posts.
    pub sender: Sender,
    /// Where customers of the web chat listen; none: nothing is listened to.
    pub tabs: Option<Arc<Tabs>>,
    /// Where it is written down.
    pub book: Shared,
    /// Where arrivals come from.
    pub chance: Chance,
    /// Ends it early.
    pub stop: CancellationToken,
    /// The furthest that this thread itself was behind the schedule.
    pub behind: Duration,
}

impl Pacer {
    /// Sends `rate` messages per second for `long`, as phase `phase` of the book. Says whether it came to the end.
    pub fn drive(&mut self, rate: f64, long: Duration, phase: usize) -> bool {
        let begin = monotonic();
        for at in Arrivals::new(self.chance.fork(), rate) {
            if at >= long {
                break;
            }
            let letter = self.customers.letter();
            let post = self
                .target
                .write(letter.customer, letter.mark, &letter.text);
            let when = When {
                at: begin + at,
                phase,
            };
            if !self.sleep_until(when.at) {
                return false;
            }
            self.behind = self
                .behind
                .max(monotonic().saturating_duration_since(when.at));
            self.send(&letter, post, when, begin + long);
        }
        self.sleep_until(begin + long)
    }

    fn send(&self, letter: &Letter, post: super::wire::Post, when: When, end: Instant) {
        let (customer, mark, asks) = (letter.customer, letter.mark, letter.asks_for_person);
        open(&self.book).offered(customer, mark, asks, when);
        if let Some(tabs) = &self.tabs
            && !tabs.open(customer)
        {
            let mut book = open(&self.book);
            book.fault("no room for another tab".to_owned());
            return book.not_sent(customer, mark, when);
        }
        let book = Arc::clone(&self.book);
        let done = move |outcome: Outcome, now: Instant| {
            let mut book = open(&book);
            match outcome {
                Outcome::Answered(status) if status.is_success() => {
                    book.acknowledged(customer, mark, asks, when, now);
                    if now <= end {
                        book.tally.phases[when.phase].in_time += 1;
                    }
                }
                Outcome::Answered(status) => {
                    book.refused(customer, mark, when, Some(status.as_u16()), "");
                }
                Outcome::NoConnection | Outcome::Broken | Outcome::TimedOut => {
                    book.refused(customer, mark, when, None, &outcome.fault());
                }
            }
        };
        let task = Task {
            post,
            done: Box::new(done),
        };
        if self.sender.post(task).is_err() {
            open(&self.book).not_sent(customer, mark, when);
        }
    }

    /// Sleeps until `moment`; false when the run was ended.
    pub fn sleep_until(&self, moment: Instant) -> bool {
        loop {
            if self.stop.is_cancelled() {
                return false;
            }
            let left = moment.saturating_duration_since(monotonic());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(NAP));
        }
    }
}
