//! Learning from what happened: the handoff log, and what is made of it.
//!
//! Everything here is read off the trail, which the core wrote when it decided; nothing is counted a second time while
//! Segue runs, and nothing here changes a conversation. So every figure can be made again for any stretch of time, on
//! the running process or on files, and a new question can be asked of old conversations.
//!
//! | room | holds |
//! |---|---|
//! | `source` | conversations one after another, from the store or over the control socket |
//! | `record`, `fold` | one conversation's trail, folded into its handoffs and facts |
//! | `report` | many records, added up: rates, waits, verdicts, ghosts, missed candidates |
//! | `topics` | the words that come back in what was handed off |
//! | `looked`, `replay`, `tally` | what other rules would have decided |
//! | `export` | one conversation as a line for training |
//! | `shown` | a handoff as it is shown outside |
//!
//! It never prints, never serves, and never guesses: where there is nothing to estimate from, the answer is none.

pub mod export;
pub mod fold;
mod looked;
pub mod record;
pub mod replay;
pub mod report;
pub mod shown;
pub mod source;
pub mod tally;
pub mod topics;

pub use fold::fold;
pub use record::{Ended, Given, Handoff, Record, Silence};
pub use source::{Ask, Facts, Found, Page, Source, Told};
