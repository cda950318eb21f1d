//! What an answer of the model rests on and what it cost: the parts of trail entries that are only numbers and names.
//!
//! Stored with the entries; fields are added at the end only. It holds no text of anybody.

use serde::{Deserialize, Serialize};

/// Tokens and money of one call to the model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input: u64,
    /// Of those, read from the provider's cache.
    pub cached: u64,
    /// Tokens written.
    pub output: u64,
    /// What it cost, in millionths of a US dollar.
    pub cost_micros: u64,
}

/// A retrieved chunk and how well it matched.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Source {
    /// The chunk's id (file and heading).
    pub chunk: String,
    /// How well it matched, in thousandths.
    pub score: u32,
}
