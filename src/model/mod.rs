//! The model's side: compose the request, carry it, read the answer; never decide what becomes of it.
//!
//! Wire formats ([`openai`], [`anthropic`]), the prompt and the reading of a verdict are pure. The one carrier does
//! the HTTP: timeouts, concurrency, fallback, cancellation, money. The offline answerer stands behind the same door.

pub mod anthropic;
mod attempt;
mod carrier;
mod configured;
mod greeting;
pub mod guard;
pub mod leads;
mod library;
mod offline;
pub mod openai;
pub mod prompt;
pub mod refusal;
mod retrieve;
pub mod sentences;
mod service;
pub mod settings;
pub mod sse;
mod stream;
#[cfg(test)]
mod trials;
mod trouble;
pub mod turns;
pub mod verdict;
pub mod wire;

pub use carrier::install_crypto;
pub use configured::NotReady;
pub use service::Service;

use crate::conversation::question::{ModelAnswer, ModelFailure};

/// Where the text of a streamed answer goes, sentence by sentence, after the guardrails passed it.
pub trait Emit: Send + Sync {
    /// Shows `text` to the customer. `false`: the stream was stopped, nothing was shown, nothing more will be.
    fn emit(&self, text: &str) -> bool;
}

/// Whatever answers questions.
pub type Answered = Result<ModelAnswer, ModelFailure>;
