//! `segue load`: customers, providers, a model and agents of its own around one Segue, and what they measured.
//!
//! Open loop: arrivals are drawn beforehand and kept to whatever the server does, and every latency counts from the
//! *intended* moment, so a stalled server cannot hide behind requests that were not sent. Everything ends by itself.
//!
//! | room | holds |
//! |---|---|
//! | `plan`, `spelled` | what is wanted, checked; how its figures are written |
//! | `arrivals` | chance, and the moments at which customers write |
//! | `customers` | who writes what: population and mix |
//! | `wire` | one file per kind of channel: the signed request, and how its provider hears an answer |
//! | `pace`, `sender` | keeps to the schedule; posts |
//! | `provider`, `model` | the built-in providers and the built-in model |
//! | `tabs` | the sockets on which the web chat's customers listen |
//! | `hired`, `agents` | people who claim, reply and give back through the API |
//! | `book`, `tally` | who waits for what, what was broken, and the histograms |
//! | `setup`, `course`, `find`, `verdict` | a run from beginning to end; the search for the highest rate; what came of it |
//! | `inquiry` | what the server's trail says of messages that nobody answered |
//! | `faults`, `soak` | what is made to go wrong in a long run, and what it did by the minute |
//! | `local`, `target`, `process`, `watch` | the server that is driven, and what it holds |
//! | `view`, `report` | progress, and the result |
//!
//! It never reads the store of the server that it drives, and never touches a conversation that is not its own.

pub mod agents;
pub mod arrivals;
pub mod book;
pub mod course;
pub mod customers;
pub mod faults;
pub mod find;
pub mod hired;
pub mod inquiry;
pub mod local;
pub mod model;
pub mod pace;
pub mod plan;
pub mod process;
pub mod provider;
pub mod report;
pub mod sender;
pub mod setup;
pub mod soak;
pub mod spelled;
pub mod tabs;
pub mod tally;
pub mod target;
pub mod verdict;
pub mod view;
pub mod watch;
pub mod wire;

/// Why a load could not be run. What is wrong, and how to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{what}")]
pub struct LoadError {
    /// What is wrong.
    pub what: String,
    /// How to mend it; may be empty.
    pub mend: String,
    /// Whether it was asked for wrongly, and not that something failed.
    pub usage: bool,
}

impl LoadError {
    /// `what` failed; `mend` says how to mend it.
    pub fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
            usage: false,
        }
    }

    /// The same, for what was asked for wrongly.
    pub fn usage(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            usage: true,
            ..Self::new(what, mend)
        }
    }
}
