//! What is decided before the model runs: pure rules over a customer's words.
//!
//! A rule that fires here never spends a token. Nothing in this room does I/O, reads a clock, or knows a mode.

mod normal;
pub mod phrases;
mod starter;
mod wordings;

pub use phrases::{Match, PhraseRule, Phrases};
