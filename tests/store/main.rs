//! The embedded store, from outside: what it acknowledged is never lost, and what it shows is what was committed.
#![expect(clippy::unwrap_used, reason = "tests")]

mod bed;
mod creation;
mod cuts;
mod failures;
mod faulty;
mod reads;
mod retention;
